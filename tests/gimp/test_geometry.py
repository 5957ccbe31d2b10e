"""Where a picture lies in the preview's widget, whatever its size, the zoom and the pan; without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from decouple_contract.jobs import Raster, View

if TYPE_CHECKING:
    from decoupled_style.ui.geometry import Geometry

pytestmark = pytest.mark.usefixtures("package")

sides = st.integers(1, 6000)
rooms = st.integers(8, 1600)  # at the closest zoom, one pixel of the picture
shares = st.floats(0, 1)
zooms = st.floats(0.01, 10)


def seen(width: int, height: int, room: tuple[int, int], scale: float, at: tuple[float, float]) -> Geometry:
    """A picture in a window, zoomed in at a point of the window."""
    from decoupled_style.ui.geometry import Geometry

    geometry = Geometry(width, height)
    geometry.resize(*room)
    geometry.zoom(scale, (at[0] * room[0], at[1] * room[1]))
    return geometry


looks: dict[str, Any] = {
    "width": sides,
    "height": sides,
    "room": st.tuples(rooms, rooms),
    "scale": zooms,
    "at": st.tuples(shares, shares),
}


@given(**looks)
def test_what_is_seen_lies_in_the_picture_and_in_the_window(**look: Any) -> None:
    geometry, (across, down) = seen(**look), look["room"]
    view = geometry.view
    assert view.lies_in(Raster(look["width"], look["height"], 4))
    assert geometry.shown[0] <= across
    assert geometry.shown[1] <= down
    assert geometry.corner >= (0, 0)
    assert geometry.shows_all == geometry.is_whole(view)


@given(**looks, point=st.tuples(shares, shares))
def test_widget_and_picture_and_back(point: tuple[float, float], **look: Any) -> None:
    geometry = seen(**look)
    x, y = (edge + share * side for edge, share, side in zip(geometry.corner, point, geometry.shown, strict=True))
    fraction = geometry.fraction_at(x, y)
    assert fraction is not None
    assert min(fraction) >= 0
    assert max(fraction) <= 1
    back = geometry.point_at(*fraction)
    assert back == pytest.approx((x, y), abs=1)  # the last pixel may be shown in part
    assert geometry.nearest_fraction(*back) == pytest.approx(fraction)


@given(**looks)
def test_beside_the_picture_is_nothing(**look: Any) -> None:
    geometry = seen(**look)
    left, top = geometry.corner
    assert geometry.fraction_at(left - 1, top) is None
    assert geometry.fraction_at(left, top + geometry.shown[1] + 1) is None


@given(**looks, closer=st.floats(1.1, 4), point=st.tuples(shares, shares))
def test_zoom_keeps_what_is_under_the_pointer(closer: float, point: tuple[float, float], **look: Any) -> None:
    """As far as the picture's edges allow, and to the pixel of the smaller one of both zooms."""
    geometry = seen(**look)
    x, y = (edge + share * side for edge, share, side in zip(geometry.corner, point, geometry.shown, strict=True))
    before = geometry.fraction_at(x, y)
    assert before is not None
    scale = geometry.scale
    geometry.zoom(scale * closer, (x, y))
    assume(geometry.scale > scale)
    after = geometry.point_at(*before)
    free = [
        0 < start < side - room
        for start, room, side in zip(
            (geometry.view.x, geometry.view.y),
            (geometry.view.width, geometry.view.height),
            geometry.view.sides(Raster(look["width"], look["height"], 4)),
            strict=True,
        )
    ]
    for inside, now, then in zip(free, after, (x, y), strict=True):
        assert not inside or now == pytest.approx(then, abs=2 * max(1.0, geometry.scale) + 1)


