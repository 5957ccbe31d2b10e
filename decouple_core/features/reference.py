"""Step 0: the features of uniform noise, the values to which every image is normalised.

Kept with them is N·J·Jᵀ at the noise, the same for every image: its diagonal says how strongly each layer
answers to the image, which sets the layer's share of the damping, and its Cholesky factor preconditions every
solve of the flow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy

NOISE_SIZE = 200
"""Side of the noise image, in pixels (Miralles Simó 2022, section 3.2)."""

GRAM_SIZE = 32
"""Side of the noise on which N·J·Jᵀ is taken. It hardly depends on resolution: 32 px preconditions as well as
64 px (740 iterations either way, within 1 dB) at a sixth of the time."""


@dataclass(frozen=True)
class Reference:
    """What the noise says about a hierarchy.

    Attributes
    ----------
    values : list of Tensor
        v_l, shape (1, sizes[l]).
    gram : Tensor
        N·J·Jᵀ, shape (M, M).
    sizes : tuple of int
        Features per layer.
    """

    values: list[Tensor]
    gram: Tensor
    sizes: tuple[int, ...]

    def damping(self, relative: float) -> Tensor:
        """μ of each feature, shape (1, M): `relative` times its layer's mean of the diagonal of N·J·Jᵀ.

        One μ for all would freeze the deep layers: on photographs N·J·Jᵀ of layer 5 is 10⁴ times weaker than that
        of layer 3, and at μ = 300 layer 5 would move by less than a hundredth of its way.
        """
        return relative * layer_powers(self.gram, self.sizes)


def layer_powers(gram: Tensor, sizes: Sequence[int]) -> Tensor:
    """Each layer's mean of the diagonal of N·J·Jᵀ, (M, M), for each of its features, shape (1, M)."""
    return torch.cat([block.mean().expand(block.shape) for block in gram.diagonal().split(list(sizes))])[None]


def uniform_noise(seed: int, size: int = NOISE_SIZE) -> Tensor:
    """U(0, 1) noise, shape (3, size, size), the same on every machine for one seed."""
    return torch.rand(3, size, size, generator=torch.Generator().manual_seed(seed))


def reference_gram(hierarchy: Hierarchy, noise: Tensor, batch: int = 64) -> Tensor:
    """N·J·Jᵀ of any hierarchy at the noise, shape (M, M), formed from batches of Jᵀ's columns."""
    depth = len(hierarchy.sizes)
    at = hierarchy.linearise(noise, depth)
    unit = torch.eye(sum(hierarchy.sizes)).to(noise)
    rows = torch.cat([at.vjp(block[:, None]).flatten(1) for block in unit.split(batch)])
    return noise.numel() * rows @ rows.T
