"""The plug-in's end of the connection to the worker.

The worker and whatever it holds for us end with the connection.
"""

from __future__ import annotations

import contextlib
import math
import re
import shutil
import subprocess
import threading
import time
from collections.abc import Collection, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from decouple_contract import __version__, errors
from decouple_contract.connection import HANDSHAKE_SECONDS, PROTOCOL, NotRunning, Silent, connect, receive, send
from decouple_contract.errors import Cancelled, DecoupleError, ProtocolError
from decouple_contract.failures import with_log
from decouple_contract.jobs import Transfer, Where
from decouple_contract.messages import Message
from decoupled_style.client.installation import Installation
from decoupled_style.client.starting import start, why_not
from decoupled_style.client.steps import News, Steps

START_SECONDS = 30.0
"""Longest wait for a worker that is starting: 0.2 s on a quiet machine, more under a virus scanner's first look."""

QUIET_SECONDS = 10.0
"""A worker that has said nothing for so long is asked whether it is there; a job may take seconds between its news."""

OF_A_JOB, PLACES = ("folder", "queued", "progress", "done", "failed", "cancelled"), ("places",)
"""Kinds of messages that are waited for together."""


class Worker:
    """A connection to this user's worker, which is started where none runs."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._connection: Connection | None = None
        self._folder: Path | None = None
        self._busy = False
        self._unheard: list[dict[str, Any]] = []  # what came while something else was waited for
        self._beginning: threading.Thread | None = None
        self._begun: tuple[Steps[None], News | None] | None = None

    def begin(self) -> None:
        """Look for the worker, or have it start, while we do something else; one that is hung delays nothing then."""
        self._beginning = threading.Thread(target=self._first_step, args=(self._connect(),), daemon=True)
        self._beginning.start()

    def _first_step(self, connecting: Steps[None]) -> None:
        """Take the first step towards a connection; of what is wrong, `connect` will find it, too, and say it."""
        with contextlib.suppress(StopIteration, DecoupleError, OSError):
            self._begun = connecting, next(connecting)

    def connect(self) -> Steps[None]:
        """Connect, starting the worker if need be; one of another version is sent away first. See `begin`, too.

        Raises
        ------
        DecoupleError
            Where it cannot start, or where the one that we start has another version.
        """
        while self._beginning is not None and self._beginning.is_alive():
            yield None
        begun, self._begun, self._beginning = self._begun, None, None
        if begun is None:
            yield from self._connect()
        else:
            yield begun[1]
            yield from begun[0]

    def _connect(self) -> Steps[None]:
        process: subprocess.Popen[bytes] | None = None
        sent_away: set[str] = set()  # by their processes: one that is told to end may answer once more
        deadline = math.inf
        while self._connection is None:
            silent = False
            with contextlib.suppress(NotRunning, ProtocolError, EOFError, OSError):
                try:
                    self._connection, hello = _greeted(self._installation.home)
                except Silent:  # the one that we start replaces it
                    silent = True
                    raise
                if _is_ours(hello):
                    return
                self._send_away()
                if process is not None and str(hello.get("pid")) not in sent_away:
                    raise _mismatch(hello)
                sent_away.add(str(hello.get("pid")))
            if process is None:
                process = start(self._installation)
            elif process.poll():
                raise why_not(self._installation)
            elif process.poll() == 0:  # another worker was there first; unless it answers, try again
                process = None
            if time.monotonic() > deadline:
                raise DecoupleError("worker-silent", log=str(self._installation.log))
            yield (0.0, Message("worker-replaced")) if silent else None
            deadline = min(deadline, time.monotonic() + START_SECONDS)  # whoever has begun may go on much later

    def folder(self) -> Steps[Path]:
        """An empty folder for the files of the next job; whatever the last one left is gone.

        Raises
        ------
        DecoupleError
            Where there is no room for one.
        """
        answer = yield from self._ask({"kind": "open"})
        if answer["kind"] == "failed":
            raise self._error(answer)
        self._folder = Path(answer["path"])
        return self._folder

    def transfer(self, job: Transfer) -> Steps[dict[str, Any]]:
        """Have a job done; returns the ``done`` message.

        Raises
        ------
        DecoupleError
            Where the job fails.
        Cancelled
            Where it was stopped.
        """
        self._busy = True
        answer = yield from self._ask(job.to_message())
        while True:
            if answer["kind"] == "progress":
                yield float(answer["fraction"]), _message(answer)
            elif answer["kind"] == "queued":
                yield 0.0, Message("queued")
            else:
                break
            answer = yield from self._listen()
        self._busy = False
        if answer["kind"] == "failed":
            raise self._error(answer)
        if answer["kind"] != "done":
            raise Cancelled
        return answer

    def where(self, question: Where) -> Steps[list[list[list[float]]] | None]:
        """Ask which places of the last job's pictures belong to a spot; may be asked while another job runs.

        Returns
        -------
        list or None
            What `jobs.places_message` holds; None, too, without a connection, and where it is hung up meanwhile.
        """
        connection = self._connection
        if connection is None:
            return None
        self._tell(question.to_message())
        listening = self._listen(PLACES)
        while self._connection is connection:
            try:
                yield next(listening)
            except StopIteration as end:
                answer = end.value
                asked = Where(**{name: answer[name] for name in ("x", "y", "style", "plan")})
                if asked == question:  # else of one that was given up
                    return answer["shares"]
                listening = self._listen(PLACES)
        return None

    def cancel(self) -> None:
        """Ask for the end of the job that runs, if one does; its `transfer` then raises `Cancelled`."""
        if self._busy:
            self._tell({"kind": "cancel"})

    def close(self) -> None:
        """Hang up: the worker stops our job and removes our files; where it was killed, we remove them."""
        if self._connection is not None:
            self._connection.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._connection, self._folder, self._busy = None, None, False
        self._unheard.clear()

    def _send_away(self) -> None:
        """Have a worker that we cannot use end itself."""
        with contextlib.suppress(OSError):
            send(self._connected(), {"kind": "quit"})
        self.close()

    def _ask(self, message: dict[str, Any]) -> Steps[dict[str, Any]]:
        self._tell(message)
        return (yield from self._listen())

    def _tell(self, message: dict[str, Any]) -> None:
        with self._noticing_its_end():
            send(self._connected(), message)

    def _listen(self, kinds: Collection[str] = OF_A_JOB) -> Steps[dict[str, Any]]:
        """Wait for a message of these kinds; a worker that keeps silent is asked whether it is there."""
        heard, asked = time.monotonic(), False
        while True:
            for number, message in enumerate(self._unheard):
                if message["kind"] in kinds:
                    return self._unheard.pop(number)
            with self._noticing_its_end():
                if self._connected().poll():
                    message = receive(self._connected())
                    heard, asked = time.monotonic(), False
                    if message["kind"] != "hello":
                        self._unheard.append(message)
                        continue
                elif time.monotonic() - heard > QUIET_SECONDS and not asked:
                    send(self._connected(), {"kind": "hello"})
                    heard, asked = time.monotonic(), True
            if asked and time.monotonic() - heard > HANDSHAKE_SECONDS:
                self.close()
                raise DecoupleError("worker-stopped", log=str(self._log))
            yield None

    def _connected(self) -> Connection:
        assert self._connection is not None, "connect() comes first"
        return self._connection

    @contextlib.contextmanager
    def _noticing_its_end(self) -> Iterator[None]:
        try:
            yield
        except (EOFError, OSError, ProtocolError) as error:
            self.close()
            raise DecoupleError("worker-lost", log=str(self._log)) from error

    def _error(self, answer: dict[str, Any]) -> DecoupleError:
        """The failure that the worker told of, with the log where its sentence alone may not help."""
        try:
            error = errors.from_dict(answer)
        except ValueError:
            return DecoupleError("worker-unclear", log=str(self._log))
        return with_log(error, self._log)

    @property
    def _log(self) -> Path:
        return self._installation.log / "worker.log"


def _greeted(home: Path) -> tuple[Connection, dict[str, Any]]:
    """A connection to the worker that runs, and what it says of itself."""
    connection = connect(home)
    try:
        send(connection, {"kind": "hello", "warm": True})
        if not connection.poll(HANDSHAKE_SECONDS):
            raise Silent(None)
        return connection, receive(connection)
    except BaseException:
        connection.close()
        raise


def _is_ours(hello: dict[str, Any]) -> bool:
    return hello.get("protocol") == PROTOCOL and hello.get("version") == __version__


def _mismatch(hello: dict[str, Any]) -> DecoupleError:
    """Which of the halves is to be updated: the older one."""
    version = str(hello.get("version", "0.1"))  # the first did not tell
    older = "plug-in-older" if _order(version) > _order(__version__) else "worker-older"
    return DecoupleError(older, plug_in=__version__, worker=version)


def _order(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _message(answer: dict[str, Any]) -> Message:
    """What a job does; in general words where it does not say it in any that we know."""
    try:
        return Message.from_dict(answer.get("message", {}))
    except ValueError:
        return Message("working")


def remarks(answer: dict[str, Any]) -> list[Message]:
    """What a ``done`` message says beside the result, such as what was passed over in a file."""
    try:
        return [Message.from_dict(one) for one in answer.get("remarks", [])]
    except (ValueError, TypeError):
        return []
