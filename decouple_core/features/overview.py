"""An overview of a picture: the little of it that tells which of its places belong to another picture's.

A style keeps one, so that it can be put in its places without the picture that it came from.
"""

from __future__ import annotations

import base64
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from decouple_core.features.deep import STRIDE
from decouple_core.features.identity import identity_of

SIDE = 256
"""Longer side, in pixels, of an overview. Plans at 384 px agree as well with what people see."""

BANDS = 3
"""Bands of detail whose contrast is carried over, each twice as coarse as the one before."""

MOMENTS = 3 + 6
"""Numbers of a place's colours: the means of R, G and B, and of their six products."""

LARGEST_MOMENT = 16.0
"""No picture's values come near it: they lie within −0.5 and 1.5."""


@dataclass(frozen=True)
class Overview:
    """A picture at a size at which its places are told apart, and what there is at each.

    Attributes
    ----------
    image : Tensor
        Shape (3, h, w), 8-bit values in [0, 1], the longer side at most `SIDE`.
    moments : Tensor
        Of each of n places, row by row: mean colours, mean products of them and the energies of `BANDS` bands of the
        luma, fine to coarse, shape (n, 12).
    shares : Tensor
        How much of each place belongs to each of R regions, shape (R, n) in [0, 1].
    weight : float
        How much the picture counts beside others of a mixture, in (0, 1].
    """

    image: Tensor
    moments: Tensor
    shares: Tensor
    weight: float = 1.0

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of places."""
        return grid_of(self.image)

    @property
    def present(self) -> Tensor:
        """How much of each place belongs to any region, shape (n,) in [0, 1]."""
        return self.shares.sum(0).clamp(0, 1)

    @property
    def identity(self) -> str:
        """Of everything it holds but its weight."""
        return identity_of(self.image, self.moments, self.shares)

    def to(self, device: torch.device) -> Overview:
        """The same on another device."""
        return replace(
            self, image=self.image.to(device), moments=self.moments.to(device), shares=self.shares.to(device)
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON, from which `from_json` makes exactly the same."""
        return {
            "size": list(self.image.shape[1:]),
            "image": _packed(self.image),
            "weight": self.weight,
            "moments": _text(self.moments.float().cpu().numpy().astype("<f4").tobytes()),
            "shares": [_packed(region) for region in self.shares],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any], regions: int) -> Overview:
        """An overview from what `to_json` gave; nearly any error where it is none."""
        height, width = values["size"]
        if (
            type(height) is not int
            or type(width) is not int
            or not 1 <= min(height, width) <= max(height, width) <= SIDE
        ):
            raise ValueError
        image = _unpacked(values["image"], (3, height, width))
        rows, columns = grid_of(image)
        weight = values["weight"]
        if type(weight) not in (int, float) or not 0 < weight <= 1:
            raise ValueError
        numbers = np.frombuffer(_bytes(values["moments"], 4 * rows * columns * (MOMENTS + BANDS)), "<f4")
        moments = torch.from_numpy(numbers.astype(np.float32)).view(rows * columns, MOMENTS + BANDS)
        if not bool((moments.abs() < LARGEST_MOMENT).all()):
            raise ValueError
        if bool((moments[:, MOMENTS:] < 0).any()) or bool((moments[:, 3:6] < moments[:, :3].square() - 1e-3).any()):
            raise ValueError  # neither energies nor variances are negative
        if len(values["shares"]) != regions:
            raise ValueError
        shares = torch.stack([_unpacked(region, (rows * columns,)) for region in values["shares"]])
        if not shares.any():
            raise ValueError
        return cls(image, moments, shares, float(weight))


def grid_of(image: Tensor) -> tuple[int, int]:
    """Rows and columns of the places of an image (3, H, W)."""
    return -(-image.shape[1] // STRIDE), -(-image.shape[2] // STRIDE)


def _packed(values: Tensor) -> str:
    """Values in [0, 1] of 8 bits, as text."""
    return _text((values * 255).round().to(torch.uint8).cpu().numpy().tobytes())


def _unpacked(text: str, shape: tuple[int, ...]) -> Tensor:
    """What `_packed` gave of values of this shape."""
    return torch.frombuffer(bytearray(_bytes(text, math.prod(shape))), dtype=torch.uint8).view(shape).float() / 255


def _text(plain: bytes) -> str:
    return base64.b64encode(zlib.compress(plain, 9)).decode()


def _bytes(text: str, size: int) -> bytes:
    """What `_text` gave of so many bytes; never more than these are inflated."""
    inflating = zlib.decompressobj()
    try:
        plain = inflating.decompress(base64.b64decode(text, validate=True), size + 1)
    except zlib.error as error:
        raise ValueError from error
    if len(plain) != size or not inflating.eof:
        raise ValueError
    return plain
