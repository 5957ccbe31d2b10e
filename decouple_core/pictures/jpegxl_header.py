"""The size of a JPEG XL picture from its header, before a library decodes it (ISO/IEC 18181-1, D.2 and 18181-2)."""

from __future__ import annotations

import struct
from typing import BinaryIO

CODESTREAM = b"\xff\x0a"

SIDES = ((9, 1), (13, 1), (18, 1), (30, 1))
"""Bits, and what is added, of a side by its two-bit selector."""

RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Of width to height, for those that need no number of their own."""

MOST_BOXES = 1000


def size_of(file: BinaryIO) -> tuple[int, int]:
    """Width and height.

    Raises
    ------
    ValueError, struct.error
        For a file that is none, or ends too soon.
    """
    file.seek(0)
    head = file.read(2)
    if head != CODESTREAM:
        head = _into_codestream(file)
    if head != CODESTREAM:
        raise ValueError("no codestream")
    number = int.from_bytes(file.read(12).ljust(12, b"\0"), "little")  # more than the 68 bits that a size takes

    def bits(count: int) -> int:
        nonlocal number
        value, number = number & ((1 << count) - 1), number >> count
        return value

    small = bits(1)

    def side() -> int:
        if small:
            return 8 * (bits(5) + 1)
        count, more = SIDES[bits(2)]
        return bits(count) + more

    height = side()
    ratio = bits(3)
    if ratio == 0:
        return side(), height
    above, below = RATIOS[ratio - 1]
    return height * above // below, height


def _into_codestream(file: BinaryIO) -> bytes:
    """Go to the box that the codestream begins in, and read its first bytes."""
    file.seek(0)
    for _ in range(MOST_BOXES):
        start = file.tell()
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            length, = struct.unpack(">Q", file.read(8))
            header = 16
        if kind == b"jxlp":
            file.seek(4, 1)  # its number
        if kind in (b"jxlc", b"jxlp"):
            return file.read(2)
        if length < header:  # 0: to the end of the file
            break
        file.seek(start + length)
    raise ValueError("no codestream")
