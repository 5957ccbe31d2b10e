"""Pillow's images of every mode as arrays of channels, and arrays as images of the same mode again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import PIL.Image
import PIL.ImageFile

from decouple_contract.errors import InputError
from decouple_core.pictures.profiles import SRGB, transformed

Image = PIL.Image.Image
_Info = dict[str | tuple[int, int], Any]

PROGRAMS = ("EPS",)
"""Formats that Pillow hands to another program; that runs what stands in them."""

PALETTE = 256
"""Colours that an indexed image can hold."""

_PLAIN = {
    "1": "L",
    "P": "RGB",
    "PA": "RGBA",
    "La": "LA",
    "RGBa": "RGBA",
    "RGBX": "RGB",
    "CMYK": "RGB",
    "YCbCr": "RGB",
    "HSV": "RGB",
    "LAB": "RGB",
}
"""What Pillow converts each mode to, so that its bytes are grey or RGB, with alpha or without."""

_SPACES = {
    "L": "gray",
    "LA": "gray",
    "I": "gray",
    "RGB": "rgb",
    "RGBA": "rgb",
    "RGBX": "rgb",
    "P": "rgb",
    "PA": "rgb",
    "CMYK": "cmyk",
} | dict.fromkeys(("I;16", "I;16L", "I;16B", "I;16N"), "gray")
"""What a profile speaks of, in the modes that are stored as their profile says."""


@dataclass(frozen=True, eq=False)
class PillowPicture:
    """The channels of a Pillow image, and the way back.

    An image with a colour profile is brought to sRGB, with 16 bits a channel, and what is made from it back to the
    profile; colours outside sRGB are clipped. A profile that is damaged or speaks of other channels is passed over.

    Attributes
    ----------
    values : np.ndarray, (H, W, 1 to 4) uint8, uint16 or float32
        Grey or RGB as sRGB, and alpha behind it if the image is transparent anywhere. Integers fill their range; floats
        are as stored.
    """

    values: np.ndarray
    _mode: str
    _info: _Info = field(repr=False)
    _profile: bytes | None = field(repr=False)

    @classmethod
    def of(cls, image: Image, name: str, *, profiled: bool = True) -> PillowPicture:
        """Take an image apart; it stays as it is.

        Parameters
        ----------
        image : PIL.Image.Image
            In any mode. Of an animation, the frame that it stands at; a flag to rotate it is left to who shows it.
        name : str
            What an error calls it.
        profiled : bool
            Whether its colour profile applies; it does not in a mask.

        Raises
        ------
        InputError
            For an image whose file cannot be decoded, one of which a single colour is transparent (`P` excepted), and
            mode `I` beyond 16 bits.
        """
        if isinstance(image, PIL.ImageFile.ImageFile) and image.format in PROGRAMS:
            raise InputError("given-undecodable", name=name)
        try:
            image.load()  # Pillow reads a file when its pixels are asked for
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError("given-undecodable", name=name) from error
        info, mode = dict(image.info), image.mode
        if "transparency" in info and mode != "P" and not mode.upper().endswith("A"):
            raise InputError("given-transparent-colour", name=name)
        space = _SPACES.get(mode) if profiled else None
        profile = info.get("icc_profile") if space else None
        if space and profile:
            stored = _channels(image if space == "cmyk" else _plain(image), name)
            colours = transformed(stored[..., : _COLOURS[space]], profile, SRGB, space, "rgb", np.uint16)
            if colours is not None:
                colours = colours[..., :1] if space == "gray" else colours
                alpha = stored[..., _COLOURS[space] :].astype(np.uint16) * np.uint16(257)
                return cls(np.concatenate([colours, alpha], 2), mode, info, profile)
        return cls(_channels(_plain(image), name), mode, info, None)

    def image(self, values: np.ndarray) -> Image:
        """An image of the same mode, with the same profile and notes (`info`).

        Parameters
        ----------
        values : np.ndarray
            Shape, type and meaning as of `self.values`. Exactly what those were gives the same pixels again, except
            where the mode cannot say: a palette is made anew for the colours of the result, and CMYK without a profile
            is separated anew, without black. What does not fit into a mode is dithered (`1`) or reduced to the nearest
            of `PALETTE` colours (`P`, `PA`); alpha never changes.
        """
        info = dict(self._info)
        if self._profile is not None:
            space = _SPACES[self._mode]
            grey = space == "gray"
            colours, alpha = np.split(values, [1 if grey else 3], axis=2)
            type_ = np.uint16 if self._mode.startswith("I") else np.uint8
            rgb = np.repeat(colours, 3, 2) if grey else colours
            stored = transformed(rgb, SRGB, self._profile, "rgb", space, type_)
            if stored is None:  # the profile of a scanner, which leads only from it: the result stays in sRGB
                del info["icc_profile"]
                stored = colours if type_ is np.uint16 else _eight_bits(colours)
            values = np.concatenate([stored, _eight_bits(alpha)], 2) if alpha.size else stored
        return _in_mode(values, self._mode, info)


_COLOURS = {"gray": 1, "rgb": 3, "cmyk": 4}


def _plain(image: Image) -> Image:
    """The image in a mode whose bytes are grey or RGB, with alpha or without."""
    mode = _PLAIN.get(image.mode, image.mode)
    if image.mode == "P" and image.has_transparency_data:
        mode = "RGBA"
    return image if mode == image.mode else image.convert(mode)


def _channels(image: Image, name: str) -> np.ndarray:
    """The bytes of an image (H, W, C); 32-bit integers, which hold what has 16, as those."""
    values = np.atleast_3d(np.asarray(image))
    if image.mode == "I":
        if values.size and (values.min() < 0 or values.max() > 65535):
            raise InputError("given-integers-range", name=name, low=int(values.min()), high=int(values.max()))
        values = values.astype(np.uint16)
    return values


def _eight_bits(values: np.ndarray) -> np.ndarray:
    """16-bit integers rounded to 8 bits."""
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _in_mode(values: np.ndarray, mode: str, info: _Info) -> Image:
    """An image of this mode from the channels of its plain one, or from those of CMYK."""
    height, width, channels = values.shape
    if mode in ("P", "PA"):
        image = _indexed(values, mode, info)
    elif mode.startswith("I;16"):
        order = ">u2" if mode == "I;16B" else "=u2" if mode == "I;16N" else "<u2"
        image = PIL.Image.frombytes(mode, (width, height), values.astype(order).tobytes())
    elif mode == "I":
        image = PIL.Image.fromarray(values[..., 0].astype(np.int32))
    elif channels == 1:
        image = PIL.Image.fromarray(np.ascontiguousarray(values[..., 0]))
    else:
        plain = "CMYK" if mode == "CMYK" and channels == 4 else _PLAIN.get(mode, mode)
        image = PIL.Image.frombytes(plain, (width, height), np.ascontiguousarray(values).tobytes())
    if image.mode != mode:
        image = image.convert(mode)
    image.info = info
    return image


def _indexed(values: np.ndarray, mode: str, info: _Info) -> Image:
    """An image with a palette of its own, from RGB or RGBA; opacity is told exactly, colours as nearly as they go."""
    alpha = values[..., 3] if values.shape[2] == 4 else None
    if alpha is not None and isinstance(info.get("transparency"), int) and not alpha.all():
        hidden = alpha == 0
        values = np.where(hidden[..., None], values[hidden][0], values)  # one entry, which is all that GIF can have
    palette, index = _palette(values if mode == "P" else values[..., :3])
    image = PIL.Image.fromarray(index)
    image.putpalette(np.ascontiguousarray(palette[:, :3]).tobytes())  # makes it P
    if mode == "PA":
        image = image.convert("PA")
        image.putalpha(PIL.Image.fromarray(np.ascontiguousarray(alpha)))
    elif alpha is not None:
        through = np.flatnonzero(palette[:, 3] < 255)
        if through.size == 1 and palette[through[0], 3] == 0:
            info["transparency"] = int(through[0])
        elif through.size:
            info["transparency"] = palette[:, 3].tobytes()
        else:
            info.pop("transparency", None)
    return image


def _palette(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most `PALETTE` colours (N, C) for bytes (H, W, C), and which of them each pixel takes, (H, W) uint8."""
    height, width, channels = values.shape
    packed = np.zeros((height, width, 4), np.uint8)
    packed[..., :channels] = values
    colours, index = np.unique(packed.view(np.uint32).ravel(), return_inverse=True)
    palette = colours[:, None].view(np.uint8)[:, :channels]
    if len(palette) > PALETTE:
        palette, index = _reduced(values.reshape(-1, channels))
    return palette, index.reshape(height, width).astype(np.uint8)


def _reduced(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Colours and indices for pixels (N, C) of too many colours.

    Each opacity has an equal share of the palette, and what is quite transparent one entry: opacity is kept as it is.
    """
    opacity = pixels[:, 3] if pixels.shape[1] == 4 else np.full(len(pixels), 255, np.uint8)
    levels = np.unique(opacity)
    visible = int(np.count_nonzero(levels))
    share = (PALETTE - (len(levels) - visible)) // visible if visible else 1
    palettes: list[np.ndarray] = []
    index = np.zeros(len(pixels), np.intp)
    taken = 0
    for level in levels:
        here = opacity == level
        part = PIL.Image.fromarray(np.ascontiguousarray(pixels[here, :3])[None]).quantize(share if level else 1)
        colours = np.array(part.getpalette(), np.uint8).reshape(-1, 3)
        palettes.append(np.column_stack([colours, np.full(len(colours), level, np.uint8)])[:, : pixels.shape[1]])
        index[here] = taken + np.asarray(part)[0]
        taken += len(colours)
    return np.concatenate(palettes), index
