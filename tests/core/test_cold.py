"""What a start loads, which is what it mostly takes: nothing that it does not need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

SLOW = {
    "matplotlib",
    "jinja2",
    "torchvision",
    "scipy",
    "skimage",
    "requests",
    "urllib3",
    "tifffile",
    "sympy",
    "OpenEXR",
}
"""Packages that a photograph in a picture's style, from a PNG to a PNG, needs nothing of."""

COMPUTING = {"torch", "numpy", "PIL", "imagecodecs", "safetensors"}


def loaded(program: str, *words: str) -> set[str]:
    """The modules that a fresh process has loaded when a program has ended."""
    told = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import json, sys\ntry:\n    {program}\nexcept SystemExit:\n    pass\n"
            "print(json.dumps(list(sys.modules)), file=sys.stderr)",
            *words,
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stderr
    return set(json.loads(told.splitlines()[-1]))


def packages(modules: set[str]) -> set[str]:
    """Those on top."""
    return {name.partition(".")[0] for name in modules}


COMMAND = "from decouple_core.__main__ import main; main()"


@pytest.mark.parametrize("words", [["--help"], ["transfer", "--help"], ["transfer"], ["serve", "--help"]])
def test_help_and_refusals_load_nothing_that_computes(words: list[str]) -> None:
    assert not packages(loaded(COMMAND, *words)) & (SLOW | COMPUTING)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_a_transfer_loads_what_it_needs(mode: str, tmp_path: Path, small_photographs: list[Path]) -> None:
    """Neither the report's plots nor what fetches weights; nor torch's compiler, which takes longer than the rest."""
    target, style = small_photographs
    given = ["transfer", str(target), str(style), "-o", str(tmp_path / "out.png"), "--mode", mode, "--size", "64"]
    modules = loaded(COMMAND, *given, "--network", "vgg16")
    assert (tmp_path / "out.png").exists()
    assert {"torch", "decouple_core.engine.engine"} <= modules
    assert not packages(modules) & SLOW
    assert not modules & {"torch._dynamo", "torch._inductor", "decouple_core.weights.download"}


@pytest.fixture
def small_photographs(tmp_path: Path, weights: tuple[str, object]) -> list[Path]:
    """Two, of 64 px; the weights are there."""
    paths = [tmp_path / "target.png", tmp_path / "style.png"]
    for number, path in enumerate(paths):
        Image.linear_gradient("L").rotate(90 * number).resize((64, 48)).convert("RGB").save(path)
    return paths
