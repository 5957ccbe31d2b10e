"""Layer 0: the colours themselves, their mean and covariance, normalised and imposed in closed form.

Between two Gaussian colour clouds the least change is the linear Monge–Kantorovitch map (Pitié & Kokaram 2007),
which is exactly invertible. The reference is not noise but a natural photograph's cloud: normalising to
independent channels would amplify the noise in the chroma.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.decomposable import in_double
from decouple_core.features.reproducible import place_sums

LUMA = (0.2126, 0.7152, 0.0722)
"""Rec. 709 luma weights of R'G'B'."""

LEAST_VARIANCE = 1e-6
"""Added to every variance, (0.001)²: a quarter of an 8-bit step, so that a one-colour image has a finite map."""

MOST_GAIN = 16.0
"""How many times stronger a map makes any detail. Eight photographs ask for 6 at most of one another and for 7 of the
natural reference; rounding to 8 bits, 16 times as strong, just shows."""

FAINT = 1e-5
"""Variance, about (0.8 / 255)², at which half of that gain is left: below it rounding and noise are all there is."""

LEAST_CONTRAST = 0.5
"""Of the goal's, below which a picture whose own colours the goal does not have is given others of the goal's."""

LEAST_KEPT = 1 / 8
"""Of a picture's own contrast, that it keeps on the way to a cloud with hardly any: some 8-bit steps of it."""


def luma(image: Tensor) -> Tensor:
    """Luma (H, W) of an image (3, H, W)."""
    # Numbers that are written there, because an accelerator that is sent a tensor is waited for.
    weights = torch.cat([image.new_full((1,), weight) for weight in LUMA])
    return torch.einsum("c,chw->hw", weights, image)


@dataclass(frozen=True)
class ColourMoments:
    """Mean and covariance of a colour cloud.

    Attributes
    ----------
    mean : Tensor
        Shape (3,), RGB nominally in [0, 1].
    covariance : Tensor
        Shape (3, 3).
    """

    mean: Tensor
    covariance: Tensor

    @classmethod
    def of(cls, image: Tensor, mask: Tensor | None = None) -> ColourMoments:
        """Moments of an image (3, H, W), weighted by a mask (H, W) if given.

        In double precision; on the CPU where an accelerator has none.
        """
        colours = in_double(image.reshape(3, -1))
        weights = torch.ones_like(colours[0]) if mask is None else in_double(mask.reshape(-1))
        weights = weights / place_sums(weights.reshape(image.shape[1:]))
        mean = colours @ weights
        centred = colours - mean[:, None]
        covariance = ((centred * weights) @ centred.T).cpu() + LEAST_VARIANCE * torch.eye(3, dtype=torch.float64)
        return cls(mean.cpu(), covariance)

    @classmethod
    def natural(cls) -> ColourMoments:
        """The reference: a typical photograph's cloud, mean ½ and the variances below on opponent axes."""
        axes = torch.tensor([[1.0, 1.0, 1.0], [1.0, 0.0, -1.0], [1.0, -2.0, 1.0]], dtype=torch.float64)
        axes = axes / axes.norm(dim=1, keepdim=True)
        variances = torch.tensor([0.10, 0.008, 0.004], dtype=torch.float64)
        return cls(torch.full((3,), 0.5, dtype=torch.float64), axes.T @ torch.diag(variances) @ axes)

    def towards(self, other: ColourMoments, share: float) -> ColourMoments:
        """Moments a share of the way along the Monge–Kantorovitch path to the other cloud.

        They keep `LEAST_KEPT` of this one's contrast where the other has less.
        """
        whole = _visible(map_between(self, other).matrix, self)
        half_way = (1.0 - share) * torch.eye(3, dtype=torch.float64) + share * whole
        # What no colours are there for is wanted all the same: a painting has strokes for it.
        missing = _positive(other.covariance - whole @ self.covariance @ whole.T)
        covariance = half_way @ self.covariance @ half_way.T + share**2 * missing
        return ColourMoments((1.0 - share) * self.mean + share * other.mean, covariance)

    def reaching(self, other: ColourMoments) -> ColourMoments:
        """What of the other cloud's moments this one has when it is mapped there."""
        whole = map_between(self, other).matrix
        return ColourMoments(other.mean, whole @ self.covariance @ whole.T)


