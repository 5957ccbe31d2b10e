"""The painting: a sum of colour, forms, strokes and grain.

The colour is the photograph. What the coarsest scale adds to it are the forms, begun by the flow; the scales between
add the strokes, and the finest adds the grain. At every scale the picture so far is given the style's means by a few
Gauss–Newton steps, from seeds that fill what is flat. Each component is a difference image at a scale of its own, so
that any amount of it can be had without another solve, and the sum is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.contract.messages import Message
from decouple_core.contract.progress import Progress, silent
from decouple_core.contract.settings import Settings
from decouple_core.features.colour import luma, map_between
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.style import ScaleFeatures
from decouple_core.flow.gauss_newton import Step, gauss_newton
from decouple_core.flow.solvers import Solution
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.outcome import Dressed, Outcome
from decouple_core.outcomes.photograph import Photograph
from decouple_core.pictures.picture import Picture, Scale
from decouple_core.pictures.pyramid import at_side, doubling, finer_half, larger, smaller

COARSEST = 64
"""Longer side, in pixels, at which the forms are found."""

FINE_LAYERS = 3
"""Layers that take part at all scales but the coarsest; the deeper ones look at whole forms there, and cost more than
they bring."""

FORMS = (Step(0.5, 10),) * 6
FINER = (Step(0.3, 6), Step(0.2, 6), Step(0.1, 6), Step(0.1, 6))
"""Damping and iterations of the steps at the coarsest scale and at the others, at a freedom of ½. With 0.1 and 6
iterations from the first step, the coarsest scale's features end up two to nine times farther from their goal than they
were (a rocket in the style of a stained tissue), with these at .1 to .4 of it. On six pairs two steps at the finest
scale instead of four leave relu3_1's mean .227 from the style's instead of .187; half the damping changes nothing."""

EDGE_WIDTH = 1.5
"""Standard deviation, in pixels, of the blur over which the target's edges count."""

EDGES_AT_HALF = 2.0
"""How strongly a step avoids the target's edges at a structure of ½; it grows with the square. On six pairs the mean
error of relu3_1 is .167 at edges of .405, with twice as much .187 at .413."""

SEED_WIDTH = 2.0
"""Standard deviation, in pixels, of the blur over which detail that is there already needs no seed."""


@dataclass(frozen=True)
class _Canvas:
    """The picture at one scale: the photograph there, and what has been painted."""

    base: Scale
    painted: Tensor


class Painting(Outcome):
    """The photograph, painted over from coarse to fine."""

    def finest(self, settings: Settings, longest: int) -> int:
        return min(settings.size, longest)

    def components(self, model: PreparedModel, dressed: Dressed, settings: Settings,
                   progress: Progress) -> Components:
        colour = Photograph().components(model, dressed, settings, silent).colour
        finest = dressed.picture.finest
        assert finest is not None  # a picture that is to be painted has it
        base = Scale(colour.picture(finest.image), finest.masks)
        if _nothing_to_do(dressed):
            return Components(colour)
        sides = doubling(max(finest.image.shape[1:]), COARSEST)
        wanted = dressed.goal.at_sides([side * settings.style_scale for side in sides])
        forms, strokes, grain = self._painted(model, dressed, settings, base, sides, wanted, progress)
        return Components(colour, {"forms": forms, "strokes": strokes, "grain": grain}, base=base.image)

    def in_amounts(self, components: Components, settings: Settings) -> Components:
        painted = min(1.0, max(settings.all_amounts[1:])) * max(settings.strengths[1:])
        keep_detail = 1.0 - (1.0 - settings.keep_detail) * painted  # what is not painted over keeps all
        return replace(components, amounts=settings.all_amounts[: 1 + len(components.differences)],
                       keep_detail=keep_detail)

    def _painted(self, model: PreparedModel, dressed: Dressed, settings: Settings, base: Scale, sides: list[int],
                 wanted: list[ScaleFeatures], progress: Progress) -> tuple[Tensor, Tensor, Tensor]:
        """Forms, strokes and grain, the first at the coarsest scale and the others at the finest of their own."""
        canvas: _Canvas | None = None
        known: Solution | None = None
        forms = strokes = grain = torch.zeros_like(base.image[:, :1, :1])
        for number, (side, features) in enumerate(zip(sides, wanted, strict=True)):
            progress(number / len(sides), Message("painting", size=side))
            first, last = number == 0, number == len(sides) - 1
            here = base if last else at_side(base, side)
            before = here.image if canvas is None else _carried(canvas, here)
            start = self._flowed(dressed, here) if canvas is None else before
            if number == 1:
                known = None  # of other features
            image, known = self._step(model, settings, here, start, features, number, known)
            if last:
                image = here.recoloured(image, [map_between(now, goal) for now, goal in
                                                zip(here.colours(image), dressed.goal.full_moments, strict=True)])
            if last and not first:
                grain = image - before
            elif first:
                forms = image - before
            else:
                strokes = image - before + larger(strokes, (image.shape[1], image.shape[2]))
            canvas = _Canvas(here, image)
        return forms, strokes, grain

    def _flowed(self, dressed: Dressed, here: Scale) -> Tensor:
        """The flow's result on the coarsest scale: where the forms begin."""
        assert dressed.image is not None  # a painting begins with the flow
        return larger(dressed.image, (here.image.shape[1], here.image.shape[2])).clamp(0.0, 1.0)

    def _step(self, model: PreparedModel, settings: Settings, here: Scale, start: Tensor, features: ScaleFeatures,
              number: int, known: Solution | None) -> tuple[Tensor, Solution]:
        """Give the picture at one scale the means that it is to have there."""
        relative = settings.damping / Settings().damping
        steps = [replace(step, damping=relative * step.damping) for step in (FORMS if number == 0 else FINER)]
        layers = min(settings.layers, len(features.means), len(model.hierarchy.sizes) if number == 0 else FINE_LAYERS)
        hierarchy = model.careful.first(layers).within(here.masks)
        own = hierarchy.measure(here.image)
        goal = [torch.lerp(o, w.to(o), s) for o, w, s in zip(own, features.means, settings.strengths[1:], strict=False)]
        strength = sum(settings.strengths[1 : layers + 1]) / layers
        image = _seeded(start, here, settings.fill * strength * features.detail.to(start), settings.seed + number)
        size = sum(hierarchy.sizes)
        share = 1.0 if here.masks is None else here.masks.mean((1, 2))[:, None]
        damping = model.reference.damping(1.0)[:, :size] / share
        return gauss_newton(hierarchy, image, torch.cat(goal, 1), steps, damping, model.spectrum(size),
                            metric=_away_from_edges(here.image, settings.structure), known=known,
                            seed=settings.seed + number,
                            replays=model.replays if here.masks is None and hierarchy.identity else None)


