"""Following the flow through one move. Integrators are exchangeable; each is one class.

A new one is one more subclass, and one call of `registry.register_integrator`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from decouple_core.flow.least_norm import Direction
from decouple_core.flow.move import Flow, Move
from decouple_core.flow.solvers import fixed_point


class Integrator(ABC):
    """A way to follow the flow through one move."""

    @abstractmethod
    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        """The image at the end of the move."""

    @abstractmethod
    def evaluations(self, layer: int) -> int:
        """About how many evaluations of the flow a move of this layer takes, for the progress bar."""


class PerLayer(Integrator):
    """An integrator of its own for each layer, shallow to deep.

    The flow bends most in the shallow layers, where a step costs least.
    """

    def __init__(self, integrators: Sequence[Integrator]) -> None:
        self._integrators = tuple(integrators)

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        return self._integrators[move.layer - 1].follow(flow, image, move)

    def evaluations(self, layer: int) -> int:
        return self._integrators[layer - 1].evaluations(layer)


class Midpoint(Integrator):
    """The explicit midpoint rule, second order: two evaluations a step (Runge 1895)."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        h = 1.0 / self._steps
        middle: Direction | None = None
        for _ in range(self._steps):
            here = flow.direction(image, move, middle)
            middle = flow.direction(image + (h / 2) * here.change, move, here)
            image = image + h * middle.change
        return image

    def evaluations(self, layer: int) -> int:
        return 2 * self._steps


class Reversible(Integrator):
    """The implicit midpoint rule, time-reversible: the step back from the end is the step forth.

    x₁ = x₀ + h F((x₀ + x₁) / 2). Exchanging x₀ with x₁ and h with −h gives the same equation, so the round trip is
    exact to what is left of the fixed point (x₀ + x₁) / 2 (Hairer, Lubich & Wanner 2006, II.1), as long as F is smooth
    enough for the step to have one fixed point alone: its solves must converge.

    Parameters
    ----------
    steps : int
    settled : float
        Root mean square of what is left, in units of the image. Over all five layers a picture comes back about a
        hundred times less exactly.
    iterations : int
        The most evaluations of the flow in a step.
    """

    USUAL = 4
    """Evaluations that a step usually takes, with the steps of the channel means' schedule: 3 to 6.5 at 64 px, layer by
    layer."""

    def __init__(self, steps: int, *, settled: float = 1e-6, iterations: int = 20) -> None:
        self._steps, self._settled, self._iterations = steps, settled, iterations

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        h = 1.0 / self._steps
        latest = flow.direction(image, move)

        def onward(middle: Tensor) -> Tensor:
            """x₀ + h/2 F(x̄), which is x̄ in the middle of the step from x₀."""
            nonlocal latest
            latest = flow.direction(middle, move, latest)
            return image + (h / 2) * latest.change

        for _ in range(self._steps):
            guess = image + (h / 2) * latest.change  # the direction of the step before
            middle = fixed_point(onward, guess, tolerance=self._settled, iterations=self._iterations)
            image = 2 * middle - image
        return image

    def evaluations(self, layer: int) -> int:
        return 1 + self._steps * min(self.USUAL, self._iterations)
