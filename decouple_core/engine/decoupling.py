"""Steps 1 to 3 of the method: the style's decoupled features, the target's, and the way from these to those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from decouple_core.engine.measuring import measured
from decouple_core.engine.run import Run
from decouple_core.features.colour import ColourMap, ColourMoments, map_between
from decouple_core.features.style import Style
from decouple_core.flow.move import Move
from decouple_core.flow.nested_normalisation import NestedNormalisation
from decouple_core.model.prepared import PreparedModel
from decouple_core.pictures.picture import Picture, Scale
from decouple_core.report import LayerReport


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


@dataclass(frozen=True)
class Decoupling:
    """The flow of the active features, between pictures and the reference.

    Attributes
    ----------
    run : Run
    model : PreparedModel
    active : Tensor
        Which features take part, shape (M,): 1 or 0.
    """

    run: Run
    model: PreparedModel
    active: Tensor

    def features(self, picture: Picture) -> tuple[Tensor, ...]:
        """Step 1: the decoupled features of a style."""
        self.run.meter.phase("reading-style")
        return self.run.caches.features.get(
            self.run.settings,
            self._sources(picture),
            lambda: tuple(self._nested(picture).features(_naturalised(picture.small), self._layers)),
        )

    def normalised(self, picture: Picture) -> NormalisedTarget:
        """Step 2: a target carried to the reference, and its features, which were read on the way."""
        self.run.meter.phase("normalising")

        features, image = self.run.caches.targets.get(
            self.run.settings,
            self._sources(picture),
            lambda: self._nested(picture).normalise(_naturalised(picture.small), self._layers),
        )
        own = replace(measured(self.run, self.model, picture), features=tuple(features))
        self.run.journal.images["target"] = picture.small.image
        self.run.journal.images["normalised"] = image
        return NormalisedTarget(own, image)

    def stylised(self, picture: Picture, target: NormalisedTarget, goal: Style) -> tuple[Tensor, list[LayerReport]]:
        """Step 3: the flow's result at the working size, and what each layer reached."""
        self.run.meter.phase("stylising")
        names, layers, image = self.model.hierarchy.names, list[LayerReport](), target.image
        imposed = self._nested(picture).impose(target.image, goal.features[: self._layers])
        for layer, image, reached in imposed:
            own, wanted = target.own.features[layer - 1], goal.features[layer - 1]
            layers.append(LayerReport.of(names[layer - 1], own, wanted, reached))
            self.run.journal.images[f"stylised_{names[layer - 1]}"] = image
        # Layer 0 last, from where the flow has left the colours, so that the wanted moments are met exactly.
        image = picture.small.recoloured(image, _maps(picture.small.colours(image), goal.colours))
        self.run.journal.images["stylised"] = image
        return image, layers

    @property
    def _layers(self) -> int:
        return self.run.layers(self.model.hierarchy)

    def _nested(self, picture: Picture) -> NestedNormalisation:
        def watch(move: Move, values: Tensor) -> None:
            self.run.meter.evaluated(move.layer)
            self.run.journal.loss(move, values, self.model.hierarchy.sizes)

        return self.model.nested(picture.small.masks, self.active, self.run.settings, watch)

    def _sources(self, picture: Picture) -> list[str | Tensor]:
        return [self.model.identity, picture.identity, self.active]


def _naturalised(scale: Scale) -> Tensor:
    """The image with the colours of each region carried to the natural reference, shape (3, h, w)."""
    colours = scale.colours()
    return scale.recoloured(scale.image, _maps(colours, [ColourMoments.natural()] * len(colours)))


def _maps(start: Sequence[ColourMoments], goal: Sequence[ColourMoments]) -> list[ColourMap]:
    return [map_between(s, g) for s, g in zip(start, goal, strict=True)]
