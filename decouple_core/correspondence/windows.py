"""Windows: the few kinds of things that a style shows, and where the target takes from each.

A feature may be a mean over a window instead of the whole picture. Windows come in pairs, one over the places of the
style and one over those of the target, both as diffuse as the plan; what the one holds is the other's goal. Regions are
windows that a person has drawn, and one window over everything is the thesis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.transport import LEAST

COUNT = 12
"""Windows sought. With 4 the style's means come as near as with one, with 16 edges go."""

ROUNDS = 10
"""Of Lloyd's algorithm."""

LEAST_SHARE = 0.01
"""Of the target: a window that has less of it says nothing, and its features would be noise."""


@dataclass(frozen=True)
class Windows:
    """K pairs of windows, over the places of the styles and of some targets together.

    Attributes
    ----------
    of_style : Tensor
        Weights of the styles' places that each takes its means over, shape (K, m).
    kinds : Tensor
        Which of the styles' places are of the kind that each is about, ones and zeros, shape (K, m).
    back : Tensor
        Weights of the targets' places for each of the styles' places, shape (K, m), see `of_target`.
    """

    of_style: Tensor
    kinds: Tensor
    back: Tensor

    @classmethod
    def of(cls, correspondences: Sequence[Correspondence]) -> Windows:
        """Windows by the kinds of places in the styles, in what is seen there and in colour.

        Parameters
        ----------
        correspondences : sequence of Correspondence
            Of one target, or of several that follow one plan and count alike.
        """
        first = correspondences[0]
        taken = torch.stack([one.plan.taken for one in correspondences]).mean(0)
        kinds = _kinds(torch.cat([first.seen, first.coloured / 2], 1), taken).T
        kinds = kinds[kinds @ taken > LEAST_SHARE]
        weighted = torch.stack(
            [(parts_of(kinds, one) * one.plan.masses) @ one.plan.forward for one in correspondences]
        ).mean(0)
        return cls(weighted @ first.own, kinds, weighted / taken.clamp_min(LEAST))

    def parts(self, correspondence: Correspondence) -> Tensor:
        """How much each place of a target belongs to each window, shape (K, n), summing to 1 over K."""
        return parts_of(self.kinds, correspondence)

    def of_target(self, correspondence: Correspondence) -> Tensor:
        """Weights of a target's places that each window takes its means over, shape (K, n).

        Over all targets they sum to as much as the windows of the styles do, times the number of targets.
        """
        return self.back @ correspondence.plan.coupling.T


def parts_of(kinds: Tensor, correspondence: Correspondence) -> Tensor:
    """How much of what each place of a target takes is of each kind (K, m), shape (K, n), summing to 1 over K."""
    parts = kinds @ correspondence.plan.forward.T
    return parts / parts.sum(0).clamp_min(1e-9)


def _kinds(points: Tensor, masses: Tensor) -> Tensor:
    """k-means from the farthest points, each place (m, d) to one of K kinds, shape (m, K) of ones and zeros.

    Deterministic: the first centre is the point farthest from the mean of all, each next one the farthest from those
    before it.
    """
    distance = (points - masses @ points / masses.sum()).norm(dim=1)
    centres = points[:0]
    for _ in range(min(COUNT, len(points))):
        centres = torch.cat([centres, points[int(distance.argmax())][None]])
        distance = torch.cdist(points, centres).amin(1)
    for _ in range(ROUNDS):
        kinds = torch.nn.functional.one_hot(torch.cdist(points, centres).argmin(1), len(centres)).to(points)
        counted = (kinds * masses[:, None]).sum(0)
        means = (kinds * masses[:, None]).T @ points / counted[:, None].clamp_min(1e-12)
        centres = torch.where(counted[:, None] > 0, means, centres)
    return torch.nn.functional.one_hot(torch.cdist(points, centres).argmin(1), len(centres)).to(points)
