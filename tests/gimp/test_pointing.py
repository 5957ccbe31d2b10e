"""Pointing at places in the dialog, drawing lines by mouse and by keys; in a real window.

The test goes on where the part before ended: a dialog takes seconds to open.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest
from test_dialog import open_picture
from test_window import jobs_done
from window import Window

from decouple_contract.settings import read_matches

AT = """
def at(shown, across, down):
    # The point of the screen where a spot of a picture is.
    x, y = shown.geometry.point_at(across, down)
    left, top = shown.translate_coordinates(shown.get_toplevel(), 0, 0)
    _, x0, y0 = shown.get_toplevel().get_window().get_origin()
    return [round(x + left + x0), round(y + top + y0)]
"""

FULL_SIZE = """
from gi.repository import GLib, Gtk

def different_from_full_size(x, y, width, height):
    # How far the detail is from the same pixels of a preview at full size, on the screen's scale, at most.
    preview = made._preview
    def bytes_of(pixbuf):
        rows, line = pixbuf.get_pixels(), pixbuf.get_rowstride()
        return b"".join(rows[row * line : row * line + 4 * width] for row in range(height))
    detail = bytes_of(preview.picture._detail_look.after)
    preview.picture.zoom(1.0)
    preview.picture.geometry.move(600, 600)
    preview.picture._has_moved()
    while not preview._schedule.shows(0):
        settle(0.2)
    look = preview.picture._look
    part = look.after.new_subpixbuf(x - look.view.x, y - look.view.y, width, height)
    full = bytes_of(part.copy())
    preview.picture.fit()
    while not (preview._schedule.shows(0) and preview._schedule.shows(1)):
        settle(0.2)
    return max(abs(one - other) for one, other in zip(detail, full))
"""

DEEP = """
from decoupled_style.ui.thumbnails import thumbnail
deep = Gimp.Image.new_with_precision(60, 40, Gimp.ImageBaseType.RGB, Gimp.Precision.FLOAT_LINEAR)
bright = Gimp.Layer.new(deep, "bright", 60, 40, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)
deep.insert_layer(bright, None, 0); bright.fill(Gimp.FillType.WHITE)
small = thumbnail(bright, 30, 30); deep.delete()
"""


class Pointing:
    """The dialog for the cat in the cup's style, with hands on its two pictures."""

    def __init__(self, window: Window, plug_in: Path) -> None:
        self.window = window
        helpers = Path(__file__).with_name("inside_dialog.py").read_text()
        window.ask(f"exec({helpers + AT!r}, globals())")
        window.ask(f'made = open_dialog("{plug_in}", cat_image, cat, "LTR", mode="photo", layers=1)')
        window.ask(f"exec({FULL_SIZE!r}, globals()); pointing = made._pointing")
        self.wait("made._preview._schedule.stale == False", "the preview")

    def settle(self, seconds: float = 0.3) -> None:
        """Let the dialog do what it has to."""
        self.window.ask(f"settle({seconds})")

    def wait(self, condition: str, what: str) -> None:
        """Wait, while the dialog lives, until something is so."""
        self.window.wait_until(lambda: self.window.ask(f"settle(0.2) or bool({condition})"), PATIENCE, what)

    def go(self, picture: str, across: float, down: float) -> None:
        """Put the mouse on a spot."""
        shown = {"target": "pointing._target.widget", "style": "pointing._styles[0]"}[picture]
        x, y = self.window.ask(f"at({shown}, {across}, {down})")
        self.window.do("mousemove", str(x - 3), str(y), "mousemove", str(x), str(y))  # it may have been there
        self.settle()

    def shares(self) -> np.ndarray:
        """What lights up, of one picture."""
        self.wait("pointing._answer is not None and pointing._asking.is_over", "the answer")
        [grid] = self.window.ask("pointing._answer[1]")
        return np.array(grid)

    def keys(self, *names: str) -> None:
        """Press keys."""
        self.window.do("key", *names)
        self.settle()

    def lines(self) -> list[float]:
        """The setting."""
        return list(read_matches(self.window.ask('made._config.get_property("match")')))

    def click(self, across: float, down: float) -> None:
        """Click on a spot of the preview."""
        self.go("target", across, down)
        self.window.do("click", "1")
        self.settle()

    def detail(self) -> list[int]:
        """What part is shown at full size, as left, top, width and height, and where, in the same way."""
        return self.window.ask(
            "[getattr(made._preview.picture.detail.view, x) for x in ('x', 'y', 'width', 'height')]"
            " + list(made._preview.picture.detail.corner)"
        )


def near(grid: np.ndarray, across: float, down: float) -> float:
    """How much lies within a quarter of the picture of a spot."""
    rows, columns = grid.shape
    y, x = (np.arange(rows) + 0.5) / rows, (np.arange(columns) + 0.5) / columns
    return float(grid[(abs(y - down) < 0.25)[:, None] & (abs(x - across) < 0.25)].sum())


