"""The photograph's colours by place: each place of the target takes the colours of the places that it corresponds to.

Everything is averaged as moments, which can be averaged, and not as maps, which cannot:

1. conditional moments: what each place has, and what it is to have under the plan (`correspondence`);
2. both spread along the target's own surfaces (`surfaces`), and averaged in bilateral space;
3. the Monge–Kantorovitch map between them at every vertex of a bilateral grid (`local_maps`), and the gains of three
   bands of detail;
4. one map of all, which gives back the contrast that averages have lost;
5. a correction towards the style's channel means, window by window (`correction_by_place`).

All of it hangs on the styles' places: what each of them asks for, what those of the target have that take from it, and
its window's correction. A `Look` holds that, fitted on one target or on several, and any picture that follows their
plan can be given it. So frames of a film have one look although things move in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.settings import Settings
from decouple_core.correspondence.bilateral_space import averaged
from decouple_core.correspondence.correspondence import Correspondence, of_partners
from decouple_core.correspondence.local_maps import maps_between
from decouple_core.correspondence.matching import CommonPlan
from decouple_core.correspondence.moments import FINEST_BAND, bands, overview_of, products
from decouple_core.correspondence.surfaces import spread
from decouple_core.correspondence.windows import Windows
from decouple_core.features.colour import IDENTITY, LEAST_KEPT, LUMA, luma
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.overview import MOMENTS, Overview
from decouple_core.features.style import DETAIL_LAYERS
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box
from decouple_core.outcomes.contrast import Contrast
from decouple_core.outcomes.correction import SIZE
from decouple_core.outcomes.correction_by_place import Goal, Shown, corrected, measured, on_grid
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.guide import guide_to
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.pyramid import smaller
from decouple_core.pictures.resampling import working_shape
from decouple_core.pictures.series import PLANNED
from decouple_core.pictures.series import spread as spread_over

CELL, CELLS_IN_LIGHTNESS = 4, 12
"""Side of the grid's cells, in pixels of 256 along the longer side, and cells in lightness. With 8 px relu2_1's error
in regions is .003 larger; a map of its own for every pixel brings another .003."""

REPAINTINGS = 2
"""Times the one map of all is found: the box takes a little of what it gives."""

WHOLE_VARIANCE, WHOLE_GAINS = 1e-5, (0.1, 3.0)
"""Least variance and bounds of the gains of that map."""

LEAST_GAIN, LARGEST_GAIN = 0.5, 2.0
"""Bounds of the bands' gains: more would show noise, or leave a blur."""

LARGEST_TOGETHER = 1.0
"""The same bound for pictures that have one look: whatever strengthens detail strengthens noise, which flickers."""

LARGEST_CHROMA_GAIN, CHROMA_DETAIL = 2.0, 6 * FINEST_BAND
"""The most that maps may strengthen chroma's detail, and the standard deviation, as a share of the longer side, of the
blur that this detail is the difference to. Maps that find a sunset's colours in a grey sky find them in its noise, too.
"""

LEAST_ENERGY = 1e-6
"""Added to the bands' energies, (0.25 / 255)²: below it there is no detail."""

LEAST_PRESENT = 1e-4
"""How much a place counts that belongs to no region: enough for a value where there is no other near by."""

GREY = 1 / 255
"""Difference between a place's mean channels below which it has no colour."""

DETAIL_WIDTH = 2.0
"""Standard deviation, in pixels, of the blur that the detail is the difference to."""

LEAST_SHOWN = 0.5
"""Share of the target's detail that the result must show; ordinary pairs of photographs show .9 and more."""

DAMPING = 30.0
"""Damping of the correction, as a multiple of the flow's."""


