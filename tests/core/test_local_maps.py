"""Many colour maps at once against that of one pair, their closed form, and their bounds."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.correspondence.local_maps import LARGEST_GAIN, LEAST_GAIN, maps_between, moments_of
from decouple_core.correspondence.moments import products
from decouple_core.features.colour import ColourMoments, map_between

pytestmark = pytest.mark.usefixtures("one_thread")


def cloud(seed: int, rank: int = 3) -> Tensor:
    """Some colours, (3, 1, 40), that fill the space, a plane, a line or a point."""
    generator = torch.Generator().manual_seed(seed)
    within = torch.randn(40, rank, dtype=torch.float64, generator=generator)
    axes = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64, generator=generator)).Q[:, :rank]
    spread = 0.08 + 0.1 * torch.rand(rank, dtype=torch.float64, generator=generator)
    mean = 0.3 + 0.4 * torch.rand(3, dtype=torch.float64, generator=generator)
    return (mean + within * spread @ axes.T).T[:, None]


def moments(seed: int, rank: int = 3) -> Tensor:
    """Of such a cloud, shape (9,)."""
    return products(cloud(seed, rank)).flatten(1).mean(1)


def test_moments_are_those_of_the_colours() -> None:
    colours = cloud(0)
    mean, covariance = moments_of(products(colours).flatten(1).mean(1))
    np.testing.assert_allclose(mean, colours.flatten(1).mean(1))
    np.testing.assert_allclose(covariance, np.cov(colours.flatten(1).numpy(), bias=True), atol=1e-12)


def test_many_pairs_at_once_are_each_that_of_one() -> None:
    starts, goals = (torch.stack([moments(seed) for seed in range(first, first + 6)]) for first in (0, 10))
    matrices, offsets = maps_between(starts.view(2, 3, 9), goals.view(2, 3, 9), least_variance=0.0, gains=(0.0, 1e3))
    for start, goal, matrix, offset in zip(starts, goals, matrices.flatten(0, 1), offsets.flatten(0, 1), strict=True):
        wanted = map_between(*(ColourMoments(*moments_of(one)) for one in (start, goal)))
        torch.testing.assert_close(matrix, wanted.matrix, rtol=1e-6, atol=1e-8)
        torch.testing.assert_close(offset, wanted.offset, rtol=1e-6, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(first=st.integers(0, 500), second=st.integers(501, 1000))
def test_closed_form(first: int, second: int) -> None:
    """Σs^-½ (Σs^½ Σg Σs^½)^½ Σs^-½ with scipy's roots; and what it is for: A Σs A = Σg, A symmetric."""
    start, goal = moments(first), moments(second)
    (_, before), (mean, after) = moments_of(start), moments_of(goal)
    matrix, offset = maps_between(start, goal, least_variance=0.0, gains=(0.0, 1e3))
    root = scipy.linalg.sqrtm(before.numpy()).real
    inverse = np.linalg.inv(root)
    np.testing.assert_allclose(
        matrix, inverse @ scipy.linalg.sqrtm(root @ after.numpy() @ root).real @ inverse, atol=1e-6
    )
    torch.testing.assert_close(matrix @ before @ matrix, after, rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(matrix, matrix.T)
    torch.testing.assert_close(matrix @ start[:3] + offset, mean)


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.tuples(st.integers(0, 500), st.integers(0, 500)),
    ranks=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    scale=st.floats(0.01, 10),
)
def test_gains_are_bounded_and_means_are_met(seeds: tuple[int, int], ranks: tuple[int, int], scale: float) -> None:
    """In single precision, whatever the clouds fill."""
    start, goal = (moments(seed, rank).float() for seed, rank in zip(seeds, ranks, strict=True))
    mean = goal[:3]
    spread = torch.cat([mean.square(), mean[[0, 0, 1]] * mean[[1, 2, 2]]])
    goal = torch.cat([mean, spread + scale * (goal[3:] - spread)])
    matrix, offset = maps_between(start, goal)
    gains = torch.linalg.eigvalsh(matrix.double())
    assert gains.min() >= LEAST_GAIN - 1e-5
    assert gains.max() <= LARGEST_GAIN + 1e-4
    torch.testing.assert_close(matrix, matrix.T, rtol=0, atol=1e-5)
    torch.testing.assert_close(matrix @ start[:3] + offset, mean, rtol=0, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 1, 2, 3])
def test_between_equal_clouds_nothing_changes(rank: int) -> None:
    matrix, offset = maps_between(moments(3, rank).float(), moments(3, rank).float())
    torch.testing.assert_close(matrix, torch.eye(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(offset, torch.zeros(3), rtol=0, atol=1e-4)


def test_between_points_there_is_a_shift() -> None:
    matrix, offset = maps_between(moments(1, 0), moments(2, 0))
    torch.testing.assert_close(matrix, torch.eye(3, dtype=torch.float64), rtol=0, atol=1e-6)
    torch.testing.assert_close(offset, moments(2, 0)[:3] - moments(1, 0)[:3], rtol=0, atol=1e-6)
