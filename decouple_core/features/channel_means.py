"""The spatial means of VGG's channels in five layers, and what was measured for a flow through them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.networks import SHARPER_WIDTHS, WIDTHS
from decouple_core.features.convolution import numerics
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.identity import identity_of
from decouple_core.features.linearised import Linearisation, LinearisedNetwork, WorkCount, pad
from decouple_core.features.local import BLOCKS, LocalNetwork
from decouple_core.features.on_disk import kept_on_disk
from decouple_core.features.schedule import FlowSchedule
from decouple_core.features.tiles import SAMPLED_PIXELS, Sample, TiledNetwork, chosen, cut, placed
from decouple_core.features.vgg import Convolution, convolutions

SMOOTHING = 0.6
"""ε of the smooth activation as a share of its layer's standard deviation on noise. From trial runs at 128 px:
smaller values bring back the kinks that break the round trip, larger ones make the features linear."""

SHARPER = 0.5
"""Share of its smoothing that an activation keeps in the sharper features. A painting's steps need no way back, and
where a smooth activation is nearly linear, the mean says little of fine marks: on six pairs of the project's own at 512
px with all of it the means of VGG-19's relu3_1, which no step sees, end .121 from the style's; with half of it, and the
second convolutions of blocks 1 and 2, .088. With a quarter, or with ReLU and maximum pooling, steps reach less."""

MOST_PIXELS = 1024 * 1024
"""Pixels of an image that is taken as a whole; larger ones are taken tile by tile, in memory that does not grow."""

NAMES = tuple(f"relu{block}_1" for block in range(1, len(WIDTHS) + 1))

SCHEDULE = FlowSchedule(
    iterations=(5, 7, 9, 10, 10),
    # With these and the steps of midpoint, four photographs at 64 px lie 37, 32, 32 and 30 dB from the converged flow
    # (four times the steps, five times the iterations). One less in layers 1 and 2 costs half a decibel, but lets the
    # rounding of bfloat16 through: a style read from its file, with six digits, then gives a picture that differs by up
    # to 2.6 / 255 from that of its image, like this by 0.1.
    warm_iterations=(2, 3, 3, 3, 2),
    # At 48 px, moving layer 2 shifts layer 1 by 0.4 to 0.9 % instead of 0.7 to 1.3 %. A share of 0.3 in the deep moves,
    # too, takes a seventh more evaluations there and back (coffee at 64 px).
    held=(1.0, 0.3, 0.3, 1.0, 1.0),
    # Layer 1 bends most and costs least. A transfer need not come back, and half as many steps again in layers 1 and
    # 2 bring it no nearer to the converged flow. Those of reversible settle at 256 px, too, where with 8, 4, 3, 3, 3
    # three of them did not and the rocket came back with 45 dB.
    steps={
        "midpoint": (8, 2, 2, 2, 2),
        "rk4": (8, 4, 3, 3, 3),
        "reversible": (16, 4, 4, 8, 8),
        "euler": (16, 4, 3, 3, 3),
    },
)
"""For the five layers of VGG-16, smooth; the thesis's ReLU and VGG-19, which has the same widths, take it over."""


