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
        self._values, self._pixels = values.permute(1, 2, 0), pixels
        self._landed: torch.cuda.Event | None = None
        if values.is_cuda:
            staged = torch.empty(pixels.shape, dtype=torch.float32, pin_memory=True)
            self._values = staged.copy_(self._values.contiguous(), non_blocking=True)
            self._landed = torch.cuda.Event()
            self._landed.record()

    def wait(self) -> None:
        """Until they are there."""
        if self._landed is not None:
            self._landed.synchronize()
        torch.from_numpy(self._pixels).copy_(self._values)
