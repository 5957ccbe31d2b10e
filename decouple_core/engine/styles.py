"""Step 1: what is taken from a style's picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from torch import Tensor

from decouple_core.engine.decoupling import Decoupling
from decouple_core.engine.measuring import measured
from decouple_core.engine.preparing import Source, active_in, shrunk, style_sides
from decouple_core.engine.run import Run
from decouple_core.features.style import Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.painting import COARSEST, scales_of
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.pyramid import doubling

FINEST_KEPT = 1024
"""Longer side, in pixels, of the finest scale at which a style is measured that is to be kept for any target."""


def style_read(run: Run, source: Source, *, for_any: bool) -> Style:
    """What the run's outcome takes from an image alone, or what any outcome does."""
    model, flows = run.model(), for_any or run.outcome.flows
    sides = style_sides(run, run.settings.size) if flows else []
    if for_any:
        sides = sorted({*sides, *(side for side in doubling(FINEST_KEPT, COARSEST) if side <= source.longest)})
    (picture,) = shrunk(run, (source, max(sides, default=0)))
    run.plan(model.hierarchy, reads=flows, stylises=False, renders=False)
    return style_of(run, model, picture, active_in(run, model, picture), sides, flows=flows)


def style_of(
    run: Run, model: PreparedModel, picture: Picture, active: Tensor, sides: Sequence[int], *, flows: bool
) -> Style:
    """The features of a style: decoupled ones where the outcome flows, and a painting's at scales with these sides."""
    run.meter.phase("reading-style")
    style = Decoupling(run, model, active).style(picture) if flows else measured(run, model, picture)
    if picture.finest is None:
        return style
    scales = run.caches.scales.get(
        run.settings,
        [model.identity, picture.finest_identity, sides],
        lambda: scales_of(model.hierarchy, picture, sides),
    )
    return dataclasses.replace(style, scales=scales)
