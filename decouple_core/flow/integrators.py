"""Following the flow: how an image moves along the manifold spanned by its features' gradients.

A `Move` takes one layer from its value here to its value there while the shallower layers stay where they are.
The velocity is nominal, goal minus start, and is never corrected towards the goal along the way: a pull would
be dissipative, and the way back would not be the way forth. Integrators are exchangeable; each is one class.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy, Linearisation
from decouple_core.flow.solvers import DampedLeastNorm, Direction, fixed_point


@dataclass(frozen=True)
class Move:
    """One stage of the flow.

    Attributes
    ----------
    layer : int
        Which layer moves, counted from 1; layers before it are held.
    start, goal : Tensor
        Its features before and after, shape (R, sizes[layer - 1]).
    held : Tensor
        Features of the shallower layers, shape (R, …), to be kept.
    imposing : bool
        Whether the goal is a style's features; else it is the reference.
    """

    layer: int
    start: Tensor
    goal: Tensor
    held: Tensor
    imposing: bool = False

    @property
    def change(self) -> Tensor:
        """(0, …, 0, u): nothing for the held layers, the nominal velocity for the moving one."""
        return torch.cat([torch.zeros_like(self.held), self.goal - self.start], 1)

    @property
    def goals(self) -> Tensor:
        """Where all features up to this layer are to be at the end."""
        return torch.cat([self.held, self.goal], 1)


Watch = Callable[[Move, Tensor], None]
"""Called with the features at every evaluation; may raise `errors.Cancelled`."""


@dataclass
class Flow:
    """The vector field that integrators follow.

    Attributes
    ----------
    hierarchy : Hierarchy
    solver : DampedLeastNorm
    watch : callable
        Sees the features at every image that the flow visits.
    """

    hierarchy: Hierarchy
    solver: DampedLeastNorm
    watch: Watch = lambda move, values: None

    def at(self, image: Tensor, move: Move) -> Linearisation:
        """The linearised features up to the move's layer."""
        here = self.hierarchy.linearise(image, move.layer)
        self.watch(move, here.values)
        return here

    def direction(self, image: Tensor, move: Move, before: Direction | None = None) -> Direction:
        """dx/dt, the damped least-norm direction of the nominal velocity, found from that of an image nearby."""
        return self.solver.direction(self.at(image, move), move.change, before)


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
    """Evaluations that a step usually takes, with the steps of `machinery`: 3 to 6.5 at 64 px, layer by layer."""

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


class GradientDescent(Integrator):
    """The thesis's plain gradient descent, as the baseline.

    Loss: the sum over the layers up to the moving one of the mean squared differences between features and
    goals, the features on the scale of a network that is fed 0 … 255 (Miralles Simó 2022, sections 3.3–3.5).

    Parameters
    ----------
    scale : float
        Factor from our features to that scale.
    normalised, imposed : float
        Stops when the moving layer's own mean squared difference falls below the one, on its way to the reference, or
        the other, on its way to a style.
    steps : int
        The most steps.
    """

    RATE = 5e-4
    """Learning rate of annex A."""

    def __init__(self, *, scale: float, normalised: float, imposed: float, steps: int = 50_000) -> None:
        self._scale, self._steps = scale, steps
        self._losses = {False: normalised, True: imposed}

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        goals = move.goals
        sizes = flow.hierarchy.sizes[: move.layer]
        # d/df of the sum over layers of mean (scale · (f − goal))²
        weights = torch.cat([torch.full((size,), 2.0 * self._scale**2 / size) for size in sizes]).to(image)
        for _ in range(self._steps):
            here = flow.at(image, move)
            difference = here.values - goals
            if (self._scale * difference[:, -sizes[-1]:]).square().mean() < self._losses[move.imposing]:
                break
            image = image - self.RATE * here.vjp(weights * difference)
        return image

    def evaluations(self, layer: int) -> int:
        return self._steps
