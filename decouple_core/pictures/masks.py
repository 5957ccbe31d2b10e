"""Masks and labels as Python users have them: arrays, Pillow images, tensors, files.

Like pictures (`given.take`), they are what their description says or refused with a sentence.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import PIL.Image
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.pictures.labels import labels_of, read_labels
from decouple_core.pictures.pillow_modes import PillowPicture
from decouple_core.pictures.reading import read_mask
from decouple_core.pictures.values import allowed, extent, floats, plain_array, plain_tensor, refuse_kind

MASK_SLACK = 1e-3
"""How far beyond [0, 1] a mask of floats may be by rounding; it is clipped."""


def take_mask(mask: Any, shape: tuple[int, int], name: str = "mask") -> np.ndarray:
    """Take a mask of any kind; it is never changed.

    Parameters
    ----------
    mask : np.ndarray, torch.Tensor, PIL.Image.Image, str or os.PathLike
        An array (H, W) or (H, W, 1) or a tensor (H, W) or (1, H, W): boolean; uint8 or uint16, of which 255 or 65535
        takes part in full; or floats in [0, 1]. Of a Pillow image or a file, the mean of its colours times its opacity;
        profiles do not apply.
    shape : (int, int)
        Height and width of the picture that it belongs to.
    name : str
        What an error calls it.

    Returns
    -------
    np.ndarray, (H, W) float32 in [0, 1]

    Raises
    ------
    InputError
        For everything else, a mask of another size or one that selects nothing, and integers of which none is above 1;
        for a file as `read_mask`.

    Examples
    --------
    >>> take_mask(np.array([[True, False]]), (1, 2))
    array([[1., 0.]], dtype=float32)
    >>> take_mask(np.array([[1, 0]], np.uint8), (1, 2))
    Traceback (most recent call last):
        ...
    decouple_contract.errors.InputError: The mask has no value above 1, but in its type uint8 full strength is \
255; make it boolean, or multiply it by 255.
    """
    if isinstance(mask, (str, os.PathLike)):
        return read_mask(os.fsdecode(mask), shape)
    if isinstance(mask, PIL.Image.Image):
        values = PillowPicture.of(mask, name, profiled=False).values
    else:
        values = _plane(mask, name)[..., None]
        if values.dtype == np.bool_:
            values = values.astype(np.uint8) * np.uint8(255)
    _check_size(values, shape, name)
    low, high = extent(values, name)
    if values.dtype.kind == "f" and not (low >= -MASK_SLACK and high <= 1.0 + MASK_SLACK):
        raise InputError("given-mask-range", name=name, low=f"{low:.4g}", high=f"{high:.4g}")
    if values.dtype.kind == "u" and high == 1:
        raise InputError("given-mask-levels", name=name, kind=values.dtype.name, top=np.iinfo(values.dtype).max)
    shares = np.clip(floats(values), 0.0, 1.0)
    colours = shares.shape[2] - 1 + shares.shape[2] % 2
    plane: np.ndarray = shares[..., :colours].mean(2)
    if colours < shares.shape[2]:
        plane *= shares[..., -1]
    if not plane.any():
        raise InputError("mask-empty")
    return plane


def take_labels(labels: Any, shape: tuple[int, int], name: str = "label image") -> np.ndarray:
    """Take the labels of a picture's regions.

    Parameters
    ----------
    labels : np.ndarray, torch.Tensor, PIL.Image.Image, str or os.PathLike
        An array (H, W) or (H, W, 1) or a tensor (H, W) or (1, H, W) of integers: equal ones are one region, negative
        ones belong to none. Or a Pillow image or file of flat colours, as for `read_labels`; arrays of numbers and
        images of colours are not to be mixed.
    shape : (int, int)
        Height and width of the picture that they belong to.
    name : str
        What an error calls it.

    Returns
    -------
    np.ndarray, (H, W) int32

    Raises
    ------
    InputError
        For everything else, another size, and integers that 32 bits do not hold; for colours as `read_labels`.

    Examples
    --------
    >>> take_labels(np.array([[0, 7, -1]]), (1, 3))
    array([[ 0,  7, -1]], dtype=int32)
    """
    if isinstance(labels, (str, os.PathLike)):
        return read_labels(os.fsdecode(labels), shape)
    if isinstance(labels, PIL.Image.Image):
        values = PillowPicture.of(labels, name, profiled=False).values
        _check_size(values, shape, name)
        extent(values, name)
        colours = values[..., :1] if values.shape[2] < 3 else values[..., :3]
        return labels_of(np.broadcast_to(floats(colours), (*shape, 3)), None, f"The {name}")
    numbers = _plane(labels, name, "iu")
    _check_size(numbers, shape, name)
    if numbers.min() < -(2**31) or numbers.max() > 2**31 - 1:
        raise InputError("given-labels-range", name=name)
    return numbers.astype(np.int32)


def _plane(given: Any, name: str, kinds: str = "") -> np.ndarray:
    """One number for each pixel, (H, W), from an array or tensor; of these kinds, or those of masks."""
    if isinstance(given, np.ndarray):
        values, channels = plain_array(given, name), 2
    elif isinstance(given, Tensor):
        values, channels = plain_tensor(given, name), 0
    else:
        refuse_kind(given, name)
    if kinds and values.dtype.kind not in kinds:
        raise InputError("given-labels-numbers", name=name, kind=values.dtype.name)
    if not kinds and values.dtype != np.bool_ and not allowed(values.dtype):
        raise InputError("given-mask-numbers", name=name, kind=values.dtype.name)
    if values.ndim == 3 and values.shape[channels] == 1:
        values = values.squeeze(channels)
    if values.ndim != 2:
        raise InputError("given-not-plane", name=name, shape=str(values.shape))
    return values


def _check_size(values: np.ndarray, shape: tuple[int, int], name: str) -> None:
    height, width = values.shape[:2]
    if (height, width) != tuple(shape):
        raise InputError("given-size", name=name, width=width, height=height, own_width=shape[1], own_height=shape[0])
