"""The small pictures that a style's features hold, to be looked at where the style itself is gone."""

from __future__ import annotations

import base64
import zlib
from typing import Any, NamedTuple

LARGEST_SIDE = 1024
"""Pixels; they are far smaller, and what says otherwise is none of ours."""

COLOURS = 3


class KeptPicture(NamedTuple):
    """R'G'B'A bytes, row by row."""

    pixels: bytes
    width: int
    height: int


def kept_pictures(features: Any) -> list[KeptPicture]:
    """The picture of each style that is in the features; none where they hold none that can be read."""
    try:
        return [_picture(overview) for overview in features["overviews"]]
    except (KeyError, TypeError, ValueError, zlib.error):
        return []


def _picture(overview: Any) -> KeptPicture:
    """Colour after colour, each row by row, in 8 bits and packed, as the core keeps them."""
    height, width = overview["size"]
    if not all(type(side) is int and 1 <= side <= LARGEST_SIDE for side in (height, width)):
        raise ValueError
    count = width * height
    plain = zlib.decompressobj().decompress(base64.b64decode(overview["image"], validate=True), COLOURS * count + 1)
    if len(plain) != COLOURS * count:
        raise ValueError
    pixels = bytearray(b"\xff") * (4 * count)
    for colour in range(COLOURS):
        pixels[colour::4] = plain[colour * count : (colour + 1) * count]
    return KeptPicture(bytes(pixels), width, height)
