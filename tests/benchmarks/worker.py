"""What a client of the worker waits for: its start, what a preview shows, and whole pictures.

    python tests/benchmarks/worker.py [--document 6000] [--view 780] [--repeats 3] [--parts start,photo,…]

A worker of its own, in a data folder of its own that borrows the weights and the kept reference, is started and asked
as a client does it, but without GIMP, which puts the pictures into the worker's files. Seconds are those from a job's
message to its end. *start* shows the first messages after the start, with warm file caches, and the slowest imports of
the process that computes, by ``-X importtime``, which makes them a fifth slower. *where* asks which places belong to a
spot, at rest and while a job runs: seconds, and how many times those of the worker's plainest answer (``hello``).
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from common import machine, parser, photographs, resized, settings_from, table

from decouple_contract.connection import NotRunning, connect, receive, send
from decouple_contract.jobs import Raster, Transfer, View, Where
from decouple_contract.paths import data_folder
from decouple_contract.settings import Settings
from decouple_contract.shared_folders import pixels_file
from decouple_core.service.worker import stop

PARTS = ("start", "photo", "painting", "where")

QUESTIONS = 50
"""Of each kind, of which the median and the slowest are told."""

SHOWN = 8
"""Imports in the table."""

FAINTER = {"photo": (0.8,), "painting": (1.0, 0.8, 0.8, 0.8)}
"""Other amounts."""


class Guest:
    """A client of a worker that has just been started, whose process it knows."""

    def __init__(self, home: Path, worker: int) -> None:
        self.worker = worker
        self.first: dict[str, float] = {}
        self._begun = time.perf_counter()
        self._connection = _connected(home)
        self._rasters: list[Raster] = []
        self._ask({"kind": "hello", "warm": True})
        self._hear()
        self._note("the worker's answer")

    def pictures(self, target: np.ndarray, style: np.ndarray) -> None:
        """Hand over two pictures, (H, W, 3) float32."""
        self._ask({"kind": "open"})
        folder = Path(self._hear()["path"])
        self._rasters.clear()
        for name, pixels in (("target", target), ("style", style)):
            pixels_file(folder, name).write_bytes(memoryview(pixels).cast("B"))
            self._rasters.append(Raster(pixels.shape[1], pixels.shape[0], 3))

    def job(self, settings: Settings, view: int = 0, **changes: Any) -> float:
        """Seconds that a job takes, for the whole picture or for a view of it with this longer side."""
        target, style = self._rasters
        seen = View(view, 0, 0, *View(view, 0, 0, 1, 1).sides(target)) if view else None
        values = {**settings.as_dict(), **changes}
        begun = time.perf_counter()
        self._ask(Transfer(target, values, style=style, view=seen).to_message())
        while (message := self._hear())["kind"] in ("queued", "progress"):
            said = message.get("message", {}).get("code", "")
            self._note("a job's first message" if said == "starting" else "the computing process's first")
        if message["kind"] != "done":
            sys.exit(str(message))
        self._note("the result")
        return time.perf_counter() - begun

    def asked(self, message: dict[str, Any]) -> float:
        """Seconds to the answer of a question, beside the news of a job that runs."""
        kind = {"hello": "hello", "where": "places"}[message["kind"]]
        begun = time.perf_counter()
        self._ask(message)
        while self._hear()["kind"] != kind:
            pass
        return time.perf_counter() - begun

    def begin(self, settings: Settings) -> None:
        """Begin a job for the whole picture, and wait until it computes."""
        target, style = self._rasters
        self._ask(Transfer(target, settings.as_dict(), style=style).to_message())
        while self._hear().get("message", {}).get("code") in (None, "starting"):
            pass

    def _ask(self, message: dict[str, Any]) -> None:
        send(self._connection, message)

    def _hear(self) -> dict[str, Any]:
        return receive(self._connection)

    def _note(self, event: str) -> None:
        self.first.setdefault(event, time.perf_counter() - self._begun)


def _connected(home: Path) -> Connection:
    """A connection to a worker that is starting."""
    while True:
        try:
            return connect(home)
        except NotRunning:
            time.sleep(0.01)


@contextmanager
def served(words: Sequence[str] = ("-m", "decouple_core", "serve")) -> Iterator[Guest]:
    """The client of a worker that has just been started with these words; afterwards, the worker is ended."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for kept in ("weights", "reference"):
            (home / kept).symlink_to(data_folder() / kept)
        process = subprocess.Popen([sys.executable, *words], env={**os.environ, "DECOUPLE_HOME": str(home)})
        try:
            yield Guest(home, process.pid)
        finally:
            stop(home)
            process.wait()


