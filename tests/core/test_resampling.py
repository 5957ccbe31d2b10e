"""From full size to working size: shapes, values and memory."""

from __future__ import annotations

import numpy as np
import PIL.Image
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_core.pictures.resampling import continued, shrink, shrink_mask, working_shape
from decouple_core.pictures.upsampling import stretched


@settings(max_examples=100, deadline=None)
@given(height=st.integers(1, 30000), width=st.integers(1, 30000), size=st.integers(32, 4096))
def test_working_shape(height: int, width: int, size: int) -> None:
    small = working_shape((height, width), size)
    assert min(small) >= 1
    assert max(small) == min(size, max(height, width))
    if max(height, width) <= size:
        assert small == (height, width)  # never enlarged
    scale = max(small) / max(height, width)
    for ours, exact in zip(small, (height * scale, width * scale), strict=True):
        assert abs(ours - exact) <= 0.5 + 1e-9 or ours == 1


def test_small_images_come_through_unchanged() -> None:
    pixels = np.random.default_rng(0).random((7, 9, 3), np.float32)
    small = shrink(pixels, 32)
    assert small.dtype == torch.float32
    np.testing.assert_array_equal(small.permute(1, 2, 0), pixels)


@pytest.mark.parametrize("shape", [(300, 200), (1, 500), (500, 1), (97, 333)])
def test_shrinking_keeps_means_ramps_and_sides(shape: tuple[int, int]) -> None:
    rows, columns = (np.linspace(0, 1, n, dtype=np.float32) for n in shape)
    pixels = np.stack(np.broadcast_arrays(rows[:, None], columns[None], np.float32(0.3)), 2)
    small = shrink(pixels, 64).numpy()
    assert small.shape == (3, *working_shape(shape, 64))
    np.testing.assert_allclose(small.mean((1, 2)), pixels.mean((0, 1)), atol=2e-3)
    np.testing.assert_allclose(small[2], 0.3, atol=1e-6)
    if shape[0] > 1:
        centres = (np.arange(small.shape[1]) + 0.5) / small.shape[1]
        np.testing.assert_allclose(small[0, 3:-3, 0], centres[3:-3], atol=0.01)


def test_values_outside_the_unit_range_are_kept() -> None:
    """Floating-point documents hold highlights above 1; clipping them is not this step's business."""
    pixels = np.full((100, 100, 3), 1.5, np.float32)
    np.testing.assert_allclose(shrink(pixels, 32), 1.5, rtol=1e-6)


def test_no_aliasing() -> None:
    """Stripes of one pixel turn grey instead of beating."""
    pixels = np.zeros((256, 256, 3), np.float32)
    pixels[:, ::2] = 1.0
    np.testing.assert_allclose(shrink(pixels, 48), 0.5, atol=0.05)


@pytest.mark.parametrize("shape", [(900, 1201), (643, 4097), (1031, 777), (97, 333), (4099, 3)])
def test_is_what_pillow_makes(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random((*shape, 3), np.float32)
    small = shrink(pixels, 64)
    for channel in range(3):
        plane = PIL.Image.fromarray(np.ascontiguousarray(pixels[..., channel]))
        wanted = plane.resize(tuple(small.shape[:0:-1]), PIL.Image.Resampling.BICUBIC)
        assert np.abs(np.asarray(wanted) - small[channel].numpy()).max() < 0.03
        if shape[1] > 64:
            wanted = plane.resize(tuple(small.shape[:0:-1]), PIL.Image.Resampling.BICUBIC, reducing_gap=3.0)
            np.testing.assert_allclose(small[channel], np.asarray(wanted), atol=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_is_found(value: float) -> None:
    pixels = np.full((400, 300, 3), 0.5, np.float32)
    pixels[217, 123, 1] = value
    with pytest.raises(InputError, match=r"not numbers.*try again"):
        shrink(pixels, 32)


def test_file_mapped_and_reversed_arrays(tmp_path: pytest.TempPathFactory) -> None:
    mapped = np.memmap(f"{tmp_path}/pixels.raw", np.float32, "w+", shape=(50, 40, 3))
    mapped[:] = np.random.default_rng(0).random(mapped.shape)
    assert torch.equal(shrink(mapped, 32), shrink(np.array(mapped), 32))
    np.testing.assert_array_equal(shrink(mapped[::-1], 64), np.array(mapped)[::-1].transpose(2, 0, 1))


# --- weights ------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.sampled_from([32, 47, 64]),
    sides=st.tuples(st.integers(65, 300), st.integers(65, 300)),
)
def test_hidden_colours_do_not_bleed(seed: int, size: int, sides: tuple[int, int]) -> None:
    """One colour is seen, two sets of others are hidden: nothing of them is left where anything is seen."""
    rng = np.random.default_rng(seed)
    visible = np.kron(rng.random((9, 9)) > 0.5, np.ones((40, 40)))[: sides[0], : sides[1]].astype(np.float32)
    visible *= rng.choice([1.0, 0.5]).astype(np.float32)
    images = []
    for _ in range(2):
        pixels = rng.random((*sides, 3), np.float32)
        pixels[visible > 0] = (0.2, 0.5, 0.9)
        images.append(shrink(pixels, size, visible))
    mask = torch.from_numpy(
        np.array(PIL.Image.fromarray(visible).resize(tuple(images[0].shape[:0:-1]), PIL.Image.Resampling.BOX))
    )
    seen = mask > 0.02
    for image in images:
        assert image.isfinite().all()
        for channel, value in enumerate((0.2, 0.5, 0.9)):
            torch.testing.assert_close(image[channel][seen], torch.full_like(image[channel][seen], value))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    size=st.integers(3, 60),
    sides=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    hidden=st.floats(-0.5, 1.5),
    masked=st.booleans(),
)
def test_hidden_colours_have_no_part_anywhere(
    seed: int, size: int, sides: tuple[int, int], hidden: float, masked: bool
) -> None:
    """Not even where nothing is seen, at any size, to the last bit."""
    rng = np.random.default_rng(seed)
    pixels = rng.random((*sides, 3), np.float32)
    alpha = np.float32(rng.choice([0.0, 0.3, 1.0], size=sides))
    alpha[rng.integers(sides[0]) :, : rng.integers(1, 1 + sides[1])] = 0.0
    alpha[-1, -1] = 1.0
    weights = alpha * rng.random(sides, np.float32) if masked else None
    other = np.where(alpha[..., None] > 0, pixels, np.float32(hidden))
    ours = shrink(pixels, size, weights, alpha)
    torch.testing.assert_close(shrink(other, size, weights, alpha), ours, rtol=0, atol=0)
    flat = shrink(np.where(alpha[..., None] > 0, np.float32(0.25), pixels), size, weights, alpha)
    torch.testing.assert_close(flat, torch.full_like(flat, 0.25), rtol=0, atol=1e-4)


