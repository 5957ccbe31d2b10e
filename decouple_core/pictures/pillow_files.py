"""Files that Pillow reads: what it makes of them, brought to grey, RGB or CMYK with 8 bits."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL.Image
import PIL.ImageOps

from decouple_contract.messages import Message
from decouple_core.pictures import exif
from decouple_core.pictures.memory import PICTURE_BYTES, check_size
from decouple_core.pictures.raw import Raw

PIL.Image.MAX_IMAGE_PIXELS = PICTURE_BYTES  # more than `check_size` allows: Pillow's own limit excludes panoramas

_DEEP = {"I": 2, "F": 4} | dict.fromkeys(("I;16", "I;16B", "I;16L", "I;16N"), 2)
"""Bytes of a pixel of the modes that are read as they are."""


_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF")
"""Formats whose further pictures are said to be passed over; PSD's are the layers of the one that is read."""

_LOUD = (UserWarning, RuntimeWarning, DeprecationWarning, FutureWarning, ResourceWarning)
"""What libraries warn with. A `Remark` is none of them: threads beside may say one."""


class _Quiet:
    """Without warnings, for threads side by side: the first in changes the filters, the last out changes them back."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._filters = warnings.catch_warnings()
                self._filters.__enter__()
                for category in _LOUD:
                    warnings.simplefilter("ignore", category)
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._filters.__exit__(None, None, None)


QUIET = _Quiet()


def read_with_pillow(path: Path, file: BinaryIO, kind: str, prepare: Callable[[int], None] = lambda _: None) -> Raw:
    """What Pillow knows as `kind`, at 8 bits a channel; deeper only where it is a single grey one.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    kind : str
        A format, as Pillow calls it; others are not tried.
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    # Warnings are about damaged metadata, and the size, which is checked here.
    with QUIET, PIL.Image.open(file, formats=(kind,)) as opened:
        icc = opened.info.get("icc_profile")
        clear = opened.has_transparency_data
        stored = _stored(kind, opened.mode, clear)
        prepare(check_size(path, *opened.size, stored=stored, alpha=clear, profiled=bool(icc)))
        notes = exif.kept_of(opened)
        several = kind in _ANIMATED and getattr(opened, "is_animated", False)
        remarks = (Message("picture-several", path=str(path)),) if several else ()
        picture = PIL.ImageOps.exif_transpose(opened)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):  # grey with 16 bits, or with 32-bit floats
        values = np.asarray(picture)[..., None]
        if picture.mode != "F":
            values = np.clip(values, 0, 65535).astype(np.uint16)
        return Raw(values, None, icc, notes, remarks=remarks)
    transparent = picture.has_transparency_data
    if picture.mode in ("L", "LA") or (picture.mode == "1" and not transparent):
        picture = picture.convert("LA" if transparent else "L")
    elif picture.mode != "CMYK":
        if picture.mode not in ("RGB", "RGBA", "P", "PA", "RGBX"):
            icc = None  # it describes the stored form (YCbCr, Lab, HSV), which the next line leaves
        picture = picture.convert("RGBA" if transparent else "RGB")
    values = np.atleast_3d(np.asarray(picture))
    if picture.mode in ("LA", "RGBA"):
        return Raw(values[..., :-1], values[..., -1], icc, notes, remarks=remarks)
    return Raw(values, None, icc, notes, remarks=remarks)


def _stored(kind: str, mode: str, transparent: bool) -> int:
    """Bytes of a pixel of a mode once it is grey, RGB or CMYK, with what its decoder takes beside them."""
    if kind == "WEBP":
        return 8 if transparent else 10  # measured: all its copies are of RGBA
    if mode in _DEEP:
        return _DEEP[mode]
    if mode == "CMYK":
        return 4 + 4  # and by how much black darkens the colours
    return (1 if mode in ("L", "LA") or (mode == "1" and not transparent) else 3) + transparent