@dataclass(frozen=True)
class ColourMap:
    """An affine map of colours, x ↦ matrix·x + offset.

    Attributes
    ----------
    matrix : Tensor
        Shape (3, 3).
    offset : Tensor
        Shape (3,).
    """

    matrix: Tensor
    offset: Tensor

    def __call__(self, image: Tensor) -> Tensor:
        """Map an image of shape (3, H, W)."""
        return torch.einsum("ij,jhw->ihw", self.matrix.to(image), image) + self.offset.to(image)[:, None, None]


IDENTITY = ColourMap(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))
"""The map that changes nothing."""


def map_between(start: ColourMoments, goal: ColourMoments) -> ColourMap:
    """The linear Monge–Kantorovitch map that gives a cloud with moments `start` the moments `goal`.

    No direction of the start gains more than `MOST_GAIN`, and one that hardly varies gains nothing: noise stays noise.
    In the others, and so on a cloud that fills no more than a plane or a line, the map is the exact one. Where that
    would leave little to see, because start and goal vary in different colours, the start's main axis goes to the
    goal's.
    """
    root = _root(start.covariance)
    inverse = torch.linalg.inv(root)
    matrix = inverse @ _root(root @ goal.covariance @ root) @ inverse
    variances, axes = torch.linalg.eigh(start.covariance)
    variances, bounds = variances.clamp_min(LEAST_VARIANCE), _bounds(variances)
    shares = (bounds / (matrix @ axes).norm(dim=0)).clamp_max(1.0)
    if bool((shares < 1.0).any()):
        matrix = matrix @ (axes * shares) @ axes.T
        matrix = _turned(matrix, start, goal, axes[:, -1], bounds[-1])
    return ColourMap(matrix, goal.mean - matrix @ start.mean)


def _bounds(variances: Tensor) -> Tensor:
    """The most that directions of these variances may gain."""
    signal = (variances - LEAST_VARIANCE).clamp_min(0.0)
    return 1.0 + (MOST_GAIN - 1.0) * signal / (signal + FAINT)


def _turned(matrix: Tensor, start: ColourMoments, goal: ColourMoments, axis: Tensor, bound: Tensor) -> Tensor:
    """The map with the start's main axis led to what it leaves out of the goal, as far as hardly any contrast is there.

    Pure red and pure blue vary in nothing common, so any map between them is as near as any other; lighter stays so.
    """
    there = matrix @ start.covariance @ matrix.T
    spread, wanted = (axis @ start.covariance @ axis).sqrt(), LEAST_CONTRAST * goal.covariance.trace().sqrt()
    lacking = 1.0 - torch.maximum(there.trace().sqrt() / wanted, (matrix @ axis).norm() / bound).clamp_max(1.0)
    left_out, directions = torch.linalg.eigh(goal.covariance - there)
    gain = torch.minimum(left_out[-1].clamp_min(0.0).sqrt() / spread, bound)
    light = torch.tensor(LUMA, dtype=torch.float64)
    onwards = matrix @ axis * spread + 0.2 * wanted * (light @ axis).sign() * light  # what is there is not undone
    direction = directions[:, -1] * torch.where(directions[:, -1] @ onwards < 0, -1.0, 1.0)
    return matrix + lacking * gain * torch.outer(direction, axis)


def _visible(matrix: Tensor, start: ColourMoments) -> Tensor:
    """The map with as much of the start's own detail as can be seen, where the goal has none."""
    identity = torch.eye(3, dtype=torch.float64)
    own = start.covariance - LEAST_VARIANCE * identity
    lacking = LEAST_KEPT**2 * own.trace() - (matrix @ own @ matrix.T).trace()
    return matrix + (lacking / own.trace().clamp_min(LEAST_VARIANCE)).clamp_min(0.0).sqrt() * identity


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T


def _positive(matrix: Tensor) -> Tensor:
    """A symmetric matrix without what is negative in it, rounding included."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(torch.where(values > 1e-12, values, 0.0)) @ vectors.T
