"""The directories of a TIFF, looked at before a library reads them: their lists may be longer than the memory.

TIFF 6.0, section 2; BigTIFF has the same with numbers of twice the width.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, NamedTuple

MOST_NUMBERS = 2_000_000
"""Values of one tag. The longest lists are those of strips and tiles: as many as a picture of 300 million pixels has
tiles of 16 by 16 pixels; as Python's numbers they take 80 MB."""

ENTRY_BYTES = 64 * 2**20
"""Of a tag of bytes, such as a colour profile."""

BYTES = (1, 2, 6, 7)
"""Types whose values are single bytes; they are kept as such."""

SIZES = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
"""Of the types that the numbers looked at here have."""

MOST_TAGS = 4096

MOST_PARTS = 16
"""Pictures within a picture that are looked at."""

SUBFILE, PHOTOMETRIC, PARTS, DNG = 254, 262, 330, 50706
REDUCED_OR_MASK = 1 | 4
SENSOR = (32803, 34892)
"""What stands for the values of a camera's sensor (DNG 1.7): under its pattern of colours, or of each pixel."""


class Directory(NamedTuple):
    """The tags of one picture.

    Attributes
    ----------
    sound : bool
        Whether they are few and short enough to be read.
    numbers : dict
        The values of those that are looked at here.
    next : int
        Where the next one is; 0 for none.
    """

    sound: bool
    numbers: dict[int, tuple[int, ...]]
    next: int


class Directories:
    """Those of an open file."""

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        head = file.read(16)
        self._file = file
        self._order = "<" if head[:2] == b"II" else ">"
        big = head[2:4] in (b"+\0", b"\0+")
        self._count, self._entry, self._offset = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
        (place,) = struct.unpack(self._order + self._offset, head[8:16] if big else head[4:8])
        self.first = self._at(place)

    @property
    def more(self) -> bool:
        """Whether there is a picture after the first, which is neither a smaller one of the same nor its mask."""
        if not self.first.next:
            return False
        try:
            return not self._at(self.first.next).numbers.get(SUBFILE, (0,))[0] & REDUCED_OR_MASK
        except struct.error:  # nothing is there
            return False

    @property
    def of_a_sensor(self) -> bool:
        """Whether the file is a camera's raw data, with a preview as its first picture or without."""
        if DNG in self.first.numbers:
            return True
        try:
            parts = [self._at(place) for place in self.first.numbers.get(PARTS, ())[:MOST_PARTS]]
        except struct.error:
            return False
        return any(part.numbers.get(PHOTOMETRIC, (0,))[0] in SENSOR for part in (self.first, *parts))

    def _at(self, place: int) -> Directory:
        (tags,) = self._read(place, self._count)
        if not 0 < tags <= MOST_TAGS:
            return Directory(False, {}, 0)
        place += struct.calcsize("=" + self._count)
        size = struct.calcsize("=" + self._entry)
        numbers: dict[int, tuple[int, ...]] = {}
        sound = True
        for number in range(tags):
            tag, kind, count, value = self._read(place + number * size, self._entry)
            sound = sound and count <= (ENTRY_BYTES if kind in BYTES else MOST_NUMBERS)
            if tag in (SUBFILE, PHOTOMETRIC, PARTS, DNG):
                numbers[tag] = self._numbers(kind, min(count, MOST_PARTS), value)
        (following,) = self._read(place + tags * size, self._offset)
        return Directory(sound, numbers, following)

    def _numbers(self, kind: int, count: int, value: bytes) -> tuple[int, ...]:
        form = f"{count}{SIZES.get(kind, 'B')}"
        if struct.calcsize("=" + form) <= len(value):
            return struct.unpack_from(self._order + form, value)
        (place,) = struct.unpack(self._order + self._offset, value)
        return self._read(place, form)

    def _read(self, place: int, form: str) -> tuple[Any, ...]:
        """Numbers from the file; struct.error where it ends before."""
        self._file.seek(place)
        return struct.unpack(self._order + form, self._file.read(struct.calcsize("=" + form)))
