"""JPEG as cameras and copies leave it: cut short at its end, or with more behind it.

Where the data stop, libjpeg goes on with grey, and Pillow tells of nothing. So a picture that may be cut is decoded
again with noise behind its data: where the two differ for the first time, the data ended.
"""

from __future__ import annotations

import io
import mmap
import re
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import PIL.Image

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures.pillow_files import QUIET, read_with_pillow
from decouple_core.pictures.raw import Raw

MOST_SCANS = 200
"""A progressive one has ten or so. Each goes over the whole picture, and takes 20 bytes to say that it changes nothing;
a file of 3 MB could take an hour."""

END = b"\xff\xd9"
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xfe]")
"""What stands in no pixels: there a zero follows each 0xFF, or the number of a restart (ITU T.81, annex B)."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")
_BARE, _START_OF_SCAN = (0xD8, 0xD9), 0xDA
_FRAMES = (*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))

_GREY = 128
"""What libjpeg puts where data are missing."""

_NOISES = tuple(np.random.default_rng(seed).integers(0, 255, 4096, np.uint8).tobytes() for seed in (0, 1))
"""Without a 255, which would be a marker. One alone might begin as the missing data would."""

_LOOKED_AT = 2**16
"""Bytes behind the picture: all zeros are mere padding."""


class _Layout(NamedTuple):
    """Where the picture in a file is.

    Attributes
    ----------
    end : int
        Of its data, without the end mark.
    marked : bool
        Whether there is an end mark.
    scans : list of bytes
        The header of each scan.
    frame : bytes
        The frame's header.
    pixels : int
        Where the last scan's begin.
    """

    end: int
    marked: bool
    scans: list[bytes]
    frame: bytes
    pixels: int


def read_jpeg(path: Path, file: BinaryIO) -> Raw:
    """A picture that is whole, or lacks a part of its last row of blocks, which is said; and nothing behind it.

    Raises
    ------
    InputError
        For one that lacks more, has no pixels or endless scans.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        layout = _layout(content)
        if not layout.scans or len(layout.scans) > MOST_SCANS:
            raise InputError("picture-damaged", path=str(path))
        raw = read_with_pillow(path, _part(content, layout.end, END), "JPEG")
        remarks = _missing(path, content, layout, raw)
        behind = layout.end + len(END)
        if layout.marked and content[behind : behind + _LOOKED_AT].strip(b"\0"):
            megabytes = f"{(len(content) - behind) / 1e6:.3g}"
            remarks.append(Message("jpeg-more", path=str(path), megabytes=megabytes))
    return raw._replace(remarks=(*raw.remarks, *remarks))


def _layout(content: mmap.mmap) -> _Layout:
    """Follow the markers from the first to the end mark, or to the end of what is there, less the file's last zeros."""
    place, scans, frame, pixels = 2, list[bytes](), b"", 0
    while (found := _MARKER.search(content, place)) and len(scans) <= MOST_SCANS:
        marker, place = content[found.start() + 1], found.end()
        if marker == END[1]:
            return _Layout(found.start(), True, scans, frame, pixels)
        if marker in _BARE:
            continue
        length = max(2, int.from_bytes(content[place : place + 2], "big"))
        header = content[place + 2 : place + length]
        if len(header) < length - 2:
            return _Layout(found.start(), False, scans, frame, pixels)
        if marker == _START_OF_SCAN:
            scans.append(header)
            pixels = place + length
        elif marker in _FRAMES:
            frame = header
        place += length
    end = _without_zeros(content)
    return _Layout(end - (content[end - 1] == 0xFF), False, scans, frame, pixels)  # it would begin a mark


def _without_zeros(content: mmap.mmap) -> int:
    """Where the last bytes begin that are all zeros."""
    end = len(content)
    while end:
        start = max(0, end - _LOOKED_AT)
        if last := content[start:end].rstrip(b"\0"):
            return start + len(last)
        end = start
    return 0


def _missing(path: Path, content: mmap.mmap, layout: _Layout, raw: Raw) -> list[Message]:
    """What to say of what is missing; `InputError` where that is too much."""
    corners = raw.values[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)  # the last one is among them, however it is turned
    if layout.marked and not (np.abs(corners - _GREY) <= 1).all(-1).any():
        return []
    rows, whole = _rows(content, layout)
    if whole < rows - 1:
        raise InputError("jpeg-cut", path=str(path), share=100 * whole // rows)
    if whole < rows:
        return [Message("jpeg-last-row", path=str(path))]
    return [] if layout.marked else [Message("jpeg-end", path=str(path))]


def _rows(content: mmap.mmap, layout: _Layout) -> tuple[int, int]:
    """Rows of blocks, and how many from above are whole."""
    with QUIET, PIL.Image.open(_part(content, layout.end, END), formats=("JPEG",)) as opened:
        factors = [vertical for _, _, vertical, _ in opened.layer]  # type: ignore[attr-defined]
        pixels = np.asarray(opened)
    tall = 8 * max(factors) if len(factors) > 1 else 8  # a single channel's blocks stand alone (T.81, A.2.2)
    rows = -(-len(pixels) // tall)
    if not layout.marked and not _has_all_coefficients(layout):
        return rows, 0
    # Where the data stop at a restart, it is expected before any more.
    restarts = sum(1 for _ in _RESTART.finditer(content, layout.pixels, layout.end))
    alike = min(
        _rows_alike(pixels, content, layout.end, start + noise)
        for start in (b"", bytes([0xFF, 0xD0 + restarts % 8]))
        for noise in _NOISES
    )
    # Chroma is smoothed into one row of pixels of the block above.
    return rows, rows if alike == len(pixels) else (alike + 1) // tall


def _rows_alike(pixels: np.ndarray, content: mmap.mmap, end: int, noise: bytes) -> int:
    """Rows of pixels from above that stay the same with noise behind the data."""
    with QUIET, PIL.Image.open(_part(content, end, noise + END), formats=("JPEG",)) as opened:
        other = np.asarray(opened)
    return next((row for row in range(len(pixels)) if not np.array_equal(pixels[row], other[row])), len(pixels))


def _has_all_coefficients(layout: _Layout) -> bool:
    """Whether the scans, of which the last may be cut, hold every coefficient of every channel to its last bit."""
    known: set[tuple[int, int]] = set()
    for header in layout.scans:
        channels = header[0]
        first, last, bits = header[1 + 2 * channels : 4 + 2 * channels]
        if bits & 15 == 0:  # the bits that are still to come (T.81, B.2.3)
            known.update((one, place) for one in header[1 : 1 + 2 * channels : 2] for place in range(first, last + 1))
    return len(known) == 64 * layout.frame[5]


def _part(content: mmap.mmap, end: int, tail: bytes) -> BinaryIO:
    """The content up to an end, and then a tail, as a file."""
    return io.BufferedReader(_Part(content, end, tail))


class _Part(io.RawIOBase):
    def __init__(self, content: mmap.mmap, end: int, tail: bytes) -> None:
        self._content, self._end, self._tail, self._place = content, end, tail, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        place, count = self._place, len(buffer)
        read = (
            self._content[place : min(place + count, self._end)]
            if place < self._end
            else self._tail[place - self._end : place - self._end + count]
        )
        buffer[: len(read)] = read
        self._place += len(read)
        return len(read)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = (0, self._place, self._end + len(self._tail))[whence] + offset
        return self._place
