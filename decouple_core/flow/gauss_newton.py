"""Damped Gauss–Newton steps: an image whose features are those of a goal, as near to the image as they can be had.

    x ← clip(x + N M Jᵀ (N J M Jᵀ + μ I)⁻¹ (goal − f(x)))

The same solve as the flow's, but with the whole way to go and the coupled features: this is no flow, and does not come
back. Too little damping lets a step go farther than the linearisation holds, and the features end up farther from their
goal than they began; so it starts strong and falls from step to step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.least_norm import factor_of, factored, least_norm
from decouple_core.flow.solvers import Solution, deflated

MOST_DIRECTIONS = 36
"""Conjugate directions that are kept from step to step and from scale to scale: those of six solves. N·J·Jᵀ depends on
the resolution and on the image little enough for them to serve the next one."""


@dataclass(frozen=True)
class Step:
    """One step: μ relative to each layer's answer to noise, and conjugate-gradient iterations."""

    damping: float
    iterations: int


def gauss_newton(hierarchy: Hierarchy, image: Tensor, goal: Tensor, steps: Sequence[Step],
                 damping: Callable[[float], Tensor], gram: Tensor, *, metric: Tensor | None = None,
                 known: Solution | None = None) -> tuple[Tensor, Solution]:
    """Take the steps.

    Parameters
    ----------
    hierarchy : Hierarchy
        All of whose layers take part.
    image : Tensor
        Where to begin, shape (3, h, w).
    goal : Tensor
        Shape (R, M).
    steps : sequence of Step
        At least one.
    damping : callable
        μ of each feature, shape (R, M), for a relative one.
    gram : Tensor
        N·J·Jᵀ at the reference, shape (M, M).
    metric : Tensor, optional
        M, shape (1, h, w), of mean 1.
    known : Solution, optional
        Directions from before, of the same features.

    Returns
    -------
    image : Tensor
        In [0, 1].
    known : Solution
        Directions for the next scale.
    """
    for step in steps:
        strength = damping(step.damping)
        preconditioner = factored(factor_of(gram, strength), strength)
        at = hierarchy.linearise(image, len(hierarchy.sizes))
        change, solution = least_norm(at, goal - at.values, strength, iterations=step.iterations, metric=metric,
                                      preconditioner=deflated(preconditioner, known) if known else preconditioner)
        known = _joined(known, solution)
        image = (image + change).clamp(0.0, 1.0)
    assert known is not None  # there is at least one step
    return image, known


def _joined(earlier: Solution | None, later: Solution) -> Solution:
    """The latest directions of both."""
    if earlier is None:
        return later
    directions, images = ([*before, *after][-MOST_DIRECTIONS:] for before, after in
                          ((earlier.directions, later.directions), (earlier.images, later.images)))
    return Solution(later.multipliers, later.iterations, later.shares, directions, images)
