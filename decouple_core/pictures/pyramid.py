"""An image at scales that double, from coarse to fine."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from decouple_core.pictures.picture import Scale
from decouple_core.pictures.resampling import working_shape


def doubling(finest: int, coarsest: int) -> list[int]:
    """Longer sides, in pixels, from about the coarsest to the finest, each twice the one before."""
    sides = [finest]
    while sides[0] // 2 >= coarsest:
        sides.insert(0, sides[0] // 2)
    return sides


def at_side(scale: Scale, side: int) -> Scale:
    """An image and its masks with a longer side of so many pixels, smaller or larger."""
    height, width = scale.image.shape[1:]
    if side <= max(height, width):
        shape = working_shape((height, width), side)
        return Scale(smaller(scale.image, shape), None if scale.masks is None else smaller(scale.masks, shape))
    factor = side / max(height, width)
    shape = (max(1, round(height * factor)), max(1, round(width * factor)))
    masks = None if scale.masks is None else larger(scale.masks, shape).clamp(0.0, 1.0)
    return Scale(larger(scale.image, shape).clamp(0.0, 1.0), masks)


def smaller(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """An image (C, H, W), each of whose new pixels is the mean of those under it."""
    return F.adaptive_avg_pool2d(image, shape)


def larger(image: Tensor, shape: tuple[int, int]) -> Tensor:
    """An image (C, h, w), smoothly. What would make `smaller` its exact inverse leaves blocks."""
    return F.interpolate(image[None], size=shape, mode="bicubic", align_corners=False)[0]


def finer_half(image: Tensor) -> Tensor:
    """What of an image (C, H, W) its half does not hold."""
    height, width = image.shape[1:]
    half = smaller(image, (max(1, height // 2), max(1, width // 2)))
    return image - larger(half, (height, width))
