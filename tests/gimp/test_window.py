"""The way of a user through it, in a real window: menu, dialog, preview, progress, stop, new layer, undo, repeat.

The screenshots are kept (see `conftest.screenshots`) to be looked at.
"""

from __future__ import annotations

import pytest
from gimp_under_test import GimpUnderTest
from pictures import Pictures
from window import Window

TITLE = "Decoupled Style Transfer"
PATIENCE = 240
"""Seconds for a transfer with all five layers, on a machine that is busy with other things."""

@pytest.fixture(scope="module")
def opened(window: Window, gimp: GimpUnderTest) -> Window:
    """GIMP with two images open: a cup of coffee and, in front, a cat."""
    pictures = Pictures(gimp.folder)
    for name, pixels in (("coffee", pictures.coffee(600, 400)), ("cat", pictures.cat(720, 480, alpha=False))):
        height, width = pixels.shape[:2]
        path = pictures.put(name, pixels)
        window.ask(f'image = new_image({width}, {height})\n'
                   f'layer = new_layer(image, "{path}", {width}, {height}, "{name}")\n'
                   f'image.set_file(Gio.File.new_for_path("/tmp/{name}.xcf")); image.clean_all()\n'
                   f'{name}_image, {name} = image, layer; display = Gimp.Display.new(image)')
    window.wait_for("cat.*GIMP", 60)
    window.close_welcome()
    return window


def layers(window: Window) -> list[str]:
    """The names of the cat's layers, top first."""
    return window.ask("[x.get_name() for x in cat_image.get_layers()]")


def run_from_menu(window: Window, label: str, title: str) -> None:
    """Start something by the action search, as a user would who does not know the menu."""
    window.wait_for("cat.*GIMP")
    window.do("key", "slash")
    window.pause()
    window.do("type", label)
    window.pause()
    window.do("key", "Return")
    window.wait_for(f"^{title}$", 60)


def jobs_done(gimp: GimpUnderTest) -> int:
    """How many jobs the worker has done."""
    log = gimp.home / "log" / "worker.log"
    return log.read_text().count("job done") if log.exists() else 0


def computes_in_full(gimp: GimpUnderTest) -> bool:
    """Whether a job at the layer's own size is under way, not a preview."""
    results = [job / "result.raw" for job in gimp.job_files()]
    return any(result.exists() and result.stat().st_size == 720 * 480 * 4 * 4 for result in results)


def choose_detail(window: Window, pixels: int) -> None:
    """Set the working size."""
    window.do("key", "alt+i")
    window.pause()
    window.do("key", "ctrl+a")
    window.do("type", str(pixels))
    window.do("key", "Tab")
    window.pause()


def test_menu(opened: Window) -> None:
    opened.wait_for("cat.*GIMP")
    opened.do("key", "slash")
    opened.pause()
    opened.do("type", "Decoupled Style")
    opened.pause()
    opened.shoot("1-found-by-its-name")
    opened.do("key", "Escape")
    assert opened.ask('[[p.get_menu_label(), list(p.get_menu_paths())] for p in map(Gimp.get_pdb().lookup_procedure, '
                      '("plug-in-decoupled-style", "plug-in-decoupled-style-reapply"))]') == [
        ["_Decoupled Style Transfer...", ["<Image>/Filters/Artistic"]],
        ["Re-apply Decoupled _Style...", ["<Image>/Filters/Artistic"]]]


def test_dialog_with_preview(opened: Window, gimp: GimpUnderTest) -> None:
    before = jobs_done(gimp)
    run_from_menu(opened, "Decoupled Style Tr", TITLE)
    opened.shoot("2-dialog-opens")
    choose_detail(opened, 48)
    opened.wait_until(lambda: jobs_done(gimp) > before, PATIENCE, "the preview")
    opened.pause()
    opened.shoot("3-dialog-with-preview")
    assert layers(opened) == ["cat"], "a preview touches nothing"
    opened.do("key", "Escape")
    opened.wait_until(lambda: not opened.find(f"^{TITLE}$"), 30, "the dialog to close")
    opened.wait_until(lambda: not gimp.job_files() and not gimp.processes(), 30, "the preview to be gone")


def test_stop_in_the_dialog(opened: Window, gimp: GimpUnderTest) -> None:
    run_from_menu(opened, "Decoupled Style Tr", TITLE)
    choose_detail(opened, 512)
    opened.do("key", "Return")
    opened.wait_until(lambda: computes_in_full(gimp), 60, "the computing")
    opened.pause()
    opened.shoot("4-working")
    opened.do("key", "Escape")
    opened.wait_until(lambda: all(not list(job.iterdir()) for job in gimp.job_files()), 6, "the job to stop")
    opened.pause()
    opened.shoot("5-stopped")
    assert opened.find(f"^{TITLE}$"), "the dialog stays, to try something else"
    assert layers(opened) == ["cat"]
    assert not opened.ask("cat_image.is_dirty()")
    opened.do("key", "Escape")
    opened.wait_until(lambda: not opened.find(f"^{TITLE}$") and not gimp.processes(), 30, "the dialog to close")


def test_new_layer_undo_and_repeat(opened: Window, gimp: GimpUnderTest) -> None:
    run_from_menu(opened, "Decoupled Style Tr", TITLE)
    choose_detail(opened, 48)
    opened.do("key", "Return")
    dressed = ["cat (style of coffee)", "cat"]
    opened.wait_until(lambda: layers(opened) == dressed, PATIENCE, "the new layer")
    opened.wait_until(lambda: not gimp.processes(), 30, "the dialog to close")
    assert opened.ask("[x.get_name() for x in cat_image.get_selected_layers()]") == dressed[:1]
    opened.wait_for("cat.*GIMP")
    opened.pause()
    opened.shoot("6-new-layer")
    opened.do("key", "ctrl+z")
    opened.wait_until(lambda: layers(opened) == ["cat"], 30, "one undo to take all back")
    opened.pause()
    opened.do("key", "ctrl+f")
    opened.wait_until(lambda: layers(opened) == dressed, PATIENCE, "the repetition with the same style")
    opened.pause()
    opened.shoot("7-repeated")


def test_recipe_on_another_layer(opened: Window, gimp: GimpUnderTest) -> None:
    opened.ask("cat_image.set_selected_layers([cat])")
    run_from_menu(opened, "Re-apply Dec", "Re-apply Decoupled Style")
    opened.pause()
    opened.shoot("8-recipes")
    opened.do("key", "Return")
    opened.wait_until(lambda: len(layers(opened)) == 3, PATIENCE, "the new layer")
    opened.wait_until(lambda: not gimp.processes(), 30, "the end")


def test_document_closed_meanwhile(opened: Window, gimp: GimpUnderTest) -> None:
    opened.ask("cat_image.set_selected_layers([cat])")
    run_from_menu(opened, "Decoupled Style Tr", TITLE)
    choose_detail(opened, 512)
    opened.do("key", "Return")
    opened.wait_until(lambda: computes_in_full(gimp), 60, "the computing")
    opened.pause()
    opened.ask("display.delete()")
    opened.wait_until(lambda: not gimp.processes() and not gimp.job_files(), 30, "the run to end")
    opened.pause()
    opened.shoot("9-closed-meanwhile")
