"""What of a picture counts, and what of a result is shown."""

from __future__ import annotations

import numpy as np

from decouple_contract.errors import InputError


def visible(alpha: np.ndarray | None, mask: np.ndarray | None, nothing: str) -> np.ndarray | None:
    """Where features are measured: opacity times mask, because the colour of what cannot be seen must not count.

    Parameters
    ----------
    alpha, mask : ndarray or None
        Shape (H, W), in [0, 1].
    nothing : str
        Code of the error where the mask takes in what is transparent alone.

    Returns
    -------
    ndarray or None
        Shape (H, W), float32; None where all counts in full.

    Raises
    ------
    InputError
        Where nothing counts.
    """
    if alpha is not None and not alpha.any():
        raise InputError("image-transparent")
    weights = [part for part in (alpha, mask) if part is not None and part.min() < 1.0]
    if not weights:
        return None
    together = weights[0] if len(weights) == 1 else weights[0] * weights[1]
    if not together.any():
        raise InputError(nothing)
    return together


def blend(result: np.ndarray, target: np.ndarray, mask: np.ndarray) -> None:
    """Give the result, in place, the target's own pixels where the mask leaves them.

    Parameters
    ----------
    result, target : ndarray
        Shape (H, W, 3), float32.
    mask : ndarray
        Shape (H, W), in [0, 1]: how much of the result there is.
    """
    result[:] = target + (result - target) * mask[..., None]
