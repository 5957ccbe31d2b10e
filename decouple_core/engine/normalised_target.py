"""A target half way, at the reference."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from decouple_core.features.style import Style


@dataclass(frozen=True)
class NormalisedTarget:
    """A target after step 2.

    Attributes
    ----------
    own : Style
        Its own features.
    image : Tensor
        What is left of it at the reference, shape (3, h, w).
    """

    own: Style
    image: Tensor
