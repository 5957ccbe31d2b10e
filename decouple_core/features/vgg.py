"""VGG up to block5_conv1: a plain feed-forward description and its parameters.

Which convolutions there are stands in `decouple_contract.networks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from decouple_contract.networks import NETWORKS
from decouple_core.features.convolution import Adjoint, Convolve, adjoint_of, convolution_of

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""What torchvision's weights expect to have been subtracted from, and to divide, RGB in [0, 1]."""


@dataclass(frozen=True)
class Convolution:
    """One 3×3 convolution and what surrounds it.

    Attributes
    ----------
    weight : Tensor
        Shape (out, in, 3, 3).
    bias : Tensor
        Shape (out,).
    pooled_before : bool
        Whether a 2×2 pooling stands between the previous activation and this convolution.
    tap : bool
        Whether the activation's channel means are features (the first convolution of each block).
    """

    weight: Tensor
    bias: Tensor
    pooled_before: bool
    tap: bool

    def forward(self, padded: Tensor) -> Tensor:
        """The convolution of (B, in, H+2, W+2), bias added, shape (B, out, H, W)."""
        return self._convolve(padded, self.bias)

    def linear(self, padded: Tensor) -> Tensor:
        """The same without bias."""
        return self._convolve(padded, None)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """The adjoint of `linear`: (B, out, H, W) to (B, in, H+2, W+2)."""
        return self._turn_back(gradient)

    @cached_property
    def _convolve(self) -> Convolve:
        return convolution_of(self.weight)

    @cached_property
    def _turn_back(self) -> Adjoint:
        return adjoint_of(self.weight)  # a copy, which many networks never need


def layer_names(network: str) -> tuple[str, ...]:
    """Names of the convolutions up to conv5_1, in order: ``conv1_1``, ``conv1_2``, …"""
    return NETWORKS[network].names


def convolutions(
    network: str,
    weights: Mapping[str, Tensor],
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype = torch.float32,
) -> tuple[Convolution, ...]:
    """Describe the network for images in [0, 1].

    ImageNet's mean and deviation are folded into the first convolution, which is exact because the image is
    padded by reflection rather than by zeros.

    Parameters
    ----------
    network : {"vgg16", "vgg19"}
    weights : mapping
        ``conv1_1.weight`` … ``conv5_1.bias`` in torchvision's convention.
    device, dtype
        Where and in which precision the parameters are kept.
    """
    described = []
    for name in layer_names(network):
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        if name == "conv1_1":
            weight, bias = weight.double(), bias.double()
            weight = weight / torch.tensor(IMAGENET_DEVIATION, dtype=torch.float64).view(1, 3, 1, 1)
            mean = torch.tensor(IMAGENET_MEAN, dtype=torch.float64)
            bias = bias - torch.einsum("oikl,i->o", weight, mean)
        first_of_block = name.endswith("_1")
        described.append(
            Convolution(
                weight.to(device, dtype).contiguous(memory_format=torch.channels_last),
                bias.to(device, dtype),
                pooled_before=first_of_block and name != "conv1_1",
                tap=first_of_block,
            )
        )
    return tuple(described)
