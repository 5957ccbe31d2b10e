"""TIFF. Pillow reads what has 8 bits a channel or less; tifffile and the decoders of imagecodecs read the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import tifffile

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures import exif
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.pillow_files import QUIET, read_with_pillow
from decouple_core.pictures.profiles import SRGB, transformed
from decouple_core.pictures.raw import Raw, check_numbers, shares, single, unit_range, upright
from decouple_core.pictures.tiff_header import Directories

_ORIENTATION_TAG, _PROFILE_TAG, _INKS_TAG = 274, 34675, 332  # TIFF 6.0, ICC.1 (annex B.4), TIFF 6.0 (section 16)

_HERE = {1: 1, 5: 4096, 8: 1032, 32773: 128, 32946: 1032, 50000: 40_000}
"""Compressions that are decoded in this process: none, LZW, Deflate, PackBits, Deflate's older number, Zstandard. They
lose nothing and are widely written; and how many bytes they make of one at most."""

_PILLOWS = (1, 2, 3, 4, 5, 7, 8, 32771, 32773, 32809, 32946, 34925, 50000)
"""Compressions that Pillow's libtiff knows."""

_OLD_JPEG = 6
"""Given up in 1995 (TIFF Technical Note 2), because everybody wrote it in another way."""

_JPEG = (7, 34892)

_KINDS = tifffile.PHOTOMETRIC
_COLOURS: dict[int | None, int] = {
    _KINDS.RGB: 3,
    _KINDS.MINISBLACK: 1,
    _KINDS.MINISWHITE: 1,
    _KINDS.SEPARATED: 4,
    _KINDS.CIELAB: 3,
    _KINDS.ICCLAB: 3,
}
"""Channels that are colours, by what they mean."""

_LABS = (_KINDS.CIELAB, _KINDS.ICCLAB)
_LAB: bytes = imagecodecs.cms_profile("lab4")

_CMYK = 1


def read_tiff(path: Path, file: BinaryIO) -> Raw | None:
    """What has more than 8 bits a channel, in a common compression; None for all else, which `read_tiff_apart` reads.

    Raises
    ------
    InputError
        For what is damaged, too large, or of a kind that is not read.
    """
    _check(path, file)
    with tifffile.TiffFile(file, name=path.name) as tiff:
        page = tiff.pages.first
        _check_page(path, page)
        if _is_pillows(page) or page.compression not in _HERE:
            return None
        stored = page.imagewidth * page.imagelength * page.imagedepth * page.samplesperpixel * page.bitspersample / 8
        if stored > _HERE[page.compression] * sum(page.databytecounts):
            raise InputError("picture-damaged", path=str(path))  # most of it is missing
        return _decoded(path, file, page)


