"""The photograph's correction: the style's channel means for as little of the target's structure as they cost.

A field that gives the style's colours has not its means yet. It is corrected in its own parameters, by the flow's
damped least-norm solve with J S B L in place of J: B is the parametrisation, S the slope of the box, and L
smooths the parameters. What the features gain is weighed against what the picture loses: the gradients of its
luma, which are the target's edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.colour import LUMA, luma
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import pad, pad_adjoint
from decouple_core.flow.solvers import conjugate_gradients
from decouple_core.outcomes.box import box, box_slope
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.parametrisation import Parametrisation

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


@dataclass(frozen=True)
class Corrected:
    """A picture that a field is corrected at.

    Attributes
    ----------
    at : Parametrisation
        At the target at about `SIZE`, for parameters like the field's.
    hierarchy : Hierarchy
        The layers that take part, in the target's regions at that size.
    """

    at: Parametrisation
    hierarchy: Hierarchy


def correct(
    pictures: Sequence[Corrected], field: Field, misfit: Tensor, damping: Tensor, smoothing: float | Tensor
) -> Field:
    """Give the features of the field's picture what they lack; those of several are their mean over the pictures.

    For the grid θ₀ + L y and the picture x of θ₀, a Gauss-Newton step minimises

        Σ (J S B L y − misfit)² / μ + |y|² + w · lost structure of x + S B L y.

    L makes the smallest change a smooth one; it is scaled to let a pixel answer to B L Lᵀ Bᵀ as it would to N times the
    identity. Conjugate gradients run on these normal equations, of which every iteration lowers the sum; on the dual
    ones, truncated as they are, the features could end farther from their goal than they began. Of K pictures J is the
    mean of their own and the lost structure the mean of theirs, so that K equal ones give what one does.

    Parameters
    ----------
    pictures : sequence of Corrected
    field : Field
    misfit : Tensor
        The goals minus what the features are, shape (R, M).
    damping : Tensor
        μ of each feature, shape (R, M).
    smoothing : float or Tensor
        The factor of L, from `smoothing_factor`.
    """
    linearised = [_Linearised(picture, field) for picture in pictures]

    def smooth(y: Tensor) -> Tensor:  # L, which is symmetric
        return smoothing * linearised[0].at.smooth(y)

    def operator(y: Tensor) -> Tensor:
        step = smooth(y)
        changes = [one.slope * one.at.apply(step) for one in linearised]
        answer = _mean([one.features.jvp(change) for one, change in zip(linearised, changes, strict=True)]) / damping
        return smooth(_mean([one.back(answer, change) for one, change in zip(linearised, changes, strict=True)])) + y

    downhill = smooth(_mean([one.back(misfit / damping, one.at.image - one.picture) for one in linearised]))
    y = conjugate_gradients(operator, downhill, tolerance=0.0, iterations=ITERATIONS).multipliers
    return Field(field.kind, field.parameters + smooth(y))


class _Linearised:
    """One picture of the field with all that a step needs of it."""

    def __init__(self, of: Corrected, field: Field) -> None:
        self.at = of.at
        values = of.at.apply(field.parameters)
        self.picture, self.slope = box(values), box_slope(values)
        self.structure = Structure(of.at.image)
        self.features = of.hierarchy.linearise(self.picture, len(of.hierarchy.sizes))

    def back(self, answer: Tensor, change: Tensor) -> Tensor:
        """Bᵀ S (Jᵀ·answer + w · C·change)."""
        return self.at.adjoint(self.slope * (self.features.vjp(answer) + STRUCTURE * self.structure.curvature(change)))


def _mean(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(parts) if len(parts) > 1 else total


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
