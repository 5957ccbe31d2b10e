"""The correspondence: which places of the style a place of the target takes from, and what it takes.

Places are matched by what is seen there (`places`), by entropic transport (`transport`). The plan's rows are weights:
the mean of anything over the style's places, weighted by the row of a target's place, is what that place is to have.
Means over rows mix, so the target's own are mixed alike before the two are compared (`Correspondence.conditional`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.correspondence.places import Places, in_common
from decouple_core.correspondence.transport import Plan, fused_plan
from decouple_core.features.deep import DeepFeatures
from decouple_core.features.identity import identity_of
from decouple_core.features.overview import Overview

HEIGHT = 0.3
"""What it costs to take from another height in the picture, times the squared difference of heights in [−1, 1]: a sky
is above a ground. From .15 to .6 plans agree with people's labels alike."""

PULL, NEAR = 4.0, 0.15
"""What it costs places like an anchor's to take from elsewhere than its partner's, more than all else can cost; and
how unlike a place may be to count as like it: places of one thing differ by about that, places of two things by
twice as much and more."""

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
        return forward @ (self.plan.backward @ of_target), forward @ (self.own @ of_style)

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
        return self._by_style(self.plan.forward[_place(self.target.grid, x, y)])

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
        row = self.plan.backward[before + _place(self.styles[style].grid, x, y)]
        return row.view(self.target.grid).cpu().numpy()

    @property
    def how_sure(self) -> Message:
        """The certainty in words."""
        if self.certainty >= SURE:
            return Message("places-sure")
        return Message("places-fairly-sure" if self.certainty >= FAIRLY_SURE else "places-unsure")

    def to(self, device: torch.device) -> Correspondence:
        """The same on another device."""
        return replace(self, target=self.target.to(device), styles=tuple(one.to(device) for one in self.styles),
                       plan=Plan(self.plan.forward.to(device), self.plan.masses.to(device)), own=self.own.to(device),
                       seen=self.seen.to(device), coloured=self.coloured.to(device))

    @property
    def arrays(self) -> list[np.ndarray]:
        """The plan of each style: shares of shape (rows, columns, rows of the style, columns of the style)."""
        grids = [self.target.grid, *(one.grid for one in self.styles)]
        parts = self.plan.forward.split([rows * columns for rows, columns in grids[1:]], 1)
        return [part.reshape(*grids[0], *grid).cpu().numpy() for part, grid in zip(parts, grids[1:], strict=True)]

    def _by_style(self, row: Tensor) -> list[np.ndarray]:
        parts = row.split([len(one.moments) for one in self.styles])
        return [part.view(one.grid).cpu().numpy() for part, one in zip(parts, self.styles, strict=True)]


class Matcher:
    """Finds correspondences.

    Parameters
    ----------
    deep : DeepFeatures
    keep : callable, optional
        Gives what is kept under an identity, or keeps what a function makes.
    """

    def __init__(self, deep: DeepFeatures, keep: Callable[[str, Callable[[], Places]], Places] | None = None) -> None:
        self._deep = deep
        self._keep = keep or (lambda _, make: make())

    def places(self, overview: Overview) -> Places:
        """The places of a picture."""
        return self._keep(identity_of(self._deep.identity, overview.identity), lambda: Places.of(
            self._deep, overview.image, overview.moments[:, :3], overview.present))

    def match(self, target: Overview, styles: Sequence[Overview], anchors: Sequence[Anchor] = ()) -> Correspondence:
        """Find where a target takes from.

        Parameters
        ----------
        target : Overview
        styles : sequence of Overview
            With the target's regions, of which equal ones correspond.
        anchors : sequence of Anchor
            What a person has said; the styles' spots are those of the first.

        Raises
        ------
        InputError
            Where regions of target and style differ in number.
        """
        if any(len(one.shares) != len(target.shares) for one in styles):
            raise InputError("style-regions", style=len(styles[0].shares), target=len(target.shares))
        identity = identity_of(self._deep.identity, target.identity, [(one.identity, one.weight) for one in styles],
                               [list(anchor) for anchor in anchors])
        here, there = self.places(target), _together([self.places(one) for one in styles])
        masses = _normalised(target.present + 1e-6)
        total = sum(one.weight for one in styles)
        style_masses = torch.cat([one.weight / total * _normalised(one.present) for one in styles])
        ours, theirs = in_common(here.features, there.features)
        ours_apart, theirs_apart = apart(ours, here.colours), apart(theirs, there.colours)
        cost = _cost(ours, theirs, here.heights, there.heights)
        pulled = cost
        for anchor in anchors:
            pulled = pulled + _pull(anchor, target, styles[0], ours_apart, theirs_apart)
        allowed = _allowed(target, styles)
        plan = fused_plan(pulled, ours_apart, theirs_apart, masses, style_masses, allowed)
        own = fused_plan(_cost(theirs, theirs, there.heights, there.heights), theirs_apart, theirs_apart,
                         style_masses, style_masses, _allowed_within(styles))
        certainty = _certainty(plan, 1 - ours @ theirs.T, style_masses)
        if not anchors:  # nobody doubts what a person has said
            plan = plan.diffused(1.0 - min(1.0, max(0.0, (certainty - NO_PLAN) / (GOOD_PLAN - NO_PLAN))), allowed)
        return Correspondence(target, tuple(styles), plan, own.backward, theirs, there.colours, certainty, identity)


