"""VGG up to block5_conv1: a plain feed-forward description and its parameters.

Which convolutions there are stands in `contract.networks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.contract.networks import NETWORKS

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
        if self._packed is None:
            return F.conv2d(padded, self.weight, self.bias)
        return _convolve_packed(padded, self._packed, self.bias)

    def linear(self, padded: Tensor) -> Tensor:
        """The same without bias."""
        if self._packed is None:
            return F.conv2d(padded, self.weight)
        return _convolve_packed(padded, self._packed)

    def adjoint(self, gradient: Tensor) -> Tensor:
        """The adjoint of `linear`: (B, out, H, W) to (B, in, H+2, W+2)."""
        if self._turned is not None:
            return F.conv2d(gradient, self._turned, padding=2)
        if self._packed_adjoint is None:
            return F.conv_transpose2d(gradient, self.weight)
        return _convolve_packed(gradient, self._packed_adjoint, padding=2)

    @cached_property
    def _turned(self) -> Tensor | None:
        """The kernels of the adjoint as a convolution, where cuDNN is slow at the transposed one.

        In single precision it takes 6.6 ms for conv1_2 at 512×512 px instead of 0.6, and as long or less from 256
        channels on and for the image's three.
        """
        few = all(64 <= channels <= 128 for channels in self.weight.shape[:2])
        if not (self.weight.is_cuda and self.weight.dtype == torch.float32 and few):
            return None
        return self.weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)

    @cached_property
    def _packed(self) -> Tensor | None:
        return _pack(self.weight) if _packable(self.weight) else None

    @cached_property
    def _packed_adjoint(self) -> Tensor | None:
        # The adjoint of a convolution is one with the kernels turned round and channels exchanged.
        return _pack(self.weight.flip(2, 3).transpose(0, 1)) if _packable(self.weight) else None


def _packable(weight: Tensor) -> bool:
    """Whether oneDNN computes with this weight and lets it be packed beforehand.

    `conv2d` reorders its weights at every call. For the 512 channels of a map of 8×6 pixels, as layers 4 and 5 see a
    photograph, that takes two thirds of its time (1.9 ms instead of 0.55 on two cores, in bfloat16).
    """
    return (weight.device.type == "cpu" and weight.dtype in (torch.float32, torch.bfloat16)
            and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_reorder_convolution_weight"))


def _pack(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_convolution_weight(weight.contiguous())


def _convolve_packed(x: Tensor, packed: Tensor, bias: Tensor | None = None, padding: int = 0) -> Tensor:
    return torch.ops.mkldnn._convolution_pointwise(
        x, packed, bias, [padding, padding], [1, 1], [1, 1], 1, "none", [], "")


def layer_names(network: str) -> tuple[str, ...]:
    """Names of the convolutions up to conv5_1, in order: ``conv1_1``, ``conv1_2``, …"""
    return NETWORKS[network].names


def convolutions(network: str, weights: Mapping[str, Tensor], *, device: torch.device | str = "cpu",
                 dtype: torch.dtype = torch.float32) -> tuple[Convolution, ...]:
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
        weight, bias = weights[f"{name}.weight"].double(), weights[f"{name}.bias"].double()
        if name == "conv1_1":
            weight = weight / torch.tensor(IMAGENET_DEVIATION, dtype=torch.float64).view(1, 3, 1, 1)
            mean = torch.tensor(IMAGENET_MEAN, dtype=torch.float64)
            bias = bias - torch.einsum("oikl,i->o", weight, mean)
        first_of_block = name.endswith("_1")
        described.append(Convolution(
            weight.to(device, dtype).contiguous(memory_format=torch.channels_last), bias.to(device, dtype),
            pooled_before=first_of_block and name != "conv1_1", tap=first_of_block))
    return tuple(described)
