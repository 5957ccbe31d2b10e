"""The process that holds torch and does the worker's jobs, one at a time.

It is a process of its own so that the worker can end it when a job does not stop in time, so that running out of
memory takes neither the worker nor its clients down, and so that the worker answers before torch has been loaded.
It reads one JSON message a line from its standard input and answers the same way on its standard output. When its input
ends, the worker is gone: it removes the files of its job and ends as well.
"""

from __future__ import annotations

import _thread
import contextlib
import dataclasses
import faulthandler
import json
import os
import queue
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

import decouple_contract
from decouple_contract.errors import Cancelled, DecoupleError, InputError, ProtocolError, WeightsError
from decouple_contract.failures import as_failure
from decouple_contract.jobs import (
    Ingredient,
    Raster,
    Transfer,
    Where,
    failure_message,
    places_message,
    progress_message,
)
from decouple_contract.messages import Message
from decouple_contract.progress import Progress
from decouple_contract.remarks import heard
from decouple_contract.settings import COMPONENTS, Settings
from decouple_contract.shared_folders import mask_file, pixels_file
from decouple_core.model.heap import give_back, keep_freed
from decouple_core.model.loading import uncollected

if TYPE_CHECKING:
    import numpy as np

    from decouple_core.engine import Engine
    from decouple_core.features.style import Style
    from decouple_core.request import Input
    from decouple_core.service.results import Results, Solution


PACKAGES = {Path(__file__).parents[1], Path(decouple_contract.__file__).parent}

RESTING_SECONDS = 10.0
"""Without a job for this long, memory that is free goes back to the system; taking it again costs a job .2 s."""

INSISTING_SECONDS = 0.02
"""Far below what a person notices, far above what an interrupt costs."""

ZEROS = bytes(2**20)
"""Written again and again where the system has no other way to take room on a disk."""


