"""Nested normalisation: measuring decoupled features, and imposing them.

x̌_l(x) is the image reached from x along the gradients of layers 1 … l where those layers take their reference
values v; the decoupled features are c_l = f_l(x̌_{l-1}) (Martinez-Enriquez, González & Portilla 2022; Miralles
Simó 2022, section 2.2). Normalising goes through the layers shallow to deep, imposing deep to shallow.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from decouple_core.flow.integrators import Integrator
from decouple_core.flow.move import Flow, Move


class NestedNormalisation:
    """Normalise and impose, with one flow, one integrator and one reference.

    Parameters
    ----------
    flow : Flow
    integrator : Integrator
    reference : sequence of Tensor
        v_l, shape (1, sizes[l]) or (R, sizes[l]).
    """

    def __init__(self, flow: Flow, integrator: Integrator, reference: Sequence[Tensor]) -> None:
        self._flow, self._integrator, self._reference = flow, integrator, reference

    def features(self, image: Tensor, layers: int) -> list[Tensor]:
        """The decoupled features c_1 … c_layers of the image, each of shape (R, sizes[l])."""
        return self.normalise(image, layers, last=False)[0]

    def normalise(self, image: Tensor, layers: int, *, last: bool = True) -> tuple[list[Tensor], Tensor]:
        """Carry layers 1 … `layers` to the reference, each while the ones before it are held there.

        Returns
        -------
        features : list of Tensor
            c_l, what each layer was when its turn came.
        normalised : Tensor
            x̌_layers, or x̌_{layers-1} where `last` is false.
        """
        features = []
        for layer in range(1, layers + 1):
            own = self._flow.hierarchy.measure(image, layer)[-1]
            features.append(own)
            if layer < layers or last:
                image = self._move(image, layer, own, self._reference[layer - 1].expand_as(own))
        return features, image

    def impose(self, image: Tensor, features: Sequence[Tensor]) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Carry layers L … 1 of a normalised image from the reference to the features c_L … c_1.

        Yields
        ------
        layer : int
        image : Tensor
            The image after this layer's move; the last one wears all features.
        reached : Tensor
            The layer's features there, shape (R, sizes[l]), to compare with the wanted ones.
        """
        for layer in range(len(features), 0, -1):
            goal = features[layer - 1]
            image = self._move(image, layer, self._reference[layer - 1].expand_as(goal), goal, imposing=True)
            yield layer, image, self._flow.hierarchy.measure(image, layer)[-1]

    def _move(self, image: Tensor, layer: int, start: Tensor, goal: Tensor, *, imposing: bool = False) -> Tensor:
        if torch.equal(start, goal):
            return image
        held = [v.expand(start.shape[0], -1) for v in self._reference[: layer - 1]]
        held_values = torch.cat(held, 1) if held else start[:, :0]
        return self._integrator.follow(self._flow, image, Move(layer, start, goal, held_values, imposing))
