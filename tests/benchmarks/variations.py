"""How long the nine of *Variations* take after the preview has come, each for itself and all together.

    python tests/benchmarks/variations.py [--document 1500] [--mode photo|painting]

Without GIMP and the messages between it and the worker, which add some .02 s to each. Processor seconds are of all
threads; on a machine that others use they tell more than the clock. *as new* are those of the same small result with
nothing kept but the network.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import machine, parser, photographs, resized, settings_from, table

from decouple_contract.jobs import Raster, Transfer, View
from decouple_contract.settings import Settings
from decouple_contract.shared_folders import pixels_file
from decouple_core.engine import Engine
from decouple_core.pictures.reading import read_image
from decouple_core.request import Input, Request
from decouple_core.service.results import Results, Solution

PLUG_IN = Path(__file__).resolve().parents[2] / "gimp_plugin"
sys.path.insert(0, str(PLUG_IN))

from decoupled_style.ui.variants import NARROWEST, WIDEST, Variant, around, draft, in_turn, narrower  # noqa: E402

STYLES = [PLUG_IN / "decoupled_style" / "styles" / f"{name}.jpg" for name in ("hokusai-great-wave", "rocket")]
PREVIEW, SMALL = 780, 240
"""Longer side, in pixels, of the preview and of a small result."""


class Dialog:
    """What the plug-in asks the worker for, in one process."""

    def __init__(self, target: np.ndarray, styles: list[np.ndarray], folder: Path) -> None:
        self._target, self._styles, self._folder = target, styles, folder
        self._raster = Raster(target.shape[1], target.shape[0], 3)
        pixels_file(folder, "target").write_bytes(target.tobytes())
        self._engine, self._results = Engine(), Results()

    def forget(self) -> None:
        """Keep the network alone."""
        models = self._engine.caches.models
        self._engine.forget()
        self._engine.caches.models, self._results = models, Results()

    def look(
        self, settings: Settings, style: int | None = None, longest: int = SMALL
    ) -> tuple[float, float, np.ndarray]:
        """Processor seconds, seconds and the picture of a view of the whole."""
        view = View(longest, 0, 0, *View(longest, 0, 0, 1, 1).sides(self._raster))
        pixels = self._styles[0 if style is None else style + 1]
        job = Transfer(self._raster, settings.as_dict(), features={"number": style}, view=view)

        def make() -> Solution:
            done = self._engine.transfer(Request(Input(self._target), Input(pixels), settings), render=False)
            return Solution(done.components, done.report.settings, {})

        began, cost = time.perf_counter(), time.process_time()
        made = self._results.made(self._folder, job, make)
        picture = self._results.look(made, settings, self._folder, job, self._target)[1]
        return time.process_time() - cost, time.perf_counter() - began, np.array(picture)


def measure(
    dialog: Dialog, settings: Settings, outcome: str, width: float
) -> list[tuple[str, float, float, float, float]]:
    """Name, processor seconds and seconds, processor seconds as new, and the mean change in 255ths, in their turn."""
    nine = around(settings, outcome, len(STYLES), width)
    rows, present = [], None
    for number in in_turn(nine):
        one = nine[number]
        cost, seconds, picture = dialog.look(draft(one, settings, outcome), one.style)
        present = picture if present is None else present
        rows.append((_name(one), cost, seconds, float(np.abs(picture - present).mean() * 255)))
    news = []
    for number in in_turn(nine):
        dialog.forget()
        news.append(dialog.look(draft(nine[number], settings, outcome), nine[number].style)[0])
    return [(name, cost, seconds, new, change) for (name, cost, seconds, change), new in zip(rows, news, strict=True)]


def _name(one: Variant) -> str:
    return one.kind + ("" if one.value is None else f" {one.value:.2f}")


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--document", type=int, default=1500, help="longer side of the layer (default: %(default)s)")
    options.add_argument("--mode", choices=("photo", "painting"), default="photo")
    given = options.parse_args()
    settings = Settings.from_dict({**settings_from(given).as_dict(), "mode": given.mode})
    photos = photographs()
    target = resized(photos["coffee"], given.document)
    styles = [photos["astronaut"], *(read_image(path).pixels for path in STYLES)]
    print(f"{machine(settings)}; a layer of {given.document} px, results of {SMALL} px")
    with tempfile.TemporaryDirectory() as folder:
        dialog = Dialog(target, styles, Path(folder))
        for warm in (settings, draft(Variant("present", settings), settings, given.mode)):
            dialog.look(warm, longest=PREVIEW)
        for width in (WIDEST, narrower(WIDEST), NARROWEST):
            dialog.forget()
            dialog.look(settings, longest=PREVIEW)
            rows = measure(dialog, settings, given.mode, width)
            print(f"\nsteps of {width:g}\n")
            names = ("what differs", "processor seconds", "seconds", "as new", "change, of 255")
            together = ("together", *(sum(row[column] for row in rows) for column in (1, 2, 3)), None)
            table(names, [*rows, together])


if __name__ == "__main__":
    main()
