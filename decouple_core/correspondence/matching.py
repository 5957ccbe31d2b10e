"""Matching: the plan between the places of one or several targets and those of the styles, carried on to any others.

Places are compared by what is seen there (`places`), and matched by entropic transport (`transport`). Several targets,
such as frames of one film, have one plan: what is alike in them takes from the same places of the style. Further ones
follow that plan by what is seen in them, without a plan of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.correspondence.correspondence import GOOD_PLAN, NO_PLAN, Anchor, Correspondence, place
from decouple_core.correspondence.places import Centre, Places, Seen, principal_directions
from decouple_core.correspondence.transport import ENTROPY, LEAST, Plan, fused_plan
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

FOLLOWED = 0.2
"""How much less like it a place of the plan may be to count 1/e as much for one that follows: places of one thing
differ by about .15. While a camera moves over the astronaut and the coffee, in each other's style, colours change from
frame to frame by 1.4 and 2.0 times the input's noise with .1, 1.1 and 1.65 with .2, and 1.0 and 1.6 with .3."""


class Matcher:
    """Finds correspondences.

    Parameters
    ----------
    deep : DeepFeatures
    keep : callable, optional
        Gives what is kept under an identity, or keeps what a function makes.
    """

    def __init__(self, deep: DeepFeatures, keep: Callable[[str, Callable[[], Seen]], Seen] | None = None) -> None:
        self._deep = deep
        self._keep = keep or (lambda _, make: make())

    def seen(self, overview: Overview) -> Seen:
        """What is seen of a picture."""
        return self._keep(
            identity_of(self._deep.identity, overview.identity),
            lambda: Seen.of(self._deep, overview.image, overview.moments[:, :3], overview.present),
        )

    def match(self, target: Overview, styles: Sequence[Overview], anchors: Sequence[Anchor] = ()) -> Correspondence:
        """Find where a target takes from; see `plan`."""
        plan = self.plan([target], styles, anchors)
        return plan.given(target, plan.solution.forward)

    def plan(
        self, targets: Sequence[Overview], styles: Sequence[Overview], anchors: Sequence[Anchor] = ()
    ) -> CommonPlan:
        """Find where targets take from that count alike.

        Parameters
        ----------
        targets : sequence of Overview
        styles : sequence of Overview
            With the targets' regions, of which equal ones correspond.
        anchors : sequence of Anchor
            What a person has said; the spots are those of the first target and the first style.

        Raises
        ------
        InputError
            Where regions of targets and styles differ in number.
        """
        regions = len(targets[0].shares)
        for one in (*targets, *styles):
            if len(one.shares) != regions:
                raise InputError("style-regions", style=len(one.shares), target=regions)
        identity = identity_of(
            self._deep.identity,
            [one.identity for one in targets],
            [(one.identity, one.weight) for one in styles],
            [list(anchor) for anchor in anchors],
        )
        seen = [self.seen(one) for one in targets]
        centre = Centre.of(seen)
        here, there = (
            _together(parts)
            for parts in ([Places.of(one, centre) for one in seen], [Places.of(self.seen(one)) for one in styles])
        )
        # Targets that count alike count as one picture beside the style's.
        basis = principal_directions(torch.cat([here.features / len(targets) ** 0.5, there.features]))
        here, there = here.along(basis), there.along(basis)
        masses = torch.cat([_masses(one) for one in targets]) / len(targets)
        total = sum(one.weight for one in styles)
        style_masses = torch.cat([one.weight / total * _normalised(one.present) for one in styles])
        here_apart, there_apart = apart(here, here), apart(there, there)
        pulls = tuple(_Pull.of(anchor, targets[0], styles[0], there_apart) for anchor in anchors)
        cost = _cost(here, there) + sum(pull.cost(here_apart) for pull in pulls)
        allowed = torch.cat([_allowed(one, styles) for one in targets])
        solution = fused_plan(cost, here_apart, there_apart, masses, style_masses, allowed)
        own = fused_plan(
            _cost(there, there), there_apart, there_apart, style_masses, style_masses, _allowed_within(styles)
        )
        certainty = _certainty(solution, 1 - here.features @ there.features.T, style_masses)
        return CommonPlan(
            self, centre, basis, tuple(styles), here, there, solution, own.backward, pulls, certainty, identity
        )


