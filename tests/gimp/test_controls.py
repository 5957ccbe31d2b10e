"""The dialog's controls under the mouse, and what it does when its layer goes or a run is stopped; in a real window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gimp_under_test import GimpUnderTest
from pictures import Pictures
from window import Window

SLIDERS = ("colour", "freedom")


@pytest.fixture
def made(window: Window, gimp: GimpUnderTest) -> Iterator[Window]:
    """Our dialog, opened inside GIMP as `made`, for a cat in the style of a cup."""
    pictures = Pictures(gimp.folder)
    helpers = Path(__file__).with_name("inside_dialog.py").read_text()
    window.ask(
        f"exec({helpers!r}, globals())\n"
        "cup_image, own_image = new_image(60, 40), new_image(72, 48)\n"
        f'cup = new_layer(cup_image, "{pictures.put("cup", pictures.coffee())}", 60, 40)\n'
        f'own = new_layer(own_image, "{pictures.put("own", pictures.cat())}", 72, 48)\n'
        f'made = open_dialog("{gimp.plug_in}", own_image, own, "LTR")\n'
        'made._config.set_property("layers", 1); made._config.set_property("network", "vgg16")'
    )
    yield window
    window.ask("close_dialog(made); [image.delete() for image in (own_image, cup_image) if image.is_valid()]")


def with_the_mouse(window: Window, widget: str, *words: str) -> None:
    """Do something over a widget of the dialog, and have the dialog hear of it."""
    x, y = window.ask(f"settle(0.3) or middle_of({widget})")
    window.do("mousemove", str(x), str(y), *words)
    window.ask("settle(0.5)")


def test_double_click_resets_a_slider(made: Window) -> None:
    for name in SLIDERS:
        made.ask(f'made._config.set_property("{name}", 0.2)')
        with_the_mouse(made, f'made._controls._widgets["{name}"]', "click", "--repeat", "2", "--delay", "60", "1")
        default = made.ask(f'made._config.find_property("{name}").get_default_value()')
        assert made.ask(f'made._config.get_property("{name}")') == default


def test_wheel_scrolls_the_column_and_changes_nothing(made: Window) -> None:
    values = (
        "[value for value in (made._config.get_property(p.name) for p in made._config.list_properties())"
        " if isinstance(value, (bool, int, float, str))]"
    )
    made.ask("made._more.set_expanded(True)")
    before = made.ask(values)
    places = [f'made._controls._widgets["{name}"]' for name in SLIDERS]
    places.append('next(one for one in widgets(made._column) if type(one).__name__ == "ComboBoxText")')
    scrolled = []
    for widget in places:
        with_the_mouse(made, widget, "click", "5")
        scrolled.append(made.ask("made._column.get_vadjustment().get_value()"))
        made.ask("made._column.get_vadjustment().set_value(0)")
    assert made.ask(values) == before
    assert min(scrolled) > 0


def test_without_its_layer_there_is_nothing_to_run(made: Window) -> None:
    made.ask("own_image.undo_enable(); made._look_around()")
    assert made.ask("can_run(made)")
    made.ask("own_image.remove_layer(own); settle(1.5)")
    made.shoot("30-layer-removed")
    assert not made.ask("can_run(made)")
    assert made.ask("made._view.message.get_visible()")
    made.ask("own_image.delete(); settle(1.5)")
    assert not made.ask("can_run(made)")


def test_after_a_stop_the_preview_is_finished(made: Window, gimp: GimpUnderTest) -> None:
    made.ask(  # something that takes longer than to press Escape
        "own_image.scale(480, 320); made._look_around()\n"
        'for name, value in {"mode": "painting", "size": 256, "layers": 5}.items():\n'
        "    made._config.set_property(name, value)"
    )
    made.begin("run_until_closed(made)")
    title = "^Decoupled Style Transfer$"
    made.wait_for(title)
    made.do("key", "alt+o")
    made.pause()
    made.do("key", "Escape")
    made.wait_for(title)
    quiet = 0

    def settled() -> bool:
        nonlocal quiet
        quiet = quiet + 1 if gimp.all_stopped() else 0
        return quiet > 30

    made.wait_until(settled, 300, "the preview")
    made.shoot("31-stopped")
    made.do("key", "Escape")
    assert made.answer()
    assert made.ask("[made._preview._schedule.stale, made._preview.picture._image.get_opacity()]") == [False, 1.0]
