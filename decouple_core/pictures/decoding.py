"""Picture files of the formats that we know, decoded to what they hold: values as stored, opacity, profile.

What a file is, its first bytes say. Pillow reads what has 8 bits a channel; it cannot hold deeper colour, so 16-bit
PNG and JPEG XL go through imagecodecs, deep TIFF through tifffile, OpenEXR through its own library. Memory is estimated
from the header first; decoders that do not keep to the header have a process of their own (`decoding_apart`).
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
import tifffile

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import check_regular, reason
from decouple_core.contract.remarks import remark
from decouple_core.pictures import exif, tiff_header
from decouple_core.pictures.decoding_apart import decode_apart
from decouple_core.pictures.jpeg_files import read_jpeg
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.pillow_files import QUIET, Raw, read_with_pillow

_reading = ContextVar("reading", default=False)
logging.getLogger("tifffile").addFilter(lambda _: not _reading.get())  # what it says of our files, our sentence says

_SIGNATURES = (
    ("PNG", 0, b"\x89PNG\r\n\x1a\n"), ("JPEG", 0, b"\xff\xd8\xff"), ("GIF", 0, b"GIF87a"), ("GIF", 0, b"GIF89a"),
    ("BMP", 0, b"BM"), ("WEBP", 8, b"WEBP"), *(("PPM", 0, b"P%d" % number) for number in range(1, 7)),
    *(("TIFF", 0, start) for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")),
    ("PSD", 0, b"8BPS"), ("JPEG2000", 4, b"jP  \r\n\x87\n"), ("JPEG2000", 0, b"\xff\x4f\xff\x51"),
    *(("AVIF", 4, b"ftyp" + brand) for brand in (b"avif", b"avis", b"mif1")),
    ("JXL", 0, b"\xff\x0a"), ("JXL", 0, b"\0\0\0\x0cJXL \r\n\x87\n"), ("EXR", 0, b"\x76\x2f\x31\x01"),
)
"""The formats that are read, by Pillow's names where it has one, and the bytes at some offset that tell them.
PostScript is not among them, which Pillow hands to another program, nor what has no signature."""

_APART = ("TIFF", "PSD", "JPEG2000", "AVIF", "JXL", "EXR")
"""Formats whose pictures may turn out larger than their header says, or whose decoders write to the terminal."""

_ORIENTATION_TAG = 274  # TIFF 6.0, and Exif after it
_PROFILE_TAG = 34675  # ICC.1, annex B.4

_TIFF_COMPRESSIONS = {1: 1, 5: 4096, 8: 1032, 32773: 128, 32946: 1032, 50000: 40_000}
"""None, LZW, Deflate, PackBits, Deflate's older number, Zstandard: those that lose nothing and are widely written; and
how many bytes they make of one at most."""

def decode(path: Path) -> Raw:
    """Decode a file by what it is, not by its ending; what had to be passed over is said (`contract.remarks`).

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
            head = file.read(32)
            if not head:
                raise InputError("picture-empty-file", path=str(path))
            raw = _decoded(path, file, head)
    except FileNotFoundError:
        raise InputError("file-missing", path=str(path)) from None
    except OSError as error:
        raise InputError("file-unreadable", path=str(path), reason=reason(error)) from error
    for message in raw.remarks:
        remark(message)
    return raw


def _decoded(path: Path, file: BinaryIO, head: bytes) -> Raw:
    """What the file holds, which begins with `head`."""
    kind = next((kind for kind, offset, bytes_ in _SIGNATURES if head[offset:].startswith(bytes_)), None)
    if kind is None:
        raise InputError("picture-damaged", path=str(path))
    reading = _reading.set(True)
    try:
        raw = None
        if kind == "TIFF":
            raw = _read_deep_tiff(path, file)
        elif kind == "PNG" and head[24:25] == b"\x10":  # the bit depth in the header chunk (PNG, 11.2.2)
            raw = _read_deep_png(path, file)
        elif kind == "JPEG":
            raw = read_jpeg(path, file)
        if raw is None:
            file.seek(0)
            raw = decode_apart(path, file, kind) if kind in _APART else read_with_pillow(path, file, kind)
        _check_numbers(path, raw.values, raw.alpha)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # decoders given damaged data raise nearly anything
        raise InputError("picture-damaged", path=str(path)) from error
    finally:
        _reading.reset(reading)
    return raw


