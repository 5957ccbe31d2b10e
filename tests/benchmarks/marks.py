"""Paintings place by place: is every mark one of the style's, and is what the target shows still there?

    python tests/benchmarks/marks.py PAIRS RESULTS…

PAIRS holds content/N.png and style/N.png, each folder of RESULTS N.png, as pairs.py writes them. *marks* is the mean
distance of a result's places to the nearest place of the style, *coverage* the same the other way round, *content* how
much the distances among the result's places differ from those among the target's: the relaxed earth mover's distance
and the self-similarity of Kolkin, Salavon & Shakhnarovich (2019), of a VGG-19 that nothing here is tuned on, up to
relu3_1, at longer sides of 128 and 256 px. Lower is better.
"""

from __future__ import annotations

import statistics
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from common import numbered, parser, table
from PIL import Image
from scoring import Scorer
from torch import Tensor

SIDES = (128, 256)
SCORES = ("marks", "coverage", "content")


def main() -> None:
    """Score every result, and print the medians and each pair."""
    asked = parser(__doc__)
    asked.add_argument("pairs", type=Path)
    asked.add_argument("results", type=Path, nargs="+")
    asked.add_argument("--network", default="vgg19", help="vgg16, which paints, scores its own paintings better")
    options = asked.parse_args()
    scorer, rows = Scorer(options.network), []
    for folder in options.results:
        found = []
        for path in numbered(options.pairs / "content"):
            found.append(scores(scorer, path, options.pairs / "style" / path.name, folder / path.name))
            rows.append([folder.name, path.stem, *(f"{score:.3f}" for score in found[-1])])
        rows.append(
            [folder.name, "median", *(f"{statistics.median(column):.3f}" for column in zip(*found, strict=True))]
        )
    print(table(["result", "pair", *SCORES], rows))


def scores(scorer: Scorer, target: Path, style: Path, result: Path) -> tuple[float, float, float]:
    """Marks, coverage and content of one result."""
    marks, coverage = [], []
    for side in SIDES:
        taps = places(scorer, read(style, side))
        centres = [tap.mean(1, keepdim=True) for tap in taps]
        there, here = directions(taps, centres), directions(places(scorer, read(result, side)), centres)
        marks.append(nearest(here, there))
        coverage.append(nearest(there, here))
    own, got = (similarity(places(scorer, read(path, SIDES[0]))) for path in (target, result))
    return statistics.mean(marks), statistics.mean(coverage), float((got - own).abs().sum(1).mean())


def read(path: Path, side: int) -> np.ndarray:
    """A picture at a longer side of so many pixels, (H, W, 3) in [0, 1]."""
    image = Image.open(path).convert("RGB")
    factor = side / max(image.size)
    size = tuple(max(16, round(length * factor)) for length in image.size)
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS), np.float32) / 255


def places(scorer: Scorer, image: np.ndarray) -> list[Tensor]:
    """Activations of each tap at a quarter of the resolution, (C, n)."""
    grid = (max(1, image.shape[0] // 4), max(1, image.shape[1] // 4))
    return [F.adaptive_avg_pool2d(tap, grid).flatten(1) for tap in scorer.maps(image)]


def directions(taps: list[Tensor], centres: list[Tensor]) -> Tensor:
    """Unit vectors of how each place differs from the centres, every tap counting alike, (n, M)."""
    parts = [F.normalize(tap - centre, dim=0) for tap, centre in zip(taps, centres, strict=True)]
    return F.normalize(torch.cat(parts).T, dim=1)


def nearest(here: Tensor, there: Tensor) -> float:
    """Mean cosine distance of each row to the nearest of the others."""
    return float((1 - (here @ there.T).amax(1)).mean())


def similarity(taps: list[Tensor]) -> Tensor:
    """Cosine distances among places, each row summing to 1."""
    rows = directions(taps, [tap.mean(1, keepdim=True) for tap in taps])
    distances = 1 - rows @ rows.T
    return distances / distances.sum(1, keepdim=True).clamp_min(1e-9)


if __name__ == "__main__":
    main()