def test_the_corners_of_a_fitted_picture() -> None:
    """By hand: 400 x 200 in a window of 200 x 200 is shown at half size, 50 pixels down."""
    geometry = seen(400, 200, (200, 200), 0.01, (0.5, 0.5))
    assert geometry.scale == 0.5
    assert geometry.view == View(200, 0, 0, 200, 100)
    assert geometry.fraction_at(0, 49) is None
    assert geometry.fraction_at(0, 50) == (0, 0)
    assert geometry.fraction_at(100, 100) == (0.5, 0.5)
    assert geometry.point_at(1, 1) == (200, 150)


def test_zoom_and_pan_by_hand() -> None:
    """1000 x 500 at full size in 200 x 100, then ten pixels to the right and beyond the edge."""
    geometry = seen(1000, 500, (200, 100), 1.03, (0.5, 0.5))  # nearly full size is full size
    assert geometry.view == View(1000, 400, 200, 200, 100)
    geometry.move(10, 0)
    assert geometry.view.x == 410
    geometry.move(1e6, -1e6)
    assert (geometry.view.x, geometry.view.y) == (800, 0)
    assert geometry.fraction_at(200, 0) == (1, 0)
    assert geometry.share_at(50) == 0.25


def test_pixels_of_one_view_under_another() -> None:
    """The whole at half size lies under a part at full size twice as large, and reaches beyond it."""
    geometry = seen(400, 400, (200, 200), 1.0, (0.5, 0.5))
    assert geometry.view == View(400, 100, 100, 200, 200)
    under = geometry.stretch(View(200, 0, 0, 200, 200))
    assert (under.left, under.top, under.width, under.height) == (0, 0, 200, 200)
    assert (under.x, under.y, under.factor) == (-100, -100, 2)
    beside = geometry.stretch(View(400, 200, 150, 10, 20))
    assert (beside.left, beside.top, beside.width, beside.height) == (100, 50, 10, 20)
    assert geometry.stretch(View(400, 390, 390, 10, 10)).width <= 0


@given(**looks, spot=st.tuples(shares, shares))
def test_a_detail_is_at_full_size_around_its_spot_and_beside_its_part(spot: tuple[float, float], **look: Any) -> None:
    geometry = seen(**look)
    detail = geometry.detail(spot)
    if detail is None:
        assert geometry.scale >= 1 or min(geometry.shown) < 80 or max(geometry.shown) < 120
        return
    view, (left, top, width, height), frame = detail.view, detail.corner, detail.frame
    sides = (look["width"], look["height"])
    assert view.longest == max(sides), "full size"
    assert view.lies_in(Raster(*sides, 4))
    assert (width, height) == (view.width, view.height), "one pixel of the layer for each of the screen"
    assert left in (0, geometry.shown[0] - width)
    assert top in (0, geometry.shown[1] - height)
    for at, start, room, side in zip(spot, (view.x, view.y), (view.width, view.height), sides, strict=True):
        assert start - 1 <= at * side <= start + room + 1, "the spot is seen"
    covered = {(x, y) for x in range(left, left + width, 7) for y in range(top, top + height, 7)}
    x, y, across, down = frame
    assert not {(at, row) for at, row in covered if x <= at < x + across and y <= row < y + down}
    seen_at = geometry.point_at(view.x / sides[0], view.y / sides[1])
    framed_at = [corner + start for corner, start in zip(geometry.corner, (x, y), strict=True)]
    assert framed_at == pytest.approx(seen_at, abs=1.5), "the frame lies where its part is seen"


def test_a_detail_moves_by_half_as_far_as_the_picture_reaches() -> None:
    geometry = seen(2000, 1000, (800, 600), 0.1, (0.5, 0.5))
    detail = geometry.detail((0.5, 0.5))
    assert detail is not None
    assert (detail.view.x, detail.view.y, detail.view.width) == (900, 400, 200)
    assert geometry.beside(detail, 1, 0) == (0.55, 0.5)
    for _step in range(20):
        detail = geometry.detail(geometry.beside(detail, 1, -1))
        assert detail is not None
    assert (detail.view.x, detail.view.y) == (1800, 0)
