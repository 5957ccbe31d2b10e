"""Picture files of the formats that we know, decoded to what they hold: values as stored, opacity, profile.

What a file is, its first bytes say. Pillow reads what has 8 bits a channel; it cannot hold deeper colour, so deep PNG,
JPEG 2000, AVIF and JPEG XL go through imagecodecs, deep TIFF through tifffile, HEIC through pillow-heif, OpenEXR
through its own library. Memory is estimated from the header first; decoders that do not keep to the header have a
process of their own (`decoding_apart`).
"""

from __future__ import annotations

import logging
import mmap
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import PIL.Image

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import check_regular
from decouple_contract.messages import Message
from decouple_contract.remarks import remark
from decouple_core.pictures import exif
from decouple_core.pictures.decoding_apart import decode_apart
from decouple_core.pictures.jpeg_files import read_jpeg
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.pillow_files import QUIET, read_with_pillow
from decouple_core.pictures.raw import Raw, check_numbers, upright
from decouple_core.pictures.raw import unit_range as unit_range  # whoever decodes wants it next

_reading = ContextVar("reading", default=False)
logging.getLogger("tifffile").addFilter(lambda _: not _reading.get())  # what it says of our files, our sentence says

_SIGNATURES = (
    ("RAW", 8, b"CR\2\0"),  # before TIFF, which CR2 is otherwise
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"),
    ("JPEG", 0, b"\xff\xd8\xff"),
    ("GIF", 0, b"GIF87a"),
    ("GIF", 0, b"GIF89a"),
    ("BMP", 0, b"BM"),
    ("WEBP", 8, b"WEBP"),
    *(("PPM", 0, b"P%d" % number) for number in range(1, 7)),
    *(("TIFF", 0, start) for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("PSD", 0, b"8BPS"),
    ("JPEG2000", 4, b"jP  \r\n\x87\n"),
    ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    *(("AVIF", 4, b"ftyp" + brand) for brand in (b"avif", b"avis")),
    *(("HEIC", 4, b"ftyphe" + brand) for brand in (b"ic", b"ix", b"im", b"is", b"vc", b"vx", b"vm", b"vs")),
    *(("HEIF", 4, b"ftyp" + brand) for brand in (b"mif1", b"msf1")),
    *(("RAW", 0, start) for start in (b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FUJIFILMCCD-RAW", b"\0MRM", b"FOVb")),
    ("RAW", 4, b"ftypcrx "),
    ("JXL", 0, b"\xff\x0a"),
    ("JXL", 0, b"\0\0\0\x0cJXL \r\n\x87\n"),
    ("EXR", 0, b"\x76\x2f\x31\x01"),
)
"""The formats that are read, by Pillow's names where it has one, and the bytes at some offset that tell them.
PostScript is not among them, which Pillow hands to another program, nor what has no signature."""

_APART = ("TIFF", "PSD", "JPEG2000", "AVIF", "HEIC", "JXL", "EXR")
"""Formats whose pictures may turn out larger than their header says, or whose decoders write to the terminal."""

_ORIENTATION_TAG = 274  # TIFF 6.0, and Exif after it


_PNG_KIND, _PNG_SAMPLES = 25, {b"\0": 1, b"\2": 3, b"\4": 2, b"\6": 4}
"""Where a PNG says what its samples are, and how many a pixel has (PNG, 11.2.2)."""

HEAD_BYTES = 4096
"""A signature is much shorter; of HEIF, which coding it holds is told somewhere in these."""


def decode(path: Path) -> Raw:
    """Decode a file by what it is, not by its ending; what had to be passed over is said (`decouple_contract.remarks`).

    Raises
    ------
    InputError
        For a file that is missing, empty, unreadable, damaged, of a format that is not read, too large for
        `memory.check_size` or with values that are no numbers.
    OutOfMemoryError
        For a picture that this computer has no room for.
    """
    try:
        check_regular(path)
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                raise InputError("picture-empty-file", path=str(path))
            raw = _decoded(path, file, head)
    except FileNotFoundError:
        raise InputError("file-missing", path=str(path)) from None
    except OSError as error:
        raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
    for message in raw.remarks:
        remark(message)
    return raw


def _decoded(path: Path, file: BinaryIO, head: bytes) -> Raw:
    """What the file holds, which begins with `head`."""
    kind = next((kind for kind, offset, bytes_ in _SIGNATURES if head[offset:].startswith(bytes_)), None)
    if kind is None:
        raise InputError("picture-damaged", path=str(path))
    if kind == "HEIF":  # the frame of both
        kind = "AVIF" if b"av01" in head else "HEIC"
    if kind == "RAW":
        raise InputError("picture-raw", path=str(path))
    reading = _reading.set(True)
    try:
        raw = None
        if kind == "TIFF":
            from decouple_core.pictures.tiff_files import read_tiff  # with tifffile, slow to load

            raw = read_tiff(path, file)
        elif kind == "PNG" and head[24:25] == b"\x10":  # the bit depth in the header chunk (PNG, 11.2.2)
            raw = _read_deep_png(path, file)
        elif kind == "JPEG":
            raw = read_jpeg(path, file)
        if raw is None:
            file.seek(0)
            raw = decode_apart(path, file, kind) if kind in _APART else read_with_pillow(path, file, kind)
        check_numbers(path, raw.values, raw.alpha)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # decoders given damaged data raise nearly anything
        if isinstance(error, OSError) and error.errno is not None:
            raise  # of the system, not of the data
        raise as_failure(error, InputError("picture-damaged", path=str(path))) from error
    finally:
        _reading.reset(reading)
    return raw


def _read_deep_png(path: Path, file: BinaryIO) -> Raw:
    """A PNG with 16 bits a channel. Pillow reads its header, size and metadata."""
    with PIL.Image.open(file, formats=("PNG",)) as header:
        icc = header.info.get("icc_profile")
        file.seek(_PNG_KIND)
        samples = _PNG_SAMPLES.get(file.read(1), 4)
        check_size(path, *header.size, stored=2 * samples, alpha=samples in (2, 4), profiled=bool(icc))
        with QUIET:
            orientation = header.getexif().get(_ORIENTATION_TAG, 1)
            notes = exif.kept_of(header)
        several = getattr(header, "is_animated", False)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            values = np.atleast_3d(imagecodecs.png_decode(content))
    values = upright(values, orientation)
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    remarks = (Message("picture-several", path=str(path)),) if several else ()
    return Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc, notes, remarks=remarks)
