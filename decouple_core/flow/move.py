"""One stage of the flow: a layer goes from its value here to its value there while the shallower ones stay.

The velocity is nominal, goal minus start, and is never corrected towards the goal along the way: a pull would be
dissipative, and the way back would not be the way forth.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import Linearisation
from decouple_core.flow.least_norm import DampedLeastNorm, Direction
from decouple_core.flow.replays import Replays
from decouple_core.flow.solvers import Solution


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
    replays : Replays, optional
        Records the solves, of this solver and hierarchy, which must not be others under the same key.
    """

    hierarchy: Hierarchy
    solver: DampedLeastNorm
    watch: Watch = lambda move, values: None
    replays: Replays | None = None

    def at(self, image: Tensor, move: Move) -> Linearisation:
        """The linearised features up to the move's layer."""
        here = self.hierarchy.linearise(image, move.layer)
        self.watch(move, here.values)
        return here

    def direction(self, image: Tensor, move: Move, before: Direction | None = None) -> Direction:
        """dx/dt, the damped least-norm direction of the nominal velocity, found from that of an image nearby."""
        if self.replays is None or self.solver.looks:
            return self.solver.direction(self.at(image, move), move.change, before)

        def solve(image: Tensor, change: Tensor, *near: Tensor) -> tuple[Tensor, ...]:
            here = self.hierarchy.linearise(image, move.layer)
            found = self.solver.direction(
                here, change, Direction(change, near[0], 0, Solution.of(*near[1:])) if near else None
            )
            return here.values, found.change, found.multipliers, *(() if near else found.known.tensors)

        near = () if before is None else (before.multipliers, *before.known.tensors)
        values, change, multipliers, *known = self.replays(
            (self.solver, move.layer), solve, (image, move.change, *near), self.hierarchy.work
        )
        self.watch(move, values)
        return Direction(
            change,
            multipliers,
            self.solver.most_iterations(move.layer - 1, before),
            before.known if before else Solution.of(*known),
        )
