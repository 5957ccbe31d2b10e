"""How long the worker takes for what a preview in the dialog shows: drafts, the true look, and other amounts of it.

    python tests/benchmarks/preview.py [--document 1500] [--view 780] [--repeats 3]

Of new pictures with everything else warm; without GIMP and without the messages between it and the worker.
"""

from __future__ import annotations

import dataclasses
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from common import machine, parser, photographs, resized, settings_from, table, timed

from decouple_contract.jobs import Raster, Transfer, View
from decouple_contract.settings import Settings
from decouple_contract.shared_folders import pixels_file
from decouple_core.engine import Engine
from decouple_core.request import Input, Request
from decouple_core.service.results import Results, Solution

AMOUNTS = [{"amounts": [1.0, share, 1.0, share]} for share in (0.9, 0.8, 0.7, 0.6)]
"""As the sliders give them while one is drawn."""


class Dialog:
    """What the plug-in asks the worker for, in one process."""

    def __init__(self, target: np.ndarray, style: np.ndarray, view: int, folder: Path) -> None:
        self._target, self._style, self._folder = target, style, folder
        height, width = target.shape[:2]
        self._raster = Raster(width, height, 3)
        sides = View(view, 0, 0, 1, 1).sides(self._raster)
        self._view = View(view, 0, 0, *sides)
        self._engine, self._results = Engine(), Results()

    def new_pictures(self, number: float) -> None:
        """One changed pixel is a new picture to everything that is kept, and the same work."""
        self._target[0, 0] = self._style[0, 0] = number
        pixels_file(self._folder, "target").write_bytes(self._target.tobytes())

    def look(self, settings: Settings) -> float:
        """Seconds until the view with these settings is there."""
        job = Transfer(self._raster, settings.as_dict(), features={}, view=self._view)

        def make() -> Solution:
            done = self._engine.transfer(Request(Input(self._target), Input(self._style), settings), render=False)
            return Solution(done.components, done.report.settings, {})

        return timed(
            lambda: self._results.look(
                self._results.made(self._folder, job, make), settings, self._folder, job, self._target
            )
        )[0]


def measure(dialog: Dialog, settings: Settings, repeats: int) -> Sequence[float]:
    """Median seconds of the first draft, a photograph, a painting's draft, a painting, and other amounts of it."""
    photo, painting = (dataclasses.replace(settings, mode=mode) for mode in ("photo", "painting"))
    looks = [dataclasses.replace(photo, layers=1), photo, dataclasses.replace(painting, size=128), painting]
    for look in looks:
        dialog.look(look)
    times = []
    for number in range(repeats):
        dialog.new_pictures((number + 1) / (repeats + 1))
        once = [dialog.look(look) for look in looks]
        others = [dialog.look(Settings.from_dict({**painting.as_dict(), **amounts})) for amounts in AMOUNTS]
        times.append([*once, statistics.median(others)])
    return [statistics.median(column) for column in zip(*times, strict=True)]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--document", type=int, default=1500, help="longer side of the layer (default: %(default)s)")
    options.add_argument("--view", type=int, default=780, help="longer side of the preview (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    photos = photographs()
    target, style = (resized(photos[name], given.document) for name in ("coffee", "astronaut"))
    with tempfile.TemporaryDirectory() as folder:
        dialog = Dialog(target, style, given.view, Path(folder))
        dialog.new_pictures(0.0)
        seconds = measure(dialog, settings_from(given), given.repeats)
    print(
        f"{machine(settings_from(given))}; a layer of {given.document} px seen at {given.view} px, "
        f"median of {given.repeats}"
    )
    names = ("first draft", "photograph", "painting, draft", "painting", "other amounts")
    table(("what is shown", "seconds"), zip(names, seconds, strict=True))


if __name__ == "__main__":
    main()
