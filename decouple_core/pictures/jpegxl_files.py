"""JPEG XL, of up to 16 bits a channel or floats."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import imagecodecs
import numpy as np
import PIL.Image

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures import exif, jpegxl_header
from decouple_core.pictures.encoding import decoded
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.raw import Raw, shares, single

DEEPEST = 16
"""Bytes of a pixel: four floats."""

EXIF_BOX, PACKED_BOX = b"Exif", b"brob"
"""What holds notes, and what holds any box packed by Brotli."""


def read_jpegxl(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """A picture: profile and notes, which one of the libraries gives, and all of its bits, which the other does.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    try:
        from pillow_jxl import Decoder
    except ImportError:
        raise InputError("format-needs", kind="JPEG XL", package="pillow-jxl-plugin") from None
    header = jpegxl_header.read_header(file)
    prepare(check_size(path, header.width, header.height, stored=DEEPEST))
    file.seek(0)
    content = file.read()
    values = np.atleast_3d(imagecodecs.jpegxl_decode(content, 0))
    values = shares(values, header.bits) if header.bits else single(values)
    _, _, _, profile, boxes = Decoder(num_threads=0)(content)
    notes = None
    for box in boxes:
        kind, data = box.box_type, bytes(box.data)
        if kind == PACKED_BOX and data.startswith(EXIF_BOX):
            kind, data = EXIF_BOX, bytes(imagecodecs.brotli_decode(data[len(EXIF_BOX) :]))
        if kind == EXIF_BOX and len(data) <= exif.BLOCK_BYTES:
            found = PIL.Image.Exif()
            found.load(exif.PREFIX + data[4:])  # after the offset of its first byte, which is 0
            notes = exif.kept(found)
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    remarks = (Message("picture-several", path=str(path)),) if header.animated else ()
    return Raw(
        values[..., : values.shape[2] - (alpha is not None)],
        alpha,
        profile or None,
        notes,
        depth=8 if 0 < header.bits <= 8 else 16,
        remarks=remarks,
    )


def write_jpegxl(file: BinaryIO, levels: np.ndarray, notes: bytes | None) -> None:
    """Write sRGB integers (H, W, C) without loss.

    The library writes no profile. It calls 8 bits sRGB and 16 bits linear light, so that these are brought there, which
    moves them by 0.0005 of the range at most.
    """
    if levels.dtype == np.uint16:
        colours = decoded(np.arange(65536) / 65535)
        table = (colours * 65535 + 0.5).astype(np.uint16)
        levels = np.dstack([table[levels[..., :3]], levels[..., 3:]])
    # The least effort takes a hundredth of the default's time (0.1 s for 6 megapixels) for files two thirds larger
    # with 8 bits, a thirtieth with 16.
    content = imagecodecs.jpegxl_encode(levels, lossless=True, effort=1, usecontainer=True)
    if notes is not None:
        box = EXIF_BOX + bytes(4) + notes.removeprefix(exif.PREFIX)
        content += (len(box) + 4).to_bytes(4, "big") + box
    file.write(content)