@dataclass(frozen=True)
class CommonPlan:
    """The plan of some targets, which any other picture can follow.

    Attributes
    ----------
    matcher : Matcher
    centre : Centre
        From which the targets' places are judged, and those of all that follow.
    basis : Tensor
        Principal directions, shape (C, k).
    styles : tuple of Overview
    here, there : _Joined
        The targets' places and the styles'.
    solution : Plan
    own : Tensor
        See `Correspondence`.
    pulls : tuple of _Pull
        Of the anchors.
    certainty : float
    identity : str
        Of everything that it was made of.
    """

    matcher: Matcher
    centre: Centre
    basis: Tensor
    styles: tuple[Overview, ...]
    here: _Joined
    there: _Joined
    solution: Plan
    own: Tensor
    pulls: tuple[_Pull, ...]
    certainty: float
    identity: str

    def of(self, target: Overview) -> Correspondence:
        """Where a picture takes from that follows the plan, by what is seen in it."""
        places = _together([Places.of(self.matcher.seen(target), self.centre)]).along(self.basis)
        between = apart(places, self.here)
        counted = self.solution.masses * torch.exp(-between / FOLLOWED)
        return self.given(target, self._open(target, between, counted @ self.solution.forward))

    def _open(self, target: Overview, between: Tensor, rows: Tensor) -> Tensor:
        """Rows within a target's regions, and pulled by the anchors, with sums of 1."""
        allowed = _allowed(target, self.styles)
        pulled = allowed * torch.exp(-sum((pull.cost(between) for pull in self.pulls), between.new_zeros(())) / ENTROPY)
        rows = pulled * torch.where((pulled * rows).sum(1, keepdim=True) > LEAST, rows, self.solution.taken)
        return rows / rows.sum(1, keepdim=True).clamp_min(LEAST)

    def given(self, target: Overview, rows: Tensor) -> Correspondence:
        """The correspondence of a target with these rows of the plan, as far as the plan can be trusted."""
        plan = Plan(rows, _masses(target))
        if not self.pulls:  # nobody doubts what a person has said
            doubt = 1.0 - min(1.0, max(0.0, (self.certainty - NO_PLAN) / (GOOD_PLAN - NO_PLAN)))
            plan = plan.diffused(doubt, _allowed(target, self.styles), self.solution.taken)
        return Correspondence(
            target,
            self.styles,
            plan,
            self.own,
            self.there.features,
            self.there.colours,
            self.certainty,
            identity_of(self.identity, target.identity),
        )


@dataclass(frozen=True)
class _Joined:
    """The places of several pictures, one after the other."""

    features: Tensor
    colours: Tensor
    heights: Tensor

    def along(self, basis: Tensor) -> _Joined:
        """With the features in the components of a basis (C, k), of unit length."""
        return _Joined(F.normalize(self.features @ basis, dim=1), self.colours, self.heights)


@dataclass(frozen=True)
class _Pull:
    """What an anchor adds to the cost.

    Attributes
    ----------
    place : int
        The anchor's place among the targets'.
    elsewhere : Tensor
        How unlike its partner the style's places are, shape (m,) in [0, 1].
    """

    place: int
    elsewhere: Tensor

    @classmethod
    def of(cls, anchor: Anchor, target: Overview, style: Overview, style_apart: Tensor) -> _Pull:
        """What an anchor pulls at, given how unlike the style's places are."""
        tx, ty, sx, sy = anchor
        there = torch.exp(-(style_apart[place(style.grid, sx, sy)] / NEAR).square())
        return cls(place(target.grid, tx, ty), 1.0 - there)

    def cost(self, between: Tensor) -> Tensor:
        """What it costs places, (k, m), of which it is known how unlike they are to the targets', (k, n)."""
        return PULL * torch.exp(-(between[:, self.place] / NEAR).square())[:, None] * self.elsewhere


def apart(ours: _Joined, theirs: _Joined) -> Tensor:
    """How unlike places are, shape (n, m): by what is seen, to 1, and by colour, to ½."""
    seen = (1.0 - ours.features @ theirs.features.T).clamp(0, 2) / 2
    coloured = 1.0 - torch.exp(-torch.cdist(ours.colours, theirs.colours).square())
    return seen + 0.5 * coloured


def _together(parts: Sequence[Places]) -> _Joined:
    return _Joined(*(torch.cat([getattr(part, name) for part in parts]) for name in ("features", "colours", "heights")))


def _cost(ours: _Joined, theirs: _Joined) -> Tensor:
    return 1.0 - ours.features @ theirs.features.T + HEIGHT * (ours.heights[:, None] - theirs.heights).square()


def _masses(target: Overview) -> Tensor:
    return _normalised(target.present + 1e-6)


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


def _certainty(plan: Plan, unlike: Tensor, style_masses: Tensor) -> float:
    """How much nearer what is seen at partners is than at any two places, 0 to 1."""
    chance = (unlike @ style_masses) @ plan.masses
    reached = (plan.coupling * unlike).sum()
    return float(((chance - reached) / chance.clamp_min(1e-6)).clamp(0, 1))
