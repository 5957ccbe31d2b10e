"""HEIC, as telephones write it, and AVIF: at their depth, with the profile that they carry or name by number."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import PIL.Image

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures import exif, heif_header
from decouple_core.pictures.encoding import decoded
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.pillow_files import QUIET, read_with_pillow
from decouple_core.pictures.raw import Raw, shares, unit_range, upright

DEEPEST = 8
"""Bytes of a pixel: four channels of 16 bits."""

ORIENTATION_TAG = 274

CONFIGURATION, HIGH, TWELVE = b"av1C", 0x40, 0x20
"""The box that tells how AVIF's pixels are coded, and the bits of its third byte that tell their depth."""

LOOKED_AT = 2**20
"""Bytes in which that box is looked for: all boxes that tell of pixels come before these."""

AS_SRGB, UNKNOWN = (1, 2), 2
"""Primaries that need no profile (ISO/IEC 23091-2): Rec. 709's, which are sRGB's, and those that nobody has named."""

ENDLESS = (16, 18)
"""Curves of the same list, in which white is no limit: PQ and hybrid log-gamma."""


def read_avif(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """An AVIF: by Pillow, which has 8 bits, or a single deeper one by imagecodecs.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    if not heif_header.sound(file):
        raise InputError("picture-damaged", path=str(path))
    bits = _bits(file)
    file.seek(0)
    if bits > 8:
        with QUIET, PIL.Image.open(file, formats=("AVIF",)) as opened:
            if not getattr(opened, "is_animated", False):  # imagecodecs comes to grief over these
                prepare(check_size(path, *opened.size, stored=DEEPEST))
                icc, orientation = opened.info.get("icc_profile"), opened.getexif().get(ORIENTATION_TAG, 1)
                notes = exif.kept_of(opened)
                file.seek(0)
                values = upright(shares(np.atleast_3d(imagecodecs.avif_decode(file.read())), bits), orientation)
                return _parted(values, icc, notes)
    file.seek(0)
    return read_with_pillow(path, file, "AVIF", prepare)


def _bits(file: BinaryIO) -> int:
    """Of a channel of an AVIF, by its first configuration; 8 where it has none."""
    file.seek(0)
    head = file.read(LOOKED_AT)
    place = head.find(CONFIGURATION) + len(CONFIGURATION) + 2
    if CONFIGURATION not in head or place >= len(head) or not head[place] & HIGH:
        return 8
    return 12 if head[place] & TWELVE else 10


def read_heic(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """The chief picture of a HEIC, turned as it is to be seen; see `read_avif`."""
    try:
        import pillow_heif
    except ImportError:
        raise InputError("format-needs", kind="HEIC", package="pillow-heif") from None
    if not heif_header.sound(file):
        raise InputError("picture-damaged", path=str(path))
    # What else there is in it is left where it is.
    pillow_heif.options.THUMBNAILS = pillow_heif.options.DEPTH_IMAGES = pillow_heif.options.AUX_IMAGES = False
    opened = pillow_heif.open_heif(file, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    picture = opened[opened.primary_index]
    if not picture.info["primary"]:  # the chief one cannot be read
        raise InputError("picture-damaged", path=str(path))
    needed = check_size(path, *picture.size, stored=DEEPEST)
    prepare(needed)
    mode, _, bits = picture.mode.partition(";")
    values = shares(np.atleast_3d(np.asarray(picture)), int(bits or 8))
    info: dict[str, Any] = dict(picture.info)
    notes = None
    if (block := info.get("exif")) and len(block) <= exif.BLOCK_BYTES:
        found = PIL.Image.Exif()
        found.load(block)
        notes = exif.kept(found)
    icc, remarks = info.get("icc_profile"), list[Message]()
    if icc is None:
        icc, remarks = _named(path, info.get("nclx_profile", {}))
    if len(opened) > 1:
        remarks.append(Message("picture-several", path=str(path)))
    raw = _parted(values, icc, notes)._replace(depth=8 if int(bits or 8) == 8 else 16, remarks=tuple(remarks))
    if mode.endswith("a") and raw.alpha is not None:  # the colours are multiplied by it
        colour, opacity = unit_range(raw.values), unit_range(raw.alpha)[..., None]
        raw = raw._replace(values=np.divide(colour, opacity, out=np.zeros_like(colour), where=opacity > 0))
    return raw


def _named(path: Path, named: Mapping[str, Any]) -> tuple[bytes | None, list[Message]]:
    """The profile of colours that are named by number; None for sRGB's, and for those that no profile tells."""
    primaries, curve = (named.get(key, UNKNOWN) for key in ("color_primaries", "transfer_characteristics"))
    if curve in ENDLESS:
        return None, [Message("picture-hdr", path=str(path))]
    if primaries in AS_SRGB:
        return None, []
    white, *others = (
        [named[f"color_primary_{colour}_{axis}"] for axis in "xy"] + [1.0]
        for colour in ("white", "red", "green", "blue")
    )
    bend = decoded(np.linspace(0, 1, 4096)) * 65535 + 0.5  # sRGB's, which the other curves stand for in pictures
    profile: bytes = imagecodecs.cms_profile(
        "rgb", whitepoint=white, primaries=np.concatenate(others).tolist(), transferfunction=bend.astype(np.uint16)
    )
    return profile, []


def _parted(values: np.ndarray, icc: bytes | None, notes: bytes | None) -> Raw:
    """Channels (H, W, C), the last of which may be opacity."""
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc, notes)
