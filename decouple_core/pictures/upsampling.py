"""From a small image to the pixels of a larger one, stripe by stripe."""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

SHARPNESS = -0.75
"""Of the bicubic kernel (Keys 1981), as torch has it."""

BANDS = 16
"""Parts of a row that are made by one product each, of the few columns that they need."""

ROWS = 32
"""Rows that are made by one product, of the few rows that they need."""


def centres(like: Tensor, number: int, first: float, last: float) -> Tensor:
    """Where the centres of `number` pixels lie between two shares of an image's side, −1 to 1 over the whole of it."""
    places = torch.arange(number, dtype=like.dtype, device=like.device)
    return (first + (places + 0.5) / number * (last - first)) * 2 - 1


def stretched(image: Tensor, stripe: Tensor, top: float, bottom: float) -> Tensor:
    """An image (3, h, w) at the pixels of a stripe (…, H, W), which lies between two shares of its height; bicubic."""
    height, width = stripe.shape[-2:]
    rows = centres(stripe, height, top, bottom)
    if image.device.type != "cpu":
        columns = centres(stripe, width, 0.0, 1.0)
        place = torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)], -1)[None]
        return F.grid_sample(image[None], place, mode="bicubic", padding_mode="border", align_corners=False)[0]
    # Along one axis after the other: the same to rounding, in a fraction of the time. A stripe needs few of the image's
    # rows, which are made longer first.
    stripes = [_weights(some, image.shape[1]) for some in rows.split(ROWS)]
    begin, end = stripes[0][0], stripes[-1][0] + stripes[-1][1].shape[1]
    used = image[:, begin:end].flatten(0, 1)
    bands = _bands(image.shape[2], width, image.dtype)
    wide = torch.cat([used[:, first : first + len(band)] @ band for first, band in bands], 1)
    wide = wide.unflatten(0, (-1, end - begin))
    high = [weights @ wide[:, first - begin : first - begin + weights.shape[1]] for first, weights in stripes]
    return high[0] if len(high) == 1 else torch.cat(high, 1)


@lru_cache(maxsize=8)
def _bands(columns: int, width: int, dtype: torch.dtype) -> list[tuple[int, Tensor]]:
    """What makes a row of so many columns one of a larger width: of each band its first column, and weights (k, n)."""
    with torch.inference_mode(mode=False):
        whole = centres(torch.empty(0, dtype=dtype), width, 0.0, 1.0)
        return [
            (first, weights.T.contiguous())
            for first, weights in (_weights(band, columns) for band in whole.chunk(BANDS))
        ]


def _weights(places: Tensor, length: int) -> tuple[int, Tensor]:
    """Bicubic weights of these places, −1 to 1, among pixels in a row: the first that counts, and (places, k)."""
    places = ((places + 1) * length - 1) / 2
    before = places.floor()
    taps = before[:, None] + torch.arange(-1.0, 3.0).to(places)
    distance = (places[:, None] - taps).abs()
    near = ((SHARPNESS + 2) * distance - (SHARPNESS + 3)) * distance.square() + 1
    far = ((SHARPNESS * distance - 5 * SHARPNESS) * distance + 8 * SHARPNESS) * distance - 4 * SHARPNESS
    pixels = taps.long().clamp(0, length - 1)  # the border goes on
    first = int(pixels.min())
    weights = places.new_zeros(len(places), int(pixels.max()) + 1 - first)
    return first, weights.scatter_add_(1, pixels - first, torch.where(distance <= 1, near, far))
