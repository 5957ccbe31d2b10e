"""Damped Gauss–Newton steps: an image whose features are those of a goal, as near to the image as they can be had.

    x ← clip(x + N M Jᵀ (N J M Jᵀ + μ I)⁻¹ (goal − f(x)))

The same solve as the flow's, but with the whole way to go and the coupled features: this is no flow, and does not come
back. Too little damping lets a step go farther than the linearisation holds, and the features end up farther from their
goal than they began; so it starts strong and falls from step to step.

What a step can reach is bounded by how far the features are linear, more than by how well its system is solved: several
steps with few products each, taken in a sample of a large image's tiles, come nearer than one with many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.least_norm import factor_of, factored, least_norm
from decouple_core.flow.solvers import Operator, Solution, conjugate_gradients, deflated

MOST_DIRECTIONS = 36
"""Conjugate directions that are kept from step to step and from scale to scale: those of six solves. N·J·Jᵀ depends on
the resolution and on the image little enough for them to serve the next one."""


@dataclass(frozen=True)
class Step:
    """One step: μ relative to each layer's answer to noise, and conjugate-gradient iterations."""

    damping: float
    iterations: int


def gauss_newton(hierarchy: Hierarchy, image: Tensor, goal: Tensor, steps: Sequence[Step],
                 damping: Callable[[float], Tensor], gram: Tensor, *, metric: Tensor, known: Solution | None = None,
                 seed: int = 0) -> tuple[Tensor, Solution]:
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
    metric : Tensor
        M, shape (1, h, w), of mean 1.
    known : Solution, optional
        Directions from before, of the same features.
    seed : int
        Of the samples.

    Returns
    -------
    image : Tensor
        In [0, 1].
    known : Solution
        Directions for the next scale.
    """
    generator = torch.Generator().manual_seed(seed)
    for step in steps:
        strength = damping(step.damping)
        preconditioner = factored(factor_of(gram, strength), strength)
        change, solution = _step(hierarchy, image, goal, strength, step.iterations, metric, generator,
                                 deflated(preconditioner, known) if known else preconditioner)
        known = _joined(known, solution)
        image = (image + change).clamp_(0.0, 1.0)
    assert known is not None  # there is at least one step
    return image, known


def _step(hierarchy: Hierarchy, image: Tensor, goal: Tensor, damping: Tensor, iterations: int, metric: Tensor,
          generator: torch.Generator, preconditioner: Operator) -> tuple[Tensor, Solution]:
    """The change of the image, its multipliers found in a sample where there is one."""
    depth = len(hierarchy.sizes)
    at = hierarchy.linearise(image, depth)
    sample = hierarchy.sample(image, depth, generator)
    if sample is None:
        return least_norm(at, goal - at.values, damping, preconditioner, iterations=iterations, metric=metric)

    def operator(a: Tensor) -> Tensor:
        return sample.product(a, metric) + damping * a

    solution = conjugate_gradients(operator, goal - at.values, tolerance=0.0, iterations=iterations,
                                   preconditioner=preconditioner)
    return image.numel() * metric * at.vjp(solution.multipliers), solution


def _joined(earlier: Solution | None, later: Solution) -> Solution:
    """The latest directions of both."""
    if earlier is None:
        return later
    directions, images = ([*before, *after][-MOST_DIRECTIONS:] for before, after in
                          ((earlier.directions, later.directions), (earlier.images, later.images)))
    return Solution(later.multipliers, later.iterations, later.shares, directions, images)
