"""From a small image to the pixels of a larger one, stripe by stripe."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def centres(like: Tensor, number: int, first: float, last: float) -> Tensor:
    """Where the centres of `number` pixels lie between two shares of an image's side, −1 to 1 over the whole of it."""
    places = torch.arange(number, dtype=like.dtype, device=like.device)
    return (first + (places + 0.5) / number * (last - first)) * 2 - 1


def stretched(image: Tensor, stripe: Tensor, top: float, bottom: float) -> Tensor:
    """An image (3, h, w) at the pixels of a stripe (…, H, W), which lies between two shares of its height; bicubic."""
    height, width = stripe.shape[-2:]
    rows, columns = centres(stripe, height, top, bottom), centres(stripe, width, 0.0, 1.0)
    place = torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)], -1)[None]
    return F.grid_sample(image[None], place, mode="bicubic", padding_mode="border", align_corners=False)[0]
