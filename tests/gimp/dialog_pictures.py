"""The pictures of the dialog in the documentation: a cup painted after a café, in English and in Spanish.

DECOUPLE_HOME=FOLDER_WITH_WEIGHTS python tests/gimp/dialog_pictures.py docs
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import skimage.data
from gimp_under_test import REPOSITORY, GimpUnderTest, lend_weights
from pictures import Pictures
from PIL import Image
from window import Window

STYLE = REPOSITORY / "gimp_plugin" / "decoupled_style" / "styles" / "van-gogh-night-cafe.jpg"

LANGUAGES = {"": "en_GB.UTF-8", ".es": "es_ES.UTF-8"}
"""What the file's name has behind it, and GIMP's language."""

PATIENCE = 300
"""Seconds for a painting, on a machine that is busy with other things."""


def main() -> None:
    """Make them."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("out", type=Path)
    asked.add_argument("--root", type=Path, help="the Debian that holds GIMP, where this machine has none")
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="dialog-") as folder:
        gimp = GimpUnderTest(options.root, Path(folder), Path(folder) / "home")
        gimp.home.mkdir()
        lend_weights(Path(os.environ["DECOUPLE_HOME"]), gimp.home)
        gimp.install()
        try:
            for suffix, language in LANGUAGES.items():
                window = Window(gimp, options.out, {"LANG": language, "LANGUAGE": language[:2]})
                try:
                    _shoot(window, options.out / f"dialog{suffix}.png")
                finally:
                    window.close()
        finally:
            gimp.stop_worker()


def _shoot(window: Window, out: Path) -> None:
    """One picture of the dialog, its preview split, once it is finished."""
    pictures = Pictures(window.gimp.folder)
    for name, pixels in (("coffee", skimage.data.coffee()), ("night_café", np.asarray(Image.open(STYLE)))):
        height, width = pixels.shape[:2]
        path = pictures.put(name, np.dstack([pixels / 255, np.ones((height, width))]))
        window.ask(
            f"{name}_image = new_image({width}, {height})\n"
            f'{name} = new_layer({name}_image, "{path}", {width}, {height}, "{name.replace("_", " ")}")\n'
            f'{name}_image.set_file(Gio.File.new_for_path("/tmp/{name.replace("_", " ")}.xcf"))'
        )
    window.ask(
        f'import locale, sys; sys.path.insert(0, "{window.gimp.plug_in}")\n'
        "from decoupled_style import messages; locale.bindtextdomain(messages.DOMAIN, messages.LOCALES)\n"
        + Path(__file__).with_name("inside_dialog.py").read_text()
    )
    window.ask(
        f'made = open_dialog("{window.gimp.plug_in}", coffee_image, coffee, resize=False, mode="painting")\n'
        "from gi.repository import Gdk; from decoupled_style.host.styles import LayerStyle\n"
        "made._chooser.select_style(LayerStyle(night_café)); settle(1)\n"
        "made._preview.split.set_active(True)"
    )
    done = "settle(0.5) or not (made._preview.is_making or made._preview._schedule.stale)"
    window.wait_until(lambda: window.ask(done), PATIENCE, "the finished preview")
    taken = window.gimp.folder / "dialog.png"
    window.ask(
        "settle(1); below = made._dialog.get_window()\n"
        "seen = Gdk.pixbuf_get_from_window(below, 0, 0, below.get_width(), below.get_height())\n"
        f'seen.savev("{taken}", "png", [], [])'
    )
    Image.open(taken).convert("RGB").save(out, optimize=True)
    window.ask("close_dialog(made)")


if __name__ == "__main__":
    main()
