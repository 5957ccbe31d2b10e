"""A painting's marks by place: the picture is changed until every place looks like a place of the style.

    x ← argmin Σ wₜ ‖fₜ(x) − gₜ‖²,   g = (1 − κ) · f(style at the nearest place) + κ · f(photograph)

f are the network's activations at every place, not their mean over the picture, and the nearest place is sought by what
is painted so far (Kolkin, Kucera, Paris, Sýkora, Shechtman & Shakhnarovich 2022), preferring where the correspondence
takes from. The share κ of the photograph's own activations keeps what is seen. So a mark lands where it fits, what is
flat in the style is flat here, and nothing is imposed on the picture as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import LocalLinearisation
from decouple_core.features.overview import Overview
from decouple_core.features.reproducible import one_thread, threads
from decouple_core.flow.quasi_newton import descended
from decouple_core.pictures.pyramid import smaller
from decouple_core.pictures.resampling import working_shape

LARGEST_SIDE = 256
"""Longer side, in pixels, of the finest scale that is painted by place: that of an overview. A place's window is 4 × 4
pixels there, and what is finer is texture, for which means over the picture serve."""

ROUNDS = 2
"""How often the nearest places are sought: by the photograph, and by what has become of it."""

PREFERENCE = 0.03
"""What the logarithm of a place's share in the plan counts beside the cosine of the angle between two places."""

SOFTNESS = 0.02
"""Difference of two places' likeness at which the nearer one has e times the weight: what hardly differs is mixed, so
that rounding, which would decide between two places, paints no other mark."""

LEAST_SHARE = 1e-3
"""Share of the largest one of its row below which a place of the style is as good as any other for the plan."""

KEPT = (0.25, 0.12, 0.05)
"""κ at a structure of ½ at the finest scale by place, the next coarser one, and the others: forms may change more than
what is seen in them."""

STEPS = (5, 9, 9)
"""In each round, at the same scales; each evaluates the activations and their gradient. With 7 at the finest scale
*marks* are .001 nearer on fifteen pairs, for a twelfth of a painting's time; 10 in one round end farther away."""

APART = 4.0
"""By how much places of different regions are less alike, more than any two of one region can be."""


@dataclass(frozen=True)
class _Places:
    """Activations at places.

    Attributes
    ----------
    values : Tensor
        Shape (n, M).
    taps : list of int
        Channels of each tap, which sum to M.
    """

    values: Tensor
    taps: Sequence[int]

    def directions(self) -> Tensor:
        """Unit vectors, shape (n, M), of how each place differs from the mean, every tap counting alike."""
        centred = (self.values - self.values.mean(0)).split(self.taps, 1)
        return F.normalize(torch.cat([F.normalize(tap, dim=1) for tap in centred], 1), dim=1)

    def weights(self) -> Tensor:
        """How much an error counts, shape (1, M): each tap alike, in units of its variance."""
        centred = (self.values - self.values.mean(0)).split(self.taps, 1)
        return torch.cat(
            [(1.0 / (tap.shape[1] * tap.square().mean().clamp_min(1e-12))).expand(1, tap.shape[1]) for tap in centred],
            1,
        )


