"""One client of the worker: its messages, its job, its folder."""

from __future__ import annotations

import secrets
import shutil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decouple_contract import protocol
from decouple_contract.errors import DecoupleError
from decouple_contract.failures import as_failure, reason
from decouple_contract.ownership import private_folder
from decouple_core.service.job import Job, log
from decouple_core.service.outbox import Outbox

if TYPE_CHECKING:
    from decouple_core.service.worker import Server


class Session:
    """Serves one client in a thread of its own.

    Parameters
    ----------
    server : Server
    connection : Connection
    """

    def __init__(self, server: Server, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._outbox: Outbox | None = None
        self._folder: Path | None = None
        self._job: Job | None = None

    def run(self, key: bytes) -> None:
        """Serve the client until it goes away; then cancel its job and remove its files."""
        try:
            protocol.welcome(self._connection, key)
            self._outbox = Outbox(self._connection)
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
            if self._outbox is not None:
                self._outbox.close()
            self._connection.close()
            self._server.left(self)

    def tell(self, message: dict[str, Any]) -> None:
        """Send to the client."""
        if self._outbox is not None:
            self._outbox.put(message)

    def _answer(self, message: dict[str, Any]) -> bool:
        """Do what one message asks for; False ends the session."""
        kind = message["kind"]
        if kind == "hello":
            if message.get("warm"):
                self._server.warm_up()
            self.tell(protocol.hello())
        elif kind == "open":
            try:
                self.tell({"kind": "folder", "path": str(self._empty_folder())})
            except OSError as error:  # no room, or no files left to open
                log.exception("no folder for a client")
                folder = str(error.filename or self._server.jobs_folder)
                self.tell(protocol.failed(as_failure(
                    error, DecoupleError("worker-folder", path=folder, reason=reason(error)))))
        elif kind == "transfer":
            self._queue(protocol.Transfer.from_message(message))
        elif kind == "where":
            question = protocol.Where.from_message(message)
            self._server.computer.ask(question, str(self._folder),
                                      lambda answer: self.tell({**question.to_message(), **answer}))
        elif kind == "cancel":
            if self._job is not None and not self._job.finished.is_set():
                self._job.cancel()
        elif kind == "quit":
            self._server.end()
            return False
        else:
            raise protocol.ProtocolError(f"unknown kind {kind[:40]!r}")
        return True

    def _empty_folder(self) -> Path:
        """The client's folder, empty: whatever its last job left is gone."""
        if self._job is not None and not self._job.finished.is_set():
            raise protocol.ProtocolError("a new folder while a job runs in the old one")
        if self._folder is None:
            self._folder = self._server.jobs_folder / secrets.token_hex(8)
        else:
            shutil.rmtree(self._folder, ignore_errors=True)
        return private_folder(self._folder)

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
