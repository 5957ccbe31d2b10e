"""The field of colour transforms: exact where it can be, the same at any size and in any stripes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.features.colour import ColourMap
from decouple_core.outcomes import box as softness
from decouple_core.outcomes import components
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box, box_slope
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.contrast import Contrast
from decouple_core.outcomes.field import Field
from decouple_core.pictures.resampling import shrink

pytestmark = pytest.mark.usefixtures("one_thread")

SWAPPED = ColourMap(
    torch.tensor([[0.2, 0.7, 0.0], [0.0, 0.9, 0.1], [0.6, 0.0, 0.3]], dtype=torch.float64),
    torch.tensor([0.05, -0.02, 0.1], dtype=torch.float64),
)
"""A map that mixes the channels and stays inside the box."""


def photograph(name: str = "astronaut", size: int = 48) -> Tensor:
    return shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)


def random_grid(slicing: BilateralGrid, seed: int = 0, roughness: float = 0.2) -> Tensor:
    """A field that differs from cell to cell."""
    grid = slicing.constant(SWAPPED)
    return grid + roughness * torch.randn(grid.shape, generator=torch.Generator().manual_seed(seed)).to(grid)


def field_of(parameters: Tensor) -> Field:
    return Field(BilateralGrid, parameters)


def rendered(field: Field, image: np.ndarray, differences: dict[str, Tensor] | None = None) -> np.ndarray:
    out = np.empty_like(image)
    Components(field, differences or {}).render(image, out, lambda share: None)
    return out


# --- the box ------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.floats(-50, 50))
def test_box_is_a_soft_clip_with_its_slope(value: float) -> None:
    x = torch.tensor([value], dtype=torch.float64)
    assert 0 <= box(x).item() <= 1
    assert box(x).item() == pytest.approx(min(max(value, 0), 1), abs=softness.SOFTNESS)
    assert box_slope(x).item() == pytest.approx(((box(x + 1e-5) - box(x - 1e-5)) / 2e-5).item(), abs=1e-4)
    assert 0 <= box_slope(x).item() <= 1


def test_result_stays_in_the_box_in_single_precision() -> None:
    """Rounding may not push a value out of it, however far outside the field's own value lies."""
    image = np.random.default_rng(0).random((64, 40, 3), np.float32)
    result = rendered(field_of(random_grid(BilateralGrid(photograph()), roughness=8.0)), image)
    assert result.min() >= 0
    assert result.max() <= 1
    assert (result < 0.01).any()
    assert (result > 0.99).any()


