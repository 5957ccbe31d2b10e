"""The box [0, 1], with rounded corners, so that it has a slope inside a solve."""

from __future__ import annotations

import torch
from torch import Tensor

SOFTNESS = 0.005
"""How far the corners are rounded: about one 8-bit step."""


def box(values: Tensor) -> Tensor:
    """Bring values into [0, 1] smoothly."""
    inside = _rounded(values).sub_(_rounded(values - 1.0)).add_(1.0).mul_(0.5)
    return inside.clamp_(0.0, 1.0)  # rounding leaves 1e-6 outside


def box_slope(values: Tensor) -> Tensor:
    """Derivative of `box`."""
    return 0.5 * (values / _rounded(values) - (values - 1.0) / _rounded(values - 1.0))


def _rounded(values: Tensor) -> Tensor:
    """|values|, its corner rounded."""
    return torch.addcmul(values.new_full((), SOFTNESS**2), values, values).sqrt_()
