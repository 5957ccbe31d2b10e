"""A window on a large picture: as it was, as it will be, or both beside a handle; with zoom and pan.

It knows nothing of where its pixels come from: whoever shows it hands them over for the view that it asks for. Which
view that is, and where a point of the picture is seen, its `geometry` tells.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gi.repository import Gdk, GdkPixbuf, Gtk

from decouple_contract.jobs import View
from decoupled_style.messages import _
from decoupled_style.ui.geometry import MIDDLE, Box, Detail, Geometry, Point, Stretch, stretch
from decoupled_style.ui.looks import Look

CHECKS = (8, 0xFF999999, 0xFF666666)
"""Size and colours of the checks behind what is transparent, as GIMP draws them."""

ZOOM_STEP = 2**0.5

HANDLE_REACH = 12
"""Pixels on either side of the handle in which the mouse takes it."""

DRAG_REACH = 4
"""Pixels that the mouse may tremble before a press becomes a drag."""

KEY_SHARE = 0.1
"""Share of the window by which an arrow key moves it."""

DIMMED = 0.45
"""Opacity while what is shown is not what is wanted."""

LINE, EDGE = 0xFFFFFFFF, 0x000000FF
"""Colours of the handle's line and of frames, which are to be seen on any picture."""

CLICK_MS = 400
"""A press that is shorter is a click; a longer one compares."""

BEHIND_OLD = 0x808080FF
"""What shows through a detail that is not what is wanted."""


class Drag(NamedTuple):
    """The mouse is held: where it was last, and whether it moves the handle, or the picture, of which it is sure."""

    x: float
    y: float
    handle: bool
    moves: bool = False
    since: int = 0  # milliseconds


