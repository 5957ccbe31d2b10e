"""What a network sees at every place of an image: the activations of VGG's last two blocks.

Two places with like activations show like things, whatever their colours. The network is the one of the channel means,
with ReLU and maximum pooling as it was trained: nothing is differentiated here.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.identity import identity_of
from decouple_core.features.linearised import pad
from decouple_core.features.vgg import convolutions

BLOCK = 4
"""The first of the blocks whose last convolutions are taken; its grid has one place for 8 × 8 pixels."""

STRIDE = 2 ** (BLOCK - 1)
"""Pixels of the image along each side of a place."""


class DeepFeatures:
    """The activations of the last convolutions of block 4 and of block 5, as far as it is there.

    Parameters
    ----------
    network : {"vgg16", "vgg19"}
    weights : mapping of str to Tensor
        The network's parameters, see `vgg.convolutions`.
    device : torch.device
    dtype : torch.dtype, optional
        In which the convolutions are computed; single precision if left out.
    """

    def __init__(
        self, network: str, weights: Mapping[str, Tensor], device: torch.device, dtype: torch.dtype | None = None
    ) -> None:
        self._convolutions = convolutions(network, weights, device=device, dtype=dtype or torch.float32)
        self._dtype = dtype or torch.float32
        self.identity = identity_of("deep", dict(weights), str(self._dtype))

    def __call__(self, image: Tensor) -> list[Tensor]:
        """The activations of each of the two blocks at an image (3, H, W), each (C, h, w) on its own grid."""
        activations, taken, block = image[None].contiguous(memory_format=torch.channels_last), [], 1
        for number, layer in enumerate(self._convolutions):
            if layer.pooled_before:
                activations, block = F.max_pool2d(activations, 2, ceil_mode=True), block + 1
            activations = F.relu(layer.forward(pad(activations.to(self._dtype))))
            following = self._convolutions[number + 1 : number + 2]
            if block >= BLOCK and (not following or following[0].pooled_before):
                taken.append(activations[0].to(image.dtype))
        return taken