def start(settings: Settings, repeats: int) -> None:
    """Print when a client hears what, and what is imported until then."""
    pictures = [resized(pixels, 256) for pixels in photographs().values()][:2]
    heard = []
    for _ in range(1 + repeats):  # the first fills the caches
        with served() as guest:
            guest.pictures(*pictures)
            guest.job(settings)
            heard.append(guest.first)
    table(
        ("after the start", "seconds"),
        [(event, statistics.median(times[event] for times in heard[1:])) for event in heard[0]],
    )
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import decouple_core.engine"],
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    found = re.finditer(r"\|\s+(\d+) \|\s+(\S+)$", told, re.MULTILINE)
    seconds = {line[2]: int(line[1]) / 1e6 for line in found}
    packages = sorted((name for name in seconds if "." not in name), key=lambda name: -seconds[name])
    print(f"The engine is imported in {seconds['decouple_core.engine']:.2f} s; of that:")
    table(("package, with what it imports first", "seconds"), [(name, seconds[name]) for name in packages[:SHOWN]])


def pairs(guest: Guest, settings: Settings, document: int, view: int, repeats: int) -> Iterator[dict[str, float]]:
    """Seconds of each job, by its name, for pictures that are new every time; the first time is not told."""
    photos = photographs()
    target, style, other = (resized(photos[name], document) for name in ("coffee", "astronaut", "chelsea"))
    fainter = {"amounts": FAINTER[settings.mode]}
    for number in range(1 + repeats):
        # One changed pixel is a new picture to everything that is kept, and the same work.
        target[0, 0] = style[0, 0] = other[0, 0] = number / (1 + repeats)
        guest.pictures(target, style)
        taken = {
            "preview of a new pair": guest.job(settings, view),
            "preview, other amounts": guest.job(settings, view, **fainter),
            "preview, another strength": guest.job(settings, view, strength=0.7),
            "whole, other amounts than the preview's": guest.job(settings, **fainter),
        }
        guest.pictures(target, other)
        taken["whole, a second style"] = guest.job(settings)
        target[0, 0] = style[0, 0] = (number + 0.5) / (1 + repeats)
        guest.pictures(target, style)
        taken["whole, a new pair"] = guest.job(settings)
        if number:
            yield taken


def where(guest: Guest, settings: Settings, painting: Settings, document: int) -> None:
    """The table of questions: which places the target takes from at a spot, and the other way."""
    photos = photographs()
    guest.pictures(*(resized(photos[name], document) for name in ("coffee", "astronaut")))
    guest.job(settings, 780)
    rows = []
    for state in ("at rest", "while a painting is made"):
        if state != "at rest":
            guest.begin(painting)
        spots = [(number + 0.5) / QUESTIONS for number in range(QUESTIONS)]
        plain = statistics.median(guest.asked({"kind": "hello"}) for _ in spots)
        for name, style in (("where the target takes from", None), ("what takes from the style", 0)):
            taken = [guest.asked(Where(at, at, style).to_message()) for at in spots]
            median = statistics.median(taken)
            rows.append((f"{name}, {state}", median, max(taken), f"{median / plain:.0f}"))
    table(("question", "seconds", "slowest", "times a greeting"), rows)


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--document",
        type=int,
        default=6000,
        help="longer side of both pictures; 6000 makes 24 megapixels (default: %(default)s)",
    )
    options.add_argument("--view", type=int, default=780, help="longer side of the preview (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--parts", default=",".join(PARTS), help="which of the tables (default: %(default)s)")
    given = options.parse_args()
    settings, parts = settings_from(given), given.parts.split(",")
    print(f"{machine(settings)}; pictures of {given.document} px seen at {given.view} px, median of {given.repeats}")
    if "start" in parts:
        start(settings, given.repeats)
    if "where" in parts:
        with served() as guest:
            where(guest, settings_from(given, mode="photo"), settings_from(given, mode="painting"), given.document)
    for mode in (mode for mode in PARTS[1:3] if mode in parts):
        with served() as guest:
            taken = list(pairs(guest, settings_from(given, mode=mode), given.document, given.view, given.repeats))
        table((mode, "seconds"), [(name, statistics.median(times[name] for times in taken)) for name in taken[0]])


if __name__ == "__main__":
    main()