def fit(correspondence: Correspondence, model: PreparedModel, picture: Picture, settings: Settings) -> Field:
    """The field that carries a target's colours to where its correspondence says, all the way.

    Parameters
    ----------
    correspondence : Correspondence
    model : PreparedModel
    picture : Picture
        The target.
    settings : Settings
        Of which the strengths of the single layers count, the strength of all does not.
    """
    if not settings.match and [one.identity for one in correspondence.styles] == [correspondence.target.identity]:
        at = BilateralGrid(picture.detail.image, (12, *_cells(picture)))
        return Field(BilateralGrid, at.constant(IDENTITY).contiguous(), amount=0.0)  # in its own style it is itself
    asked, (planes,) = _asked([correspondence], [picture], model, settings, LARGEST_GAIN)
    return asked.made(planes).field(picture)


def fit_look(plan: CommonPlan, model: PreparedModel, pictures: Sequence[Picture], settings: Settings) -> Look | None:
    """The look that pictures get which follow a plan, fitted on some of them, all the way.

    None where it would leave too little of one of these, see `serves`.

    Parameters
    ----------
    plan : CommonPlan
    model : PreparedModel
    pictures : sequence of Picture
        They count alike.
    settings : Settings
        As for `fit`.
    """
    correspondences = [plan.of(overview_of(picture)) for picture in pictures]
    asked, planes = _asked(correspondences, pictures, model, settings, LARGEST_TOGETHER)
    fields = [asked.made(where).field(picture) for where, picture in zip(planes, pictures, strict=True)]
    if not all(serves(*each) for each in zip(fields, pictures, strict=True)):
        return None
    return Look(plan, asked)


@dataclass(frozen=True)
class Asked:
    """What hangs on the styles' places.

    Attributes
    ----------
    had, goal : Tensor
        Of each of the styles' places: the moments of the targets' places that take from it, and those that they are to
        have, shape (m, 12) each.
    windows : Windows
    whole : tuple of pairs of Tensor
        Matrices and offsets of the maps of all, one after the other.
    correction : Tensor or None
        Maps by window and lightness that are added, see `correction_by_place.corrected`.
    strengths : tuple of float
        Of the colours, and of the detail.
    largest_gain : float
        Of the detail.
    grey : bool
        Whether targets and styles are grey, as what becomes of them is to be, to the last bit.
    """

    had: Tensor
    goal: Tensor
    windows: Windows
    whole: tuple[tuple[Tensor, Tensor], ...]
    correction: Tensor | None
    strengths: tuple[float, float]
    largest_gain: float
    grey: bool

    def made(self, planes: _Planes) -> _Made:
        """What it makes of a picture."""
        made = _Made.between(planes, self.strengths, self.largest_gain)
        for matrix, offset in self.whole:
            made = made.followed(matrix, offset)
        if self.correction is not None:
            made = made.corrected(self.correction, planes)
        return made.in_grey() if self.grey else made


@dataclass(frozen=True)
class Look:
    """What becomes of any picture that follows a plan.

    Attributes
    ----------
    plan : CommonPlan
    asked : Asked
    """

    plan: CommonPlan
    asked: Asked

    def of(self, picture: Picture) -> tuple[Field, Correspondence]:
        """The field that gives a picture the look, all the way, and where its places take from."""
        correspondence = self.plan.of(overview_of(picture))
        planes = _Planes.of(correspondence, picture, self.asked)
        return self.asked.made(planes).field(picture), correspondence


