"""Contrast of detail: what a colour map leaves of fine bands, made stronger or weaker, place by place.

Bands of luma are made stronger or weaker. The detail of chroma is only held back, where a map strengthens it so much
that noise would be seen as coloured grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.colour import luma
from decouple_core.pictures.upsampling import stretched


@dataclass(frozen=True)
class Contrast:
    """What is added to a picture, given at a size at which it fits into memory.

    Attributes
    ----------
    gains : Tensor
        Gain of luma's finest band, minus 1, on a bilateral grid, shape (1, lightness, rows, columns); with a second
        channel, that of chroma's detail.
    below : Tensor
        The luma without its finest band, and what the gains of the coarser bands add, shape (2, h, w); with three more
        channels, the chroma without its detail: colours less their luma.
    """

    gains: Tensor
    below: Tensor

    def added(self, gains: Tensor, values: Tensor, top: float, bottom: float) -> Tensor:
        """What is to be added to values (3, H, W) that lie between two shares of the picture's height.

        Parameters
        ----------
        gains : Tensor
            `gains` at the values' pixels, shape (1 or 2, H, W).
        values : Tensor
        top, bottom : float

        Returns
        -------
        Tensor
            Shape (1 or 3, H, W).
        """
        light = luma(values)
        coarser, added, *chroma = stretched(self.below, values, top, bottom)
        added = torch.addcmul(added, gains[0], light - coarser)[None]
        if not chroma:
            return added
        return torch.addcmul(added, gains[1], values - light - torch.stack(chroma))
