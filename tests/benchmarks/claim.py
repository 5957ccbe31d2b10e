"""The claim behind the method: channel means matched all at once against the same means decoupled, for 1 … 5 layers.

    python tests/benchmarks/claim.py OUT.png [--size 128] [--target astronaut] [--style coffee]

Both begin from the target with its colours carried to layer 0's reference, take the same damped least-norm directions
from the same solver, may look at the network equally often, and end with the style's colour moments. *Coupled* steps
straight towards the style's own means of layers 1 … L together, again and again. *Decoupled* normalises the target and
stylises it in the style's decoupled features.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from common import as_pixels, machine, parser, photographs, prepared, settings_from, table
from skimage.filters import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from decouple_contract.settings import LAYER_COUNT, Settings
from decouple_core.features.colour import ColourMoments, map_between
from decouple_core.model.prepared import PreparedModel
from decouple_core.pictures.resampling import shrink


@dataclass(frozen=True)
class Outcome:
    """A picture stylised one way.

    Attributes
    ----------
    residual : float
        Distance that is left to this way's own goals over the distance at its start, the mean over the layers.
    evaluations : int
        Of the network.
    image : Tensor
        Shape (3, h, w), neither clipped nor rounded.
    """

    residual: float
    evaluations: int
    image: Tensor


class Contest:
    """Both ways to stylise one target in one style, on one network.

    Parameters
    ----------
    settings : Settings
    target, style : Tensor
        Shape (3, h, w).
    """

    def __init__(self, settings: Settings, model: PreparedModel, target: Tensor, style: Tensor) -> None:
        self.target, self.style = target, style
        self._hierarchy, self._work = model.hierarchy, model.hierarchy.work
        live = model.active(target, None) * model.active(style, None)
        self._flow = model.flow(None, live, settings, lambda move, values: None)
        self._decoupling = model.nested(None, live, settings, lambda move, values: None)
        self._plain, self._plain_style = (_coloured(x, ColourMoments.natural()) for x in (target, style))

    def decoupled(self, layers: int) -> Outcome:
        """The program's way; the style's features are measured before the counting starts."""
        wanted = self._decoupling.features(self._plain_style, layers)
        before = self._work.evaluations
        own, normalised = self._decoupling.normalise(self._plain, layers)
        left, image = [], normalised
        for layer, stylised, reached in self._decoupling.impose(normalised, wanted):
            goal, image = wanted[layer - 1], stylised
            left.append(((reached - goal).norm() / (own[layer - 1] - goal).norm()).item())
        return self._outcome(sum(left) / layers, before, image)

    def coupled(self, layers: int, evaluations: int) -> Outcome:
        """Every step goes for the coupled means of all layers, until the evaluations are used up."""
        goals = self._flow.hierarchy.measure(self._plain_style, layers)
        image, before = self._plain, self._work.evaluations
        goal, start, cost = torch.cat(goals, 1), self._flow.hierarchy.measure(image, layers), 0
        while self._work.evaluations - before + cost <= evaluations:
            mark = self._work.evaluations
            here = self._flow.hierarchy.linearise(image, layers)
            image = image + self._flow.solver.direction(here, goal - here.values).change
            cost = self._work.evaluations - mark
        end = self._flow.hierarchy.measure(image, layers)
        left = [((e - g).norm() / (s - g).norm()).item() for s, e, g in zip(start, end, goals, strict=True)]
        return self._outcome(sum(left) / layers, before, image)

    def style_error(self, image: Tensor) -> float:
        """Mean over all five layers of the relative error of the coupled means."""
        pairs = zip(self._hierarchy.measure(image), self._hierarchy.measure(self.style), strict=True)
        return sum(((ours - style).norm() / style.norm()).item() for ours, style in pairs) / LAYER_COUNT

    def structure(self, image: Tensor) -> float:
        """SSIM of the Sobel edges of grey pictures, target against result."""
        edges = [sobel(x.mean(0).cpu().numpy().astype(np.float64)) for x in (self.target, image.clamp(0, 1))]
        return structural_similarity(*edges, data_range=1.0)

    def _outcome(self, residual: float, before: int, image: Tensor) -> Outcome:
        used = self._work.evaluations - before
        return Outcome(residual, used, _coloured(image, ColourMoments.of(self.style)))


def _coloured(image: Tensor, goal: ColourMoments) -> Tensor:
    return map_between(ColourMoments.of(image), goal)(image)


def outcomes(contest: Contest, deepest: int) -> Iterator[tuple[int, Outcome, Outcome]]:
    """Coupled and decoupled for 1 … `deepest` layers, with the same budget."""
    for layers in range(1, deepest + 1):
        decoupled = contest.decoupled(layers)
        yield layers, contest.coupled(layers, decoupled.evaluations), decoupled


def main() -> None:
    options = parser(__doc__)
    options.add_argument("figure", type=Path, metavar="OUT.png")
    options.add_argument("--size", type=int, default=128, help="longer side in pixels (default: %(default)s)")
    options.add_argument("--target", default="astronaut", help="photograph (default: %(default)s)")
    options.add_argument("--style", default="coffee", help="photograph (default: %(default)s)")
    given = options.parse_args()
    settings = settings_from(given, size=given.size)
    photos = photographs()
    with torch.inference_mode():
        model = prepared(settings)
        target, style = (shrink(photos[name], given.size).to(model.device) for name in (given.target, given.style))
        contest = Contest(settings, model, target, style)
        done = list(outcomes(contest, settings.layers))
        print(
            f"{machine(settings)}; {given.target} stylised in {given.style} at {given.size} px, freedom "
            f"{settings.freedom:g}"
        )
        rows = [
            (
                layers,
                name,
                way.evaluations,
                100 * way.residual,
                100 * contest.style_error(way.image),
                contest.structure(way.image),
            )
            for layers, *ways in done
            for name, way in zip(("coupled", "decoupled"), ways, strict=True)
        ]
    table(
        (
            "layers",
            "matching",
            "network evaluations",
            "own goals: distance left, %",
            "all five layers' means: relative error, %",
            "structure (SSIM of edges)",
        ),
        rows,
    )
    draw(given.figure, contest, done, rows)


def draw(
    path: Path,
    contest: Contest,
    done: list[tuple[int, Outcome, Outcome]],
    rows: list[tuple[int, str, int, float, float, float]],
) -> None:
    """Two strips of pictures, one layer to five, and the table's columns as curves below."""
    from matplotlib.figure import Figure

    columns = len(done) + 1
    figure = Figure(figsize=(2.2 * columns, 8), layout="constrained")
    halves = figure.add_gridspec(2, 1, height_ratios=(3, 2))
    above, below = (figure.add_subfigure(half) for half in (halves[0, 0], halves[1, 0]))
    panels = above.subplots(2, columns)
    strips = (
        ("target", contest.target, [coupled for _, coupled, _ in done], "coupled"),
        ("style", contest.style, [decoupled for *_, decoupled in done], "decoupled"),
    )
    for row, (title, picture, ways, name) in enumerate(strips):
        titled = [(title, picture), *((f"{name}, {n}", way.image) for n, way in enumerate(ways, 1))]
        for axes, (label, image) in zip(panels[row], titled, strict=True):
            axes.imshow(as_pixels(image.clamp(0, 1)))
            axes.set_title(label, fontsize=9)
            axes.axis("off")
    labels = ("own goals: distance left, %", "five layers' means: error, %", "SSIM of edges")
    for column, (axes, label) in enumerate(zip(below.subplots(1, 3), labels, strict=True), 3):
        for name in ("coupled", "decoupled"):
            points = [(row[0], row[column]) for row in rows if row[1] == name]
            axes.plot(*zip(*points, strict=True), "o-", label=name)
        axes.set(xlabel="layers", ylabel=label, xticks=range(1, columns), yscale="log" if column == 3 else "linear")
        axes.legend()
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
