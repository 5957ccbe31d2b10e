"""The photograph's field: a smooth field of local colour transforms, on a bilateral grid.

Every pixel is mapped by the 3×4 matrix found at its place and lightness (Chen, Paris & Durand 2007; Gharbi et al.
2017). A field cannot invent texture, so a photograph stays a photograph.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import ColourMap, luma
from decouple_core.outcomes.parametrisation import Parametrisation
from decouple_core.pictures.upsampling import centres

CELLS_ALONG = 16
"""Cells along the longer side: wide enough for a seam between regions to be soft, and for a sky to be smooth."""

CELLS_IN_LIGHTNESS = 8

BLURS = 2
"""How often L blurs a cell into its neighbours, along each axis."""


class BilateralGrid(Parametrisation):
    """From a grid, shape (12, lightness, rows, columns) with the 3×4 matrices row by row, to the pixels' colours.

    The grid is interpolated along the rows first, which leaves each row of pixels a flat grid of its own: four times as
    fast as sampling in three dimensions, and the same to rounding.

    Parameters
    ----------
    image : Tensor
        The target, shape (3, H, W), or a stripe of it.
    shape : sequence of int, optional
        Of the grid; by the proportions of the image if left out.
    top, bottom : float
        Where the stripe begins and ends, as shares of the whole image's height.
    guide : Tensor, optional
        Of the whole image: an affine function of its colours at each of the grid's places, (4, rows, columns), that
        stands for the luma.

    Attributes
    ----------
    level : Tensor
        Where each pixel lies between the first level of lightness, 0, and the last, 1; shape (H, W).
    """

    def __init__(
        self,
        image: Tensor,
        shape: Sequence[int] | None = None,
        top: float = 0.0,
        bottom: float = 1.0,
        guide: Tensor | None = None,
    ) -> None:
        self.image = image
        height, width = image.shape[1:]
        cells = (max(2, round(CELLS_ALONG * n / max(height, width))) for n in (height, width))
        self.shape = tuple(shape or (12, CELLS_IN_LIGHTNESS, *cells))
        rows = self.shape[2]
        row = (centres(image, height, top, bottom) + 1) / 2 * (rows - 1)
        # A stripe needs few of the grid's rows. Worked out here: an accelerator that is asked for them is waited for.
        ends = ((top + share * (bottom - top)) * (rows - 1) for share in (0.5 / height, 1 - 0.5 / height))
        self._used = (int(next(ends)), min(rows, int(next(ends)) + 2))
        cell = torch.arange(rows, dtype=row.dtype, device=row.device)
        self._nearness = (1 - (row[:, None] - cell).abs()).clamp_min(0)
        self.level = (luma(image) if guide is None else self._guided(guide)).clamp(0, 1)
        columns = centres(image, width, 0.0, 1.0).expand(height, width)
        self._place = torch.stack([columns, self.level * 2 - 1], -1)[:, None]

    def apply(self, parameters: Tensor) -> Tensor:
        """B·θ: grid (12, …) to colours (3, H, W)."""
        return self._colours(self._rows(parameters))

    def sampled(self, grid: Tensor) -> Tensor:
        """A grid (P, lightness, rows, columns) at the pixels, shape (P, H, W)."""
        return self._rows(grid).transpose(0, 1)

    def apply_and_sample(self, parameters: Tensor, grid: Tensor) -> tuple[Tensor, Tensor]:
        """What `apply` and `sampled` give; nearly twice as fast as both, which look for every pixel's place."""
        rows = self._rows(parameters, grid)
        return self._colours(rows[:, : len(parameters)]), rows[:, len(parameters) :].transpose(0, 1)

    def _guided(self, guide: Tensor) -> Tensor:
        used = slice(*self._used)
        # Half a pixel from where grids are interpolated, which is nothing beside a cell, and twice as fast.
        rows = guide[:, used].transpose(0, 1)
        wide = F.interpolate(rows, size=self.image.shape[2], mode="linear", align_corners=True)
        high = self._nearness[:, used] @ wide.flatten(1)
        *slopes, level = high.unflatten(1, (4, -1)).unbind(1)
        for slope, channel in zip(slopes, self.image, strict=True):
            level = torch.addcmul(level, slope, channel)
        return level

    def _rows(self, *grids: Tensor) -> Tensor:
        """Grids (P, …), one after the other, at the pixels, row by row, shape (H, P, W)."""
        used = slice(*self._used)
        grid = torch.cat([one[:, :, used] for one in grids])
        flat = torch.einsum("pzyx,hy->hpzx", grid, self._nearness[:, used])
        return F.grid_sample(flat, self._place, mode="bilinear", padding_mode="border", align_corners=True).view(
            len(flat), len(grid), -1
        )

    def _colours(self, matrices: Tensor) -> Tensor:
        """The pixels through their matrices, shape (H, 12, W), whose offsets they are added to: (3, H, W)."""
        *columns, colours = matrices.unflatten(1, (3, 4)).unbind(2)
        for column, channel in zip(columns, self.image[:, :, None], strict=True):
            colours.addcmul_(column, channel)
        return colours.transpose(0, 1)

    def adjoint(self, colours: Tensor) -> Tensor:
        """Bᵀ·x: colours (3, H, W) to a grid (12, …)."""
        arguments = torch.cat([self.image, torch.ones_like(self.image[:1])]).transpose(0, 1)
        matrices = (colours.transpose(0, 1)[:, :, None] * arguments[:, None]).flatten(1, 2)[:, :, None]
        like = colours.new_empty(()).expand(colours.shape[1], 12, self.shape[1], self.shape[3])
        # Bilinear, border, corners aligned, as in `apply`; no gradient for the places.
        flat = torch.ops.aten.grid_sampler_2d_backward(matrices, like, self._place, 0, 1, True, [True, False])[0]
        return torch.einsum("hczx,hy->czyx", flat, self._nearness)

    def constant(self, colour_map: ColourMap) -> Tensor:
        """The grid that applies one map everywhere."""
        matrix = torch.cat([colour_map.matrix, colour_map.offset[:, None]], 1).to(self.image)
        return matrix.reshape(12, 1, 1, 1).expand(self.shape)

    def smooth(self, parameters: Tensor) -> Tensor:
        """Binomial blur over neighbouring cells."""
        for axis in (1, 2, 3):
            n = parameters.shape[axis]
            for _ in range(BLURS):
                quarter = parameters.diff(dim=axis) / 4
                parameters = parameters.clone()
                parameters.narrow(axis, 0, n - 1).add_(quarter)
                parameters.narrow(axis, 1, n - 1).sub_(quarter)
        return parameters

    @classmethod
    def followed(cls, parameters: Tensor, maps: Sequence[ColourMap], shares: Tensor) -> Tensor:
        shares = F.adaptive_avg_pool2d(shares, (parameters.shape[2], parameters.shape[3]))
        cells = parameters.view(3, 4, *parameters.shape[1:])
        moved = cells * (1.0 - shares.sum(0))
        for colour_map, share in zip(maps, shares, strict=True):
            mapped = torch.einsum("ij,jkzyx->ikzyx", colour_map.matrix.to(cells), cells)
            mapped[:, 3] += colour_map.offset.to(cells)[:, None, None, None]
            moved = moved + mapped * share
        return moved.flatten(0, 1)


class LightnessGrid(BilateralGrid):
    """A grid without places: matrices by lightness alone, the same all over any picture.

    For pictures of one region; what is hidden has no share in its only cell.
    """

    def __init__(
        self, image: Tensor, shape: Sequence[int] | None = None, top: float = 0.0, bottom: float = 1.0
    ) -> None:
        super().__init__(image, shape or (12, CELLS_IN_LIGHTNESS, 1, 1), top, bottom)

    @classmethod
    def followed(cls, parameters: Tensor, maps: Sequence[ColourMap], shares: Tensor) -> Tensor:
        return super().followed(parameters, maps, torch.ones_like(shares))
