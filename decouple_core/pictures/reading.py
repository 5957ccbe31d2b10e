"""Pictures and masks: from files to arrays.

Inside the program a picture is (height, width, 3) float32, sRGB-encoded, in [0, 1]. Whatever a file holds (grey,
palette, CMYK, 8 or 16 bit, an embedded colour profile, a rotation flag) is brought to that form here and nowhere else.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from decouple_contract.errors import InputError
from decouple_core.pictures.decoding import decode
from decouple_core.pictures.profiles import SRGB, transformed
from decouple_core.pictures.raw import Raw, unit_range


class Image(NamedTuple):
    """A picture that was read.

    Attributes
    ----------
    pixels : np.ndarray, (H, W, 3) float32
        sRGB-encoded values in [0, 1]; an embedded profile has been applied and what lies outside sRGB is clipped.
    alpha : np.ndarray, (H, W) float32, or None
        Opacity in [0, 1], not multiplied into `pixels`; None for a file without it.
    bit_depth : int
        8, or 16 for a file with more than eight bits a channel; 32 for OpenEXR in single precision.
    icc, exif : bytes or None
        The profile that the file carried, and what `exif.kept` keeps of its notes.
    gain : np.ndarray, (H, W) float32, or None
        Of OpenEXR: how many times brighter than white, in linear light, each pixel is that was brought below it, and 1
        for others; None where all are 1.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    bit_depth: int
    icc: bytes | None
    exif: bytes | None = None
    gain: np.ndarray | None = None


def read_image(path: str | Path) -> Image:
    """Read a picture file; of an animation or a stack of pages, the first.

    Raises
    ------
    InputError
        For a file that `decoding.decode` refuses.
    """
    values, alpha, icc, notes, gain, depth, _ = decode(Path(path))
    depth = depth or (8 if values.dtype == np.uint8 else 16)
    alpha = None if alpha is None else unit_range(alpha)
    if icc is not None:
        values = _to_srgb(values, icc)  # and what was stored is let go
    return Image(_colours(values), alpha, depth, icc, notes, gain)


def _colours(values: np.ndarray) -> np.ndarray:
    """Stored grey, RGB or CMYK as (H, W, 3) float32 in [0, 1], with no more room on the way than both take."""
    colours = np.empty((*values.shape[:2], 3), np.float32)
    if values.dtype.kind == "u":
        np.divide(values[..., :3], np.float32(np.iinfo(values.dtype).max), out=colours)
    else:
        np.clip(values[..., :3], 0.0, 1.0, out=colours)
    if values.shape[2] == 4:  # CMYK whose profile is missing or of no use: the plain complement
        np.subtract(1.0, colours, out=colours)
        light = unit_range(values[..., 3:])
        colours *= np.subtract(1.0, light, out=light)
    return colours


def read_mask(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a mask: white takes part, black does not, grey and half-transparent do in part.

    Parameters
    ----------
    path : str or Path
    shape : (int, int)
        Height and width of the picture that the mask belongs to.

    Returns
    -------
    np.ndarray, (H, W) float32 in [0, 1]
        The mean of the colour channels as stored (profiles do not apply), times the opacity.

    Raises
    ------
    InputError
        As `read_image`, and for a mask of another size or one that selects nothing.
    """
    stored = read_beside(path, shape)
    mask = unit_range(stored.values).mean(axis=2)
    if stored.alpha is not None:
        mask *= unit_range(stored.alpha)
    if not mask.any():
        raise InputError("mask-black", path=str(path))
    return mask


def read_beside(path: str | Path, shape: tuple[int, int]) -> Raw:
    """A mask or label image as stored, without colour management.

    Raises
    ------
    InputError
        As `read_image`, and for one that has not the height and width `shape`.
    """
    raw = decode(Path(path))
    height, width = raw.values.shape[:2]
    if (height, width) != tuple(shape):
        raise InputError(
            "mask-file-size", path=str(path), width=width, height=height, own_width=shape[1], own_height=shape[0]
        )
    return raw


def _to_srgb(values: np.ndarray, profile: bytes) -> np.ndarray:
    """Colours brought from the file's profile to sRGB, as 16-bit integers.

    A profile that is damaged or speaks of other channels is passed over, as image editors do: the picture is more
    useful with slightly wrong colours than not at all.
    """
    if values.dtype == np.float32:  # the colour engine's float path is forty times slower than its 16-bit one
        values = (np.clip(values, 0.0, 1.0) * 65535 + 0.5).astype(np.uint16)
    space = {1: "gray", 3: "rgb", 4: "cmyk"}[values.shape[2]]
    colours = transformed(values, profile, SRGB, space, "rgb", np.uint16)
    return values if colours is None else colours
