"""How many parts a HEIF promises, before a library makes something of each (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import struct
from typing import BinaryIO

MOST_ITEMS = 2000
"""Tiles, thumbnails and notes of one picture. Telephones write some hundred; a library may compare each with each."""

MOST_BOXES = 1000
"""Looked at on one level."""


def sound(file: BinaryIO) -> bool:
    """Whether there are so few parts that a library may count them."""
    try:
        meta = _box(file, b"meta", 0)
        items = _box(file, b"iinf", meta + 4) if meta else 0  # after the version
        if not items:
            return True  # a film, say, or what no library will read
        file.seek(items)
        (version,) = file.read(4)[:1]
        (count,) = struct.unpack(">H", file.read(2)) if version == 0 else struct.unpack(">I", file.read(4))
    except (struct.error, ValueError):
        return False
    return bool(count <= MOST_ITEMS)


def _box(file: BinaryIO, wanted: bytes, place: int) -> int:
    """Where the content of the first box of a kind begins among those from a place on; 0 for none."""
    for _ in range(MOST_BOXES):
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return 0
        length, kind = struct.unpack(">I4s", head)
        start = place + 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            start += 8
        if kind == wanted:
            return start
        if length < start - place:  # 0: to the end of the file
            return 0
        place += length
    return 0