def _asked(
    correspondences: Sequence[Correspondence],
    pictures: Sequence[Picture],
    model: PreparedModel,
    settings: Settings,
    largest_gain: float,
) -> tuple[Asked, list[_Planes]]:
    """What is asked of pictures together, and where in each."""
    strengths, styles = replace(settings, strength=1.0).strengths, correspondences[0].styles
    style_moments = torch.cat([one.moments for one in styles])
    asked = Asked(
        of_partners(correspondences, [one.target.moments for one in correspondences]),
        correspondences[0].own @ style_moments,
        Windows.of(correspondences),
        (),
        None,
        (strengths[0], strengths[min(1, len(strengths) - 1)]),
        largest_gain,
        all(_is_grey(one) for one in (*styles, *(one.target for one in correspondences))),
    )
    planes = [_Planes.of(*each, asked) for each in zip(correspondences, pictures, strict=True)]
    taken = torch.stack([one.plan.taken for one in correspondences]).mean(0)
    for _ in range(REPAINTINGS):
        made = [asked.made(one) for one in planes]
        now = torch.stack(
            [_moments(box(one.values(picture)), picture) for one, picture in zip(made, pictures, strict=True)]
        ).mean(0)
        matrix, offset = maps_between(
            now, taken @ style_moments[:, :MOMENTS], least_variance=WHOLE_VARIANCE, gains=WHOLE_GAINS
        )
        there = torch.lerp(torch.eye(3).to(matrix), matrix, strengths[0]), strengths[0] * offset
        asked = replace(asked, whole=(*asked.whole, there))
    layers = min(DETAIL_LAYERS, settings.layers)
    if any(strengths[1 : layers + 1]):
        hierarchy = model.hierarchy.first(layers)
        damping = model.reference.damping(DAMPING * settings.damping)[:, : sum(hierarchy.sizes)]
        goal = Goal(_means(asked.windows, correspondences[0], hierarchy), damping)
        some = [(planes[number], pictures[number]) for number in spread_over(len(pictures), PLANNED)]
        asked = replace(asked, correction=_correction(asked, some, goal, strengths[1 : layers + 1], hierarchy))
    return asked, planes


@dataclass(frozen=True)
class _Planes:
    """What is asked for in a picture, spread along its surfaces.

    Attributes
    ----------
    had, goal : Tensor
        Moments at the vertices of a grid, and those that they are to be, (12, lightness, rows, columns) each.
    parts : Tensor
        How much of each window there is at each vertex, (K, lightness, rows, columns).
    masks : Tensor
        The windows over the picture, at most 1, (K, h, w).
    shares : Tensor
        How much there is of each window, (K,).
    guide : Tensor
        What is lightness in these grids, see `guide`.
    """

    had: Tensor
    goal: Tensor
    parts: Tensor
    masks: Tensor
    shares: Tensor
    guide: Tensor

    @classmethod
    def of(cls, correspondence: Correspondence, picture: Picture, asked: Asked) -> _Planes:
        """Of a picture whose places take from where the correspondence says."""
        forward, of_target = correspondence.plan.forward, asked.windows.of_target(correspondence)
        values = [forward @ asked.had, forward @ asked.goal, asked.windows.parts(correspondence).T, of_target.T]
        planes = _along_surfaces(correspondence.target, picture.detail.image, torch.cat(values, 1))
        sizes = [value.shape[1] for value in values]
        *averages, masks = planes.split(sizes)
        image, present, cells = picture.detail.image, picture.detail.shares.sum(0).clamp(0, 1), _cells(picture)
        guide = guide_to(averages[1][:3] - averages[0][:3], image, present, cells)
        levels = BilateralGrid(image, (12, *cells), guide=guide).level
        grids = averaged(torch.cat(averages), levels, present, cells).split(sizes[:3])
        masks = masks * present
        return cls(grids[0], grids[1], grids[2], masks / masks.max().clamp_min(1e-12), of_target.sum(1), guide)

    @cached_property
    def between(self) -> tuple[Tensor, Tensor]:
        """Maps from the moments to those that they are to be, and the gains of the bands minus 1, all the way.

        Found once: a photograph asks for it four times, and the eigenvectors of so many matrices take their time.
        """
        matrices, offsets = maps_between(self.had[:MOMENTS].movedim(0, -1), self.goal[:MOMENTS].movedim(0, -1))
        luma = torch.tensor(LUMA).to(matrices)
        in_light = (matrices @ luma).sum(-1)  # what becomes of a grey detail's luma
        energies = self.goal[MOMENTS:] + LEAST_ENERGY, self.had[MOMENTS:] * in_light.square() + LEAST_ENERGY
        gains = (energies[0] / energies[1]).sqrt().clamp(LEAST_GAIN, LARGEST_GAIN) - 1.0
        return torch.cat([matrices, offsets[..., None]], -1).flatten(-2).movedim(-1, 0), gains


def _is_grey(overview: Overview) -> bool:
    means = overview.moments[:, :3]
    return bool((means.amax(1) - means.amin(1)).max() < GREY)


