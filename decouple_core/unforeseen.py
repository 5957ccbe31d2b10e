"""Any error as one of ours: a sentence that ends with the next step."""

from __future__ import annotations

import traceback

from decouple_core.contract import protocol
from decouple_core.contract.errors import DecoupleError, OutOfMemoryError
from decouple_core.contract.paths import data_folder


def as_ours(error: BaseException) -> DecoupleError:
    """The error itself, or what it means to a user."""
    if isinstance(error, DecoupleError):
        return error
    if isinstance(error, MemoryError) or (isinstance(error, ImportError) and "failed to map segment" in str(error)):
        return OutOfMemoryError("out-of-memory")  # the second: of a library that is loaded late
    if isinstance(error, ImportError):  # what the environment lacks
        return DecoupleError("computing-broken", reason=str(error))
    return _logged(error)


def _logged(error: BaseException) -> DecoupleError:
    """An error that nobody has foreseen as a sentence, with its traceback in the log."""
    problem = DecoupleError("unforeseen", reason=repr(error)[:500])
    try:
        log = protocol.log_folder(data_folder()) / "command-line.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    except (OSError, DecoupleError):  # no room for a log, or no place
        return problem
    return DecoupleError("problem-logged", problem=problem.message, log=str(log))
