"""The layer hierarchy: which features, in which order of nesting.

A hierarchy is an ordered list of feature layers, shallow to deep. All that the flow asks of it is the features
at an image and their Jacobian for any prefix of the layers (`Hierarchy.linearise`). Two kinds are here: the
spatial means of VGG's channels (`ChannelMeans`), and any differentiable functions (`Functions`). A new kind is
one more subclass. Layer 0, the colours, is normalised in closed form and stands in `colour`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.linearised import LinearisedNetwork, WorkCount, pad
from decouple_core.features.vgg import convolutions

SMOOTHING = 0.6
"""ε of the smooth activation as a share of its layer's standard deviation on noise. From trial runs at 128 px:
smaller values bring back the kinks that break the round trip, larger ones make the features linear."""


TAP_SIZES = (64, 128, 256, 512, 512)
"""Channels of block1_conv1 … block5_conv1, in VGG-16 as in VGG-19."""


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
        """Jᵀ·w, of the image's shape, for feature weights of shape (R, M)."""


class Hierarchy(ABC):
    """Feature layers in order of nesting.

    Attributes
    ----------
    sizes : tuple of int
        Features per layer, shallow to deep.
    """

    sizes: tuple[int, ...]

    @abstractmethod
    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        """Features of the first `depth` layers at the image, concatenated, with their Jacobian."""

    def measure(self, image: Tensor, depth: int | None = None) -> list[Tensor]:
        """The features of each layer at the image, a list of tensors of shape (R, sizes[l])."""
        depth = len(self.sizes) if depth is None else depth
        return list(self.linearise(image, depth).values.split(self.sizes[:depth], 1))


class Functions(Hierarchy):
    """Feature layers given as differentiable functions of the image.

    Parameters
    ----------
    functions : sequence of callable
        Each maps the image to a tensor of shape (m,), or a scalar.
    sizes : sequence of int
        m of each.
    """

    def __init__(self, functions: Sequence[Callable[[Tensor], Tensor]], sizes: Sequence[int]) -> None:
        self._functions = tuple(functions)
        self.sizes = tuple(sizes)

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        return _LinearisedFunctions(
            lambda x: torch.cat([f(x).reshape(1, -1) for f in self._functions[:depth]], 1), image)


class _LinearisedFunctions:
    def __init__(self, function: Callable[[Tensor], Tensor], image: Tensor) -> None:
        self._function, self._image = function, image
        values_and_pull = torch.func.vjp(function, image)
        self.values, self._pull = values_and_pull[0], values_and_pull[1]

    def jvp(self, change: Tensor) -> Tensor:
        return torch.func.jvp(self._function, (self._image,), (change,))[1]

    def vjp(self, feature_weights: Tensor) -> Tensor:
        return self._pull(feature_weights)[0]


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

    Attributes
    ----------
    device : torch.device
    work : WorkCount
        Passes through the network so far, shared by all copies.
    """

    def __init__(self, network: str, weights: Mapping[str, Tensor], noise: Tensor, *, smooth: bool = True,
                 linear_dtype: torch.dtype | None = None) -> None:
        self.device = noise.device
        self._convolutions = convolutions(network, weights, device=noise.device, dtype=noise.dtype)
        self._linear = (convolutions(network, weights, device=noise.device, dtype=linear_dtype)
                        if linear_dtype else self._convolutions)
        self._taps = [i for i, layer in enumerate(self._convolutions) if layer.tap]
        self.sizes = tuple(self._convolutions[i].bias.numel() for i in self._taps)
        self._smoothing = self._measure_smoothing(noise) if smooth else None
        self._masks: Tensor | None = None
        self.work = WorkCount()

    def within(self, masks: Tensor | None) -> ChannelMeans:
        """The same features of R regions: weighted means Σ m·a / Σ m for masks of shape (R, H, W) in [0, 1]."""
        other = copy(self)
        other._masks = masks
        return other

    def precise(self) -> ChannelMeans:
        """The same features, J and Jᵀ in the precision of the features themselves."""
        other = copy(self)
        other._linear = self._convolutions
        return other

    def first(self, layers: int) -> ChannelMeans:
        """The hierarchy of the first layers alone."""
        other = copy(self)
        other.sizes, other._taps = self.sizes[:layers], self._taps[:layers]
        return other

    @property
    def costs(self) -> list[float]:
        """Multiply-adds per pixel of a pass to each depth."""
        per_layer, area = [], 1.0
        for layer in self._convolutions:
            area /= 4.0 if layer.pooled_before else 1.0
            per_layer.append(layer.weight.numel() * area)
        return [sum(per_layer[: tap + 1]) for tap in self._taps]

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        last = self._taps[depth - 1] + 1
        return LinearisedNetwork(image, self._convolutions[:last], self._smoothing, masks=self._masks,
                                 linear_network=self._linear[:last], work=self.work)

    def _measure_smoothing(self, noise: Tensor) -> tuple[float, ...]:
        smoothing: list[float] = []
        a = noise[None]
        for layer in self._convolutions:
            a = F.avg_pool2d(a, 2, ceil_mode=True, count_include_pad=False) if layer.pooled_before else a
            h = layer.forward(pad(a))
            smoothing.append(SMOOTHING * h.std().item())
            a = (h + torch.sqrt(h * h + smoothing[-1] ** 2)) / 2
        return tuple(smoothing)


class Live(Hierarchy):
    """A hierarchy whose dead features are left out of every sum: they are 0, and so are their gradients.

    A ReLU channel whose mean is 0 has no gradient: it can be neither a start nor a goal (Miralles Simó 2022, 4.4).

    Parameters
    ----------
    hierarchy : Hierarchy
    live : Tensor
        Shape (M,), 1 for a live feature and 0 for a dead one.
    """

    def __init__(self, hierarchy: Hierarchy, live: Tensor) -> None:
        self._hierarchy, self._live, self.sizes = hierarchy, live, hierarchy.sizes

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        return _LiveLinearisation(self._hierarchy.linearise(image, depth), self._live[: sum(self.sizes[:depth])])


class _LiveLinearisation:
    def __init__(self, whole: Linearisation, live: Tensor) -> None:
        self._whole, self._live = whole, live
        self.values = whole.values * live

    def jvp(self, change: Tensor) -> Tensor:
        return self._whole.jvp(change) * self._live

    def vjp(self, feature_weights: Tensor) -> Tensor:
        return self._whole.vjp(feature_weights * self._live)
