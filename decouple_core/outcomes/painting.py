"""The painting: a sum of colour, forms, strokes and grain.

The colour is the photograph. What the coarsest scale adds to it are the forms; the scales between add the strokes, and
the finest adds the grain. Where target and style correspond, each place up to 256 px gets the marks of a place of the
style that fits (`marks`), and what is finer the style's means, as texture. Where the picture is taken as a whole, the
forms begin with the flow, and every scale is given the style's means. The means are reached by a few Gauss–Newton
steps, from seeds that fill what is flat. Each component is a difference image at a scale of its own, so that any amount
of it can be had without another solve, and the sum is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.messages import Message
from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.colour import luma, map_between
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.reproducible import place_means, place_sums
from decouple_core.features.style import ScaleFeatures
from decouple_core.flow.gauss_newton import Step, gauss_newton
from decouple_core.flow.least_norm import Spectrum
from decouple_core.flow.replays import Replays
from decouple_core.flow.solvers import Solution
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.marks import LARGEST_SIDE, Marks, kept_share
from decouple_core.outcomes.outcome import Outcome, Stylisation
from decouple_core.outcomes.photograph import Photograph
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.picture import Picture, Scale
from decouple_core.pictures.pyramid import at_side, doubling, finer_half, larger, smaller

COARSEST = 64
"""Longer side, in pixels, at which the forms are found."""

SHARPER_FROM = 2 * COARSEST
"""Longer side of a style's picture above which it is measured by the sharper features (`Hierarchy.sharper`). With them
at 128 px, too, the means of relu3_1 end .098 from the style's instead of .091, on four pairs."""

FINE_LAYERS = 3
"""Layers that take part at all scales but the coarsest; the deeper ones look at whole forms there, and cost more than
they bring."""

FORMS = (Step(0.5, 8),) * 4
STROKES = (Step(0.2, 6), Step(0.1, 6), Step(0.05, 6))
GRAIN = (Step(0.2, 6), Step(0.1, 6), Step(0.1, 6))
"""Damping and iterations of the steps at the coarsest scale, at those between, and at the finest. With 0.1 and 6
iterations from the first step, the coarsest scale's features end up two to nine times farther from their goal than they
were (a rocket in the style of a stained tissue), with these at .1 to .4 of it. Six steps of 10 iterations there, and a
fourth step between, end no nearer to the style on six pairs. At the finest scale a last step of .1 keeps edges of .493
instead of .489 on nine pairs, as near to the style; a fourth one leaves .087 of relu3_1 instead of .091, for a
fourteenth of a painting's time."""

TEXTURE = (Step(0.2, 6), Step(0.1, 6))
"""The same by place, where only what is finer than the marks is kept. A third step changes *marks* by .001 on seven
pairs, for a twelfth of a painting's time, and cannot be seen."""

HELD = 0.03
"""Share of its damping that a layer has which is to stay the target's own, so that the others go around it."""

MENDING = (Step(0.1, 10),) * 3
"""Steps at the end of a scale that bring held layers back: what the others do to them is not linear."""

EDGE_WIDTH = 1.5
"""Standard deviation, in pixels, of the blur over which the target's edges count."""

EDGES_AT_HALF = 4.0
"""How strongly a step avoids the target's edges at a structure of ½, up to `SUBJECT_SIDE`; it grows with the square."""

SUBJECT_SIDE = 128
"""Longer side, in pixels, up to which a picture's subject is decided. From there on a step avoids edges less, by the
square of the scale at a structure of ½, a looser one by up to its cube, a faithful one by the scale itself: where marks
are small, edges that may not change keep a contrast that is not the style's. On nine pairs, as many edges stay as
with half as much at every scale (.492 and .493), and relu3_1's mean ends .086 from the style's instead of .091, its
Gram .035 instead of .040."""

SEED_WIDTH = 2.0
"""Standard deviation, in pixels, of the blur over which detail that is there already needs no seed."""


LEAST_ENERGY = 1e-6
"""Variance of detail that nobody sees, a quarter of a step of 8 bits."""

LIVELIEST = 3.0
"""How many times as freely as on average a lively place may be given texture."""


@dataclass(frozen=True)
class _Canvas:
    """The picture at one scale: the photograph there, and what has been painted."""

    base: Scale
    painted: Tensor


@dataclass(frozen=True)
class _AtScale:
    """What there is to do at one scale, the `number`th from the coarsest, with so many finer ones by place.

    Attributes
    ----------
    last : bool
        Whether it is the finest.
    steps : sequence of Step
        Towards the style's means.
    """

    here: Scale
    features: ScaleFeatures
    number: int
    finer: int
    last: bool
    steps: Sequence[Step]


