"""What is measured on a picture as it is: its colours, its coupled means, and what is where."""

from __future__ import annotations

from decouple_core.correspondence.moments import overview_of
from decouple_core.engine.run import Run
from decouple_core.features.style import DETAIL_LAYERS, Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.pictures.picture import Picture


def measured(run: Run, model: PreparedModel, picture: Picture) -> Style:
    """A picture as a style without decoupled features, for what needs no flow."""
    sources = [model.identity, picture.identity]
    return run.caches.measured.get(run.settings, sources, lambda: _measured(model, picture))


def _measured(model: PreparedModel, picture: Picture) -> Style:
    hierarchy = model.hierarchy.within(picture.detail.masks).first(DETAIL_LAYERS)
    return Style(
        model.network,
        model.activation,
        picture.small.colours(),
        picture.medium.colours(),
        (),
        tuple(hierarchy.measure(picture.detail.image)),
        overviews=(overview_of(picture),),
    )
