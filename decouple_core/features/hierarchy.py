"""The layer hierarchy: which features, in which order of nesting.

A hierarchy is an ordered list of feature layers, shallow to deep. All that the flow asks of it is the features at an
image and their Jacobian for any prefix of the layers (`Hierarchy.linearise`). Those of this project are the spatial
means of VGG's channels (`channel_means`) and any differentiable functions of the image (`functions`); a new kind is one
more subclass, and one call of `registry.register_hierarchy`. Layer 0, the colours, is normalised in closed form and
stands in `colour`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Self

from torch import Generator, Tensor

from decouple_contract.errors import InputError
from decouple_core.features.linearised import Linearisation, LocalLinearisation, WorkCount
from decouple_core.features.schedule import FlowSchedule
from decouple_core.features.tiles import Sample


class Hierarchy(ABC):
    """Feature layers in order of nesting.

    Attributes
    ----------
    sizes : tuple of int
        Features per layer, shallow to deep.
    names : tuple of str
        What a report calls the layers.
    schedule : FlowSchedule
        How the flow is followed through them.
    work : WorkCount
        Passes through the features so far, shared by all copies.
    identity : str or None
        What tells these features from all others, wherever and whenever; with it, what was measured of them is kept
        between runs.
    """

    identity: str | None = None

    def __init__(
        self, sizes: tuple[int, ...], names: tuple[str, ...] | None = None, schedule: FlowSchedule | None = None
    ) -> None:
        self.sizes = sizes
        self.names = names or tuple(f"layer{number}" for number in range(1, len(sizes) + 1))
        self.schedule = schedule or FlowSchedule.cautious(len(sizes))
        self.work = WorkCount()

    @abstractmethod
    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        """Features of the first `depth` layers at the image, concatenated, with their Jacobian."""

    @property
    def by_place(self) -> bool:
        """Whether these features can be taken in regions."""
        return type(self).within is not Hierarchy.within

    @property
    def costs(self) -> list[float]:
        """What a pass to each depth costs, in any unit; the progress bar's measure."""
        return [float(depth) for depth in range(1, len(self.sizes) + 1)]

    @property
    def local(self) -> bool:
        """Whether these features are known place by place."""
        return type(self).at_places is not Hierarchy.at_places

    def at_places(self, image: Tensor) -> LocalLinearisation:
        """The activations at the n places of an image, of 4 × 4 pixels each, values of shape (n, M)."""
        raise NotImplementedError

    def within(self, masks: Tensor | None) -> Self:
        """The same features of R regions: weighted means for masks of shape (R, H, W) in [0, 1].

        Raises
        ------
        InputError
            Where these features are those of whole images alone.
        """
        if masks is not None:
            raise InputError("features-without-regions")
        return self

    def corners(self, image: Tensor, generator: Generator) -> Tensor | None:
        """Corners, shape (B, 2), of some tiles that stand for the whole image.

        None where the image is small, or where the features are not means over its places.
        """
        return None

    def sample(self, image: Tensor, depth: int, corners: Tensor) -> Sample:
        """Features of the first `depth` layers at tiles that `corners` has given."""
        raise NotImplementedError

    def precise(self) -> Self:
        """The same features, J and Jᵀ in the precision of the features themselves."""
        return self

    def quick(self) -> Self:
        """The same features in the precision of J and Jᵀ, where that is lower."""
        return self

    def sharper(self) -> Self:
        """Features of the same layers that say more of fine detail; these themselves where no others are known."""
        return self

    def of_sizes(self, sizes: Sequence[int]) -> Self:
        """All layers of these features or of the sharper ones, whichever has first layers of these sizes.

        Raises
        ------
        InputError
            Where neither has.
        """
        for features in (self, self.sharper()):
            if tuple(sizes) == features.sizes[: len(sizes)]:
                return features
        raise InputError("style-damaged")

    def first(self, layers: int) -> Self:
        """The hierarchy of the first layers alone."""
        other = copy(self)
        other.sizes, other.names = self.sizes[:layers], self.names[:layers]
        return other

    def measure(self, image: Tensor, depth: int | None = None) -> list[Tensor]:
        """The features of each layer at the image, a list of tensors of shape (R, sizes[l])."""
        depth = len(self.sizes) if depth is None else depth
        return list(self.linearise(image, depth).values.split(self.sizes[:depth], 1))


class ActiveFeatures(Hierarchy):
    """A hierarchy whose dead features are left out of every sum: they are 0, and so are their gradients.

    A ReLU channel whose mean is 0 has no gradient: it can be neither a start nor a goal (Miralles Simó 2022, 4.4).

    Parameters
    ----------
    hierarchy : Hierarchy
    active : Tensor
        Shape (M,), 1 for a feature that takes part and 0 for a dead one.
    """

    def __init__(self, hierarchy: Hierarchy, active: Tensor) -> None:
        super().__init__(hierarchy.sizes, hierarchy.names, hierarchy.schedule)
        self._hierarchy, self._active, self.work = hierarchy, active, hierarchy.work

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        return _ActiveLinearisation(self._hierarchy.linearise(image, depth), self._active[: sum(self.sizes[:depth])])


class _ActiveLinearisation:
    def __init__(self, whole: Linearisation, active: Tensor) -> None:
        self._whole, self._active = whole, active
        self.values = whole.values * active

    def jvp(self, change: Tensor) -> Tensor:
        return self._whole.jvp(change) * self._active

    def vjp(self, feature_weights: Tensor) -> Tensor:
        return self._whole.vjp(feature_weights * self._active)