def read_tiff_apart(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """Any TIFF, in a process of its own: what `read_tiff` leaves.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    with tifffile.TiffFile(file, name=path.name) as tiff:
        page = tiff.pages.first
        needed = _check_page(path, page)
        if not _is_pillows(page):
            prepare(needed)
            return _decoded(path, file, page)
    file.seek(0)
    raw = read_with_pillow(path, file, "TIFF", prepare)
    return raw._replace(remarks=_more(path, file))


def _check(path: Path, file: BinaryIO) -> None:
    directories = Directories(file)
    if not directories.first.sound:
        raise InputError("picture-damaged", path=str(path))
    if directories.of_a_sensor:
        raise InputError("picture-raw", path=str(path))
    file.seek(0)


def _more(path: Path, file: BinaryIO) -> tuple[Message, ...]:
    """What to say of further pages."""
    return (Message("picture-several", path=str(path)),) if Directories(file).more else ()


def _is_pillows(page: tifffile.TiffPage) -> bool:
    """Whether Pillow reads it rightly."""
    deep = page.dtype is None or page.dtype != np.uint8 or page.bitspersample > 8
    if page.photometric not in _COLOURS:  # palettes, YCbCr, masks
        return not (page.photometric == _KINDS.YCBCR and page.compression in _JPEG and deep)
    grey = page.photometric in (_KINDS.MINISBLACK, _KINDS.MINISWHITE)
    few = page.bitspersample not in ((1, 2, 4, 8) if grey else (8,))
    alone = page.samplesperpixel == _COLOURS[page.photometric]
    unmixed = alone or page.photometric in (_KINDS.MINISBLACK, _KINDS.RGB)
    known = page.compression in _PILLOWS and page.photometric not in _LABS
    return known and unmixed and ((grey and page.bitspersample == 1) or not (deep or few))


def _check_page(path: Path, page: tifffile.TiffPage) -> int:
    """Refuse what is too large, all samples and planes counted, and each tile, which is decoded as a whole."""
    bits = page.bitspersample
    kept = 1 if bits <= 8 else 2 if bits == 16 else max(4, -(-bits // 8))  # what fills no type becomes float32
    stored = kept * page.samplesperpixel
    alpha = bool(page.extrasamples) and page.extrasamples[0] != tifffile.EXTRASAMPLE.UNSPECIFIED
    profiled = _PROFILE_TAG in page.tags
    needed = check_size(
        path, page.imagewidth, page.imagelength * page.imagedepth, stored, alpha=alpha, profiled=profiled
    )
    if page.is_tiled:
        check_size(path, page.tilewidth, page.tilelength * page.tiledepth, stored)
    if page.compression == _OLD_JPEG:
        raise InputError("tiff-old-jpeg", path=str(path))
    return needed


def _decoded(path: Path, file: BinaryIO, page: tifffile.TiffPage) -> Raw:
    """The page as grey, RGB or CMYK."""
    colours = _COLOURS.get(page.photometric, 3)
    known = page.dtype is not None and page.dtype.kind in "uif" and page.samplesperpixel >= colours
    if not known or page.imagedepth != 1 or (colours == 4 and page.tags.valueof(_INKS_TAG, default=_CMYK) != _CMYK):
        raise InputError("picture-damaged", path=str(path))
    values = page.asarray()
    if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
        values = np.moveaxis(values, 0, -1)
    # No others: a directory of Exif data would be read with all of its lists.
    orientation, icc = page.tags.valueof(_ORIENTATION_TAG, default=1), page.tags.valueof(_PROFILE_TAG)
    extra, bits = tuple(page.extrasamples), page.bitspersample
    values = upright(np.atleast_3d(values), orientation)
    colour, others = values[..., :colours], values[..., colours:]
    if page.photometric in _LABS:
        colour, icc = _from_lab(path, colour, bits, icc=page.photometric == _KINDS.ICCLAB), None
    else:
        colour = _plain(colour, bits)
    if page.photometric == _KINDS.MINISWHITE:
        colour = np.iinfo(colour.dtype).max - colour if colour.dtype.kind == "u" else 1 - colour
    alpha = _plain(others[..., 0], bits) if extra and extra[0] != tifffile.EXTRASAMPLE.UNSPECIFIED else None
    if alpha is not None and extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:  # the colours are multiplied by it
        check_numbers(path, colour, alpha)
        colour, opacity = unit_range(colour), unit_range(alpha)[..., None]
        colour = np.divide(colour, opacity, out=np.zeros_like(colour), where=opacity > 0)
    with QUIET:
        notes = exif.kept_of_tiff(file)
    return Raw(colour, alpha, icc, notes, depth=8 if bits <= 8 else 16, remarks=_more(path, file))


def _plain(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers that fill their type, or floats from 0 to 1."""
    return single(values) if values.dtype.kind == "f" else shares(values, bits)


def _from_lab(path: Path, values: np.ndarray, bits: int, *, icc: bool) -> np.ndarray:
    """CIE L*a*b* under D50 as 16-bit sRGB.

    L* fills its range in both forms, but in ICC's of 16 bits ends at 0xFF00. The others count from zero (TIFF 6.0,
    section 23, and for 16 bits Adobe's Photoshop TIFF technical notes) or, in ICC's, have zero in the middle.
    """
    if bits not in (8, 16) or values.dtype.kind != "u":
        raise InputError("picture-damaged", path=str(path))
    wide = values.astype(np.float32) * (256 if bits == 8 else 1)
    light, others = wide[..., :1], wide[..., 1:]
    if not icc:
        others = others + np.where(others < 2**15, 2**15, -(2**15))
    share = light / (0xFF00 if icc or bits == 8 else 0xFFFF)
    encoded = np.concatenate([share * 65535, others * (257 / 256)], 2)  # as ICC.1, version 4, has it
    found = transformed((encoded + 0.5).clip(0, 65535).astype(np.uint16), _LAB, SRGB, "lab", "rgb", np.uint16)
    assert found is not None  # both profiles are our own
    return found
