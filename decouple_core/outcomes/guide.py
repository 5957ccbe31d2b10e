"""The guide: by what a bilateral grid tells pixels apart beside their places.

Luma tells most surfaces apart that meet, but not all. Where two of one luma are to become different, the change between
them would be as wide as the grid's cells, and be seen as a halo. What a grid over luma misses of what is asked for is
therefore predicted from the pixels' colours, by ridge regression around every place (the guided filter; He, Sun & Tang
2013), and the prediction added to the luma: what is to become different comes to lie at different levels. Where the
grid over luma misses nothing, the guide is luma.
"""

from __future__ import annotations

import torch
from torch import Tensor

from decouple_core.correspondence.bilateral_space import averaged, binomial
from decouple_core.correspondence.local_maps import moments_of
from decouple_core.correspondence.moments import products
from decouple_core.features.colour import LUMA
from decouple_core.features.decomposable import decomposable
from decouple_core.features.overview import MOMENTS
from decouple_core.outcomes.bilateral_grid import BilateralGrid

PUSH = 3.0
"""Levels, from 0 to 1, by which pixels are pushed apart for each unit of colour that luma misses. With twice as much
two areas lie no better apart, and single colours of one surface begin to."""

BLURS = 2
"""Of the regression's moments, from place to place: a standard deviation of one cell."""

RIDGE = 1e-3
"""Added to the variances of colour, (8 / 255)²: smaller differences are grain."""


def guide_to(change: Tensor, image: Tensor, weights: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """The guide for a change that is to be looked up, shape (4, rows, columns).

    Parameters
    ----------
    change : Tensor
        Of colours, at each pixel, shape (3, H, W).
    image : Tensor
        The target, shape (3, H, W).
    weights : Tensor
        How much each pixel counts, (H, W) in [0, 1]; not all 0.
    shape : tuple of int
        Of the grid, in lightness, rows and columns.
    """
    at = BilateralGrid(image, (12, *shape))
    missed = _main_part(change - at.sampled(averaged(change, at.level, weights, shape)))
    planes = torch.cat([products(image), missed[None], image * missed])
    cells = averaged(planes, torch.zeros_like(missed), weights, (1, *shape[1:]))
    for _ in range(BLURS):
        cells = binomial(cells)
    cells = decomposable(cells[:, 0].movedim(0, -1))
    means, covariance = moments_of(cells[..., :MOMENTS])
    mean = cells[..., MOMENTS, None]
    ridge = RIDGE * torch.eye(3).to(means)
    slopes = torch.linalg.solve(covariance + ridge, cells[..., MOMENTS + 1 :] - means * mean)
    offset = mean - (slopes * means).sum(-1, keepdim=True)
    guide = PUSH * torch.cat([slopes, offset], -1)
    guide[..., :3] += torch.tensor(LUMA).to(guide)
    return guide.movedim(-1, 0).to(image).contiguous()


def _main_part(planes: Tensor) -> Tensor:
    """The combination of planes (3, H, W) that varies most, (H, W), the same whatever the device."""
    flat = planes.flatten(1)
    axis = torch.linalg.eigh((flat @ flat.T).cpu().double()).eigenvectors[:, -1]
    axis = axis * torch.where(axis.sum() < 0, -1.0, 1.0)  # an eigenvector's sign is anything
    return torch.einsum("c,chw->hw", axis.to(planes), planes)
