"""The photograph's correction by place: the style's channel means in the windows that correspond.

Each window has an affine colour map by lightness, laid over the picture that the correspondence has made. A
Gauss–Newton step finds the smallest change of the picture in this family that gives the windows the style's means,

    Σ (J c − misfit)² / μ + |c|² + w · lost structure + v · |low-pass of the whole change|²,    c = S B y,

B being the family and S the slope of the box. The last term leaves the colours of areas to the plan: whatever the means
would gain by it, no blotch comes that neither the target nor the plan has. Several pictures that share their maps share
the windows, too: J c is a mean over all of them, and so is what counts against a change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LEAST_VARIANCE
from decouple_core.features.decomposable import in_double
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.solvers import conjugate_gradients
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box, box_slope
from decouple_core.outcomes.correction import Structure

STEPS, ITERATIONS = 2, 6
"""Gauss–Newton steps, and conjugate-gradient iterations in each. On twelve pairs a third step brings relu2_1's error in
regions from .135 to .133 and relu3_1's from .331 to .330, for a fifth of a photograph's time."""

LIGHTNESSES = 8
"""Levels of lightness at which a window's map is given; between them it is interpolated."""

STRUCTURE = 7e-4
"""Weight of the lost structure, w."""

BLOTCHES, PATCH = 3.0, 8
"""Weight of the change's low-pass, v, and the side in pixels of the squares over which it is taken."""

ROUGHNESS, RIDGE = 0.1, 1e-4
"""Of a map's curvature over lightness, and of itself, beside the picture's change in what counts as a small step. With
a hundredth of that roughness scores are the same, and highlights on a face turn blue in a yellow portrait's style."""


@dataclass(frozen=True)
class Goal:
    """What the windows are to have.

    Attributes
    ----------
    means : Tensor
        Channel means in each of K windows, shape (K, M).
    damping : Tensor
        μ of each feature, shape (1, M).
    """

    means: Tensor
    damping: Tensor


@dataclass(frozen=True)
class Shown:
    """A picture that is corrected.

    Attributes
    ----------
    parts : Tensor
        How much of each window there is at each vertex of a grid, shape (K, Z, rows, columns).
    target, made : pair of Tensor
        The target, and what has been made of it before the box, (3, h, w) each at two sizes: that at which J is taken,
        and a larger one at which the features are measured.
    masks : Tensor
        The windows over the target, shape (K, h, w), at any size.
    shares : Tensor
        How much of each window lies in this picture, shape (K,), summing to 1 over all pictures.
    guide : Tensor or None
        What lightness is in the target, see `BilateralGrid`.
    """

    parts: Tensor
    target: tuple[Tensor, Tensor]
    made: tuple[Tensor, Tensor]
    masks: Tensor
    shares: Tensor
    guide: Tensor | None = None


def measured(hierarchy: Hierarchy, pictures: Sequence[Shown], images: Sequence[Tensor]) -> Tensor:
    """Channel means in the windows of all pictures, of these images, one for each, shape (K, M)."""
    return _sum(
        [
            one.shares[:, None] * torch.cat(hierarchy.within(_at(one.masks, image)).measure(image), 1)
            for one, image in zip(pictures, images, strict=True)
        ]
    )


