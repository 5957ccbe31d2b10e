"""A first-time user's half hour in a real GIMP, by mouse and keys: what each step takes, and the dialog's cold start.

DECOUPLE_HOME=FOLDER_WITH_WEIGHTS python tests/gimp/half_hour.py OUT [--root DEBIAN] [--longest 700]

It prints two tables and leaves a screenshot of every step in OUT. The hands are xdotool's: they click and type at once
wherever a person would look first, so that the seconds are those that a person has to wait, from the last click or key
of a step to its end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import skimage.data
from gimp_under_test import REPOSITORY, GimpUnderTest, lend_weights
from PIL import Image
from window import Window

PAINTING_STYLE = REPOSITORY / "gimp_plugin" / "decoupled_style" / "styles" / "van-gogh-night-cafe.jpg"
GALLERY_STYLE = "style The Night Café"

TELLING = {
    "decoupled-style.py": ("import os\n", "import os\nimport told; told.tell('plug-in started')\n"),
    "decoupled_style/plug_in.py": (
        "PLUG_IN_FOLDER = ",
        "import told; told.tell('plug-in imported')\nPLUG_IN_FOLDER = ",
    ),
    "decoupled_style/ui/dialog.py": ("def applies_to(", "import told; told.watch(StyleDialog)\n\n\ndef applies_to("),
}
"""In the installed copy: what is put in the place of what, so that it tells when things happen."""

ENTRIES = ("Apply Style", "Edit Style", "Re-apply Style")
"""Of our menu, in its order, and the titles of their dialogs."""

ROW, HOVER_SECONDS = 25, 0.4
"""Height of a menu's row in pixels; how long the pointer rests on one until its submenu is there."""

PATIENCE = 120
"""Seconds for whatever is waited for, on a machine that is busy with other things."""

PARTS = (("Apply Style, in", "OK"), ("Edit Style, in", "OK"), ("Edit Style, the button", "OK"))
"""From which step to which clicks are counted together."""

TO_PLAY = "change a slider"
"""The step that a layer does not need."""

MOST_TO_LAYER, MOST_TO_CHANGED = 4, 3
"""Clicks that are wanted from the menu to a layer, and from a layer to its changed version."""


class Told:
    """What the plug-in, the worker and the dialog tell of themselves."""

    def __init__(self, gimp: GimpUnderTest, folder: Path) -> None:
        self._gimp, self._folder = gimp, folder
        folder.mkdir()

    def install(self) -> None:
        """Have the installed copy of the plug-in tell."""
        plug_in = self._gimp.plug_in
        (plug_in / "told.py").write_text(Path(__file__).with_name("told.py").read_text())
        for name, (before, after) in TELLING.items():
            text = (plug_in / name).read_text()
            assert text.count(before) == 1, f"{name} does not hold {before!r} once"
            (plug_in / name).write_text(text.replace(before, after))

    def when(self, name: str, since: float) -> float | None:
        """When something happened first after a time, if it did; a name may be the beginning of what was told."""
        found = [when for when, told in self._events() if when >= since and f"{told} ".startswith(f"{name} ")]
        return min(found, default=None)

    def last(self, since: float) -> str:
        """The last look that came after a time."""
        looks = [told for when, told in self._events() if when >= since and told.split()[0] in ("draft", "finished")]
        return looks[-1] if looks else ""

    def _events(self) -> list[tuple[float, str]]:
        file = self._folder / "told"
        lines = file.read_text().splitlines() if file.exists() else []
        events = [(float(line.partition(" ")[0]), line.partition(" ")[2]) for line in lines]
        return events + self._of_worker()

    def _of_worker(self) -> list[tuple[float, str]]:
        """Its log has milliseconds."""
        log, events = self._gimp.home / "log" / "worker.log", []
        for line in log.read_text().splitlines() if log.exists() else []:
            with contextlib.suppress(ValueError):
                stamp, _comma, rest = line.partition(",")
                when = time.mktime(time.strptime(stamp, "%Y-%m-%d %H:%M:%S")) + int(rest[:3]) / 1000
                events.append((when, "worker: " + rest[3:].partition(" INFO ")[2]))
        return events

    def places(self, window: Window) -> dict[str, list[int]]:
        """Where the dialog's widgets are on the screen."""
        answer = self._folder / "places"
        answer.unlink(missing_ok=True)
        (self._folder / "where").touch()
        window.wait_until(answer.exists, PATIENCE, "the places of the widgets")
        return json.loads(answer.read_text())


