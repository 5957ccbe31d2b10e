"""Decoding in a process of its own, for decoders that are not to be trusted with this one.

It may take as much memory as the picture's header promises and some more, and `PATIENCE_SECONDS`; what it writes to the
terminal is not shown; and a crash is that of a picture that cannot be read. Pixels come back as arrays, never pickled.
"""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO

import numpy as np

from decouple_core.contract import apart
from decouple_core.contract.errors import InputError, OutOfMemoryError
from decouple_core.pictures.memory import MOST_BYTES, too_large
from decouple_core.pictures.pillow_files import Raw, read_with_pillow

PATIENCE_SECONDS = 120.0
"""The largest picture of the slowest format (JPEG 2000, 200 million pixels) takes less than half of it."""

ROOM_BYTES = 2**29
"""Beside the pixels: the process itself, a decoder's tables and threads."""

COPIES = 6
"""Of the decoded picture at one time, in all forms that decoders have it in on the way, wider ones than bytes too."""

TOO_LARGE, NO_MEMORY, EMPTY = 3, 4, 5
"""Exit codes that say why."""


def decode_apart(path: Path, file: BinaryIO, kind: str) -> Raw:
    """What `read_with_pillow` gives of the same.

    Raises
    ------
    InputError
        For a picture that is damaged or too large, or whose decoder takes more than the header promised.
    OutOfMemoryError
        For one that this computer has no room for.
    """
    with subprocess.Popen(apart.command(__name__, kind), stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0)) as process:
        impatience = threading.Timer(PATIENCE_SECONDS, process.kill)
        impatience.start()
        try:
            assert process.stdout is not None
            answer = io.BytesIO(process.stdout.read(MOST_BYTES))
            process.stdout.close()
            process.wait()
        finally:
            impatience.cancel()
            process.kill()
    if process.returncode in (TOO_LARGE, NO_MEMORY, EMPTY):
        raise {TOO_LARGE: too_large(path, MOST_BYTES), NO_MEMORY: OutOfMemoryError("out-of-memory"),
               EMPTY: InputError("image-empty")}[process.returncode]
    values, alpha, icc = (np.lib.format.read_array(answer, allow_pickle=False) for _ in range(3))
    return Raw(values, alpha if alpha.size else None, icc.tobytes() if icc.size else None)


def main() -> None:
    """Decode standard input and write values, alpha and profile to standard output; empty ones for None."""
    _limit(ROOM_BYTES)
    try:
        raw = read_with_pillow(Path(), sys.stdin.buffer, sys.argv[1],
                               lambda needed: _limit(ROOM_BYTES + COPIES * needed))
    except OutOfMemoryError:
        sys.exit(NO_MEMORY)
    except InputError as error:
        sys.exit({"picture-too-large": TOO_LARGE, "image-empty": EMPTY}.get(error.message.code, 1))
    answer = io.BytesIO()
    for part in (raw.values, raw.alpha, np.frombuffer(raw.icc or b"", np.uint8)):
        np.lib.format.write_array(answer, np.empty(0) if part is None else part, allow_pickle=False)
    sys.stdout.buffer.write(answer.getbuffer())


def _limit(more: int) -> None:
    """Let this process take so many bytes of memory more than it has; only Linux keeps to it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
