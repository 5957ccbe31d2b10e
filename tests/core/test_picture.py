"""An image at its three sizes, its regions, and the fingerprint by which it is known again."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from decouple_contract.errors import InputError
from decouple_core.features.colour import ColourMap, ColourMoments
from decouple_core.model.device import CPU
from decouple_core.pictures.picture import DETAIL_SIZE, MOMENTS_SIZE, Picture, Scale
from decouple_core.pictures.resampling import shrink


def pixels(height: int = 40, width: int = 60, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width, 3), np.float32)


def halves(height: int = 40, width: int = 60) -> list[np.ndarray]:
    left = np.zeros((height, width), np.float32)
    left[:, : width // 2] = 1.0
    return [left, 1.0 - left]


def test_three_sizes() -> None:
    picture = Picture.of(pixels(900, 600), halves(900, 600), 48, CPU)
    assert [max(s.image.shape) for s in (picture.small, picture.detail, picture.medium)] == [
        48,
        DETAIL_SIZE,
        MOMENTS_SIZE,
    ]
    for scale in (picture.small, picture.detail, picture.medium):
        assert scale.masks is not None
        assert scale.masks.shape == (2, *scale.image.shape[1:])
    assert picture.regions == 2
    large = Picture.of(pixels(900, 600), [], 700, CPU)
    assert [max(s.image.shape) for s in (large.small, large.detail, large.medium)] == [700, 700, 700]
    assert large.small.masks is None
    assert large.regions == 1


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 5, 3), np.float32),
        np.zeros((5, 0, 3), np.float32),
        np.zeros((5, 5), np.float32),
        np.zeros((5, 5, 4), np.float32),
    ],
    ids=["no rows", "no columns", "no channels", "four channels"],
)
def test_no_picture(array: np.ndarray) -> None:
    with pytest.raises(InputError, match="no pixels; choose another one"):
        Picture.of(array, [], 32, CPU)


def test_unfit_masks_and_values() -> None:
    with pytest.raises(InputError, match="differ in size"):
        Picture.of(pixels(), [np.ones((60, 40), np.float32)], 32, CPU)
    with pytest.raises(InputError, match="empty"):
        Picture.of(pixels(), [np.zeros((40, 60), np.float32)], 32, CPU)
    broken = pixels()
    broken[3, 4, 1] = np.nan
    with pytest.raises(InputError, match="not numbers"):
        Picture.of(broken, [], 32, CPU)


def test_each_size_is_the_picture_shrunk() -> None:
    rows, columns = np.mgrid[0:1000, 0:1400].astype(np.float32) / 1000
    base = np.stack([rows, 0.7 * columns, 0.5 + 0.4 * np.sin(30 * rows * columns)], 2).astype(np.float32)
    picture = Picture.of(base, [], 100, CPU)
    for scale in (picture.small, picture.detail, picture.medium):
        direct = shrink(base, max(scale.image.shape))
        assert scale.image.shape == direct.shape
        assert (scale.image - direct).abs().max() < 0.02
        assert (scale.image - direct).abs().mean() < 5e-4


def test_what_a_mask_leaves_out_does_not_count_beside_what_it_takes_in() -> None:
    mask = np.zeros((900, 601), np.float32)
    mask[:, 301:] = 1.0
    pictures = []
    for hidden in (0.0, 1.0):
        base = np.full((900, 601, 3), 0.4, np.float32)
        base[:, :301] = hidden
        pictures.append(Picture.of(base, [mask], 48, CPU))
    for picture in pictures:
        for scale in (picture.small, picture.detail, picture.medium):
            assert scale.masks is not None
            taken = scale.image[:, scale.masks[0] > 0]
            torch.testing.assert_close(taken, torch.full_like(taken, 0.4))
        torch.testing.assert_close(picture.medium.colours()[0].mean, torch.full((3,), 0.4, dtype=torch.float64))


# --- regions ------------------------------------------------------------------------------------------------------


def test_shares_are_a_partition_where_masks_overlap() -> None:
    masks = torch.tensor([[[1.0, 1.0, 0.5, 0.0]], [[1.0, 0.0, 0.25, 0.0]]])
    shares = Scale(torch.zeros(3, 1, 4), masks).shares
    torch.testing.assert_close(shares.sum(0), torch.tensor([[1.0, 1.0, 0.75, 0.0]]))
    assert shares[:, 0, 0].tolist() == [0.5, 0.5]
    assert torch.equal(Scale(torch.zeros(3, 1, 4), None).shares, torch.ones(1, 1, 4))


def test_colours_of_regions_are_those_of_their_pixels() -> None:
    scale = Scale.of(pixels(), halves(), 60, CPU)
    left, right = scale.colours()
    for ours, part in ((left, scale.image[:, :, :30]), (right, scale.image[:, :, 30:])):
        wanted = ColourMoments.of(part)
        torch.testing.assert_close(ours.mean, wanted.mean)
        torch.testing.assert_close(ours.covariance, wanted.covariance)
    assert len(Scale(scale.image, None).colours()) == 1


def test_each_region_gets_its_own_map_and_the_rest_stays() -> None:
    image = torch.rand(3, 2, 6, generator=torch.Generator().manual_seed(0))
    masks = torch.zeros(2, 2, 6)
    masks[0, :, :2], masks[1, :, 2:4] = 1.0, 0.5
    brighter, black = ColourMap(torch.eye(3), torch.full((3,), 0.2)), ColourMap(torch.zeros(3, 3), torch.zeros(3))
    ours = Scale(image, masks).recoloured(image, [brighter, black])
    torch.testing.assert_close(ours[:, :, :2], image[:, :, :2] + 0.2)
    torch.testing.assert_close(ours[:, :, 2:4], 0.5 * image[:, :, 2:4])
    torch.testing.assert_close(ours[:, :, 4:], image[:, :, 4:])


# --- fingerprint --------------------------------------------------------------------------------------------------


def test_fingerprint_tells_all_that_matters_apart() -> None:
    base, masks = pixels(), halves()
    changed = base.copy()
    changed[20, 30, 1] += 0.1
    softer = [np.clip(m, 0.1, 1.0) for m in masks]
    pictures = [
        (base, [], 32),
        (base, [], 48),
        (changed, [], 32),
        (base, masks, 32),
        (base, masks[::-1], 32),
        (base, softer, 32),
        (base.transpose(1, 0, 2), [], 32),
    ]
    keys = [Picture.of(*p, CPU).identity for p in pictures]
    assert len(set(keys)) == len(keys)
    assert keys == [Picture.of(np.array(p), m, s, CPU).identity for p, m, s in pictures]
