"""Numbers of arrays and tensors: which are allowed, and what they mean as floats."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
import torch
from torch import Tensor

from decouple_contract.errors import InputError


def floats(values: np.ndarray) -> np.ndarray:
    """Integers as shares of their range, floats as they are; float32, the same memory where it is that already."""
    if values.dtype.kind == "f":
        return values.astype(np.float32, copy=False)
    shares = values.astype(np.float32)
    shares /= np.iinfo(values.dtype).max
    return shares


def numbers(shares: np.ndarray, dtype: np.dtype[Any]) -> np.ndarray:
    """The inverse of `floats`, rounded to the nearest."""
    if dtype.kind == "f":
        return shares.astype(dtype, copy=False)
    levels = np.clip(shares, 0.0, 1.0, dtype=np.float32)
    levels *= np.iinfo(dtype).max
    levels += 0.5
    return levels.astype(dtype)


def allowed(dtype: np.dtype[Any]) -> bool:
    """Whether the numbers of a picture may be of this type, in either byte order."""
    return dtype.newbyteorder("=") in _ALLOWED


_ALLOWED = tuple(np.dtype(each) for each in (np.uint8, np.uint16, np.float16, np.float32, np.float64))


def plain_array(array: np.ndarray, name: str) -> np.ndarray:
    """The array without its subclass.

    Raises
    ------
    InputError
        For a masked array, of which the mask would be lost.
    """
    if isinstance(array, np.ma.MaskedArray):
        raise InputError("given-masked", name=name)
    return np.asarray(array)


def plain_tensor(tensor: Tensor, name: str) -> np.ndarray:
    """A tensor as an array of the same shape on the processor, bfloat16 as float32.

    Raises
    ------
    InputError
        For a tensor that is sparse, quantised or without values, or of a type that NumPy does not have.
    """
    if tensor.layout is not torch.strided or tensor.is_meta or tensor.is_quantized:
        raise InputError("given-tensor", name=name)
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    try:
        return tensor.numpy(force=True)
    except TypeError:  # a type that NumPy does not have
        raise InputError("given-numbers", name=name, kind=str(tensor.dtype).removeprefix("torch.")) from None


def extent(values: np.ndarray, name: str) -> tuple[float, float]:
    """The least and the largest number.

    Raises
    ------
    InputError
        When a value is no number or infinite.
    """
    low, high = float(values.min()), float(values.max())  # NaN if there is one
    if not np.isfinite([low, high]).all():
        raise InputError("given-not-finite", name=name)
    return low, high


def refuse_kind(given: object, name: str) -> NoReturn:
    """Say which kinds there are."""
    raise InputError("given-kind", name=name, kind=type(given).__name__)
