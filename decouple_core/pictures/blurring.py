"""Gaussian blur."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def blurred(image: Tensor, width: float) -> Tensor:
    """Gaussian blur of every channel of (C, h, w) by a standard deviation in pixels, the border reflected."""
    for axis in (1, 2):
        reach = min(int(3 * width + 0.5), image.shape[axis] - 1)
        places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
        kernel = torch.exp(-places.square() / (2 * width**2))
        kernel = (kernel / kernel.sum()).view(1, 1, *((-1, 1) if axis == 1 else (1, -1)))
        border = (0, 0, reach, reach) if axis == 1 else (reach, reach, 0, 0)
        image = F.conv2d(F.pad(image[:, None], border, mode="reflect"), kernel)[:, 0]
    return image
