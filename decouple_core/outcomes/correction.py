"""The photograph's correction: the style's channel means for as little of the target's structure as they cost.

A field that gives the style's colours has not its means yet. It is corrected in its own parameters, by the flow's
damped least-norm solve with J S B L in place of J: B is the parametrisation, S the slope of the box, and L
smooths the parameters. What the features gain is weighed against what the picture loses: the gradients of its
luma, which are the target's edges.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LUMA, luma
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import pad, pad_adjoint
from decouple_core.flow.solvers import conjugate_gradients
from decouple_core.outcomes.box import box, box_slope
from decouple_core.outcomes.parametrisation import Field, Parametrisation

SIZE = 192
"""Longer side, in pixels, at which J is taken; what the features lack is measured with more detail. On eight pairs of
free photographs the mean errors of relu1_1, relu2_1 and relu3_1 are then .075, .177 and .368 at edges of .797; with J
at 256 px, for 1.8 times the work, .074, .176 and .370 at .800; with single steps and J at 256, 192 and 128 px relu3_1's
is .372, .378 and .392."""

STEPS, ITERATIONS = 3, 6
"""Gauss-Newton steps, and conjugate-gradient iterations in each. On twelve pairs two steps leave relu2_1 at .116 and
relu3_1 at .261 with edges of .787, three at .114 and .251 with .793, two of 9 iterations at .121 and .248 with .797."""

STRUCTURE = 1.3e-4
"""Weight of the lost structure: on those pairs edges of .80 stay, and without it edges of .80 cost .39 in relu3_1."""

WINDOW, CONTRAST = 7, 0.03**2
"""Side of the window in which the target's gradients are averaged, in pixels, and what is added to their squares: those
of the structural similarity (Wang et al. 2004)."""


def correct(at: Parametrisation, field: Field, hierarchy: Hierarchy, misfit: Tensor, damping: Tensor,
            smoothing: float | Tensor) -> Field:
    """Give the features of the field's picture what they lack.

    For the grid θ₀ + L y and the picture x of θ₀, a Gauss-Newton step minimises

        Σ (J S B L y − misfit)² / μ + |y|² + w · lost structure of x + S B L y.

    L makes the smallest change a smooth one; it is scaled to let a pixel answer to B L Lᵀ Bᵀ as it would to N times the
    identity. Conjugate gradients run on these normal equations, of which every iteration lowers the sum; on the dual
    ones, truncated as they are, the features could end farther from their goal than they began.

    Parameters
    ----------
    at : Parametrisation
        At the target at about `SIZE`, for parameters like the field's.
    field : Field
    hierarchy : Hierarchy
        The layers that take part, in the regions at that size.
    misfit : Tensor
        Their goals minus what they are, shape (R, M).
    damping : Tensor
        μ of each feature, shape (R, M).
    smoothing : float or Tensor
        The factor of L, from `smoothing_factor`.
    """
    structure = Structure(at.image)
    values = at.apply(field.parameters)
    picture, slope = box(values), box_slope(values)
    features = hierarchy.linearise(picture, len(hierarchy.sizes))

    def smooth(y: Tensor) -> Tensor:  # L, which is symmetric
        return smoothing * at.smooth(y)

    def back(change: Tensor) -> Tensor:
        return smooth(at.adjoint(slope * change))

    def operator(y: Tensor) -> Tensor:
        change = slope * at.apply(smooth(y))
        return back(features.vjp(features.jvp(change) / damping) + STRUCTURE * structure.curvature(change)) + y

    downhill = back(features.vjp(misfit / damping) - STRUCTURE * structure.curvature(picture - at.image))
    y = conjugate_gradients(operator, downhill, tolerance=0.0, iterations=ITERATIONS).multipliers
    return Field(field.kind, field.parameters + smooth(y))


class Structure:
    """What a picture loses of the target's edges: for a difference d from the target,

        dᵀ C d = mean of |∇d|² / (mean |∇target|² near by + a constant),

    ∇ being Sobel's gradient of the luma. Like structural similarity it forgives
    less where the target itself is flat, as in skies.
    """

    def __init__(self, target: Tensor) -> None:
        x = torch.stack([target.new_ones(3), target.new_zeros(3), -target.new_ones(3)], 1) / 4
        x[1] *= 2
        self._sobel = torch.stack([x, x.T])[:, None]
        strength = self._gradient(target).square().sum(1, keepdim=True)
        half = WINDOW // 2
        near = F.avg_pool2d(F.pad(strength, [half] * 4, mode="replicate"), WINDOW, stride=1)
        self._weights = 1.0 / ((near + CONTRAST) * strength.numel())

    def curvature(self, difference: Tensor) -> Tensor:
        """C·d, of the shape (3, H, W) of d."""
        gradient = self._gradient(difference)
        light = pad_adjoint(F.conv_transpose2d(self._weights * gradient, self._sobel))
        return torch.cat([weight * light[0] for weight in LUMA])

    def _gradient(self, image: Tensor) -> Tensor:
        """∇ of an image (3, H, W), shape (1, 2, H, W)."""
        return F.conv2d(pad(luma(image)[None, None]), self._sobel)


def smoothing_factor(at: Parametrisation) -> float:
    """The factor of L by which the trace of B L Lᵀ Bᵀ is N², estimated with random signs (Hutchinson 1990)."""
    signs = torch.randint(0, 2, at.image.shape, generator=torch.Generator().manual_seed(0)).to(at.image)
    return at.image.numel() / at.smooth(at.adjoint(2 * signs - 1)).norm().item()
