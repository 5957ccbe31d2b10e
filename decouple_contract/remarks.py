"""What is said of work that goes on all the same, such as what a reader has passed over in a file.

Whoever reads says it with `remark`; whoever started the work hears it with `heard`: the command line prints it, the
worker sends it along with the result. Where nobody listens, it is a warning of Python's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from decouple_contract.messages import Message

Hear = Callable[[Message], object]
_hears: ContextVar[Hear | None] = ContextVar("hears", default=None)


class Remark(Warning):
    """A message as a warning of Python's, which `warnings.simplefilter` hides or makes an error.

    Attributes
    ----------
    message : Message
        To be worded in any language.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        super().__init__(message.words())


def remark(message: Message) -> None:
    """Say something to whoever started the work."""
    hear = _hears.get()
    if hear is None:
        warnings.warn(Remark(message), stacklevel=2)
    else:
        hear(message)


@contextmanager
def heard(hear: Hear) -> Iterator[None]:
    """Be told the remarks of what is done within; threads hear them that run in a copy of this context."""
    token = _hears.set(hear)
    try:
        yield
    finally:
        _hears.reset(token)
