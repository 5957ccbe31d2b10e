"""Layer 0 against numpy's moments and the closed forms of the Monge–Kantorovitch map."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import skimage.data
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.features.colour import (
    LEAST_KEPT,
    LEAST_VARIANCE,
    LUMA,
    MOST_GAIN,
    ColourMap,
    ColourMoments,
    map_between,
)

SEEDS = st.integers(0, 2**31)


def moments(seed: int, least: float = 1e-2) -> ColourMoments:
    """Any mean and covariance with no direction below a least variance, so that no map needs a gain that is refused."""
    generator = torch.Generator().manual_seed(seed)
    root = 0.3 * torch.randn(3, 3, generator=generator, dtype=torch.float64)
    return ColourMoments(
        torch.rand(3, generator=generator, dtype=torch.float64),
        root @ root.T + least * torch.eye(3, dtype=torch.float64),
    )


def cloud(seed: int, pixels: int = 64) -> Tensor:
    """An image (3, 1, pixels) with colours that hang together."""
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.random((3, 3)) @ rng.random((3, pixels)))[:, None]


def assert_same(ours: ColourMoments, wanted: ColourMoments, tolerance: float = 1e-9) -> None:
    torch.testing.assert_close(ours.mean, wanted.mean, rtol=0, atol=tolerance)
    torch.testing.assert_close(ours.covariance, wanted.covariance, rtol=0, atol=tolerance)


# --- moments ------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, masked=st.booleans())
def test_moments_are_those_of_numpy(seed: int, masked: bool) -> None:
    image = cloud(seed).reshape(3, 8, 8)
    mask = np.random.default_rng(seed + 1).random((8, 8)) if masked else None
    weights = None if mask is None else mask.ravel()
    ours = ColourMoments.of(image, None if mask is None else torch.from_numpy(mask))
    colours = image.reshape(3, -1).numpy()
    np.testing.assert_allclose(ours.mean, np.average(colours, axis=1, weights=weights), atol=1e-12)
    wanted = np.cov(colours, aweights=weights, ddof=0) + LEAST_VARIANCE * np.eye(3)
    np.testing.assert_allclose(ours.covariance, wanted, atol=1e-12)


def test_hard_mask_is_a_selection() -> None:
    image = torch.from_numpy(skimage.data.coffee()[::20, ::20].transpose(2, 0, 1) / 255)
    mask = torch.zeros(image.shape[1:])
    mask[3:9, 5:20] = 1.0
    assert_same(ColourMoments.of(image, mask), ColourMoments.of(image[:, 3:9, 5:20]), 1e-12)


def test_single_precision_images_are_summed_in_double() -> None:
    image = torch.full((3, 300, 300), 0.7) + 1e-3 * torch.randn(3, 300, 300, generator=torch.Generator().manual_seed(0))
    assert_same(ColourMoments.of(image), ColourMoments.of(image.double()), 1e-14)


# --- maps ---------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_map_brings_the_moments_exactly(seed: int) -> None:
    start, goal = moments(seed), moments(seed + 1)
    step = map_between(start, goal)
    torch.testing.assert_close(step.matrix @ start.covariance @ step.matrix.T, goal.covariance, rtol=1e-8, atol=1e-10)
    torch.testing.assert_close(step.matrix @ start.mean + step.offset, goal.mean)
    # least change among all maps that do: symmetric and positive (Brenier 1991)
    torch.testing.assert_close(step.matrix, step.matrix.T, rtol=1e-8, atol=1e-10)
    assert torch.linalg.eigvalsh(step.matrix).min() > 0


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_map_is_that_of_scipys_matrix_roots(seed: int) -> None:
    start, goal = moments(seed), moments(seed + 1)
    root = scipy.linalg.sqrtm(start.covariance.numpy())
    inverse = np.linalg.inv(root)
    wanted = inverse @ scipy.linalg.sqrtm(root @ goal.covariance.numpy() @ root) @ inverse
    np.testing.assert_allclose(map_between(start, goal).matrix, wanted.real, rtol=1e-6, atol=1e-8)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_way_back_is_the_inverse(seed: int) -> None:
    a, b, image = moments(seed), moments(seed + 1), cloud(seed)
    torch.testing.assert_close(map_between(b, a)(map_between(a, b)(image)), image, rtol=0, atol=1e-8)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.01, 1.0), min_size=6, max_size=6))
def test_diagonal_covariances_scale_each_channel(variances: list[float]) -> None:
    start, goal = (
        ColourMoments(torch.zeros(3, dtype=torch.float64), torch.diag(torch.tensor(v, dtype=torch.float64)))
        for v in (variances[:3], variances[3:])
    )
    wanted = np.diag(np.sqrt(np.array(variances[3:]) / np.array(variances[:3])))
    np.testing.assert_allclose(map_between(start, goal).matrix, wanted, rtol=1e-8, atol=1e-9)


def test_same_moments_need_no_map() -> None:
    image = cloud(3)
    own = ColourMoments.of(image)
    torch.testing.assert_close(map_between(own, own)(image), image, rtol=0, atol=1e-9)


def test_picture_takes_another_ones_moments() -> None:
    first, second = (
        torch.from_numpy(picture()[::8, ::8].transpose(2, 0, 1) / 255)
        for picture in (skimage.data.astronaut, skimage.data.coffee)
    )
    goal = ColourMoments.of(second)
    mapped = map_between(ColourMoments.of(first), goal)(first)
    # LEAST_VARIANCE is added on both sides of the map, so a little of it is mapped as if it were the picture's
    assert_same(ColourMoments.of(mapped), goal, 20 * LEAST_VARIANCE)


def test_map_of_an_image_is_that_of_its_colours() -> None:
    image = cloud(5, pixels=12).reshape(3, 3, 4)
    step = ColourMap(torch.arange(9.0).reshape(3, 3), torch.tensor([0.5, -0.5, 2.0]))
    wanted = np.einsum("ij,jyx->iyx", step.matrix.numpy(), image.numpy()) + step.offset.numpy()[:, None, None]
    np.testing.assert_allclose(step(image), wanted)
    assert step(image.float()).dtype == torch.float32


@pytest.mark.parametrize("level", [0.0, 0.5, 1.0])
def test_one_colour_has_a_finite_map_both_ways(level: float) -> None:
    image, other = torch.full((3, 5, 5), level, dtype=torch.float64), ColourMoments.natural()
    own = ColourMoments.of(image)
    forth = map_between(own, other)
    assert forth.matrix.isfinite().all()
    torch.testing.assert_close(forth(image), torch.full_like(image, 0.5), rtol=0, atol=1e-9)
    torch.testing.assert_close(map_between(other, own)(forth(image)), image, rtol=0, atol=1e-9)


# --- clouds that fill no space -------------------------------------------------------------------------------------


def image_of_rank(seed: int, rank: int, noise: float = 0.0) -> Tensor:
    """An image (3, 1, N) whose colours fill a point, a line, a plane or space, each axis well above noise."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    colours = axes[:, :rank] * rng.uniform(0.05, 0.3, rank) @ rng.uniform(-1, 1, (rank, 400)) + rng.random((3, 1))
    return torch.from_numpy(colours + noise * rng.standard_normal((3, 400)))[:, None]


