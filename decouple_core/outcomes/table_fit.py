"""The lookup table that comes nearest to a photograph's look.

A table maps colours alone, whatever their place, and a photograph's field changes from place to place. What is kept of
it is the global part: the table t that is nearest, in the sense of least squares, to what became of the target's own
colours x, with W the weights of the linear interpolation:

    mean |W t − y|²  +  SMOOTHNESS ∫|∂²t|²  +  PULL ∫|t − x|²  +  RISING ∫ min(0, ∂ luma(t) − LEAST_RISE)²

where the last derivative is along the grey diagonal: what is brighter stays brighter, in other pictures, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LUMA
from decouple_core.features.colour_difference import ciede2000, cielab
from decouple_core.flow.solvers import Operator, conjugate_gradients
from decouple_core.outcomes.lookup_table import LookupTable, Nearness, identity, interpolated, looked_up, places_of

SMOOTHNESS = 3e-6
"""Of 1e-7 to 1e-5 on five pairs of photographs: with more, a table fitted to one half of the target comes nearer to the
other half (ΔE₀₀, 95th percentile, mean of the five: 22.2, 21.4, 20.6), the whole one less near to its own (15.9, 16.2,
16.7) and without steps that show."""

PULL = 1e-3
"""Decides where no colours are near. With ten times as much, half of those five go no nearer to the other half."""

RISING = 1.0
"""With it the luma of those five falls by .02 at most from node to node of 33 along the diagonal, without it by .15."""

LEAST_RISE = 0.02
"""Of the luma for each unit that the input brightens, so that rounding to 8 bits does not turn it."""

ROUNDS = 3
"""Solves at each number of nodes, each with the places where the one before fell."""

BINS = 128
"""Cells along each axis in which the target's colours are gathered: twice the finest table's."""

COARSEST = 9
"""Nodes of the table that is solved for first; the others begin with what the one of half as many found."""

TOLERANCE, ITERATIONS = 1e-4, 100
"""Of the conjugate gradients, as a share of the right side; and at most. 95 % of the nodes, those far from any colour
included, then lie within 1/255 of the exact solution, in 2 s for 33 on one core."""

MOST_MEASURED = 2**20
"""Pixels of the target that are looked at, evenly spread: as many as the finest table has nodes, four times over."""


def fit(
    pixels: np.ndarray,
    results: np.ndarray,
    weights: np.ndarray | None,
    nodes: int,
    title: str,
    progress: Callable[[float], None],
) -> LookupTable:
    """The table that comes nearest to having made the results of the pixels.

    Parameters
    ----------
    pixels, results : ndarray
        Shape (H, W, 3), float32, nominally in [0, 1]; may be mapped from a file.
    weights : ndarray or None
        How much each pixel counts, (H, W); all the same if None.
    nodes : int
        N, along each axis.
    title : str
    progress : callable
        Told the finished share.

    Returns
    -------
    LookupTable
        With its nearness on the same pixels, as they count.
    """
    step = max(1, math.ceil(math.sqrt(pixels.shape[0] * pixels.shape[1] / MOST_MEASURED)))
    sources, wanted = (np.asarray(each[::step, ::step], np.float32).reshape(-1, 3) for each in (pixels, results))
    shares = np.ones(len(sources)) if weights is None else weights[::step, ::step].reshape(-1).astype(np.float64)
    if not shares.any():  # the little that counts lies between the pixels that are looked at
        shares = np.ones(len(sources))
    cloud = _gathered(sources, wanted, shares / shares.sum())
    sides = [nodes]
    while sides[0] // 2 + 1 >= COARSEST:
        sides.insert(0, sides[0] // 2 + 1)
    change = torch.zeros(3, *(sides[0],) * 3)
    for number, side in enumerate(sides):
        change = _solved(cloud, F.interpolate(change[None], (side,) * 3, mode="trilinear", align_corners=True)[0])
        progress((number + 1) / len(sides))
    colours = np.clip(identity(nodes) + change.permute(3, 2, 1, 0).numpy(), 0.0, 1.0)
    return LookupTable(colours, title, nearness(looked_up(colours, sources), wanted, shares))


def nearness(pixels: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> Nearness:
    """How far pixels (n, 3) are from those that were wanted, weighted by (n,)."""
    differences = ciede2000(cielab(pixels), cielab(wanted))
    order = np.argsort(differences)
    below = np.cumsum(weights[order]) / weights.sum()
    place = min(int(np.searchsorted(below, 0.95)), len(order) - 1)
    return Nearness(float(np.average(differences, weights=weights)), float(differences[order[place]]))


@dataclass(frozen=True)
class _Cloud:
    """Colours with what became of them, those that are nearly equal as one.

    Attributes
    ----------
    places : Tensor
        Shape (1, K, 1, 1, 3), as `grid_sample` wants them.
    changes : Tensor
        What was added to each, (3, K).
    weights : Tensor
        Shape (K,), of sum 1.
    """

    places: Tensor
    changes: Tensor
    weights: Tensor


def _gathered(sources: np.ndarray, wanted: np.ndarray, weights: np.ndarray) -> _Cloud:
    """Pixels (n, 3) by cells of their colours."""
    cells = np.minimum((np.clip(sources, 0.0, 1.0) * BINS).astype(np.int64), BINS - 1) @ (BINS**2, BINS, 1)
    _, cell = np.unique(cells, return_inverse=True)

    def sums(values: np.ndarray) -> np.ndarray:
        return np.bincount(cell, weights=values * weights)

    total = sums(np.ones(len(cell)))
    kept = total > 0
    means = [
        sums(values[:, channel])[kept] / total[kept]
        for values in (np.clip(sources, 0.0, 1.0), wanted)
        for channel in range(3)
    ]
    colours, results = (torch.from_numpy(np.stack(part)).float() for part in (means[:3], means[3:]))
    return _Cloud(places_of(colours.T), results - colours, torch.from_numpy(total[kept]).float())


def _solved(cloud: _Cloud, start: Tensor) -> Tensor:
    """The change (3, N, N, N), by channel and blue, green and red of the input, that is nearest to the cloud's."""
    nodes = start.shape[1]
    spacing = 1.0 / (nodes - 1)
    right = _spread(cloud.weights * cloud.changes, cloud.places, start)
    # The diagonal of what follows, or a little more: the rows' sums for the cloud, 6 and more for each axis.
    diagonal = _spread(cloud.weights.expand(3, -1), cloud.places, start) + 18 * SMOOTHNESS / spacing + PULL * spacing**3
    smooth = _smooth_inverse(nodes)
    luma = start.new_tensor(LUMA)[:, None, None, None]
    change = start
    lack = (LEAST_RISE - 1.0) * spacing  # the identity's luma rises by the spacing

    def falling() -> Tensor:
        return (_brighter((luma * change).sum(0)) < lack).to(change)

    falls = falling()
    for _ in range(ROUNDS):

        def operator(d: Tensor, falls: Tensor = falls) -> Tensor:
            data = _spread(cloud.weights * interpolated(d[None], cloud.places), cloud.places, d)
            rise = luma * _brighter_adjoint(falls * _brighter((luma * d).sum(0)))
            return data + SMOOTHNESS / spacing * _curvature(d) + PULL * spacing**3 * d + RISING * spacing * rise

        goal = right + RISING * spacing * luma * _brighter_adjoint(falls * lack)
        pointwise = diagonal + 2 * RISING * spacing * luma**2 * _brighter_adjoint(falls, 1.0)

        def precondition(r: Tensor, pointwise: Tensor = pointwise) -> Tensor:
            return r / pointwise + smooth(r)  # the first knows where colours are, the second where none are

        change = conjugate_gradients(
            operator, goal, tolerance=TOLERANCE, iterations=ITERATIONS, preconditioner=precondition, start=change
        ).multipliers
        now = falling()
        if (now <= falls).all():
            break
        falls = torch.maximum(falls, now)
    return change


