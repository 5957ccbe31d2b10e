"""The photograph: a smooth field of local colour transforms that carries the target towards the flow's result.

The field is a bilateral grid of affine colour transforms (Chen, Paris & Durand 2007; Gharbi et al. 2017): every
pixel is mapped by the 3×4 matrix found at its place and lightness. It is fitted at the working size, corrected
in its own parameters, and evaluated at any size in bounded memory. It cannot invent texture, so a photograph
stays a photograph.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LUMA, ColourMap, ColourMoments, map_between
from decouple_core.flow.solvers import conjugate_gradients

CELLS_ALONG = 16
"""Cells along the longer side: wide enough for a seam between regions to be soft, and for a sky to be smooth."""

CELLS_IN_LIGHTNESS = 8

SMOOTHNESS, ANCHOR = 10.0, 0.1
"""Weights of the differences between neighbouring cells, and of the distance from one global map, against the squared
error of a cell's pixels. A hundredth of them lets the flow's own patches into skies, and costs structure without coming
nearer to the style: on four pairs of free photographs edges .72 instead of .74 at nearly the same style errors."""

BOX_SOFTNESS = 0.005
"""How far the corners of the box [0, 1] are rounded: about one 8-bit step."""

STRIPE_ROWS = 16
"""Rows rendered at once, so that what becomes of them stays near the processor: 24 MP take 0.70 s, by 64 rows 0.83."""


@dataclass(frozen=True)
class Field:
    """A bilateral grid of affine colour transforms.

    Attributes
    ----------
    grid : Tensor
        Shape (12, lightness, rows, columns): the 3×4 matrices, row by row.
    residual : Tensor, optional
        Shape (3, h, w): texture to lay over the picture, at the working size.
    """

    grid: Tensor
    residual: Tensor | None = None

    def __call__(self, image: Tensor) -> Tensor:
        """Apply to a whole image (3, H, W), before the box."""
        return Slicing(image, self.grid.shape[1:]).apply(self.grid)

    def then(self, maps: Sequence[ColourMap], shares: Tensor) -> Field:
        """Follow this field by affine colour maps.

        Parameters
        ----------
        maps : sequence of ColourMap
            One for each of R regions.
        shares : Tensor
            Shape (R, rows, columns), summing to at most 1 over R: how much of each cell belongs to each region. The
            rest of a cell stays as it is.
        """
        cells = self.grid.view(3, 4, *self.grid.shape[1:])
        moved = cells * (1.0 - shares.sum(0))
        for colour_map, share in zip(maps, shares, strict=True):
            mapped = torch.einsum("ij,jkzyx->ikzyx", colour_map.matrix.to(cells), cells)
            mapped[:, 3] += colour_map.offset.to(cells)[:, None, None, None]
            moved = moved + mapped * share
        return Field(moved.flatten(0, 1), self.residual)

    def render(self, image: np.ndarray, out: np.ndarray, progress: Callable[[float], None]) -> None:
        """Evaluate at full resolution, stripe by stripe.

        Parameters
        ----------
        image : ndarray
            The target, shape (H, W, 3), float32; may be mapped from a file.
        out : ndarray
            Receives the result in [0, 1], same shape; may be `image` itself.
        progress : callable
            Told the finished share.
        """
        height = image.shape[0]
        for top in range(0, height, STRIPE_ROWS):
            bottom = min(top + STRIPE_ROWS, height)
            stripe = torch.from_numpy(np.ascontiguousarray(image[top:bottom].transpose(2, 0, 1), np.float32))
            if self.grid.is_cuda:  # page-locked memory crosses without another copy
                stripe = stripe.pin_memory()
            stripe = stripe.to(self.grid, non_blocking=self.grid.is_cuda)
            values = Slicing(stripe, self.grid.shape[1:], top / height, bottom / height).apply(self.grid)
            if self.residual is not None:
                values = values + _stretch(self.residual, stripe, top / height, bottom / height)
            torch.from_numpy(out[top:bottom]).copy_(box(values).permute(1, 2, 0))
            progress(bottom / height)


class Slicing:
    """B and Bᵀ: from a grid to the colours it gives the pixels of an image, and back.

    The grid is interpolated along the rows first, which leaves each row of pixels a flat grid of its own: four times as
    fast as sampling in three dimensions, and the same to rounding.

    Parameters
    ----------
    image : Tensor
        The target, shape (3, H, W), or a stripe of it.
    grid_shape : sequence of int, optional
        Cells in lightness, rows and columns; by the proportions of the image if left out.
    top, bottom : float
        Where the stripe begins and ends, as shares of the whole image's height.
    """

    def __init__(self, image: Tensor, grid_shape: Sequence[int] | None = None, top: float = 0.0,
                 bottom: float = 1.0) -> None:
        self.image = image
        height, width = image.shape[1:]
        cells = (max(2, round(CELLS_ALONG * n / max(height, width))) for n in (height, width))
        self.grid_shape = tuple(grid_shape or (CELLS_IN_LIGHTNESS, *cells))
        rows = self.grid_shape[1]
        row = (_centres(image, height, top, bottom) + 1) / 2 * (rows - 1)
        self._nearness = (1 - (row[:, None] - torch.arange(rows).to(row)).abs()).clamp_min(0)
        guide = torch.einsum("c,chw->hw", torch.tensor(LUMA, dtype=torch.float64).to(image), image).clamp(0, 1) * 2 - 1
        self._place = torch.stack([_centres(image, width, 0.0, 1.0).expand(height, width), guide], -1)[:, None]

    def apply(self, grid: Tensor) -> Tensor:
        """B·θ: grid (12, …) to colours (3, H, W)."""
        flat = torch.einsum("czyx,hy->hczx", grid, self._nearness)
        matrices = F.grid_sample(flat, self._place, mode="bilinear", padding_mode="border", align_corners=True)
        *columns, colours = matrices.view(-1, 3, 4, self.image.shape[2]).unbind(2)
        for column, channel in zip(columns, self.image[:, :, None], strict=True):
            colours.addcmul_(column, channel)
        return colours.transpose(0, 1)

    def adjoint(self, colours: Tensor) -> Tensor:
        """Bᵀ·x: colours (3, H, W) to a grid (12, …)."""
        arguments = torch.cat([self.image, torch.ones_like(self.image[:1])]).transpose(0, 1)
        matrices = (colours.transpose(0, 1)[:, :, None] * arguments[:, None]).flatten(1, 2)[:, :, None]
        like = colours.new_empty(()).expand(colours.shape[1], 12, self.grid_shape[0], self.grid_shape[2])
        # Bilinear, border, corners aligned, as in `apply`; no gradient for the places.
        flat = torch.ops.aten.grid_sampler_2d_backward(matrices, like, self._place, 0, 1, True, [True, False])[0]
        return torch.einsum("hczx,hy->czyx", flat, self._nearness)

    def constant(self, colour_map: ColourMap) -> Tensor:
        """The grid that applies one map everywhere."""
        matrix = torch.cat([colour_map.matrix, colour_map.offset[:, None]], 1).to(self.image)
        return matrix.reshape(12, 1, 1, 1).expand(12, *self.grid_shape)


def fit(slicing: Slicing, goal: Tensor) -> Field:
    """The smooth field that carries the image as near to `goal`, shape (3, H, W), as such a field can.

    Least squares with two penalties, the differences between neighbouring cells and the distance from the one map
    that matches the colour moments; solved by conjugate gradients on the normal equations.
    """
    start = slicing.constant(map_between(ColourMoments.of(slicing.image), ColourMoments.of(goal)))
    pixels_per_cell = goal[0].numel() / start[0].numel()

    def operator(grid: Tensor) -> Tensor:
        return slicing.adjoint(slicing.apply(grid)) + pixels_per_cell * (SMOOTHNESS * _roughness(grid) + ANCHOR * grid)

    right_side = slicing.adjoint(goal - slicing.apply(start))  # a constant grid has no roughness
    # Tolerance and bound: tighter ones change the picture by less than 1/255.
    return Field(start + conjugate_gradients(operator, right_side, tolerance=1e-3, iterations=60).multipliers)


def box(values: Tensor) -> Tensor:
    """Bring values into [0, 1] smoothly, so that the box has a slope inside the solve."""
    inside = _rounded(values).sub_(_rounded(values - 1.0)).add_(1.0).mul_(0.5)
    return inside.clamp_(0.0, 1.0)  # rounding leaves 1e-6 outside


def box_slope(values: Tensor) -> Tensor:
    """Derivative of `box`."""
    return 0.5 * (values / _rounded(values) - (values - 1.0) / _rounded(values - 1.0))


def _rounded(values: Tensor) -> Tensor:
    """|values|, its corner rounded."""
    return torch.addcmul(torch.tensor(BOX_SOFTNESS**2, dtype=torch.float64).to(values), values, values).sqrt_()


def _stretch(residual: Tensor, stripe: Tensor, top: float, bottom: float) -> Tensor:
    """The residual (3, h, w) at the pixels of a stripe, by bicubic interpolation."""
    rows, columns = _centres(stripe, stripe.shape[1], top, bottom), _centres(stripe, stripe.shape[2], 0.0, 1.0)
    place = torch.stack([columns.expand(stripe.shape[1:]), rows[:, None].expand(stripe.shape[1:])], -1)[None]
    return F.grid_sample(residual[None], place, mode="bicubic", padding_mode="border", align_corners=False)[0]


def _centres(like: Tensor, number: int, first: float, last: float) -> Tensor:
    """Where the centres of `number` pixels lie, on a scale from −1 to 1 over the whole image."""
    return (first + (torch.arange(number).to(like) + 0.5) / number * (last - first)) * 2 - 1


def _roughness(grid: Tensor) -> Tensor:
    """DᵀD: the differences between neighbouring cells, and their adjoint."""
    out = torch.zeros_like(grid)
    for axis in (1, 2, 3):
        difference, n = grid.diff(dim=axis), grid.shape[axis]
        out.narrow(axis, 1, n - 1).add_(difference)
        out.narrow(axis, 0, n - 1).sub_(difference)
    return out