class Marks:
    """The style's marks at one scale, for a target.

    Parameters
    ----------
    hierarchy : Hierarchy
        Whose activations are known by place.
    correspondence : Correspondence
    base : Tensor
        The photograph at this scale, shape (3, h, w).
    side : float
        Longer side, in pixels, at which the styles are seen.
    finer : int
        How many finer scales are painted by place.
    """

    def __init__(
        self, hierarchy: Hierarchy, correspondence: Correspondence, base: Tensor, side: float, finer: int
    ) -> None:
        self._hierarchy, self._steps = hierarchy, STEPS[min(finer, len(STEPS) - 1)]
        photograph = hierarchy.at_places(base)
        self._taps, self._grid = list(photograph.taps), photograph.grid
        self._own = _Places(photograph.values, self._taps)
        seen = [hierarchy.at_places(_at(style, side)) for style in correspondence.styles]
        self._style = _Places(torch.cat([one.values for one in seen]), self._taps)
        self._directions = self._style.directions()
        self._weights = self._style.weights() / len(photograph.values)
        self._preferred = _preferred(correspondence, self._grid, [one.grid for one in seen])

    def painted(self, image: Tensor, kept: Tensor) -> Tensor:
        """The image nearer to the style's marks, in [0, 1].

        Parameters
        ----------
        image : Tensor
            Where to begin, shape (3, h, w).
        kept : Tensor
            κ of each feature, shape (1, M).
        """
        for _ in range(ROUNDS):
            at = self._hierarchy.at_places(image)
            alike = _Places(at.values, self._taps).directions() @ self._directions.T
            nearest = ((alike + self._preferred) / SOFTNESS).softmax(1)
            goal = torch.lerp(nearest @ self._style.values, self._own.values, kept)
            image = self._nearer(image, at, goal)
        return image

    def _nearer(self, image: Tensor, at: LocalLinearisation, goal: Tensor) -> Tensor:
        """The image, at which the activations are known, after some steps of a quasi-Newton method."""
        many, known = torch.get_num_threads(), [at]

        def gradient(image: Tensor) -> Tensor:
            """Of the misfit."""
            with threads(many):
                there = known.pop() if known else self._hierarchy.at_places(image)
                return there.vjp(2.0 * self._weights * (there.values - goal)).contiguous()

        with one_thread():  # the method's own sums
            return descended(image, gradient, self._steps).clamp(0.0, 1.0)


def kept_share(hierarchy: Hierarchy, strengths: Sequence[float], structure: float, finer: int) -> Tensor:
    """κ of each feature, shape (1, M), for the strengths of the layers and a structure, with so many finer scales."""
    taken = (1.0 - KEPT[min(finer, len(KEPT) - 1)]) ** (2.0 * structure) ** 2
    return torch.cat(
        [torch.full((1, size), 1.0 - taken * layer) for size, layer in zip(hierarchy.sizes, strengths, strict=False)], 1
    )


def _at(style: Overview, side: float) -> Tensor:
    """A style's picture at a longer side, at most its own."""
    image = style.image
    return smaller(image, working_shape((image.shape[1], image.shape[2]), max(1, round(side))))


def _preferred(correspondence: Correspondence, grid: tuple[int, int], grids: Sequence[tuple[int, int]]) -> Tensor:
    """By how much each place of the styles is preferred by each of the target, shape (n, m), on finer grids."""
    target, rows = correspondence.target, correspondence.plan.forward
    styles = list(zip(correspondence.styles, grids, strict=True))
    shares = rows / rows.amax(1, keepdim=True).clamp_min(1e-12)
    parts = shares.T.split([len(style.moments) for style, _ in styles])
    within = torch.cat([resized(part, style.grid, finer) for part, (style, finer) in zip(parts, styles, strict=True)])
    preferred = resized(within.T, target.grid, grid).clamp_min_(LEAST_SHARE).log_().mul_(PREFERENCE)
    here = resized(target.shares.T, target.grid, grid)
    there = torch.cat([resized(style.shares.T, style.grid, finer) for style, finer in styles])
    return preferred.addmm_(here, there.T, alpha=APART)  # what is the same for all of a row makes no difference


def resized(values: Tensor, grid: tuple[int, int], to: tuple[int, int]) -> Tensor:
    """Values of a grid, shape (rows · columns, k), on another one, bilinear.

    One axis after the other: for thousands of values a fifth of the time that torch's bilinear `interpolate` takes.
    """
    rows, columns = (_interpolation(before, after, values) for before, after in zip(grid, to, strict=True))
    wide = columns @ values.reshape(*grid, -1)
    return (rows @ wide.flatten(1)).view(to[0] * to[1], -1)


def _interpolation(before: int, after: int, like: Tensor) -> Tensor:
    """The matrix, shape (after, before), that resizes an axis linearly."""
    one = torch.eye(before, dtype=like.dtype, device=like.device)
    return F.interpolate(one[None], size=after, mode="linear", align_corners=False)[0].T
