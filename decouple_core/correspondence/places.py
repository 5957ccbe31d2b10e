"""Places: what there is to see at each spot of a picture, as directions that can be compared between pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.features.decomposable import decomposable, in_double
from decouple_core.features.deep import DeepFeatures
from decouple_core.features.reproducible import one_thread
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
class Seen:
    """What a network sees of a picture, before it is compared with anything.

    Attributes
    ----------
    blocks : list of Tensor
        Activations on one grid, shape (C, rows, columns) each.
    colours : Tensor
        Mean colours of the places, shape (n, 3).
    shares : Tensor
        How much each place counts, shape (n,), summing to 1.
    """

    blocks: list[Tensor]
    colours: Tensor
    shares: Tensor

    @classmethod
    def of(cls, deep: DeepFeatures, image: Tensor, colours: Tensor, weights: Tensor) -> Seen:
        """What is seen of an image (3, H, W), its longer side about 256 px, with weights (n,) of its places."""
        blocks = deep(image)
        grid = blocks[0].shape[1:]
        blocks = [
            block if block.shape[1:] == grid else F.interpolate(block[None], size=grid, mode="bilinear")[0]
            for block in blocks
        ]
        return cls(blocks, colours, weights / weights.sum())


@dataclass(frozen=True)
class Centre:
    """What the places of some pictures have in common: from it each is judged.

    Attributes
    ----------
    blocks : list of Tensor
        Mean activations, shape (C, 1, 1) each.
    spread : Tensor
        Standard deviation of the colours, shape ().
    """

    blocks: list[Tensor]
    spread: Tensor

    @classmethod
    def of(cls, pictures: Sequence[Seen]) -> Centre:
        """Of pictures that count alike."""
        blocks = [
            _mean(
                [
                    (block * one.shares.view(block.shape[1:])).sum((1, 2), keepdim=True)
                    for one, block in zip(pictures, same, strict=True)
                ]
            )
            for same in zip(*(one.blocks for one in pictures), strict=True)
        ]
        mean = _mean([one.shares @ one.colours for one in pictures])
        variance = _mean([(one.colours - mean).square().T @ one.shares for one in pictures])
        return cls(blocks, variance.mean().sqrt().clamp_min(LEAST_SPREAD))


@dataclass(frozen=True)
class Places:
    """What is seen at the places of a picture, row by row.

    Attributes
    ----------
    features : Tensor
        Shape (n, C): activations centred on their picture's mean, or on that of several, each block of unit length.
    colours : Tensor
        Shape (n, 3), R'G'B' in units of their spread.
    grid : tuple of int
        Rows and columns, n = rows · columns.
    """

    features: Tensor
    colours: Tensor
    grid: tuple[int, int]

    @classmethod
    def of(cls, seen: Seen, centre: Centre | None = None) -> Places:
        """The places of what is seen, judged from a centre; from its own, if left out."""
        centre = centre or Centre.of([seen])
        unit = [
            F.normalize(block - middle, dim=0, eps=1e-6)
            for block, middle in zip(seen.blocks, centre.blocks, strict=True)
        ]
        features = blurred(torch.cat(unit), BLUR).flatten(1).T
        rows, columns = seen.blocks[0].shape[1:]
        return cls(features, seen.colours / centre.spread, (rows, columns))

    @property
    def heights(self) -> Tensor:
        """Height of each place in its picture, −1 at the top to 1 at the bottom, shape (n,)."""
        rows, columns = self.grid
        return (
            (torch.arange(rows, device=self.features.device, dtype=self.features.dtype) * 2 + 1)
            .div(rows)
            .sub(1.0)
            .repeat_interleave(columns)
        )


def principal_directions(rows: Tensor, count: int = COMPONENTS) -> Tensor:
    """The leading right singular vectors of rows (n, C), shape (C, count) or fewer.

    By subspace iteration (Rutishauser 1969) from evenly chosen rows, twice as many as wanted: the same on every run,
    and sound where rows are equal or 0, at which a full decomposition may fail in single precision.
    """
    chosen = torch.linspace(0, len(rows) - 1, min(2 * count, len(rows), rows.shape[1])).round().long()
    with one_thread():  # more would round these products differently, and a painting amplifies that
        basis = torch.linalg.qr(in_double(rows[chosen.to(rows.device)].T)).Q.to(rows)
        for _ in range(SUBSPACE_ITERATIONS):
            basis = torch.linalg.qr(decomposable(rows.T @ (rows @ basis))).Q.to(rows)
        within = in_double(rows @ basis)
        _, vectors = torch.linalg.eigh((within.T @ within).cpu())
        return basis @ vectors.flip(1)[:, :count].to(basis)


def _mean(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total / len(parts)
