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
from collections.abc import Callable
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

TOO_LARGE, NO_MEMORY, EMPTY, CHANNELS, LIBRARY = 3, 4, 5, 6, 7
"""Exit codes that say why."""

CODES = {"picture-too-large": TOO_LARGE, "image-empty": EMPTY, "exr-channels": CHANNELS, "format-needs": LIBRARY}
"""Of the errors that say more than that a picture is damaged."""


def decode_apart(path: Path, file: BinaryIO, kind: str) -> Raw:
    """What `read_with_pillow`, or the reader of a format that Pillow does not have, gives of the same.

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
    refusals = {TOO_LARGE: too_large(path, MOST_BYTES), NO_MEMORY: OutOfMemoryError("out-of-memory"),
                EMPTY: InputError("image-empty"), CHANNELS: InputError("exr-channels", path=str(path)),
                LIBRARY: _missing(kind)}
    if process.returncode in refusals:
        raise refusals[process.returncode]
    values, alpha, icc, exif, gain, depth = (np.lib.format.read_array(answer, allow_pickle=False) for _ in range(6))
    return Raw(values, alpha if alpha.size else None, icc.tobytes() if icc.size else None,
               exif.tobytes() if exif.size else None, gain if gain.size else None, int(depth))


def _missing(kind: str) -> InputError:
    """What a format's reader needs and lacks."""
    if kind == "EXR":
        return InputError("format-needs", kind="OpenEXR", package="OpenEXR")
    return InputError("format-needs", kind="JPEG XL", package="pillow-jxl-plugin")


def main() -> None:
    """Decode standard input and write the parts of a `Raw` to standard output; empty ones for None."""
    _limit(ROOM_BYTES)
    kind = sys.argv[1]
    try:
        raw = _reader(kind)(Path(), sys.stdin.buffer, lambda needed: _limit(ROOM_BYTES + COPIES * needed))
    except OutOfMemoryError:
        sys.exit(NO_MEMORY)
    except InputError as error:
        sys.exit(CODES.get(error.message.code, 1))
    answer = io.BytesIO()
    texts = [np.frombuffer(text or b"", np.uint8) for text in (raw.icc, raw.exif)]
    for part in (raw.values, raw.alpha, *texts, raw.gain, np.array(raw.depth)):
        np.lib.format.write_array(answer, np.empty(0) if part is None else part, allow_pickle=False)
    sys.stdout.buffer.write(answer.getbuffer())


def _reader(kind: str) -> Callable[[Path, BinaryIO, Callable[[int], None]], Raw]:
    """What reads a format."""
    if kind == "EXR":
        from decouple_core.pictures.exr_files import read_exr

        return read_exr
    if kind == "JXL":
        from decouple_core.pictures.jpegxl_files import read_jpegxl

        return read_jpegxl
    return lambda path, file, prepare: read_with_pillow(path, file, kind, prepare)


def _limit(more: int) -> None:
    """Let this process take so many bytes of memory more than it has; only Linux keeps to it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
