"""Where a large picture lies in its window: zoom, pan, and the way from a point of the widget to one of the picture.

Numbers alone, which need no display. A point of the picture is given as fractions of its width and height, (0, 0) at
the top left; a point of the widget in pixels of the screen, from the widget's top left.
"""

from __future__ import annotations

from dataclasses import dataclass

from decouple_contract.jobs import Raster, View

Point = tuple[float, float]

LARGEST = 8.0
"""How far single pixels may be enlarged."""

FULL_SIZE = (0.94, 1.06)
"""Zooms that are taken for full size, which is hard to meet by steps."""

MIDDLE: Point = (0.5, 0.5)

DETAIL_SIDE, LEAST_DETAIL = 200, 40
"""Longest side of a detail's corner, and the shortest that is worth a look, in pixels of the screen."""

Box = tuple[int, int, int, int]
"""Left, top, width and height."""


@dataclass(frozen=True)
class Stretch:
    """How the pixels of one view are painted where another one is shown.

    Attributes
    ----------
    left, top, width, height : int
        The part of the shown area that they cover, in its pixels; nothing where a side is not above 0.
    x, y : float
        Where their top left corner would lie.
    factor : float
        Screen pixels for each of theirs.
    """

    left: int
    top: int
    width: int
    height: int
    x: float
    y: float
    factor: float


@dataclass(frozen=True)
class Detail:
    """A part of the picture at full size, in a corner of what is shown of the picture.

    Attributes
    ----------
    view : View
    corner : tuple of int
        Where it lies, in pixels of what is shown.
    frame : tuple of int
        Where its part lies; it may reach beyond what is shown.
    """

    view: View
    corner: Box
    frame: Box


