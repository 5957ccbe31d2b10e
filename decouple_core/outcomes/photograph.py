"""The photograph: a field carries the full-size target towards the style.

The field begins with the one map that gives the style's colours, is corrected in its own parameters towards the style's
channel means, and given the style's colour moments. It can be evaluated at any size in bounded memory. The flow takes
no part: a field that is first fitted to the flow's result ends with the same scores, for twice the time.
"""

from __future__ import annotations

import torch
from torch import Tensor

from decouple_core.contract.messages import Message
from decouple_core.contract.progress import Progress
from decouple_core.contract.settings import Settings
from decouple_core.features.colour import ColourMap, ColourMoments, map_between
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.style import DETAIL_LAYERS, Style
from decouple_core.flow.replays import Replays
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes import correction
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.outcome import Dressed, Outcome
from decouple_core.outcomes.parametrisation import Field, Parametrisation
from decouple_core.pictures.picture import Scale

FLAT = 1e-5
"""Variance, about (0.8 / 255)², below which a cloud is one colour: no contrast to stretch, only a mean to move."""

REPAINTINGS = 3
"""Times the final colour maps are found; after three the moments lie within 1 % where the box does not bite."""

CORRECTION_DAMPING = 30.0
"""Damping of the photograph's correction, as a multiple of the flow's. What counts is its product with
`correction.STRUCTURE`, which was measured with this."""


IDENTITY = ColourMap(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))


class Photograph(Outcome):
    """A field of local colour transforms, of one parametrisation.

    Parameters
    ----------
    parametrisation : type of Parametrisation
    """

    def __init__(self, parametrisation: type[Parametrisation] = BilateralGrid) -> None:
        self._parametrisation = parametrisation

    flows = False

    def components(self, model: PreparedModel, dressed: Dressed, settings: Settings,
                   progress: Progress) -> Components:
        unchanged = self._parametrisation(dressed.picture.small.image).constant(IDENTITY)
        field = repainted(Field(self._parametrisation, unchanged), dressed.picture.medium, dressed.goal)
        field = self._corrected(field, model, dressed, settings, progress)
        return Components(repainted(field, dressed.picture.medium, dressed.goal))

    def _corrected(self, field: Field, model: PreparedModel, dressed: Dressed, settings: Settings,
                   progress: Progress) -> Field:
        """The field with the style's means in the layers that it can reach, as far as these are to take part."""
        layers = min(DETAIL_LAYERS, settings.layers)
        hierarchy = model.hierarchy.first(layers)
        detail = dressed.picture.detail
        coarse = detail.shrunk(correction.SIZE)
        at = field.at(coarse.image)
        smoothing = correction.smoothing_factor(at)
        wanted = torch.cat(dressed.goal.coupled_means[:layers], 1)
        damping = model.reference.damping(CORRECTION_DAMPING * settings.damping)[:, : wanted.shape[1]]
        damping = damping.expand_as(wanted)
        for number in range(correction.STEPS):
            progress(number / correction.STEPS, Message("carrying"))
            there = torch.cat(hierarchy.within(detail.masks).measure(field.picture(detail.image)), 1)
            misfit = wanted - there
            if model.replays is None or coarse.masks is not None or hierarchy.identity is None:
                field = correction.correct(at, field, hierarchy.within(coarse.masks), misfit, damping, smoothing)
            else:
                field = _replayed(model.replays, coarse.image, field, hierarchy, misfit, damping, smoothing)
        return field


def _replayed(replays: Replays, image: Tensor, field: Field, hierarchy: Hierarchy, misfit: Tensor, damping: Tensor,
              smoothing: float) -> Field:
    """`correction.correct` at this image, recorded."""

    def step(image: Tensor, parameters: Tensor, misfit: Tensor, damping: Tensor, smoothing: Tensor) -> list[Tensor]:
        there = Field(field.kind, parameters)
        return [correction.correct(there.at(image), there, hierarchy, misfit, damping, smoothing).parameters]

    inputs = image, field.parameters, misfit, damping, misfit.new_full((), smoothing)
    parameters, = replays((field.kind, hierarchy.identity, hierarchy.sizes), step, inputs, hierarchy.work)
    return Field(field.kind, parameters)


def repainted(field: Field, scale: Scale, goal: Style) -> Field:
    """The field followed by the maps that give its picture the goal's colour moments, region by region.

    The box takes a little of what each map gives, so the map is found again on what is left of it.
    """
    for _ in range(REPAINTINGS):
        now = scale.colours(field.picture(scale.image))
        field = field.then([_shift(n, g) if n.covariance.diagonal().max() < FLAT else map_between(n, g)
                            for n, g in zip(now, goal.full_moments, strict=True)], scale.shares)
    return field


def _shift(start: ColourMoments, goal: ColourMoments) -> ColourMap:
    """The map that moves the mean alone."""
    return ColourMap(torch.eye(3, dtype=torch.float64), goal.mean - start.mean)
