"""Colours brought from one profile to another, by the colour engine of imagecodecs (Little CMS)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import imagecodecs
import numpy as np

SRGB: bytes = imagecodecs.cms_profile("srgb")

RGB_SPACE = b"RGB "
"""At bytes 16 to 19 of a profile whose colours are RGB (ICC.1, 7.2.6)."""

EXACT = 0x100
"""cmsFLAGS_NOOPTIMIZE. Of 16-bit colours Little CMS otherwise makes a coarse table, which is wrong by up to 0.08 of the
range at the border of a gamut (Adobe RGB to sRGB); of 8-bit ones by 0.0015."""

BAND = 2**21
"""Numbers that are brought over at a time, in as many threads as there are: the exact way takes six times as long."""

ROUNDING = 64
"""Of 65535: profiles that differ less on the corners and the middle of the cube are sRGB by another hand."""


def transformed(
    values: np.ndarray, before: bytes, after: bytes, space: str, other: str, type_: type[np.unsignedinteger[Any]]
) -> np.ndarray | None:
    """Integers (H, W, C) brought from one profile to another; None when these do not lead there."""
    stored = np.ascontiguousarray(values[..., 0] if space == "gray" else values, values.dtype.newbyteorder("="))

    def brought(band: np.ndarray) -> np.ndarray:
        return np.asarray(
            imagecodecs.cms_transform(
                band,
                before,
                after,
                colorspace=space,
                outcolorspace=other,
                outdtype=type_,
                flags=None if band.itemsize == 1 else EXACT,
            )
        )

    try:
        if stored.itemsize == 1 or stored.size < BAND:
            return np.atleast_3d(brought(stored))
        with ThreadPoolExecutor() as side_by_side:
            bands = np.array_split(stored, min(len(stored), -(-stored.size // BAND)))
            return np.atleast_3d(np.concatenate(list(side_by_side.map(brought, bands))))
    except (imagecodecs.CmsError, ValueError, TypeError):
        return None


def from_srgb(levels: np.ndarray, profile: bytes) -> np.ndarray | None:
    """16-bit sRGB (H, W, 3) in the colours of an RGB profile; None where it is of others, or leads only from them."""
    if profile[16:20] != RGB_SPACE:
        return None
    steps = np.linspace(0, 65535, 3).astype(np.uint16)
    cube = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(1, -1, 3)
    probe = transformed(cube, SRGB, profile, "rgb", "rgb", np.uint16)
    if probe is None or np.abs(probe.astype(int) - cube).max() <= ROUNDING:
        return None if probe is None else levels
    return transformed(levels, SRGB, profile, "rgb", "rgb", np.uint16)
