"""Monge–Kantorovitch maps between many pairs of colour clouds at once, with bounded gains (Pitié & Kokaram 2007).

`features.colour.map_between` is that of one pair, exact. Here clouds are those of a few places, which may be one
colour: what a place cannot stretch it is not asked to.
"""

from __future__ import annotations

import torch
from torch import Tensor

from decouple_core.features.decomposable import decomposable
from decouple_core.features.overview import MOMENTS

LEAST_VARIANCE = 1e-3
"""Added to all variances, (8 / 255)²: below it a cloud is one colour, and the map is nearly a shift."""

LEAST_GAIN, LARGEST_GAIN = 1 / 6, 3.0
"""Bounds of the map's eigenvalues. A gain of 3 makes noise visible in 8-bit pictures, and more would band."""


def moments_of(values: Tensor) -> tuple[Tensor, Tensor]:
    """Means (…, 3) and covariances (…, 3, 3) from means of colours and of their products, (…, 9)."""
    means, products = values[..., :3], values[..., 3:MOMENTS]
    red, green, blue, red_green, red_blue, green_blue = products.unbind(-1)
    square = torch.stack(
        [red, red_green, red_blue, red_green, green, green_blue, red_blue, green_blue, blue], -1
    ).unflatten(-1, (3, 3))
    return means, square - means[..., :, None] * means[..., None, :]


def maps_between(
    start: Tensor,
    goal: Tensor,
    *,
    least_variance: float = LEAST_VARIANCE,
    gains: tuple[float, float] = (LEAST_GAIN, LARGEST_GAIN),
) -> tuple[Tensor, Tensor]:
    """Matrices (…, 3, 3) and offsets (…, 3) of the maps between clouds with these moments, (…, 9) each."""
    start_mean, start_covariance = moments_of(decomposable(start))
    goal_mean, goal_covariance = moments_of(decomposable(goal))
    least = least_variance * torch.eye(3).to(start_mean)
    root, inverse = _powers(start_covariance + least)
    between, _ = _powers(root @ (goal_covariance + least) @ root)
    matrix = _clamped(inverse @ between @ inverse, gains)
    return matrix.to(start), (goal_mean - (matrix @ start_mean[..., None])[..., 0]).to(start)


def _powers(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Square roots of symmetric matrices, and the inverses of those."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp_min(1e-8).sqrt()
    return tuple((vectors * power[..., None, :]) @ vectors.mT for power in (roots, 1 / roots))


def _clamped(matrix: Tensor, gains: tuple[float, float]) -> Tensor:
    values, vectors = torch.linalg.eigh((matrix + matrix.mT) / 2)
    return (vectors * values.clamp(*gains)[..., None, :]) @ vectors.mT