def corrected(pictures: Sequence[Shown], goal: Goal, hierarchy: Hierarchy) -> Tensor:
    """Maps by window and lightness that are to be added, shape (3, 4 · levels · K), for `on_grid`.

    Parameters
    ----------
    pictures : sequence of Shown
    goal : Goal
    hierarchy : Hierarchy
        The layers that take part.
    """
    hierarchy = hierarchy.quick()
    coarse, fine = ([WindowedMaps(one.target[size], one.parts, one.guide) for one in pictures] for size in range(2))
    family = Whitened(coarse, colours_of(torch.cat([box(one.made[0]).flatten(1) for one in pictures], 1)))
    steps = [_Corrected(one, maps, hierarchy) for one, maps in zip(pictures, coarse, strict=True)]
    parameters = torch.zeros(coarse[0].shape).to(coarse[0].image)
    for _ in range(STEPS):
        there = [box(one.made[1] + maps.apply(parameters)) for one, maps in zip(pictures, fine, strict=True)]
        misfit = (goal.means - measured(hierarchy, pictures, there)) / goal.damping
        for step in steps:
            step.go_to(parameters)

        def back(answer: Tensor, changes: Sequence[Tensor], wholes: Sequence[Tensor]) -> Tensor:
            return family.adjoint(
                _sum(
                    [
                        step.back(answer, change, whole, len(steps))
                        for step, change, whole in zip(steps, changes, wholes, strict=True)
                    ]
                )
            )

        def operator(y: Tensor) -> Tensor:
            added = family.parameters(y)
            changes = [step.slope * step.maps.apply(added) for step in steps]
            answer = _sum([step.answer(change) for step, change in zip(steps, changes, strict=True)])
            return back(answer / goal.damping, changes, changes) + y

        downhill = back(misfit, [step.to_target for step in steps], [step.to_start for step in steps])
        y = conjugate_gradients(operator, downhill, tolerance=0.0, iterations=ITERATIONS).multipliers
        parameters = parameters + family.parameters(y)
    return parameters


class _Corrected:
    """One picture with all that a step needs of it."""

    def __init__(self, shown: Shown, maps: WindowedMaps, hierarchy: Hierarchy) -> None:
        self.maps, self._shown = maps, shown
        self._target, self._made = shown.target[0], shown.made[0]
        self._hierarchy = hierarchy.within(_at(shown.masks, self._target))
        self._structure = Structure(self._target)

    def go_to(self, parameters: Tensor) -> None:
        """Linearise at what these make of it."""
        values = self._made + self.maps.apply(parameters)
        picture, self.slope = box(values), box_slope(values)
        self._features = self._hierarchy.linearise(picture, len(self._hierarchy.sizes))
        self.to_target, self.to_start = self._target - picture, box(self._made) - picture

    def answer(self, change: Tensor) -> Tensor:
        """What a change adds to the means of all pictures."""
        return self._shown.shares[:, None] * self._features.jvp(change)

    def back(self, answer: Tensor, change: Tensor, whole: Tensor, pictures: int) -> Tensor:
        """Bᵀ S of what the features answer, and of a share of what counts against a change from target and start."""
        lost = STRUCTURE * self._structure.curvature(change) + BLOTCHES * _low_pass(whole) / whole.numel()
        pulled = self._features.vjp(self._shown.shares[:, None] * answer)
        return self.maps.adjoint(self.slope * (pulled + lost / pictures))


class WindowedMaps:
    """B: from affine maps by window and lightness, shape (3, 4 · levels · K), to a change of a picture.

    Parameters
    ----------
    image : Tensor
        The target, shape (3, H, W), whose colours are mapped.
    parts : Tensor
        Shape (K, Z, rows, columns).
    guide : Tensor, optional
        What lightness is in it, see `BilateralGrid`.
    """

    def __init__(self, image: Tensor, parts: Tensor, guide: Tensor | None = None) -> None:
        self.image = image
        at = BilateralGrid(image, (12, *parts.shape[1:]), guide=guide)
        here, level = at.sampled(parts), at.level * (LIGHTNESSES - 1)
        tents = (1.0 - (level - torch.arange(LIGHTNESSES, device=image.device)[:, None, None]).abs()).clamp_min(0)
        self._arguments = torch.cat([image, torch.ones_like(image[:1])]).flatten(1)
        self._shares = (tents[:, None] * here).flatten(2).flatten(0, 1)  # of the levels and windows at each pixel
        self.shape = (3, 4 * len(self._shares))

    def apply(self, parameters: Tensor) -> Tensor:
        """B·y, of the image's shape."""
        cells = parameters.view(12, -1) @ self._shares
        return (cells.unflatten(0, (3, 4)) * self._arguments).sum(1).view_as(self.image)

    def adjoint(self, change: Tensor) -> Tensor:
        """Bᵀ·x, of the parameters' shape."""
        return ((change.flatten(1)[:, None] * self._arguments).flatten(0, 1) @ self._shares.T).view(self.shape)

    def gram(self) -> Tensor:
        """The product of B with itself for one channel, divided by the number of pixels, in double precision."""
        pixels = self._arguments.shape[1]
        rows = [
            torch.stack([(self._shares * (one * other)) @ self._shares.T for other in self._arguments], 1)
            for one in self._arguments
        ]
        return torch.stack(rows).flatten(2).flatten(0, 1).cpu().double() / pixels


