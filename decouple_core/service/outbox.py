"""What is on its way to one client, who may be slow to take it, or never do."""

from __future__ import annotations

import queue
import threading
from multiprocessing.connection import Connection
from typing import Any

from decouple_contract.connection import hang_up, send
from decouple_core.service.job import log

MOST_WAITING = 64
"""Messages that a client may leave unread, beside the 200 kB or so that the system keeps."""

NEWS_WAITING = 8
"""With so many unread, news of progress are left out."""


class Outbox:
    """Sends in a thread of its own, so that nobody else ever waits for a client.

    Parameters
    ----------
    connection : Connection
        Hung up where the client takes nothing any more.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: queue.Queue[dict[str, Any] | None] = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._send, daemon=True).start()

    def put(self, message: dict[str, Any]) -> None:
        """Send a message, sooner or later; one that the client is gone for is lost."""
        if message["kind"] == "progress" and self._waiting.qsize() > NEWS_WAITING:
            return
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            log.warning("hung up on a client that takes nothing")
            hang_up(self._connection)

    def close(self) -> None:
        """Send nothing more."""
        try:
            while True:
                self._waiting.get_nowait()
        except queue.Empty:
            self._waiting.put(None)

    def _send(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                send(self._connection, message)
            except OSError:  # it is gone, or it paused for too long; whoever reads from it notices
                hang_up(self._connection)
                return
