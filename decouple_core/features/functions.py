"""Feature layers given as differentiable functions of the image, their Jacobian by automatic differentiation."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import Linearisation
from decouple_core.features.schedule import FlowSchedule


class Functions(Hierarchy):
    """Any functions, shallow to deep.

    Parameters
    ----------
    functions : sequence of callable
        Each maps the image to a tensor of shape (m,), or a scalar.
    sizes : sequence of int
        m of each.
    schedule : FlowSchedule, optional
    """

    def __init__(
        self,
        functions: Sequence[Callable[[Tensor], Tensor]],
        sizes: Sequence[int],
        schedule: FlowSchedule | None = None,
    ) -> None:
        super().__init__(tuple(sizes), schedule=schedule)
        self._functions = tuple(functions)

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        return _LinearisedFunctions(
            lambda x: torch.cat([f(x).reshape(1, -1) for f in self._functions[:depth]], 1), image
        )


class _LinearisedFunctions:
    def __init__(self, function: Callable[[Tensor], Tensor], image: Tensor) -> None:
        self._function, self._image = function, image
        values_and_pull = torch.func.vjp(function, image)
        self.values, self._pull = values_and_pull[0], values_and_pull[1]

    def jvp(self, change: Tensor) -> Tensor:
        return torch.func.jvp(self._function, (self._image,), (change,))[1]

    def vjp(self, feature_weights: Tensor) -> Tensor:
        if feature_weights.ndim > self.values.ndim:
            return torch.func.vmap(self._pull)(feature_weights)[0]
        return self._pull(feature_weights)[0]
