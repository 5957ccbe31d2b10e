"""What a photograph's Exif data tells of it, kept for the picture that is made of it.

Kept is what is said of the photograph: camera, exposure, place, author, dates. What is said of the file that it came in
(size, rotation, thumbnail, where its pixels lie) is not: the picture that is written is another file.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import PIL.Image
from PIL.ExifTags import IFD, Base

DESCRIPTIVE = frozenset(
    {
        Base.ImageDescription,
        Base.Make,
        Base.Model,
        Base.XResolution,
        Base.YResolution,
        Base.ResolutionUnit,
        Base.Software,
        Base.DateTime,
        Base.Artist,
        Base.Copyright,
        Base.Rating,
        Base.RatingPercent,
        Base.XPTitle,
        Base.XPComment,
        Base.XPAuthor,
        Base.XPKeywords,
        Base.XPSubject,
    }
)
"""Of the first directory, which in a TIFF also says where the pixels lie."""

OF_THE_FILE = frozenset({Base.ExifImageWidth, Base.ExifImageHeight, Base.ExifInteroperabilityOffset})
"""Of the Exif directory: the size before a rotation, and a pointer."""

BLOCK_BYTES = 2**20
"""Cameras write some tens of kilobytes."""

PREFIX = b"Exif\0\0"


def kept(exif: PIL.Image.Exif) -> bytes | None:
    """What is worth keeping, as a block that begins with ``Exif``; None where there is nothing, or it is damaged."""
    try:
        chosen = PIL.Image.Exif()
        for tag in DESCRIPTIVE & set(exif):
            chosen[tag] = exif[tag]
        for directory, left_out in ((IFD.Exif, OF_THE_FILE), (IFD.GPSInfo, frozenset[int]())):
            values = {tag: value for tag, value in exif.get_ifd(directory).items() if tag not in left_out}
            if values:
                chosen[directory] = values
        block = chosen.tobytes() if len(chosen) else b""
    except Exception:  # damaged data makes Pillow raise nearly anything; the picture is what counts
        return None
    return block if 0 < len(block) <= BLOCK_BYTES else None


def kept_of(opened: PIL.Image.Image) -> bytes | None:
    """The same of an opened file; nothing of a block longer than any camera's, whose lists would fill memory."""
    block = opened.info.get("exif") or b""
    return kept(opened.getexif()) if len(block) <= BLOCK_BYTES else None


def kept_of_tiff(file: BinaryIO) -> bytes | None:
    """The same of an open TIFF, from its own directories."""
    exif = PIL.Image.Exif()
    try:
        file.seek(0)
        exif.load_from_fp(file)
        pointers = [exif[tag] for tag in (IFD.Exif, IFD.GPSInfo) if tag in exif]
        if sum(_values(file, exif.endian or "<", place) for place in pointers) > BLOCK_BYTES:
            return None
    except Exception:  # as above; and BigTIFF, which Pillow does not read here
        return None
    return kept(exif)


def _values(file: BinaryIO, order: str, place: int) -> int:
    """How many values the tags of a directory have."""
    file.seek(place)
    (count,) = struct.unpack(order + "H", file.read(2))
    return sum(struct.unpack(order + "HHI4s", file.read(12))[2] for _ in range(count))


def shortened(block: bytes, most: int) -> bytes | None:
    """A block of so many bytes at most: without the maker's own notes where it is longer, else none."""
    if len(block) > most:
        exif = PIL.Image.Exif()
        exif.load(block)
        exif.get_ifd(IFD.Exif).pop(Base.MakerNote, None)
        block = exif.tobytes()
    return block if len(block) <= most else None


def append_to_tiff(file: BinaryIO, block: bytes) -> None:
    """Give a little-endian TIFF a block's directories: behind its pixels, with a first directory made of both."""
    exif = PIL.Image.Exif()
    exif.load(block)
    exif.endian = "<"
    file.seek(0)
    _, _, place = struct.unpack("<2sHI", file.read(8))
    entries = _entries(file, place)
    start = _even_end(file)
    file.write(exif.tobytes(start)[len(PREFIX) + 8 :])  # without the head of a TIFF
    entries |= _entries(file, start)
    end = _even_end(file)
    file.write(struct.pack("<H", len(entries)) + b"".join(entries[tag] for tag in sorted(entries)) + bytes(4))
    file.seek(4)
    file.write(struct.pack("<I", end))


def _entries(file: BinaryIO, place: int) -> dict[int, bytes]:
    """The entries of a directory as they are stored, by tag; what they point to is counted from the file's start."""
    file.seek(place)
    (count,) = struct.unpack("<H", file.read(2))
    stored = [file.read(12) for _ in range(count)]
    return {int.from_bytes(entry[:2], "little"): entry for entry in stored}


def _even_end(file: BinaryIO) -> int:
    """Go to the end, or one byte further: directories begin at even bytes (TIFF 6.0, section 2)."""
    end = file.seek(0, 2)
    return end + file.write(bytes(end % 2))
