"""What a transfer has reached, measured on its result: each layer's means, and what moved besides them."""

from __future__ import annotations

from torch import Tensor

from decouple_core.engine.run import Run
from decouple_core.features.style import DETAIL_LAYERS
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.certificate import certificate, drift
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.outcome import Stylisation
from decouple_core.outcomes.painting import COARSEST
from decouple_core.pictures.pyramid import doubling
from decouple_core.report import LayerReport


def reached(run: Run, model: PreparedModel, stylisation: Stylisation, components: Components) -> list[LayerReport]:
    """What each layer has reached without a flow: its coupled means, deep to shallow."""
    detail = stylisation.picture.detail
    hierarchy = model.hierarchy.within(detail.masks).first(min(DETAIL_LAYERS, run.layers(model.hierarchy)))
    means = hierarchy.measure(components.picture(detail.image))
    rows = zip(hierarchy.names, stylisation.own.coupled_means, stylisation.goal.coupled_means, means, strict=False)
    return [LayerReport.of(*row) for row in rows][::-1]


def certify(run: Run, model: PreparedModel, stylisation: Stylisation, components: Components, active: Tensor) -> None:
    """Have the journal say how far each component and each layer of a painting moves itself and the others."""
    picture, goal = stylisation.picture, stylisation.goal
    assert picture.finest is not None  # a painting has it
    sides = doubling(max(picture.finest.image.shape[1:]), COARSEST)
    wanted = goal.at_sides([side * run.settings.style_scale for side in sides])
    run.journal.certificate = certificate(
        model.hierarchy, components, picture.finest.masks, dict(zip(sides, wanted, strict=True))
    )
    images = [image for name, image in run.journal.images.items() if name.startswith(("normalised", "stylised_"))]
    if images:  # there was a flow
        run.journal.drift = drift(
            model.hierarchy.within(picture.small.masks),
            images,
            model.reference.values,
            goal.features[: run.layers(model.hierarchy)],
            active,
        )