def serves(field: Field, picture: Picture) -> bool:
    """Whether the target's contrast and detail can be seen in what a field makes of it, in 8 bits.

    They cannot in a style of one colour, nor where target and style vary in different colours, such as pure red and
    pure blue: maps between places that have nothing in common leave nothing.
    """
    image = picture.medium.image
    result = (field.picture(image) * 255).round() / 255
    if result.flatten(1).var(1).sum() < LEAST_KEPT**2 * image.flatten(1).var(1).sum():
        return False
    made, given = ((one - blurred(one, DETAIL_WIDTH)).flatten(1).cpu().double() for one in (result, image))
    given = torch.linalg.eigh(given @ given.T).eigenvectors[:, -1] @ given  # along its main axis
    ridge = 1e-12 * torch.eye(3, dtype=torch.float64)
    shares = torch.linalg.solve(made @ made.T / given.numel() + ridge, made @ given / given.numel())
    return bool((given - shares @ made).square().sum() <= (1 - LEAST_SHOWN) * given.square().sum())


@dataclass(frozen=True)
class _Made:
    """Maps and gains at the vertices of a grid.

    Attributes
    ----------
    maps : Tensor
        Shape (12, lightness, rows, columns).
    gains : Tensor
        Of the bands, fine to coarse, minus 1, shape (3, lightness, rows, columns).
    guide : Tensor
        What lightness is, see `guide`.
    """

    maps: Tensor
    gains: Tensor
    guide: Tensor

    @classmethod
    def between(cls, planes: _Planes, strengths: tuple[float, float], largest_gain: float) -> _Made:
        """From moments to those that they are to be, as far as the strengths of colours and detail say."""
        maps, gains = planes.between
        unchanged = torch.eye(3, 4).flatten().to(maps)[:, None, None, None]
        changed = torch.lerp(unchanged.expand_as(maps), maps, strengths[0]).contiguous()
        return cls(changed, strengths[1] * gains.clamp_max(largest_gain - 1.0), planes.guide)

    def values(self, picture: Picture) -> Tensor:
        """The picture that they make at its medium size, before the box, (3, h, w)."""
        return self.field(picture)(picture.medium.image)

    def field(self, picture: Picture) -> Field:
        """The field that they make."""
        return Field(BilateralGrid, self.maps, self._contrast(picture.medium.image), guide=self.guide)

    def followed(self, matrix: Tensor, offset: Tensor) -> _Made:
        """With one map of all after them."""
        cells = torch.einsum("ij,jkzyx->ikzyx", matrix, self.maps.unflatten(0, (3, 4)))
        cells[:, 3] += offset[:, None, None, None]
        return replace(self, maps=cells.flatten(0, 1))

    def corrected(self, correction: Tensor, planes: _Planes) -> _Made:
        """With a correction by window and lightness."""
        return replace(self, maps=self.maps + on_grid(correction, planes.parts))

    def in_grey(self) -> _Made:
        """The maps with the mean of the three channels in each."""
        cells = self.maps.unflatten(0, (3, 4))
        return replace(self, maps=cells.mean(0, keepdim=True).expand_as(cells).flatten(0, 1).contiguous())

    def _contrast(self, image: Tensor) -> Contrast:
        at = BilateralGrid(image, self.maps.shape, guide=self.guide)
        values = at.apply(self.maps)
        found, below = bands(values)
        gains = at.sampled(self.gains)
        coarser = sum((gain * band for gain, band in zip(gains[1:], found[1:], strict=True)), torch.zeros_like(below))
        held_back = chroma_gains(self.maps, LARGEST_CHROMA_GAIN)
        if not bool(held_back.any()):
            return Contrast(self.gains[:1], torch.cat([below, coarser]))
        chroma = blurred(values - luma(values), CHROMA_DETAIL * max(values.shape[1:]))
        return Contrast(torch.cat([self.gains[:1], held_back]), torch.cat([below, coarser, chroma]))