def main() -> None:
    """Serve the worker at the other end of standard input and output until it goes away."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints goes to the log, not between the messages
    faulthandler.enable()  # a crash in a library leaves its place in the log
    keep_freed()
    computer = _Computer(out)
    signal.signal(signal.SIGINT, computer.interrupt)
    threading.Thread(target=computer.listen, args=(sys.stdin,), daemon=True).start()
    computer.work()


class _Computer:
    """Takes the messages in one thread and does the jobs in the main one."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._jobs: queue.Queue[dict[str, Any]] = queue.Queue()
        self._stopped = 0  # number of the last job that was cancelled
        self._number = 0  # of the job that may be interrupted at any instruction, 0 where none may
        self._folder: Path | None = None
        self._results: Results | None = None  # once torch is loaded
        self._sending = threading.Lock()

    def listen(self, lines: TextIO) -> None:
        """Take messages until the worker goes away; then end the process, whatever it is doing."""
        for line in lines:
            message = json.loads(line)
            if message["kind"] == "cancel":
                self._stopped = message["number"]
                threading.Thread(target=self._insist, daemon=True).start()
            elif message["kind"] == "where":
                self._send({**self._places(message), "number": message["number"]})
            else:
                self._folder = Path(message["folder"])
                self._jobs.put(message)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)

    def _places(self, message: dict[str, Any]) -> dict[str, Any]:
        """The answer to a question about the last job of a folder; nothing in it touches the job under way."""
        try:
            question = Where(**{name: message[name] for name in ("x", "y", "style", "plan")})
            results = self._results
            return places_message(results.places(Path(message["folder"]), question) if results else None)
        except Exception:  # whatever happens, the next message is to be read
            traceback.print_exc()
            return places_message(None)

    def interrupt(self, _: int, frame: FrameType | None) -> None:
        """Stop the job under way, as Ctrl+C stops a program, if it is a moment for that.

        Asking now and then, as `_progress` does, is not enough: at large sizes seconds pass between two reports.
        """
        if 0 < self._number <= self._stopped and _between_statements_of_ours(frame):
            self._number = 0  # once is enough
            raise Cancelled

    def _insist(self) -> None:
        """Interrupt a cancelled job again and again, until it has come to a moment for that."""
        while 0 < self._number <= self._stopped:
            _thread.interrupt_main()
            time.sleep(INSISTING_SECONDS)

    def work(self) -> None:
        """Load torch and the network, then do jobs as they come."""
        engine: Engine | None = None
        broken: DecoupleError | None = None
        unsaid: WeightsError | None = None
        try:
            with uncollected():
                from decouple_core.engine import Engine
                from decouple_core.service.results import Results

            engine, self._results = Engine(), Results()
        except Exception as error:  # told to whoever sends the first job
            traceback.print_exc()
            broken = as_failure(error, DecoupleError("computing-broken", reason=str(error)))
        else:
            unsaid = _warm_up(engine)
        self._send({"kind": "ready", "number": 0})
        while True:
            message = self._next(engine)
            number = message["number"]
            self._send({"kind": "taken", "number": number})
            remarks: list[Message] = []
            try:
                if broken is not None:
                    raise broken
                assert engine is not None
                assert self._results is not None
                self._go_on(number)
                if unsaid is not None:
                    problem, unsaid = unsaid, None
                    raise problem
                with heard(remarks.append):
                    answer = self._transfer(engine, self._results, message)
                answer["remarks"] = [one.as_dict() for one in remarks]
            except Cancelled:
                answer = {"kind": "cancelled"}
            except Exception as error:
                traceback.print_exc()
                answer = failure_message(as_failure(error))
            self._send({**answer, "number": number})

    def _next(self, engine: Engine | None) -> dict[str, Any]:
        """The next job, whenever it comes."""
        try:
            return self._jobs.get(timeout=RESTING_SECONDS)
        except queue.Empty:
            if engine is not None:
                engine.rest()
            give_back()
            return self._jobs.get()

    def _transfer(self, engine: Engine, results: Results, message: dict[str, Any]) -> dict[str, Any]:
        from decouple_core.model.device import CPU
        from decouple_core.request import Input, Request
        from decouple_core.service.results import RENDERING_SHARE, Solution

        folder = Path(message["folder"])
        job = Transfer.from_message(message["job"])
        if job.table is not None:  # it knows no places, so what it is fitted to takes the picture as a whole
            job = dataclasses.replace(job, settings={**job.settings, "correspondence": "off"})
        settings = Settings.from_dict(job.settings)
        target = _pixels(folder, "target", job.target)
        style = None if job.mixture is not None else _style(folder, job)
        target_mask = _weights(folder, "target", job.target, target)
        result = _room(folder, "result", job.result)
        progress = self._progress(message["number"])

        def make() -> Solution:
            request = Request(
                Input(target[..., :3], target_mask),
                mixed() if style is None else style,
                settings,
                _regions(folder, job),
            )
            outcome = engine.transfer(request, render=False, progress=progress)
            return Solution(
                outcome.components,
                outcome.report.settings,
                {"style": outcome.style.to_json(), "report": outcome.report.as_dict()},
                outcome.correspondence and outcome.correspondence.to(CPU),
            )

        def mixed() -> Style:
            longest = max(target.shape[:2])
            here = dataclasses.replace(settings, size=longest) if settings.size > longest else settings
            return _mixed(engine, folder, job, here, progress)

        def rendering(done: float) -> None:
            progress(1 - RENDERING_SHARE * (1 - done), Message("rendering"))

        def fitting(done: float) -> None:
            progress(done, Message("fitting-table"))

        with self._interruptible(message["number"]):
            made = results.made(folder, job, make)
            if job.view is not None:
                before = _room(folder, "before", job.result)
                before[...], result[...] = results.look(made, settings, folder, job, target)
            elif job.parts is not None:
                parts = [_room(folder, name, job.result) for name in COMPONENTS]
                results.parts(
                    made,
                    settings,
                    job.parts,
                    target[..., :3],
                    result[..., :3],
                    [part[..., :3] for part in parts],
                    rendering,
                )
                for part in parts:
                    part[..., 3:] = 1.0
                parts[0][..., 3:] = target[..., 3:]
            else:
                results.render(made, settings, target[..., :3], result[..., :3], rendering)
            if job.table is not None:
                nearness = results.table(folder, job.table, target[..., :3], result[..., :3], target_mask, fitting)
                return {"kind": "done", "report": made.told["report"], "table": dataclasses.asdict(nearness)}
        if job.view is not None:  # many follow each other, and nobody asks them for the style
            return {"kind": "done", "report": made.told["report"], "plan": made.plan}
        pixels_file(folder, "before").unlink(missing_ok=True)  # of a view of it
        result[..., 3:] = target[..., 3:]
        return {"kind": "done", **made.told, "plan": made.plan}

    @contextlib.contextmanager
    def _interruptible(self, number: int) -> Iterator[None]:
        self._number = number
        try:
            self._go_on(number)
            yield
        finally:
            self._number = 0

    def _go_on(self, number: int) -> None:
        """Raise `Cancelled` where this job, or one after it, was cancelled."""
        if number <= self._stopped:
            raise Cancelled

    def _progress(self, number: int) -> Progress:
        last: tuple[float, Message | None] = (-1.0, None)

        def report(fraction: float, message: Message) -> None:
            nonlocal last
            self._go_on(number)
            if message != last[1] or fraction - last[0] >= 0.005:  # a bar shows no finer steps
                last = fraction, message
                self._number = 0  # an interrupted message would spoil the next
                self._send(progress_message(number, fraction, message))
                self._number = number
                self._go_on(number)

        return report

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            self._out.write(json.dumps(message) + "\n")


