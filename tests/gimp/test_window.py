"""The way of a user through it, in a real window: menu, dialog, preview, progress, stop, new layer, undo, repeat.

Most tests go on where the one before ended. The screenshots are kept (see `conftest.screenshots`) to be looked at.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest, promised_seconds
from pictures import Pictures, alike
from PIL import Image
from window import Window

TITLE = "Apply Style"
STYLISE, EDIT, REAPPLY = "a", "e", "r"
"""The letters that are underlined in our entries of the menu."""


@pytest.fixture(scope="module")
def opened(window: Window, gimp: GimpUnderTest) -> Window:
    """GIMP with two images open: a cup of coffee and, in front, a cat."""
    open_picture(window, gimp, "coffee")
    open_picture(window, gimp, "cat")
    window.close_welcome()
    window.fill_screen(window.wait_for("cat.*GIMP"))
    begin_with_quick_settings(window, gimp)
    return window


def open_picture(window: Window, gimp: GimpUnderTest, name: str) -> None:
    """Open one of the two, as `cat_image` and `cat`, say."""
    pictures = Pictures(gimp.folder)
    pixels = pictures.coffee(300, 200) if name == "coffee" else pictures.cat(480, 320, alpha=False)
    height, width = pixels.shape[:2]
    path = pictures.put(name, pixels)
    window.ask(
        f"image = new_image({width}, {height})\n"
        f'layer = new_layer(image, "{path}", {width}, {height}, "{name}")\n'
        f'image.set_file(Gio.File.new_for_path("/tmp/{name}.xcf")); image.clean_all()\n'
        f"{name}_image, {name} = image, layer; display = Gimp.Display.new(image)"
    )
    window.wait_for(f"{name}.*GIMP", 60)


def begin_with_quick_settings(window: Window, gimp: GimpUnderTest) -> None:
    """Let dialogs open with a photograph of one network layer; presets set all five."""
    gimp.forget_last_values()
    outcome = window.ask(
        'stylise(cat_image, [cat], style=coffee, mode="photo", size=512, run_mode=Gimp.RunMode.WITH_LAST_VALS)'
    )
    assert outcome[0] == "success", outcome
    window.ask(
        "cat_image.remove_layer(cat_image.get_layers()[0]); cat_image.set_selected_layers([cat])\n"
        "cat_image.undo_disable(); cat_image.undo_enable(); cat_image.clean_all()"
    )


def layers(window: Window) -> list[str]:
    """The names of the cat's layers, top first."""
    return window.ask("[x.get_name() for x in cat_image.get_layers()]")


def unchanged(window: Window) -> bool:
    """Whether the cat is as it was."""
    return layers(window) == ["cat"] and not window.ask("cat_image.is_dirty()")


def open_our_menu(window: Window, image: str = "cat") -> None:
    """Open the menu that holds our entries."""
    window.wait_for(f"{image}.*GIMP")
    for key in ("alt+r", "a", "d"):  # Filters, Artistic, Decoupled Style
        window.do("key", key)
        window.pause()


def run_from_menu(window: Window, letter: str = STYLISE, title: str = TITLE, image: str = "cat") -> None:
    """Start one of our procedures from its menu."""
    open_our_menu(window, image)
    window.do("key", letter)
    window.wait_for(f"^{title}$", 60)


def begin_long_run(window: Window, gimp: GimpUnderTest) -> None:
    """Open the dialog and begin a run that takes long."""
    run_from_menu(window)
    choose_painting(window)
    choose_detail(window, 480)
    window.do("key", "alt+o")  # OK
    window.wait_until(gimp.computes, PATIENCE, "the computing")
    window.pause()


def choose_painting(window: Window) -> None:
    """Take the fourth of the presets."""
    window.do("key", "alt+p")
    window.pause()
    window.do("key", "Home", "Down", "Down", "Down")
    window.pause()


def choose_detail(window: Window, pixels: int) -> None:
    """Set how fine a painting becomes."""
    window.do("key", "alt+q", "Tab", "ctrl+a")
    window.do("type", str(pixels))
    window.do("key", "Tab")
    window.pause()


