"""What an engine keeps between transfers, and the one rule for what a key holds.

A key holds everything that its value is made of: the identities of what it is computed from, and the settings that
computing it reads. So no two values that differ share a key, and a setting that a value does not depend on costs
nothing to change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from torch import Tensor

from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.places import Seen
from decouple_core.features.identity import identity_of
from decouple_core.features.style import ScaleFeatures, Style
from decouple_core.model.kept import Kept
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.field import Field

T = TypeVar("T")

MODELS = 2
"""Networks kept, each with its reference: two hundred MB."""

KEPT = 8
"""Styles and normalised targets kept in memory, each of about 1 MB."""

PAINTED = 2
"""Results kept as components: the finest difference of a painting of 512 px takes 3 MB, of 4096 px 200."""

OF_MODEL = ("network", "activation", "seed")
OF_FLOW = ("layers", "freedom", "integrator")
OF_MATCHING = ("match",)
OF_FIELD = ("match", "layers", "strength_per_layer", "freedom")
"""Settings that each step reads; an outcome may read any that change a component."""


class Cache(Generic[T]):
    """The most recent values of one step.

    Parameters
    ----------
    most : int
        How many.
    reads : sequence of str
        The settings that the step reads; all of those that change a component, if left out.
    """

    def __init__(self, most: int, reads: Sequence[str] | None = None) -> None:
        self.kept = Kept[T](most)
        self.reads = reads

    def get(self, settings: Settings, sources: Sequence[Any], make: Callable[[], T], ignores: Sequence[str] = ()) -> T:
        """The value made of these sources under these settings, kept or made now.

        Parameters
        ----------
        settings : Settings
        sources : sequence
            Everything else that the value is made of, as `identity_of` takes it.
        make : callable
        ignores : sequence of str
            Settings that change nothing of this value although the step may read them.
        """
        read = {
            name: value
            for name, value in settings.of_components().items()
            if (self.reads is None or name in self.reads) and name not in ignores
        }
        return self.kept.get(identity_of(read, *sources), make)


class Caches:
    """One cache a step."""

    def __init__(self) -> None:
        self.models = Cache[PreparedModel](MODELS, OF_MODEL)
        self.measured = Cache[Style](2 * KEPT, ())
        self.active = Cache[Tensor](2 * KEPT, ())
        self.features = Cache[tuple[Tensor, ...]](KEPT, OF_FLOW)
        self.scales = Cache[tuple[ScaleFeatures, ...]](KEPT, ())
        self.targets = Cache[tuple[list[Tensor], Tensor]](KEPT, OF_FLOW)
        self.seen = Kept[Seen](2 * KEPT)  # the matcher names what it sees by itself
        self.correspondences = Cache[Correspondence](KEPT, OF_MATCHING)
        self.fields = Cache[Field | None](KEPT, OF_FIELD)
        self.components = Cache[Components](PAINTED)