def apart(features: Tensor, colours: Tensor) -> Tensor:
    """How unlike the places of one picture are, shape (n, n): by what is seen, to 1, and by colour, to ½."""
    seen = (1.0 - features @ features.T).clamp(0, 2) / 2
    coloured = 1.0 - torch.exp(-torch.cdist(colours, colours).square())
    return seen + 0.5 * coloured


@dataclass(frozen=True)
class _Joined:
    """The places of several pictures, one after the other."""

    features: Tensor
    colours: Tensor
    heights: Tensor


def _together(parts: Sequence[Places]) -> _Joined:
    return _Joined(*(torch.cat([getattr(part, name) for part in parts]) for name in ("features", "colours", "heights")))


def _cost(ours: Tensor, theirs: Tensor, heights: Tensor, their_heights: Tensor) -> Tensor:
    return 1.0 - ours @ theirs.T + HEIGHT * (heights[:, None] - their_heights).square()


def _normalised(masses: Tensor) -> Tensor:
    return masses / masses.sum()


def _allowed(target: Overview, styles: Sequence[Overview]) -> Tensor:
    """How far each place may take from each, (n, m): within its regions, and what belongs to none from anywhere."""
    theirs = torch.cat([one.shares for one in styles], 1)
    present = theirs.sum(0).clamp(0, 1)
    within = target.shares.T @ theirs
    free = (1.0 - target.shares.sum(0)).clamp_min(0)
    allowed = within + free[:, None] * present
    # A region that the style lacks takes from the rest.
    return torch.where(allowed.amax(1, keepdim=True) > 1e-3, allowed, present.expand_as(allowed))


def _allowed_within(styles: Sequence[Overview]) -> Tensor:
    shares = torch.cat([one.shares for one in styles], 1)
    allowed = shares.T @ shares
    return torch.where(allowed.amax(1, keepdim=True) > 1e-3, allowed, torch.ones_like(allowed))


def _pull(anchor: Anchor, target: Overview, style: Overview, ours_apart: Tensor, theirs_apart: Tensor) -> Tensor:
    """What an anchor adds to the cost, (n, m)."""
    tx, ty, sx, sy = anchor
    like_here = torch.exp(-(ours_apart[_place(target.grid, tx, ty)] / NEAR).square())
    like_there = torch.exp(-(theirs_apart[_place(style.grid, sx, sy)] / NEAR).square())
    return PULL * like_here[:, None] * (1.0 - like_there)


def _place(grid: tuple[int, int], x: float, y: float) -> int:
    """The number of the place at a spot."""
    rows, columns = grid
    return min(rows - 1, int(y * rows)) * columns + min(columns - 1, int(x * columns))


def _certainty(plan: Plan, unlike: Tensor, style_masses: Tensor) -> float:
    """How much nearer what is seen at partners is than at any two places, 0 to 1."""
    chance = (unlike @ style_masses) @ plan.masses
    reached = (plan.coupling * unlike).sum()
    return float(((chance - reached) / chance.clamp_min(1e-6)).clamp(0, 1))
