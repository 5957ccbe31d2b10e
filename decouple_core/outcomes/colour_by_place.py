"""The photograph's colours by place: each place of the target takes the colours of the places that it corresponds to.

Everything is averaged as moments, which can be averaged, and not as maps, which cannot:

1. conditional moments: what each place has, and what it is to have under the plan (`correspondence`);
2. both spread along the target's own surfaces (`surfaces`), and averaged in bilateral space;
3. the Monge–Kantorovitch map between them at every vertex of a bilateral grid (`local_maps`), and the gains of three
   bands of detail;
4. one map of all, which gives back the contrast that averages have lost;
5. a correction towards the style's channel means, window by window (`correction_by_place`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.settings import Settings
from decouple_core.correspondence.bilateral_space import averaged
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.local_maps import maps_between
from decouple_core.correspondence.moments import bands, products
from decouple_core.correspondence.surfaces import spread
from decouple_core.correspondence.windows import Windows
from decouple_core.features.colour import IDENTITY, LEAST_KEPT, LUMA
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.overview import MOMENTS, Overview
from decouple_core.features.style import DETAIL_LAYERS
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box
from decouple_core.outcomes.contrast import Contrast
from decouple_core.outcomes.correction import SIZE
from decouple_core.outcomes.correction_by_place import Goal, corrected
from decouple_core.outcomes.field import Field
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.pyramid import smaller
from decouple_core.pictures.resampling import working_shape

CELL, CELLS_IN_LIGHTNESS = 4, 12
"""Side of the grid's cells, in pixels of 256 along the longer side, and cells in lightness. With 8 px relu2_1's error
in regions is .003 larger; a map of its own for every pixel brings another .003."""

REPAINTINGS = 2
"""Times the one map of all is found: the box takes a little of what it gives."""

WHOLE_VARIANCE, WHOLE_GAINS = 1e-5, (0.1, 3.0)
"""Least variance and bounds of the gains of that map."""

LEAST_GAIN, LARGEST_GAIN = 0.5, 2.0
"""Bounds of the bands' gains: more would show noise, or leave a blur."""

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
    styles, strengths = correspondence.styles, replace(settings, strength=1.0).strengths
    if not settings.match and [style.identity for style in styles] == [correspondence.target.identity]:
        at = BilateralGrid(picture.detail.image, (12, *_cells(picture)))
        return Field(BilateralGrid, at.constant(IDENTITY).contiguous(), amount=0.0)  # in its own style it is itself
    style_moments = torch.cat([one.moments for one in styles])
    windows = Windows.of(correspondence)
    has, wanted = correspondence.conditional(correspondence.target.moments, style_moments)
    planes = _along_surfaces(correspondence.target, picture.detail.image,
                             torch.cat([has, wanted, windows.parts.T, windows.of_target.T], 1))
    *moments_and_parts, masks = planes.split([has.shape[1], wanted.shape[1], *2 * [len(windows.parts)]])
    present = picture.detail.shares.sum(0).clamp(0, 1)
    had, goal, parts = averaged(torch.cat(moments_and_parts), picture.detail.image, present, _cells(picture)).split(
        [len(part) for part in moments_and_parts])
    made = _Made.between(had, goal, strengths[0], strengths[min(1, len(strengths) - 1)])
    made = made.repainted(picture, correspondence.plan.taken @ style_moments[:, :MOMENTS], strengths[0])
    layers = min(DETAIL_LAYERS, settings.layers)
    if any(strengths[1 : layers + 1]):
        hierarchy = model.hierarchy.first(layers)
        damping = model.reference.damping(DAMPING * settings.damping)[:, : sum(hierarchy.sizes)]
        made = made.corrected(picture, parts, masks * present, _means(windows, correspondence, hierarchy),
                              strengths[1 : layers + 1], damping, hierarchy)
    if all(_is_grey(one) for one in (correspondence.target, *styles)):
        made = made.in_grey()
    return made.field(picture)


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
    """

    maps: Tensor
    gains: Tensor

    @classmethod
    def between(cls, had: Tensor, goal: Tensor, strength: float, of_detail: float) -> _Made:
        """From moments at the vertices to those that they are to be, each (12, lightness, rows, columns)."""
        matrices, offsets = maps_between(had[:MOMENTS].movedim(0, -1), goal[:MOMENTS].movedim(0, -1))
        luma = torch.tensor(LUMA).to(matrices)
        in_light = (matrices @ luma).sum(-1)  # what becomes of a grey detail's luma
        energies = goal[MOMENTS:] + LEAST_ENERGY, had[MOMENTS:] * in_light.square() + LEAST_ENERGY
        gains = (energies[0] / energies[1]).sqrt().clamp(LEAST_GAIN, LARGEST_GAIN) - 1.0
        maps = torch.cat([matrices, offsets[..., None]], -1).flatten(-2).movedim(-1, 0)
        unchanged = torch.eye(3, 4).flatten().to(maps)[:, None, None, None]
        return cls(torch.lerp(unchanged.expand_as(maps), maps, strength).contiguous(), of_detail * gains)

    def values(self, picture: Picture) -> Tensor:
        """The picture that they make at its medium size, before the box, (3, h, w)."""
        image = picture.medium.image
        return Field(BilateralGrid, self.maps, self._contrast(image))(image)

    def field(self, picture: Picture) -> Field:
        """The field that they make."""
        return Field(BilateralGrid, self.maps, self._contrast(picture.medium.image))

    def repainted(self, picture: Picture, wanted: Tensor, strength: float) -> _Made:
        """Followed by the one map that gives the whole picture these moments, (9,)."""
        made, shares = self, picture.medium.shares.sum(0).clamp(0, 1).flatten()
        for _ in range(REPAINTINGS):
            now = products(box(made.values(picture))).flatten(1) @ shares / shares.sum()
            matrix, offset = maps_between(now, wanted, least_variance=WHOLE_VARIANCE, gains=WHOLE_GAINS)
            cells = made.maps.unflatten(0, (3, 4))
            mapped = torch.einsum("ij,jkzyx->ikzyx", matrix, cells)
            mapped[:, 3] += offset[:, None, None, None]
            made = replace(made, maps=torch.lerp(cells, mapped, strength).flatten(0, 1))
        return made

    def corrected(self, picture: Picture, parts: Tensor, masks: Tensor, means: Tensor, strengths: tuple[float, ...],
                  damping: Tensor, hierarchy: Hierarchy) -> _Made:
        """With the channel means of the style in the windows, as far as the strengths of the layers say."""
        fine = picture.detail.image
        coarse = smaller(fine, working_shape((fine.shape[1], fine.shape[2]), SIZE))
        if min(strengths) < 1.0:
            own = hierarchy.within(_sized(masks, fine)).measure(fine)
            means = torch.cat([torch.lerp(ours, theirs, share) for ours, theirs, share in
                               zip(own, means.split(hierarchy.sizes, 1), strengths, strict=True)], 1)
        field = self.field(picture)
        goal = Goal(masks, means, damping)
        added = corrected(parts, (coarse, fine), (field(coarse), field(fine)), goal, hierarchy)
        return replace(self, maps=self.maps + added)

    def in_grey(self) -> _Made:
        """The maps with the mean of the three channels in each."""
        cells = self.maps.unflatten(0, (3, 4))
        return replace(self, maps=cells.mean(0, keepdim=True).expand_as(cells).flatten(0, 1).contiguous())

    def _contrast(self, image: Tensor) -> Contrast:
        at = BilateralGrid(image, self.maps.shape)
        found, below = bands(at.apply(self.maps))
        gains = at.sampled(self.gains)
        coarser = sum((gain * band for gain, band in zip(gains[1:], found[1:], strict=True)), torch.zeros_like(below))
        return Contrast(self.gains[:1], torch.cat([below, coarser]))


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


def _sized(masks: Tensor, image: Tensor) -> Tensor:
    """Masks (K, h, w) at the size of an image, at most 1."""
    masks = F.interpolate(masks[None], size=image.shape[1:], mode="bilinear")[0]
    return masks / masks.max().clamp_min(1e-12)
