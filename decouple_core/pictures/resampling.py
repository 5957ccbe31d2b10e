"""From full-size pixels to the working size, and masks with them, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from decouple_contract.errors import InputError

A = TypeVar("A")
B = TypeVar("B")


def working_shape(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Height and width whose longer side is `size`, or `shape` itself where that is smaller."""
    scale = min(1.0, size / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def shrink(pixels: np.ndarray, size: int, weights: np.ndarray | None = None, seen: np.ndarray | None = None) -> Tensor:
    """An image (H, W, 3) at the working size, as a tensor (3, h, w).

    Parameters
    ----------
    pixels : ndarray
    size : int
        Of the longer side.
    weights : ndarray, optional
        How much each pixel counts, (H, W) in [0, 1], such as its opacity. Where some of what becomes one pixel counts
        for nothing, its colour does not bleed into the rest; where all does, the plain average stands.
    seen : ndarray, optional
        The same of what can be seen at all: the colours of what cannot, (H, W) 0, have no part in the result. There it
        goes on as what is seen beside it, so that nothing that is made of it later knows them.

    Raises
    ------
    InputError
        When a value is no number or infinite.
    """
    shape = working_shape(pixels.shape[:2], size)
    blocks = _Blocks(pixels.shape[:2], shape)
    channels = blocks.means(pixels)
    small = np.stack(list(side_by_side(blocks.resize, channels)))
    if not np.isfinite(small).all():
        raise InputError("image-numbers")
    for given in (seen, weights):
        if given is None or shape == pixels.shape[:2] or given.min() == given.max():
            continue  # equal weights are none
        channels, (weight,) = blocks.means(pixels, given), blocks.means(given[..., None])
        for resampling, least in _WEIGHTED:
            total = blocks.resize(weight, resampling)
            for channel, result in zip(channels, small, strict=True):
                np.divide(blocks.resize(channel, resampling), total, out=result, where=total > least)
    image = torch.from_numpy(small)
    if seen is None or seen.min() > 0.0:
        return image
    there = blocks.resize(blocks.means(seen[..., None])[0], Image.Resampling.BILINEAR)
    return continued(image, torch.from_numpy(there) > _WEIGHTED[0][1])


def continued(image: Tensor, seen: Tensor) -> Tensor:
    """An image (3, h, w) that goes on smoothly where nothing is seen of it, (h, w) False: what is there has no part.

    Such a pixel takes the mean of what is seen around it, at the finest of scales that halve at which there is any.
    """
    there = seen[None].to(image)
    return torch.where(seen, image, _spread(torch.where(seen, image, 0.0), there))


def _spread(sums: Tensor, weights: Tensor) -> Tensor:
    """Sums (C, h, w) over their weights (1, h, w), and where there are none those of the next coarser scale."""
    means = sums / weights.clamp_min(torch.finfo(weights.dtype).tiny)
    if bool((weights > 0.0).all()) or weights.numel() == 1:
        return means
    coarse = _spread(
        *(F.avg_pool2d(part[None], 2, ceil_mode=True, count_include_pad=False)[0] for part in (sums, weights))
    )
    around = F.interpolate(coarse[None], size=means.shape[1:], mode="bilinear", align_corners=False)[0]
    return torch.where(weights > 0.0, means, around)


_WEIGHTED = ((Image.Resampling.BILINEAR, 1e-4), (Image.Resampling.BICUBIC, 0.5))
"""Filters of weighted averages, and the share of weight above which each is taken. The bicubic filter, which is that of
plain averages, has negative parts: where hardly anything counts they could outweigh the rest."""


def shrink_mask(mask: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """A mask (H, W) in [0, 1] on a grid of `shape`, as a tensor (h, w).

    Raises
    ------
    InputError
        When nothing is selected.
    """
    blocks = _Blocks(mask.shape, shape)
    small = torch.from_numpy(blocks.resize(blocks.means(mask[..., None])[0])).clamp(0.0, 1.0)
    if not small.sum() > 0:
        raise InputError("mask-empty")
    return small


def side_by_side(function: Callable[[A], B], arguments: Iterable[A]) -> Iterator[B]:
    """The function of each, in order; several at once where there are cores for it beside those of another picture."""
    workers = torch.get_num_threads() // 2
    if workers < 2:
        yield from map(function, arguments)
        return
    with ThreadPoolExecutor(workers) as pool:
        yield from pool.map(function, arguments)


GAP = 3.0
"""Pixels for each of the result that are left for the filter; at 3, says Pillow, the result is hardly to be told from
that of the filter alone."""

BAND_ROWS = 64
"""Rows averaged at once: at 24 MP what becomes of them fits into a processor's cache."""


class _Blocks:
    """Shrinking in two steps: averages over square blocks, which is quick, then one of Pillow's filters.

    Pillow's own `reducing_gap` does the same, in three times the time at 24 megapixels: it copies every channel.
    """

    def __init__(self, whole: tuple[int, ...], shape: tuple[int, int]) -> None:
        self._whole, self._shape = whole, shape
        self._side = max(1, int(min(whole[0] / shape[0], whole[1] / shape[1]) / GAP))

    def means(self, values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Block averages, (C, h', w'), of values (H, W, C), times weights (H, W) if there are any."""
        rows = max(1, BAND_ROWS // self._side) * self._side

        def of_band(top: int) -> np.ndarray:
            band = values[top : top + rows]
            if weights is not None:
                band = band * weights[top : top + rows, :, None]
            return _means(_means(band, self._side, 0), self._side, 1)

        return np.concatenate(list(side_by_side(of_band, range(0, len(values), rows)))).transpose(2, 0, 1)

    def resize(self, plane: np.ndarray, resampling: Image.Resampling = Image.Resampling.BICUBIC) -> np.ndarray:
        """Block averages (h', w') of one channel, filtered to the shape that is wanted."""
        box = (0.0, 0.0, self._whole[1] / self._side, self._whole[0] / self._side)
        image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
        return np.array(image.resize(self._shape[::-1], resampling, box=box))


def _means(values: np.ndarray, count: int, axis: int) -> np.ndarray:
    """Means of so many neighbours along an axis, and of those that are left at its end."""
    if count == 1:
        return values
    along = np.moveaxis(values, axis, 0)
    whole = len(along) // count * count
    # Whole slices added one to another: a third of the time of a mean over a reshaped axis.
    sums = along[:whole:count].astype(np.float32)
    for place in range(1, count):
        sums += along[place:whole:count]
    sums /= count
    if whole < len(along):
        sums = np.concatenate([sums, along[whole:].mean(0, np.float32, keepdims=True)])
    return np.moveaxis(sums, 0, axis)