# --- slicing ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(32, 48), (5, 48), (1, 30), (30, 1), (1, 1), (13, 17)])
def test_constant_grid_is_one_affine_map(shape: tuple[int, int]) -> None:
    image = torch.rand(3, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    slicing = BilateralGrid(image)
    torch.testing.assert_close(slicing.apply(slicing.constant(SWAPPED)), SWAPPED(image), rtol=0, atol=1e-12)


@pytest.mark.parametrize("shape", [(32, 48), (7, 20), (1, 9), (9, 1), (1, 1)])
def test_adjoint(shape: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(1)
    slicing = BilateralGrid(torch.rand(3, *shape, dtype=torch.float64, generator=generator))
    grid = torch.randn(slicing.shape, dtype=torch.float64, generator=generator)
    colours = torch.randn(3, *shape, dtype=torch.float64, generator=generator)
    assert (slicing.apply(grid) * colours).sum().item() == pytest.approx(
        (grid * slicing.adjoint(colours)).sum().item(), rel=1e-10, abs=1e-10
    )


def test_a_pixel_is_mapped_by_the_cells_around_its_place_and_lightness() -> None:
    """Against the trilinear interpolation written out for every pixel."""
    image = photograph(size=24).double()
    slicing = BilateralGrid(image)
    grid = random_grid(slicing, roughness=0.5)
    ours = slicing.apply(grid)
    _, depth, rows, columns = slicing.shape
    luma = np.tensordot([0.2126, 0.7152, 0.0722], image.numpy(), 1)
    for y, x in [(0, 0), (3, 17), (11, 8), (23, 23), (12, 0)]:
        place = [luma[y, x] * (depth - 1), (y + 0.5) / 24 * (rows - 1), (x + 0.5) / 24 * (columns - 1)]
        low = [min(int(p), n - 2) for p, n in zip(place, slicing.shape[1:], strict=True)]
        matrix = np.zeros(12)
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod([(p - lo) if c else 1 - (p - lo) for p, lo, c in zip(place, low, corner, strict=True)])
            cell = tuple(lo + c for lo, c in zip(low, corner, strict=True))
            matrix += weight * grid[(slice(None), *cell)].numpy()
        wanted = matrix.reshape(3, 4) @ np.append(image[:, y, x].numpy(), 1.0)
        np.testing.assert_allclose(ours[:, y, x], wanted, atol=1e-10)


def test_a_grid_is_sampled_beside_the_maps_as_alone() -> None:
    image, parameters, gains = (
        torch.rand(*shape, generator=torch.Generator().manual_seed(number))
        for number, shape in enumerate([(3, 9, 14), (12, 4, 3, 5), (2, 4, 3, 5)])
    )
    at = BilateralGrid(image, parameters.shape, 0.2, 0.7)
    colours, sampled = at.apply_and_sample(parameters, gains)
    torch.testing.assert_close(colours, at.apply(parameters))
    torch.testing.assert_close(sampled, at.sampled(gains))


def test_following_maps_are_applied_to_the_result() -> None:
    image = photograph().double()
    slicing = BilateralGrid(image)
    field = field_of(random_grid(slicing))
    everywhere = torch.ones(1, 31, 17, dtype=torch.float64)  # on any grid
    torch.testing.assert_close(field.then([SWAPPED], everywhere)(image), SWAPPED(field(image)), rtol=0, atol=1e-10)
    torch.testing.assert_close(field.then([SWAPPED], 0 * everywhere).parameters, field.parameters)
    half = field.then([SWAPPED, SWAPPED], torch.cat([0.25 * everywhere, 0.25 * everywhere]))(image)
    torch.testing.assert_close(half, (SWAPPED(field(image)) + field(image)) / 2, rtol=0, atol=1e-10)
    contrast = Contrast(torch.zeros(1, *slicing.shape[1:]), torch.zeros(2, 24, 24))
    for other in (dataclasses.replace(field, amount=0.5), dataclasses.replace(field, contrast=contrast)):
        with pytest.raises(ValueError, match="whole field"):
            other.then([SWAPPED], everywhere)


# --- rendering ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [1, 37, 128, 131, 300])
@pytest.mark.parametrize("residual", [False, True])
def test_stripes_do_not_show(monkeypatch: pytest.MonkeyPatch, height: int, residual: bool) -> None:
    image = np.random.default_rng(0).random((height, 23, 3), np.float32)
    slicing = BilateralGrid(photograph())
    texture = 0.1 * torch.randn(3, 20, 12, generator=torch.Generator().manual_seed(0)) if residual else None
    field, laid_over = field_of(random_grid(slicing)), {"texture": texture} if texture is not None else {}
    whole = rendered(field, image, laid_over)
    if not residual:
        wanted = box(field(torch.from_numpy(image.transpose(2, 0, 1).copy()))).permute(1, 2, 0)
        np.testing.assert_allclose(whole, wanted, atol=2e-6)
    for rows in (1, 7, 64, 1000):
        monkeypatch.setattr(components, "STRIPE_PIXELS", 23 * rows)
        np.testing.assert_allclose(rendered(field, image, laid_over), whole, atol=1e-5)


def test_rendering_in_place_and_in_files(tmp_path: pytest.TempPathFactory) -> None:
    image = np.random.default_rng(0).random((300, 40, 3), np.float32)
    field = field_of(random_grid(BilateralGrid(photograph())))
    wanted = rendered(field, image)
    mapped = np.memmap(f"{tmp_path}/pixels.raw", np.float32, "w+", shape=image.shape)
    mapped[:] = image
    shares: list[float] = []
    Components(field).render(mapped, mapped, shares.append)
    np.testing.assert_array_equal(mapped, wanted)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_half_the_resolution_looks_like_the_whole_halved() -> None:
    full = skimage.data.astronaut().astype(np.float32) / 255
    half = shrink(full, 256).permute(1, 2, 0).numpy()
    field = field_of(random_grid(BilateralGrid(shrink(full, 48)), roughness=0.05))
    halved = shrink(rendered(field, full), 256).permute(1, 2, 0).numpy()
    assert np.median(np.abs(rendered(field, half) - halved)) < 1 / 255
