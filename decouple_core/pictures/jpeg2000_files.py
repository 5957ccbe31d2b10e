"""JPEG 2000: by Pillow, and colours of more than 8 bits, which Pillow cannot hold, by imagecodecs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import imagecodecs
import numpy as np
import PIL.Image

from decouple_core.pictures import exif
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.pillow_files import QUIET, read_with_pillow
from decouple_core.pictures.raw import Raw, shares

DEEPEST = 8
"""Bytes of a pixel: four channels of 16 bits."""

START = b"\xff\x4f\xff\x51"
"""Of the codestream: its first mark, and that of its sizes (ITU T.800, A.5.1)."""

SIZES = struct.Struct(">HHIIIIIIIIHB")

LOOKED_AT = 2**20
"""Bytes in which the codestream begins; a colour profile is before it."""

LUMA_AND_CHROMA = b"colr\x01\0\0\0\0\0\x12"
"""The box that names sYCC (T.800, I.5.3.3), which Pillow brings to RGB."""


class _Codestream(NamedTuple):
    width: int
    height: int
    bits: int


def read_jpeg2000(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """A picture at its depth.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    head = file.read(LOOKED_AT)
    stream = _codestream(head)
    file.seek(0)
    if stream is not None and 8 < stream.bits <= 16 and LUMA_AND_CHROMA not in head:
        with QUIET, PIL.Image.open(file, formats=("JPEG2000",)) as opened:
            if opened.size == (stream.width, stream.height) and opened.mode in ("I;16", "LA", "RGB", "RGBA"):
                prepare(check_size(path, *opened.size, stored=DEEPEST))
                icc, notes = opened.info.get("icc_profile"), exif.kept_of(opened)
                file.seek(0)
                values = shares(np.atleast_3d(imagecodecs.jpeg2k_decode(file.read())), stream.bits)
                alpha = None if values.shape[2] in (1, 3) else values[..., -1]
                return Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc, notes, depth=16)
    file.seek(0)
    return read_with_pillow(path, file, "JPEG2000", prepare)


def _codestream(head: bytes) -> _Codestream | None:
    """What the codestream says of itself; None where it does not begin here, or has negative numbers."""
    place = head.find(START) + len(START)
    if START not in head or len(head) < place + SIZES.size:
        return None
    _, _, right, lower, left, upper, _, _, _, _, _, depth = SIZES.unpack_from(head, place)
    return _Codestream(right - left, lower - upper, depth + 1) if depth < 0x80 else None
