"""What colours several targets have in common, which together get one style."""

from __future__ import annotations

from collections.abc import Sequence

from decouple_core.correspondence.moments import overview_of
from decouple_core.engine.measuring import measured
from decouple_core.engine.placing import Shared, lack, matcher, style_places, wants_places
from decouple_core.engine.preparing import for_style
from decouple_core.engine.run import Run
from decouple_core.features.mixing import mix
from decouple_core.features.style import Style
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.colour_by_place import Look, fit_look
from decouple_core.outcomes.photograph import IN_COMMON
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.series import PLANNED, spread


def fitted_together(run: Run, pictures: Sequence[Picture], style: Style) -> Shared:
    """A look that follows one plan, where there are places to match; otherwise one field."""
    run = for_style(run, style, 1)
    model = run.model()
    look = _look(run, model, pictures, style)
    if look is not None:
        return look
    own = mix([measured(run, model, picture) for picture in pictures])
    goal = own.towards(style, run.settings.strengths)
    return IN_COMMON.fitted(model, pictures, goal, run.settings, run.progress)


def _look(run: Run, model: PreparedModel, pictures: Sequence[Picture], style: Style) -> Look | None:
    if not wants_places(run, model):
        return None
    overviews = [overview_of(picture) for picture in pictures]
    with_places = [number for number, one in enumerate(overviews) if lack([one], style) is None]
    if not with_places:
        return None
    chosen = [with_places[number] for number in spread(len(with_places), PLANNED)]
    plan = matcher(run, model).plan(
        [overviews[number] for number in chosen], style_places(run, style), run.settings.matches
    )
    return fit_look(plan, model, [pictures[number] for number in with_places], run.settings)
