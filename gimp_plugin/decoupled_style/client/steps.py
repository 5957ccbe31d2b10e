"""Waiting in steps, because libgimp and GTK want the main thread.

Whatever waits is a generator that yields while it waits: a dialog takes a step now and then, everything else uses
`finish`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import TypeVar

from decouple_contract.messages import Message

PAUSE_SECONDS = 0.03
"""Between two looks for news."""

Answer = TypeVar("Answer")
Told = TypeVar("Told")
News = tuple[float, Message]
"""How far a job is, in [0, 1], and what it does."""
Steps = Generator[News | None, None, Answer]
"""Yields news, and None where there is none; returns the answer that it waited for."""


def finish(steps: Generator[Told | None, None, Answer], notice: Callable[[Told | None], None]) -> Answer:
    """Take steps until the end; `notice` is told of progress, and of each idle moment with None."""
    while True:
        try:
            news = next(steps)
        except StopIteration as end:
            answer: Answer = end.value
            return answer
        notice(news)
        if news is None:
            time.sleep(PAUSE_SECONDS)
