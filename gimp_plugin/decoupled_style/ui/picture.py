"""A window on a large picture: as it was, as it will be, or both beside a handle; with zoom and pan.

It knows nothing of where its pixels come from: whoever shows it hands them over for the view that it asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gi.repository import Gdk, GdkPixbuf, GLib, Gtk

from decouple_contract.jobs import Raster, View
from decoupled_style.messages import _

CHECKS = (8, 0xFF999999, 0xFF666666)
"""Size and colours of the checks behind what is transparent, as GIMP draws them."""

ZOOM_STEP = 2**0.5
LARGEST = 8.0
"""How far single pixels may be enlarged."""

HANDLE_REACH = 12
"""Pixels on either side of the handle in which the mouse takes it."""

DIMMED = 0.45
"""Opacity while what is shown is not what is wanted."""

LINE, EDGE = 0xFFFFFFFF, 0x000000FF
"""Colours of the handle's line, which is to be seen on any picture."""


@dataclass(frozen=True)
class Look:
    """What a view shows: before and after, each as large as the view, and why it was made as it was."""

    view: View
    before: GdkPixbuf.Pixbuf
    after: GdkPixbuf.Pixbuf
    reasons: str = ""


class Picture(Gtk.ScrolledWindow):
    """Shows looks.

    Parameters
    ----------
    width, height
        Of the whole picture, in pixels.
    moved
        Called when another view is wanted.
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
        self._raster, self._moved = Raster(width, height, 4), moved
        self._zoom: float | None = None
        self._centre = (0.5, 0.5)
        self._look: Look | None = None
        self._whole: Look | None = None
        self._split: float | None = None
        self._comparing = self._plain = False
        self._drag: tuple[float, float, tuple[float, float], bool] | None = None
        self._size = (0, 0)
        self._image = Gtk.Image(halign=Gtk.Align.CENTER, valign=Gtk.Align.CENTER)
        self._events = Gtk.EventBox()
        self._events.add(self._image)
        self.add(self._events)
        self._events.add_events(Gdk.EventMask.SCROLL_MASK | Gdk.EventMask.POINTER_MOTION_MASK)
        self._events.connect("button-press-event", self._pressed)
        self._events.connect("button-release-event", self._released)
        self._events.connect("motion-notify-event", self._motion)
        self._events.connect("scroll-event", self._scrolled)
        self.connect("key-press-event", self._key)
        self.connect("key-release-event", self._key_released)
        self.connect("size-allocate", self._resized)

    @property
    def scale(self) -> float:
        """Pixels on the screen for each of the picture."""
        return self._zoom if self._zoom is not None else self._fitting()

    @property
    def view(self) -> View:
        """The view that is wanted now."""
        longest = max(self._raster.width, self._raster.height)
        view = View(max(1, round(min(1.0, self.scale) * longest)), 0, 0, 1, 1)
        sides = view.sides(self._raster)
        enlarged = max(1.0, self.scale)
        shown = [max(1, min(side, int(room / enlarged))) for side, room in zip(sides, self._size, strict=True)]
        corner = [
            min(max(0, round(centre * side - room / 2)), side - room)
            for centre, side, room in zip(self._centre, sides, shown, strict=True)
        ]
        return View(view.longest, corner[0], corner[1], shown[0], shown[1])

    @property
    def shows_all(self) -> bool:
        """Whether the whole picture is in view."""
        view = self.view
        return (view.width, view.height) == view.sides(self._raster)

    def show_look(self, look: Look) -> None:
        """Show what belongs to a view."""
        self._look = look
        if (look.view.width, look.view.height) == look.view.sides(self._raster):
            self._whole = look
        self._draw()

    def renew(self, width: int, height: int) -> None:
        """The picture itself has changed; what is known of it is old."""
        if (width, height) != (self._raster.width, self._raster.height):
            self._raster = Raster(width, height, 4)
            self._look = self._whole = None

    def dim(self, dimmed: bool) -> None:
        """Whether what is shown is not what is wanted."""
        self._image.set_opacity(DIMMED if dimmed else 1.0)

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
        self._go(None, (0.5, 0.5))

    def zoom(self, scale: float, at: tuple[float, float] = (0.5, 0.5)) -> None:
        """Show it at so many pixels of the screen for each of its own, `at` staying where it is in the window."""
        least = min(1.0, self._fitting())
        scale = min(LARGEST, max(least, scale))
        if 0.94 < scale < 1.06:
            scale = 1.0
        before = self.view
        sides = before.sides(self._raster)
        place = [
            (corner + share * room) / side
            for corner, share, room, side in zip(
                (before.x, before.y), at, (before.width, before.height), sides, strict=True
            )
        ]
        if scale <= least:
            self._go(None, (0.5, 0.5))
            return
        rooms = [
            min(1.0, size / (scale * side))
            for size, side in zip(self._size, (self._raster.width, self._raster.height), strict=True)
        ]
        centre = [p - (share - 0.5) * room for p, share, room in zip(place, at, rooms, strict=True)]
        self._go(scale, (centre[0], centre[1]))

    def _fitting(self) -> float:
        return min(
            1.0,
            *(
                max(1, size) / side
                for size, side in zip(self._size, (self._raster.width, self._raster.height), strict=True)
            ),
        )

    def _go(self, zoom: float | None, centre: tuple[float, float]) -> None:
        self._zoom = zoom
        rooms = [
            min(1.0, size / (self.scale * side))
            for size, side in zip(self._size, (self._raster.width, self._raster.height), strict=True)
        ]
        clamped = [min(max(c, room / 2), 1 - room / 2) for c, room in zip(centre, rooms, strict=True)]
        self._centre = (clamped[0], clamped[1])
        self._draw()
        self._moved()

    def _resized(self, _widget: Gtk.Widget, room: Gdk.Rectangle) -> None:
        if (room.width, room.height) != self._size:
            self._size = (room.width, room.height)
            self._draw()
            self._moved()

    def _draw(self) -> None:
        """Put before, after or both on the screen; of another view, what can be had of it, stretched."""
        view = self.view
        found = self._look if self._look is not None and self._look.view == view else None
        source = found or self._whole or self._look
        if source is None or min(self._size) <= 1:
            return
        before, after = (self._fitted(pixbuf, source.view, view) for pixbuf in (source.before, source.after))
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
        self._image.set_from_pixbuf(shown)

    def _fitted(self, pixbuf: GdkPixbuf.Pixbuf, of: View, view: View) -> GdkPixbuf.Pixbuf:
        """A picture of one view on the screen as another one."""
        enlarged = max(1.0, self.scale)
        width, height = max(1, round(view.width * enlarged)), max(1, round(view.height * enlarged))
        factor = view.longest / of.longest * enlarged
        size, light, dark = CHECKS
        made = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, width, height)
        assert made is not None, "it is no larger than the screen"
        made.fill(0)
        x, y = (of.x * factor - view.x * enlarged), (of.y * factor - view.y * enlarged)
        right, bottom = min(width, x + of.width * factor), min(height, y + of.height * factor)
        left, top = max(0, round(x)), max(0, round(y))
        if round(right) > left and round(bottom) > top:
            how = GdkPixbuf.InterpType.NEAREST if factor >= 1 and of == view else GdkPixbuf.InterpType.BILINEAR
            pixbuf.composite_color(
                made,
                left,
                top,
                round(right) - left,
                round(bottom) - top,
                x,
                y,
                factor,
                factor,
                how,
                255,
                0,
                0,
                size,
                light,
                dark,
            )
        return made

    def _place(self, event: Gdk.EventButton | Gdk.EventMotion | Gdk.EventScroll) -> tuple[float, float]:
        """Where the mouse is, as shares of what is shown."""
        view = self.view
        enlarged = max(1.0, self.scale)
        shown = (view.width * enlarged, view.height * enlarged)
        inside = self._events.get_allocation()
        x = (event.x - (inside.width - shown[0]) / 2) / max(1.0, shown[0])
        y = (event.y - (inside.height - shown[1]) / 2) / max(1.0, shown[1])
        return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)

    def _pressed(self, _widget: Gtk.Widget, event: Gdk.EventButton) -> bool:
        self.grab_focus()
        if event.type != Gdk.EventType.BUTTON_PRESS:
            return False
        x, _y = self._place(event)
        handle = self._split is not None and abs(x - self._split) * self.view.width < HANDLE_REACH
        self._drag = (event.x, event.y, self._centre, handle)
        if not handle and event.button == 1:
            self._compare(True)
        return True

    def _motion(self, _widget: Gtk.Widget, event: Gdk.EventMotion) -> bool:
        if self._drag is None:
            return False
        x, y, centre, handle = self._drag
        if handle:
            self._split = self._place(event)[0]
            self._draw()
        elif not self.shows_all and abs(event.x - x) + abs(event.y - y) > 4:
            self._comparing = False
            self._go(
                self._zoom,
                (
                    centre[0] - (event.x - x) / (self.scale * self._raster.width),
                    centre[1] - (event.y - y) / (self.scale * self._raster.height),
                ),
            )
        return True

    def _released(self, _widget: Gtk.Widget, _event: Gdk.EventButton) -> bool:
        self._drag = None
        self._compare(False)
        return True

    def _scrolled(self, _widget: Gtk.Widget, event: Gdk.EventScroll) -> bool:
        steps = {Gdk.ScrollDirection.UP: 1, Gdk.ScrollDirection.DOWN: -1}.get(event.direction, 0)
        if steps:
            self.zoom(self.scale * ZOOM_STEP**steps, self._place(event))
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
            self.zoom(self.scale * zooms[name])
        elif name in ("0", "KP_0"):
            self.fit()
        elif name in ("1", "KP_1"):
            self.zoom(1.0)
        elif name == "space":
            self._compare(True)
        elif name in moves and self._split is not None and moves[name][0]:
            self._split = min(1.0, max(0.0, self._split + 0.02 * moves[name][0]))
            self._draw()
        elif name in moves and not self.shows_all:
            x, y = moves[name]
            self._go(
                self._zoom,
                (
                    self._centre[0] + 0.1 * x * self._size[0] / (self.scale * self._raster.width),
                    self._centre[1] + 0.1 * y * self._size[1] / (self.scale * self._raster.height),
                ),
            )
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


def pixbuf_of(data: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """R'G'B'A bytes as GTK takes them."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, True, 8, width, height, width * 4
    )