def test_a_hole_goes_on_as_what_is_beside_it() -> None:
    image = torch.zeros(3, 40, 40)
    image[:, :, 20:] = 1.0
    seen = torch.ones(40, 40, dtype=torch.bool)
    seen[10:30, 4:12] = seen[10:30, 28:36] = False
    filled = continued(torch.where(seen, image, torch.nan), seen)
    torch.testing.assert_close(filled[:, seen], image[:, seen], rtol=0, atol=0)
    assert filled[:, 10:30, 4:10].max() < 0.2
    assert filled[:, 10:30, 30:36].min() > 0.8


def test_weighted_average_is_that_of_premultiplied_colours() -> None:
    """Against exact averages over blocks: the mean of soft weights, not of a threshold."""
    rng = np.random.default_rng(1)
    rows, columns = np.mgrid[0:256, 0:256].astype(np.float32) / 256
    pixels = np.stack([rows, columns, 0.5 + 0.3 * np.sin(9 * rows)], 2).astype(np.float32)
    weights = np.clip(4 * columns - 1 + 0.05 * rng.standard_normal((256, 256)), 0, 1).astype(np.float32)

    def blocks(values: np.ndarray) -> np.ndarray:
        return values.reshape(32, 8, 32, 8, -1).mean((1, 3))

    total = blocks(weights)
    exact = blocks(pixels * weights[..., None]) / np.maximum(total, 1e-6)
    ours = shrink(pixels, 32, weights).permute(1, 2, 0).numpy()
    counted = total[..., 0] > 0.05
    assert np.abs(ours - exact)[counted].max() < 0.03
    assert np.abs(ours - exact)[counted].mean() < 0.004


@pytest.mark.parametrize("weight", [0.0, 0.3, 1.0])
def test_equal_weights_change_nothing(weight: float) -> None:
    pixels = np.random.default_rng(0).random((120, 90, 3), np.float32)
    assert torch.equal(shrink(pixels, 32, np.full((120, 90), weight, np.float32)), shrink(pixels, 32))


# --- masks --------------------------------------------------------------------------------------------------------


def test_masks_stay_in_range_and_keep_their_share() -> None:
    mask = np.zeros((200, 300), np.float32)
    mask[50:150, 100:200] = 1.0
    small = shrink_mask(mask, (43, 64))
    assert small.shape == (43, 64)
    assert small.min() >= 0
    assert small.max() <= 1
    assert small.mean().item() == pytest.approx(mask.mean(), abs=5e-3)
    # against Pillow's box filter, an exact average
    box = np.asarray(PIL.Image.fromarray(mask).resize((64, 43), PIL.Image.Resampling.BOX))
    assert np.abs(small.numpy() - box).mean() < 0.01


def test_empty_mask() -> None:
    with pytest.raises(InputError, match="empty; select something"):
        shrink_mask(np.zeros((20, 20), np.float32), (10, 10))


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (43, 64), (90, 7)])
@pytest.mark.parametrize(("top", "bottom"), [(0.0, 1.0), (0.0, 0.1), (0.31, 0.32), (0.9, 1.0)])
def test_stretched_as_torch_samples(shape: tuple[int, int], top: float, bottom: float) -> None:
    """By bicubic sampling at every pixel's place, the border going on."""
    image = torch.rand(3, *shape, generator=torch.Generator().manual_seed(0))
    stripe = torch.empty(3, 5, 131)
    rows = top + (torch.arange(5) + 0.5) / 5 * (bottom - top)
    columns = (torch.arange(131) + 0.5) / 131
    place = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)[None] * 2 - 1
    wanted = F.grid_sample(image[None], place, mode="bicubic", padding_mode="border", align_corners=False)[0]
    torch.testing.assert_close(stretched(image, stripe, top, bottom), wanted, rtol=0, atol=2e-5)
