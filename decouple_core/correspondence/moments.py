"""Moments of a picture's places: of their colours, and of bands of their detail."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import luma
from decouple_core.features.overview import BANDS, SIDE, Overview, grid_of
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.picture import Picture, Scale

FINEST_BAND = 0.8 / 640
"""Standard deviation of the blur that the finest band is the difference to, as a share of the longer side. Relative,
because a style at another resolution has its detail at the same share of it."""

FIRST, SECOND = (0, 1, 2, 0, 0, 1), (0, 1, 2, 1, 2, 2)
"""Channels of the six products, in order: the squares first."""


def overview_of(picture: Picture) -> Overview:
    """The overview of a picture with its regions."""
    image = (picture.detail.shrunk(SIDE).image.clamp(0, 1) * 255).round() / 255
    grid = grid_of(image)
    return Overview(image, _moments(picture.medium, grid), _on_grid(picture.medium.shares, grid))


def products(image: Tensor) -> Tensor:
    """The colours of an image (3, H, W) and their products, shape (9, H, W)."""
    return torch.stack([*image, *(image[one] * image[other] for one, other in zip(FIRST, SECOND, strict=True))])


def bands(image: Tensor, count: int = BANDS) -> tuple[list[Tensor], Tensor]:
    """Bands of an image's luma, fine to coarse, each (1, H, W), and what is coarser than the finest of them."""
    light, width, found = luma(image)[None], FINEST_BAND * max(image.shape[1:]), []
    below = light
    for number in range(count):
        low = blurred(light, width)
        below = low if number == 0 else below
        found.append(light - low)
        light, width = low, 2 * width
    return found, below


def _moments(scale: Scale, grid: tuple[int, int]) -> Tensor:
    """Moments of the places of an image, shape (n, 12): of what belongs to a region, where anything does."""
    found, _ = bands(scale.image)
    planes = torch.cat([products(scale.image), *(band.square() for band in found)])
    plain = F.adaptive_avg_pool2d(planes, grid)
    if scale.masks is not None:
        present = scale.shares.sum(0, keepdim=True)
        counted = F.adaptive_avg_pool2d(present, grid)
        plain = torch.where(
            counted > 1e-3, F.adaptive_avg_pool2d(planes * present, grid) / counted.clamp_min(1e-3), plain
        )
    return plain.flatten(1).T.contiguous()


def _on_grid(shares: Tensor, grid: tuple[int, int]) -> Tensor:
    """Shares (R, H, W) of the places, (R, n), in 8-bit steps, as they are kept; of the least region some is left."""
    exact = F.adaptive_avg_pool2d(shares, grid).flatten(1).clamp(0, 1) * 255
    steps = exact.round()
    return torch.where(steps.any(1, keepdim=True), steps, exact.ceil()) / 255
