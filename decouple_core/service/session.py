"""One client of the worker: its messages, its job, its folder."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from decouple_contract.connection import hello_message, receive, welcome
from decouple_contract.errors import DecoupleError, ProtocolError
from decouple_contract.failures import as_failure, reason
from decouple_contract.jobs import Transfer, Where, failure_message
from decouple_contract.ownership import private_folder
from decouple_core.service.job import Job, log
from decouple_core.service.job_queue import JobQueue
from decouple_core.service.outbox import Outbox


class ClientSession:
    """Serves one client in a thread of its own.

    Parameters
    ----------
    connection : Connection
    jobs : JobQueue
        Where its jobs go.
    end : callable
        Ends the worker, as a client may ask.
    """

    def __init__(self, connection: Connection, jobs: JobQueue, end: Callable[[], None]) -> None:
        self._connection = connection
        self._jobs = jobs
        self._end = end
        self._outbox: Outbox | None = None
        self._folder: Path | None = None
        self._job: Job | None = None

    def run(self, key: bytes) -> None:
        """Serve the client until it goes away; then cancel its job and remove its files."""
        try:
            welcome(self._connection, key)
            self._outbox = Outbox(self._connection)
            while self._answer(receive(self._connection)):
                pass
        except (EOFError, OSError):
            pass  # the usual end
        except Exception as error:  # a stranger, or a partner that talks nonsense: hang up, serve the others
            log.warning("hung up on a client: %r", error)
        finally:
            self._give_up_job()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            if self._outbox is not None:
                self._outbox.close()
            self._connection.close()

    def tell(self, message: dict[str, Any]) -> None:
        """Send to the client."""
        if self._outbox is not None:
            self._outbox.put(message)

    def _answer(self, message: dict[str, Any]) -> bool:
        """Do what one message asks for; False ends the session."""
        kind = message["kind"]
        if kind == "hello":
            if message.get("warm"):
                self._jobs.warm_up()
            self.tell(hello_message())
        elif kind == "open":
            try:
                self.tell({"kind": "folder", "path": str(self._empty_folder())})
            except OSError as error:  # no room, or no files left to open
                log.exception("no folder for a client")
                folder = str(error.filename or self._jobs.folder)
                self.tell(
                    failure_message(
                        as_failure(error, DecoupleError("worker-folder", path=folder, reason=reason(error)))
                    )
                )
        elif kind == "transfer":
            self._queue(Transfer.from_message(message))
        elif kind == "where":
            question = Where.from_message(message)
            self._jobs.ask(question, str(self._folder), lambda answer: self.tell({**question.to_message(), **answer}))
        elif kind == "cancel":
            if self._job is not None and not self._job.finished.is_set():
                self._job.cancel()
        elif kind == "quit":
            self._end()
            return False
        else:
            raise ProtocolError(f"unknown kind {kind[:40]!r}")
        return True

    def _empty_folder(self) -> Path:
        """The client's folder, empty: whatever its last job left is gone."""
        if self._job is not None and not self._job.finished.is_set():
            raise ProtocolError("a new folder while a job runs in the old one")
        if self._folder is None:
            self._folder = self._jobs.folder / secrets.token_hex(8)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)
        return private_folder(self._folder)

    def _queue(self, transfer: Transfer) -> None:
        if self._folder is None or (self._job is not None and not self._job.finished.is_set()):
            raise ProtocolError("a job without a folder, or a second one at the same time")
        self._job = Job(self.tell, transfer, self._folder)
        if self._jobs.busy:
            self.tell({"kind": "queued"})
        self._jobs.put(self._job)

    def _give_up_job(self) -> None:
        if self._job is not None and not self._job.finished.is_set():
            self._job.cancel()
            self._job.finished.wait()  # its files are in use until then
