"""GIMP's own share of a run: reading a layer, handing it over, writing the result back; and the plug-in's memory.

    python tests/benchmarks/gimp_share.py [--megapixels 24] [--runs 3]

In the place of the computing stands a copy of the target, so that only this half is measured. Also: how long the dialog
takes from the key press to its window, with no worker running and with a warm one.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "gimp"))

from gimp_under_test import REPOSITORY, GimpUnderTest, Session
from window import Window

TIMED = """
from decoupled_style.host import stylising as _stylising
import time

_spent = {{"reading": 0.0, "writing": 0.0, "inserting": 0.0}}


def _timed(name, work):
    def measured(*words, **more):
        start = time.perf_counter()
        result = work(*words, **more)
        _spent[name] += time.perf_counter() - start
        with open("/proc/self/status") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        with open("{file}", "w") as file:
            file.write(repr({{**_spent, "memory": int(peak.split()[1]) / 1024}}))
        return result

    return measured


_read = _stylising.pixels.hand_over


def _reading(*words):
    steps = _read(*words)
    while True:
        try:
            step = _timed("reading", next)(steps)
        except StopIteration as end:
            return end.value
        yield step


_stylising.pixels.hand_over = _reading
_stylising.pixels.take_back = _timed("writing", _stylising.pixels.take_back)
_stylising.insert = _timed("inserting", _stylising.insert)
"""
"""Added to the installed copy of the plug-in, which thereby times its parts."""

SHOWN = """
import time

_begin = StyleDialog.__init__


def _begin_and_tell(self, *words):
    _begin(self, *words)
    self._dialog.connect("map-event", lambda *_event: _tell())


def _tell():
    with open("{file}", "w") as file:
        file.write(repr(time.time()))
    return False


StyleDialog.__init__ = _begin_and_tell
"""
"""Added to the installed copy of the dialog, which thereby tells when its window has appeared."""

STAND_IN = """
import sys, types


class Copy:
    base, differences = None, {}

    def render(self, target, out, progress, top=0.0, bottom=1.0, laid=None):
        for first in range(0, len(target), 256):
            out[first:first + 256] = target[first:first + 256]


class Engine:
    def transfer(self, target, style, settings, **more):
        plain = types.SimpleNamespace(to_json=dict, as_dict=dict)
        return types.SimpleNamespace(style=plain, report=plain, components=Copy())


sys.modules["decouple_core.engine"] = types.SimpleNamespace(Engine=Engine)
"""
"""Loaded by the worker's interpreter before anything else (as sitecustomize): a copy in the place of the core."""

TITLE = "Apply Style"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megapixels", type=float, default=24)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    setup = subprocess.run([REPOSITORY / "tests" / "gimp" / "setup_gimp"], capture_output=True, text=True, check=True)
    root = setup.stdout.strip().splitlines()[-1]
    with tempfile.TemporaryDirectory() as name:
        gimp = prepared(None if root == "native" else Path(root), Path(name))
        try:
            share(gimp, args.megapixels, args.runs)
            opening(gimp, args.runs)
        finally:
            gimp.stop_worker()


def prepared(root: Path | None, folder: Path) -> GimpUnderTest:
    """A GIMP with the plug-in that times itself and the worker that copies."""
    gimp = GimpUnderTest(root, folder, folder / "home")
    gimp.home.mkdir()
    gimp.install()
    with open(gimp.plug_in / "decoupled_style" / "plug_in.py", "a") as file:
        file.write(TIMED.format(file=folder / "spent"))
    with open(gimp.plug_in / "decoupled_style" / "ui" / "dialog.py", "a") as file:
        file.write(SHOWN.format(file=folder / "shown"))
    (folder / "sitecustomize.py").write_text(STAND_IN)
    python = folder / "python"
    python.write_text(python.read_text().replace('PYTHONPATH="', f'PYTHONPATH="{folder}:'))
    return gimp


