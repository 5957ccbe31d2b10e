"""What becomes of a target once its features and the style's are known. A new outcome is one more subclass, and one
call of `registry.register_outcome`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from torch import Tensor

from decouple_contract.progress import Progress
from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.style import Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.field import Field
from decouple_core.pictures.picture import Picture

FLOW_SIZE = 64
"""Longer side, in pixels, at which the flow runs. A photograph's field of 16 cells can show no more: on four pairs of
free photographs the flow at 64 px and that at 128 px gave the same scores to 4 % and the same pictures to the eye."""


@dataclass(frozen=True)
class Stylisation:
    """A target whose features have been carried from its own to the style's.

    Attributes
    ----------
    picture : Picture
        The target.
    own, goal : Style
        Its features, and those that were imposed, with the style's scales.
    image : Tensor or None
        The flow's result at the working size, shape (3, h, w), not yet in the box; None for an outcome without it.
    colour : Field or None
        What carries its colours, where that is decided already, as for a series with one look.
    correspondence : Correspondence or None
        Where each place takes from; None where the picture is taken as a whole.
    """

    picture: Picture
    own: Style
    goal: Style
    image: Tensor | None
    colour: Field | None = None
    correspondence: Correspondence | None = None


class Outcome(ABC):
    """A way to make a picture of them.

    Attributes
    ----------
    flows : bool
        Whether it begins with the flow's result.
    by_place : bool
        Whether its colours are those that places correspond to, as `Stylisation.colour`, where there is a
        correspondence.
    ignores : tuple of str
        Settings that change nothing of its components, beside those that only rendering reads.
    """

    flows = True
    by_place = True
    ignores: tuple[str, ...] = ()

    def flow_size(self, settings: Settings) -> int:
        """Longer side, in pixels, at which the flow runs."""
        return min(FLOW_SIZE, settings.size)

    def finest(self, settings: Settings, longest: int) -> int:
        """Longer side, in pixels, at which a target whose longer side is `longest` is painted; 0 where it is not."""
        return 0

    def in_amounts(self, components: Components, settings: Settings) -> Components:
        """The same components, made with other amounts, in those of the settings."""
        return components

    @abstractmethod
    def components(
        self, model: PreparedModel, stylisation: Stylisation, settings: Settings, progress: Progress
    ) -> Components:
        """The components of the picture; `progress` is told the finished share of making them."""
