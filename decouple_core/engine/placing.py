"""The colours that each place is to have, where places of target and style can be matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.matching import Matcher
from decouple_core.correspondence.moments import overview_of
from decouple_core.engine.run import Run
from decouple_core.features.overview import Overview
from decouple_core.features.style import Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes import colour_by_place
from decouple_core.outcomes.colour_by_place import Look
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.strategy import Choice
from decouple_core.pictures.picture import Picture

LEAST_PLACES = 16
"""Places of target and style, of 8 × 8 pixels each, below which a picture or a selection is taken as a whole."""

Shared = Field | Look
"""The colour part of several targets: one field for all, or a look that each is given place by place."""


@dataclass(frozen=True)
class Placement:
    """What places make of a target's colours; nothing where the picture is taken as a whole.

    Attributes
    ----------
    field : Field or None
        Carries the colours, all the way.
    correspondence : Correspondence or None
        Where each place takes from.
    """

    field: Field | None = None
    correspondence: Correspondence | None = None


def placed(run: Run, model: PreparedModel, picture: Picture, style: Style, shared: Shared | None) -> Placement:
    """The placement of a target, found, or followed where it is shared; the journal is told why there is none."""
    if not wants_places(run, model):
        return Placement()
    if isinstance(shared, Look):
        return Placement(*shared.of(picture))
    target = overview_of(picture)
    why = Message("places-not-shared") if shared is not None else lack([target], style)
    if why is None:
        found = _matched(run, model, target, style)
        field = run.caches.fields.get(
            run.settings,
            [model.identity, found.identity, picture.identity],
            lambda: _serving(found, model, picture, run.settings),
        )
        if field is not None:
            return Placement(field, found)
        why = Message("places-lose-detail")
    run.journal.choices.append(Choice("correspondence", "off", why))
    return Placement()


def wants_places(run: Run, model: PreparedModel) -> bool:
    """Whether places are to be looked for, and the outcome and the features can make something of them."""
    return run.settings.correspondence != "off" and run.outcome.by_place and model.hierarchy.by_place


def lack(targets: Sequence[Overview], style: Style) -> Message | None:
    """Why there are no places to be matched; None where there are."""
    if not style.overviews:
        return Message("places-not-in-style")
    few = min(float(one.present.sum()) for one in (*targets, *style.overviews)) < LEAST_PLACES
    return Message("places-few") if few else None


def matcher(run: Run, model: PreparedModel) -> Matcher:
    """Matches places by what the model's network sees in them."""
    return Matcher(model.deep, run.caches.seen.get)


def style_places(run: Run, style: Style) -> list[Overview]:
    """The style's places, on the run's device."""
    return [one.to(run.device) for one in style.overviews]


def _serving(found: Correspondence, model: PreparedModel, picture: Picture, settings: Settings) -> Field | None:
    """The field of a correspondence; None where it would leave too little of the picture."""
    field = colour_by_place.fit(found, model, picture, settings)
    return field if colour_by_place.serves(field, picture) else None


def _matched(run: Run, model: PreparedModel, target: Overview, style: Style) -> Correspondence:
    """Where the target takes from, kept or found."""
    places = [(one.identity, one.weight) for one in style.overviews]
    return run.caches.correspondences.get(
        run.settings,
        [model.identity, target.identity, places],
        lambda: matcher(run, model).match(target, style_places(run, style), run.settings.matches),
    )
