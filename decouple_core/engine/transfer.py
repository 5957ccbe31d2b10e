"""The steps of a transfer, one after the other, each made of what those before it have found."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.engine.decoupling import Decoupling
from decouple_core.engine.measuring import measured
from decouple_core.engine.placing import Placement, Shared, placed
from decouple_core.engine.preparing import Preparation, Source, for_style, prepared
from decouple_core.engine.reached import certify, reached
from decouple_core.engine.run import Run
from decouple_core.engine.styles import decoupled, style_of
from decouple_core.features.colour import LUMA
from decouple_core.features.style import Style
from decouple_core.model.device import describe
from decouple_core.outcomes.components import Components, keep_chroma_or_luma
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.outcome import Stylisation
from decouple_core.outcomes.strategy import readable_strength
from decouple_core.report import LayerReport, Report


@dataclass(frozen=True)
class Transferred:
    """A finished transfer.

    Attributes
    ----------
    image : ndarray
        Shape (H, W, 3), float32 in [0, 1]; the `out` array if one was given.
    style : Style
        What was taken from the style; its decoupled features where the picture was taken as a whole.
    components : Components
        What the image is the sum of.
    report : Report
    correspondence : Correspondence or None
        Where each place of the target takes from; None where the picture is taken as a whole.
    """

    image: np.ndarray
    style: Style
    components: Components
    report: Report
    correspondence: Correspondence | None = None


def transferred(
    run: Run,
    target: Source,
    style: Source | Style,
    shared: Shared | None,
    out: np.ndarray,
    *,
    render: bool,
    certified: bool,
) -> Transferred:
    """A target in a style; see `Engine.transfer`."""
    journal, flows = run.journal, run.outcome.flows
    if isinstance(style, Style):
        run = for_style(run, style, max(1, len(target.masks)))
    with journal.step("prepare"):
        given = prepared(run, target, style)
    model, before = given.model, given.model.hierarchy.work.copy()
    reads = flows and not (isinstance(style, Style) and style.features)
    run.plan(model.hierarchy, reads=reads, stylises=flows, renders=True)
    with journal.step("style"):
        features = _style(run, given)
    with journal.step("match"):
        placement = placed(run, model, given.target, features, shared)
    run = _readable(run, given, features, placement, shared)
    colour = _colour(run, placement, shared)
    places = placement.correspondence if model.hierarchy.local else None
    by_means = flows and places is None  # of the whole picture, to which the flow leads
    if by_means:
        with journal.step("style"):
            given, features = decoupled(run, given, features)
    elif flows:
        run.plan(model.hierarchy, reads=False, stylises=False, renders=True)
    stylisation, layers = (_carried if by_means else _compared)(run, given, features, colour)
    stylisation = dataclasses.replace(stylisation, correspondence=places)
    with journal.step("finish"):
        run.meter.phase("carrying")
        components = _components(run, given, stylisation)
        layers = layers or reached(run, model, stylisation, components)
    if certified and components.base is not None and components.differences:
        with journal.step("certify"):
            certify(run, model, stylisation, components, given.active)
    if render:
        with journal.step("render"):
            _render(run, components, target.pixels, out)
    report = Report.of(
        run.settings,
        model.network,
        describe(run.device),
        journal,
        layers,
        model.hierarchy,
        model.hierarchy.work.since(before),
        given.active,
        model.reference.values,
        placement.correspondence,
    )
    return Transferred(out, features, components, report, placement.correspondence)


def _style(run: Run, given: Preparation) -> Style:
    """Step 1, but for what only a flow needs: a style's picture is measured, a kept style has been."""
    if isinstance(given.style, Style):
        return given.style
    return style_of(run, given.model, given.style, given.sides)


def _readable(run: Run, given: Preparation, style: Style, placement: Placement, shared: Shared | None) -> Run:
    """The run, less strong where a style would leave too little of the picture to be made out."""
    if given.target.regions > 1 or shared is not None:
        return run  # an artist has said what becomes what; or it is the same for a whole series
    strength, choice = readable_strength(run.settings, given.target, style, placement.field)
    if choice is None:
        return run
    run.journal.choices.append(choice)
    return run.under(strength=strength)


def _colour(run: Run, placement: Placement, shared: Shared | None) -> Field | None:
    """What carries the colours, where that is decided before the outcome has its say."""
    if isinstance(shared, Field):
        return shared
    field = placement.field
    return field and dataclasses.replace(field, amount=field.amount * run.settings.strength)


def _carried(run: Run, given: Preparation, style: Style, colour: Field | None) -> tuple[Stylisation, list[LayerReport]]:
    """Steps 2 and 3: the target carried to the reference, and from there to the style's features."""
    decoupling, journal = Decoupling(run, given.model, given.active), run.journal
    with journal.step("normalise"):
        normalised = decoupling.normalised(given.target)
    with journal.step("stylise"):
        goal = normalised.own.towards(style, run.settings.strengths)
        image, layers = decoupling.stylised(given.target, normalised, goal)
    return Stylisation(given.target, normalised.own, goal, image, colour), layers


def _compared(
    run: Run, given: Preparation, style: Style, colour: Field | None
) -> tuple[Stylisation, list[LayerReport]]:
    """The target as it is, with what it is to have, for an outcome that needs no flow."""
    own = measured(run, given.model, given.target)
    run.journal.images["target"] = given.target.small.image
    return Stylisation(given.target, own, own.towards(style, run.settings.strengths), None, colour), []


def _components(run: Run, given: Preparation, stylisation: Stylisation) -> Components:
    """The picture as a sum, made or kept, in the amounts that are wanted now."""
    goal, colour = stylisation.goal, stylisation.colour
    sources = [
        given.model.identity,
        given.target.identity,
        given.target.finest_identity,
        stylisation.image,
        colour and (*colour.tensors, colour.amount),
        stylisation.correspondence and stylisation.correspondence.identity,
        goal.features,
        goal.coupled_means,
        [(m.mean, m.covariance) for m in goal.full_moments],
        [(scale.side, scale.means, scale.detail) for scale in goal.scales],
    ]
    components = run.caches.components.get(
        run.settings,
        sources,
        lambda: run.outcome.components(given.model, stylisation, run.settings, run.meter.within),
        run.outcome.ignores,
    )
    return run.outcome.in_amounts(components, run.settings)


def _render(run: Run, components: Components, pixels: np.ndarray, out: np.ndarray) -> None:
    """The sum at full size, in the target's own colours or tones where these are to stay."""
    run.meter.phase("rendering")
    components.render(pixels, out, run.meter.within)
    if run.settings.keep_colours or run.settings.keep_tones:
        keep_chroma_or_luma(pixels, out, LUMA, chroma=run.settings.keep_colours)