def close_dialog(window: Window, gimp: GimpUnderTest) -> None:
    """Close the dialog, which ends the plug-in."""
    with window.in_time(gimp.all_gone):
        window.do("key", "Escape")
    assert not window.find(f"^{TITLE}$")


def jobs_done(gimp: GimpUnderTest) -> int:
    """How many jobs the worker has done."""
    log = gimp.home / "log" / "worker.log"
    return log.read_text().count("job done") if log.exists() else 0


def pixels_of(screenshot: Path) -> np.ndarray:
    """A screenshot, (height, width, 3) in [0, 1]."""
    with Image.open(screenshot) as picture:
        return np.asarray(picture.convert("RGB"), np.float32) / 255


def test_menu(opened: Window) -> None:
    open_our_menu(opened)
    opened.shoot("1-menu")
    for _ in range(4):
        opened.do("key", "Escape")
    labels = opened.ask(
        "[p.get_menu_label() for p in map(Gimp.get_pdb().lookup_procedure, "
        '("plug-in-decoupled-style", "plug-in-decoupled-style-edit", "plug-in-decoupled-style-reapply"))]'
    )
    assert labels == ["_Apply Style...", "_Edit Style...", "_Re-apply Style..."]
    assert labels == sorted(labels), "GIMP sorts them"


def test_stop_in_the_dialog(opened: Window, gimp: GimpUnderTest) -> None:
    begin_long_run(opened, gimp)
    opened.shoot("2-working")
    opened.do("key", "Escape")
    opened.wait_until(gimp.all_stopped, promised_seconds(), "the end of the run")  # then the preview is finished
    opened.pause()
    opened.shoot("3-stopped")
    assert opened.find(f"^{TITLE}$"), "the dialog stays, to try something else"
    assert unchanged(opened)
    close_dialog(opened, gimp)


def test_stop_in_the_status_bar(opened: Window, gimp: GimpUnderTest) -> None:
    before = opened.shoot("4-before")
    begin_long_run(opened, gimp)
    x, y = cancel_button(before, opened.shoot("4-progress-in-the-status-bar"))
    opened.do("mousemove", str(x), str(y))
    with opened.in_time(gimp.all_gone):
        opened.do("click", "1")
    assert not opened.find(f"^{TITLE}$"), "GIMP kills the plug-in"
    opened.do("mousemove", "0", "0")
    assert unchanged(opened)


def cancel_button(before: Path, during: Path) -> tuple[int, int]:
    """Where to click: what a run changes in the last line of GIMP's window ends, on the right, with the button."""
    rows, columns = np.nonzero(np.abs(pixels_of(during) - pixels_of(before)).max(axis=2) > 0.1)
    last_line = rows > rows.max() - 30
    return int(columns[last_line].max()) - 30, int(rows.max()) - 10


@pytest.mark.parametrize("outcome", ["photograph", "painting"])
def test_preview_predicts_the_new_layer(opened: Window, gimp: GimpUnderTest, outcome: str) -> None:
    """What the preview shows of a layer more than twice as large is what OK makes, shrunk.

    Measured: they are 0.14/255 apart, and 0.11/255.
    """
    path = Pictures(gimp.folder).put("large", Pictures(gimp.folder).cat(1560, 1040, alpha=False))
    opened.ask(
        f'large_image = new_image(1560, 1040); large = new_layer(large_image, "{path}", 1560, 1040, "large")\n'
        'large_image.set_file(Gio.File.new_for_path("/tmp/large.xcf")); large_image.clean_all()\n'
        "large_display = Gimp.Display.new(large_image)"
    )
    run_from_menu(opened, image="large")
    opened.pause()
    opened.shoot(f"5-{outcome}-opens")
    if outcome == "painting":
        choose_painting(opened)
        choose_detail(opened, 128)
    preview = final_preview(opened, gimp)
    opened.shoot(f"6-{outcome}")
    assert not opened.ask("large_image.is_dirty()"), "a preview touches nothing"
    done = jobs_done(gimp)
    opened.do("key", "alt+o")
    opened.wait_until(lambda: opened.ask("len(large_image.get_layers())") == 2, PATIENCE, "the new layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the dialog to close")
    assert jobs_done(gimp) == done + 1
    new, old = (
        shrunk(Pictures(gimp.folder).get(opened, f"large_image.get_layers()[{place}]")[..., :3], preview.shape)
        for place in (0, 1)
    )
    apart = np.abs(preview - new).mean()
    print(f"{outcome}: {apart * 255:.2f}/255 apart")  # pytest -s shows it
    assert apart < 2 / 255
    assert np.abs(old - new).mean() > 0.05, "the style changed little; the comparison says little"
    opened.ask("large_display.delete()")