class Geometry:
    """A window on a picture.

    Parameters
    ----------
    width, height
        Of the picture, in pixels.
    """

    def __init__(self, width: int, height: int) -> None:
        self._picture = Raster(width, height, 4)
        self._window = (0, 0)
        self._zoom: float | None = None  # None fits all of it
        self._centre = MIDDLE

    @property
    def scale(self) -> float:
        """Pixels of the screen for each of the picture."""
        return self._zoom if self._zoom is not None else self._fitting()

    @property
    def enlarged(self) -> float:
        """Pixels of the screen for each of the view, which has at most as many as the picture."""
        return max(1.0, self.scale)

    @property
    def has_room(self) -> bool:
        """Whether the window is large enough to show anything."""
        return min(self._window) > 1

    @property
    def view(self) -> View:
        """The part that is seen, and how large."""
        longest = max(self._picture.width, self._picture.height)
        view = View(max(1, round(min(1.0, self.scale) * longest)), 0, 0, 1, 1)
        sides = view.sides(self._picture)
        shown = [max(1, min(side, int(room / self.enlarged))) for side, room in zip(sides, self._window, strict=True)]
        corner = [
            min(max(0, round(centre * side - room / 2)), side - room)
            for centre, side, room in zip(self._centre, sides, shown, strict=True)
        ]
        return View(view.longest, corner[0], corner[1], shown[0], shown[1])

    @property
    def shows_all(self) -> bool:
        """Whether the whole picture is in view."""
        return self.is_whole(self.view)

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height that the view takes of the screen."""
        view = self.view
        return max(1, round(view.width * self.enlarged)), max(1, round(view.height * self.enlarged))

    @property
    def full(self) -> tuple[float, float]:
        """Width and height that the whole picture would take of the screen."""
        width, height = self.view.sides(self._picture)
        return width * self.enlarged, height * self.enlarged

    @property
    def corner(self) -> tuple[int, int]:
        """The point of the widget where the view begins: it lies in the middle."""
        width, height = self.shown
        return (self._window[0] - width) // 2, (self._window[1] - height) // 2

    def is_whole(self, view: View) -> bool:
        """Whether a view is of the whole picture."""
        return (view.width, view.height) == view.sides(self._picture)

    def renew(self, width: int, height: int) -> bool:
        """Take another picture; returns whether it has other sides."""
        changed = (width, height) != (self._picture.width, self._picture.height)
        self._picture = Raster(width, height, 4)
        return changed

    def resize(self, width: int, height: int) -> bool:
        """Take another window; returns whether it has other sides."""
        changed = (width, height) != self._window
        self._window = (width, height)
        return changed

    def fraction_at(self, x: float, y: float) -> Point | None:
        """The point of the picture at a point of the widget; None beside the picture."""
        width, height = self.shown
        left, top = self.corner
        if not (left <= x <= left + width and top <= y <= top + height):
            return None
        return self.nearest_fraction(x, y)

    def nearest_fraction(self, x: float, y: float) -> Point:
        """The point of the picture in view that is nearest to a point of the widget."""
        view = self.view
        sides = view.sides(self._picture)
        along = [
            (start + min(max((at - edge) / self.enlarged, 0.0), room)) / side
            for start, at, edge, room, side in zip(
                (view.x, view.y), (x, y), self.corner, (view.width, view.height), sides, strict=True
            )
        ]
        return along[0], along[1]

    def point_at(self, across: float, down: float) -> Point:
        """The point of the widget where a point of the picture is seen, or would be if the widget were larger."""
        view = self.view
        sides = view.sides(self._picture)
        point = [
            edge + (at * side - start) * self.enlarged
            for edge, at, side, start in zip(self.corner, (across, down), sides, (view.x, view.y), strict=True)
        ]
        return point[0], point[1]

    def share_at(self, x: float) -> float:
        """How far across what is shown a point of the widget lies, from 0 to 1."""
        return min(max((x - self.corner[0]) / self.shown[0], 0.0), 1.0)

    def fit(self) -> None:
        """Show all of it, as large as there is room, but not enlarged."""
        self._zoom, self._centre = None, MIDDLE

    def zoom(self, scale: float, at: Point | None = None) -> None:
        """Show it at so many pixels of the screen for each of its own.

        What is seen `at` a point of the widget, by default the middle of the window, stays there as far as possible.
        """
        least = min(1.0, self._fitting())
        scale = min(LARGEST, max(least, scale))
        if FULL_SIZE[0] < scale < FULL_SIZE[1]:
            scale = 1.0
        if scale <= least:
            self.fit()
            return
        middle = (self._window[0] / 2, self._window[1] / 2)
        x, y = at or middle
        place = self.nearest_fraction(x, y)
        self._zoom = scale
        sides = (self._picture.width, self._picture.height)
        self._look_at(
            *(
                fraction - (point - centre) / (scale * side)
                for fraction, point, centre, side in zip(place, (x, y), middle, sides, strict=True)
            )
        )

    def move(self, x: float, y: float) -> None:
        """Look further to the right and down by so many pixels of the screen."""
        self._look_at(
            self._centre[0] + x / (self.scale * self._picture.width),
            self._centre[1] + y / (self.scale * self._picture.height),
        )

    def stretch(self, of: View) -> Stretch:
        """How the pixels of another view, or of this one, are painted where this one is shown."""
        return stretch(of, self.view, self.enlarged, self.shown)

    def detail(self, spot: Point) -> Detail | None:
        """What is around a spot, at full size; None where all is seen so already, or there is no room for it.

        It lies in the lower right corner, or in one that does not hide its part of the picture.
        """
        shown = self.shown
        side = min(DETAIL_SIDE, min(shown) // 2, max(shown) // 3)  # so that one corner is always beside the part
        if self.scale >= 1 or side < LEAST_DETAIL:
            return None
        sides = (self._picture.width, self._picture.height)
        x, y = (min(max(0, round(at * whole - side / 2)), whole - side) for at, whole in zip(spot, sides, strict=True))
        seen = self.view
        factor = seen.longest / max(sides)
        framed = max(1, round(side * factor))
        frame = (round(x * factor) - seen.x, round(y * factor) - seen.y, framed, framed)
        right, bottom = shown[0] - side, shown[1] - side
        corners = [(left, top, side, side) for left, top in ((right, bottom), (0, bottom), (right, 0), (0, 0))]
        free = next((corner for corner in corners if not _overlap(corner, frame)), corners[0])
        return Detail(View(max(sides), x, y, side, side), free, frame)

    def beside(self, detail: Detail, across: int, down: int) -> Point:
        """The spot that is half a detail away from one, to the right and down where the numbers are above 0."""
        view = detail.view
        x, y = view.x + (1 + across) * view.width / 2, view.y + (1 + down) * view.height / 2
        return x / self._picture.width, y / self._picture.height

    def _fitting(self) -> float:
        sides = (self._picture.width, self._picture.height)
        return min(1.0, *(max(1, room) / side for room, side in zip(self._window, sides, strict=True)))

    def _look_at(self, across: float, down: float) -> None:
        """Have this point of the picture in the middle, as far as the picture reaches."""
        sides = (self._picture.width, self._picture.height)
        halves = [min(1.0, room / (self.scale * side)) / 2 for room, side in zip(self._window, sides, strict=True)]
        inside = [min(max(at, half), 1 - half) for at, half in zip((across, down), halves, strict=True)]
        self._centre = (inside[0], inside[1])


def stretch(of: View, on: View, enlarged: float, room: tuple[int, int]) -> Stretch:
    """How the pixels of one view are painted where another is shown, so many times enlarged, in such a room."""
    factor = on.longest / of.longest * enlarged
    x, y = of.x * factor - on.x * enlarged, of.y * factor - on.y * enlarged
    left, top = max(0, round(x)), max(0, round(y))
    right, bottom = round(min(room[0], x + of.width * factor)), round(min(room[1], y + of.height * factor))
    return Stretch(left, top, right - left, bottom - top, x, y, factor)


def _overlap(one: Box, other: Box) -> bool:
    """Whether two boxes have pixels in common."""
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))
