"""The claim inside a painting: forms that begin coupled against forms that begin by nested normalisation.

    python tests/benchmarks/claim_in_paintings.py [FIGURE.jpg] [--size 256] [--pairs rocket:tissue,coffee:tissue]

A painting's coarsest scale begins from one of three pictures: the photograph itself; a *coupled* start, which steps
straight towards the style's means of all five layers; and a *nested* one, normalised and stylised by the flow. The last
two are those of claim.py: the same solver, the same number of network evaluations. All that follows is the same
painting. The table says, for the finished picture at each scale, what is left of the means' way from the photograph's
to the style's, in the layers that are painted there, and how much of the target's edges. The first row of each start is
the coarsest scale as it is when its forms are done, before strokes and grain are laid on it.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from claim import Contest
from common import as_pixels, machine, parser, photographs, prepared, resized, settings_from, stained_tissue, table
from scoring import edges_kept
from torch import Tensor

from decouple_contract.progress import Progress
from decouple_contract.settings import Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.model.kept import Kept
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.outcome import FLOW_SIZE, Stylisation
from decouple_core.outcomes.painting import COARSEST, FINE_LAYERS, Painting
from decouple_core.outcomes.registry import register_outcome
from decouple_core.pictures.picture import Scale
from decouple_core.pictures.pyramid import at_side, doubling, larger
from decouple_core.pictures.resampling import shrink
from decouple_core.request import Input, Request


class Begun(Painting):
    """A painting that begins with another picture than the flow's, shape (3, h, w)."""

    image: Tensor | None = None

    def components(
        self, model: PreparedModel, stylisation: Stylisation, settings: Settings, progress: Progress
    ) -> Components:
        return super().components(model, replace(stylisation, image=self.image), settings, progress)


def starts(
    settings: Settings, model: PreparedModel, target: np.ndarray, style: np.ndarray, photograph: np.ndarray
) -> dict[str, tuple[int, Tensor]]:
    """The network evaluations and the picture of each start."""
    small, wanted, plain = (shrink(picture, FLOW_SIZE).to(model.device) for picture in (target, style, photograph))
    contest = Contest(settings, model, small, wanted)
    nested = contest.decoupled(settings.layers)
    coupled = contest.coupled(settings.layers, nested.evaluations)
    return {
        "photograph": (0, plain),
        "coupled": (coupled.evaluations, coupled.image),
        "nested": (nested.evaluations, nested.image),
    }


def looks(hierarchy: Hierarchy, done: Transferred, target: np.ndarray) -> Iterator[tuple[str, float, float]]:
    """The name of each scale, what is left of the means' way there in per cent, and the edges kept."""
    base, parts = done.components.base, done.components.differences
    assert base is not None  # a painting has one
    sides = doubling(max(base.shape[1:]), COARSEST)
    whole = base + sum(larger(part, (base.shape[1], base.shape[2])) for part in parts.values())
    coarse = at_side(Scale(base, None), sides[0]).image + parts["forms"]
    for number, (name, side, picture) in enumerate(
        [(f"{sides[0]} px, forms alone", sides[0], coarse), *((f"{side} px", side, whole) for side in sides)]
    ):
        at = done.style.at_sides([side])[0].means[: None if number < 2 else FINE_LAYERS]
        features = hierarchy.of_sizes([means.shape[1] for means in at])
        here, plain = (at_side(Scale(image.clamp(0, 1), None), side).image for image in (picture, base))
        left = [
            ((r - w).norm() / (p - w).norm()).item()
            for r, p, w in zip(features.measure(here, len(at)), features.measure(plain, len(at)), at, strict=True)
        ]
        seen = as_pixels(shrink(target, side))
        yield name, 100 * statistics.fmean(left), edges_kept(seen, as_pixels(here))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--size", type=int, default=256, help="longer side in pixels (default: %(default)s)")
    options.add_argument(
        "--pairs",
        default="rocket:tissue,coffee:tissue,astronaut:coffee",
        help="photographs and whose style they take (default: %(default)s)",
    )
    options.add_argument("figure", type=Path, nargs="?", metavar="FIGURE.jpg")
    given = options.parse_args()
    settings = settings_from(given, mode="painting", size=given.size)
    pictures = {**photographs(), "tissue": stained_tissue()}
    outcome = Begun()
    register_outcome("begun", "painting that begins with a given picture", outcome)
    begun, transfers = replace(settings, mode="begun"), Engine()
    print(f"{machine(settings)}; at {given.size} px, means over {given.pairs}")
    rows: dict[tuple[str, str], list[tuple[float, float]]] = {}
    spent: dict[str, list[int]] = {}
    strips: list[list[tuple[str, np.ndarray]]] = []
    for pair in given.pairs.split(","):
        target, style = (resized(pictures[name], given.size) for name in pair.split(":"))
        strips.append([("target", target), ("style", style)])
        with torch.inference_mode():
            model = prepared(settings)
            photograph = transfers.transfer(Request(Input(target), Input(style), replace(settings, mode="photo"))).image
            for name, (evaluations, image) in starts(settings, model, target, style, photograph).items():
                outcome.image = image
                transfers.components = Kept(1)  # what is kept does not know of the start
                done = transfers.transfer(Request(Input(target), Input(style), begun))
                spent.setdefault(name, []).append(evaluations)
                for scale, left, edges in looks(model.hierarchy, done, target):
                    rows.setdefault((name, scale), []).append((left, edges))
                strips[-1].append((f"{name} as start", done.image))
    table(
        ("start", "network evaluations", "scale", "way of the means left, %", "structure (SSIM of edges)"),
        [
            (name, f"{statistics.fmean(spent[name]):.0f}", scale, *map(statistics.fmean, zip(*found, strict=True)))
            for (name, scale), found in rows.items()
        ],
    )
    if given.figure:
        draw(given.figure, strips)


def draw(path: Path, strips: list[list[tuple[str, np.ndarray]]]) -> None:
    """A strip of titled pictures for every pair."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3 * len(strips[0]), 2.3 * len(strips)), layout="constrained")
    for row, strip in zip(np.atleast_2d(figure.subplots(len(strips), len(strips[0]))), strips, strict=True):
        for axes, (title, picture) in zip(row, strip, strict=True):
            axes.imshow(picture.clip(0, 1))
            axes.set_title(title, fontsize=9)
            axes.axis("off")
    figure.savefig(path, dpi=100)


if __name__ == "__main__":
    main()
