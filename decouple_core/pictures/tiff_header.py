"""The first directory of a TIFF, looked at before a library reads it: its lists may be longer than the memory.

TIFF 6.0, section 2; BigTIFF has the same with numbers of twice the width.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

MOST_NUMBERS = 2_000_000
"""Values of one tag. The longest lists are those of strips and tiles: as many as a picture of 300 million pixels has
tiles of 16 by 16 pixels; as Python's numbers they take 80 MB."""

MOST_BYTES = 64 * 2**20
"""Of a tag of bytes, such as a colour profile."""

BYTES = (1, 2, 6, 7)
"""Types whose values are single bytes; they are kept as such."""

MOST_TAGS = 4096


def sound(file: BinaryIO) -> bool:
    """Whether the first directory's tags are few and short enough to be read."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = head[2:4] in (b"+\0", b"\0+")
    offset, = struct.unpack(order + "Q", head[8:16]) if big else struct.unpack(order + "I", head[4:8])
    count, entry = (order + "Q", order + "HHQ8s") if big else (order + "H", order + "HHI4s")
    file.seek(offset)
    tags, = struct.unpack(count, file.read(struct.calcsize(count)))
    if not 0 < tags <= MOST_TAGS:
        return False
    size = struct.calcsize(entry)
    for _ in range(tags):
        _, kind, values, _ = struct.unpack(entry, file.read(size))
        if values > (MOST_BYTES if kind in BYTES else MOST_NUMBERS):
            return False
    return True
