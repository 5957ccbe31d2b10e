"""The thesis's gradient descent against the program's own integrator: network evaluations for the same residual.

    python tests/benchmarks/baseline.py [--size 64] [--layers 2] [--seconds 300]

Both walk on one network, by default the thesis's (ReLU and max pooling), from the same picture to the same values,
layer by layer: first the target is carried to the reference, then to a style's decoupled features. The residual is the
thesis's own, the mean squared difference of the moving layer's channel means on the scale of a network that is fed
0 … 255. Where gradient descent has not got there within its seconds, its residual at that moment is the one to reach;
nothing is extrapolated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from common import ThesisLoss, descend, machine, parser, photographs, prepared, settings_from, table, timed
from torch import Tensor

from decouple_contract.settings import LAYER_NAMES, Settings
from decouple_core.flow.integrators import Integrator
from decouple_core.flow.move import Flow, Move
from decouple_core.model.prepared import integrator_of
from decouple_core.pictures.resampling import shrink
from decouple_core.thesis.gradient_descent import IMPOSED, NORMALISED

MOST_MOVES = 30
"""Repetitions of a move after which the residual counts as out of reach."""


@dataclass(frozen=True)
class Walk:
    """One way to make one move.

    Attributes
    ----------
    residual : float
        At its end, on the thesis's scale.
    evaluations : int
        Of the network.
    seconds : float
    image : Tensor
        Where it ended.
    """

    residual: float
    evaluations: int
    seconds: float
    image: Tensor


@dataclass(frozen=True)
class Race:
    """One move made both ways from the same picture.

    Attributes
    ----------
    name : str
    start : float
        The residual before.
    descent, integrated : Walk
    """

    name: str
    start: float
    descent: Walk
    integrated: Walk


def races(settings: Settings, layers: int, limit: float) -> Iterator[Race]:
    """Normalise the target and stylise it in a style, each move both ways; the next one starts where ours ended."""
    model = prepared(settings)
    photos = photographs()
    image, style = (shrink(photos[name], settings.size).to(model.device) for name in ("astronaut", "coffee"))
    live = model.active(image, None) * model.active(style, None)
    wanted = model.nested(None, live, settings, lambda move, values: None).features(style, layers)
    reference = [v * alive for v, alive in zip(model.reference.values, live.split(model.reference.sizes), strict=True)]
    watch = ThesisLoss()
    flow = model.flow(None, live, settings, watch)
    rule = integrator_of(settings, model.hierarchy)

    def walk(follow: Callable[..., Tensor], *place: Any, **limits: Any) -> Walk:
        before = model.hierarchy.work.evaluations
        taken, end = timed(lambda: follow(flow, watch, *place, **limits), model.device)
        return Walk(watch.value, model.hierarchy.work.evaluations - before, taken, end)

    normalise = [("normalise", layer, reference[layer - 1], NORMALISED) for layer in range(1, layers + 1)]
    stylise = [("stylise", layer, wanted[layer - 1], IMPOSED) for layer in range(layers, 0, -1)]
    for name, layer, goal, loss in normalise + stylise:
        held = torch.cat([goal[:, :0], *reference[: layer - 1]], 1)
        move = Move(layer, flow.hierarchy.measure(image, layer)[-1], goal, held)
        flow.at(image, move)
        start = watch.value
        descent = walk(descend, image, move, loss=loss, limit=limit)
        integrated = walk(integrate, image, move, loss=max(loss, descent.residual), rule=rule)
        yield Race(f"{name} {LAYER_NAMES[layer]}", start, descent, integrated)
        image = integrated.image


def integrate(flow: Flow, watch: ThesisLoss, image: Tensor, move: Move, *, loss: float, rule: Integrator) -> Tensor:
    """The program's integrator, the move made again from where it ended until the residual is as small as `loss`."""
    for _ in range(MOST_MOVES):
        image = rule.follow(flow, image, move)
        values = flow.at(image, move).values  # the watch sees them too
        if watch.value <= loss:
            break
        move = Move(move.layer, values[:, -move.goal.shape[1] :], move.goal, move.held)
    return image


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--size", type=int, default=64, help="longer side in pixels (default: %(default)s; the thesis's is 150)"
    )
    options.add_argument("--layers", type=int, default=2, help="how many layers (default: %(default)s)")
    options.add_argument(
        "--seconds",
        type=float,
        default=300,
        help="the most that gradient descent may take for each move (default: %(default)s)",
    )
    options.add_argument(
        "--activation",
        default="relu",
        help="smooth races on the program's own network instead of the thesis's (default: %(default)s)",
    )
    given = options.parse_args()
    settings = settings_from(given, size=given.size, activation=given.activation)
    print(
        f"{machine(settings)} ({given.activation}); {given.size} px, {settings.integrator}, freedom "
        f"{settings.freedom:g}; at most {given.seconds:g} s of gradient descent for each move"
    )
    with torch.inference_mode():
        done = list(races(settings, given.layers, given.seconds))
    table(
        (
            "move",
            "residual before",
            "descent: residual",
            "evaluations",
            "seconds",
            f"{settings.integrator}: residual",
            "evaluations",
            "seconds",
            "ratio of evaluations",
        ),
        [
            (
                race.name,
                race.start,
                race.descent.residual,
                race.descent.evaluations,
                race.descent.seconds,
                race.integrated.residual,
                race.integrated.evaluations,
                race.integrated.seconds,
                race.descent.evaluations / race.integrated.evaluations,
            )
            for race in done
        ],
    )
    descent, ours = (
        sum(walk.evaluations for walk in walks)
        for walks in ([race.descent for race in done], [race.integrated for race in done])
    )
    print(f"In all {descent} evaluations against {ours}: {descent / ours:.0f} times fewer.")


if __name__ == "__main__":
    main()
