"""What the header of a JPEG XL picture promises, before a library decodes it (ISO/IEC 18181-1, D, and 18181-2)."""

from __future__ import annotations

import struct
from typing import BinaryIO, NamedTuple

CODESTREAM = b"\xff\x0a"

SIDES = ((9, 1), (13, 1), (18, 1), (30, 1))
"""Bits, and what is added, of a side by its two-bit selector."""

PREVIEW_SIDES = ((6, 1), (8, 65), (10, 321), (12, 1345))
PREVIEW_EIGHTHS = ((0, 16), (0, 32), (5, 1), (9, 33))
"""The same of a preview's, in pixels or in eights of them."""

TICKS = (
    ((0, 100), (0, 1000), (10, 1), (30, 1)),
    ((0, 1), (0, 1001), (8, 1), (10, 1)),
    ((0, 0), (3, 0), (16, 0), (32, 0)),
)
"""The same of an animation's units of time, above and below the line, and of its repetitions."""

DEPTHS = ((0, 8), (0, 10), (0, 12), (6, 1))
"""The same of an integer's bits; floats are read as such."""

RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Of width to height, for those that need no number of their own."""

MOST_BOXES = 1000

HEAD_BYTES = 64
"""More than all that is looked at takes."""


class Header(NamedTuple):
    """What is promised.

    Attributes
    ----------
    width, height : int
    bits : int
        Of an integer; 0 for floats.
    animated : bool
    """

    width: int
    height: int
    bits: int
    animated: bool


def read_header(file: BinaryIO) -> Header:
    """The header of an open file.

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
    bits = _Bits(file.read(HEAD_BYTES))
    width, height = _size(bits)
    if bits.flag():  # all else as usual
        return Header(width, height, 8, False)
    animated = False
    if bits.flag():  # more than the depth
        bits.take(3)  # how it is turned, which the decoder does
        if bits.flag():
            _size(bits)  # that it is to be shown at
        if bits.flag():
            _skip_preview(bits)
        animated = bits.flag()
        if animated:
            for one in TICKS:
                bits.number(one)
            bits.flag()  # whether frames have a time of their own
    depth = 0 if bits.flag() else bits.number(DEPTHS)
    return Header(width, height, depth, animated)


class _Bits:
    """Numbers from bytes, lowest bit first; zeros where they end."""

    def __init__(self, content: bytes) -> None:
        self._number = int.from_bytes(content, "little")

    def take(self, count: int) -> int:
        value, self._number = self._number & ((1 << count) - 1), self._number >> count
        return value

    def flag(self) -> bool:
        return bool(self.take(1))

    def number(self, kinds: tuple[tuple[int, int], ...]) -> int:
        """One of the kind that two bits before it choose."""
        count, more = kinds[self.take(2)]
        return self.take(count) + more


def _size(bits: _Bits) -> tuple[int, int]:
    """Width and height."""
    small = bits.flag()

    def side() -> int:
        return 8 * (bits.take(5) + 1) if small else bits.number(SIDES)

    height = side()
    ratio = bits.take(3)
    if not ratio:
        return side(), height
    above, below = RATIOS[ratio - 1]
    return height * above // below, height


def _skip_preview(bits: _Bits) -> None:
    kinds = PREVIEW_EIGHTHS if bits.flag() else PREVIEW_SIDES
    bits.number(kinds)
    if not bits.take(3):
        bits.number(kinds)


def _into_codestream(file: BinaryIO) -> bytes:
    """Go to the box that the codestream begins in, and read its first bytes."""
    file.seek(0)
    for _ in range(MOST_BOXES):
        start = file.tell()
        length, kind = struct.unpack(">I4s", file.read(8))
        header = 8
        if length == 1:
            (length,) = struct.unpack(">Q", file.read(8))
            header = 16
        if kind == b"jxlp":
            file.seek(4, 1)  # its number
        if kind in (b"jxlc", b"jxlp"):
            return file.read(2)
        if length < header:  # 0: to the end of the file
            break
        file.seek(start + length)
    raise ValueError("no codestream")
