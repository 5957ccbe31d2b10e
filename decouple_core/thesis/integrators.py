"""The classical rules for following the flow, beside the descent of the thesis."""

from __future__ import annotations

from torch import Tensor

from decouple_core.flow.integrators import Integrator
from decouple_core.flow.least_norm import Direction
from decouple_core.flow.move import Flow, Move


class Euler(Integrator):
    """Euler steps, then corrections towards the goal.

    The corrections reach the goal better than any other integrator here, and give up the way back for it.
    """

    def __init__(self, steps: int, corrections: int = 1) -> None:
        self._steps, self._corrections = steps, corrections

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        before: Direction | None = None
        for _ in range(self._steps):
            before = flow.direction(image, move, before)
            image = image + before.change / self._steps
        for _ in range(self._corrections):
            here = flow.at(image, move)
            image = image + flow.solver.direction(here, move.goals - here.values).change
        return image

    def evaluations(self, layer: int) -> int:
        return self._steps + self._corrections


class RungeKutta4(Integrator):
    """The classical fourth-order rule: four evaluations a step (Kutta 1901)."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        h = 1.0 / self._steps
        k4: Direction | None = None
        for _ in range(self._steps):
            k1 = flow.direction(image, move, k4)
            k2 = flow.direction(image + (h / 2) * k1.change, move, k1)
            k3 = flow.direction(image + (h / 2) * k2.change, move, k2)
            k4 = flow.direction(image + h * k3.change, move, k3)
            image = image + (h / 6) * (k1.change + 2 * (k2.change + k3.change) + k4.change)
        return image

    def evaluations(self, layer: int) -> int:
        return 4 * self._steps
