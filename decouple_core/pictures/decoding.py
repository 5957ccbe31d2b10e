"""Picture files of every kind, decoded to what they hold: values as stored, opacity, profile.

Pillow reads what has 8 bits a channel; it cannot hold deeper colour, so 16-bit PNG goes through imagecodecs, deep TIFF
through tifffile.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageOps
import tifffile

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import reason

MAX_PIXELS = 300_000_000
"""Larger pictures are refused before they are decoded: the pixels alone would take 3.6 GB as float32."""
PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit, 89 million, is below a large camera's panorama

_ORIENTATION_TAG = 274  # TIFF 6.0, and Exif after it


class Raw(NamedTuple):
    """A file's contents as stored: values (H, W, 1, 3 or 4: grey, RGB or CMYK), alpha (H, W), and the profile."""

    values: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None


def decode(path: Path) -> Raw:
    """Decode a file by what it is, not by its ending.

    Raises
    ------
    InputError
        For a file that is missing, empty, unreadable, damaged, larger than `MAX_PIXELS` or with values that are
        no numbers.
    """
    try:
        if path.is_dir():
            raise InputError("file-is-folder", path=str(path))
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device read without end
            raise InputError("file-special", path=str(path))
        with path.open("rb") as file:
            head = file.read(32)
    except FileNotFoundError:
        raise InputError("file-missing", path=str(path)) from None
    except OSError as error:
        raise InputError("file-unreadable", path=str(path), reason=reason(error)) from error
    if not head:
        raise InputError("picture-empty-file", path=str(path))
    try:
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raw = _read_deep_tiff(path)
        elif head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16:  # the bit depth in the header chunk (PNG, 11.2.2)
            raw = _read_deep_png(path)
        else:
            raw = None
        raw = raw or _read_with_pillow(path)
    except (InputError, MemoryError):
        raise
    except PIL.Image.DecompressionBombError as error:  # Pillow refuses the very largest before their size is known here
        raise _too_large(path) from error
    except Exception as error:  # decoders given damaged data raise nearly anything
        raise InputError("picture-damaged", path=str(path)) from error
    if raw.values.dtype.kind == "f" and not np.isfinite(raw.values).all():
        raise InputError("picture-numbers", path=str(path))
    return raw


def _read_with_pillow(path: Path) -> Raw:
    """Anything that Pillow knows, at 8 bits a channel; deeper only where it is a single grey one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, and the size, which is checked here
        with PIL.Image.open(path) as opened:
            _check_size(path, *opened.size)
            icc = opened.info.get("icc_profile")
            picture = PIL.ImageOps.exif_transpose(opened)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):  # grey with 16 bits, or with 32-bit floats
        values = np.asarray(picture)[..., None]
        if picture.mode != "F":
            values = np.clip(values, 0, 65535).astype(np.uint16)
        return Raw(values, None, icc)
    transparent = picture.has_transparency_data
    if picture.mode in ("L", "LA") or (picture.mode == "1" and not transparent):
        picture = picture.convert("LA" if transparent else "L")
    elif picture.mode != "CMYK":
        if picture.mode not in ("RGB", "RGBA", "P", "PA", "RGBX"):
            icc = None  # it describes the stored form (YCbCr, Lab, HSV), which the next line leaves
        picture = picture.convert("RGBA" if transparent else "RGB")
    values = np.atleast_3d(np.asarray(picture))
    if picture.mode in ("LA", "RGBA"):
        return Raw(values[..., :-1], values[..., -1], icc)
    return Raw(values, None, icc)


def _read_deep_png(path: Path) -> Raw:
    """A PNG with 16 bits a channel. Pillow reads its header, size and metadata."""
    with PIL.Image.open(path) as header:
        _check_size(path, *header.size)
        icc, orientation = header.info.get("icc_profile"), header.getexif().get(_ORIENTATION_TAG, 1)
    values = np.atleast_3d(imagecodecs.png_decode(path.read_bytes()))
    values = _upright(values, orientation)
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc)


def _read_deep_tiff(path: Path) -> Raw | None:
    """A TIFF with more than 8 bits a channel in grey or RGB; None for any other, which Pillow reads."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_size(path, page.imagewidth, page.imagelength)
        grey_or_rgb = page.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
        if page.dtype is None or page.dtype.itemsize == 1 or not grey_or_rgb:
            return None
        values = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            values = np.moveaxis(values, 0, -1)
        tags = {tag.code: tag.value for tag in page.tags}
        colours = 1 if page.photometric == tifffile.PHOTOMETRIC.MINISBLACK else 3
        extra = tuple(page.extrasamples)
    values = _upright(np.atleast_3d(values), tags.get(_ORIENTATION_TAG, 1))
    if values.dtype.kind != "f" and values.dtype != np.uint16:  # 32 bits and more, of which float32 keeps 24
        values = values / np.float64(np.iinfo(values.dtype).max)
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    colour = values[..., :colours]
    alpha = values[..., colours] if extra and extra[0] != tifffile.EXTRASAMPLE.UNSPECIFIED else None
    if alpha is not None and extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:  # the colours are multiplied by it
        colour, opacity = unit_range(colour), unit_range(alpha)[..., None]
        colour = np.divide(colour, opacity, out=np.zeros_like(colour), where=opacity > 0)
    return Raw(colour, alpha, tags.get(34675))  # 34675: the profile (ICC.1, annex B.4)


def _check_size(path: Path, width: int, height: int) -> None:
    """Refuse a picture that is too large, by its header alone."""
    if width * height > MAX_PIXELS:
        raise _too_large(path)


def _too_large(path: Path) -> InputError:
    return InputError("picture-too-large", path=str(path), millions=MAX_PIXELS // 10**6)


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
