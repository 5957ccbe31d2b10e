"""Exceptions as they come from the system and from libraries, each with what a user is to be told of it."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass

from safetensors import SafetensorError

from decouple_contract import apart
from decouple_contract.errors import DecoupleError, DiskFullError, InputError, OutOfMemoryError
from decouple_core.engine import Engine
from decouple_core.request import Request


@dataclass(frozen=True)
class Row:
    """An exception and its meaning."""

    error: Exception
    means: DecoupleError


def of_system(number: int, *path: str) -> OSError:
    """An error as the operating system gives it."""
    return OSError(number, os.strerror(number), *path)


NO_MEMORY, NO_ROOM, TOO_MANY = (
    OutOfMemoryError("out-of-memory"),
    DiskFullError("disk-full"),
    DecoupleError("files-too-many"),
)

ROWS = (
    Row(of_system(errno.ENOSPC, "/a/b"), NO_ROOM),
    Row(SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"), NO_ROOM),
    Row(of_system(errno.EMFILE, "/a/b"), TOO_MANY),
    Row(of_system(errno.EACCES, "/a/b"), DecoupleError("path-refused", path="/a/b", reason="Permission denied")),
    Row(of_system(errno.EIO), DecoupleError("system-refused", reason="Input/output error")),
    Row(ImportError("No module named 'torch'"), DecoupleError("computing-broken", reason="No module named 'torch'")),
    Row(ZeroDivisionError("{odd}"), DecoupleError("unforeseen", reason="ZeroDivisionError('{odd}')")),
    Row(InputError("mask-size"), InputError("mask-size")),
    Row(MemoryError(), NO_MEMORY),
    Row(of_system(errno.ENOMEM), NO_MEMORY),
)
"""One of each kind, for every front door. A transfer that is to fail so has the place of its row as its seed; a lack of
memory stands last, after which the computing process begins anew."""


def fail(engine: Engine, request: Request, **others: object) -> None:
    """What stands for `Engine.transfer`."""
    raise ROWS[request.settings.seed].error


def compute() -> None:
    """A computing process whose transfers fail."""
    Engine.transfer = fail  # type: ignore[assignment, method-assign]
    from decouple_core.service.computer import main

    main()


def serve() -> None:
    """A worker with such a computing process."""
    apart.command = lambda module, *words: [sys.executable, "-c", "from tests.core.failing import *; compute()"]
    from decouple_core.command.serve import main

    sys.exit(main([]))
