"""What becomes of a target once its features and the style's are known. A new outcome is one more subclass, and one
call of `registry.register_outcome`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from decouple_core.contract.settings import Settings
from decouple_core.features.style import Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.pictures.picture import Picture


@dataclass(frozen=True)
class Dressed:
    """A target whose features have been carried from its own to the style's.

    Attributes
    ----------
    picture : Picture
        The target.
    own, goal : Style
        Its features, and those that were imposed.
    image : Tensor
        The flow's result at the working size, shape (3, h, w), not yet in the box.
    """

    picture: Picture
    own: Style
    goal: Style
    image: Tensor


class Outcome(ABC):
    """A way to make a picture of them."""

    @abstractmethod
    def flow_size(self, size: int) -> int:
        """Longer side, in pixels, at which the flow runs for a working size."""

    @abstractmethod
    def components(self, model: PreparedModel, dressed: Dressed, settings: Settings) -> Components:
        """The components of the picture."""
