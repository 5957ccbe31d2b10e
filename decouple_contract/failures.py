"""Any exception as one of ours: the same sentence, whichever front door it comes out of.

What befalls the whole computer, such as a full disk, is told as that wherever it strikes. What the operating system
says of one file is told by whoever knows what the file was for, and by its path where nobody does. Libraries are not
imported for it: those that do not raise the system's errors repeat its words.
"""

from __future__ import annotations

import errno
import os
import traceback
from pathlib import Path

from decouple_contract.errors import DecoupleError, DiskFullError, OutOfMemoryError
from decouple_contract.paths import data_folder
from decouple_contract.shared_folders import log_folder

FULL = (errno.ENOSPC, errno.EDQUOT)
"""How the system says that there is no room."""

TOO_MANY = (errno.EMFILE, errno.ENFILE)
"""How the system says that no more files can be opened, by this process or by all."""

LOGGED = ("unforeseen", "computing-broken", "computing-ended", "computing-crashed")
"""Codes of what only a log explains."""

REASON_CHARACTERS = 500
"""Of what only a log can tell in full."""


def as_failure(error: BaseException, otherwise: DecoupleError | None = None) -> DecoupleError:
    """What an exception means to the user.

    Parameters
    ----------
    error : BaseException
    otherwise : DecoupleError, optional
        What it means unless it says something of the whole computer: that memory or the disk is full, say.

    Returns
    -------
    DecoupleError
        The exception itself where it is one.
    """
    if isinstance(error, DecoupleError):
        return error
    if is_out_of_memory(error):
        return OutOfMemoryError("out-of-memory")
    number = _number(error)
    if number in FULL:
        return DiskFullError("disk-full")
    if number in TOO_MANY:
        return DecoupleError("files-too-many")
    if otherwise is not None:
        return otherwise
    if number is not None:
        path = getattr(error, "filename", None)
        why = reason(error) if isinstance(error, OSError) else os.strerror(number)
        if isinstance(path, (str, bytes)):
            return DecoupleError("path-refused", path=os.fsdecode(path), reason=why)
        return DecoupleError("system-refused", reason=why)
    if isinstance(error, ImportError) or _UNLOADABLE in str(error):  # what the environment lacks
        return DecoupleError("computing-broken", reason=str(error)[:REASON_CHARACTERS])
    return DecoupleError("unforeseen", reason=repr(error)[:REASON_CHARACTERS])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on an accelerator or on the processor."""
    if isinstance(error, MemoryError) or any(kind.__name__ == _OF_TORCH for kind in type(error).__mro__):
        return True
    text = str(error).lower()
    if isinstance(error, RuntimeError) and (text == _NO_ROOM_FOR_CODE or any(sign in text for sign in _SIGNS)):
        return True  # torch's own and those of the libraries below it differ in their text alone
    if isinstance(error, ImportError) and _NO_ROOM_FOR_LIBRARY in text:  # of a library that is loaded late
        return True
    return _number(error) == errno.ENOMEM or getattr(error, "winerror", None) == _PAGING_FILE_TOO_SMALL


def is_foreseen(failure: DecoupleError) -> bool:
    """Whether the sentence says what has happened, not just that something has."""
    return failure.message.code != "unforeseen"


def told(error: Exception) -> DecoupleError:
    """What to say of an exception that ends a program's work; what only its traceback explains is in the log then."""
    failure = as_failure(error)
    if failure.message.code not in LOGGED:
        return failure
    try:
        log = log_folder(data_folder()) / "command-line.log"
        log.write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="backslashreplace")
    except (OSError, DecoupleError):  # no room for a log, or no place
        return failure
    return with_log(failure, log)


def reason(error: Exception) -> str:
    """Why, in the operating system's own words where it is one of its errors."""
    return getattr(error, "strerror", None) or str(error)


def with_log(failure: DecoupleError, log: Path) -> DecoupleError:
    """The failure, and where its log is if its own sentence does not say all."""
    if failure.message.code not in LOGGED:
        return failure
    return DecoupleError("problem-logged", problem=failure.message, log=str(log))


def _number(error: BaseException) -> int | None:
    """The error of the operating system that this one is, or that a library has put into its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, (OSError, RuntimeError, ImportError)) or type(error).__name__ in _WORDED:
        text = str(error)
        return next((number for number in _OF_THE_COMPUTER if os.strerror(number) in text), None)
    return None


_OF_THE_COMPUTER = (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO, errno.EROFS)
"""What a library's text is searched for: faults of the computer, not of one file."""

_WORDED = ("SafetensorError",)
"""Exceptions of no kind of Python's own whose text may repeat the system's words."""

_OF_TORCH = "OutOfMemoryError"
"""Its name for what an accelerator has no room for."""

_SIGNS = (
    "out of memory",  # CUDA, HIP, XPU and MPS
    "can't allocate memory",  # DefaultCPUAllocator on Linux and macOS
    "not enough memory",  # DefaultCPUAllocator on Windows
    "cannot allocate memory",  # a file that cannot be mapped, in the system's words
    "alloc_failed",  # cuBLAS, cuDNN: ..._STATUS_ALLOC_FAILED
    "std::bad_alloc",
    "can't start new thread",  # Python, with no room for its stack
)

_NO_ROOM_FOR_CODE = "could not create a primitive"
"""All that oneDNN says where it has no memory for the code that it makes; what it cannot do, it says in more words."""

_UNLOADABLE = "cannot open shared object file"
"""Of a library of torch's that is missing, which is no ImportError."""

_NO_ROOM_FOR_LIBRARY = "failed to map segment"

_PAGING_FILE_TOO_SMALL = 1455
"""Windows' ERROR_COMMITMENT_LIMIT, for which Python has no number of its own."""