def scales_of(hierarchy: Hierarchy, picture: Picture, sides: Sequence[int]) -> tuple[ScaleFeatures, ...]:
    """What a painting takes from a style's picture at scales with these longer sides, coarse to fine."""
    if picture.finest is None:
        return ()
    measured = []
    for number, side in enumerate(sides):
        scale = at_side(picture.finest, side)
        layers = len(hierarchy.sizes) if number == 0 or side <= 2 * COARSEST else FINE_LAYERS
        means = hierarchy.within(scale.masks).measure(scale.image, min(layers, len(hierarchy.sizes)))
        detail = finer_half(scale.image)
        areas = scale.masks if scale.masks is not None else torch.ones_like(scale.image[:1])
        variance = torch.stack([(detail.square().mean(0) * area).sum() / area.sum() for area in areas])
        measured.append(ScaleFeatures(side, tuple(means), variance.sqrt()))
    return tuple(measured)


def _nothing_to_do(dressed: Dressed) -> bool:
    """Whether the target has the features that it is to have."""
    return all(torch.equal(own, goal) for own, goal in zip(dressed.own.features, dressed.goal.features, strict=False))


def _carried(canvas: _Canvas, here: Scale) -> Tensor:
    """What has been painted, on the photograph of a finer scale."""
    painted = canvas.painted
    change = painted - smaller(here.image, (painted.shape[1], painted.shape[2]))
    return here.image + larger(change, (here.image.shape[1], here.image.shape[2]))


def _seeded(image: Tensor, here: Scale, detail: Tensor, seed: int) -> Tensor:
    """The image with noise where it has less detail than the style, shape (R,) for each region.

    Without it flat areas stay flat, because the least change strengthens what is there already.
    """
    there = _blurred(finer_half(here.image).square().mean(0, keepdim=True), SEED_WIDTH)
    wanted = (here.shares * detail[:, None, None]).sum(0, keepdim=True)
    lacking = (wanted.square() - there).clamp_min(0.0).sqrt()
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed)).to(image)
    return (image + lacking * noise).clamp(0.0, 1.0)


def _away_from_edges(image: Tensor, structure: float) -> Tensor:
    """How freely each place may change, shape (1, h, w), of mean 1: less where the target has edges."""
    strength = EDGES_AT_HALF * (2.0 * structure) ** 2
    light = luma(image)[None]
    across, along = F.pad(light.diff(dim=2), (1, 0)), F.pad(light.diff(dim=1), (0, 0, 1, 0))
    edges = _blurred(across.square() + along.square(), EDGE_WIDTH).clamp_min(0.0).sqrt()
    freedom = 1.0 / (1.0 + strength * edges / edges.mean().clamp_min(1e-6))
    return freedom / freedom.mean()


def _blurred(image: Tensor, width: float) -> Tensor:
    """Gaussian blur of (1, h, w) by a standard deviation in pixels, the border reflected."""
    for axis in (1, 2):
        reach = min(int(3 * width + 0.5), image.shape[axis] - 1)
        places = torch.arange(-reach, reach + 1, dtype=image.dtype, device=image.device)
        kernel = torch.exp(-places.square() / (2 * width**2))
        kernel = (kernel / kernel.sum()).view(1, 1, *((-1, 1) if axis == 1 else (1, -1)))
        border = (0, 0, reach, reach) if axis == 1 else (reach, reach, 0, 0)
        image = F.conv2d(F.pad(image[None], border, mode="reflect"), kernel)[0]
    return image
