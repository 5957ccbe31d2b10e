"""Lines from a place of the style to a place of the picture, each of which says "take it from here".

They are what the setting `match` holds, and need no display. A place is given as fractions of the width and height of
its picture, (0, 0) at the top left.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from decouple_contract.errors import InputError
from decouple_contract.jobs import Where
from decouple_contract.settings import MATCH_LENGTH, Spot, read_matches
from decoupled_style.ui.geometry import Point

DIGITS = 3
"""Of a fraction: a thousandth of a picture is a fifteenth of one of its places, or less."""

MIDDLE: Spot = (0.5, 0.5)

FIRST = 0
"""The style that lines begin in, of several."""


class Side(enum.Enum):
    """One of the two pictures."""

    TARGET = "target"
    STYLE = "style"

    @property
    def other(self) -> Side:
        """The other picture."""
        return Side.STYLE if self is Side.TARGET else Side.TARGET


@dataclass(frozen=True)
class Line:
    """What resembles the target's spot is to take its look from what resembles the style's."""

    target: Spot
    style: Spot

    def end(self, side: Side) -> Spot:
        """Its end in one of the pictures."""
        return self.target if side is Side.TARGET else self.style

    def moved(self, side: Side, spot: Spot) -> Line:
        """The same with another end there."""
        return replace(self, target=spot) if side is Side.TARGET else replace(self, style=spot)


class Pointer(NamedTuple):
    """A spot that is pointed at, in the picture or in one of the styles."""

    side: Side
    spot: Spot
    style: int = FIRST

    def question(self, plan: str | None) -> Where:
        """Which places of the other side belong to it by a plan."""
        return Where(*self.spot, None if self.side is Side.TARGET else self.style, plan)


class Drag(NamedTuple):
    """A line that is being drawn from a spot of the style, or, with its number, one that is aimed elsewhere."""

    begin: Spot
    number: int | None
    pressed: Point
    now: Point
    moves: bool = False


class Lines:
    """The lines of a pair of pictures.

    Parameters
    ----------
    text
        Those to begin with, as the argument `match` has them.
    """

    def __init__(self, text: str = "") -> None:
        self._lines = _read(text)

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)

    def __getitem__(self, number: int) -> Line:
        return self._lines[number]

    @property
    def text(self) -> str:
        """As the argument `match` has them."""
        return " ".join(f"{_words(one.target)}={_words(one.style)}" for one in self)

    def add(self, line: Line) -> None:
        """Draw one more."""
        self._lines = (*self._lines, line)

    def remove(self, number: int) -> None:
        """Take one away."""
        self._lines = self._lines[:number] + self._lines[number + 1 :]

    def move(self, number: int, side: Side, spot: Spot) -> None:
        """Put an end of one elsewhere."""
        moved = self._lines[number].moved(side, spot)
        self._lines = (*self._lines[:number], moved, *self._lines[number + 1 :])

    def take(self, text: str) -> bool:
        """Take lines that were set elsewhere; returns whether they are others."""
        lines = _read(text)
        changed = lines != _read(self.text)
        if changed:
            self._lines = lines
        return changed

    def at(self, side: Side, spot: Spot, reach: Spot) -> int | None:
        """The line whose end there is nearest to a spot, within reach of it, across and down."""
        apart = [
            sum(((end - at) / within) ** 2 for end, at, within in zip(one.end(side), spot, reach, strict=True))
            for one in self
        ]
        nearest = min(range(len(apart)), key=apart.__getitem__, default=None)
        return nearest if nearest is not None and apart[nearest] <= 1 else None


class Mark:
    """A spot that the arrow keys move in either picture, and from which they draw a line.

    Attributes
    ----------
    side : Side
        Where it is.
    spot : tuple of float
    begun : tuple of float or None
        The end, in the other picture, of the line that is being drawn.
    """

    def __init__(self) -> None:
        self.side, self.spot = Side.STYLE, MIDDLE
        self.begun: Spot | None = None
        self._elsewhere = MIDDLE

    def move(self, across: float, down: float) -> None:
        """Go further to the right and down, within the picture."""
        x, y = self.spot
        self.spot = (min(max(x + across, 0.0), 1.0), min(max(y + down, 0.0), 1.0))

    def put(self, side: Side, spot: Spot) -> None:
        """Go to a spot, giving up a line that was begun."""
        if side is not self.side:
            self._cross(None)
        self.spot, self.begun = spot, None

    def switch(self) -> None:
        """Go to the other picture, where it was there; a line that was begun is given up."""
        self.begun = None
        self._cross(None)

    def take(self, to: Spot | None = None) -> Line | None:
        """Begin a line here, and go on in the other picture; or end the one that was begun, which is returned."""
        if self.begun is None:
            begun = self.spot
            self._cross(to)
            self.begun = begun
            return None
        ends, self.begun = {self.side: self.spot, self.side.other: self.begun}, None
        return Line(ends[Side.TARGET], ends[Side.STYLE])

    def give_up(self) -> bool:
        """Give up the line that was begun, and go back to its end; returns whether there was one."""
        if self.begun is None:
            return False
        back, self.begun = self.begun, None
        self._cross(back)
        return True

    def _cross(self, to: Spot | None) -> None:
        self._elsewhere, self.spot = self.spot, to or self._elsewhere
        self.side = self.side.other


def _read(text: str) -> tuple[Line, ...]:
    """The lines of a text; none where it cannot be read, as whoever runs with it will say."""
    try:
        numbers = read_matches(text)
    except InputError:
        return ()
    return tuple(_line(numbers[first : first + MATCH_LENGTH]) for first in range(0, len(numbers), MATCH_LENGTH))


def _line(numbers: Sequence[float]) -> Line:
    tx, ty, sx, sy = numbers
    return Line((tx, ty), (sx, sy))


def _words(spot: Spot) -> str:
    return ",".join(f"{round(at, DIGITS):g}" for at in spot)