class Hands:
    """Click and type, and count it."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.clicks = self.keys = 0
        self.last = time.time()
        self._menu: list[tuple[int, int]] = []

    def click(self, x: int, y: int) -> None:
        """Go there and click."""
        self.window.do("mousemove", "--sync", str(x), str(y))
        self.clicks += 1
        self.last = time.time()
        self.window.do("click", "1")

    def press(self, *keys: str) -> None:
        """Press keys, giving GTK the time to react to each."""
        for key in keys:
            self.window.pause()
            self.keys += 1
            self.last = time.time()
            self.window.do("key", key)

    def name_file(self, path: Path) -> None:
        """Name a file in GTK's dialog, which counts as one key, and press Enter."""
        self.window.pause()
        self.window.do("key", "ctrl+l")
        self.window.pause()
        self.window.do("key", "ctrl+a")
        self.window.do("type", str(path))
        self.keys += 1
        self.window.pause()  # for the names that GTK proposes
        self.press("Return")

    def learn_menu(self) -> None:
        """Find where our menu's rows are, by opening it with keys that nobody counts."""
        found, before = [], self._tops()
        for key in ("alt+r", "a", "d"):  # Filters, Artistic, Decoupled Style
            self.window.do("key", key)
            self.window.wait_until(lambda before=before: self._tops() - before, 10, "a menu")
            self.window.pause()
            [top] = self._tops() - before
            before = self._tops()
            found.append(self._corner(top))
        for _menu in found:
            self.window.do("key", "Escape")
        half, (lefts, tops) = ROW // 2, zip(*found, strict=True)
        self._menu = [
            (lefts[0] + half, tops[0] - half),  # in the bar, above what it opens
            (lefts[0] + 3 * half, tops[1] + half),  # a submenu begins at the height of its row
            (lefts[1] + 3 * half, tops[2] + half),
            *((lefts[2] + 3 * half, tops[2] + half + ROW * number) for number in range(len(ENTRIES))),
        ]

    def choose_from_menu(self, entry: str, *, held: bool) -> None:
        """Click on Filters, rest on the two submenus, click on one of our entries; or hold the button down."""
        title, artistic, ours, *entries = self._menu
        if held:
            self.window.do("mousemove", "--sync", *map(str, title), "mousedown", "1")
        else:
            self.click(*title)
        time.sleep(HOVER_SECONDS)
        before = title
        for x, y in (artistic, ours):
            self.window.do("mousemove", "--sync", str(x), str(before[1]), "mousemove", "--sync", str(x), str(y))
            time.sleep(HOVER_SECONDS)
            before = x, y
        x, y = entries[ENTRIES.index(entry)]
        self.window.do("mousemove", "--sync", str(x), str(before[1]))
        if held:
            self.window.do("mousemove", "--sync", str(x), str(y))
            self.clicks, self.last = self.clicks + 1, time.time()
            self.window.do("mouseup", "1")
        else:
            self.click(x, y)

    def _tops(self) -> set[str]:
        return set(self.window.do("search", "--onlyvisible", "--name", ".").split())

    def _corner(self, top: str) -> tuple[int, int]:
        lines = dict(line.split("=") for line in self.window.do("getwindowgeometry", "--shell", top).split())
        return int(lines["X"]), int(lines["Y"])


