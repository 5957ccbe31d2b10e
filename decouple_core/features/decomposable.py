"""Where matrices are decomposed: Apple's accelerators have neither decompositions nor double precision."""

from __future__ import annotations

from torch import Tensor


def decomposable(values: Tensor) -> Tensor:
    """Values on their own device, or on the CPU where the device is neither that nor CUDA's."""
    return values if values.is_cuda else values.cpu()


def in_double(values: Tensor) -> Tensor:
    """Values in double precision, likewise."""
    return decomposable(values).double()
