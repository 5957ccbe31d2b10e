"""What the benchmarks share: photographs, settings, processes whose memory can be told apart, and tables.

Every benchmark is a command, ``python tests/benchmarks/NAME.py``, for the environment that ``tests/run`` makes or any
other in which ``decouple_core`` and scikit-image can be imported. It prints Markdown, asserts nothing, and what it
compares it measures in the same run. The network is VGG-16 unless ``--set network=vgg19`` says otherwise, so that
numbers do not depend on which hosts answer.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import skimage.data
import torch
from torch import Tensor

from decouple_contract.progress import silent
from decouple_contract.settings import Settings
from decouple_core.features.colour import ColourMoments, map_between
from decouple_core.flow.move import Flow, Move
from decouple_core.model.device import describe, pick_device
from decouple_core.model.prepared import PreparedModel
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.resampling import shrink
from decouple_core.thesis.gradient_descent import SCALE, GradientDescent

T = TypeVar("T")

PHOTOGRAPHS = {
    "astronaut": "astronaut",
    "chelsea": "chelsea",
    "coffee": "coffee",
    "rocket": "rocket",
    "hubble": "hubble_deep_field",
}
"""Photographs that scikit-image carries and their functions in `skimage.data`; CC0 or in the public domain."""

DESCENT_CHUNK = 10
"""Steps of gradient descent between two looks at the clock."""


def photographs(folder: Path | None = None) -> dict[str, np.ndarray]:
    """Photographs by name, each of shape (H, W, 3), float32 in [0, 1]: scikit-image's, or those of a folder."""
    if folder is None:
        return {
            name: np.asarray(getattr(skimage.data, function)(), np.float32) / 255
            for name, function in PHOTOGRAPHS.items()
        }
    return {path.stem: read_image(path).pixels for path in numbered(folder)}


def stained_tissue() -> np.ndarray:
    """A style that looks painted, (H, W, 3): cells in two dyes, of which scikit-image carries a picture."""
    return np.asarray(skimage.data.immunohistochemistry(), np.float32) / 255


def numbered(folder: Path) -> list[Path]:
    """The PNG and JPEG files of a folder, numbers in their order."""
    found = [path for path in folder.iterdir() if path.suffix.lower() in (".png", ".jpg", ".jpeg")]
    return sorted(found, key=lambda path: (len(path.stem), path.stem))


def resized(pixels: np.ndarray, size: int) -> np.ndarray:
    """The picture with its longer side at `size` pixels: shrunk, or mirrored on where it is smaller.

    The cost of a transfer depends on the number of pixels alone, and mirroring takes no memory of its own.
    """
    height, width = pixels.shape[:2]
    if max(height, width) >= size:
        return np.ascontiguousarray(as_pixels(shrink(pixels, size)))
    scale = size / max(height, width)
    more = ((0, round(height * scale) - height), (0, round(width * scale) - width), (0, 0))
    return np.pad(pixels, more, mode="symmetric")


def as_pixels(image: Tensor) -> np.ndarray:
    """A tensor (3, H, W) as an array (H, W, 3), neither clipped nor rounded."""
    return np.ascontiguousarray(image.permute(1, 2, 0).cpu().numpy())


def linear_colour(target: np.ndarray, style: np.ndarray) -> np.ndarray:
    """The target with the style's colour moments, by the linear Monge–Kantorovitch map, clipped to [0, 1]."""
    x, y = (torch.from_numpy(pixels.transpose(2, 0, 1).copy()) for pixels in (target, style))
    return as_pixels(map_between(ColourMoments.of(x), ColourMoments.of(y))(x).clamp(0, 1))


def parser(description: str | None) -> argparse.ArgumentParser:
    """A parser of options with ``--set NAME=VALUE`` for any of the program's settings."""
    options = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="one of the program's settings, such as freedom=0.6; may be given several times",
    )
    return options


def settings_from(options: argparse.Namespace, **fixed: Any) -> Settings:
    """The settings that were given, those that the benchmark fixes, and the defaults."""
    values: dict[str, Any] = {"network": "vgg16"}
    for item in options.settings:
        name, _, text = item.partition("=")
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    try:
        return Settings.from_dict({**values, **fixed})
    except ValueError as error:
        sys.exit(str(error))


def numbers(text: str) -> list[int]:
    """Whole numbers from text such as 128,256."""
    return [int(part) for part in text.split(",")]


def machine(settings: Settings) -> str:
    """Where the numbers come from, for the line above a table."""
    return f"{describe(pick_device(settings.device))}, torch {torch.__version__}, {settings.network}"


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a Markdown table; floats get three significant digits."""
    print("\n| " + " | ".join(headers) + " |\n|" + " --- |" * len(headers))
    for row in rows:
        print("| " + " | ".join(_cell(value) for value in row) + " |", flush=True)
    print(flush=True)


def _cell(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:#.3g}"


def timed(work: Callable[[], T], device: torch.device | None = None) -> tuple[float, T]:
    """Wall-clock seconds of one call, an accelerator's queue included, and what it returned."""
    _wait(device)
    start = time.perf_counter()
    result = work()
    _wait(device)
    return time.perf_counter() - start, result


def median_seconds(work: Callable[[], object], repeats: int, device: torch.device | None = None) -> float:
    """Median of several calls after one that warms up."""
    work()
    return statistics.median(timed(work, device)[0] for _ in range(repeats))


def _wait(device: torch.device | None) -> None:
    if device is not None and device.type != "cpu":
        getattr(torch, device.type).synchronize()


def in_child(function: Callable[..., T], *arguments: object) -> tuple[T, float]:
    """Call a function in a fresh process; its result, and the most memory that the process held, in MiB."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_with_peak, function, arguments).result()


def _with_peak(function: Callable[..., T], arguments: Sequence[object]) -> tuple[T, float]:
    return function(*arguments), peak_memory()


def peak_memory() -> float:
    """The most memory that this process has held so far, in MiB."""
    # ru_maxrss would start from what the parent held, because it outlives exec; see proc(5) and getrusage(2).
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return held_by("self") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def held_by(process: int | str) -> float:
    """The most memory that a running process has held so far, in MiB; 0 where the system does not say."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        return 0.0


def processor_seconds() -> float:
    """What this process and the programs that it has waited for have used of all cores."""
    used = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return sum(one.ru_utime + one.ru_stime for one in used)


def prepared(settings: Settings) -> PreparedModel:
    """The network with its reference, and no word about it."""
    return PreparedModel.prepare(settings, pick_device(settings.device), silent)


class ThesisLoss:
    """Watches a flow by the thesis's measure: mean squared difference of the moving layer's channel means, fed 0 … 255.

    Attributes
    ----------
    value : float
        At the image that the flow visited last.
    """

    def __init__(self) -> None:
        self.value = float("inf")

    def __call__(self, move: Move, values: Tensor) -> None:
        difference = (values - move.goals)[:, -move.goal.shape[1] :]
        self.value = (SCALE * difference).square().mean().item()


def descend(flow: Flow, watch: ThesisLoss, image: Tensor, move: Move, *, loss: float, limit: float) -> Tensor:
    """The thesis's gradient descent until the loss falls below a value or `limit` seconds are over.

    Parameters
    ----------
    flow : Flow
        Watched by `watch`.
    """
    rule = GradientDescent(normalised=loss, imposed=loss, steps=DESCENT_CHUNK)
    end = time.perf_counter() + limit
    watch.value = float("inf")
    while watch.value >= loss and time.perf_counter() < end:
        image = rule.follow(flow, image, move)
    return image
