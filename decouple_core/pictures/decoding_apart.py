"""Decoding in a process of its own, for decoders that are not to be trusted with this one.

It may take as much memory as the picture's header promises and some more, and `PATIENCE_SECONDS`; what it writes to the
terminal is not shown; and a crash is that of a picture that cannot be read. Pixels come back as arrays, never pickled.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from decouple_contract import apart, errors
from decouple_contract.errors import DecoupleError
from decouple_contract.messages import Message
from decouple_core.pictures.memory import PICTURE_BYTES
from decouple_core.pictures.pillow_files import read_with_pillow
from decouple_core.pictures.raw import Raw

PATIENCE_SECONDS = 120.0
"""The largest picture of the slowest format (JPEG 2000, 200 million pixels) takes less than half of it."""

ROOM_BYTES = 2**29
"""Beside the pixels: the process itself, a decoder's tables and threads."""

COPIES = 6
"""Of the decoded picture at one time, in all forms that decoders have it in on the way, wider ones than bytes too."""


def decode_apart(path: Path, file: BinaryIO, kind: str) -> Raw:
    """What `read_with_pillow`, or the reader of a format that Pillow does not have, gives of the same.

    Raises
    ------
    DecoupleError
        What the reader raises.
    ValueError, EOFError
        For a picture whose decoder gives up, ends early or takes more than the header promised.
    """
    _, answer = answered(apart.command(__name__, kind, str(path)), file, PICTURE_BYTES)
    said = json.loads(_array(answer).tobytes())
    if "error" in said:
        raise errors.from_dict(said["error"])
    values, alpha, icc, exif, gain = (_array(answer) for _ in range(5))
    return Raw(
        values,
        alpha if alpha.size else None,
        icc.tobytes() if icc.size else None,
        exif.tobytes() if exif.size else None,
        gain if gain.size else None,
        int(said["depth"]),
        tuple(Message.from_dict(one) for one in said["remarks"]),
    )


def _array(answer: BinaryIO) -> np.ndarray:
    return np.asarray(np.lib.format.read_array(answer, allow_pickle=False))


def answered(command: list[str], file: BinaryIO, most: int) -> tuple[int, io.BytesIO]:
    """How a process ended that was given a file, and what it wrote, of which no more than so many bytes are taken."""
    with subprocess.Popen(
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    ) as process:
        impatience = threading.Timer(PATIENCE_SECONDS, process.kill)
        impatience.start()
        try:
            assert process.stdout is not None
            answer = io.BytesIO(process.stdout.read(most))
            process.stdout.close()
            return process.wait(), answer
        finally:
            impatience.cancel()
            process.kill()


def main() -> None:
    """Decode standard input; write what is said of it to standard output, and the parts of a `Raw`, empty for None."""
    limit_memory(ROOM_BYTES)
    kind, path = sys.argv[1], Path(sys.argv[2])
    said: dict[str, Any] = {}
    arrays: list[np.ndarray | None] = []
    sys.stdin.buffer.seek(0)  # whoever opened it has read its head
    try:
        raw = reader(kind)(path, sys.stdin.buffer, lambda needed: limit_memory(ROOM_BYTES + COPIES * needed))
        said = {"depth": raw.depth, "remarks": [message.as_dict() for message in raw.remarks]}
        texts = [np.frombuffer(text or b"", np.uint8) for text in (raw.icc, raw.exif)]
        arrays = [raw.values, raw.alpha, *texts, raw.gain]
    except DecoupleError as error:
        said = {"error": error.as_dict()}
    answer = io.BytesIO()
    for part in (np.frombuffer(json.dumps(said).encode(), np.uint8), *arrays):
        np.lib.format.write_array(answer, np.empty(0) if part is None else part, allow_pickle=False)
    sys.stdout.buffer.write(answer.getbuffer())


def reader(kind: str) -> Callable[[Path, BinaryIO, Callable[[int], None]], Raw]:
    """What reads a format."""
    if kind == "EXR":
        from decouple_core.pictures.exr_files import read_exr

        return read_exr
    if kind == "JXL":
        from decouple_core.pictures.jpegxl_files import read_jpegxl

        return read_jpegxl
    if kind == "JPEG2000":
        from decouple_core.pictures.jpeg2000_files import read_jpeg2000

        return read_jpeg2000
    if kind in ("AVIF", "HEIC"):
        from decouple_core.pictures import heif_files

        return heif_files.read_avif if kind == "AVIF" else heif_files.read_heic
    if kind == "TIFF":
        from decouple_core.pictures.tiff_files import read_tiff_apart

        return read_tiff_apart
    return lambda path, file, prepare: read_with_pillow(path, file, kind, prepare)


def limit_memory(more: int) -> None:
    """Let this process take so many bytes of memory more than it has; only Linux keeps to it."""
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, hard))
