"""The correspondence: which places of the style a place of the target takes from, and what it takes.

Places are matched by what is seen there (`matching`). The plan's rows are weights:
the mean of anything over the style's places, weighted by the row of a target's place, is what that place is to have.
Means over rows mix, so the target's own are mixed alike before the two are compared (`Correspondence.conditional`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from decouple_contract.messages import Message
from decouple_core.correspondence.transport import LEAST, Plan
from decouple_core.features.overview import Overview

NO_PLAN, GOOD_PLAN = 0.05, 0.25
"""Certainties below which a plan says nothing, and from which on it is followed in full. Between them each place takes
a share from everywhere. The plans of the twelve pairs that measure this project have .23 to .54, those of pictures with
little in common .06 to .3, noise and flat pictures less than .1."""

SURE, FAIRLY_SURE = 0.4, (NO_PLAN + GOOD_PLAN) / 2
"""Certainties from which a plan is called so: eight of those twelve are sure; below the second less than half of each
place follows its plan, and it is called unsure."""

Anchor = tuple[float, float, float, float]
"""tx, ty, sx, sy: a spot of the target and the spot of the style to take from, as shares of width and height."""


@dataclass(frozen=True)
class Correspondence:
    """Where each place of a target takes from.

    Attributes
    ----------
    target : Overview
    styles : tuple of Overview
        One, or those of a mixture.
    plan : Plan
        From the target's n places to the m places of all styles, one style after the other.
    own : Tensor
        Which places of the styles take from each of them in their plan to themselves, shape (m, m), rows that sum to 1.
        Of a target in its own style that is `plan.backward`, so that what it has and is to have are the same.
    seen, coloured : Tensor
        What is seen at the styles' places, in the components of both pictures, shape (m, k), and their colours in units
        of their spread, shape (m, 3).
    certainty : float
        How sure the plan is, from 0, where every place takes from everywhere alike, to 1.
    identity : str
        Of everything that it was made of.
    """

    target: Overview
    styles: tuple[Overview, ...]
    plan: Plan
    own: Tensor
    seen: Tensor
    coloured: Tensor
    certainty: float
    identity: str

    def conditional(self, of_target: Tensor, of_style: Tensor) -> tuple[Tensor, Tensor]:
        """What each place of the target has, and what it is to have, both averaged over as many places.

        Parameters
        ----------
        of_target, of_style : Tensor
            Anything of which means make sense, of each place, shapes (n, k) and (m, k).

        Returns
        -------
        tuple of Tensor
            Shape (n, k) each. Of a target in its own style the two are nearly the same, whatever the plan.
        """
        forward = self.plan.forward
        return forward @ of_partners([self], [of_target]), forward @ (self.own @ of_style)

    def where(self, x: float, y: float) -> list[np.ndarray]:
        """Which places of the styles the target takes from at a spot.

        Parameters
        ----------
        x, y : float
            The spot, as shares of the target's width and height, in [0, 1].

        Returns
        -------
        list of ndarray
            Of each style a grid of shares, (rows, columns), that sum to 1 over all styles.
        """
        return self._by_style(self.plan.forward[place(self.target.grid, x, y)])

    def taken_by(self, x: float, y: float, style: int = 0) -> np.ndarray:
        """Which places of the target take from a spot of a style: shares, (rows, columns), that sum to 1.

        Parameters
        ----------
        x, y : float
            The spot, as shares of the style's width and height, in [0, 1].
        style : int
            Which of a mixture.
        """
        before = sum(len(one.moments) for one in self.styles[:style])
        row = self.plan.backward[before + place(self.styles[style].grid, x, y)]
        return row.view(self.target.grid).cpu().numpy()

    @property
    def how_sure(self) -> Message:
        """The certainty in words."""
        if self.certainty >= SURE:
            return Message("places-sure")
        return Message("places-fairly-sure" if self.certainty >= FAIRLY_SURE else "places-unsure")

    def to(self, device: torch.device) -> Correspondence:
        """The same on another device."""
        return replace(
            self,
            target=self.target.to(device),
            styles=tuple(one.to(device) for one in self.styles),
            plan=Plan(self.plan.forward.to(device), self.plan.masses.to(device)),
            own=self.own.to(device),
            seen=self.seen.to(device),
            coloured=self.coloured.to(device),
        )

    @property
    def arrays(self) -> list[np.ndarray]:
        """The plan of each style: shares of shape (rows, columns, rows of the style, columns of the style)."""
        grids = [self.target.grid, *(one.grid for one in self.styles)]
        parts = self.plan.forward.split([rows * columns for rows, columns in grids[1:]], 1)
        return [part.reshape(*grids[0], *grid).cpu().numpy() for part, grid in zip(parts, grids[1:], strict=True)]

    def _by_style(self, row: Tensor) -> list[np.ndarray]:
        parts = row.split([len(one.moments) for one in self.styles])
        return [part.view(one.grid).cpu().numpy() for part, one in zip(parts, self.styles, strict=True)]


def of_partners(correspondences: Sequence[Correspondence], of_targets: Sequence[Tensor]) -> Tensor:
    """What those places of some targets have that take from each place of the styles, shape (m, k).

    Parameters
    ----------
    correspondences : sequence of Correspondence
        Of targets that count alike, with the same styles.
    of_targets : sequence of Tensor
        Anything of which means make sense, of each target's places, shapes (n, k).
    """
    total = torch.stack([one.plan.coupling.T @ values for one, values in zip(correspondences, of_targets, strict=True)])
    taken = torch.stack([one.plan.taken for one in correspondences])
    return total.sum(0) / taken.sum(0).clamp_min(LEAST)[:, None]


def place(grid: tuple[int, int], x: float, y: float) -> int:
    """The number of the place at a spot."""
    rows, columns = grid
    return min(rows - 1, int(y * rows)) * columns + min(columns - 1, int(x * columns))