def _warm_up(engine: Engine) -> WeightsError | None:
    """Prepare what a job most likely needs; the job that needs it says what fails.

    Of damaged weights we tell the first job, as the file is gone by then.
    """
    try:
        engine.warm_up(Settings())
    except WeightsError as error:
        return error
    except Exception:
        traceback.print_exc()
    return None


def _between_statements_of_ours(frame: FrameType | None) -> bool:
    """Whether the interrupted code is our own: inside a library, its state could be left half changed.

    Nor may an import be broken off, which would leave half a module for the next job.
    """
    if frame is None or PACKAGES.isdisjoint(Path(frame.f_code.co_filename).parents):
        return False
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return False
        frame = frame.f_back
    return True


def _style(folder: Path, given: Transfer | Ingredient, name: str = "style") -> Input | Style:
    """The style as the core takes it."""
    from decouple_core.features.style import Style
    from decouple_core.request import Input

    if given.features is not None:
        return Style.from_json(given.features)
    if given.style_path is not None:
        return Style.load(Path(given.style_path))
    assert given.style is not None  # there is exactly one of the three
    pixels = _pixels(folder, name, given.style)
    return Input(pixels[..., :3], _weights(folder, name, given.style, pixels))


def _mixed(engine: Engine, folder: Path, job: Transfer, settings: Settings, progress: Progress) -> Style:
    """One style of the job's several."""
    from decouple_core.features.mixing import mix
    from decouple_core.features.style import Style

    assert job.mixture is not None  # who asks has one
    given = [_style(folder, one, f"style{number}") for number, one in enumerate(job.mixture)]
    measured = [
        style if isinstance(style, Style) else engine.read_style(style, settings, for_any=False, progress=progress)
        for style in given
    ]
    return mix(measured, [one.weight for one in job.mixture])


def _pixels(folder: Path, name: str, raster: Raster) -> np.ndarray:
    """Map a raster into memory: (height, width, channels) float32, read only."""
    return _mapped(pixels_file(folder, name), raster.shape)


def _weights(folder: Path, name: str, raster: Raster, pixels: np.ndarray) -> np.ndarray | None:
    """The product of a raster's masks and its alpha, (height, width) in [0, 1]; None where all are 1.

    What is transparent cannot be seen, so its colour must not count.
    """
    import numpy as np

    weights = [_mapped(mask_file(folder, name, number), raster.shape[:2]) for number in range(raster.masks)]
    if raster.channels == 4 and pixels[..., 3].min() < 1:
        weights.append(pixels[..., 3])
    if not weights:
        return None
    product = np.clip(weights[0], 0, 1)
    for others in weights[1:]:
        product *= np.clip(others, 0, 1)
    if not product.any():
        raise InputError("target-hidden" if name == "target" else "style-hidden")
    return product


def _regions(folder: Path, job: Transfer) -> tuple[np.ndarray, np.ndarray] | None:
    """The labels of target and style, (height, width) each, or None."""
    if job.target_labels is None or job.style_labels is None:  # a Transfer has both or neither
        return None
    from decouple_core.pictures.labels import labels_of

    target = _pixels(folder, "target_labels", job.target_labels)
    style = _pixels(folder, "style_labels", job.style_labels)
    return (
        labels_of(target[..., :3], target[..., 3], Message("target-labels")),
        labels_of(style[..., :3], style[..., 3], Message("style-labels")),
    )


def _mapped(path: Path, shape: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    wanted = 4
    for side in shape:
        wanted *= side
    if path.stat().st_size != wanted:
        raise ProtocolError(f"{path.name} holds {path.stat().st_size} bytes, not {wanted}")
    return np.memmap(path, np.float32, "r", shape=shape)


def _room(folder: Path, name: str, raster: Raster) -> np.ndarray:
    """A new file for a result, mapped for writing.

    Its room on the disk is taken first: writing through a map to a full disk would kill the process.
    """
    import numpy as np

    path = pixels_file(folder, name)
    height, width, channels = raster.shape
    size = height * width * channels * 4
    with open(path, "wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        elif sys.platform == "win32":
            file.truncate(size)  # takes the room at once there
        else:
            for start in range(0, size, len(ZEROS)):
                file.write(ZEROS[: size - start])
    return np.memmap(path, np.float32, "r+", shape=raster.shape)


if __name__ == "__main__":
    main()