class Painting(Outcome):
    """The photograph, painted over from coarse to fine."""

    def finest(self, settings: Settings, longest: int) -> int:
        return min(settings.size, longest)

    def components(
        self, model: PreparedModel, stylisation: Stylisation, settings: Settings, progress: Progress
    ) -> Components:
        colour = Photograph().components(model, stylisation, settings, silent).colour
        finest = stylisation.picture.finest
        assert finest is not None  # a picture that is to be painted has it
        base = Scale(colour.picture(finest.image), finest.masks)
        if _nothing_to_do(stylisation):
            return Components(colour)
        sides = doubling(max(finest.image.shape[1:]), COARSEST)
        wanted = stylisation.goal.at_sides([side * settings.style_scale for side in sides])
        forms, strokes, grain = self._painted(model, stylisation, settings, base, sides, wanted, progress)
        return Components(colour, {"forms": forms, "strokes": strokes, "grain": grain}, base=base.image)

    def in_amounts(self, components: Components, settings: Settings) -> Components:
        painted = min(1.0, max(settings.all_amounts[1:])) * max(settings.strengths[1:])
        keep_detail = 1.0 - (1.0 - settings.keep_detail) * painted  # what is not painted over keeps all
        return replace(
            components, amounts=settings.all_amounts[: 1 + len(components.differences)], keep_detail=keep_detail
        )

    def _painted(
        self,
        model: PreparedModel,
        stylisation: Stylisation,
        settings: Settings,
        base: Scale,
        sides: list[int],
        wanted: list[ScaleFeatures],
        progress: Progress,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Forms, strokes and grain, the first at the coarsest scale and the others at the finest of their own."""
        places = stylisation.correspondence
        canvas: _Canvas | None = None
        known: Solution | None = None
        forms = strokes = grain = torch.zeros_like(base.image[:, :1, :1])
        for number, (side, features) in enumerate(zip(sides, wanted, strict=True)):
            progress(number / len(sides), Message("painting", size=side))
            first, last = number == 0, number == len(sides) - 1
            here = base if last else at_side(base, side)
            before = here.image if canvas is None else _carried(canvas, here)
            finer = sum(other <= LARGEST_SIDE for other in sides[number + 1 :])
            steps = TEXTURE if places is not None else FORMS if first else GRAIN if last else STROKES
            scale = _AtScale(here, features, number, finer, last, steps)
            if places is not None:
                image, known = self._by_place(model, places, settings, scale, canvas, before, known)
            else:
                start = self._flowed(stylisation, here) if canvas is None else before
                image, known, goal = self._step(model, settings, scale, start, known)
                if last:
                    maps = zip(here.colours(image), stylisation.goal.full_moments, strict=True)
                    image = here.recoloured(image, [map_between(now, palette) for now, palette in maps])
                if any(goal.held):
                    image = goal.mended(image, known)
            if last and not first:
                grain = image - before
            elif first:
                forms = image - before
            else:
                strokes = image - before + larger(strokes, (image.shape[1], image.shape[2]))
            canvas = _Canvas(here, image)
        return _banded(forms, strokes, grain)

    def _by_place(
        self,
        model: PreparedModel,
        correspondence: Correspondence,
        settings: Settings,
        scale: _AtScale,
        canvas: _Canvas | None,
        before: Tensor,
        known: Solution | None,
    ) -> tuple[Tensor, Solution | None]:
        """The picture at one scale with the style's marks, each where it fits; finer ones are a matter of texture."""
        here, side, image = scale.here, max(scale.here.image.shape[1:]), before
        if side <= LARGEST_SIDE:
            layers = min(settings.layers, FINE_LAYERS)
            hierarchy = model.careful.sharper().first(layers).quick()
            marks = Marks(hierarchy, correspondence, here.image, scale.features.side, scale.finer)
            kept = kept_share(hierarchy, settings.strengths[1:], settings.structure, scale.finer).to(before)
            image = torch.lerp(before, marks.painted(before, kept), here.shares.sum(0))
        finer_than = canvas if side > LARGEST_SIDE else None
        if finer_than is None and (canvas is None or not scale.last):
            return image, None
        start = image if finer_than is None else _giving_way(finer_than, here)
        where = _liveliness(image if finer_than is None else finer_than.painted)
        where = larger(where, (here.image.shape[1], here.image.shape[2])).clamp_min(0.0)
        textured, known, _ = self._step(model, settings, scale, start, known, where)
        return start + _texture(textured - start), known

    def _flowed(self, stylisation: Stylisation, here: Scale) -> Tensor:
        """The flow's result on the coarsest scale: where the forms begin."""
        assert stylisation.image is not None  # a painting as a whole begins with the flow
        return larger(stylisation.image, (here.image.shape[1], here.image.shape[2])).clamp(0.0, 1.0)

    def _step(
        self,
        model: PreparedModel,
        settings: Settings,
        scale: _AtScale,
        start: Tensor,
        known: Solution | None,
        where: Tensor | None = None,
    ) -> tuple[Tensor, Solution, _Goal]:
        """Give the picture at one scale the means that it is to have there, more of it where `where` is larger."""
        here, features, seed = scale.here, scale.features, settings.seed + scale.number
        relative = settings.damping / Settings().damping
        steps = [replace(step, damping=relative * step.damping) for step in scale.steps]
        goal = _goal(model, settings, here, features, scale.number, where)
        detail = settings.fill * goal.strength * features.detail.to(start)
        image = _seeded(start, here, detail, seed, where)
        image, known = goal.approached(image, goal.means, steps, known)
        return image, known, goal


@dataclass(frozen=True)
class _Goal:
    """The means that a picture is to have at one scale, and how it comes to them.

    Attributes
    ----------
    hierarchy : Hierarchy
        All of whose layers take part.
    means : list of Tensor
        Of each layer, shape (R, sizes[l]).
    held : list of bool
        Which layers are to stay the target's own.
    strength : float
        The mean of the layers.
    damping : Tensor
        Of each feature, shape (R, M).
    spectrum : Spectrum
        Of N·J·Jᵀ at the reference.
    metric : Tensor
        Shape (1, h, w).
    seed : int
    replays : Replays or None
        Records the steps, where nothing is masked: what is recorded does not know of masks.
    """

    hierarchy: Hierarchy
    means: list[Tensor]
    held: list[bool]
    strength: float
    damping: Tensor
    spectrum: Spectrum
    metric: Tensor
    seed: int
    replays: Replays | None

    def approached(
        self, image: Tensor, means: list[Tensor], steps: Sequence[Step], known: Solution | None
    ) -> tuple[Tensor, Solution]:
        """The image nearer to these means."""
        if known is not None and known.multipliers.shape != self.damping.shape:
            known = None  # of other features
        return gauss_newton(
            self.hierarchy,
            image,
            torch.cat(means, 1),
            steps,
            self.damping,
            self.spectrum,
            metric=self.metric,
            known=known,
            seed=self.seed,
            replays=self.replays,
        )

    def mended(self, image: Tensor, known: Solution) -> Tensor:
        """The image with the held layers where they are to be, and the others where they have come."""
        for step in MENDING:
            reached = self.hierarchy.measure(image)
            means = [own if held else now for own, now, held in zip(self.means, reached, self.held, strict=True)]
            image, known = self.approached(image, means, [step], known)
        return image


def _goal(
    model: PreparedModel, settings: Settings, here: Scale, features: ScaleFeatures, number: int, where: Tensor | None
) -> _Goal:
    """What the picture is to have at one scale."""
    strengths = settings.strengths[1:]
    held = [strength == 0.0 for strength in strengths]
    deepest = max([FINE_LAYERS, *(layer for layer, stays in enumerate(held, 1) if stays)]) if number else len(held)
    layers = min(settings.layers, len(features.means), deepest)
    hierarchy = model.careful.of_sizes([means.shape[1] for means in features.means]).first(layers).within(here.masks)
    calibration = model.calibration(hierarchy)
    means = [mean.to(here.image) for mean in features.means[:layers]]
    if any(strength != 1.0 for strength in strengths[:layers]):
        means = [
            torch.lerp(own, mean, strength)
            for own, mean, strength in zip(hierarchy.measure(here.image), means, strengths, strict=False)
        ]
    share = 1.0 if here.masks is None else place_means(here.masks)[:, None]
    damping = calibration.damping / share
    if any(held[:layers]):
        damping = damping * torch.cat(
            [torch.full_like(mean[:1], HELD if stays else 1.0) for mean, stays in zip(means, held, strict=False)], 1
        )
    return _Goal(
        hierarchy,
        means,
        held[:layers],
        sum(strengths[:layers]) / layers,
        damping,
        calibration.spectrum,
        _away_from_edges(here.image, settings.structure, where),
        settings.seed + number,
        model.replays if here.masks is None and hierarchy.identity else None,
    )


def _banded(forms: Tensor, strokes: Tensor, grain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The same sum with each part at the scale where it can be seen, so that less of one leaves the coarser ones alone.

    What a finer scale has changed of a coarser one belongs to that one, as in a pyramid of differences.
    """
    if strokes.numel() > forms.numel():  # there are scales between
        strokes, grain = _moved(strokes, grain)
        forms, strokes = _moved(forms, strokes)
    elif grain.numel() > forms.numel():
        forms, grain = _moved(forms, grain)
    return forms, strokes, grain


def _moved(coarser: Tensor, finer: Tensor) -> tuple[Tensor, Tensor]:
    """What the coarser grid can hold of the finer part goes over to the coarser."""
    there = smaller(finer, (coarser.shape[1], coarser.shape[2]))
    return coarser + there, finer - larger(there, (finer.shape[1], finer.shape[2]))


def scales_of(hierarchy: Hierarchy, picture: Picture, sides: Sequence[int]) -> tuple[ScaleFeatures, ...]:
    """What a painting takes from a style's picture at scales with these longer sides, coarse to fine."""
    if picture.finest is None:
        return ()
    measured = []
    for number, side in enumerate(sides):
        scale = at_side(picture.finest, side)
        coarse = number == 0 or side <= SHARPER_FROM
        features = (hierarchy if coarse else hierarchy.sharper()).within(scale.masks)
        layers = len(hierarchy.sizes) if coarse else FINE_LAYERS
        means = features.measure(scale.image, min(layers, len(hierarchy.sizes)))
        detail = finer_half(scale.image)
        areas = scale.masks if scale.masks is not None else torch.ones_like(scale.image[:1])
        variance = place_sums(detail.square().mean(0) * areas) / place_sums(areas)
        measured.append(ScaleFeatures(side, tuple(means), variance.sqrt()))
    return tuple(measured)


def _nothing_to_do(stylisation: Stylisation) -> bool:
    """Whether the target has the features that it is to have."""
    own, goal = (style.features or style.coupled_means for style in (stylisation.own, stylisation.goal))
    return all(torch.equal(has, wants) for has, wants in zip(own, goal, strict=False))


def _carried(canvas: _Canvas, here: Scale) -> Tensor:
    """What has been painted, on the photograph of a finer scale."""
    painted = canvas.painted
    change = painted - smaller(here.image, (painted.shape[1], painted.shape[2]))
    return here.image + larger(change, (here.image.shape[1], here.image.shape[2]))


def _giving_way(canvas: _Canvas, here: Scale) -> Tensor:
    """The same, the photograph's finer detail giving way where the paint has less detail than the photograph had."""
    painted, size = canvas.painted, (here.image.shape[1], here.image.shape[2])
    coarse = smaller(here.image, (painted.shape[1], painted.shape[2]))
    stays = (_energy(painted) / _energy(coarse)).sqrt().clamp(0.0, 1.0)
    return larger(painted, size) + larger(stays, size).clamp(0.0, 1.0) * (here.image - larger(coarse, size))


def _energy(image: Tensor) -> Tensor:
    """Of an image's detail around each pixel, shape (1, h, w)."""
    return blurred(finer_half(image).square().mean(0, keepdim=True), SEED_WIDTH).clamp_min(LEAST_ENERGY)


def _liveliness(image: Tensor) -> Tensor:
    """How much detail there is around each pixel beside that of the whole image, shape (1, h, w)."""
    energy = _energy(image)
    return (energy / place_means(energy)[:, None, None]).sqrt().clamp_max(LIVELIEST)


def _texture(change: Tensor) -> Tensor:
    """What of a change, (3, h, w), half its size cannot hold: what it can has been decided place by place."""
    height, width = change.shape[1:]
    half = smaller(change, (max(1, height // 2), max(1, width // 2)))
    return change - larger(half, (height, width))


def _seeded(image: Tensor, here: Scale, detail: Tensor, seed: int, where: Tensor | None) -> Tensor:
    """The image with noise where it has less detail than the style, shape (R,) for each region.

    Without it flat areas stay flat, because the least change strengthens what is there already.
    """
    there = blurred(finer_half(here.image).square().mean(0, keepdim=True), SEED_WIDTH)
    wanted = (here.shares * detail[:, None, None]).sum(0, keepdim=True) * (1.0 if where is None else where)
    lacking = (wanted.square() - there).clamp_min(0.0).sqrt()
    noise = torch.randn(image.shape, generator=torch.Generator().manual_seed(seed)).to(image)
    return (image + lacking * noise).clamp(0.0, 1.0)


def _away_from_edges(image: Tensor, structure: float, where: Tensor | None) -> Tensor:
    """How freely each place may change, (1, h, w), of mean 1: less where the target has edges, or `where` is small."""
    coarseness = min(1.0, SUBJECT_SIDE / max(image.shape[1:]))
    strength = EDGES_AT_HALF * (2.0 * structure) ** 2 * coarseness ** (3.0 - 2.0 * structure)
    light = luma(image)[None]
    across, along = F.pad(light.diff(dim=2), (1, 0)), F.pad(light.diff(dim=1), (0, 0, 1, 0))
    edges = blurred(across.square() + along.square(), EDGE_WIDTH).clamp_min(0.0).sqrt()
    freedom = 1.0 / (1.0 + strength * edges / place_means(edges).clamp_min(1e-6)[:, None, None])
    freedom = freedom if where is None else freedom * where
    return freedom / place_means(freedom)[:, None, None]
