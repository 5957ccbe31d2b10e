"""Means in bilateral space against sums over all pixels, written out."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.correspondence.bilateral_space import averaged, binomial
from decouple_core.features.colour import luma
from decouple_core.outcomes.bilateral_grid import BilateralGrid

pytestmark = pytest.mark.usefixtures("one_thread")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def direct(
    planes: np.ndarray, image: np.ndarray, counts: np.ndarray, shape: tuple[int, int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sums (P, Z, R, C) and weights (Z, R, C), pixel by pixel and vertex by vertex."""
    sums, weights = np.zeros((len(planes), *shape)), np.zeros(shape)
    light = np.tensordot([0.2126, 0.7152, 0.0722], image, 1).clip(0, 1)
    height, width = light.shape
    for y, x in np.ndindex(height, width):
        place = (light[y, x] * (shape[0] - 1), (y + 0.5) / height * (shape[1] - 1), (x + 0.5) / width * (shape[2] - 1))
        for vertex in np.ndindex(*shape):
            weight = counts[y, x] * np.prod([max(0.0, 1 - abs(p - v)) for p, v in zip(place, vertex, strict=True)])
            sums[(slice(None), *vertex)] += weight * planes[:, y, x]
            weights[vertex] += weight
    return sums, weights


@pytest.mark.parametrize("size", [(9, 13), (1, 11), (6, 1)])
def test_means_near_each_vertex(size: tuple[int, int]) -> None:
    planes, image, shape = noise(2, *size, seed=1), noise(3, *size, seed=2), (4, 3, 5)
    counts = noise(*size, seed=3)
    sums, weights = direct(planes.double().numpy(), image.double().numpy(), counts.double().numpy(), shape)
    near = weights > 2e-3
    assert near.mean() > 0.1
    ours = averaged(planes, luma(image).clamp(0, 1), counts, shape).numpy()
    np.testing.assert_allclose(ours[:, near], (sums / weights.clip(1e-9))[:, near], rtol=1e-3, atol=1e-4)


def test_pixels_lie_where_they_are_interpolated() -> None:
    """What rises evenly over places and lightness is had back."""
    rows, columns = torch.meshgrid((torch.arange(60) + 0.5) / 60, (torch.arange(80) + 0.5) / 80, indexing="ij")
    image = ((0.3 * rows + 0.7 * columns)[None]).expand(3, -1, -1)
    grid = averaged(torch.stack([rows, columns]), luma(image), torch.ones(60, 80), (6, 7, 9))
    sampled = BilateralGrid(image, (12, 6, 7, 9)).sampled(grid)
    inner = (slice(None), slice(18, -18), slice(18, -18))
    assert (sampled - torch.stack([rows, columns]))[inner].abs().max() < 0.06


@settings(max_examples=30, deadline=None)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    seed=st.integers(0, 1000),
    shape=st.tuples(st.integers(2, 12), st.integers(2, 8), st.integers(2, 8)),
    flat=st.booleans(),
    level=st.floats(-0.5, 1.5),
)
def test_every_vertex_has_a_value_of_the_range(
    height: int, width: int, seed: int, shape: tuple[int, int, int], flat: bool, level: float
) -> None:
    """Also at the lightnesses and places that no pixel has."""
    planes = noise(2, height, width, seed=seed)
    image = torch.full((3, height, width), level) if flat else noise(3, height, width, seed=seed + 1)
    weights = (noise(height, width, seed=seed + 2) > 0.5).float()
    weights[-1, -1] = 1.0
    grid = averaged(planes, luma(image).clamp(0, 1), weights, shape)
    planes = planes[:, weights > 0]
    assert grid.shape == (2, *shape)
    assert grid.isfinite().all()
    assert grid.amin() >= planes.amin() - 1e-4
    assert grid.amax() <= planes.amax() + 1e-4


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 1), (1, 2, 1, 3)])
def test_binomial_filter(shape: tuple[int, ...]) -> None:
    grid = noise(*shape)
    wanted = grid.numpy()
    for axis in (1, 2, 3):
        wanted = scipy.ndimage.convolve1d(wanted, [0.25, 0.5, 0.25], axis=axis, mode="nearest")
    np.testing.assert_allclose(binomial(grid), wanted, atol=1e-6)
