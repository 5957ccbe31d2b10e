"""Files that Pillow reads: what it makes of them, brought to grey, RGB or CMYK with 8 bits."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL.Image
import PIL.ImageOps

from decouple_core.pictures.memory import MOST_BYTES, check_size

PIL.Image.MAX_IMAGE_PIXELS = MOST_BYTES  # more than `check_size` allows: Pillow's own limit excludes panoramas

_BYTES_OF_A_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2, "I;16N": 2}
"""What Pillow takes in each mode; 4 in all others."""


class Raw(NamedTuple):
    """A file's contents as stored: values (H, W, 1, 3 or 4: grey, RGB or CMYK), alpha (H, W), and the profile."""

    values: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None


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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, and the size, which is checked here
        with PIL.Image.open(file, formats=(kind,)) as opened:
            prepare(check_size(path, *opened.size, stored=_BYTES_OF_A_PIXEL.get(opened.mode, 4)))
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
