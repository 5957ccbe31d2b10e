"""What is drawn over pictures that are shown elsewhere: shades over their places, lines between them, and marks.

It is made of pixels and labels, for not every GIMP's Python has cairo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gi.repository import Gdk, GdkPixbuf, Gtk

from decouple_contract.settings import Spot
from decoupled_style.ui.geometry import Geometry, Point
from decoupled_style.ui.looks import pixbuf_of
from decoupled_style.ui.places import Grid, alphas

CORE, EDGE = 0xFFFFFFFF, 0x000000C0
"""Colours of a line, which is to be seen on any picture."""

THICKNESS = ((4, EDGE), (2, CORE))
"""Pixels and colour of what a line is made of, from below."""

STYLE = b"""
label.decoupled-end, label.decoupled-spot {
    min-width: 16px; min-height: 16px; padding: 0; border-radius: 10px;
    font-size: 11px; font-weight: bold; color: black;
    background-color: white; border: 2px solid black;
}
label.decoupled-end.chosen { background-color: #ffd54a; }
label.decoupled-spot { background-color: transparent; border-color: white; box-shadow: 0 0 0 2px black; }
"""
"""Numbers at the ends of lines, and a ring around the spot that the keys move."""

MARK_REACH = 10
"""Pixels from a mark's middle to its edge."""


@dataclass(frozen=True)
class Shown:
    """A picture on the screen: the widget that shows it, and where it lies in that."""

    widget: Gtk.Widget
    geometry: Geometry

    def spot_at(self, over: Gtk.Widget, point: Point) -> Spot | None:
        """The spot of the picture at a point of another widget; None beside what is seen of it."""
        here = over.translate_coordinates(self.widget, round(point[0]), round(point[1]))
        return self.geometry.fraction_at(*here) if here is not None else None

    def point_of(self, over: Gtk.Widget, spot: Spot) -> Point:
        """The point of another widget where a spot is, or would be if more of the picture were seen."""
        x, y = self.geometry.point_at(*spot)
        left, top = self.widget.translate_coordinates(over, 0, 0) or (0, 0)
        return x + left, y + top

    def sees(self, spot: Spot) -> bool:
        """Whether a spot is in view."""
        return self.widget.get_mapped() and self.geometry.fraction_at(*self.geometry.point_at(*spot)) is not None

    def area(self, over: Gtk.Widget) -> tuple[int, int, int, int]:
        """What is seen of the picture, as left, top, width and height in another widget."""
        left, top = self.widget.translate_coordinates(over, 0, 0) or (0, 0)
        return (left + self.geometry.corner[0], top + self.geometry.corner[1], *self.geometry.shown)


@dataclass
class Scene:
    """What there is to see.

    Attributes
    ----------
    shades : list
        Pictures with how much each of their places takes.
    lines : list
        Pairs of points.
    marks : list
        Points with their text and the names of their style.
    """

    shades: list[tuple[Shown, Grid]] = field(default_factory=list)  # compared with each other
    lines: list[tuple[Point, Point]] = field(default_factory=list)
    marks: list[tuple[Point, str, Sequence[str]]] = field(default_factory=list)


class PictureOverlay(Gtk.Overlay):
    """Holds widgets that show pictures and draws over them; what lies below is used as if nothing lay above."""

    def __init__(self, below: Gtk.Widget) -> None:
        super().__init__()
        self.add(below)
        self._pixels = Gtk.Image(halign=Gtk.Align.START, valign=Gtk.Align.START)
        self._marks = Gtk.Fixed()
        for above in (self._pixels, self._marks):
            self.add_overlay(above)
            self.set_overlay_pass_through(above, True)
        provider = Gtk.CssProvider()
        provider.load_from_data(STYLE)
        screen = Gdk.Screen.get_default()
        if screen is not None:
            Gtk.StyleContext.add_provider_for_screen(screen, provider, Gtk.STYLE_PROVIDER_PRIORITY_APPLICATION)

    def draw_scene(self, scene: Scene) -> None:
        """Show this and nothing else."""
        self._pixels.set_from_pixbuf(self._painted(scene) if scene.shades or scene.lines else None)
        for old in self._marks.get_children():
            old.destroy()
        for (x, y), text, names in scene.marks:
            mark = Gtk.Label(label=text)
            for name in names:
                mark.get_style_context().add_class(name)
            self._marks.put(mark, max(0, round(x) - MARK_REACH), max(0, round(y) - MARK_REACH))
        self._marks.show_all()

    def _painted(self, scene: Scene) -> GdkPixbuf.Pixbuf | None:
        room = self.get_allocation()
        canvas = GdkPixbuf.Pixbuf.new(GdkPixbuf.Colorspace.RGB, True, 8, room.width, room.height)
        if canvas is None:
            return None
        canvas.fill(0)
        opaque = alphas([grid for _shown, grid in scene.shades]) if scene.shades else []
        for (shown, grid), shade in zip(scene.shades, opaque, strict=True):
            self._shade(canvas, shown, shade, len(grid))
        for thickness, colour in THICKNESS:
            for begin, end in scene.lines:
                _draw_line(canvas, begin, end, thickness, colour)
        return canvas

    def _shade(self, canvas: GdkPixbuf.Pixbuf, shown: Shown, shade: Sequence[int], rows: int) -> None:
        """Darken what takes little; where a picture reaches beyond the canvas, no more than that can hold."""
        columns = len(shade) // rows
        small = pixbuf_of(b"".join(bytes((0, 0, 0, alpha)) for alpha in shade), columns, rows)
        (x, y), (right, bottom) = (shown.point_of(self, corner) for corner in ((0.0, 0.0), (1.0, 1.0)))
        left, top, width, height = shown.area(self)
        width, height = min(width, canvas.get_width() - left), min(height, canvas.get_height() - top)
        if min(left, top) >= 0 and min(width, height) > 0:
            scales = ((right - x) / columns, (bottom - y) / rows)
            small.composite(canvas, left, top, width, height, x, y, *scales, GdkPixbuf.InterpType.BILINEAR, 255)


def _draw_line(canvas: GdkPixbuf.Pixbuf, begin: Point, end: Point, thickness: int, colour: int) -> None:
    """Set squares along the way, near enough to each other to be one line."""
    steps = max(1, round(max(abs(end[0] - begin[0]), abs(end[1] - begin[1])) / (thickness / 2)))
    for step in range(steps + 1):
        x, y = (round(a + (b - a) * step / steps - thickness / 2) for a, b in zip(begin, end, strict=True))
        if 0 <= x <= canvas.get_width() - thickness and 0 <= y <= canvas.get_height() - thickness:
            canvas.new_subpixbuf(x, y, thickness, thickness).fill(colour)
