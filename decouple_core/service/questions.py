"""Questions that clients have put to the computing process, which answers them beside its job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from decouple_contract.jobs import places_message

Tell = Callable[[dict[str, Any]], None]


class Questions:
    """Those that one computing process has not answered yet; after its end, that nothing is known is the answer."""

    def __init__(self) -> None:
        self._waiting: dict[int, Tell] = {}
        self._count = 0
        self._over = False
        self._lock = threading.Lock()

    def add(self, tell: Tell) -> int | None:
        """A number for a question whose answer goes there; None, and an answer, where nobody is left to ask."""
        with self._lock:
            if not self._over:
                self._count += 1
                self._waiting[self._count] = tell
                return self._count
        tell(places_message(None))
        return None

    def answer(self, number: int, message: dict[str, Any]) -> None:
        """Pass an answer on."""
        with self._lock:
            tell = self._waiting.pop(number)
        tell(message)

    def give_up(self) -> None:
        """Answer whatever is still open, and will be asked."""
        with self._lock:
            self._over, waiting = True, list(self._waiting.values())
            self._waiting.clear()
        for tell in waiting:
            tell(places_message(None))
