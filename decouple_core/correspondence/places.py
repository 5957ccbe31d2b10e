"""Places: what there is to see at each spot of a picture, as directions that can be compared between pictures."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.decomposable import decomposable, in_double
from decouple_core.features.deep import DeepFeatures
from decouple_core.pictures.blurring import blurred

COMPONENTS = 32
"""Principal components in which places are compared; 64 give plans that agree as well with what people see."""

SUBSPACE_ITERATIONS = 8
"""After which the components hold what exact ones hold of the features' variance, but for less than a millionth."""

BLUR = 1.0
"""Standard deviation, in places, of the blur over neighbouring ones: a place is judged with what surrounds it."""

LEAST_SPREAD = 0.02
"""Standard deviation of a picture's colours below which differences among them are not enlarged any more."""


@dataclass(frozen=True)
class Places:
    """What is seen at the places of a picture, row by row.

    Attributes
    ----------
    features : Tensor
        Shape (n, C): activations centred on their own picture's mean, each block of unit length.
    colours : Tensor
        Shape (n, 3), R'G'B' in units of the picture's own spread.
    grid : tuple of int
        Rows and columns, n = rows · columns.
    """

    features: Tensor
    colours: Tensor
    grid: tuple[int, int]

    @classmethod
    def of(cls, deep: DeepFeatures, image: Tensor, colours: Tensor, weights: Tensor) -> Places:
        """The places of an image.

        Parameters
        ----------
        deep : DeepFeatures
        image : Tensor
            Shape (3, H, W), its longer side about 256 px.
        colours : Tensor
            Mean colours of the places, shape (n, 3).
        weights : Tensor
            How much each place counts in the picture's mean, shape (n,).
        """
        blocks = deep(image)
        grid = (blocks[0].shape[1], blocks[0].shape[2])
        share = (weights / weights.sum()).view(1, *grid)
        unit = []
        for block in blocks:
            if block.shape[1:] != grid:
                block = F.interpolate(block[None], size=grid, mode="bilinear")[0]
            centred = block - (block * share).sum((1, 2), keepdim=True)
            unit.append(F.normalize(centred, dim=0, eps=1e-6))
        features = blurred(torch.cat(unit), BLUR).flatten(1).T
        spread = ((colours - share.view(-1) @ colours).square().T @ share.view(-1)).mean().sqrt()
        return cls(features, colours / spread.clamp_min(LEAST_SPREAD), grid)

    @property
    def heights(self) -> Tensor:
        """Height of each place in its picture, −1 at the top to 1 at the bottom, shape (n,)."""
        rows, columns = self.grid
        return (torch.arange(rows, device=self.features.device, dtype=self.features.dtype) * 2 + 1).div(rows).sub(
            1.0).repeat_interleave(columns)


def in_common(one: Tensor, other: Tensor, components: int = COMPONENTS) -> tuple[Tensor, Tensor]:
    """Both pictures' places in the principal components of the two together, of unit length, shapes (n, k) and (m, k).

    The components are those of the second moments: the features are centred already.
    """
    basis = principal_directions(torch.cat([one, other]), components)
    return F.normalize(one @ basis, dim=1), F.normalize(other @ basis, dim=1)


def principal_directions(rows: Tensor, count: int) -> Tensor:
    """The leading right singular vectors of rows (n, C), shape (C, count) or fewer.

    By subspace iteration (Rutishauser 1969) from evenly chosen rows, twice as many as wanted: the same on every run,
    and sound where rows are equal or 0, at which a full decomposition may fail in single precision.
    """
    chosen = torch.linspace(0, len(rows) - 1, min(2 * count, len(rows), rows.shape[1])).round().long()
    basis = torch.linalg.qr(in_double(rows[chosen.to(rows.device)].T)).Q.to(rows)
    for _ in range(SUBSPACE_ITERATIONS):
        basis = torch.linalg.qr(decomposable(rows.T @ (rows @ basis))).Q.to(rows)
    within = in_double(rows @ basis)
    _, vectors = torch.linalg.eigh((within.T @ within).cpu())
    return basis @ vectors.flip(1)[:, :count].to(basis)
