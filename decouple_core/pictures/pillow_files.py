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

from decouple_core.contract.messages import Message
from decouple_core.pictures import exif
from decouple_core.pictures.memory import MOST_BYTES, check_size
from decouple_core.pictures.raw import Raw

PIL.Image.MAX_IMAGE_PIXELS = MOST_BYTES  # more than `check_size` allows: Pillow's own limit excludes panoramas

_BYTES_OF_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""What Pillow takes in each mode; 4 in all others."""


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
        prepare(check_size(path, *opened.size, stored=_BYTES_OF_A_PIXEL.get(opened.mode, 4)))
        icc = opened.info.get("icc_profile")
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
