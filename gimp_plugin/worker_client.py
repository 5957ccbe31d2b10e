"""The plug-in's end of the connection to the worker; knows nothing of GIMP.

Whatever waits is a generator that yields while it waits, because libgimp and GTK want the main thread: a dialog takes a
step now and then, everything else uses `finish`. The worker and whatever it holds for us end with the connection.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, TypeVar

from contract import protocol
from installation import Installation
from messages import Failure, Stopped, _, translated

START_SECONDS = 30.0
"""Longest wait for a worker that is starting: 0.2 s on a quiet machine, more under a virus scanner's first look."""

STEP_SECONDS = 0.03
"""Pause between two looks for news."""

FOREIGN = ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "GI_TYPELIB_PATH", "VIRTUAL_ENV")
"""What GIMP's packages set for their own Python and libraries, and what would break another's."""

Answer = TypeVar("Answer")
Progress = tuple[float, str]
"""How far a job is, in [0, 1], and what it does."""
Steps = Generator[Progress | None, None, Answer]


def finish(steps: Steps[Answer], notice: Callable[[Progress | None], None]) -> Answer:
    """Take steps until the end; `notice` is told of progress, and of each idle moment with None."""
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            return end.value
        notice(news)
        if news is None:
            time.sleep(STEP_SECONDS)


class Worker:
    """A connection to this user's worker, which is started where none runs."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._connection: protocol.Connection | None = None
        self._folder: Path | None = None
        self._busy = False

    def connect(self) -> Steps[None]:
        """Connect, starting the worker if need be; `Failure` where it cannot start."""
        if self._connection is not None:
            return
        process: subprocess.Popen[bytes] | None = None
        deadline = time.monotonic() + START_SECONDS
        while self._connection is None:
            with contextlib.suppress(protocol.NotRunning, protocol.ProtocolError, EOFError, OSError):
                self._connection = self._greeted()
                return
            if process is None:
                process = self._start()
            elif process.poll():
                raise Failure(self._why_not())
            elif process.poll() == 0:  # another worker was there first; unless it answers, try again
                process = None
            if time.monotonic() > deadline:
                raise Failure(_("The worker does not answer. Restart the computer, or see {log}.")
                              .format(log=self._installation.log))
            yield None

    def folder(self) -> Steps[Path]:
        """An empty folder for the files of the next job; whatever the last one left is gone."""
        answer = yield from self._ask({"kind": "open"})
        self._folder = Path(answer["path"])
        return self._folder

    def transfer(self, job: protocol.Transfer) -> Steps[dict[str, Any]]:
        """Have a job done; returns the ``done`` message. `Failure` and `Stopped` say how else it may end."""
        self._busy = True
        answer = yield from self._ask(job.to_message())
        while True:
            if answer["kind"] == "progress":
                yield float(answer["fraction"]), translated(answer["text"])
            elif answer["kind"] == "queued":
                yield 0.0, _("Waiting for another job")
            else:
                break
            answer = yield from self._listen()
        self._busy = False
        if answer["kind"] == "failed":
            raise Failure(self._in_plain_words(answer))
        if answer["kind"] != "done":
            raise Stopped
        return answer

    def cancel(self) -> None:
        """Ask for the end of the job that runs, if one does; its `transfer` then raises `Stopped`."""
        if self._busy:
            self._tell({"kind": "cancel"})

    def close(self) -> None:
        """Hang up: the worker stops our job and removes our files; where it was killed, we remove them."""
        if self._connection is not None:
            self._connection.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._connection, self._folder, self._busy = None, None, False

    def _greeted(self) -> protocol.Connection:
        """A connection to a worker that speaks as we do; one of another version is sent away."""
        connection = protocol.connect(self._installation.home)
        protocol.send(connection, {"kind": "hello", "warm": True})
        if protocol.receive(connection).get("protocol") == protocol.PROTOCOL:
            return connection
        protocol.send(connection, {"kind": "quit"})
        connection.close()
        raise protocol.NotRunning

    def _start(self) -> subprocess.Popen[bytes]:
        """Start a worker that outlives us: GIMP may kill our whole process group."""
        home = self._installation.home
        env = {name: value for name, value in os.environ.items()
               if name not in FOREIGN and not name.startswith("DYLD_")}
        env |= {"DECOUPLE_HOME": str(home), "PYTHONNOUSERSITE": "1"}
        if sys.platform == "win32":
            apart: dict[str, Any] = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
        else:
            apart = {"start_new_session": True}
        try:
            with open(protocol.log_folder(home) / "start.log", "wb") as log:
                return subprocess.Popen([str(self._installation.python), "-m", "decouple_core", "serve"], env=env,
                                        cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **apart)
        except OSError as error:
            raise Failure(_("The worker cannot be started ({reason}). Run install.py again.")
                          .format(reason=error)) from error

    def _why_not(self) -> str:
        """What a worker that ended at once left in its log."""
        log = self._installation.log / "start.log"
        lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
        return _("The worker cannot start ({reason}). Run install.py again; the log is {log}.").format(
            reason=lines[-1] if lines else _("it gave no reason"), log=log)

    def _ask(self, message: dict[str, Any]) -> Steps[dict[str, Any]]:
        self._tell(message)
        return (yield from self._listen())

    def _tell(self, message: dict[str, Any]) -> None:
        with self._noticing_its_end():
            protocol.send(self._connected(), message)

    def _listen(self) -> Steps[dict[str, Any]]:
        while True:
            with self._noticing_its_end():
                if self._connected().poll():
                    return protocol.receive(self._connected())
            yield None

    def _connected(self) -> protocol.Connection:
        assert self._connection is not None, "connect() comes first"
        return self._connection

    @contextlib.contextmanager
    def _noticing_its_end(self) -> Generator[None, None, None]:
        try:
            yield
        except (EOFError, OSError, protocol.ProtocolError) as error:
            self.close()
            raise Failure(_("The worker stopped unexpectedly. Try again; the log is {log}.")
                          .format(log=self._installation.log / "worker.log")) from error

    def _in_plain_words(self, answer: dict[str, Any]) -> str:
        """The worker's own sentence, with the log where the sentence alone may not help."""
        text = translated(answer["text"])
        if answer["error"] in ("InputError", "DiskFull"):
            return text
        return _("{problem} The log is {log}.").format(problem=text, log=self._installation.log / "worker.log")
