"""The dialog while things change around it, and after things went wrong; in a real window."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest
from pictures import Pictures
from test_window import (
    REAPPLY,
    TITLE,
    begin_with_quick_settings,
    choose_detail,
    choose_painting,
    final_preview,
    jobs_done,
    pixels_of,
    run_from_menu,
)
from window import Window

from decouple_core.outcomes.lookup_table import LookupTable


@pytest.fixture(scope="module")
def opened(window: Window, gimp: GimpUnderTest) -> Iterator[Window]:
    """GIMP with a cat, and a cup whose image is called after it."""
    open_picture(window, gimp, "coffee")
    open_picture(window, gimp, "cat")
    window.close_welcome()
    window.fill_screen(window.wait_for("cat.*GIMP"))
    begin_with_quick_settings(window, gimp)
    yield window
    window.ask("[display.delete() for display in (cat_display, coffee_display) if display.is_valid()]")


@pytest.fixture
def dialog(opened: Window, gimp: GimpUnderTest) -> Iterator[Window]:
    """The dialog for the cat, once its first preview has come."""
    run_from_menu(opened)
    final_preview(opened, gimp)
    yield opened
    if opened.find(f"^{TITLE}$"):
        opened.wait_for(f"^{TITLE}$")  # which gives it the focus
        opened.do("key", "Escape")
        opened.wait_until(gimp.all_gone, PATIENCE, "the dialog to close")


def open_picture(window: Window, gimp: GimpUnderTest, name: str) -> None:
    """Open one, as `cat_image`, `cat` and `cat_display`, say."""
    pictures = Pictures(gimp.folder)
    pixels = pictures.cat(240, 160, alpha=False) if name == "cat" else pictures.coffee(150, 100)
    height, width = pixels.shape[:2]
    path = pictures.put(name, pixels)
    window.ask(
        f"{name}_image = new_image({width}, {height})\n"
        f'{name} = new_layer({name}_image, "{path}", {width}, {height}, "{name}")\n'
        f'{name}_image.set_file(Gio.File.new_for_path("/tmp/{name}.xcf")); {name}_image.clean_all()\n'
        f"{name}_display = Gimp.Display.new({name}_image)"
    )
    window.wait_for(f"{name}.*GIMP", 60)


def no_traceback(window: Window) -> None:
    """Nothing went wrong behind the artist's back."""
    log = window.log()
    assert "Traceback" not in log, log[-3000:]


def test_style_closed_and_another_opened(dialog: Window, gimp: GimpUnderTest) -> None:
    done = jobs_done(gimp)
    dialog.ask("coffee_display.delete()")
    time.sleep(2)  # it looks around once a second
    dialog.shoot("13-style-closed")
    dialog.do("key", "alt+o")
    dialog.pause()
    assert jobs_done(gimp) == done, "there is nothing to begin with"
    no_traceback(dialog)
    open_picture(dialog, gimp, "coffee")
    dialog.wait_for(f"^{TITLE}$")
    time.sleep(2)
    dialog.pause()
    dialog.do("key", "alt+y", "Down")
    dialog.wait_until(lambda: jobs_done(gimp) > done, PATIENCE, "a preview with the new one")
    dialog.shoot("14-another-style")
    no_traceback(dialog)
    dialog.ask("cat_display.present()")


