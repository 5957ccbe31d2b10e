"""J and Jᵀ of the channel means, from one forward pass, without ever forming J.

A forward pass at the image x keeps the slope of every activation; after that the network is a linear map.
J·dx pushes a change of the image forwards through it and Jᵀ·w pulls feature weights back, each at about the
cost of one pass. Both equal `torch.func.jvp` and `torch.func.vjp` of the same network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.reproducible import place_sums
from decouple_core.features.vgg import Convolution


class Linearisation(Protocol):
    """Features at one image and their Jacobian J as two products.

    Attributes
    ----------
    values : Tensor
        Shape (R, M): M features of each of R regions. One region, the whole image, is the usual case.
    """

    values: Tensor

    def jvp(self, change: Tensor) -> Tensor:
        """J·dx, shape (R, M), for a change of the image's shape."""

    def vjp(self, feature_weights: Tensor) -> Tensor:
        """Jᵀ·w, of the image's shape, for feature weights of shape (R, M); (B, 3, H, W) for a batch (B, R, M)."""


class LocalLinearisation(Linearisation, Protocol):
    """Features at n places of one image, as values of n regions.

    Attributes
    ----------
    grid : tuple of int
        Rows and columns, n = rows · columns.
    taps : list of int
        Features of each kind, which sum to M.
    """

    grid: tuple[int, int]
    taps: list[int]


@dataclass
class WorkCount:
    """How often the network has been passed through: the machine-independent cost of a transfer.

    Attributes
    ----------
    passes : Counter of (str, int)
        Passes of each kind, "forward", "jvp" or "vjp", by the depth that they reach.
    multiply_adds : float
        Multiply-adds of all convolutions in them.
    """

    passes: Counter[tuple[str, int]] = field(default_factory=Counter)
    multiply_adds: float = 0.0

    @property
    def evaluations(self) -> int:
        """Network evaluations: passes of any kind."""
        return self.passes.total()

    def of(self, kind: str) -> int:
        """Passes of one kind, whatever their depth."""
        return sum(number for (other, _), number in self.passes.items() if other == kind)

    def since(self, before: WorkCount) -> WorkCount:
        """What has been done since another count."""
        return WorkCount(self.passes - before.passes, self.multiply_adds - before.multiply_adds)

    def copy(self) -> WorkCount:
        """The count as it is now."""
        return WorkCount(self.passes.copy(), self.multiply_adds)


