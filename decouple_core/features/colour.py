"""Layer 0: the colours themselves, their mean and covariance, normalised and imposed in closed form.

Between two Gaussian colour clouds the least change is the linear Monge–Kantorovitch map (Pitié & Kokaram 2007),
which is exactly invertible. The reference is not noise but a natural photograph's cloud: normalising to
independent channels would amplify the noise in the chroma.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

LUMA = (0.2126, 0.7152, 0.0722)
"""Rec. 709 luma weights of R'G'B'."""

LEAST_VARIANCE = 1e-6
"""Added to every variance, (0.001)²: a quarter of an 8-bit step, so that a one-colour image has a finite map."""


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
        place = image.device if image.is_cuda else torch.device("cpu")
        colours = image.reshape(3, -1).to(place).double()
        weights = torch.ones_like(colours[0]) if mask is None else mask.reshape(-1).to(place).double()
        weights = weights / weights.sum()
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
        """Moments a share of the way along the Monge–Kantorovitch path to the other cloud."""
        half_way = (1.0 - share) * torch.eye(3, dtype=torch.float64) + share * map_between(self, other).matrix
        return ColourMoments((1.0 - share) * self.mean + share * other.mean, half_way @ self.covariance @ half_way)


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


def map_between(start: ColourMoments, goal: ColourMoments) -> ColourMap:
    """The linear Monge–Kantorovitch map that gives a cloud with moments `start` the moments `goal`."""
    root = _root(start.covariance)
    inverse = torch.linalg.inv(root)
    matrix = inverse @ _root(root @ goal.covariance @ root) @ inverse
    return ColourMap(matrix, goal.mean - matrix @ start.mean)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
