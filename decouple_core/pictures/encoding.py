"""Linear light and sRGB's encoding of it (IEC 61966-2-1), for numbers from 0 up."""

from __future__ import annotations

import numpy as np


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB has it, in the same type."""
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055)


def decoded(values: np.ndarray) -> np.ndarray:
    """Linear light of what sRGB encodes."""
    return np.where(values <= 0.04045, values / 12.92, ((np.maximum(values, 0.0) + 0.055) / 1.055) ** 2.4)