class HalfHour:
    """One GIMP, its steps, and a row of the table for each."""

    def __init__(self, gimp: GimpUnderTest, told: Told, out: Path) -> None:
        self._gimp, self.told = gimp, told
        self.rows: list[tuple[str, int, int, str]] = []
        self.window = Window(gimp, out, {"HALF_HOUR": str(gimp.folder / "told")})
        self.hands = Hands(self.window)
        self.window.wait_for("GNU Image Manipulation Program")
        time.sleep(2)  # for the window that greets
        if welcome := self.window.find("Welcome to GIMP"):  # GIMP 3.2 may not survive that it is taken away by force
            self.window.do("windowactivate", "--sync", welcome, "key", "Escape")
            self.window.wait_until(lambda: not self.window.find("Welcome to GIMP"), 30, "the greeting to go")
        self.window.fill_screen(self.window.wait_for("GNU Image Manipulation Program"))

    @contextlib.contextmanager
    def step(self, what: str, shot: str) -> Iterator[None]:
        """Count what a step takes, and take its picture."""
        clicks, keys, begun = self.hands.clicks, self.hands.keys, time.time()
        yield
        seconds = f"{time.time() - self.hands.last:.1f}"
        if drafted := self.told.when("draft", max(begun, self.hands.last)):
            seconds = f"{seconds}, draft {drafted - self.hands.last:.1f}"
        self.rows.append((what, self.hands.clicks - clicks, self.hands.keys - keys, seconds))
        self.window.pause()
        self.window.shoot(shot)

    def open(self, path: Path) -> None:
        """Open a picture as a person does."""
        self.hands.press("ctrl+o")
        self.window.wait_for("^Open Image")
        self.hands.name_file(path)
        self.window.wait_until(lambda: self.window.find(f"{path.stem}.*GIMP"), PATIENCE, "the picture")

    def open_dialog(self, entry: str = "Apply Style", *, held: bool = False) -> float:
        """Open a dialog from the menu; returns when the entry was clicked."""
        self.window.wait_for("– GIMP")
        self.hands.learn_menu()  # which is wider once it names the last filter
        self.hands.choose_from_menu(entry, held=held)
        since = self.hands.last
        self.wait_for_event("dialog shown", since)
        return since

    def wait_for_event(self, name: str, since: float) -> float:
        """Wait until something was told; returns when it was."""
        self.window.wait_until(lambda: self.told.when(name, since), PATIENCE, name)
        return self.told.when(name, since) or 0.0

    def wait_for_finished(self) -> None:
        """Wait for the finished preview of what was clicked last."""
        since = self.hands.last
        self.window.wait_until(lambda: self.told.last(since).startswith("finished"), PATIENCE, "the finished preview")

    def click_on(self, name: str, along: float = 0.5) -> None:
        """Click on a widget of the dialog, so far along its width."""
        x, y, width, height = self.told.places(self.window)[name]
        self.hands.click(x + round(width * along), y + round(height * 0.6))

    def press_ok(self, made: Callable[[], bool]) -> None:
        """Click on OK, and wait for the layer and the end of the plug-in."""
        self.click_on("button _OK")
        self.window.wait_until(made, PATIENCE, "the layer")
        self.window.wait_until(lambda: not self._gimp.processes(), PATIENCE, "the dialog to close")

    def escape(self) -> None:
        """Close the dialog without a result."""
        self.hands.press("Escape")
        self.window.wait_until(lambda: not self._gimp.processes(), PATIENCE, "the dialog to close")

    def layers(self) -> list[int]:
        """The ids of all layers of the image in front."""
        return self.window.ask("[layer.get_id() for image in Gimp.get_images() for layer in image.get_layers()]")

    def has_layers(self, number: int) -> bool:
        """Whether there are so many."""
        return len(self.layers()) == number


