"""The guide of a bilateral grid: luma, and what luma misses of a change that is to be looked up."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.correspondence.bilateral_space import averaged
from decouple_core.features.colour import luma
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.guide import guide_to

pytestmark = pytest.mark.usefixtures("one_thread")

CELLS = (12, 8, 16)
GREY, OF_ITS_LUMA = (0.4, 0.4, 0.4), (0.2, 0.459, 0.408)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def areas(right: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Two grainy areas that meet in the middle, (3, 48, 96), and a change of one alone."""
    image = torch.tensor(GREY)[:, None, None].repeat(1, 48, 96)
    image[:, :, 48:] = torch.tensor(right)[:, None, None]
    change = torch.zeros_like(image)
    change[0, :, 48:] = 0.4
    return image + 0.06 * (noise(1, 48, 96) - 0.5), change


def looked_up(change: Tensor, image: Tensor, guide: Tensor | None) -> Tensor:
    at = BilateralGrid(image, (12, *CELLS), guide=guide)
    return at.sampled(averaged(change, at.level, torch.ones_like(image[0]), CELLS))


def guide_for(change: Tensor, image: Tensor) -> Tensor:
    return guide_to(change, image, torch.ones_like(image[0]), CELLS)


def test_areas_of_one_luma_are_told_apart_to_the_pixel() -> None:
    image, change = areas(OF_ITS_LUMA)
    by_luma = (looked_up(change, image, None) - change).abs().amax((0, 1))
    by_guide = (looked_up(change, image, guide_for(change, image)) - change).abs().amax((0, 1))
    assert by_luma[44:52].max() > 0.15
    assert by_guide.max() < 0.03


def test_where_luma_tells_all_it_is_luma() -> None:
    image, change = areas((0.8, 0.8, 0.8))
    level = BilateralGrid(image, (12, *CELLS), guide=guide_for(change, image)).level
    torch.testing.assert_close(level, luma(image), atol=0.03, rtol=0)
    unchanged = BilateralGrid(image, (12, *CELLS), guide=guide_for(torch.zeros_like(image), image)).level
    torch.testing.assert_close(unchanged, luma(image))


def test_a_stripe_has_the_levels_of_the_whole() -> None:
    image, change = areas(OF_ITS_LUMA)
    guide = guide_for(change, image)
    whole = BilateralGrid(image, (12, *CELLS), guide=guide).level
    stripe = BilateralGrid(image[:, 11:30], (12, *CELLS), 11 / 48, 30 / 48, guide).level
    torch.testing.assert_close(stripe, whole[11:30])


@settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 20), width=st.integers(1, 20), seed=st.integers(0, 1000), flat=st.booleans())
def test_any_picture_has_one(height: int, width: int, seed: int, flat: bool) -> None:
    image = noise(3, 1, 1, seed=seed).repeat(1, height, width) if flat else noise(3, height, width, seed=seed)
    weights = (noise(height, width, seed=seed + 1) > 0.5).float()
    weights[0, 0] = 1.0
    guide = guide_to(noise(3, height, width, seed=seed + 2) - 0.5, image, weights, (12, 3, 4))
    assert guide.shape == (4, 3, 4)
    assert guide.isfinite().all()