def test_selection_mask_and_pixels_are_followed(dialog: Window, gimp: GimpUnderTest) -> None:
    [job] = gimp.job_files()
    try:
        for change, seen in (
            ("cat_image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 120, 160)", "target.mask0.raw"),
            ("mask = cat.create_mask(Gimp.AddMaskType.WHITE); cat.add_mask(mask)", "target.mask1.raw"),
        ):
            dialog.ask(change)
            dialog.wait_until((job / seen).exists, PATIENCE, f"the preview to see {seen}")  # once the last has come
        final_preview(dialog, gimp)
        dialog.shoot("15-selection")
        before = (job / "target.raw").read_bytes()
        dialog.ask("cat.invert(False)")
        dialog.wait_until(lambda: (job / "target.raw").read_bytes() != before, PATIENCE, "the preview to see pixels")
        dialog.ask("cat.invert(False)")
    finally:
        dialog.ask(
            "Gimp.Selection.none(cat_image); cat.get_mask() and cat.remove_mask(Gimp.MaskApplyMode.DISCARD)\n"
            "cat_image.clean_all()"
        )
    dialog.wait_until(lambda: not (job / "target.mask0.raw").exists(), PATIENCE, "the preview to see them go")
    final_preview(dialog, gimp)
    no_traceback(dialog)


def test_amounts_answer_at_once_and_without_a_solve(dialog: Window, gimp: GimpUnderTest) -> None:
    choose_painting(dialog)
    choose_detail(dialog, 96)
    first = final_preview(dialog, gimp).copy()
    dialog.shoot("16-painting")
    done = jobs_done(gimp)
    dialog.do("key", "alt+f", "ctrl+a")  # Forms
    dialog.do("type", "0\t")
    dialog.wait_until(lambda: jobs_done(gimp) > done, PATIENCE, "another look")
    second = final_preview(dialog, gimp)
    dialog.shoot("17-without-forms")
    assert np.abs(first - second).mean() > 2 / 255


def test_look_is_saved_and_the_dialog_stays(dialog: Window, gimp: GimpUnderTest) -> None:
    """As text and as a picture; each makes of the layer nearly what the preview shows."""
    look = gimp.folder / "look.cube"
    for path in (look, gimp.folder / "look.png", look):  # the last is there, and asked about
        written = path.stat().st_mtime_ns if path.exists() else 0
        dialog.wait_for(f"^{TITLE}$")
        dialog.do("key", "alt+l")
        dialog.wait_for("^Save the look$")
        dialog.do("key", "ctrl+a")
        dialog.do("type", str(path))
        dialog.pause()
        dialog.shoot("24-save-look")
        dialog.do("key", "Return")
        if written:
            dialog.pause()
            dialog.do("key", "alt+r")  # Replace
        dialog.wait_until(
            lambda path=path, written=written: path.exists() and path.stat().st_mtime_ns != written,
            PATIENCE,
            "the table",
        )
    dialog.pause()
    dialog.shoot("25-look-saved")
    no_traceback(dialog)
    cat = Pictures(gimp.folder).get(dialog, "cat")[..., :3]
    shown = final_preview(dialog, gimp)
    for path in (look, gimp.folder / "look.png"):
        looked_up = LookupTable.load(path).apply(cat.astype(np.float32))
        assert np.abs(looked_up - shown).mean() < 0.5 * np.abs(cat - shown).mean()


def test_complaint_goes_when_a_preview_comes(dialog: Window, gimp: GimpUnderTest) -> None:
    def top() -> np.ndarray:
        dialog.pause()
        x, y = dialog.place(f"^{TITLE}$")
        return pixels_of(dialog.shoot("18-complaint"))[y : y + 60, x + 10 : x + 600]

    plain = top()
    dialog.ask("Gimp.Selection.none(coffee_image); coffee.edit_clear()")  # nothing to take a style from
    time.sleep(2)
    final_preview(dialog, gimp)
    dialog.do("key", "alt+o")
    dialog.wait_until(lambda: np.abs(top() - plain).max() > 0.2, PATIENCE, "the complaint")
    path = Pictures(gimp.folder).put("coffee", Pictures(gimp.folder).coffee(150, 100))
    dialog.ask(f'write(coffee, "{path}")')
    dialog.wait_until(lambda: np.array_equal(top(), plain), PATIENCE, "the complaint to go")
    no_traceback(dialog)


