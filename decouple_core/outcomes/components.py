"""A picture as a sum: the target through a field, and difference images laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from decouple_core.outcomes.box import box
from decouple_core.outcomes.parametrisation import Field
from decouple_core.pictures.upsampling import stretched

STRIPE_ROWS = 16
"""Rows rendered at once, so that what becomes of them stays near the processor: 24 MP take 0.70 s, by 64 rows 0.83."""


@dataclass(frozen=True)
class Components:
    """What a transfer's result is the sum of, at any size.

    Attributes
    ----------
    colour : Field
        Carries the full-size target.
    differences : mapping of str to Tensor
        Each of shape (3, h, w), at a size of its own.
    """

    colour: Field
    differences: Mapping[str, Tensor] = field(default_factory=dict)

    def render(self, target: np.ndarray, out: np.ndarray, progress: Callable[[float], None]) -> None:
        """Evaluate the sum at full resolution, stripe by stripe.

        Parameters
        ----------
        target : ndarray
            Shape (H, W, 3), float32; may be mapped from a file.
        out : ndarray
            Receives the result in [0, 1], same shape; may be `target` itself.
        progress : callable
            Told the finished share.
        """
        parameters, height = self.colour.parameters, target.shape[0]
        for first in range(0, height, STRIPE_ROWS):
            last = min(first + STRIPE_ROWS, height)
            top, bottom = first / height, last / height
            stripe = torch.from_numpy(np.array(target[first:last].transpose(2, 0, 1), np.float32, order="C"))
            if parameters.is_cuda:  # page-locked memory crosses without another copy
                stripe = stripe.pin_memory()
            stripe = stripe.to(parameters, non_blocking=parameters.is_cuda)
            values = self.colour.at(stripe, top, bottom).apply(parameters)
            for difference in self.differences.values():
                values = values + stretched(difference, stripe, top, bottom)
            torch.from_numpy(out[first:last]).copy_(box(values).permute(1, 2, 0))
            progress(bottom)


def keep_chroma_or_luma(target: np.ndarray, result: np.ndarray, luma: tuple[float, ...], *, chroma: bool) -> None:
    """Give the result, in place, the target's own chroma, or else its own luma.

    Parameters
    ----------
    target, result : ndarray
        Shape (H, W, 3), float32.
    luma : tuple of float
        Weights of the channels.
    chroma : bool
    """
    weights = np.asarray(luma, np.float32)
    for first in range(0, len(result), STRIPE_ROWS):
        rows = slice(first, first + STRIPE_ROWS)
        change = ((result[rows] - target[rows]) @ weights)[..., None]
        kept = target[rows] + change if chroma else result[rows] - change
        result[rows] = np.clip(kept, 0.0, 1.0)