def main() -> None:
    """Do it and print what it took."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("out", type=Path)
    asked.add_argument("--root", type=Path, help="the Debian that holds GIMP, where this machine has none")
    asked.add_argument("--longest", type=int, default=700, help="pixels of the photograph's longer side; 4243: 12 MP")
    asked.add_argument("--parts", nargs="+", choices=("cold", "steps"), default=("cold", "steps"))
    options = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="half-hour-") as folder:
        gimp = GimpUnderTest(options.root, Path(folder), Path(folder) / "home")
        gimp.home.mkdir()
        lend_weights(Path(os.environ["DECOUPLE_HOME"]), gimp.home)
        gimp.install()
        told = Told(gimp, gimp.folder / "told")
        told.install()
        target, photograph, painting = _pictures(gimp.folder, options.longest)
        try:
            if "cold" in options.parts:
                _print_cold([_cold(gimp, told, options.out, target, style) for style in (photograph, painting)])
            gimp.stop_worker()
            if "steps" in options.parts:
                _print_steps(_half_hour(gimp, told, options.out, target))
        finally:
            gimp.stop_worker()


def _pictures(folder: Path, longest: int) -> tuple[Path, Path, Path]:
    """A photograph to work on, and two pictures to take a style from."""
    target, photograph, painting = (folder / f"{name}.png" for name in ("coffee", "astronaut", "night-cafe"))
    cup = Image.fromarray(skimage.data.coffee())
    cup.resize((longest, round(longest * cup.height / cup.width)), Image.Resampling.LANCZOS).save(target)
    Image.fromarray(skimage.data.astronaut()).save(photograph)
    with Image.open(PAINTING_STYLE) as picture:
        picture.save(painting)
    return target, photograph, painting


def _cold(gimp: GimpUnderTest, told: Told, out: Path, target: Path, style: Path) -> dict[str, float | None]:
    """Seconds from the click in the menu, in a fresh GIMP without a worker, to each thing that happens."""
    gimp.stop_worker()
    run = HalfHour(gimp, told, out)
    try:
        run.open(style)
        run.open(target)
        start = run.open_dialog()
        run.window.shoot(f"cold-{style.stem}-opens")
        run.wait_for_event("draft", start)
        run.window.shoot(f"cold-{style.stem}-draft")
        run.window.wait_until(lambda: told.last(start).startswith("finished"), PATIENCE, "the finished preview")
        run.window.pause()
        run.window.shoot(f"cold-{style.stem}-finished")
        run.escape()
    finally:
        run.window.close()
    names = {
        "the plug-in's Python runs": "plug-in started",
        "its modules are imported": "plug-in imported",
        "the dialog is being built": "dialog begins",
        "the dialog is built": "dialog built",
        "**the dialog is on the screen**": "dialog shown",
        "the worker serves": "worker: serving;",
        "the plug-in is connected": "connecting ends",
        "the layer is being read": "handing over begins",
        "the first job is handed over": "computing begins",
        "the computing process has loaded torch and the network": "worker: torch",
        "**the first draft**": "draft",
        "**the painting's draft**": "draft painting",
        "**finished**": "finished",
    }
    return {name: when and when - start for name, event in names.items() for when in [told.when(event, start)]}


def _half_hour(gimp: GimpUnderTest, told: Told, out: Path, target: Path) -> list[tuple[str, int, int, str]]:
    """Open, choose, wait, change, OK, look, change one's mind, edit, save, reopen, edit."""
    run = HalfHour(gimp, told, out)
    saved = gimp.folder / "half hour.xcf"
    try:
        with run.step("open a photograph", "01-open"):
            run.open(target)
        with run.step("Apply Style, in the menu", "02-apply-style"):
            run.open_dialog()
        with run.step("choose a style in the gallery", "03-draft"):
            run.click_on(GALLERY_STYLE)
            run.wait_for_event("draft", run.hands.last)
        with run.step("wait for the finished preview", "04-finished"):
            run.wait_for_finished()
        with run.step(TO_PLAY, "05-slider"):
            run.click_on("control colour", 0.3)
            run.wait_for_finished()
        with run.step("OK", "06-layer"):
            run.press_ok(lambda: run.has_layers(2))
        with run.step("look, and undo", "07-undone"):
            run.hands.press("ctrl+z")
            run.window.wait_until(lambda: run.has_layers(1), PATIENCE, "the layer to go")
        with run.step("Apply Style again, which is as it was left", "08-again"):
            run.open_dialog()
            run.wait_for_finished()
        with run.step("OK", "09-layer"):
            run.press_ok(lambda: run.has_layers(2))
        [made, _target] = run.layers()
        with run.step("Edit Style, in the menu", "10-edit-style"):
            run.open_dialog("Edit Style")
            run.wait_for_finished()
        with run.step("change it", "11-changed"):
            run.click_on("button Photograph")
            run.wait_for_finished()
        with run.step("OK, which replaces the layer", "12-replaced"):
            run.press_ok(lambda: run.has_layers(2) and made not in run.layers())
        with run.step("save the image", "13-saved"):
            run.hands.press("ctrl+s")
            run.window.wait_for("^Save Image")
            run.hands.name_file(saved)
            run.window.wait_until(saved.exists, PATIENCE, "the file")
            run.window.wait_until(lambda: run.window.find("^.?half hour.*GIMP"), PATIENCE, "its name in the title")
        with run.step("close it", "14-closed"):
            run.hands.press("ctrl+w")
            run.window.wait_until(lambda: run.has_layers(0), PATIENCE, "the image to go")
        with run.step("open it again", "15-reopened"):
            run.open(saved)
        [made, _target] = run.layers()
        with run.step("Edit Style, the button held down from Filters to it", "16-edit-style"):
            run.open_dialog("Edit Style", held=True)
            run.wait_for_finished()
        with run.step("make a painting of it", "17-painting"):
            run.click_on("button Painting")
            run.wait_for_finished()
        with run.step("OK, which replaces the layer", "18-painted"):
            run.press_ok(lambda: run.has_layers(2) and made not in run.layers())
    finally:
        run.window.close()
    return run.rows


def _print_cold(times: list[dict[str, float | None]]) -> None:
    print("| seconds from the click in the menu, without a worker | photograph | painting |\n| --- | --- | --- |")
    for name in times[0]:
        print(f"| {name} | {' | '.join(_seconds(one[name]) for one in times)} |")


def _print_steps(rows: list[tuple[str, int, int, str]]) -> None:
    print("\n| step | clicks | keys | seconds |\n| --- | --- | --- | --- |")
    for what, clicks, keys, seconds in rows:
        print(f"| {what} | {clicks or ''} | {keys or ''} | {seconds} |")
    made, edited, held = (_clicks(rows, first, last) for first, last in PARTS)
    print(f"\nFrom the menu to a layer {made} clicks (wanted: {MOST_TO_LAYER}), from a layer to its changed version")
    print(f"{edited} (wanted: {MOST_TO_CHANGED}), or {held} with the button held down in the menu.")


def _clicks(rows: list[tuple[str, int, int, str]], first: str, last: str) -> int:
    """How many it takes from the first step whose words begin so to the next whose words do."""
    begin = next(number for number, row in enumerate(rows) if row[0].startswith(first))
    end = next(number for number, row in enumerate(rows[begin:], begin) if row[0].startswith(last))
    return sum(clicks for what, clicks, _keys, _seconds in rows[begin : end + 1] if what != TO_PLAY)


def _seconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


if __name__ == "__main__":
    main()
