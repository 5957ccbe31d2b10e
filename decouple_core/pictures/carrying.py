"""Pixels on their way between the processor's memory and a device's.

CUDA copies page-locked memory beside its other work, and at several times the speed. So pixels pass through pages of
that kind, which torch keeps for the next ones; nothing is waited for but what has come back.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def carried(pixels: np.ndarray, device: torch.device) -> Tensor:
    """Pixels (H, W, C), which may be mapped from a file, as a tensor (C, H, W) of single precision on a device."""
    if device.type == "cpu":
        return torch.from_numpy(np.array(pixels.transpose(2, 0, 1), np.float32, order="C"))
    staged = torch.empty(pixels.shape, dtype=torch.float32, pin_memory=device.type == "cuda")
    np.copyto(staged.numpy(), pixels)
    return staged.to(device, non_blocking=staged.is_pinned()).permute(2, 0, 1).contiguous()


class Landing:
    """Values on their way back.

    Parameters
    ----------
    values : Tensor
        Shape (C, H, W), on any device.
    pixels : ndarray
        Where they are to be, shape (H, W, C).
    """

    def __init__(self, values: Tensor, pixels: np.ndarray) -> None:
        self._pixels = torch.from_numpy(pixels)
        self._staged: Tensor | None = None
        values = values.permute(1, 2, 0)
        if values.is_cuda:
            self._staged = torch.empty(pixels.shape, dtype=torch.float32, pin_memory=True)
            self._staged.copy_(values.contiguous(), non_blocking=True)
            self._landed = torch.cuda.Event()
            self._landed.record()
        else:
            self._pixels.copy_(values)

    def wait(self) -> None:
        """Until they are there."""
        if self._staged is not None:
            self._landed.synchronize()
            self._pixels.copy_(self._staged)
