"""Windows: the few kinds of things that a style shows, and where the target takes from each.

A feature may be a mean over a window instead of the whole picture. Windows come in pairs, one over the places of the
style and one over those of the target, both as diffuse as the plan; what the one holds is the other's goal. Regions are
windows that a person has drawn, and one window over everything is the thesis.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.correspondence.correspondence import Correspondence

COUNT = 12
"""Windows sought. With 4 the style's means come as near as with one, with 16 edges go."""

ROUNDS = 10
"""Of Lloyd's algorithm."""

LEAST_SHARE = 0.01
"""Of the target: a window that has less of it says nothing, and its features would be noise."""


@dataclass(frozen=True)
class Windows:
    """K pairs of windows.

    Attributes
    ----------
    of_target, of_style : Tensor
        Weights of the places that each takes its means over, shapes (K, n) and (K, m).
    parts : Tensor
        How much each place of the target belongs to each window, shape (K, n), summing to 1 over K.
    """

    of_target: Tensor
    of_style: Tensor
    parts: Tensor

    @classmethod
    def of(cls, correspondence: Correspondence) -> Windows:
        """Windows by the kinds of places in the style, in what is seen there and in colour."""
        plan = correspondence.plan
        kinds = _kinds(torch.cat([correspondence.seen, correspondence.coloured / 2], 1), plan.taken)
        parts = plan.forward @ kinds
        large = plan.masses @ parts > LEAST_SHARE
        parts = parts[:, large]
        parts = parts / parts.sum(1, keepdim=True).clamp_min(1e-9)
        weighted = plan.masses[:, None] * parts
        of_target = plan.backward.T @ (plan.forward.T @ weighted)
        of_style = correspondence.own.T @ (plan.forward.T @ weighted)
        return cls(of_target.T, of_style.T, parts.T)


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
