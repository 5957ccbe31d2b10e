"""A series of pictures: which of them stand for all, where looking at each would take too long."""

from __future__ import annotations

FITTED = 12
"""The most pictures that the common colours of a series are fitted on. Fitted on 4 of 16 frames of four slow sequences,
the scores and temporal errors are those on 12 to 3 %; a dozen leaves room for more kinds of light, and is fitted in the
time that a dozen photographs take."""


PLANNED = 4
"""The most of those that have one plan, which the others follow, and one correction: the time and memory of a plan grow
with their square, and the correction keeps what a network sees of each."""


def spread(count: int, most: int | None = None) -> list[int]:
    """The numbers, from 0, of so many of a series that stand for all: those that its colours are fitted on."""
    some = min(FITTED if most is None else most, count)
    return [(2 * number + 1) * count // (2 * some) for number in range(some)]
