"""The thesis's own way through the flow, as the baseline."""

from __future__ import annotations

import torch
from torch import Tensor

from decouple_core.flow.integrators import Integrator
from decouple_core.flow.move import Flow, Move

SCALE = 255.0 * 0.226
"""From features of an image in [0, 1], normalised by ImageNet's deviations, to the 0 … 255 scale of the thesis."""

NORMALISED, IMPOSED = 0.05, 0.5
"""Losses at which the thesis stops when it normalises and when it stylises (section 3.5)."""


class GradientDescent(Integrator):
    """Plain gradient descent.

    Loss: the sum over the layers up to the moving one of the mean squared differences between features and
    goals, the features on the scale of a network that is fed 0 … 255 (Miralles Simó 2022, sections 3.3–3.5).

    Parameters
    ----------
    scale : float
        Factor from our features to that scale.
    normalised, imposed : float
        Stops when the moving layer's own mean squared difference falls below the one, on its way to the reference, or
        the other, on its way to a style.
    steps : int
        The most steps.
    """

    RATE = 5e-4
    """Learning rate of annex A."""

    def __init__(
        self, *, scale: float = SCALE, normalised: float = NORMALISED, imposed: float = IMPOSED, steps: int = 50_000
    ) -> None:
        self._scale, self._steps = scale, steps
        self._losses = {False: normalised, True: imposed}

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        goals = move.goals
        sizes = flow.hierarchy.sizes[: move.layer]
        # d/df of the sum over layers of mean (scale · (f − goal))²
        weights = torch.cat([torch.full((size,), 2.0 * self._scale**2 / size) for size in sizes]).to(image)
        for _ in range(self._steps):
            here = flow.at(image, move)
            difference = here.values - goals
            if (self._scale * difference[:, -sizes[-1] :]).square().mean() < self._losses[move.imposing]:
                break
            image = image - self.RATE * here.vjp(weights * difference)
        return image

    def evaluations(self, layer: int) -> int:
        return self._steps