def contrast(image: Tensor) -> float:
    """Standard deviation of all channels together."""
    return image.var((1, 2), correction=0).sum().sqrt().item()


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ranks=st.tuples(st.integers(0, 3), st.integers(0, 3)))
def test_clouds_of_any_rank_keep_their_detail_and_noise_stays_noise(seed: int, ranks: tuple[int, int]) -> None:
    picture, style = (image_of_rank(seed + number, rank) for number, rank in enumerate(ranks))
    goal = ColourMoments.of(style)
    mapping = map_between(ColourMoments.of(picture), goal)
    result = mapping(picture)
    torch.testing.assert_close(result.mean((1, 2)), goal.mean, rtol=0, atol=1e-9)
    if ranks[0]:
        assert contrast(result) > min(0.3 * contrast(style), MOST_GAIN / 2 * contrast(picture))
        kept = map_between(ColourMoments.of(picture), ColourMoments.of(picture).towards(goal, 1.0))(picture)
        assert contrast(kept) > 0.99 * LEAST_KEPT * contrast(picture)
    # Any linear map shows the picture's detail; what could drown it is rounding that is made as strong.
    rounded = picture + image_of_rank(seed, 0, noise=0.3 / 255) - image_of_rank(seed, 0)
    assert contrast(mapping(rounded) - result) < 2 * MOST_GAIN * contrast(rounded - picture)
    noisy = map_between(ColourMoments.of(rounded), goal)(rounded)
    if not ranks[0]:
        assert contrast(noisy) < 4 * contrast(rounded)


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, ranks=st.tuples(st.integers(1, 2), st.integers(1, 3)))
def test_what_fills_no_space_is_mapped_as_well_as_any_map_can(seed: int, ranks: tuple[int, int]) -> None:
    """The least distance between two Gaussian clouds is known in closed form, of whatever rank (Gelbrich 1990)."""
    picture, style = (image_of_rank(seed + number, rank) for number, rank in enumerate(ranks))
    start, goal = ColourMoments.of(picture), ColourMoments.of(style)
    result = map_between(start, goal)(picture)
    root = scipy.linalg.sqrtm(start.covariance.numpy())
    overlap = scipy.linalg.sqrtm(root @ goal.covariance.numpy() @ root).real
    shared = np.linalg.svd(overlap, compute_uv=False)
    assume(shared[: ranks[0]].min() > 1e-3 if ranks[0] <= ranks[1] else shared[: ranks[1]].min() > 1e-3)
    moved = (picture - picture.mean((1, 2), keepdim=True)) * (result - result.mean((1, 2), keepdim=True))
    assert moved.sum(0).mean().item() == pytest.approx(np.trace(overlap), rel=0.1, abs=2e-3)


