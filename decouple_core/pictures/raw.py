"""What a file holds as it is stored, and what the readers of all formats do with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from decouple_contract.errors import InputError
from decouple_contract.messages import Message


class Raw(NamedTuple):
    """A file's contents as stored.

    Attributes
    ----------
    values : ndarray
        Shape (H, W, 1, 3 or 4: grey, RGB or CMYK).
    alpha : ndarray or None
        Shape (H, W).
    icc, exif : bytes or None
        The profile, and what `exif.kept` keeps.
    gain : ndarray or None
        Shape (H, W): by how much linear light was divided to become the values; None for 1 everywhere.
    depth : int
        8 or 16 for integers, 16 or 32 for floats; 0 stands for that of the values.
    remarks : tuple of Message
        What the reader has passed over.
    """

    values: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None
    exif: bytes | None = None
    gain: np.ndarray | None = None
    depth: int = 0
    remarks: tuple[Message, ...] = ()


def check_numbers(path: Path, *parts: np.ndarray | None) -> None:
    """Refuse floats that are no numbers."""
    if any(part is not None and part.dtype.kind == "f" and not np.isfinite(part).all() for part in parts):
        raise InputError("picture-numbers", path=str(path))


def single(values: np.ndarray) -> np.ndarray:
    """Floats of any precision as float32; what is beyond its range becomes infinite, and is refused as that."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.astype(np.float32, copy=False)


def upright(values: np.ndarray, orientation: int) -> np.ndarray:
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
        shares = values.astype(np.float32)
        shares /= np.float32(np.iinfo(values.dtype).max)
        return shares
    return np.clip(values, 0.0, 1.0).astype(np.float32, copy=False)


def shares(values: np.ndarray, bits: int) -> np.ndarray:
    """Integers of so many bits as they are where these fill their type, or else as shares of the most they can be."""
    if values.dtype.kind == "u" and bits in (8, 16):
        return values
    most = 2**bits - 1 if values.dtype.kind == "u" else np.iinfo(values.dtype).max
    of_most = np.empty(values.shape, np.float32)  # by double precision, but never all of it in that
    return np.divide(values, np.float64(most), out=of_most, casting="same_kind")
