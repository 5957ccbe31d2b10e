"""What is measured on a picture as it is: its colours, its coupled means, and what is where."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from decouple_core.correspondence.moments import overview_of
from decouple_core.engine.run import Run
from decouple_core.features.style import DETAIL_LAYERS, Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.pictures.picture import Picture


def measured(run: Run, model: PreparedModel, picture: Picture) -> Style:
    """A picture as a style without decoupled features, for what needs no flow."""
    sources = [model.identity, picture.identity]
    return run.caches.measured.get(run.settings, sources, lambda: described(model, picture, ()))


def described(model: PreparedModel, picture: Picture, features: Sequence[Tensor]) -> Style:
    """A picture as a style with these decoupled features."""
    hierarchy = model.hierarchy.within(picture.detail.masks).first(DETAIL_LAYERS)
    return Style(
        model.network,
        model.activation,
        picture.small.colours(),
        picture.medium.colours(),
        tuple(features),
        tuple(hierarchy.measure(picture.detail.image)),
        overviews=(overview_of(picture),),
    )
