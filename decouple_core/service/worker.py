"""The worker: one process a user, which keeps the network warm and does the jobs of every client in turn.

It starts on demand (``python -m decouple_core serve``), answers at once, and ends by itself after a time without
clients. The computing happens in a child process (`computer`); this half takes connections, keeps the queue
(`job_queue`), owns the files of each job, and removes them when their client goes away (`session`).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import logging.handlers
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path

import filelock

from decouple_contract.connection import Endpoint, NotRunning, Silent, connect, receive, send
from decouple_contract.errors import DecoupleError, ProtocolError
from decouple_contract.shared_folders import log_folder, run_folder
from decouple_core.service.job import log
from decouple_core.service.job_queue import JobQueue
from decouple_core.service.session import ClientSession

IDLE_SECONDS = 15 * 60.0
"""Without clients for this long, the worker ends and gives its memory back."""

ENDING_SECONDS = 10.0
"""Time for a worker to end its child and remove its files, which takes far less."""

ATTEMPTS = 3
"""To reach a worker that listens, each of `connection.HANDSHAKE_SECONDS`, before it is taken for hung."""

PAUSE_SECONDS = 0.2
"""Before the next try where the system has no files or threads left to give."""

MOST_CLIENTS = 64
"""At a time; each has two threads and a connection. GIMP's dialog and its filter are one each."""

LOG_BYTES = 1_000_000
"""Size at which the log is put aside; one older log is kept."""


def stop(home: Path) -> None:
    """End the worker of this user, if there is one, and wait until it has; one that does not answer is killed.

    Raises
    ------
    DecoupleError
        When it does not end.
    """
    try:
        connection = connect(home)
    except Silent:
        _replace_silent(home)
        return
    except NotRunning:
        return
    with contextlib.suppress(EOFError, OSError, ProtocolError):
        send(connection, {"kind": "quit"})
        while True:  # until it hangs up
            receive(connection)
    try:  # it lets go of the lock last, when its processes and files are gone
        with filelock.FileLock(run_folder(home) / "lock", timeout=ENDING_SECONDS):
            pass
    except filelock.Timeout:
        raise DecoupleError("worker-stuck", folder=str(log_folder(home))) from None


def serve(home: Path, idle: float = IDLE_SECONDS) -> None:
    """Serve this user's clients until none has been there for `idle` seconds.

    Returns at once where another worker already serves them.
    """
    with only_one(home) as alone:
        if not alone:
            return
        _log_to(log_folder(home) / "worker.log")
        server = Server(home, idle)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            server.run()
        finally:
            server.close()


@contextlib.contextmanager
def only_one(home: Path) -> Iterator[bool]:
    """Hold the lock of this user's worker; the system lets go of it however the process ends."""
    lock = filelock.FileLock(run_folder(home) / "lock")
    try:
        lock.acquire(timeout=ENDING_SECONDS if _replace_silent(home) else 0.0)
    except filelock.Timeout:
        yield False
    else:
        with lock:
            yield True


def _replace_silent(home: Path) -> bool:
    """Kill a worker that listens and does not answer: it was stopped, or hangs. Returns whether there was one.

    One that may only be slow, on a machine without memory to spare, is asked again before.
    """
    for attempt in range(ATTEMPTS):
        try:
            connect(home).close()
        except Silent as silent:
            if silent.pid is not None and (attempt == ATTEMPTS - 1 or _is_stopped(silent.pid)):
                _kill(silent.pid)
                return True
        except NotRunning:
            return False
        else:
            return False
    return False


def _is_stopped(pid: int) -> bool:
    """Whether somebody has stopped this process (SIGSTOP); only Linux tells."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] in "Tt"
    except (OSError, IndexError):
        return False


def _kill(pid: int) -> None:
    """Kill a worker; its child ends with it, and removes the job's files."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def _log_to(path: Path) -> None:
    """Have the log written there; OSError where something is in its place that is no file."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    logging.raiseExceptions = False  # a full disk costs lines of the log, nothing else
    log.setLevel(logging.INFO)


class Server:
    """Takes connections, one `ClientSession` each, whose jobs it keeps in one queue."""

    def __init__(self, home: Path, idle: float) -> None:
        self._home = home
        self._jobs = JobQueue(run_folder(home) / "jobs")
        self._idle = idle
        self._sessions: set[ClientSession] = set()
        self._lock = threading.Lock()
        self._last_client = time.monotonic()
        self._ending = False
        self._endpoint = Endpoint.create(home)

    def run(self) -> None:
        """Accept clients until idle."""
        self._jobs.open()
        with contextlib.suppress(FileNotFoundError):
            if sys.platform != "win32":
                os.unlink(self._endpoint.address)
        with Listener(self._endpoint.address, backlog=MOST_CLIENTS) as listener:
            self._endpoint.save(self._home)
            self._jobs.warm_up()  # whoever starts a worker has a job for it
            log.info("serving; process %d, %s, Python %s", os.getpid(), sys.platform, sys.version.split()[0])
            threading.Thread(target=self._watch_idleness, daemon=True).start()
            while not self._ending:
                try:
                    self._welcome(listener.accept())
                except (OSError, RuntimeError) as error:  # no files, threads or memory left: there will be again
                    log.warning("a client could not be served: %r", error)
                    time.sleep(PAUSE_SECONDS)

    def _welcome(self, connection: Connection) -> None:
        """Serve a client in a thread of its own."""
        session = ClientSession(connection, self._jobs, self.end)
        with self._lock:
            if self._ending or len(self._sessions) >= MOST_CLIENTS:
                connection.close()
                return
            self._sessions.add(session)
        try:
            threading.Thread(target=self._serve, args=(session,), daemon=True).start()
        except RuntimeError:
            connection.close()
            self._left(session)
            raise

    def _serve(self, session: ClientSession) -> None:
        """Serve a client until it goes away."""
        try:
            session.run(self._endpoint.key)
        finally:
            self._left(session)

    def end(self) -> None:
        """Make `run` return."""
        self._ending = True
        with contextlib.suppress(OSError):
            Client(self._endpoint.address).close()  # wakes accept()

    def close(self) -> None:
        """Leave nothing behind: no process, no file but the log."""
        log.info("ending")
        self._jobs.close()
        (self._home / "run" / "worker.json").unlink(missing_ok=True)
        address = Path(self._endpoint.address)
        if sys.platform != "win32" and address.parent != self._home / "run":
            shutil.rmtree(address.parent, ignore_errors=True)

    def _left(self, session: ClientSession) -> None:
        """A client is gone."""
        with self._lock:
            self._sessions.discard(session)
            self._last_client = time.monotonic()

    def _watch_idleness(self) -> None:
        while not self._ending:
            time.sleep(min(1.0, max(0.01, self._idle / 4)))
            with self._lock:
                idle = not self._sessions and time.monotonic() - self._last_client > self._idle
            if idle:
                log.info("idle for %g s", self._idle)
                self.end()
