"""Pictures as Python users have them: arrays, Pillow images, tensors, files.

Everything is either what its description says or refused with a sentence; nothing is guessed. What is made from a
picture goes back to the user as what the picture was: `Original.give_back`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, overload

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.features.colour import LUMA
from decouple_core.pictures.pillow_modes import PillowPicture
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.values import allowed, extent, floats, numbers, plain_array, plain_tensor, refuse_kind

FLOAT_RANGE = (-0.5, 1.5)
"""What floats may reach: 0 is black and 1 is white, and beyond them is room for what a sharpening filter overshoots and
for colours outside sRGB (Display P3 ends at −0.23 and 1.09). Pictures from −1 to 1 or in units of a deviation, as
networks take them, reach further, and so do levels from 0 to 255 and scenes of high dynamic range."""

LEVELS_FROM = 10.0
"""Floats without a negative one that reach further are probably levels, to 255 or 65535."""

Kind = TypeVar("Kind")


@dataclass(frozen=True, eq=False)
class Original(Generic[Kind]):
    """A picture that was given.

    Attributes
    ----------
    pixels : np.ndarray, (H, W, 3) float32
        sRGB-encoded, nominally in [0, 1] and always in `FLOAT_RANGE`; grey is repeated. Read-only and with any strides,
        because they are those of what was given where that can be.
    alpha : np.ndarray, (H, W) float32, or None
        Opacity in [0, 1]; None for a picture without it.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    _back: Callable[[np.ndarray], Kind] = field(repr=False)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def give_back(self, result: np.ndarray) -> Kind:
        """A result as what the picture was.

        It has the picture's kind, shape, channels, type of number and, bit for bit, its alpha. What was grey is grey
        again, by the Rec. 709 luma. Integers are clipped to [0, 1] and rounded to the nearest; floats are as they are,
        in their precision, where float64 holds what float32 computed. The pixels of `pixels` give the picture again.

        - An array is a new plain one in C order (or `result` itself, where that is the same), also for a memory map.
        - A Pillow image has the same mode, profile and notes (`info`); see `PillowPicture.image` for the modes that
          cannot give the same bytes.
        - A tensor is on the same device, without a gradient.
        - For a file it is an array, (H, W, 3) or with alpha (H, W, 4), in sRGB: uint8, or uint16 for a file with more
          than eight bits a channel. A grey file gives colours too: a file's channels are a matter of its format.

        Parameters
        ----------
        result : np.ndarray, (H, W, 3) float32
            sRGB-encoded, finite.

        Examples
        --------
        >>> grey = np.array([[0, 100, 255]], np.uint8)
        >>> original = take(grey)
        >>> original.give_back(original.pixels)
        array([[  0, 100, 255]], dtype=uint8)
        >>> original.give_back(1 - original.pixels)
        array([[255, 155,   0]], dtype=uint8)
        """
        return self._back(result)


@overload
def take(picture: np.ndarray | str | os.PathLike[str], name: str = ...) -> Original[np.ndarray]: ...
@overload
def take(picture: PIL.Image.Image, name: str = ...) -> Original[PIL.Image.Image]: ...
@overload
def take(picture: Tensor, name: str = ...) -> Original[Tensor]: ...


def take(picture: Any, name: str = "picture") -> Original[Any]:
    """Take a picture of any kind; it is never changed.

    Parameters
    ----------
    picture : np.ndarray, torch.Tensor, PIL.Image.Image, str or os.PathLike
        - An array (H, W) or (H, W, C), of any strides and byte order, or a tensor (H, W) or (C, H, W) on any device.
          C is 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGB and alpha). uint8 and uint16 mean 0 (black) to 255 or
          65535 (white); float16, bfloat16, float32 and float64 mean 0 to 1, and may reach to `FLOAT_RANGE`. All are
          sRGB-encoded, and alpha is not multiplied into the colours.
        - A Pillow image in any mode, an embedded profile included; floats (`F`) mean 0 to 1, and `I` means 0 to 65535.
        - The path of a picture file.
    name : str
        What an error calls it.

    Returns
    -------
    Original

    Raises
    ------
    InputError
        For everything else, with the likely cause where it shows; for values that are no numbers or out of range; for
        a file as `read_image`.

    Examples
    --------
    >>> original = take(np.full((2, 5, 3), 51, np.uint8))
    >>> original.shape, original.alpha
    ((2, 5), None)
    >>> float(original.pixels[0, 0, 0])  # 51 of 255
    0.20000000298023224

    A tensor with alpha, whose result is a tensor with that alpha:

    >>> tensor = torch.rand(4, 2, 5, dtype=torch.float16)
    >>> original = take(tensor)
    >>> inverse = original.give_back(1 - original.pixels)
    >>> inverse.shape, inverse.dtype, bool((inverse[3] == tensor[3]).all())
    (torch.Size([4, 2, 5]), torch.float16, True)

    What would have to be guessed is refused:

    >>> take(np.array([[0.0, 128.0, 255.0]]), "target")
    Traceback (most recent call last):
        ...
    decouple_contract.errors.InputError: The target ranges from 0 to 255 and looks like levels; divide it by 255.
    """
    if isinstance(picture, np.ndarray):
        return _take_array(picture, name)
    if isinstance(picture, Tensor):
        return _take_tensor(picture, name)
    if isinstance(picture, PIL.Image.Image):
        return _take_pillow(picture, name)
    if isinstance(picture, (str, os.PathLike)):
        return _take_file(picture)
    refuse_kind(picture, name)


