"""Values of places, spread along the target's own surfaces: the domain transform (Gastal & Oliveira 2011).

Along a row or column, t(p) is how far a pixel lies from the first one when every difference of colour counts as a
distance. Averages over boxes of t stop at edges and run on where a surface is even. Three rounds of them, along columns
and rows in turn and with halved widths, come near to a Gaussian (the paper's normalised convolution, section 5.1).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.decomposable import in_double

WIDTH = 0.3
"""Standard deviation of the average along an even surface, as a share of the longer side."""

CONTRAST = 0.3
"""Difference of colour, summed over R'G'B', that counts as far as `WIDTH`."""

ROUNDS = 3


def spread(
    planes: Tensor, guide: Tensor, *, width: float = WIDTH, contrast: float = CONTRAST, rounds: int = ROUNDS
) -> Tensor:
    """Average planes (P, H, W) along the surfaces of a guide (3, H, W) of the same size.

    Parameters
    ----------
    planes, guide : Tensor
    width : float
        Standard deviation on an even surface, as a share of the longer side.
    contrast : float
        Standard deviation in colour, the L1 norm over R'G'B'.
    rounds : int
    """
    pixels = width * max(guide.shape[1:])
    along_rows, along_columns = (_positions(guide, axis, pixels / contrast) for axis in (2, 1))
    for number in range(rounds):
        # Of the N rounds' variances, each a quarter of the one before, the sum is that of the width (equation 14).
        sigma = pixels * 3**0.5 * 2.0 ** (rounds - number - 1) / (4.0**rounds - 1) ** 0.5
        reach = 3**0.5 * sigma  # half the side of a box of that variance
        planes = box_average(planes, along_rows, reach)
        planes = box_average(planes.mT.contiguous(), along_columns, reach).mT.contiguous()
    return planes


def box_average(planes: Tensor, positions: Tensor, reach: float) -> Tensor:
    """The mean over all q of a row with |t(q) − t(p)| ≤ reach, for every p.

    Parameters
    ----------
    planes : Tensor
        Shape (P, R, L): R rows of L values each.
    positions : Tensor
        t, rising along each row, shape (R, L).
    reach : float
    """
    first = torch.searchsorted(positions, positions - reach)
    last = torch.searchsorted(positions, positions + reach, right=True)
    # Of running sums; in single precision their differences would lose what is small beside a whole row.
    sums = F.pad(in_double(planes).cumsum(-1), (1, 0))
    within = [sums.gather(-1, ends.to(sums.device).expand(planes.shape)) for ends in (first, last)]
    return (within[1] - within[0]).to(planes) / (last - first)


def _positions(guide: Tensor, axis: int, steepness: float) -> Tensor:
    """T of each pixel, rows along the axis, (R, L); the paper's equation 11."""
    distances = 1.0 + steepness * guide.diff(dim=axis).abs().sum(0)
    if axis == 1:
        distances = distances.T
    return F.pad(distances.cumsum(1), (1, 0)).contiguous()
