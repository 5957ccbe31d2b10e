"""Contrast of detail: what a colour map leaves of fine bands, made stronger or weaker, place by place."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.colour import luma
from decouple_core.pictures.upsampling import stretched


@dataclass(frozen=True)
class Contrast:
    """What is added to the luma of a picture, given at a size at which it fits into memory.

    Attributes
    ----------
    finest : Tensor
        Gain of the finest band, minus 1, on a bilateral grid, shape (1, lightness, rows, columns).
    below : Tensor
        The luma without its finest band, and what the gains of the coarser bands add, shape (2, h, w).
    """

    finest: Tensor
    below: Tensor

    def added(self, gain: Tensor, values: Tensor, top: float, bottom: float) -> Tensor:
        """What is to be added to values (3, H, W) that lie between two shares of the picture's height.

        Parameters
        ----------
        gain : Tensor
            `finest` at the values' pixels, shape (H, W).
        values : Tensor
        top, bottom : float

        Returns
        -------
        Tensor
            Shape (1, H, W).
        """
        coarser, added = stretched(self.below, values, top, bottom)
        return torch.addcmul(added, gain, luma(values) - coarser)[None]