def final_preview(window: Window, gimp: GimpUnderTest) -> np.ndarray:
    """What the worker has made for the preview, (height, width, 3), once nothing more is to come."""
    quiet = 0

    def settled() -> bool:
        nonlocal quiet
        quiet = quiet + 1 if gimp.all_stopped() else 0
        return quiet > 30

    window.wait_until(settled, PATIENCE, "the preview")
    [job] = gimp.job_files()
    data = np.frombuffer((job / "result.raw").read_bytes(), np.float32).reshape(-1, 4)
    width = round((len(data) * 1.5) ** 0.5)  # the layer's proportions
    return data.reshape(-1, width, 4)[..., :3]


def handed_over(job: Path) -> np.ndarray:
    """The cat as the worker was given it, (height, width, 4)."""
    return np.frombuffer((job / "target.raw").read_bytes(), np.float32).reshape(320, 480, 4)


def shrunk(pixels: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Pixels at another size, by Pillow."""
    return np.dstack(
        [
            np.asarray(
                Image.fromarray(np.ascontiguousarray(channel)).resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
            )
            for channel in pixels.transpose(2, 0, 1)
        ]
    )


def test_stylise_in_the_dialog(opened: Window, gimp: GimpUnderTest) -> None:
    run_from_menu(opened)
    final_preview(opened, gimp)
    opened.do("key", "alt+o")
    stylised = ["cat (style of coffee)", "cat"]
    opened.wait_until(lambda: layers(opened) == stylised, PATIENCE, "the new layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the dialog to close")
    assert opened.ask("[x.get_name() for x in cat_image.get_selected_layers()]") == stylised[:1]
    opened.wait_for("cat.*GIMP")
    opened.pause()
    opened.shoot("7-new-layer")


def test_undo_and_repeat(opened: Window, gimp: GimpUnderTest) -> None:
    first = Pictures(gimp.folder).get(opened, "cat_image.get_layers()[0]")
    opened.wait_for("cat.*GIMP")
    opened.do("key", "ctrl+z")
    opened.wait_until(lambda: layers(opened) == ["cat"], PATIENCE, "one undo to take all back")
    opened.pause()
    opened.do("key", "ctrl+f")
    opened.wait_until(lambda: len(layers(opened)) == 2, PATIENCE, "the repetition")
    opened.pause()
    opened.shoot("8-repeated")
    assert layers(opened) == ["cat (style of coffee)", "cat"]
    assert alike(Pictures(gimp.folder).get(opened, "cat_image.get_layers()[0]"), first)


def test_edit_in_the_dialog(opened: Window, gimp: GimpUnderTest) -> None:
    """The layer changes where it is, from its original, and one undo brings the earlier one back."""
    first = opened.ask("cat_image.get_layers()[0].get_id()")
    before = Pictures(gimp.folder).get(opened, f"item({first})")
    run_from_menu(opened, EDIT, "Edit Style")
    final_preview(opened, gimp)
    opened.shoot("8-edit")
    [job] = gimp.job_files()
    assert alike(handed_over(job), Pictures(gimp.folder).get(opened, "cat"))
    opened.do("key", "alt+p")
    opened.pause()
    opened.do("key", "Home", "Down", "Down")  # Subtle
    opened.pause()
    final_preview(opened, gimp)
    opened.do("key", "alt+o")
    now = "cat_image.get_layers()[0].get_id()"
    opened.wait_until(lambda: opened.ask(now) != first, PATIENCE, "the edited layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the dialog to close")
    assert layers(opened) == ["cat (style of coffee)", "cat"]
    edited = Pictures(gimp.folder).get(opened, "cat_image.get_layers()[0]")
    assert np.abs(edited - before).mean() > 2 / 255
    opened.wait_for("cat.*GIMP")
    opened.do("key", "ctrl+z")
    opened.wait_until(lambda: opened.ask(now) == first, PATIENCE, "one undo to bring it back")
    assert layers(opened) == ["cat (style of coffee)", "cat"]
    assert alike(Pictures(gimp.folder).get(opened, f"item({first})"), before)


def test_recipe_on_another_layer(opened: Window, gimp: GimpUnderTest) -> None:
    opened.ask("cat_image.set_selected_layers([cat])")
    run_from_menu(opened, REAPPLY, "Re-apply Style")
    opened.pause()
    opened.shoot("9-recipes")
    opened.do("key", "Return")
    opened.wait_until(lambda: len(layers(opened)) == 3, PATIENCE, "the new layer")
    opened.wait_until(gimp.all_gone, PATIENCE, "the end")


def test_regions_are_there_again(opened: Window, gimp: GimpUnderTest) -> None:
    flat = np.ones((320, 480, 4), np.float32)
    flat[:160, :, :2] = 0
    path = Pictures(gimp.folder).put("flat", flat)
    opened.ask(
        f'sky, table = (new_layer(of, "{path}", 480, 320, name) for of, name in ((cat_image, "sky and ground"), '
        '(coffee_image, "table")))\nsky.set_visible(False); table.set_visible(False)\n'
        "outcome = stylise(cat_image, [cat], style=coffee, target_labels=sky, style_labels=table, "
        "run_mode=Gimp.RunMode.WITH_LAST_VALS)[0]"
    )
    assert opened.ask("outcome") == "success"
    assert opened.ask("[x.get_name() for x in cat_image.get_selected_layers()]") != ["cat"], "but the new layer"
    run_from_menu(opened)
    opened.wait_until(
        lambda: any(
            (job / "style_labels.raw").exists() and (job / "target_labels.raw").exists() for job in gimp.job_files()
        ),
        PATIENCE,
        "a preview with the regions of the last run",
    )
    opened.pause()
    opened.shoot("12-regions")
    [job] = gimp.job_files()
    assert alike(handed_over(job), Pictures(gimp.folder).get(opened, "cat")), "the original"
    close_dialog(opened, gimp)
    opened.ask("cat_image.remove_layer(sky); coffee_image.remove_layer(table)")


def test_document_closed_meanwhile(opened: Window, gimp: GimpUnderTest) -> None:
    opened.ask("cat_image.set_selected_layers([cat])")
    begin_long_run(opened, gimp)
    opened.ask("display.delete()")
    opened.wait_for("GIMP Message")  # nothing else is said of a result that has nowhere to go
    opened.pause()
    opened.shoot("10-closed-meanwhile")
    last = (gimp.home / "log" / "plug-in.log").read_text().splitlines()[-1]
    assert last.endswith("The image was closed while it was being worked on. Open it and try again.")
    opened.wait_until(gimp.all_gone, PATIENCE, "the run to end")
    opened.do("key", "Return")


def test_only_one_image_open(opened: Window, gimp: GimpUnderTest) -> None:
    opened.ask("if display.is_valid(): display.delete()")  # the cat's
    run_from_menu(opened, image="coffee")
    opened.pause()
    opened.shoot("11-only-one-image")  # says what to do next
    opened.do("key", "alt+o")  # OK
    opened.pause()
    assert not gimp.job_files(), "there is nothing to begin with"
    close_dialog(opened, gimp)


def test_gimp_killed_with_the_dialog_open(opened: Window, gimp: GimpUnderTest) -> None:
    open_picture(opened, gimp, "cat")
    run_from_menu(opened)
    opened.wait_until(gimp.computes, PATIENCE, "a preview")
    with opened.in_time(gimp.all_gone):
        os.kill(opened.ask("os.getppid()"), signal.SIGKILL)
