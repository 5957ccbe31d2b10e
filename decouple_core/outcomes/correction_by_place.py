"""The photograph's correction by place: the style's channel means in the windows that correspond.

Each window has an affine colour map by lightness, laid over the picture that the correspondence has made. A
Gauss–Newton step finds the smallest change of the picture in this family that gives the windows the style's means,

    Σ (J c − misfit)² / μ + |c|² + w · lost structure + v · |low-pass of the whole change|²,    c = S B y,

B being the family and S the slope of the box. The last term leaves the colours of areas to the plan: whatever the means
would gain by it, no blotch comes that neither the target nor the plan has.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LEAST_VARIANCE, luma
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
    masks : Tensor
        Of K windows over the target, shape (K, h, w), at any size.
    means : Tensor
        Channel means in each, shape (K, M).
    damping : Tensor
        μ of each feature, shape (1, M).
    """

    masks: Tensor
    means: Tensor
    damping: Tensor


def corrected(parts: Tensor, target: tuple[Tensor, Tensor], made: tuple[Tensor, Tensor], goal: Goal,
              hierarchy: Hierarchy) -> Tensor:
    """What is to be added to a grid of colour maps, shape (12, Z, rows, columns).

    Parameters
    ----------
    parts : Tensor
        How much of each window there is at each vertex of the grid, shape (K, Z, rows, columns).
    target, made : pair of Tensor
        The target, and what has been made of it before the box, (3, h, w) each at two sizes: that at which J is taken,
        and a larger one at which the features are measured.
    goal : Goal
    hierarchy : Hierarchy
        The layers that take part.
    """
    coarse, fine = (WindowedMaps(image, parts) for image in target)
    family = Whitened(coarse, colours_of(box(made[0])))
    within = [hierarchy.quick().within(F.interpolate(goal.masks[None], size=image.shape[1:], mode="bilinear")[0])
              for image in target]
    structure, start = Structure(target[0]), box(made[0])
    parameters = torch.zeros(coarse.shape, dtype=start.dtype, device=start.device)
    for _ in range(STEPS):
        there = box(made[1] + fine.apply(parameters))
        misfit = (goal.means - torch.cat(within[1].measure(there), 1)) / goal.damping
        values = made[0] + coarse.apply(parameters)
        picture, slope = box(values), box_slope(values)
        at = within[0].linearise(picture, len(hierarchy.sizes))

        def back(answer: Tensor, change: Tensor, whole: Tensor) -> Tensor:
            lost = STRUCTURE * structure.curvature(change) + BLOTCHES * _low_pass(whole) / whole.numel()
            return family.adjoint(slope * (at.vjp(answer) + lost))  # noqa: B023 – used within this step alone

        def operator(y: Tensor) -> Tensor:
            change = slope * family.apply(y)  # noqa: B023
            return back(at.jvp(change) / goal.damping, change, change) + y  # noqa: B023

        downhill = back(misfit, target[0] - picture, start - picture)
        step = conjugate_gradients(operator, downhill, tolerance=0.0, iterations=ITERATIONS).multipliers
        parameters = parameters + family.parameters(step)
    return coarse.on_grid(parameters)


class WindowedMaps:
    """B: from affine maps by window and lightness, shape (3, 4 · levels · K), to a change of a picture.

    Parameters
    ----------
    image : Tensor
        The target, shape (3, H, W), whose colours are mapped.
    parts : Tensor
        Shape (K, Z, rows, columns).
    """

    def __init__(self, image: Tensor, parts: Tensor) -> None:
        self.image, self._parts = image, parts
        here = BilateralGrid(image, (12, *parts.shape[1:])).sampled(parts)
        level = luma(image).clamp(0, 1) * (LIGHTNESSES - 1)
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
        rows = [torch.stack([(self._shares * (one * other)) @ self._shares.T for other in self._arguments], 1)
                for one in self._arguments]
        return torch.stack(rows).flatten(2).flatten(0, 1).cpu().double() / pixels

    def on_grid(self, parameters: Tensor) -> Tensor:
        """The same maps at the vertices of the parts' grid, shape (12, Z, rows, columns)."""
        windows, levels = self._parts.shape[:2]
        by_level = parameters.view(12, LIGHTNESSES, windows).transpose(1, 2)
        by_level = F.interpolate(by_level, size=levels, mode="linear", align_corners=True)
        return torch.einsum("ckz,kzyx->czyx", by_level, self._parts)


def colours_of(image: Tensor) -> Tensor:
    """The projection of changes to the colours in which an image (3, H, W) varies, shape (3, 3).

    What is grey stays grey: no channel mean is worth a tint that the picture has nowhere.
    """
    covariance = torch.cov(in_double(image.flatten(1)), correction=0)
    values, vectors = torch.linalg.eigh(covariance.cpu())
    shares = values.clamp_min(0) / (values.clamp_min(0) + LEAST_VARIANCE)
    return ((vectors * shares) @ vectors.T).to(image)


class Whitened:
    """B of parameters in which the smallest step is the smallest change of the picture: B L with L Lᵀ near (Bᵀ B)⁻¹.

    Parameters
    ----------
    maps : WindowedMaps
    colours : Tensor, optional
        A symmetric (3, 3) that changes are multiplied by, see `colours_of`.

    Notes
    -----
    Without it the colours of neighbouring levels and the offset, which nearly do the same, take conjugate gradients
    many more iterations. Scaled to let a pixel answer to B L Lᵀ Bᵀ as it would to N times the identity.
    """

    def __init__(self, maps: WindowedMaps, colours: Tensor | None = None) -> None:
        self._maps = maps
        self._colours = torch.eye(3).to(maps.image) if colours is None else colours
        gram, levels = maps.gram(), LIGHTNESSES
        second = torch.eye(levels, dtype=torch.float64).diff(2, dim=0)
        rough = torch.kron(torch.eye(4, dtype=torch.float64),
                           torch.kron(second.T @ second, torch.eye(len(gram) // (4 * levels), dtype=torch.float64)))
        unit = torch.eye(len(gram), dtype=torch.float64)
        factor = torch.linalg.cholesky(gram + ROUGHNESS * rough + RIDGE * unit)
        inverse = torch.linalg.solve_triangular(factor, unit, upper=False)
        answer = (inverse @ gram @ inverse.T).trace()
        self._factor = ((maps.image[0].numel() / answer).sqrt() * inverse).to(maps.image)  # Lᵀ, scaled

    def parameters(self, y: Tensor) -> Tensor:
        """L·y."""
        return self._colours @ y @ self._factor

    def apply(self, y: Tensor) -> Tensor:
        """B·L·y."""
        return self._maps.apply(self.parameters(y))

    def adjoint(self, change: Tensor) -> Tensor:
        """Lᵀ·Bᵀ·x."""
        return self._colours @ self._maps.adjoint(change) @ self._factor.T


def _low_pass(change: Tensor) -> Tensor:
    """The mean over each square of a change (3, H, W), on the same pixels; symmetric."""
    height, width = change.shape[1:]
    means = F.avg_pool2d(change[None], PATCH, ceil_mode=True, count_include_pad=False)
    return F.interpolate(means, scale_factor=PATCH, mode="nearest")[0, :, :height, :width]