class LinearisedNetwork:
    """The channel means at an image, and their Jacobian as a pair of linear maps.

    Parameters
    ----------
    image : Tensor
        x, shape (3, H, W), RGB nominally in [0, 1]; any H and W from 1. Or tiles of one, (B, 3, H, W), whose means are
        taken over all of them.
    network : sequence of Convolution
        As many as the deepest wanted tap needs, each in the precision in which it is to be taken.
    smoothing : sequence of float or None
        ε of each convolution's activation (h + √(h² + ε²)) / 2, used with 2×2 average pooling. None: the
        thesis's own ReLU and 2×2 max pooling.
    masks : Tensor, optional
        Soft masks of R regions, shape (R, H, W) in [0, 1], or (B, R, H, W) for tiles, none all zero. The means of each
        are Σ m·a / Σ m, with m resampled to each tap's grid. Left out, the whole image is the one region.
    linear_network : sequence of Convolution, optional
        The same network in the precision wanted for J and Jᵀ; `network` itself if left out.
    work : WorkCount, optional
        Where passes are counted.
    where : sequence of Tensor, optional
        In place of masks, where the means of each tap look: weights of shape (B, R, h, w) on its grid.

    Attributes
    ----------
    values : Tensor
        The channel means of each region and all taps, shape (R, M), shallow to deep.
    """

    def __init__(
        self,
        image: Tensor,
        network: Sequence[Convolution],
        smoothing: Sequence[float] | None,
        *,
        masks: Tensor | None = None,
        linear_network: Sequence[Convolution] | None = None,
        work: WorkCount | None = None,
        where: Sequence[Tensor] | None = None,
    ) -> None:
        self._network = linear_network or network
        self._shape = image.shape
        self._precision = image.dtype
        self._masks = masks if masks is None or masks.dim() == 4 else masks[None]
        self._work = work or WorkCount()
        self._slopes: list[Tensor] = []
        self._poolings: list[Pooling | None] = []
        self._where: list[Tensor] = []
        means: list[Tensor] = []
        dtype = self._network[0].weight.dtype
        a = _batch(image).contiguous(memory_format=torch.channels_last)
        for index, layer in enumerate(network):
            pooling = Pooling(a, largest=smoothing is None) if layer.pooled_before else None
            a = pooling.forward(a) if pooling else a
            self._poolings.append(pooling)
            h = layer.forward(pad(a.to(layer.weight.dtype)))
            a, slope = (F.relu(h), (h > 0).to(dtype)) if smoothing is None else _smooth(h, smoothing[index], dtype)
            self._slopes.append(slope)
            if layer.tap:
                self._where.append(self._masks_on_grid(a) if where is None else where[len(means)])
                means.append(self._mean(a, len(means)))
        self._sizes = [m.shape[1] for m in means]
        self._count("forward")
        self.values = torch.cat(means, 1)

    def jvp(self, change: Tensor) -> Tensor:
        """J·dx: how the means change with the image, of its shape, to (R, M)."""
        a = _batch(change).to(self._slopes[0].dtype)
        moved: list[Tensor] = []
        for layer, pooling, slope in zip(self._network, self._poolings, self._slopes, strict=True):
            a = pooling.jvp(a) if pooling else a
            a = layer.linear(pad(a)).mul_(slope)
            if layer.tap:
                moved.append(self._mean(a, len(moved)))
        self._count("jvp")
        return torch.cat(moved, 1)

    def vjp(self, feature_weights: Tensor) -> Tensor:
        """Jᵀ·w: the weighted sum of the means' gradients, shape (R, M) to (3, H, W).

        A batch of weights, shape (B, R, M), gives (B, 3, H, W) in one pass. At tiles one w gives (B, 3, H, W), too.
        """
        dtype = self._slopes[0].dtype
        batch = feature_weights.reshape(-1, *self.values.shape)
        per_tap = list(batch.split(self._sizes, 2))
        gradient: Tensor | None = None
        for index in range(len(self._slopes) - 1, -1, -1):
            layer, slope = self._network[index], self._slopes[index]
            if layer.tap:
                spread = self._spread(per_tap.pop(), len(per_tap)).to(dtype)
                gradient = spread if gradient is None else gradient + spread
            assert gradient is not None  # the deepest convolution is a tap
            gradient = pad_adjoint(layer.adjoint(gradient * slope))
            pooling = self._poolings[index]
            gradient = pooling.vjp(gradient) if pooling else gradient
        assert gradient is not None
        self._count("vjp", len(batch))
        gradient = gradient.to(feature_weights.dtype)
        return gradient if len(self._shape) == 4 else gradient.reshape(*feature_weights.shape[:-2], *gradient.shape[1:])

    def _masks_on_grid(self, a: Tensor) -> Tensor:
        """Where the means of the tap `a` look: weights of shape (B, R, h, w), each region's summing to 1."""
        if self._masks is None:
            share = 1.0 / (a.shape[0] * a.shape[2] * a.shape[3])
            return a.new_full((1, 1, 1, 1), share, dtype=self._precision)
        m = F.adaptive_avg_pool2d(self._masks.to(a.device, self._precision), (a.shape[2], a.shape[3]))
        return m / place_sums(m).sum(0)[:, None, None]

    def _mean(self, a: Tensor, tap: int) -> Tensor:
        where = self._where[tap]
        a = a.to(where.dtype)  # sums in the precision of the features, whatever that of J
        if where.numel() == 1:  # the same everywhere
            return a.sum((0, 2, 3))[None] * where.flatten()
        # Row by row, in the order in which the channels lie in memory: a third of the time of one long product.
        return (where.transpose(1, 2) @ a.permute(0, 2, 3, 1)).sum((0, 1))

    def _spread(self, w: Tensor, tap: int) -> Tensor:
        """Feature weights (B, R, C) laid over the tap's grid, (B, C, h, w)."""
        return torch.einsum("brc,brhw->bhwc", w, self._where[tap]).permute(0, 3, 1, 2)

    def _count(self, kind: str, number: int = 1) -> None:
        self._work.passes[kind, depth_of(self._network)] += number
        self._work.multiply_adds += number * sum(
            layer.weight.numel() * s[:, 0].numel() for layer, s in zip(self._network, self._slopes, strict=True)
        )


def depth_of(network: Sequence[Convolution]) -> int:
    """Which block of the network, from 1, its last convolution is in."""
    return 1 + sum(layer.pooled_before for layer in network)