def _read_deep_png(path: Path, file: BinaryIO) -> Raw:
    """A PNG with 16 bits a channel. Pillow reads its header, size and metadata."""
    with PIL.Image.open(file, formats=("PNG",)) as header:
        check_size(path, *header.size, stored=8)
        with QUIET:
            icc, orientation = header.info.get("icc_profile"), header.getexif().get(_ORIENTATION_TAG, 1)
            notes = exif.kept_of(header)
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            values = np.atleast_3d(imagecodecs.png_decode(content))
    values = _upright(values, orientation)
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc, notes)


def _read_deep_tiff(path: Path, file: BinaryIO) -> Raw | None:
    """A TIFF with more than 8 bits a channel in grey or RGB; None for any other, which Pillow reads."""
    if not tiff_header.sound(file):
        raise InputError("picture-damaged", path=str(path))
    file.seek(0)
    with tifffile.TiffFile(file, name=path.name) as tiff:
        page = tiff.pages.first
        _check_page(path, page)
        colours = 3 if page.photometric == tifffile.PHOTOMETRIC.RGB else 1
        if colours == 1 and page.photometric != tifffile.PHOTOMETRIC.MINISBLACK:
            return None
        if page.dtype is None or page.dtype.itemsize == 1 or page.bitspersample <= 8:
            return None
        known = page.dtype.kind in "uif" and page.samplesperpixel >= colours and page.imagedepth == 1
        if not known or page.compression not in _TIFF_COMPRESSIONS:
            raise InputError("picture-damaged", path=str(path))
        if page.nbytes > _TIFF_COMPRESSIONS[page.compression] * sum(page.databytecounts):
            raise InputError("picture-damaged", path=str(path))  # most of it is missing
        values = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            values = np.moveaxis(values, 0, -1)
        # No others: a directory of Exif data would be read with all of its lists.
        orientation, icc = page.tags.valueof(_ORIENTATION_TAG, default=1), page.tags.valueof(_PROFILE_TAG)
        extra, bits = tuple(page.extrasamples), page.bitspersample
    values = _upright(np.atleast_3d(values), orientation)
    if values.dtype.kind == "u" and bits != 16:  # 12 bits, say, or 32 and more, of which float32 keeps 24
        values = values / np.float64(2**bits - 1)
    elif values.dtype.kind == "i":
        values = values / np.float64(np.iinfo(values.dtype).max)
    if values.dtype.kind == "f":
        values = _single(values)
    colour = values[..., :colours]
    alpha = values[..., colours] if extra and extra[0] != tifffile.EXTRASAMPLE.UNSPECIFIED else None
    if alpha is not None and extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:  # the colours are multiplied by it
        _check_numbers(path, colour, alpha)
        colour, opacity = unit_range(colour), unit_range(alpha)[..., None]
        colour = np.divide(colour, opacity, out=np.zeros_like(colour), where=opacity > 0)
    with QUIET:
        notes = exif.kept_of_tiff(file)
    return Raw(colour, alpha, icc, notes)


def _check_page(path: Path, page: tifffile.TiffPage) -> None:
    """Refuse what is too large, all samples and planes counted, and each tile, which is decoded as a whole."""
    stored = -(-page.bitspersample // 8) * page.samplesperpixel
    check_size(path, page.imagewidth, page.imagelength * page.imagedepth, stored)
    if page.is_tiled:
        check_size(path, page.tilewidth, page.tilelength * page.tiledepth, stored)


def _check_numbers(path: Path, *parts: np.ndarray | None) -> None:
    """Refuse floats that are no numbers."""
    if any(part is not None and part.dtype.kind == "f" and not np.isfinite(part).all() for part in parts):
        raise InputError("picture-numbers", path=str(path))


def _single(values: np.ndarray) -> np.ndarray:
    """Floats of any precision as float32; what is beyond its range becomes infinite, and is refused as that."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32)


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H, W, C) values so that the picture stands as its orientation flag, 1 to 8, says (Exif 2.32, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def unit_range(values: np.ndarray) -> np.ndarray:
    """Stored values as float32 in [0, 1]."""
    if values.dtype.kind == "u":
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    return np.clip(values, 0.0, 1.0).astype(np.float32)