def test_places_light_up_and_lines_say_where_to_take_from(window: Window, gimp: GimpUnderTest) -> None:
    for name in ("coffee", "cat"):
        open_picture(window, gimp, name)
    window.close_welcome()
    dialog = Pointing(window, gimp.plug_in)
    try:
        dialog.go("target", 0.5, 0.5)
        before = dialog.shares()
        assert before.sum() == pytest.approx(1, abs=0.02)
        window.shoot("26-taken-from")
        dialog.go("style", 0.25, 0.5)
        assert dialog.shares().sum() == pytest.approx(1, abs=0.02)
        window.shoot("27-used-in")

        window.do("mousedown", "1")
        dialog.settle()
        for across in (0.2, 0.4, 0.5):
            dialog.go("target", across, 0.5)
        window.shoot("28-dragging")
        window.do("mouseup", "1")
        dialog.settle()
        assert dialog.lines() == pytest.approx([0.5, 0.5, 0.25, 0.5], abs=0.02)
        dialog.wait("made._preview._schedule.stale == False", "the next look")
        dialog.go("target", 0.51, 0.5)
        after = dialog.shares()
        assert near(after, 0.25, 0.5) > max(0.5, near(before, 0.25, 0.5)), "it takes from where the line says"
        window.shoot("29-line")

        window.ask("pointing._styles[0].grab_focus()")
        dialog.keys("Right", "shift+Down", "Return", "Left", "Left")
        window.shoot("30-by-keys")
        dialog.keys("Return")
        drawn = dialog.lines()
        assert drawn[6:] == pytest.approx([0.3, 0.51], abs=0.02)
        assert len(drawn) == 8
        dialog.keys("ctrl+z")
        assert dialog.lines() == drawn[:4]
        window.ask("pointing._list._list.select_row(pointing._list._list.get_row_at_index(0))")
        window.ask("pointing._list._list.get_row_at_index(0).grab_focus()")
        dialog.settle()
        assert window.ask(
            "made._pointing._list._list.get_row_at_index(0).get_child().get_children()[0].get_text()"
        ) == ("1. Style left → picture middle")
        dialog.keys("Delete")
        assert dialog.lines() == []
        window.ask(DEEP)
        small = window.ask("[small.get_width(), small.get_height(), list(small.get_pixels()[:3])]")
        assert small == [30, 20, [255, 255, 255]], "a style above 8 bits has its picture, too"
    finally:
        window.do("mouseup", "1")
        window.ask("close_dialog(made); cat_display.delete(); coffee_display.delete()")
    assert "Traceback" not in window.log(), window.log()[-3000:]


def test_a_detail_at_full_size_and_a_pause(window: Window, gimp: GimpUnderTest) -> None:
    """A click chooses the part; what a pause leaves undone, OK does."""
    for name in ("coffee", "cat"):
        open_picture(window, gimp, name)
    window.close_welcome()
    window.ask("cat_image.scale(900, 600)")
    dialog = Pointing(window, gimp.plug_in)
    window.ask("preview = made._preview; schedule = preview._schedule")
    try:
        window.ask("preview.detail.set_active(True)")
        dialog.wait("schedule.shows(1)", "the detail")
        x, y, width, height, left, top, *_sides = dialog.detail()
        assert (x + width // 2, y + height // 2) == (450, 300)
        assert min(left, top) > 0, "in the lower right corner"
        window.shoot("31-detail")
        dialog.click(0.9, 0.9)
        dialog.wait("schedule.shows(1)", "another detail")
        x, y, width, height, left, *_rest = chosen = dialog.detail()
        assert x < 0.9 * 900 < x + width
        assert y < 0.9 * 600 < y + height
        assert left == 0, "what was clicked is not hidden"
        window.shoot("32-detail-elsewhere")
        assert window.ask(f"different_from_full_size({x}, {y}, {width}, {height})") <= 1
        dialog.go("target", 0.3, 0.3)
        window.do("mousedown", "1")
        dialog.go("target", 0.4, 0.4)
        window.do("mouseup", "1")
        dialog.settle()
        assert dialog.detail() == chosen, "a drag is no click"
        dialog.keys("shift+Left")
        assert dialog.detail()[0] == x - width // 2

        window.ask("preview.pause.set_active(True); made._config.set_property('strength', 0.4)")
        done = jobs_done(gimp)
        dialog.settle(1)
        assert window.ask("[schedule.stale, preview.is_making, preview._words.get_text()]") == [
            True,
            False,
            "The preview is paused.",
        ]
        assert jobs_done(gimp) == done
        window.shoot("33-paused")
        window.ask("preview.pause.set_active(False)")
        dialog.wait("schedule.shows(0) and schedule.shows(1)", "the preview to go on")
        assert window.ask("preview._words.get_text()").startswith("The finished preview")
        window.ask("preview.pause.set_active(True); made._config.set_property('strength', 0.7); settle(0.5)")
        window.ask("GLib.timeout_add(500, lambda: made._dialog.response(Gtk.ResponseType.OK))")
        assert len(window.ask("[one.get_name() for one in made.run()]")) == 1
    finally:
        window.do("mouseup", "1")
        window.ask("close_dialog(made); cat_display.delete(); coffee_display.delete()")
    assert "Traceback" not in window.log(), window.log()[-3000:]