def _batch(image: Tensor) -> Tensor:
    """An image (3, H, W) as a batch of one; tiles as they are."""
    return image if image.dim() == 4 else image[None]


BLOCK = 2**20
"""Values activated at once on a processor, 4 MB: the steps in between stay near it. With 512 px in three layers the
forward pass takes two thirds of the time that it takes with whole tensors."""


def _smooth(h: Tensor, epsilon: float, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The smooth activation (h + √(h² + ε²)) / 2, in the place of h, and its slope in this precision."""
    slope = torch.empty_like(h, dtype=dtype)
    values, slopes = _in_memory(h), _in_memory(slope)
    block = min(BLOCK, h.numel()) if h.device.type == "cpu" else h.numel()
    room = h.new_empty(block, dtype=torch.float32 if h.dtype == torch.bfloat16 else h.dtype)
    for part, out in zip(values.split(block), slopes.split(block), strict=True):
        full = part.float() if part.dtype == torch.bfloat16 else part
        root = torch.mul(full, full, out=room[: len(full)]).add_(epsilon**2).sqrt_()
        part.copy_(full.add_(root).mul_(0.5))
        torch.div(full, root, out=out)  # (1 + h / √(h² + ε²)) / 2
    return h, slope


def _in_memory(x: Tensor) -> Tensor:
    """The values of a tensor without gaps, as they lie one after the other."""
    return (x if x.is_contiguous() else x.permute(0, 2, 3, 1)).view(-1)


class Pooling:
    """2×2 pooling at an image: average, or the maximum with its choices kept. Odd edges pool what is there."""

    def __init__(self, a: Tensor, *, largest: bool) -> None:
        self._shape = a.shape
        self._shares = _shares(a.shape[2], a)[:, None] * _shares(a.shape[3], a)
        self._choices: Tensor | None = None
        if largest:
            _, self._choices = F.max_pool2d(a, 2, ceil_mode=True, return_indices=True)

    def forward(self, a: Tensor) -> Tensor:
        if self._choices is None:
            return F.avg_pool2d(a, 2, ceil_mode=True, count_include_pad=False)
        return a.flatten(2).gather(2, self._choices.flatten(2)).view(self._choices.shape)

    jvp = forward

    def vjp(self, gradient: Tensor) -> Tensor:
        height, width = self._shape[2:]
        if self._choices is None:
            shares = self._shares.to(gradient.dtype)
            return F.interpolate(gradient * shares, scale_factor=2, mode="nearest")[..., :height, :width]
        shape = (gradient.shape[0], *self._shape[1:])
        choices = self._choices.flatten(2).expand(shape[0], -1, -1)
        return gradient.new_zeros(shape).flatten(2).scatter(2, choices, gradient.flatten(2)).view(shape)


def _shares(length: int, like: Tensor) -> Tensor:
    """How much each of `length` pixels in a row counts in the pair that it is averaged in: half, or all where alone."""
    shares = like.new_full((-(-length // 2),), 0.5)
    if length % 2:
        shares[-1:].fill_(1.0)  # an assignment would carry the number to the device, and wait for it
    return shares


def pad(x: Tensor) -> Tensor:
    """Pad (1, C, H, W) by one pixel of reflection; an axis of one pixel has nothing to reflect and repeats.

    Zeros would draw a dark frame into the flow's result.
    """
    h, w = x.shape[-2:]
    if h > 1 and w > 1:
        return F.pad(x, (1, 1, 1, 1), mode="reflect")
    x = F.pad(x, (1, 1, 0, 0), mode="reflect" if w > 1 else "replicate")
    return F.pad(x, (0, 0, 1, 1), mode="reflect" if h > 1 else "replicate")


def pad_adjoint(gradient: Tensor) -> Tensor:
    """Adjoint of `pad`: fold the border of (B, C, H+2, W+2) onto (B, C, H, W), a view of the argument, in place."""
    return _fold(_fold(gradient, 2), 3)


def _fold(gradient: Tensor, axis: int) -> Tensor:
    """Add the two outer slices along `axis` to the ones they repeat."""
    length = gradient.shape[axis] - 2
    if length == 1:
        return gradient.sum(axis, keepdim=True)
    gradient.select(axis, 2).add_(gradient.select(axis, 0))
    gradient.select(axis, -3).add_(gradient.select(axis, -1))
    return gradient.narrow(axis, 1, length)
