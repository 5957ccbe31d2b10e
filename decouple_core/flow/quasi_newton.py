"""Going down by a limited-memory quasi-Newton method (Liu & Nocedal 1989), each step at its full length.

Torch has one, too; to be made, it loads torch's compiler, which takes longer than a painting's steps at 128 px.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

LEAST_CURVATURE = 1e-10
"""Of a step; one below it, where the function bends the other way or not at all, says nothing of the next."""


def descended(image: Tensor, gradient: Callable[[Tensor], Tensor], steps: int) -> Tensor:
    """Where some steps lead from an image; fewer where the gradient vanishes.

    Parameters
    ----------
    image : Tensor
        Any shape; it stays as it is.
    gradient : callable
        Of what is to become small, at an image of this shape.
    steps : int
        As many gradients are taken.
    """
    image, flat = image.clone(), torch.zeros_like(image).flatten()
    before, direction, length = flat, flat, 1.0
    memory = _Memory()
    for number in range(steps):
        here = gradient(image).flatten()
        if not here.any():
            break
        if number:
            memory.add(direction * length, here - before)
            direction, length = memory.newton(here), 1.0
        else:
            direction, length = here.neg(), min(1.0, float(1.0 / here.abs().sum()))
        if here.dot(direction) > 0:
            break
        image.add_(direction.view_as(image), alpha=length)
        before = here
    return image


class _Memory:
    """What the steps so far say of the second derivatives."""

    def __init__(self) -> None:
        self._steps: list[Tensor] = []
        self._changes: list[Tensor] = []
        self._shares: list[Tensor] = []
        self._scale = torch.ones(())

    def add(self, step: Tensor, change: Tensor) -> None:
        """Take in a step, and by how much it changed the gradient."""
        curvature = change.dot(step)
        if curvature > LEAST_CURVATURE:
            self._steps.append(step)
            self._changes.append(change)
            self._shares.append(1.0 / curvature)
            self._scale = curvature / change.dot(change)

    def newton(self, gradient: Tensor) -> Tensor:
        """Newton's step, as far as it is known."""
        known = list(zip(self._steps, self._changes, self._shares, strict=True))
        direction, weights = gradient.neg(), list[Tensor]()
        for step, change, share in reversed(known):
            weights.append(step.dot(direction) * share)
            direction.add_(change, alpha=-float(weights[-1]))
        direction = direction * self._scale
        for (step, change, share), weight in zip(known, reversed(weights), strict=True):
            direction.add_(step, alpha=float(weight - change.dot(direction) * share))
        return direction
