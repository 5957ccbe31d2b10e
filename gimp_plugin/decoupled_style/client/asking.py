"""Questions about places, as fast as a hand moves: one at a time, of those that wait the latest alone."""

from __future__ import annotations

import contextlib

from decouple_contract.errors import DecoupleError
from decouple_contract.jobs import Where
from decoupled_style.client.steps import Steps
from decoupled_style.client.worker import Worker

Shares = list[list[list[float]]]
"""Of each picture that was asked for, row by row, how much of the spot's correspondence lies in each place."""


class Asking:
    """Asks the worker step by step, beside whatever else is asked of it.

    Parameters
    ----------
    worker
        Without a connection it knows nothing.
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._steps: Steps[Shares | None] | None = None
        self._asked: Where | None = None
        self._waiting: Where | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is asked and nothing waits."""
        return self._steps is None and self._waiting is None

    def ask(self, question: Where | None) -> None:
        """Want this to be known, and nothing that was not asked yet; None wants nothing."""
        self._waiting = question

    def step(self) -> tuple[Where, Shares | None] | None:
        """Go on; a question with its answer, once it is there. None is the answer where nothing is known."""
        if self._steps is None and self._waiting is not None:
            self._asked, self._waiting = self._waiting, None
            self._steps = self._worker.where(self._asked)
        if self._steps is None or self._asked is None:
            return None
        answer: Shares | None = None
        try:
            with contextlib.suppress(DecoupleError):  # whoever else needs the worker will say so
                next(self._steps)
                return None
        except StopIteration as end:
            answer = end.value
        self._steps = None
        return self._asked, answer