# --- the kinds ----------------------------------------------------------------------------------------------------


def _take_array(array: np.ndarray, name: str) -> Original[np.ndarray]:
    values = plain_array(array, name)
    if values.ndim == 3 and values.shape[2] not in _CHANNELS:
        cause = "given-channels-first" if values.shape[0] in _CHANNELS else "given-channels"
        raise InputError(cause, name=name, shape=str(values.shape))
    _check_dimensions(values.ndim, name, "(height, width) or (height, width, channels)")

    def back(values: np.ndarray) -> np.ndarray:
        return values.reshape(array.shape)

    return _take_values(values if values.ndim == 3 else values[..., None], name, back)


def _take_tensor(tensor: Tensor, name: str) -> Original[Tensor]:
    values = plain_tensor(tensor, name)
    if values.ndim == 3 and values.shape[0] not in _CHANNELS:
        cause = "given-channels-last" if values.shape[2] in _CHANNELS else "given-channels"
        raise InputError(cause, name=name, shape=str(values.shape))
    _check_dimensions(values.ndim, name, "(height, width) or (channels, height, width)")
    shape, dtype, device = tuple(tensor.shape), tensor.dtype, tensor.device

    def back(values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.array(np.moveaxis(values, 2, 0), order="C").reshape(shape)).to(device, dtype)

    return _take_values(np.moveaxis(values, 0, 2) if values.ndim == 3 else values[..., None], name, back)


def _take_pillow(image: PIL.Image.Image, name: str) -> Original[PIL.Image.Image]:
    picture = PillowPicture.of(image, name)
    return _take_values(picture.values, name, picture.image)


def _take_file(path: str | os.PathLike[str]) -> Original[np.ndarray]:
    image = read_image(os.fsdecode(path))
    dtype = np.dtype(np.uint8 if image.bit_depth == 8 else np.uint16)
    alpha = None if image.alpha is None else numbers(image.alpha, dtype)
    image.pixels.flags.writeable = False
    return Original(image.pixels, image.alpha, lambda result: _joined(result, dtype, 3, alpha))


_CHANNELS = (1, 2, 3, 4)


def _take_values(values: np.ndarray, name: str, back: Callable[[np.ndarray], Kind]) -> Original[Kind]:
    """Take channels (H, W, C) of one of the types that pictures have; `back` makes the user's kind from the same."""
    if not allowed(values.dtype):
        raise InputError("given-numbers", name=name, kind=values.dtype.name)
    if not values.size:
        raise InputError("image-empty")
    _check_range(values, name)
    dtype, channels = values.dtype, values.shape[2]
    colours = channels - 1 + channels % 2
    pixels = np.broadcast_to(floats(values[..., :colours]), (*values.shape[:2], 3))  # which is read-only
    stored = values[..., -1].copy() if colours < channels else None
    alpha = None if stored is None else np.clip(floats(stored), 0.0, 1.0)
    return Original(pixels, alpha, lambda result: back(_joined(result, dtype, colours, stored)))


def _joined(result: np.ndarray, dtype: np.dtype[Any], colours: int, alpha: np.ndarray | None) -> np.ndarray:
    """Numbers (H, W, C) of a result (H, W, 3) with the alpha that was given; its luma, where that was grey."""
    if colours == 1:
        red, green, blue = np.moveaxis(result, 2, 0)
        # The weights sum to 1; in this form equal channels are not rounded.
        result = (green + LUMA[0] * (red - green) + LUMA[2] * (blue - green))[..., None]
    colour = numbers(result, dtype)
    return colour if alpha is None else np.concatenate([colour, alpha[..., None]], 2, dtype=dtype)


# --- refusals -----------------------------------------------------------------------------------------------------


def _check_dimensions(count: int, name: str, wanted: str) -> None:
    if count not in (2, 3):
        raise InputError("given-dimensions", name=name, count=count, wanted=wanted)


def _check_range(values: np.ndarray, name: str) -> None:
    """Refuse floats out of range and name the likely cause."""
    if values.dtype.kind != "f":
        return
    low, high = extent(values, name)
    least, most = FLOAT_RANGE
    if least <= low and high <= most:
        return
    facts = {"name": name, "low": f"{low:.4g}", "high": f"{high:.4g}"}
    if low >= 0.0 and LEVELS_FROM < high <= 65535.0:
        raise InputError("given-range-levels", **facts, top=255 if high <= 255.0 else 65535)
    raise InputError("given-range", **facts, least=f"{least:g}", most=f"{most:g}")
