"""How far along some work is."""

from __future__ import annotations

from collections.abc import Callable

from decouple_contract.messages import Message

Progress = Callable[[float, Message], None]
"""Told the finished share, 0 to 1, and what is being done (``str(message)`` is its English); may raise
`errors.Cancelled` to stop the work."""


def silent(share: float, message: Message) -> None:
    """Progress for nobody."""


def part_of(tick: Callable[[float], None], number: int, count: int) -> Callable[[float], None]:
    """Progress of part `number`, from 0, of `count` equal parts of the work that `tick` hears of."""
    return lambda done: tick((number + done) / count)