@pytest.mark.parametrize("direction", ["LTR", "RTL"])
def test_all_is_seen_and_the_keyboard_reaches_it(opened: Window, gimp: GimpUnderTest, direction: str) -> None:
    """On the smallest screen, from left to right and from right to left, with one style and with two."""
    helpers = Path(__file__).with_name("inside_dialog.py").read_text()
    opened.ask(f"exec({helpers!r}, globals())")
    opened.ask(f'made = open_dialog("{gimp.plug_in}", cat_image, cat, "{direction}"); third_image = new_image(20, 20)')
    opened.ask(
        'third_image.insert_layer(Gimp.Layer.new(third_image, "third", 20, 20, Gimp.ImageType.RGB_IMAGE, 100,'
        " Gimp.LayerMode.NORMAL), None, 0)"
    )
    try:
        opened.shoot(f"22-{direction}")
        assert opened.ask("cut_off(made)") == []
        assert max(opened.ask("hidden_by_scrolling(made)")) == 0
        assert (opened.ask("left_of(made._preview, made) < left_of(made._chooser, made)")) == (direction == "LTR")
        for controls in (25, 27):  # two weights more, and the button that takes the second style out
            missing, reached = opened.ask("not_reached(made)")
            assert missing == []
            assert reached > controls
            opened.ask("mix_in(made, coffee, cat)")
        opened.shoot(f"23-{direction}-mixed")
        opened.wait_until(
            lambda: (
                opened.ask("settle(0.3) or True") and any((job / "style1.raw").exists() for job in gimp.job_files())
            ),
            PATIENCE,
            "a preview of the mixture",
        )
        opened.ask(
            'made._config.set_property("apply-to", "all-images"); made._choices.more.set_expanded(True); settle(0.5)'
        )
        opened.shoot(f"24-{direction}-all-images")
        assert re.fullmatch(r"Applies to \d+ layers of [2-9] images", opened.ask("made._choices.applies.get_text()"))
        assert opened.ask("made._choices.applies.get_mapped()")
        assert opened.ask(
            '[__import__("decoupled_style.ui.dialog", fromlist=["_"]).applies_to(*counts)'
            " for counts in ((0, 0), (1, 1), (3, 1), (2, 2))]"
        ) == ["Applies to no layer", "Applies to one layer", "Applies to 3 layers", "Applies to 2 layers of 2 images"]
        assert opened.ask("cut_off(made)") == []
    finally:
        opened.ask("close_dialog(made); third_image.delete()")


def test_dialog_begins_where_the_layer_was_left(opened: Window, gimp: GimpUnderTest) -> None:
    """With its recipe, its style and its original, another of which can be chosen; what is missing, it says."""
    status, new, message = opened.ask('stylise(cat_image, [cat], style=coffee, forms=0.25, match="0.25,0.5=0.75,0.5")')
    assert status == "success", message
    shown = "[made._layers[0].get_name(), made._target.selected.get_name(), made._choices.missing.get_text()]"
    opened.ask(f'made = open_dialog("{gimp.plug_in}", cat_image, item({new}))')
    try:
        assert opened.ask(shown) == ["cat", "cat", ""]
    finally:
        opened.ask("close_dialog(made)")
    opened.ask(
        f'kept = item({new}).get_parasite("decoupled-style-recipe")\n'
        'recipe = {**json.loads(bytes(kept.get_data())), "origin": {}}\n'
        "forgetful = Gimp.Parasite.new('decoupled-style-recipe', 1, json.dumps(recipe).encode())\n"
        f"item({new}).attach_parasite(forgetful)\n"
        f'made = open_dialog("{gimp.plug_in}", cat_image, item({new}), edits=True)'
    )
    try:
        assert opened.ask('[made._config.get_property(x) for x in ("mode", "size", "forms", "strokes", "match")]') == [
            "painting",
            32,
            0.25,
            1.0,
            "0.25,0.5=0.75,0.5",
        ]
        missing = opened.ask(shown)
        assert missing[:2] == ["cat", "cat"]
        assert "The style coffee is neither open nor in its file." in missing[2]
        assert opened.ask("made._chooser.style.name") == "coffee"
        opened.shoot("26-edit-style-missing")
        assert opened.ask("cut_off(made)") == []
        opened.ask(
            "made._chooser.select_style(__import__('decoupled_style.host.styles', fromlist=['_']).LayerStyle(coffee))"
        )
        assert opened.ask(shown)[2] == ""
        opened.ask(f"made._target.select(item({new})); settle(0.5)")
        assert opened.ask(f"made._files.layer.get_id() == {new}")
        opened.ask("made._earlier.original = None; made._changed()")
        assert "The layer that this one was made from is gone." in opened.ask(shown)[2]
    finally:
        opened.ask(f"close_dialog(made); cat_image.remove_layer(item({new})); cat_image.clean_all()")
    no_traceback(opened)