def _smooth_inverse(nodes: int) -> Operator:
    """The inverse of the operator without the cloud, which is diagonal in the eigenvectors of one axis's DᵀD."""
    spacing = 1.0 / (nodes - 1)
    bend = torch.eye(nodes, dtype=torch.float64).diff(n=2, dim=0)
    values, vectors = (each.float() for each in torch.linalg.eigh(bend.T @ bend))
    values = values.clamp_min(0.0)  # two are 0 but for rounding: constants and ramps do not bend
    total = values[:, None, None] + values[:, None] + values
    strengths = SMOOTHNESS / spacing * total + PULL * spacing**3

    def apply(r: Tensor) -> Tensor:
        along = torch.einsum("cxyz,xi,yj,zk->cijk", r, vectors, vectors, vectors) / strengths
        return torch.einsum("cijk,xi,yj,zk->cxyz", along, vectors, vectors, vectors)

    return apply


def _curvature(values: Tensor) -> Tensor:
    """DᵀD of second differences along the last three axes."""
    result = torch.zeros_like(values)
    for axis in (1, 2, 3):
        bend = values.diff(n=2, dim=axis)
        for place, factor in enumerate((1.0, -2.0, 1.0)):
            result.narrow(axis, place, bend.shape[axis]).add_(bend, alpha=factor)
    return result


def _brighter(values: Tensor) -> Tensor:
    """How much values (N, N, N) rise from each node to the next along the grey diagonal, (N−1, N−1, N−1)."""
    return values[1:, 1:, 1:] - values[:-1, :-1, :-1]


def _brighter_adjoint(rises: Tensor, sign: float = -1.0) -> Tensor:
    """The adjoint of `_brighter`; with the other sign, the diagonal of both together."""
    return F.pad(rises, (1, 0) * 3) + sign * F.pad(rises, (0, 1) * 3)


def _spread(values: Tensor, places: Tensor, like: Tensor) -> Tensor:
    """The adjoint of `lookup_table.interpolated`: values (3, K) at the nodes, (3, N, N, N)."""
    # Bilinear, border, corners aligned, as there; no gradient for the places.
    return torch.ops.aten.grid_sampler_3d_backward(
        values[None, :, :, None, None].contiguous(), like[None], places, 0, 1, True, [True, False]
    )[0][0]
