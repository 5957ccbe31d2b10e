"""The worker: one process a user, which keeps the network warm and does the jobs of every client in turn.

It starts on demand (``python -m decouple_core serve``), answers at once, and ends by itself after a time without
clients. The computing happens in a child process (`computer`); this half takes connections, keeps the queue, owns the
files of each job, and removes them when their client goes away.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import logging.handlers
import os
import queue
import secrets
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

import filelock

from decouple_core.contract import protocol
from decouple_core.contract.errors import DecoupleError
from decouple_core.contract.files import reason
from decouple_core.contract.paths import data_folder
from decouple_core.service.computing_process import ComputingProcess
from decouple_core.service.job import Job, log

IDLE_SECONDS = 15 * 60.0
"""Without clients for this long, the worker ends and gives its memory back."""

ENDING_SECONDS = 10.0
"""Time for a worker to end its child and remove its files, which takes far less."""

LOG_BYTES = 1_000_000
"""Size at which the log is put aside; one older log is kept."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``serve``: serve until idle, or, with ``--stop``, end the worker that runs.

    Returns
    -------
    int
        0, also where another worker already serves this user.
    """
    parser = argparse.ArgumentParser(prog="decouple_core serve", description=main.__doc__)
    parser.add_argument("--idle", type=float, default=IDLE_SECONDS, metavar="SECONDS",
                        help="end after this long without clients (default: %(default)g)")
    parser.add_argument("--stop", action="store_true", help="end the worker that runs, if there is one")
    args = parser.parse_args(argv)
    home = data_folder()
    try:
        if args.stop:
            stop(home)
        else:
            serve(home, args.idle)
    except OSError as error:
        raise DecoupleError("worker-folder", path=str(error.filename or home), reason=reason(error)) from error
    return 0


def stop(home: Path) -> None:
    """End the worker of this user, if there is one, and wait until it has.

    Raises
    ------
    DecoupleError
        When it does not end.
    """
    try:
        connection = protocol.connect(home)
    except protocol.NotRunning:
        return
    with contextlib.suppress(EOFError, OSError, protocol.ProtocolError):
        protocol.send(connection, {"kind": "quit"})
        while True:  # until it hangs up
            protocol.receive(connection)
    try:  # it lets go of the lock last, when its processes and files are gone
        with filelock.FileLock(protocol.run_folder(home) / "lock", timeout=ENDING_SECONDS):
            pass
    except filelock.Timeout:
        raise DecoupleError("worker-stuck", folder=str(protocol.log_folder(home))) from None


def serve(home: Path, idle: float = IDLE_SECONDS) -> None:
    """Serve this user's clients until none has been there for `idle` seconds.

    Returns at once where another worker already serves them.
    """
    with _only_one(home) as alone:
        if not alone:
            return
        _log_to(protocol.log_folder(home) / "worker.log")
        server = _Server(home, idle)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            server.run()
        finally:
            server.close()


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[bool]:
    """Hold the lock of this user's worker; the system lets go of it however the process ends."""
    lock = filelock.FileLock(protocol.run_folder(home) / "lock", blocking=False)
    try:
        lock.acquire()
    except filelock.Timeout:
        yield False
    else:
        with lock:
            yield True


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