def share(gimp: GimpUnderTest, megapixels: float, runs: int) -> None:
    """Print the seconds of each part and the memory, medians over the runs."""
    width = round((megapixels * 1.5e6) ** 0.5)
    height = round(megapixels * 1e6 / width)
    with contextlib.closing(Session(gimp)) as session:
        found = copied(gimp, session, width, height, runs)
    parts = {name: statistics.median(run[name] for run in found) for name in found[0]}
    seconds = sum(value for name, value in parts.items() if name != "memory")
    print(
        f"{width} x {height} pixels, RGBA, 8 bits: "
        + ", ".join(f"{name} {value:.2f} s" for name, value in parts.items() if name != "memory")
    )
    print(f"GIMP's own share {seconds:.2f} s; the plug-in's peak memory {parts['memory']:.0f} MB")


def copied(gimp: GimpUnderTest, session: Session, width: int, height: int, runs: int) -> list[dict[str, float]]:
    """What each run took in each part, in seconds, and the memory in MB."""
    session.ask(
        f"image = new_image({width}, {height}); kind = Gimp.ImageType.RGBA_IMAGE\n"
        f'layer = Gimp.Layer.new(image, "layer", {width}, {height}, kind, 100, Gimp.LayerMode.NORMAL)\n'
        "image.insert_layer(layer, None, 0); layer.fill(Gimp.FillType.WHITE)\n"
        'noise = Gimp.DrawableFilter.new(layer, "gegl:noise-rgb", ""); layer.merge_filter(noise)\n'
        "small = new_image(64, 64); cup = Gimp.Layer.new(small, 'cup', 64, 64, kind, 100, layer.get_mode())\n"
        "small.insert_layer(cup, None, 0); cup.fill(Gimp.FillType.WHITE)"
    )
    found = []
    for _ in range(runs):
        status, layer, message = session.ask("stylise(image, [layer], style=cup)", 300)
        assert status == "success", message
        found.append(ast.literal_eval((gimp.folder / "spent").read_text()))
        session.ask(f"image.remove_layer(item({layer}))")
    return found


def opening(gimp: GimpUnderTest, runs: int) -> None:
    """Print how long the dialog takes to open."""
    taken: dict[str, list[float]] = {"no worker": [], "warm worker": []}
    with contextlib.closing(Window(gimp, gimp.folder / "shots")) as window:
        open_dialogs(gimp, window, taken, runs)
    for kind, seconds in taken.items():
        print(f"the dialog opens in {statistics.median(seconds):.2f} s, {kind}")


def open_dialogs(gimp: GimpUnderTest, window: Window, taken: dict[str, list[float]], runs: int) -> None:
    """Open the dialog again and again and keep what it took, in seconds."""
    window.ask(
        "image = new_image(640, 480); kind = Gimp.ImageType.RGB_IMAGE\n"
        'layer = Gimp.Layer.new(image, "layer", 640, 480, kind, 100, Gimp.LayerMode.NORMAL)\n'
        "image.insert_layer(layer, None, 0); layer.fill(Gimp.FillType.WHITE); Gimp.Display.new(image)"
    )
    window.wait_for("Untitled.*GIMP", 60)
    window.close_welcome()
    window.wait_for("Untitled.*GIMP", 60)
    for _ in range(runs):
        for kind in taken:
            if kind == "no worker":
                gimp.stop_worker()
            window.wait_for("Untitled.*GIMP", 60)
            window.do("key", "slash")
            window.pause()
            window.do("type", TITLE)
            window.pause()
            start = time.time()  # the plug-in, another process, reads the same clock
            window.do("key", "Return")
            window.wait_for(f"^{TITLE}$")
            taken[kind].append(float((gimp.folder / "shown").read_text()) - start)
            time.sleep(3)  # the worker starts meanwhile
            window.do("key", "Escape")
            window.wait_until(lambda: not gimp.processes(), 30, "the dialog to close")


if __name__ == "__main__":
    main()
