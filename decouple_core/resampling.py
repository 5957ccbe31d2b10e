"""From full-size pixels to the working size, and masks with them, in bounded memory."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from decouple_core.errors import InputError


def working_shape(shape: tuple[int, int], size: int) -> tuple[int, int]:
    """Height and width whose longer side is `size`, or `shape` itself where that is smaller."""
    scale = min(1.0, size / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def shrink(pixels: np.ndarray, size: int) -> Tensor:
    """An image (H, W, 3) at the working size, as a tensor (3, h, w).

    Raises
    ------
    InputError
        When a value is no number or infinite.
    """
    shape = working_shape(pixels.shape[:2], size)
    small = np.stack([_resize(pixels[..., c], shape) for c in range(3)])
    if not np.isfinite(small).all():
        raise InputError("The image holds values that are no numbers; flatten or repair it and try again.")
    return torch.from_numpy(small)


def shrink_mask(mask: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """A mask (H, W) in [0, 1] on a grid of `shape`, as a tensor (h, w).

    Raises
    ------
    InputError
        When nothing is selected.
    """
    small = torch.from_numpy(_resize(mask, shape)).clamp(0.0, 1.0)
    if not small.sum() > 0:
        raise InputError("The mask or selection is empty; select something, or nothing at all for the whole image.")
    return small


def _resize(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Pillow's bicubic filter, widened when shrinking; `reducing_gap` averages whole blocks first, for speed."""
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.array(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC, reducing_gap=3.0))