class Picture(Gtk.ScrolledWindow):
    """Shows looks.

    Parameters
    ----------
    width, height
        Of the whole picture, in pixels.
    moved
        Called when another view is wanted.

    Attributes
    ----------
    geometry : Geometry
    pointed : callable
        Told the point of the picture that the mouse rests on, and None when it is elsewhere.
    drawn : callable
        Called when something was drawn, perhaps elsewhere than before.
    """

    def __init__(self, width: int, height: int, moved: Callable[[], None]) -> None:
        # It must not ask for the room of what it shows, or the window could not be made smaller again.
        super().__init__(
            hscrollbar_policy=Gtk.PolicyType.EXTERNAL,
            vscrollbar_policy=Gtk.PolicyType.EXTERNAL,
            hexpand=True,
            vexpand=True,
            can_focus=True,
            shadow_type=Gtk.ShadowType.NONE,
            tooltip_text=_(
                "Press and hold to compare, drag to move, use the wheel to zoom. Keys: + "
                "and - zoom, 0 fits, 1 shows full size, the space bar compares."
            ),
        )
        self.geometry, self._moved = Geometry(width, height), moved
        self._look: Look | None = None
        self._whole: Look | None = None
        self._split: float | None = None
        self._comparing = self._plain = False
        self._drag: Drag | None = None
        self._spot: Point = MIDDLE  # that the detail is around
        self._has_detail = self._detail_is_old = False
        self._detail_look: Look | None = None
        self.pointed: Callable[[Point | None], None] = lambda _spot: None
        self.drawn: Callable[[], object] = lambda: None
        self._image = Gtk.Image(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._events = Gtk.EventBox()
        self._events.add(self._image)
        self.add(self._events)
        self._events.add_events(
            Gdk.EventMask.SCROLL_MASK
            | Gdk.EventMask.POINTER_MOTION_MASK
            | Gdk.EventMask.ENTER_NOTIFY_MASK
            | Gdk.EventMask.LEAVE_NOTIFY_MASK
        )
        self._events.connect("button-press-event", self._pressed)
        self._events.connect("button-release-event", self._released)
        self._events.connect("motion-notify-event", self._motion)
        self._events.connect("enter-notify-event", self._entered)
        self._events.connect("leave-notify-event", self._left)
        self._events.connect("scroll-event", self._scrolled)
        self.connect("key-press-event", self._key)
        self.connect("key-release-event", self._key_released)
        self.connect("size-allocate", self._resized)

    def show_look(self, look: Look) -> None:
        """Show what belongs to a view."""
        self._look = look
        if self.geometry.is_whole(look.view):
            self._whole = look
        self._draw()

    def renew(self, width: int, height: int) -> None:
        """The picture itself has changed; what is known of it is old."""
        if self.geometry.renew(width, height):
            self._look = self._whole = self._detail_look = None

    def dim(self, dimmed: bool, detail: bool = False) -> None:
        """Whether what is shown is not what is wanted, and whether the detail alone is not."""
        self._image.set_opacity(DIMMED if dimmed else 1.0)
        if detail != self._detail_is_old:
            self._detail_is_old = detail
            self._draw()

    @property
    def detail(self) -> Detail | None:
        """The part that is shown at full size in a corner, where one is."""
        return self.geometry.detail(self._spot) if self._has_detail else None

    def with_detail(self, wanted: bool) -> None:
        """Show a detail in a corner, or none."""
        self._has_detail = wanted
        self._has_moved()

    def show_detail(self, look: Look) -> None:
        """Show what belongs to a view of the detail."""
        self._detail_look = look
        self._draw()

    def _move_detail(self, spot: Point) -> None:
        self._spot = spot
        self._has_moved()

    def plain(self, plain: bool) -> None:
        """Show before alone, as long as nothing is to come after it."""
        if plain != self._plain:
            self._plain = plain
            self._draw()

    def split(self, split: bool) -> None:
        """Show before on the left of a handle, after on its right."""
        self._split = 0.5 if split else None
        self._draw()

    def fit(self) -> None:
        """Show all of it, as large as there is room, but not enlarged."""
        self.geometry.fit()
        self._has_moved()

    def zoom(self, scale: float, at: Point | None = None) -> None:
        """Show it at so many pixels of the screen for each of its own, a point of the widget staying where it is."""
        self.geometry.zoom(scale, at)
        self._has_moved()

    def _move(self, x: float, y: float) -> None:
        self.geometry.move(x, y)
        self._has_moved()

    def _has_moved(self) -> None:
        self._draw()
        self._moved()

    def _resized(self, _widget: Gtk.Widget, room: Gdk.Rectangle) -> None:
        if self.geometry.resize(room.width, room.height):
            self._has_moved()

    def _draw(self) -> None:
        """Put before, after or both on the screen; of another view, what can be had of it, stretched."""
        view = self.geometry.view
        found = self._look if self._look is not None and self._look.view == view else None
        source = found or self._whole or self._look
        if source is None or not self.geometry.has_room:
            return
        before, after = (self._fitted(pixbuf, source.view) for pixbuf in (source.before, source.after))
        only_before = self._comparing or self._plain
        shown = before if only_before else after
        if self._split is not None and not only_before:
            edge = round(self._split * shown.get_width())
            if edge:
                before.copy_area(0, 0, edge, shown.get_height(), shown, 0, 0)
            for x, width, colour in ((edge - 2, 4, EDGE), (edge - 1, 2, LINE)):
                left = min(max(0, x), shown.get_width() - width)
                if shown.get_width() > width:
                    shown.new_subpixbuf(left, 0, width, shown.get_height()).fill(colour)
        if (detail := self.detail) is not None:
            self._draw_detail(shown, detail, source, only_before)
        self._image.set_from_pixbuf(shown)
        self.drawn()

    def _fitted(self, pixbuf: GdkPixbuf.Pixbuf, of: View) -> GdkPixbuf.Pixbuf:
        """The pixels of some view on the screen as the one that is wanted."""
        made = _empty(*self.geometry.shown)
        _paint(pixbuf, made, self.geometry.stretch(of), of == self.geometry.view)
        return made

    def _draw_detail(self, shown: GdkPixbuf.Pixbuf, detail: Detail, source: Look, only_before: bool) -> None:
        """Put the detail in its corner, from what is seen of the whole until it has come, and a frame around its part.

        Where it is not what is wanted, it is as faint as the whole would be.
        """
        look = self._detail_look
        if look is None or look.view != detail.view:
            look = source
        made = _empty(*detail.corner[2:])
        at = stretch(look.view, detail.view, 1.0, (detail.view.width, detail.view.height))
        _paint(look.before if only_before else look.after, made, at, look.view == detail.view)
        place = shown.new_subpixbuf(*detail.corner)
        if self._detail_is_old:
            place.fill(BEHIND_OLD)
            faint = round(255 * DIMMED)
            made.composite(place, 0, 0, *detail.corner[2:], 0, 0, 1, 1, GdkPixbuf.InterpType.NEAREST, faint)
        else:
            made.copy_area(0, 0, *detail.corner[2:], shown, *detail.corner[:2])
        for box in (detail.frame, detail.corner):
            _draw_frame(shown, box)

    def _pressed(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        self.grab_focus()
        if event.type != Gdk.EventType.BUTTON_PRESS:
            return False
        near = (self.geometry.share_at(event.x) - (self._split or 0)) * self.geometry.shown[0]
        handle = self._split is not None and abs(near) < HANDLE_REACH
        self._drag = Drag(event.x, event.y, handle, since=event.time)
        if not handle and event.button == 1:
            self._compare(True)
        return True

    def _motion(self, _widget: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        drag = self._drag
        if drag is None:
            self.pointed(self.geometry.fraction_at(event.x, event.y))
            return False
        if drag.handle:
            self._split = self.geometry.share_at(event.x)
            self._draw()
        elif not self.geometry.shows_all and (drag.moves or abs(event.x - drag.x) + abs(event.y - drag.y) > DRAG_REACH):
            self._comparing = False
            self._move(drag.x - event.x, drag.y - event.y)
            self._drag = Drag(event.x, event.y, handle=False, moves=True)
        return True

    def _released(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        drag, self._drag = self._drag, None
        self._compare(False)
        spot = self.geometry.fraction_at(event.x, event.y)
        if drag is not None and self._has_detail and event.button == 1 and _is_click(drag, event) and spot is not None:
            self._move_detail(spot)
        return True

    def _entered(self, _widget: Gtk.Widget, event: Gdk.EventCrossing) -> bool:
        self.pointed(self.geometry.fraction_at(event.x, event.y))
        return False

    def _left(self, _widget: Gtk.Widget, _event: Gdk.EventCrossing) -> bool:
        self.pointed(None)
        return False

    def _scrolled(self, _widget: Gtk.Widget, event: Gdk.EventScroll) -> bool:
        steps = {Gdk.ScrollDirection.UP: 1, Gdk.ScrollDirection.DOWN: -1}.get(event.direction, 0)
        if steps:
            self.zoom(self.geometry.scale * ZOOM_STEP**steps, (event.x, event.y))
        return bool(steps)

    def _key(self, _widget: Gtk.Widget, event: Gdk.EventKey) -> bool:
        name = Gdk.keyval_name(event.keyval) or ""
        zooms = {
            "plus": ZOOM_STEP,
            "KP_Add": ZOOM_STEP,
            "equal": ZOOM_STEP,
            "minus": 1 / ZOOM_STEP,
            "KP_Subtract": 1 / ZOOM_STEP,
        }
        moves = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}
        if name in zooms:
            self.zoom(self.geometry.scale * zooms[name])
        elif name in ("0", "KP_0"):
            self.fit()
        elif name in ("1", "KP_1"):
            self.zoom(1.0)
        elif name == "space":
            self._compare(True)
        elif name in moves and event.state & Gdk.ModifierType.SHIFT_MASK and (detail := self.detail) is not None:
            self._move_detail(self.geometry.beside(detail, *moves[name]))
        elif name in moves and self._split is not None and moves[name][0]:
            self._split = min(1.0, max(0.0, self._split + 0.02 * moves[name][0]))
            self._draw()
        elif name in moves and not self.geometry.shows_all:
            room = self.get_allocation()
            self._move(KEY_SHARE * moves[name][0] * room.width, KEY_SHARE * moves[name][1] * room.height)
        else:
            return False
        return True

    def _key_released(self, _widget: Gtk.Widget, event: Gdk.EventKey) -> bool:
        if Gdk.keyval_name(event.keyval) == "space":
            self._compare(False)
        return False

    def _compare(self, before: bool) -> None:
        if before != self._comparing:
            self._comparing = before
            self._draw()


def _is_click(drag: Drag, end: Gdk.EventButton) -> bool:
    """Whether a press was short and stayed where it was."""
    near = abs(end.x - drag.x) + abs(end.y - drag.y) <= DRAG_REACH
    return near and not drag.handle and not drag.moves and end.time - drag.since < CLICK_MS


def _empty(width: int, height: int) -> GdkPixbuf.Pixbuf:
    made = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, width, height)
    assert made is not None, "it is no larger than the screen"
    made.fill(0)
    return made


def _paint(pixbuf: GdkPixbuf.Pixbuf, on: GdkPixbuf.Pixbuf, at: Stretch, own: bool) -> None:
    """Paint pixels over checks; those that are its own stay sharp when enlarged."""
    if at.width <= 0 or at.height <= 0:
        return
    size, light, dark = CHECKS
    how = GdkPixbuf.InterpType.NEAREST if own and at.factor >= 1 else GdkPixbuf.InterpType.BILINEAR
    area, scales = (at.left, at.top, at.width, at.height), (at.factor, at.factor)
    pixbuf.composite_color(on, *area, at.x, at.y, *scales, how, 255, 0, 0, size, light, dark)


def _draw_frame(on: GdkPixbuf.Pixbuf, box: Box) -> None:
    """Draw along the inner side of a box, as far as that is there."""
    for inset, colour in ((0, EDGE), (1, LINE), (2, EDGE)):
        left, top = box[0] + inset, box[1] + inset
        width, height = box[2] - 2 * inset, box[3] - 2 * inset
        for x, y, across, down in (
            (left, top, width, 1),
            (left, top + height - 1, width, 1),
            (left, top, 1, height),
            (left + width - 1, top, 1, height),
        ):
            begin, end = (max(0, x), max(0, y)), (min(on.get_width(), x + across), min(on.get_height(), y + down))
            if begin[0] < end[0] and begin[1] < end[1]:
                on.new_subpixbuf(*begin, end[0] - begin[0], end[1] - begin[1]).fill(colour)