class ChannelMeans(Hierarchy):
    """Spatial means of the channels of VGG's block1_conv1 … block5_conv1, after the activation.

    Parameters
    ----------
    network : {"vgg16", "vgg19"}
    weights : mapping of str to Tensor
        The network's parameters, see `vgg.convolutions`.
    noise : Tensor
        The reference noise, shape (3, H, W): it sets the smoothing of each activation.
    smooth : bool
        Smooth activations and average pooling, or the thesis's ReLU and max pooling.
    linear_dtype : torch.dtype, optional
        Precision of J and Jᵀ, where it may be lower than that of the features themselves.
    kept : bool
        Whether what is measured on the noise, in single precision, is kept on the disk.

    Attributes
    ----------
    smoothing : tuple of float or None
        ε of each convolution's activation, in the units of its channels; None for ReLU.
    """

    def __init__(
        self,
        network: str,
        weights: Mapping[str, Tensor],
        noise: Tensor,
        *,
        smooth: bool = True,
        linear_dtype: torch.dtype | None = None,
        kept: bool = False,
    ) -> None:
        super().__init__(WIDTHS, NAMES, SCHEDULE)
        self._convolutions = convolutions(network, weights, device=noise.device, dtype=noise.dtype)
        self._linear = (
            convolutions(network, weights, device=noise.device, dtype=linear_dtype)
            if linear_dtype
            else self._convolutions
        )
        # Made once: a convolution packs its weights on first use.
        self._sharper = _with_second(self._convolutions)
        self._sharper_linear = _with_second(self._linear) if linear_dtype else self._sharper
        of_weights = identity_of(dict(weights))
        self.smoothing = None
        if smooth:
            deviations = self._kept_deviations(of_weights, noise) if kept else self._deviations(noise)
            self.smoothing = tuple(SMOOTHING * deviation for deviation in deviations.tolist())
        self._masks: Tensor | None = None
        self.identity = identity_of(of_weights, self.smoothing, str(linear_dtype), str(noise.dtype))

    def within(self, masks: Tensor | None) -> Self:
        """The same features of R regions: weighted means Σ m·a / Σ m for masks of shape (R, H, W) in [0, 1]."""
        other = copy(self)
        other._masks = masks
        return other

    def sharper(self) -> Self:
        """The same layers with half the smoothing, and the second convolutions of blocks 1 and 2 among the taps."""
        other = copy(self)
        other._convolutions = self._sharper
        other._linear = self._sharper if self._linear is self._convolutions else self._sharper_linear
        other.smoothing = self.smoothing and tuple(SHARPER * epsilon for epsilon in self.smoothing)
        other.sizes = SHARPER_WIDTHS[: len(self.sizes)]
        other.identity = identity_of(self.identity, "sharper", SHARPER)
        return other

    def precise(self) -> Self:
        if self._linear is self._convolutions:
            return self
        other = copy(self)
        other._linear, other.identity = self._convolutions, identity_of(self.identity, "precise")
        return other

    def quick(self) -> Self:
        if self._linear is self._convolutions:
            return self
        other = copy(self)
        # The first in full: an image's even areas would all be rounded to the same side.
        other._convolutions = (self._convolutions[0], *self._linear[1:])
        other.identity = identity_of(self.identity, "quick")
        return other

    @property
    def costs(self) -> list[float]:
        """Multiply-adds per pixel of a pass to each depth."""
        per_layer, area = [], 1.0
        for layer in self._convolutions:
            area /= 4.0 if layer.pooled_before else 1.0
            per_layer.append(layer.weight.numel() * area)
        return [sum(per_layer[: self._reach(depth)]) for depth in range(1, len(WIDTHS) + 1)]

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        if image[0].numel() <= MOST_PIXELS:
            return self._at(image, depth, self.work, masks=self._masks)
        return TiledNetwork(
            image,
            self._linear[: self._reach(depth)],
            self._masks,
            self.work,
            lambda tile, where, work: self._at(tile, depth, work, where=where),
        )

    def at_places(self, image: Tensor) -> LocalNetwork:
        last = self._reach(min(BLOCKS, len(self.sizes)))
        return LocalNetwork(
            image, self._convolutions[:last], self.smoothing, linear_network=self._linear[:last], work=self.work
        )

    def corners(self, image: Tensor, generator: torch.Generator) -> Tensor | None:
        if image[0].numel() < SAMPLED_PIXELS:
            return None
        return placed(chosen(image.shape[1:], self._masks, generator), image.device)

    def sample(self, image: Tensor, depth: int, corners: Tensor) -> Sample:
        masks = None if self._masks is None else cut(self._masks, corners)
        return Sample.of(self._at(cut(image, corners), depth, self.work, masks=masks), corners, self._masks)

    def _at(
        self,
        image: Tensor,
        depth: int,
        work: WorkCount,
        *,
        masks: Tensor | None = None,
        where: Sequence[Tensor] | None = None,
    ) -> LinearisedNetwork:
        last = self._reach(depth)
        return LinearisedNetwork(
            image,
            self._convolutions[:last],
            self.smoothing,
            masks=masks,
            where=where,
            linear_network=self._linear[:last],
            work=work,
        )

    def _reach(self, depth: int) -> int:
        """Convolutions up to the last tap of a layer."""
        block, reach = 1, 0
        for number, layer in enumerate(self._convolutions, 1):
            block += layer.pooled_before
            if layer.tap and block <= depth:
                reach = number
        return reach

    def _deviations(self, noise: Tensor) -> Tensor:
        """The standard deviation of what each convolution makes of the noise, on the CPU."""
        deviations: list[float] = []
        a = noise[None]
        for layer in self._convolutions:
            a = F.avg_pool2d(a, 2, ceil_mode=True, count_include_pad=False) if layer.pooled_before else a
            h = layer.forward(pad(a))
            deviations.append(h.std().item())
            a = (h + torch.sqrt(h * h + (SMOOTHING * deviations[-1]) ** 2)) / 2
        return torch.tensor(deviations, dtype=torch.float64 if noise.dtype == torch.float64 else torch.float32)

    def _kept_deviations(self, of_weights: str, noise: Tensor) -> Tensor:
        """The same, kept between runs on a processor, where it takes half a second."""
        if noise.device.type != "cpu":
            return self._deviations(noise)
        identity = identity_of("deviations", of_weights, noise, numerics())
        return kept_on_disk(identity, (len(self._convolutions),), lambda: self._deviations(noise))


def _with_second(network: Sequence[Convolution]) -> tuple[Convolution, ...]:
    """The network with taps at the second convolutions of blocks 1 and 2, too, which lie on the way to the third."""
    return tuple(replace(layer, tap=True) if number in (1, 3) else layer for number, layer in enumerate(network))