class _Server:
    """Takes connections, one `_Session` each, and feeds their jobs to the computer one after another."""

    def __init__(self, home: Path, idle: float) -> None:
        self.home = home
        self.jobs_folder = protocol.run_folder(home) / "jobs"
        self.computer = ComputingProcess()
        self.waiting: queue.Queue[Job] = queue.Queue()
        self._idle = idle
        self._sessions: set[_Session] = set()
        self._lock = threading.Lock()
        self._last_client = time.monotonic()
        self._ending = False
        self._endpoint = protocol.Endpoint.create(home)

    def run(self) -> None:
        """Accept clients until idle."""
        shutil.rmtree(self.jobs_folder, ignore_errors=True)  # left over from one that was killed
        protocol.private_folder(self.jobs_folder)
        with contextlib.suppress(FileNotFoundError):
            if sys.platform != "win32":
                os.unlink(self._endpoint.address)
        with Listener(self._endpoint.address, backlog=16) as listener:
            self._endpoint.save(self.home)
            log.info("serving; process %d, %s, Python %s", os.getpid(), sys.platform, sys.version.split()[0])
            threading.Thread(target=self._work, daemon=True).start()
            threading.Thread(target=self._watch_idleness, daemon=True).start()
            while True:
                connection = listener.accept()
                if self._ending:
                    return
                session = _Session(self, connection)
                with self._lock:
                    self._sessions.add(session)
                threading.Thread(target=session.run, args=(self._endpoint.key,), daemon=True).start()

    def end(self) -> None:
        """Make `run` return."""
        self._ending = True
        with contextlib.suppress(OSError):
            Client(self._endpoint.address).close()  # wakes accept()

    def close(self) -> None:
        """Leave nothing behind: no process, no file but the log."""
        log.info("ending")
        self.computer.kill()
        shutil.rmtree(self.jobs_folder, ignore_errors=True)
        (self.home / "run" / "worker.json").unlink(missing_ok=True)
        address = Path(self._endpoint.address)
        if sys.platform != "win32" and address.parent != self.home / "run":
            shutil.rmtree(address.parent, ignore_errors=True)

    def left(self, session: _Session) -> None:
        """A client is gone."""
        with self._lock:
            self._sessions.discard(session)
            self._last_client = time.monotonic()

    def _work(self) -> None:
        while True:
            job = self.waiting.get()
            try:
                if job.begin():
                    job.end(self.computer.run(job))
            except Exception:  # whatever happens to one job, the next must be done
                log.exception("a job broke the queue")
                job.finished.set()

    def _watch_idleness(self) -> None:
        while not self._ending:
            time.sleep(min(1.0, self._idle / 4))
            with self._lock:
                idle = not self._sessions and time.monotonic() - self._last_client > self._idle
            if idle:
                log.info("idle for %g s", self._idle)
                self.end()


class _Session:
    """One client: its messages, its job, its folder."""

    def __init__(self, server: _Server, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._sending = threading.Lock()
        self._folder: Path | None = None
        self._job: Job | None = None

    def run(self, key: bytes) -> None:
        """Serve the client until it goes away; then cancel its job and remove its files."""
        try:
            protocol.welcome(self._connection, key)
            while self._answer(protocol.receive(self._connection)):
                pass
        except (EOFError, OSError):
            pass  # the usual end
        except Exception as error:  # a stranger, or a partner that talks nonsense: hang up, serve the others
            log.warning("hung up on a client: %r", error)
        finally:
            self._give_up_job()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._connection.close()
            self._server.left(self)

    def tell(self, message: dict[str, Any]) -> None:
        """Send to the client; one that is gone is noticed where it is read from."""
        with self._sending, contextlib.suppress(OSError):
            protocol.send(self._connection, message)

    def _answer(self, message: dict[str, Any]) -> bool:
        """Do what one message asks for; False ends the session."""
        kind = message["kind"]
        if kind == "hello":
            if message.get("warm"):
                self._server.computer.start()
            self.tell(protocol.hello())
        elif kind == "open":
            self.tell({"kind": "folder", "path": str(self._empty_folder())})
        elif kind == "transfer":
            self._queue(protocol.Transfer.from_message(message))
        elif kind == "cancel":
            if self._job is not None and not self._job.finished.is_set():
                self._job.cancel()
        elif kind == "quit":
            self._server.end()
            return False
        else:
            raise protocol.ProtocolError(f"unknown kind {kind!r}")
        return True

    def _empty_folder(self) -> Path:
        """The client's folder, empty: whatever its last job left is gone."""
        if self._job is not None and not self._job.finished.is_set():
            raise protocol.ProtocolError("a new folder while a job runs in the old one")
        if self._folder is None:
            self._folder = self._server.jobs_folder / secrets.token_hex(8)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)
        return protocol.private_folder(self._folder)

    def _queue(self, transfer: protocol.Transfer) -> None:
        if self._folder is None or (self._job is not None and not self._job.finished.is_set()):
            raise protocol.ProtocolError("a job without a folder, or a second one at the same time")
        self._job = Job(self.tell, transfer, self._folder)
        if self._server.computer.busy:
            self.tell({"kind": "queued"})
        self._server.waiting.put(self._job)

    def _give_up_job(self) -> None:
        if self._job is not None and not self._job.finished.is_set():
            self._job.cancel()
            self._job.finished.wait()  # its files are in use until then


if __name__ == "__main__":
    sys.exit(main())
