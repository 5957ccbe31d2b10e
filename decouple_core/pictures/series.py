"""A series of pictures: which of them stand for all, where looking at each would take too long."""

from __future__ import annotations

FITTED = 12
"""The most pictures that the common colours of a series are fitted on. Fitted on 4 of 16 frames of four slow sequences,
the scores and temporal errors are those on 12 to 3 %; a dozen leaves room for more kinds of light, and is fitted in the
time that a dozen photographs take."""


def spread(count: int) -> list[int]:
    """The numbers, from 0, of those of a series of so many that its common colours are fitted on."""
    fitted = min(FITTED, count)
    return [(2 * number + 1) * count // (2 * fitted) for number in range(fitted)]
