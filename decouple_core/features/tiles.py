"""Features of large images from their tiles: some that stand for the whole, or all of them one after the other.

The features are means over places. So a sixth of the places says nearly what all would say of N·J·Jᵀ, in which a
solve's many products are taken; and the features themselves, with their Jacobian, are sums over tiles that can be taken
with a halo as wide as the network sees, in memory that does not grow with the image.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.linearised import Linearisation, WorkCount, depth_of
from decouple_core.features.reproducible import place_means, place_sums
from decouple_core.features.vgg import Convolution

SIDE = 64
"""Side of the tiles of a sample, in pixels: three layers see 13 to each side."""

SHARE, FEWEST, MOST = 1 / 6, 4, 48
"""Share of an image's tiles that a sample takes, and its bounds. On three pairs a quarter leaves the features as far
from their goal as all tiles do, to a few per cent, and on six pairs a sixth as far as a quarter."""

SAMPLED_PIXELS = 192 * 192
"""Pixels of an image from which on a sample is worth it."""

CORE = 512
"""Side, in pixels, of the tiles into which a large image is cut, their halo not counted."""

KEPT_BYTES = 4.5 * 2**30
"""The most that the slopes of a large image's tiles may take on an accelerator, or half of what is free there: twice
those of a painting of 2048 px. Where they are kept, a step needs one forward pass and not two."""

Corner = tuple[int, int]
"""Top and left pixel of a tile."""


def chosen(shape: Sequence[int], masks: Tensor | None, generator: torch.Generator) -> list[Corner]:
    """Corners of a sample of tiles of an image (H, W), drawn without repetition, for each region by its own mask.

    Parameters
    ----------
    shape : sequence of int
        H and W.
    masks : Tensor or None
        Shape (R, H, W).
    generator : torch.Generator
        Of the processor.
    """
    rows, columns = (-(-length // SIDE) for length in shape)
    corners = [
        (_start(row, rows, shape[0]), _start(column, columns, shape[1]))
        for row in range(rows)
        for column in range(columns)
    ]
    count = min(len(corners), MOST, max(FEWEST, round(SHARE * len(corners))))
    whole = torch.ones(1, rows, columns)
    weights = (whole if masks is None else F.adaptive_avg_pool2d(masks, (rows, columns)).cpu()).flatten(1)
    each = -(-count // len(weights))
    drawn: set[int] = set()
    for weight in weights:
        # The largest of u^(1/w) are a weighted sample without repetition (Efraimidis & Spirakis 2006).
        keys = torch.rand(weight.shape, generator=generator).log() / weight.clamp_min(1e-6)
        drawn.update(keys.topk(min(each, int((weight > 1e-3).sum().clamp_min(1)))).indices.tolist())
    return sorted({corners[index] for index in drawn})


def placed(corners: Sequence[Corner], device: torch.device) -> Tensor:
    """The corners as a tensor (B, 2) on a device, which is not waited for."""
    places = torch.tensor(corners)
    return places.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else places.to(device)


def cut(image: Tensor, corners: Tensor) -> Tensor:
    """The tiles of an image (C, H, W) at these corners, (B, 2), shape (B, C, h, w)."""
    rows, columns = (
        corners[:, axis, None] + torch.arange(min(SIDE, length), device=corners.device)
        for axis, length in enumerate(image.shape[1:])
    )
    return image[:, rows[:, :, None], columns[:, None]].transpose(0, 1).contiguous()


@dataclass(frozen=True)
class Sample:
    """Features at a sample of an image's tiles, and how they stand for those of the whole.

    Attributes
    ----------
    at : Linearisation
        At the tiles, (B, 3, h, w).
    corners : Tensor
        Shape (B, 2).
    shares : Tensor or float
        How much of the tiles each region covers, as a multiple of what it covers of the image, shape (R, 1).
    """

    at: Linearisation
    corners: Tensor
    shares: Tensor | float = 1.0

    @classmethod
    def of(cls, at: Linearisation, corners: Tensor, masks: Tensor | None) -> Sample:
        """The sample at these corners of an image with these masks, shape (R, H, W)."""
        if masks is None:
            return cls(at, corners)
        return cls(at, corners, (place_means(cut(masks, corners)).mean(0) / place_means(masks))[:, None])

    def product(self, metric: Tensor) -> Callable[[Tensor], Tensor]:
        """What makes N·J·M·Jᵀ·a of the whole image, nearly, of a, (R, M), for M of shape (1, H, W)."""
        scale = self.shares**0.5  # a region answers the more strongly the less of the places it covers
        freedom = cut(metric, self.corners)

        def apply(multipliers: Tensor) -> Tensor:
            back = self.at.vjp(scale * multipliers) * freedom
            return scale * self.at.jvp(back.numel() * back)

        return apply


Where = Sequence[Tensor]
Network = Callable[[Tensor, Where, WorkCount], Linearisation]
"""Makes features at a tile, of which each tap looks only where these weights say."""


class TiledNetwork:
    """The channel means at a large image, and their Jacobian, tile by tile; on the processor the image alone is kept.

    Parameters
    ----------
    image : Tensor
        Shape (3, H, W).
    convolutions : sequence of Convolution
        Those of the network, up to its deepest tap, in the precision of J.
    masks : Tensor or None
        Shape (R, H, W).
    work : WorkCount
        Where passes are counted, one for all tiles.
    network : callable
        See `Network`.
    """

    def __init__(
        self,
        image: Tensor,
        convolutions: Sequence[Convolution],
        masks: Tensor | None,
        work: WorkCount,
        network: Network,
    ) -> None:
        self._image, self._network, self._work = image, network, work
        self._factors, self._depth = _scales_of_taps(convolutions), depth_of(convolutions)
        height, width = image.shape[1:]
        whole = image.new_ones(1, 1, 1).expand(1, height, width) if masks is None else masks
        self._where = [_on_grid(whole, factor) for factor in self._factors]
        self._halo = -(-_reach(convolutions) // self._factors[-1]) * self._factors[-1]
        self._tiles = [(top, left) for top in range(0, height, CORE) for left in range(0, width, CORE)]
        self._kept: dict[Corner, tuple[Linearisation, WorkCount]] = {}
        self._keeps = height * width * _slope_bytes(convolutions) <= _most_kept(image.device)
        self.values = self._sum("forward", lambda at, _: at.values)

    def jvp(self, change: Tensor) -> Tensor:
        """J·dx, shape (R, M)."""
        return self._sum("jvp", lambda at, inside: at.jvp(change[:, *inside]))

    def vjp(self, feature_weights: Tensor) -> Tensor:
        """Jᵀ·w, of the image's shape, for w of shape (R, M)."""
        gradient = torch.zeros_like(self._image)

        def add(at: Linearisation, inside: tuple[slice, slice]) -> Tensor:
            gradient[:, *inside] += at.vjp(feature_weights)
            return at.values

        self._sum("vjp", add)
        return gradient

    def _sum(self, kind: str, part: Callable[[Linearisation, tuple[slice, slice]], Tensor]) -> Tensor:
        """The sum of what each tile has a part of."""
        total: Tensor | None = None
        for corner in self._tiles:
            inside = self._with_halo(corner)
            at, tiles = self._at(corner, inside)
            before = tiles.multiply_adds
            value = part(at, inside)
            total = value if total is None else total + value
            self._work.multiply_adds += tiles.multiply_adds - before
        assert total is not None  # there is at least one tile
        self._work.passes[kind, self._depth] += 1
        return total

    def _at(self, corner: Corner, inside: tuple[slice, slice]) -> tuple[Linearisation, WorkCount]:
        """The network at a tile, and where its passes are counted."""
        if corner in self._kept:
            return self._kept[corner]
        tiles = WorkCount()
        at = self._network(self._image[:, *inside], self._weights(corner, inside), tiles)
        self._work.multiply_adds += tiles.multiply_adds
        if self._keeps:
            self._kept[corner] = at, tiles
        return at, tiles

    def _with_halo(self, corner: Corner) -> tuple[slice, slice]:
        rows, columns = (
            slice(max(0, start - self._halo), min(length, start + CORE + self._halo))
            for start, length in zip(corner, self._image.shape[1:], strict=True)
        )
        return rows, columns

    def _weights(self, corner: Corner, inside: tuple[slice, slice]) -> Where:
        """Where each tap looks in a tile: in its core alone."""
        weights = []
        for whole, factor in zip(self._where, self._factors, strict=True):
            tile = [slice(place.start // factor, -(-place.stop // factor)) for place in inside]
            core = [
                slice(start // factor - place.start, (start + CORE) // factor - place.start)
                for start, place in zip(corner, tile, strict=True)
            ]
            part = torch.zeros_like(whole[:, *tile])
            part[:, *core] = whole[:, *tile][:, *core]
            weights.append(part[None])
        return weights


def _start(number: int, count: int, length: int) -> int:
    """Where one of `count` tiles begins that are spread over a length; a multiple of 4 keeps the poolings' pairs."""
    return 0 if count == 1 else round(number * (length - SIDE) / (count - 1)) // 4 * 4


def _scales_of_taps(convolutions: Sequence[Convolution]) -> list[int]:
    """Pixels of the image to one of each tap's grid, along an axis."""
    scales, scale = [], 1
    for layer in convolutions:
        scale *= 2 if layer.pooled_before else 1
        if layer.tap:
            scales.append(scale)
    return scales


def _reach(convolutions: Sequence[Convolution]) -> int:
    """How many pixels to each side the deepest convolution sees."""
    reach, scale = 0, 1
    for layer in convolutions:
        if layer.pooled_before:
            reach, scale = reach + scale, 2 * scale
        reach += scale  # 3×3
    return reach


def _slope_bytes(convolutions: Sequence[Convolution]) -> float:
    """Of each pixel's slopes, in the precision of these convolutions."""
    total, area = 0.0, 1.0
    for layer in convolutions:
        area /= 4.0 if layer.pooled_before else 1.0
        total += layer.weight.element_size() * len(layer.weight) * area
    return total


def _most_kept(device: torch.device) -> float:
    """Bytes that slopes may take."""
    if device.type != "cuda":
        return 0.0
    free = torch.cuda.mem_get_info(device)[0] + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return min(KEPT_BYTES, free / 2)


def _on_grid(masks: Tensor, factor: int) -> Tensor:
    """Where a tap's means look, on its grid: (R, h, w), each region's summing to 1."""
    height, width = (-(-length // factor) for length in masks.shape[1:])
    m = F.adaptive_avg_pool2d(masks, (height, width))
    return m / place_sums(m)[:, None, None]