@pytest.mark.parametrize("style_channel", [0, 1, 2])
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_pure_hues_become_one_another(channel: int, style_channel: int) -> None:
    """Pure red in the colours of pure blue is blue, of its contrast, and lighter where it was lighter."""
    picture, style = (torch.zeros(3, 1, 100, dtype=torch.float64) for _ in range(2))
    picture[channel] = torch.linspace(0, 0.9, 100)
    style[style_channel] = torch.linspace(0.2, 0.7, 100)
    result = map_between(ColourMoments.of(picture), ColourMoments.of(style))(picture)
    torch.testing.assert_close(result, style, rtol=0, atol=0.02)


def test_grey_takes_the_colours_that_go_with_light() -> None:
    """What a colourful style's colours are, on the average, at each lightness, its contrast as large as theirs."""
    style = torch.from_numpy(skimage.data.coffee()[::8, ::8].transpose(2, 0, 1) / 255)
    grey = torch.tensor(LUMA, dtype=torch.float64)[:, None, None].mul(style).sum(0).expand(3, -1, -1)
    goal = ColourMoments.of(style)
    result = map_between(ColourMoments.of(grey), goal)(grey)
    axis = torch.ones(3, dtype=torch.float64) / 3**0.5
    wanted = goal.covariance @ axis / (axis @ goal.covariance @ axis).sqrt()  # regression, at one deviation
    along = torch.einsum("c,chw->hw", axis, grey)
    ours = torch.einsum("chw,hw->c", result - goal.mean[:, None, None], (along - along.mean()) / along.numel())
    torch.testing.assert_close(ours / along.std(correction=0), wanted, rtol=0, atol=2e-3)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, ranks=st.tuples(st.integers(0, 3), st.integers(0, 3)), share=st.floats(0, 1))
def test_the_way_between_clouds_of_any_rank(seed: int, ranks: tuple[int, int], share: float) -> None:
    a, b = (ColourMoments.of(image_of_rank(seed + number, rank)) for number, rank in enumerate(ranks))
    part = a.towards(b, share)
    assert torch.linalg.eigvalsh(part.covariance).min() > -1e-12
    assert_same(a.towards(b, 0.0), a)
    assert torch.linalg.eigvalsh(a.towards(b, 1.0).covariance - b.covariance).min() > -1e-9  # nothing is lost of it
    picture = image_of_rank(seed, ranks[0])
    assert_same(ColourMoments.of(map_between(a, b)(picture)), a.reaching(b), 3 * MOST_GAIN**2 * LEAST_VARIANCE)


@settings(max_examples=50, deadline=None)
@given(seed=SEEDS, rank=st.integers(0, 3))
def test_clouds_of_any_rank_come_back_from_the_reference(seed: int, rank: int) -> None:
    picture = image_of_rank(seed, rank)
    own, natural = ColourMoments.of(picture), ColourMoments.natural()
    forth = map_between(own, natural)(picture)
    back = map_between(ColourMoments.of(forth), own)(forth)
    torch.testing.assert_close(back, picture, rtol=0, atol=0.3 / 255)
    torch.testing.assert_close(map_between(own, own)(picture), picture, rtol=0, atol=1e-9)


# --- the natural reference and the way between two clouds ---------------------------------------------------------


def test_natural_reference() -> None:
    """Mean ½ and variances 0.10, 0.008, 0.004 along grey, red–blue and green–magenta, none between them."""
    natural = ColourMoments.natural()
    assert natural.mean.tolist() == [0.5] * 3
    axes = np.array([[1, 1, 1], [1, 0, -1], [1, -2, 1]]) / np.sqrt([[3], [2], [6]])
    np.testing.assert_allclose(axes @ natural.covariance.numpy() @ axes.T, np.diag([0.10, 0.008, 0.004]), atol=1e-15)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, share=st.floats(0.0, 1.0))
def test_a_share_of_the_way(seed: int, share: float) -> None:
    a, b, image = moments(seed), moments(seed + 1), cloud(seed)
    assert_same(a.towards(b, 0.0), a)
    assert_same(a.towards(b, 1.0), b)
    # displacement interpolation (McCann 1997): every colour goes its own way at an even pace
    part = map_between(a, a.towards(b, share))(image)
    torch.testing.assert_close(part, (1 - share) * image + share * map_between(a, b)(image), rtol=0, atol=1e-7)
