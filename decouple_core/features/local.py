"""The network's activations place by place, and their Jacobian: the channel means of windows of 4 × 4 pixels."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from decouple_core.features.linearised import LinearisedNetwork, Pooling, WorkCount
from decouple_core.features.vgg import Convolution

BLOCKS = 3
"""Blocks of the network that are looked at: a place is one pixel of the third."""


class LocalNetwork(LinearisedNetwork):
    """Activations at the places of an image, and their Jacobian as a pair of linear maps.

    Parameters
    ----------
    image : Tensor
        Shape (3, H, W).
    network, smoothing, linear_network, work
        As of `LinearisedNetwork`; convolutions of the first `BLOCKS` blocks.

    Attributes
    ----------
    values : Tensor
        Shape (n, M): of each place, row by row, the mean of every tap's activations in its window.
    grid : tuple of int
        Rows and columns, n = rows · columns.
    taps : list of int
        Channels of each tap, which sum to M.
    """

    def __init__(
        self,
        image: Tensor,
        network: Sequence[Convolution],
        smoothing: Sequence[float] | None,
        *,
        linear_network: Sequence[Convolution] | None = None,
        work: WorkCount | None = None,
    ) -> None:
        blocks = torch.tensor([layer.pooled_before for layer in network]).cumsum(0)
        self._halvings = [BLOCKS - 1 - int(block) for block, layer in zip(blocks, network, strict=True) if layer.tap]
        self._windows: list[list[Pooling]] = []
        nowhere = [image.new_empty(0)] * len(self._halvings)
        super().__init__(image, network, smoothing, linear_network=linear_network, work=work, where=nowhere)
        rows, columns = (-(-side // 2 ** (BLOCKS - 1)) for side in image.shape[1:])
        self.grid = rows, columns
        self.taps = [layer.weight.shape[0] for layer in network if layer.tap]

    def _mean(self, a: Tensor, tap: int) -> Tensor:
        if tap == len(self._windows):
            self._windows.append([])
            for _ in range(self._halvings[tap]):
                self._windows[tap].append(Pooling(a, largest=False))
                a = self._windows[tap][-1].forward(a)
        else:
            for window in self._windows[tap]:
                a = window.forward(a)
        return a[0].flatten(1).T.to(self._precision)

    def _spread(self, w: Tensor, tap: int) -> Tensor:
        # With strides that torch knows as channels last; else all that is made of it comes in the other layout.
        a = w.transpose(1, 2).unflatten(2, self.grid).contiguous(memory_format=torch.channels_last)
        for window in reversed(self._windows[tap]):
            a = window.vjp(a)
        return a
