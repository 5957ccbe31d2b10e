"""Averages in bilateral space: over pixels near in the picture and alike in lightness (Chen, Paris & Durand 2007).

A plane of values becomes a grid over place and lightness, shape (lightness, rows, columns), of weighted means. Means of
moments are moments again, which means of colour maps are not.
"""

from __future__ import annotations

import torch
from torch import Tensor

EMPTY = 1e-3
"""Weight, in pixels, below which a vertex takes its value from its neighbours."""


def averaged(planes: Tensor, levels: Tensor, weights: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """The mean of planes (P, H, W) near each vertex of a grid, shape (P, lightness, rows, columns).

    Pixels count with tent weights, as they are interpolated. A vertex that no pixel is near to takes what is around it.

    Parameters
    ----------
    planes : Tensor
    levels : Tensor
        Shape (H, W): where each pixel is, in lightness, in [0, 1].
    weights : Tensor
        How much each pixel counts, (H, W) in [0, 1]; not all 0.
    shape : tuple of int
        Cells in lightness, rows and columns.
    """
    depth, rows, columns = shape
    along_rows, along_columns = (
        _tents((torch.arange(n, device=levels.device) + 0.5) / n * (cells - 1), cells)
        for n, cells in zip(levels.shape, (rows, columns), strict=True)
    )
    weighted = torch.cat([planes * weights, weights[None]])
    light = levels * (depth - 1)
    layers = [
        along_rows.T @ (weighted * (1.0 - (light - level).abs()).clamp_min(0)) @ along_columns for level in range(depth)
    ]
    wider = grid = torch.stack(layers, 1)
    while bool((empty := grid[-1:] < EMPTY).any()):
        wider = binomial(wider)
        grid = torch.where(empty, wider, grid)
    return grid[:-1] / grid[-1:]


def binomial(grid: Tensor) -> Tensor:
    """A grid (P, Z, R, C) blurred by [1, 2, 1] / 4 along its three axes, the border repeated."""
    for axis in (1, 2, 3):
        length = grid.shape[axis]
        first, last = grid.narrow(axis, 0, 1), grid.narrow(axis, length - 1, 1)
        padded = torch.cat([first, grid, last], axis)
        grid = 0.25 * padded.narrow(axis, 0, length) + 0.5 * grid + 0.25 * padded.narrow(axis, 2, length)
    return grid


def _tents(places: Tensor, cells: int) -> Tensor:
    """Weights of places, in cells, for linear interpolation, shape (n, cells)."""
    return (1.0 - (places[:, None] - torch.arange(cells, device=places.device)).abs()).clamp_min(0).float()