def test_reapply_leaves_the_style_alone(opened: Window, gimp: GimpUnderTest) -> None:
    """After a recipe was applied, the dialog begins with the style of its own last run."""
    outcome = opened.ask("stylise(cat_image, [cat], style=coffee, run_mode=Gimp.RunMode.WITH_LAST_VALS)")
    assert outcome[0] == "success"
    opened.ask("cat_image.set_selected_layers([cat])")
    run_from_menu(opened, REAPPLY, "Re-apply Style")
    final_preview(opened, gimp)
    opened.shoot("19-re-apply")
    opened.do("key", "alt+o")
    opened.wait_until(lambda: opened.ask("len(cat_image.get_layers())") == 3, PATIENCE, "the new layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the end")
    opened.ask("cat_image.set_selected_layers([cat])")
    run_from_menu(opened)
    final_preview(opened, gimp)
    opened.shoot("20-after-re-apply")
    opened.do("key", "alt+o")
    opened.wait_until(lambda: opened.ask("len(cat_image.get_layers())") == 4, PATIENCE, "the new layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the end")
    recipes = opened.ask(
        "[bytes(x.get_parasite('decoupled-style-recipe').get_data()).decode() for x in cat_image.get_selected_layers()]"
    )
    assert '"style_name": "coffee"' in recipes[0]


KINDS = {
    "text": 'Gimp.TextLayer.new(cat_image, "Style", Gimp.fonts_get_list("")[0], 30, Gimp.Unit.pixel())',
    "link": 'Gimp.LinkLayer.new(cat_image, Gio.File.new_for_path("{file}"))',
    "vector": "Gimp.VectorLayer.new(cat_image, path)",
}


@pytest.mark.parametrize("kind", KINDS)
def test_layers_that_gimp_draws(opened: Window, gimp: GimpUnderTest, kind: str) -> None:
    """As target and as style; links and vectors where GIMP has them."""
    if not opened.ask(f"hasattr(Gimp, '{kind.capitalize()}Layer')"):
        pytest.skip(f"this GIMP has no {kind} layers")
    file = gimp.folder / "linked.png"
    opened.ask(
        f'Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, coffee_image, Gio.File.new_for_path("{file}"))\n'
        'path = Gimp.Path.new(cat_image, "p"); cat_image.insert_path(path, None, 0)\n'
        "path.bezier_stroke_new_ellipse(30, 24, 20, 15, 0)\n"
        f"drawn = {KINDS[kind].format(file=file)}\n"
        "cat_image.insert_layer(drawn, None, 0)\n"
        "drawn.refresh() if hasattr(drawn, 'refresh') else None"
    )
    for question in ("stylise(cat_image, [drawn], style=coffee)", "stylise(cat_image, [cat], style=drawn)"):
        status, new, message = opened.ask(question)
        assert status == "success", message
        assert opened.ask(f"type(item({new})) is Gimp.Layer")
        assert np.isfinite(Pictures(gimp.folder).get(opened, f"item({new})")).all()
    opened.ask(
        "[cat_image.remove_layer(x) for x in cat_image.get_layers() if x.get_id() != cat.get_id()]; "
        "cat_image.clean_all()"
    )
