"""Step 1: what is taken from a style's picture."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.engine.decoupling import Decoupling
from decouple_core.engine.measuring import measured
from decouple_core.engine.preparing import Preparation, Source, active_in, active_in_style, shrunk, style_sides
from decouple_core.engine.run import Run
from decouple_core.features.mixing import averaged
from decouple_core.features.overview import Overview
from decouple_core.features.style import Style
from decouple_core.model.device import CPU
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
    style = style_of(run, model, picture, sides)
    if not flows:
        return style
    features = Decoupling(run, model, active_in(run, model, picture)).features(picture)
    return dataclasses.replace(style, features=features)


def style_of(run: Run, model: PreparedModel, picture: Picture, sides: Sequence[int]) -> Style:
    """A style as it is, without decoupled features; for a painting, at scales with these sides."""
    run.meter.phase("reading-style")
    style = measured(run, model, picture)
    if picture.finest is None:
        return style
    scales = run.caches.scales.get(
        run.settings,
        [model.identity, picture.finest_identity, sides],
        lambda: scales_of(model.hierarchy, picture, sides),
    )
    return dataclasses.replace(style, scales=scales)


def decoupled(run: Run, given: Preparation, style: Style) -> tuple[Preparation, Style]:
    """The style with its decoupled features, which only a flow needs, and what is active in it and the target.

    Where it was measured without them and its picture is gone, they are read from its overviews.

    Raises
    ------
    InputError
        Where it has no overviews either.
    """
    if style.features:
        return given, style
    if isinstance(given.style, Picture):
        features = Decoupling(run, given.model, given.active).features(given.style)
        return given, dataclasses.replace(style, features=features)
    if not style.overviews:
        raise InputError("style-without-scales")
    seen = [_seen(run, given.model, overview) for overview in style.overviews]
    style = dataclasses.replace(style, features=averaged(seen, [overview.weight for overview in style.overviews]))
    active = given.active * active_in_style(style, given.model.hierarchy, run.device)
    return dataclasses.replace(given, active=active), style


def _seen(run: Run, model: PreparedModel, overview: Overview) -> tuple[Tensor, ...]:
    """The decoupled features of an overview's picture."""
    size = (overview.image.shape[1], overview.image.shape[2])
    shares = F.interpolate(overview.shares.unflatten(1, overview.grid)[None], size, mode="bilinear")[0].cpu().numpy()
    masks = [] if len(shares) == 1 and shares.min() == 1 else list(shares)
    pixels = overview.image.permute(1, 2, 0).cpu().numpy()
    picture = Picture.of(pixels, masks, run.outcome.flow_size(run.settings), CPU).to(run.device)
    return Decoupling(run, model, active_in(run, model, picture)).features(picture)
