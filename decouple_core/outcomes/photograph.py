"""The photograph: a field carries the full-size target towards the style.

The field begins with the one map that gives the style's colours, is corrected in its own parameters towards the style's
channel means, and given the style's colour moments. It can be evaluated at any size in bounded memory. The flow takes
no part: a field that is first fitted to the flow's result ends with the same scores, for twice the time.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from decouple_contract.messages import Message
from decouple_contract.progress import Progress
from decouple_contract.settings import OF_PAINTING, Settings
from decouple_core.features.colour import IDENTITY, ColourMoments, map_between
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.mixing import laid_together, shares_of
from decouple_core.features.style import DETAIL_LAYERS, Style
from decouple_core.flow.replays import Replays
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes import correction
from decouple_core.outcomes.bilateral_grid import BilateralGrid, LightnessGrid
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.correction import Corrected
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.outcome import FLOW_SIZE, Outcome, Stylisation
from decouple_core.outcomes.parametrisation import Parametrisation
from decouple_core.pictures.picture import Picture, Scale

REPAINTINGS = 3
"""Times the final colour maps are found; after three the moments lie within 1 % where the box does not bite."""

CORRECTION_DAMPING = 30.0
"""Damping of the photograph's correction, as a multiple of the flow's. What counts is its product with
`correction.STRUCTURE`, which was measured with this."""


class Photograph(Outcome):
    """A field of local colour transforms, of one parametrisation.

    Parameters
    ----------
    parametrisation : type of Parametrisation
    """

    def __init__(self, parametrisation: type[Parametrisation] = BilateralGrid) -> None:
        self._parametrisation = parametrisation
        self.by_place = parametrisation is BilateralGrid

    flows = False
    ignores = OF_PAINTING

    def flow_size(self, settings: Settings) -> int:
        return FLOW_SIZE  # the size is a painting's

    def components(
        self, model: PreparedModel, stylisation: Stylisation, settings: Settings, progress: Progress
    ) -> Components:
        if stylisation.colour is not None:
            return Components(stylisation.colour)
        return Components(self.fitted(model, [stylisation.picture], stylisation.goal, settings, progress))

    def fitted(
        self, model: PreparedModel, pictures: Sequence[Picture], goal: Style, settings: Settings, progress: Progress
    ) -> Field:
        """One field for all the pictures, which taken together are to have the goal's features and colours.

        Of several, the parametrisation must have parameters of one shape, whatever the picture.
        """
        unchanged = self._parametrisation(pictures[0].small.image).constant(IDENTITY)
        scales = [picture.medium for picture in pictures]
        goal = replace(goal, full_moments=_within_reach(scales, goal))
        field = repainted(Field(self._parametrisation, unchanged), scales, goal)
        field = self._corrected(field, model, [picture.detail for picture in pictures], goal, settings, progress)
        return repainted(field, scales, goal)

    def _corrected(
        self,
        field: Field,
        model: PreparedModel,
        details: Sequence[Scale],
        goal: Style,
        settings: Settings,
        progress: Progress,
    ) -> Field:
        """The field with the style's means in the layers that it can reach, as far as these are to take part."""
        layers = min(DETAIL_LAYERS, settings.layers)
        hierarchy = model.hierarchy.first(layers)
        coarse = [detail.shrunk(correction.SIZE) for detail in details]
        pictures = [Corrected(field.at(one.image), hierarchy.within(one.masks)) for one in coarse]
        smoothing = statistics.fmean(correction.smoothing_factor(picture.at) for picture in pictures)
        wanted = torch.cat(goal.coupled_means[:layers], 1)
        damping = model.reference.damping(CORRECTION_DAMPING * settings.damping)[:, : wanted.shape[1]]
        damping = damping.expand_as(wanted)
        for number in range(correction.STEPS):
            progress(number / correction.STEPS, Message("carrying"))
            there = [
                torch.cat(hierarchy.within(detail.masks).measure(field.picture(detail.image)), 1) for detail in details
            ]
            misfit = wanted - torch.stack(there).mean(0)
            if model.replays is None or len(coarse) > 1 or coarse[0].masks is not None or hierarchy.identity is None:
                field = correction.correct(pictures, field, misfit, damping, smoothing)
            else:
                field = _replayed(model.replays, coarse[0].image, field, hierarchy, misfit, damping, smoothing)
        return field


IN_COMMON = Photograph(LightnessGrid)
"""What a series of targets shares: the same all over each picture, because what is seen moves from place to place. In
slow pans things keep their colours with it from the first frame to the last; with `BilateralGrid` in its stead they
change by several times what noise and exposure do, and to the eye, though it is a little nearer to the style."""


def _replayed(
    replays: Replays,
    image: Tensor,
    field: Field,
    hierarchy: Hierarchy,
    misfit: Tensor,
    damping: Tensor,
    smoothing: float,
) -> Field:
    """`correction.correct` at this image, recorded."""

    def step(image: Tensor, parameters: Tensor, misfit: Tensor, damping: Tensor, smoothing: Tensor) -> list[Tensor]:
        there = Field(field.kind, parameters)
        picture = Corrected(there.at(image), hierarchy)
        return [correction.correct([picture], there, misfit, damping, smoothing).parameters]

    inputs = image, field.parameters, misfit, damping, misfit.new_full((), smoothing)
    (parameters,) = replays((field.kind, hierarchy.identity, hierarchy.sizes), step, inputs, hierarchy.work)
    return Field(field.kind, parameters)


def repainted(field: Field, scales: Sequence[Scale], goal: Style) -> Field:
    """The field followed by the maps that give its pictures the goal's colour moments, region by region.

    The box takes a little of what each map gives, so the map is found again on what is left of it.
    """
    for _ in range(REPAINTINGS):
        now = _together([scale.colours(field.picture(scale.image)) for scale in scales])
        field = field.then([map_between(n, g) for n, g in zip(now, goal.full_moments, strict=True)], scales[0].shares)
    return field


def _within_reach(scales: Sequence[Scale], goal: Style) -> tuple[ColourMoments, ...]:
    """The moments that the pictures' own colours can have: no faint trace of a correction is to stand in for them."""
    own = _together([scale.colours() for scale in scales])
    return tuple(o.reaching(g) for o, g in zip(own, goal.full_moments, strict=True))


def _together(each: Sequence[Sequence[ColourMoments]]) -> list[ColourMoments]:
    """Colour moments of each region over all the pictures."""
    alike = shares_of(len(each), None)
    return [laid_together(of_region, alike) for of_region in zip(*each, strict=True)]
