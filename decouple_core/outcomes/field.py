"""A parametrisation with its parameters: what carries the colours of a target at any size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.colour import ColourMap
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box
from decouple_core.outcomes.contrast import Contrast
from decouple_core.outcomes.parametrisation import Parametrisation


@dataclass(frozen=True)
class Field:
    """A parametrisation with its parameters: a picture for every image.

    Attributes
    ----------
    kind : type of Parametrisation
    parameters : Tensor
    contrast : Contrast or None
        What is added of the detail of its pictures; of a bilateral grid alone.
    amount : float
        How much of all that there is, in [0, 1].
    guide : Tensor or None
        What tells pixels apart beside their places, instead of luma; of a bilateral grid alone.
    """

    kind: type[Parametrisation]
    parameters: Tensor
    contrast: Contrast | None = None
    amount: float = 1.0
    guide: Tensor | None = None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All numbers that it depends on, but for the amount."""
        contrast = () if self.contrast is None else (self.contrast.gains, self.contrast.below)
        return (self.parameters, *contrast, *(() if self.guide is None else (self.guide,)))

    def at(self, image: Tensor, top: float = 0.0, bottom: float = 1.0) -> Parametrisation:
        """B at an image, or at a stripe of it, for parameters like these."""
        if self.guide is None:
            return self.kind(image, self.parameters.shape, top, bottom)
        assert issubclass(self.kind, BilateralGrid)
        return self.kind(image, self.parameters.shape, top, bottom, self.guide)

    def __call__(self, image: Tensor, top: float = 0.0, bottom: float = 1.0) -> Tensor:
        """What it makes of an image (3, H, W), or of a stripe of it, before the box."""
        at = self.at(image, top, bottom)
        if self.contrast is None:
            values = at.apply(self.parameters)
        else:
            assert isinstance(at, BilateralGrid)
            values, gains = at.apply_and_sample(self.parameters, self.contrast.gains)
            values += self.contrast.added(gains, values, top, bottom)
        return values if self.amount == 1.0 else torch.lerp(image, values, self.amount)

    def picture(self, image: Tensor) -> Tensor:
        """What it makes of a whole image (3, H, W), in [0, 1]."""
        return box(self(image))

    def then(self, maps: Sequence[ColourMap], shares: Tensor) -> Field:
        """The field followed by affine colour maps, see `Parametrisation.followed`.

        Raises
        ------
        ValueError
            Where it is there in part, adds contrast or has a guide: what follows could not be told by its parameters
            alone.
        """
        if self.contrast is not None or self.guide is not None or self.amount != 1.0:
            raise ValueError("colour maps follow a whole field without contrast or guide of its own")
        return Field(self.kind, self.kind.followed(self.parameters, maps, shares))
