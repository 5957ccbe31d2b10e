"""OpenEXR: floats in linear light, in which white is no limit.

The rest of the program works on sRGB-encoded pictures between black and white. So what is brighter than white is
divided by how much it is, pixel by pixel, which keeps its hue, and the quotient is encoded; what is made of it is
decoded and multiplied by the same. A highlight stays as much brighter than white as it was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from decouple_contract.errors import InputError
from decouple_core.pictures.encoding import decoded, encoded
from decouple_core.pictures.memory import check_size
from decouple_core.pictures.raw import Raw

REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
"""Chromaticities of red, green, blue and white where a file names none (OpenEXR's own default), and those of sRGB."""

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
"""From XYZ to the cone responses in which whites are adapted (ICC.1, annex E)."""

SAMPLE_BYTES = 4
"""Of the widest kind of channel."""


def library() -> ModuleType:
    """OpenEXR's own, which not every installation has."""
    try:
        import OpenEXR
    except ImportError:
        raise InputError("format-needs", kind="OpenEXR", package="OpenEXR") from None
    module: ModuleType = OpenEXR
    return module


def read_exr(path: Path, file: BinaryIO, prepare: Callable[[int], None]) -> Raw:
    """The first part of a file as encoded colours, with what is over white as `Raw.gain`.

    Parameters
    ----------
    path : Path
        For the sentence of an error.
    file : binary file
    prepare : callable
        Told how many bytes the picture will take, before it is decoded.
    """
    exr = library()
    file.seek(0)
    parts = exr.File(file, header_only=True).parts
    headers = [part.header for part in parts]
    first = headers[0]
    low, high = (np.asarray(corner, dtype=np.int64) for corner in first["dataWindow"])
    width, height = (int(side) for side in high - low + 1)
    samples = sum(len(header["channels"]) * _pixels(header) for header in headers)  # all are decoded
    prepare(check_size(path, width, height, stored=SAMPLE_BYTES * -(-samples // max(1, width * height))))
    named = {channel.name: channel for channel in first["channels"]}
    names = [name for name in (("R", "G", "B") if "R" in named else ("Y",)) if name in named]
    if len(names) not in (1, 3) or any(named[name].xSampling * named[name].ySampling != 1 for name in names):
        raise InputError("exr-channels", path=str(path))
    file.seek(0)
    channels = exr.File(file, separate_channels=True, num_threads=0).parts[0].channels
    stored = np.stack([channels[name].pixels for name in names], -1)
    linear = stored.astype(np.float32)
    alpha = channels["A"].pixels.astype(np.float32) if "A" in named else None
    if alpha is not None:  # the colours are multiplied by it
        linear = np.divide(linear, alpha[..., None], out=np.zeros_like(linear), where=alpha[..., None] > 0)
    if "chromaticities" in first and len(names) == 3:
        linear = linear @ _to_rec709(first["chromaticities"]).T.astype(np.float32)
    linear = np.maximum(linear, 0.0)  # what is outside sRGB; NaN stays, to be refused
    gain = np.maximum(linear.max(-1), 1.0)
    gain = gain if bool((gain != 1.0).any()) else None
    shares = linear if gain is None else linear / gain[..., None]
    return Raw(encoded(shares), alpha, None, gain=gain, depth=16 if stored.dtype == np.float16 else 32)


def write_exr(
    file: BinaryIO, pixels: np.ndarray, alpha: np.ndarray | None, depth: int, gain: np.ndarray | None
) -> None:
    """Write encoded colours (H, W, 3) in linear light with Rec. 709's primaries, as half or single precision."""
    exr = library()
    linear = decoded(np.clip(pixels, 0.0, 1.0, dtype=np.float32))
    if gain is not None:
        linear *= gain[..., None]
    channels = linear if alpha is None else np.dstack([linear * alpha[..., None], alpha])
    kind: Any = np.float32 if depth == 32 else np.float16
    channels = np.ascontiguousarray(channels.clip(0.0, np.finfo(kind).max).astype(kind))
    header = {"compression": exr.ZIP_COMPRESSION, "type": exr.scanlineimage, "chromaticities": REC709}
    exr.File(header, {"RGB" if alpha is None else "RGBA": channels}).write(file)


def _pixels(header: dict[str, Any]) -> int:
    low, high = (np.asarray(corner, dtype=np.int64) for corner in header["dataWindow"])
    return int(np.prod(np.maximum(high - low + 1, 0)))


def _to_rec709(chromaticities: tuple[float, ...]) -> np.ndarray:
    """The matrix from a file's primaries and white to Rec. 709's, whites adapted."""
    there, here = (_to_xyz(values) for values in (chromaticities, REC709))
    cones = BRADFORD @ here.sum(1) / (BRADFORD @ there.sum(1))
    adapted = np.linalg.solve(BRADFORD, cones[:, None] * BRADFORD)
    return np.linalg.solve(here, adapted @ there)


def _to_xyz(chromaticities: tuple[float, ...]) -> np.ndarray:
    """The matrix from RGB to XYZ for chromaticities of red, green, blue and white; white has Y = 1 (SMPTE RP 177)."""
    x, y = np.reshape(chromaticities, (4, 2)).T
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    primaries = columns[:, :3] * y[:3]
    return primaries * np.linalg.solve(primaries, columns[:, 3])
