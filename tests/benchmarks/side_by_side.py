"""Ours beside other methods on the same pairs in one run: seconds, peak memory, structure kept and style reached.

    python tests/benchmarks/side_by_side.py OUT [--size 512] [--tissue] [--pairs FOLDER] [--only METHODS]
    python tests/benchmarks/side_by_side.py OUT --places [--only METHODS]

Every method works on pictures whose longer side is --size, in a process of its own, with its models loaded before the
clock starts; one small transfer warms it up. Those of peers.py are other programs, left out where they are not
installed. OUT gets ``pairs/content``, ``pairs/style`` and a folder of results for every method, all with equal names;
scoring.py scores them, or another program (--scorer, see pairs.py). With --places they are the pairs of places.py, and
scored within their regions, too, which no method sees.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import gatys
import numpy as np
import places
import torch
from common import (
    PHOTOGRAPHS,
    ThesisLoss,
    as_pixels,
    descend,
    in_child,
    linear_colour,
    machine,
    numbered,
    parser,
    peak_memory,
    photographs,
    prepared,
    processor_seconds,
    resized,
    settings_from,
    stained_tissue,
    table,
    timed,
)
from pairs import scores, sheet
from peers import PEERS, Command, Method
from scoring import IN_REGIONS, SCORES, Scorer

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.flow.move import Move
from decouple_core.model.device import pick_device
from decouple_core.pictures.labels import read_labels
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.writing import write_image
from decouple_core.request import Input, Request

THESIS_LAYERS = 2
"""How far the thesis got in its time."""

WARMING_SIZE = 64


def ours(settings: Settings) -> Method:
    """The program itself; nothing is kept from one pair to the next but the network."""
    transfers = Engine()
    return lambda target, style: transfers.transfer(Request(Input(target), Input(style), settings)).image


def thesis(settings: Settings, limit: float) -> Method:
    """The thesis's gradient descent: style, normalise and stylise, each move with its share of the seconds.

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
        values = [v * alive for v, alive in zip(model.reference.values, live.split(model.reference.sizes), strict=True)]
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


OWN: dict[str, Callable[[argparse.Namespace], Method]] = {
    "ours_photo": lambda options: ours(settings_from(options, mode="photo")),
    "ours_painting": lambda options: ours(settings_from(options, mode="painting", size=options.size)),
    "linear_colour": lambda options: linear_colour,
    "gatys": lambda options: by_gatys(settings_from(options), options.iterations),
    "thesis_sgd": lambda options: thesis(settings_from(options), options.seconds),
}
"""Methods that need nothing but this project; they are made with the options of the command line."""

SLOW = ("gatys", "thesis_sgd")
"""Minutes each, beside which nothing is left to warm up."""


def by_gatys(settings: Settings, iterations: int) -> Method:
    """Gatys et al. 2016 with the program's network."""
    device = pick_device(settings.device)
    return lambda target, style: gatys.transfer(target, style, settings.network, iterations, device)


@dataclass(frozen=True)
class Cost:
    """What a method took: medians over the pairs, and the most memory of all of them.

    Attributes
    ----------
    seconds, processor_seconds : float
    peak : float
        In MiB; that of the process with its libraries, or of the program that a method is.
    """

    seconds: float
    processor_seconds: float
    peak: float


def measure(name: str, options: argparse.Namespace) -> Cost:
    """Run one method on all pairs and write its results."""
    peer = PEERS.get(name)
    transfer = peer.load() if peer else OWN[name](options)
    if not (peer.slow if peer else name in SLOW):
        warm = [resized(picture, WARMING_SIZE) for picture in list(photographs().values())[:2]]
        transfer(warm[0], warm[1])
    taken: list[tuple[float, float]] = []
    (options.out / name).mkdir(exist_ok=True)
    for path in numbered(options.out / "pairs" / "content"):
        target, style = (read_image(options.out / "pairs" / side / path.name).pixels for side in ("content", "style"))
        before = processor_seconds()
        duration, result = timed(partial(transfer, target, style))
        taken.append((duration, processor_seconds() - before))
        write_image(options.out / name / path.name, np.ascontiguousarray(result))
        print(f"{name} {path.stem}: {duration:.1f} s", file=sys.stderr, flush=True)
    seconds, processor = (statistics.median(column) for column in zip(*taken, strict=True))
    return Cost(seconds, processor, transfer.peak if isinstance(transfer, Command) else peak_memory())


