"""Waiting in steps, because libgimp and GTK want the main thread.

Whatever waits is a generator that yields while it waits: a dialog takes a step now and then, everything else uses
`finish`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from typing import Generic, TypeVar

from decouple_contract.messages import Message

PAUSE_SECONDS = 0.03
"""Between two looks for news."""

Answer = TypeVar("Answer")
Notice = TypeVar("Notice")
Said = TypeVar("Said")
News = tuple[float, Message]
"""How far a job is, in [0, 1], and what it does."""
Steps = Generator[News | None, None, Answer]
"""Yields news, and None where there is none; returns the answer that it waited for."""


def finish(steps: Generator[Notice | None, None, Answer], notice: Callable[[Notice | None], None]) -> Answer:
    """Take steps until the end; `notice` is told of progress, and of each idle moment with None."""
    followed = _StepsWithAnswer(steps)
    for news in followed:
        notice(news)
        if news is None:
            time.sleep(PAUSE_SECONDS)
    return followed.answer


def reworded(steps: Generator[Notice, None, Answer], words: Callable[[Notice], Said]) -> Generator[Said, None, Answer]:
    """The same steps and answer, with other words for what each of them tells."""
    followed = _StepsWithAnswer(steps)
    for news in followed:
        yield words(news)
    return followed.answer


def has_more(steps: Iterator[Notice | None], seconds: float, notice: Callable[[Notice], None]) -> bool:
    """Take steps for so long, or until one brings nothing new; returns whether there are more to take."""
    end = time.monotonic() + seconds
    for news in steps:
        if news is None:
            return True
        notice(news)
        if time.monotonic() > end:
            return True
    return False


class _StepsWithAnswer(Generic[Notice, Answer]):
    """Steps for a loop, with their answer when they have ended."""

    answer: Answer

    def __init__(self, steps: Generator[Notice, None, Answer]) -> None:
        self._steps = steps

    def __iter__(self) -> Iterator[Notice]:
        self.answer = yield from self._steps
