"""A file of lines that only grows: each is noted at the same small cost, however many stand there already."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

SYNC_SECONDS = 0.1
"""Least time from one writing to the disk itself to the next. One takes milliseconds; pictures come more slowly, and of
some that come faster, in a cut of the power, the last tenth of a second may go unnoted: they are left alone then."""

LINE_BYTES = 2**20
"""Of a line that is read; an entry has a few paths and a sentence."""


class Journal:
    """A journal that is begun; OSError where the disk refuses it.

    Parameters
    ----------
    path : Path
        Where nothing is yet.
    """

    def __init__(self, path: Path) -> None:
        self._file = open(path, "xb", buffering=0)  # noqa: SIM115  (it stays open from picture to picture)
        self._synced = float("-inf")

    def add(self, values: Mapping[str, Any]) -> None:
        """Note a line, of plain values or objects of these; OSError, and no part of it, where the disk refuses it."""
        rest = memoryview(json.dumps(values, separators=(",", ":"), default=vars).encode() + b"\n")
        start = self._file.tell()
        try:
            while rest:
                rest = rest[self._file.write(rest) :]
        except BaseException:
            self._file.truncate(start)
            self._file.seek(start)
            raise

    def sync(self) -> None:
        """Have all of it survive a cut of the power, unless that was done just now."""
        now = time.monotonic()
        if now - self._synced >= SYNC_SECONDS:
            os.fsync(self._file.fileno())
            self._synced = now

    def close(self) -> None:
        """Add no more."""
        self._file.close()


def lines_of(path: Path) -> Iterator[Any]:
    """What a journal says, up to a line that was cut short; nothing where none is."""
    try:
        with path.open("rb") as file:
            while line := file.readline(LINE_BYTES):
                yield json.loads(line)  # a part of an object is none
    except (FileNotFoundError, ValueError):
        return
