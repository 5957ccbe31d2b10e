"""The style as a thing of its own: the decoupled features of an image, a few kilobytes.

It can be kept in a ``.style`` file (JSON), stored on a layer, and imposed on any image later without the image it
came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import replacing
from decouple_core.features.colour import ColourMoments
from decouple_core.features.hierarchy import TAP_SIZES

FORMAT = "decoupled-style"
DETAIL_LAYERS = 3
"""Layers whose coupled features a style carries for the photograph: what a field of colour transforms can reach."""

MOST_REGIONS = 64
LARGEST = 1e6
"""No feature of a picture comes near it; larger numbers, infinite ones and NaN are refused."""

MOST_BYTES = 16 * 2**20
"""Bounds of what is accepted from a file: one region takes about 20 kB."""


@dataclass(frozen=True)
class DecoupledStyle:
    """Decoupled features of an image, in one or more regions.

    Attributes
    ----------
    network : {"vgg16", "vgg19"}
    activation : {"smooth", "relu"}
        What the features were measured with; they mean nothing to another network.
    colours : tuple of ColourMoments
        c_0 of each region, at the working size.
    palette : tuple of ColourMoments
        The same at `picture.MOMENTS_SIZE`, for the picture at full size, which holds more detail.
    features : tuple of Tensor
        c_1 … c_L, each of shape (R, sizes[l]).
    means : tuple of Tensor
        The coupled features f_1 … f_3 at `picture.DETAIL_SIZE`, where the photograph's field is corrected.
    name : str
        What the style is called, for people; may be empty.
    """

    network: str
    activation: str
    colours: tuple[ColourMoments, ...]
    palette: tuple[ColourMoments, ...]
    features: tuple[Tensor, ...]
    means: tuple[Tensor, ...]
    name: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; six significant digits, far below what the eye can tell."""
        return {
            "format": FORMAT,
            "network": self.network,
            "activation": self.activation,
            "name": self.name,
            "colours": [{"mean": c.mean.tolist(), "covariance": c.covariance.tolist()} for c in self.colours],
            "palette": [{"mean": c.mean.tolist(), "covariance": c.covariance.tolist()} for c in self.palette],
            "features": [_rounded(layer) for layer in self.features],
            "means": [_rounded(layer) for layer in self.means],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> DecoupledStyle:
        """A style from what `to_json` gave; everything is checked, because files come from anywhere.

        Raises
        ------
        InputError
            For anything that is no style.
        """
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            raise InputError("This is no style file; make one with `python -m decouple_core style`.")
        try:
            network, activation, name = values["network"], values["activation"], values.get("name", "")
            colours, palette = (tuple(ColourMoments(_numbers(c["mean"], (3,)), _numbers(c["covariance"], (3, 3)))
                                      for c in values[key]) for key in ("colours", "palette"))
            if network not in ("vgg16", "vgg19") or activation not in ("smooth", "relu") or not isinstance(name, str):
                raise ValueError
            if not 1 <= len(colours) <= MOST_REGIONS or not 1 <= len(values["features"]) <= len(TAP_SIZES):
                raise ValueError
            if len(values["means"]) != DETAIL_LAYERS:
                raise ValueError
            if len(palette) != len(colours):
                raise ValueError
            if any((c.covariance - c.covariance.T).abs().max() > 1e-6 * c.covariance.abs().max()
                   or torch.linalg.eigvalsh(c.covariance).min() <= 0 for c in (*colours, *palette)):
                raise ValueError
            features, means = (tuple(_numbers(layer, (len(colours), size)).float()
                                     for layer, size in zip(values[key], TAP_SIZES, strict=False))
                               for key in ("features", "means"))
        except (KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
            raise InputError("The style file is damaged; make it again from its image.") from error
        return cls(network, activation, colours, palette, features, means, name)

    def save(self, path: str | Path) -> None:
        """Write a ``.style`` file, beside first and then renamed.

        Raises
        ------
        InputError
            When the file cannot be written.
        """
        with replacing(path) as beside:
            beside.write_text(json.dumps(self.to_json()), encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> DecoupledStyle:
        """Read a ``.style`` file.

        Raises
        ------
        InputError
            When it is missing, unreadable or no style.
        """
        path = Path(path)
        try:
            if path.is_fifo() or path.is_char_device():  # one would be waited for, the other read without end
                raise InputError(f"{path} is no ordinary file; save the style to one first.")
            if path.stat().st_size > MOST_BYTES:
                raise InputError(f"{path} is too large for a style file; choose another one.")
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"The style file {path} cannot be read ({error.strerror}); check the path.") from error
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path} is no style file; make one with `python -m decouple_core style`.") from error
        return cls.from_json(values)


def _rounded(layer: Tensor) -> list[list[float]]:
    return [[float(f"{value:.6g}") for value in region] for region in layer.tolist()]


def _numbers(values: Any, shape: tuple[int, ...]) -> Tensor:
    """A tensor of finite numbers of exactly this shape, in double precision; ValueError otherwise."""
    if not isinstance(values, list) or len(values) != shape[0]:
        raise ValueError
    if len(shape) > 1:
        return torch.stack([_numbers(v, shape[1:]) for v in values])
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) and abs(v) < LARGEST for v in values):
        raise ValueError
    return torch.tensor(values, dtype=torch.float64)