def chroma_gains(maps: Tensor, most: float) -> Tensor:
    """Gains of chroma's detail, minus 1, that leave maps (12, …) at most this gain of it, shape (1, …)."""
    matrices = maps.unflatten(0, (3, 4))[:, :3]
    chroma = matrices - torch.einsum("i,ij...->j...", torch.tensor(LUMA).to(matrices), matrices)
    unchanged = 1 + 3 * sum(weight**2 for weight in LUMA)
    strengthened = (chroma.square().sum((0, 1)) / unchanged).sqrt()
    return (most / strengthened.clamp_min(most))[None] - 1.0


def _moments(image: Tensor, picture: Picture) -> Tensor:
    """Moments of an image at a picture's medium size, of what belongs to it, (9,)."""
    shares = picture.medium.shares.sum(0).clamp(0, 1).flatten()
    return products(image).flatten(1) @ shares / shares.sum()


def _correction(
    asked: Asked,
    pictures: Sequence[tuple[_Planes, Picture]],
    goal: Goal,
    strengths: tuple[float, ...],
    hierarchy: Hierarchy,
) -> Tensor:
    """Maps that bring the windows to channel means, as far as the strengths of the layers say."""
    total = torch.stack([where.shares for where, _ in pictures]).sum(0).clamp_min(1e-12)
    shown = []
    for where, picture in pictures:
        fine, field = picture.detail.image, asked.made(where).field(picture)
        coarse = smaller(fine, working_shape((fine.shape[1], fine.shape[2]), SIZE))
        made = field(coarse), field(fine)
        shown.append(Shown(where.parts, (coarse, fine), made, where.masks, where.shares / total, where.guide))
    if min(strengths) < 1.0:
        own = measured(hierarchy, shown, [one.target[1] for one in shown]).split(hierarchy.sizes, 1)
        goal = replace(
            goal,
            means=torch.cat(
                [torch.lerp(*each) for each in zip(own, goal.means.split(hierarchy.sizes, 1), strengths, strict=True)],
                1,
            ),
        )
    return corrected(shown, goal, hierarchy)


def _cells(picture: Picture) -> tuple[int, int, int]:
    """Of the grid, in lightness, along rows and along columns."""
    rows, columns = (max(2, round(n / CELL)) for n in picture.detail.image.shape[1:])
    return CELLS_IN_LIGHTNESS, rows, columns


def _along_surfaces(overview: Overview, guide: Tensor, of_places: Tensor) -> Tensor:
    """Values of a picture's places, (n, k), at the pixels of its image, (k, h, w), spread along its surfaces.

    Places that are one thing count for more than those in which two meet, and those beside the regions hardly at all.
    """
    moments = overview.moments
    variance = (moments[:, 3:6] - moments[:, :3].square()).sum(1).clamp_min(0)
    even = 1.0 / (1.0 + variance / variance.mean().clamp_min(1e-6))
    counted = even * overview.present.clamp_min(LEAST_PRESENT)
    planes = torch.cat([of_places, counted[:, None]], 1).T.unflatten(1, overview.grid)
    planes = F.interpolate(planes[None], size=guide.shape[1:], mode="bilinear")[0]
    planes = spread(torch.cat([planes[:-1] * planes[-1:], planes[-1:]]), guide)
    return planes[:-1] / planes[-1:]


def _means(windows: Windows, correspondence: Correspondence, hierarchy: Hierarchy) -> Tensor:
    """Channel means of the styles in the windows, (K, M); the windows spread along surfaces, as the target's are."""
    total, count = torch.zeros(()), torch.zeros(())
    weights = windows.of_style.split([len(one.moments) for one in correspondence.styles], 1)
    for style, weight in zip(correspondence.styles, weights, strict=True):
        present = F.interpolate(style.present.view(1, 1, *style.grid), size=style.image.shape[1:], mode="bilinear")[0]
        masks = present * _along_surfaces(style, style.image, weight.T)
        masks = masks / masks.max().clamp_min(1e-12)
        share = weight.sum(1, keepdim=True)
        total = total + share * torch.cat(hierarchy.within(masks + 1e-6).measure(style.image), 1)
        count = count + share
    return total / count