def on_grid(parameters: Tensor, parts: Tensor) -> Tensor:
    """Maps by window and lightness at the vertices of a grid of parts (K, Z, rows, columns), (12, Z, rows, columns)."""
    windows, levels = parts.shape[:2]
    by_level = parameters.view(12, LIGHTNESSES, windows).transpose(1, 2)
    by_level = F.interpolate(by_level, size=levels, mode="linear", align_corners=True)
    return torch.einsum("ckz,kzyx->czyx", by_level, parts)


def colours_of(image: Tensor) -> Tensor:
    """The projection of changes to the colours in which an image (3, …) varies, shape (3, 3).

    What is grey stays grey: no channel mean is worth a tint that the picture has nowhere.
    """
    covariance = torch.cov(in_double(image.flatten(1)), correction=0)
    values, vectors = torch.linalg.eigh(covariance.cpu())
    shares = values.clamp_min(0) / (values.clamp_min(0) + LEAST_VARIANCE)
    return ((vectors * shares) @ vectors.T).to(image)


class Whitened:
    """Parameters L y, in which the smallest step is the smallest change of the pictures: L Lᵀ is near (Bᵀ B)⁻¹.

    Parameters
    ----------
    maps : sequence of WindowedMaps
        Of one picture, or of several that count alike.
    colours : Tensor, optional
        A symmetric (3, 3) that changes are multiplied by, see `colours_of`.

    Notes
    -----
    Without it the colours of neighbouring levels and the offset, which nearly do the same, take conjugate gradients
    many more iterations. Scaled to let a pixel answer to B L Lᵀ Bᵀ as it would to N times the identity.
    """

    def __init__(self, maps: Sequence[WindowedMaps], colours: Tensor | None = None) -> None:
        like, levels = maps[0].image, LIGHTNESSES
        self._colours = torch.eye(3).to(like) if colours is None else colours
        gram = _sum([one.gram() for one in maps]) / len(maps)
        second = torch.eye(levels, dtype=torch.float64).diff(2, dim=0)
        rough = torch.kron(
            torch.eye(4, dtype=torch.float64),
            torch.kron(second.T @ second, torch.eye(len(gram) // (4 * levels), dtype=torch.float64)),
        )
        unit = torch.eye(len(gram), dtype=torch.float64)
        factor = torch.linalg.cholesky(gram + ROUGHNESS * rough + RIDGE * unit)
        inverse = torch.linalg.solve_triangular(factor, unit, upper=False)
        answer, pixels = (inverse @ gram @ inverse.T).trace(), sum(one.image[0].numel() for one in maps) / len(maps)
        self._factor = ((pixels / answer).sqrt() * inverse).to(like)  # Lᵀ, scaled

    def parameters(self, y: Tensor) -> Tensor:
        """L·y."""
        return self._colours @ y @ self._factor

    def adjoint(self, gradient: Tensor) -> Tensor:
        """Lᵀ·z, z being Bᵀ·x of a change x."""
        return self._colours @ gradient @ self._factor.T


def _at(masks: Tensor, image: Tensor) -> Tensor:
    return F.interpolate(masks[None], size=image.shape[1:], mode="bilinear")[0]


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _low_pass(change: Tensor) -> Tensor:
    """The mean over each square of a change (3, H, W), on the same pixels; symmetric."""
    height, width = change.shape[1:]
    means = F.avg_pool2d(change[None], PATCH, ceil_mode=True, count_include_pad=False)
    return F.interpolate(means, scale_factor=PATCH, mode="nearest")[0, :, :height, :width]
