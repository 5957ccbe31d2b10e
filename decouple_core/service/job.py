"""One job of the worker: what it asks for, how far it is, how it ends."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from decouple_contract import errors
from decouple_contract.jobs import Transfer
from decouple_contract.settings import COMPONENTS
from decouple_contract.shared_folders import pixels_file

log = logging.getLogger("decouple.worker")
"""The worker's."""


class Job:
    """One transfer on its way through the queue.

    Parameters
    ----------
    tell : callable
        Sends a message to its client.
    transfer : Transfer
    folder : Path
        Where its files are.
    """

    def __init__(self, tell: Callable[[dict[str, Any]], None], transfer: Transfer, folder: Path) -> None:
        self.folder = folder
        self._stays = transfer.view is not None or transfer.table is not None
        self.request = {"kind": "transfer", "folder": str(folder), "job": transfer.to_message()}
        self.cancelled = threading.Event()
        self.finished = threading.Event()
        self._tell = tell
        self._begun = False
        self._lock = threading.Lock()

    def begin(self) -> bool:
        """Its turn has come; False where it was cancelled while it waited."""
        with self._lock:
            self._begun = not self.cancelled.is_set()
            return self._begun

    def cancel(self) -> None:
        """Stop it: at once while it waits, else as soon as the computer lets go of its files."""
        with self._lock:
            self.cancelled.set()
            waiting = not self._begun
        if waiting:
            self.end({"kind": "cancelled"})

    def progress(self, message: dict[str, Any]) -> None:
        """Pass a message about the job on to its client."""
        self._tell(message)

    def end(self, message: dict[str, Any]) -> None:
        """Tell the client how it ended; only a result stays on the disk, for the client to fetch.

        After a view of it or a table, everything stays: the client may want another.
        """
        log.info("job %s", message["kind"] if message["kind"] != "failed" else f"failed: {errors.from_dict(message)}")
        results = [pixels_file(self.folder, name) for name in ("result", *COMPONENTS)]
        # A client that leaves removes its files too; Windows keeps what is mapped until the folder goes.
        with contextlib.suppress(OSError):
            for file in () if self._stays else self.folder.iterdir():
                if message["kind"] != "done" or file not in results:
                    with contextlib.suppress(OSError):
                        file.unlink()
        self.finished.set()
        self._tell(message)
