"""The dialog's controls under the mouse, and what it does when its layer goes or a run is stopped; in a real window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from gimp_under_test import PATIENCE, GimpUnderTest
from pictures import Pictures
from window import SCREEN, Window

SLIDERS = ("colour", "structure")


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
        f'plug_in = "{gimp.plug_in}"; made = open_dialog(plug_in, own_image, own, "LTR")\n'
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
    made.ask('made._config.set_property("mode", "painting")')
    for name in SLIDERS:
        made.ask(f'made._config.set_property("{name}", 0.2)')
        with_the_mouse(made, f'made._controls._widgets["{name}"]', "click", "--repeat", "2", "--delay", "60", "1")
        default = made.ask(f'made._config.find_property("{name}").get_default_value()')
        made.comes_to(f'settle(0.1) or made._config.get_property("{name}")', default)


FIRST = {
    "photo": {"strength", "colour", "fine_texture", "freedom", "keep_colours", "keep_tones"},
    "painting": {"colour", "forms", "strokes", "grain", "style_scale", "structure"},
}
ALWAYS = {"photo": set[str](), "painting": {"size", "output"}}
MORE = {
    "photo": {"correspondence", "allow_black", "network", "device"},
    "painting": {"strength", "keep_detail", "fill", "freedom", "fine_texture", "keep_colours", "keep_tones", "seed"}
    | {"correspondence", "allow_black", "network", "device"},
}
AS_A_WHOLE = {"coarse_texture"}
"""What only a painting as a whole can do; see `tests/core/test_painting.py`."""


def shows(made: Window, controls: set[str], **values: str) -> None:
    """Hold it to the controls on the screen after some values were set."""
    for name, value in values.items():
        made.ask(f'made._config.set_property("{name}", "{value}")')
    made.comes_to("settle(0.3) or seen_controls(made)", sorted(controls))


def test_only_what_acts_is_shown(made: Window) -> None:
    """Six at first, in a photograph and in a painting; the rest under More, for which the window grows."""
    made.ask("made._choices.more.set_expanded(False)")
    made.wait_until(lambda: made.ask('settle(0.2) or "mode" in made._controls._found'), PATIENCE, "the outcome")
    picked = made.ask('made._controls._found["mode"]')
    shows(made, FIRST[picked] | ALWAYS[picked])
    shows(made, FIRST[picked] | ALWAYS[picked], mode=picked)
    for mode in FIRST:
        shows(made, FIRST[mode] | ALWAYS[mode], mode=mode)
        made.shoot(f"32-{mode}")
    made.ask("made._dialog.resize(1220, 600); settle(0.3)")
    made.pause()  # the window manager has a say
    small = made.ask("settle(0.3) or made._dialog.get_size()[1]")  # it may need more
    needed = "made._dialog.get_preferred_height().minimum_height"
    before = made.ask(needed)
    assert made.ask(f"made._preview.say('Many words. ' * 60) or settle(0.3) or {needed}") == before, "nothing moves"
    made.ask("made._choices.more.set_expanded(True); settle(0.5)")

    def grown() -> bool:
        height, hidden = made.ask("settle(0.2) or [made._dialog.get_size()[1], max(hidden_by_scrolling(made))]")
        return height > small and (hidden == 0 or height >= SCREEN[1] - 180)  # beside GIMP's status bar

    made.wait_until(grown, 60, "the window to grow as far as the screen has room")
    made.shoot("34-more")
    for mode in FIRST:
        whole = AS_A_WHOLE if mode == "painting" else set()
        shows(made, FIRST[mode] | ALWAYS[mode] | MORE[mode] | whole, mode=mode, correspondence="off")
    made.ask('made._controls.found("painting", by_place=True)')
    made.ask('made._config.set_property("correspondence", "auto")')
    by_place = FIRST["painting"] | ALWAYS["painting"] | MORE["painting"]
    made.wait_until(
        lambda: set(made.ask("settle(0.3) or seen_controls(made)")) - AS_A_WHOLE == by_place, PATIENCE, "a painting's"
    )
    made.ask("close_dialog(made)")
    made.ask('made = open_dialog(plug_in, own_image, own, "LTR", resize=False)')
    made.comes_to("settle(0.2) or [made._choices.more.get_expanded(), made._dialog.get_size()[0]]", [True, 1220])
    made.ask("made._choices.more.set_expanded(False)")
    made.comes_to("settle(0.2) or made._dialog.get_size()[1]", small)


def test_changes_are_undone_and_two_settings_compared(made: Window) -> None:
    """A drag is one step, a drawn line another; B begins as a copy of A, and its preview is there at once."""
    value = "[made._config.get_property(name) for name in ('colour', 'structure', 'match')]"
    preset = "made._choices.presets._list.get_active_text()"
    made.ask('made._config.set_property("mode", "painting"); made._config.set_property("size", 64); settle(1)')
    made.ask("made._config.set_property('layers', 5); settle(1)")
    made.comes_to(f"settle(0.1) or {preset}", "Painting")
    first = made.ask(value)
    x, y = made.ask('middle_of(made._controls._widgets["colour"])')
    made.do("mousemove", str(x), str(y), "mousedown", "1")
    for to in range(x - 10, x - 80, -10):
        made.do("mousemove", str(to), str(y))
        made.ask("settle(0.4)")
    made.do("mouseup", "1")
    dragged = made.ask(f"settle(0.3) or {value}")
    assert dragged[0] < 0.5
    made.comes_to(f"settle(0.1) or {preset}", "Custom")
    made.ask(
        "made._pointing._add(__import__('decoupled_style.ui.lines', fromlist=['_']).Line((0.5, 0.5), (0.25, 0.5)))"
    )
    drawn = made.ask(f"settle(0.3) or {value}")
    assert drawn[2]
    made.wait_for("^Apply Style$")

    def after(keys: str, wanted: list[object]) -> None:
        made.do("key", keys)
        made.comes_to(f"settle(0.4) or {value}", wanted)

    after("ctrl+z", dragged)
    after("ctrl+z", first)
    made.comes_to(f"settle(0.1) or {preset}", "Painting")
    after("ctrl+y", dragged)
    after("ctrl+shift+z", drawn)
    made.wait_until(lambda: made.ask("settle(0.3) or not made._preview._schedule.stale"), PATIENCE, "the preview of A")
    after("ctrl+b", drawn)
    made.ask('made._config.set_property("structure", 1.0); settle(0.5)')
    made.shoot("35-b")
    made.wait_until(lambda: made.ask("settle(0.3) or not made._preview._schedule.stale"), PATIENCE, "the preview of B")
    other = made.ask(value)
    for which, expected in ((0, drawn), (1, other), (0, drawn)):
        shown = f"[made._revising.turn({which}), made._preview._schedule.stale, {value}][1:]"
        assert made.ask(shown) == [False, expected]
    assert made.ask("made._revising._switch[0].get_active()")
    after("ctrl+z", dragged)  # A has steps of its own


def test_wheel_scrolls_the_column_and_changes_nothing(made: Window) -> None:
    values = (
        "[value for value in (made._config.get_property(p.name) for p in made._config.list_properties())"
        " if isinstance(value, (bool, int, float, str))]"
    )
    made.ask('made._config.set_property("mode", "painting"); made._choices.more.set_expanded(True); settle(0.5)')
    made.ask("made._dialog.resize(1220, 640); settle(0.5)")
    before = made.ask(values)
    places = [f'made._controls._widgets["{name}"]' for name in SLIDERS]
    places.append('next(one for one in widgets(made._choices) if type(one).__name__ == "ComboBoxText")')
    scrolled = []
    for widget in places:
        with_the_mouse(made, widget, "click", "5")
        scrolled.append(made.ask("made._choices.get_vadjustment().get_value()"))
        made.ask("made._choices.get_vadjustment().set_value(0)")
    assert made.ask(values) == before
    assert min(scrolled) > 0


def test_without_its_layer_there_is_nothing_to_run(made: Window) -> None:
    made.ask("own_image.undo_enable(); made._look_around()")
    assert made.ask("can_run(made)")
    made.ask("own_image.remove_layer(own); settle(1.5)")
    made.shoot("30-layer-removed")
    made.comes_to("settle(0.2) or can_run(made)", False)
    made.comes_to("settle(0.2) or made._view.message.get_visible()", True)
    made.ask("own_image.delete(); settle(1.5)")
    assert not made.ask("can_run(made)")


def test_after_a_stop_the_preview_is_finished(made: Window, gimp: GimpUnderTest) -> None:
    made.ask(  # something that takes longer than to press Escape
        "own_image.scale(480, 320); made._look_around()\n"
        'for name, value in {"mode": "painting", "size": 256, "layers": 5}.items():\n'
        "    made._config.set_property(name, value)"
    )
    made.begin("run_until_closed(made)")
    title = "^Apply Style$"
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
