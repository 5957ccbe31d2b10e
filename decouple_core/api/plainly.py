"""Errors as sentences, also from Python."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from decouple_contract.failures import as_failure, is_foreseen
from decouple_contract.messages import Message
from decouple_contract.progress import Progress


@contextmanager
def said_plainly(progress: Progress) -> Iterator[Progress]:
    """Have errors of the operating system told as on the command line; those of `progress` stay what they are.

    So do those that nobody has foreseen, whose traceback says more than a sentence.
    """
    of_progress: list[BaseException] = []

    def say(share: float, message: Message) -> None:
        try:
            progress(share, message)
        except BaseException as error:
            of_progress.append(error)
            raise

    try:
        yield say
    except Exception as error:
        failure = as_failure(error)
        if failure is error or error in of_progress or not is_foreseen(failure):
            raise
        raise failure from error
    finally:
        of_progress.clear()  # they hold this frame