def own_scores(options: argparse.Namespace, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Medians over the pairs of each score by method, by the program's own network."""
    scorer, pairs = Scorer(settings_from(options).network), options.out / "pairs"
    found: dict[str, dict[str, float]] = {}
    for name in names:
        rows = [
            scorer(
                *(
                    read_image(folder / path.name).pixels
                    for folder in (pairs / "content", pairs / "style", options.out / name)
                )
            )
            for path in numbered(pairs / "content")
        ]
        found[name] = {score: statistics.median(row[score] for row in rows) for score in SCORES}
    return found


def region_scores(options: argparse.Namespace, names: Iterable[str]) -> dict[str, dict[str, float]]:
    """Medians over the pairs of each score within regions by method, by the program's own network."""
    scorer, pairs = Scorer(settings_from(options).network), options.out / "pairs"
    found: dict[str, dict[str, float]] = {}
    for name in names:
        rows = []
        for path in numbered(pairs / "content"):
            style, result = (read_image(folder / path.name).pixels for folder in (pairs / "style", options.out / name))
            labels = (
                read_labels(pairs / f"{side}_regions" / path.name, pixels.shape[:2])
                for side, pixels in (("content", result), ("style", style))
            )
            rows.append(scorer.in_regions(style, result, *(np.where(one == places.NOWHERE, -1, one) for one in labels)))
        found[name] = {score: statistics.median(row[score] for row in rows) for score in IN_REGIONS}
    return found


def write_pairs(options: argparse.Namespace) -> int:
    """Write the pairs at their size; how many there are."""
    if options.places:
        return places.write_pairs(options.out / "pairs")
    if options.pairs:
        contents = numbered(options.pairs / "content")
        pairs = [(read_image(path).pixels, read_image(options.pairs / "style" / path.name).pixels) for path in contents]
    else:
        photos = photographs()
        nexts = dict(zip(photos, [*list(photos)[1:], *photos], strict=False))
        pairs = [
            (photos[name], stained_tissue() if options.tissue else photos[nexts[name]])
            for name in options.targets.split(",")
        ]
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
    options.add_argument(
        "--pairs",
        type=Path,
        help="folder with content/N.png and style/N.png (default: scikit-image's photographs, each with the next)",
    )
    options.add_argument("--places", action="store_true", help="the pairs of places.py, which have regions")
    options.add_argument("--targets", default=",".join(PHOTOGRAPHS), help="which of them (default: %(default)s)")
    options.add_argument(
        "--tissue",
        action="store_true",
        help="scikit-image's stained tissue, which looks painted, as the style of all its photographs",
    )
    options.add_argument("--count", type=int, default=5, help="how many pairs (default: %(default)s)")
    options.add_argument("--only", default=",".join((*OWN, *PEERS)), help="methods to run (default: %(default)s)")
    options.add_argument("--sheet", type=Path, metavar="PNG", help="contact sheet of the results")
    options.add_argument(
        "--seconds",
        type=float,
        default=60,
        help="what the thesis's gradient descent may take a pair (default: %(default)s)",
    )
    options.add_argument(
        "--iterations", type=int, default=300, help="of L-BFGS for Gatys et al. (default: %(default)s)"
    )
    options.add_argument("--scorer", type=Path, help="the program that scores results (default: scoring.py)")
    given = options.parse_args()
    count = write_pairs(given)
    if len(numbered(given.out / "pairs" / "content")) > count:
        options.error(f"{given.out} holds other pairs already; choose a new folder")
    print(
        f"{machine(settings_from(given))}; medians over {count} pairs of {given.size} px; {given.iterations} "
        f"iterations of L-BFGS, {given.seconds:g} s of gradient descent"
    )
    costs: dict[str, Cost] = {}
    for name in given.only.split(","):
        if name in PEERS and PEERS[name].missing:
            print(f"{name} is left out: {PEERS[name].missing}")
        else:
            costs[name] = in_child(measure, name, given)[0]
    scored = (
        scores(given.scorer, given.out / "pairs", [given.out / name for name in costs])
        if given.scorer
        else own_scores(given, costs)
    )
    table(
        ("method", "seconds", "processor seconds", "peak memory, MiB", *SCORES),
        [(name, *vars(cost).values(), *(scored[name][score] for score in SCORES)) for name, cost in costs.items()],
    )
    if given.places:
        within = region_scores(given, costs)
        table(("method", *IN_REGIONS), [(name, *row.values()) for name, row in within.items()])
    if given.sheet and "ours_painting" in costs:
        sheet(
            given.sheet,
            given.out / "pairs",
            given.out / "ours_painting",
            {name: given.out / name for name in costs if name not in ("ours_painting", "linear_colour")},
        )


if __name__ == "__main__":
    main()
