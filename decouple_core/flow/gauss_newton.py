"""Damped Gauss–Newton steps: an image whose features are those of a goal, as near to the image as they can be had.

    x ← clip(x + N M Jᵀ (N J M Jᵀ + μ I)⁻¹ (goal − f(x)))

The same solve as the flow's, but with the whole way to go and the coupled features: this is no flow, and does not come
back. Too little damping lets a step go farther than the linearisation holds, and the features end up farther from their
goal than they began; so it starts strong, falls from step to step, and grows with the distance to the goal where that
is large (Fan & Yuan 2005; with its square, Yamashita & Fukushima 2001): where the style is far, the steps are small.

What a step can reach is bounded by how far the features are linear, more than by how well its system is solved: several
steps with few products each, taken in a sample of a large image's tiles, come nearer than one with many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.least_norm import Spectrum, least_norm
from decouple_core.flow.replays import MOST_PIXELS, Replays
from decouple_core.flow.solvers import Solution, conjugate_gradients, deflated

MOST_DIRECTIONS = 36
"""Conjugate directions that are kept from step to step and from scale to scale: those of six solves. N·J·Jᵀ depends on
the resolution and on the image little enough for them to serve the next one."""


FAR = 0.03
"""Distance √(Σ r² / μ₁) to the goal from which on the damping grows. Pictures in the style of most paintings begin at
.04 to .1, in that of other photographs at .3 to .7, where without it the features end up up to ten times farther from
their goal than they began, and rounding is amplified ten thousand times. Growing with the square from .1 on, the steps
stall where a picture and its style are both dark (on the way at 256 px .105, .097, .079, .046, like this .104, .071,
.069 and less)."""


@dataclass(frozen=True)
class Step:
    """One step: μ relative to each layer's answer to noise, and conjugate-gradient iterations."""

    damping: float
    iterations: int


def gauss_newton(
    hierarchy: Hierarchy,
    image: Tensor,
    goal: Tensor,
    steps: Sequence[Step],
    damping: Tensor,
    spectrum: Spectrum,
    *,
    metric: Tensor,
    known: Solution | None = None,
    seed: int = 0,
    replays: Replays | None = None,
) -> tuple[Tensor, Solution]:
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
    damping : Tensor
        μ₁ of each feature, shape (R, M), of which a step takes its share.
    spectrum : Spectrum
        Of N·J·Jᵀ at the reference.
    metric : Tensor
        M, shape (1, h, w), of mean 1.
    known : Solution, optional
        Directions from before, of the same features.
    seed : int
        Of the samples.
    replays : Replays, optional
        Records the steps; for a hierarchy of whole images that has an identity.

    Returns
    -------
    image : Tensor
        In [0, 1].
    known : Solution
        Directions for the next scale.
    """
    hierarchy = hierarchy.quick()  # rounds the features by a thousandth, where steps end a fiftieth from their goal
    generator = torch.Generator().manual_seed(seed)
    for step in steps:
        corners = hierarchy.corners(image, generator)
        given = _Given(image, goal, damping, spectrum, metric, corners, known)
        if replays is None or image[0].numel() > MOST_PIXELS:
            image, solution = _step(hierarchy, given, step)
        else:
            image, solution = _replayed(replays, hierarchy, given, step)
        known = _joined(known, solution)
    assert known is not None  # there is at least one step
    return image, known


@dataclass(frozen=True)
class _Given:
    """What a step is taken from; see `gauss_newton`.

    Attributes
    ----------
    corners : Tensor or None
        Of the sample.
    """

    image: Tensor
    goal: Tensor
    damping: Tensor
    spectrum: Spectrum
    metric: Tensor
    corners: Tensor | None
    known: Solution | None


def _step(hierarchy: Hierarchy, given: _Given, step: Step) -> tuple[Tensor, Solution]:
    """The next image, its multipliers found in a sample where there is one."""
    image, metric, depth, iterations = given.image, given.metric, len(hierarchy.sizes), step.iterations
    at = hierarchy.linearise(image, depth)
    missing = given.goal - at.values
    strength = step.damping * _restraint(missing, given.damping)
    damping = strength * given.damping
    preconditioner = given.spectrum.inverse(given.damping, strength)
    if given.known is not None:
        preconditioner = deflated(preconditioner, given.known)
    if given.corners is None:
        change, solution = least_norm(at, missing, damping, preconditioner, iterations=iterations, metric=metric)
    else:
        product = hierarchy.sample(image, depth, given.corners).product(metric)
        solution = conjugate_gradients(
            lambda a: product(a) + damping * a,
            missing,
            tolerance=0.0,
            iterations=iterations,
            preconditioner=preconditioner,
        )
        change = image.numel() * metric * at.vjp(solution.multipliers)
    return (image + change).clamp_(0.0, 1.0), solution


def _restraint(missing: Tensor, damping: Tensor) -> Tensor:
    """By how much the damping grows, from 1, for a way to the goal of shape (R, M)."""
    return ((missing.square() / damping).sum().sqrt() / FAR).clamp_min(1.0)


def _replayed(replays: Replays, hierarchy: Hierarchy, given: _Given, step: Step) -> tuple[Tensor, Solution]:
    """The same, recorded; the spectrum is its model's, which keeps it where it is."""
    sampled = given.corners is not None

    def recorded(image: Tensor, goal: Tensor, damping: Tensor, metric: Tensor, *others: Tensor) -> tuple[Tensor, ...]:
        known = others[sampled:]
        there = _Given(
            image,
            goal,
            damping,
            given.spectrum,
            metric,
            others[0] if sampled else None,
            Solution.of(*known) if known else None,
        )
        image, solution = _step(hierarchy, there, step)
        return image, *solution.tensors

    inputs = [given.image, given.goal, given.damping, given.metric]
    inputs += [] if given.corners is None else [given.corners]
    inputs += [] if given.known is None else given.known.tensors
    image, *solution = replays((hierarchy.identity, hierarchy.sizes, sampled, step), recorded, inputs, hierarchy.work)
    return image, Solution.of(*solution)


def _joined(earlier: Solution | None, later: Solution) -> Solution:
    """The latest directions of both."""
    if earlier is None:
        return later
    directions, images = (
        [*before, *after][-MOST_DIRECTIONS:]
        for before, after in ((earlier.directions, later.directions), (earlier.images, later.images))
    )
    return Solution(later.multipliers, later.iterations, later.shares, directions, images)
