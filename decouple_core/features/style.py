"""The style as a thing of its own: the decoupled features of an image and an overview of it, some 250 kB.

It can be kept in a ``.style`` file (JSON), stored on a layer, and imposed on any image later without the image it
came from.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import write_whole
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS, SHARPER_WIDTHS, WIDTHS
from decouple_contract.paths import possible
from decouple_contract.remarks import remark
from decouple_contract.settings import FINE_LAYER_COUNT
from decouple_core.features.colour import ColourMoments
from decouple_core.features.overview import Overview
from decouple_core.features.registry import HIERARCHIES

FORMAT = "decoupled-style"
DETAIL_LAYERS = FINE_LAYER_COUNT
"""Layers whose coupled features a style carries for the photograph: what a field of colour transforms can reach."""

VGG = ("smooth", "relu")
"""Hierarchies whose layers have the widths of VGG's."""

MOST_REGIONS, MOST_LAYERS, MOST_FEATURES, MOST_SCALES, MOST_SIDE = 64, 16, 16_384, 16, 2**16
MOST_OVERVIEWS = 16
LARGEST = 1e6
"""No feature of a picture comes near it; larger numbers, infinite ones and NaN are refused."""

KEPT = frozenset(
    {
        "format",
        "network",
        "activation",
        "name",
        "colours",
        "palette",
        "features",
        "means",
        "scales",
        "painted",
        "overviews",
    }
)
"""What a file holds."""

STYLE_BYTES = 16 * 2**20
"""Bounds of what is accepted from a file: one region takes about 60 kB, an overview 100 to 300."""


@dataclass(frozen=True)
class ScaleFeatures:
    """What a painting takes from a style at one scale.

    Attributes
    ----------
    side : int
        Longer side of the style's image there, in pixels.
    means : tuple of Tensor
        The coupled features f_1 … of as many layers as are painted at this scale, each of shape (R, sizes[l]); the
        sizes say whether they are the sharper ones, see `Hierarchy.of_sizes`.
    detail : Tensor
        Standard deviation of what the half scale does not hold, shape (R,).
    """

    side: int
    means: tuple[Tensor, ...]
    detail: Tensor


@dataclass(frozen=True)
class Style:
    """Decoupled features of an image, in one or more regions.

    Attributes
    ----------
    network : {"vgg16", "vgg19"}
    activation : {"smooth", "relu"}
        What the features were measured with; they mean nothing to another network.
    colours : tuple of ColourMoments
        c_0 of each region, at the working size.
    full_moments : tuple of ColourMoments
        The same at `picture.MOMENTS_SIZE`, for the picture at full size, which holds more detail.
    features : tuple of Tensor
        c_1 … c_L, each of shape (R, sizes[l]); none for a style that was measured for photographs alone.
    coupled_means : tuple of Tensor
        The coupled features f_1 … f_3 at `picture.DETAIL_SIZE`, where the photograph's field is corrected.
    name : str
        What the style is called, for people; may be empty.
    scales : tuple of ScaleFeatures
        Coarse to fine; none for a style that was measured for photographs alone.
    painted : bool or None
        Whether its picture looks painted; None where nobody looked.
    overviews : tuple of Overview
        What tells where it belongs: of its picture, or of each one of a mixture; none for styles of earlier versions.
    """

    network: str
    activation: str
    colours: tuple[ColourMoments, ...]
    full_moments: tuple[ColourMoments, ...]
    features: tuple[Tensor, ...]
    coupled_means: tuple[Tensor, ...]
    name: str = ""
    scales: tuple[ScaleFeatures, ...] = ()
    painted: bool | None = None
    overviews: tuple[Overview, ...] = ()

    def at_sides(self, sides: Sequence[float]) -> list[ScaleFeatures]:
        """The scales nearest to these, each a longer side in pixels.

        Raises
        ------
        InputError
            When it has none.
        """
        if not self.scales:
            raise InputError("style-without-scales")
        return [min(self.scales, key=lambda scale: abs(math.log(scale.side / side))) for side in sides]

    def towards(self, other: Style, strengths: Sequence[float]) -> Style:
        """Features a share of the way to the other's, layer by layer from layer 0.

        Parameters
        ----------
        other : Style
            Of as many regions, measured with the same network.
        strengths : sequence of float
            Each in [0, 1]; layers beyond them stay as they are.
        """

        def mixed(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> tuple[Tensor, ...]:
            shares = [*strengths[1:], *[0.0] * len(ours)]
            return tuple(torch.lerp(o, t.to(o), s) for o, t, s in zip(ours, theirs, shares, strict=False))

        def coloured(ours: Sequence[ColourMoments], theirs: Sequence[ColourMoments]) -> tuple[ColourMoments, ...]:
            return tuple(o.towards(t, strengths[0]) for o, t in zip(ours, theirs, strict=True))

        return Style(
            self.network,
            self.activation,
            coloured(self.colours, other.colours),
            coloured(self.full_moments, other.full_moments),
            mixed(self.features, other.features),
            mixed(self.coupled_means, other.coupled_means),
            other.name,
            other.scales,
            other.painted,
            other.overviews,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON; six significant digits, far below what the eye can tell."""
        return {
            "format": FORMAT,
            "network": self.network,
            "activation": self.activation,
            "name": self.name,
            "colours": [{"mean": c.mean.tolist(), "covariance": c.covariance.tolist()} for c in self.colours],
            "palette": [{"mean": c.mean.tolist(), "covariance": c.covariance.tolist()} for c in self.full_moments],
            "features": [_rounded(layer) for layer in self.features],
            "means": [_rounded(layer) for layer in self.coupled_means],
            "scales": [
                {
                    "side": scale.side,
                    "means": [_rounded(layer) for layer in scale.means],
                    "detail": [float(f"{value:.6g}") for value in scale.detail.tolist()],
                }
                for scale in self.scales
            ],
            "painted": self.painted,
            "overviews": [overview.to_json() for overview in self.overviews],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Style:
        """A style from what `to_json` gave; everything is checked, because files come from anywhere.

        Raises
        ------
        InputError
            For anything that is no style.
        """
        if not isinstance(values, Mapping) or values.get("format") != FORMAT:
            raise InputError("style-foreign")
        try:
            return cls._checked(values)
        except (LookupError, TypeError, ValueError, OverflowError, RuntimeError, AttributeError) as error:
            raise InputError("style-damaged") from error

    @classmethod
    def _checked(cls, values: Mapping[str, Any]) -> Style:
        """A style from plain values; nearly any error where they are none."""
        network, activation, name = values["network"], values["activation"], values.get("name", "")
        if network not in NETWORKS or activation not in HIERARCHIES or not isinstance(name, str):
            raise ValueError
        colours, full_moments = (tuple(_moments(cloud) for cloud in values[key]) for key in ("colours", "palette"))
        if not 1 <= len(colours) <= MOST_REGIONS or len(full_moments) != len(colours):
            raise ValueError
        features, coupled_means = (
            tuple(_numbers(layer, (len(colours), len(layer[0]))).float() for layer in values[key])
            for key in ("features", "means")
        )
        sizes = [layer.shape[1] for layer in features]
        of_means = [layer.shape[1] for layer in coupled_means]
        if not of_means or max(len(sizes), len(of_means)) > MOST_LAYERS or max([*sizes, *of_means]) > MOST_FEATURES:
            raise ValueError
        if sizes and of_means[: len(sizes)] != sizes[:DETAIL_LAYERS]:
            raise ValueError
        if activation in VGG and tuple(sizes) != WIDTHS[: len(sizes)]:
            raise ValueError
        if activation in VGG and tuple(of_means) != WIDTHS[:DETAIL_LAYERS]:
            raise ValueError
        scales = tuple(_scale(scale, len(colours), activation) for scale in values.get("scales", ()))
        if len(scales) > MOST_SCALES:
            raise ValueError
        painted = values.get("painted")
        if painted is not None and type(painted) is not bool:
            raise ValueError
        overviews = values.get("overviews", ())
        if len(overviews) > MOST_OVERVIEWS:
            raise ValueError
        return cls(
            network,
            activation,
            colours,
            full_moments,
            features,
            coupled_means,
            name,
            scales,
            painted,
            tuple(Overview.from_json(overview, len(colours)) for overview in overviews),
        )

    def save(self, path: str | Path) -> None:
        """Write a ``.style`` file, as a whole.

        Raises
        ------
        InputError
            When the file cannot be written.
        DiskFullError
            When the disk has no room for it.
        """
        write_whole(path, json.dumps(self.to_json()).encode())

    @classmethod
    def load(cls, path: str | Path) -> Style:
        """Read a ``.style`` file; one of a later version that holds more is taken without that, which is said.

        Raises
        ------
        InputError
            When it is missing, unreadable or no style.
        """
        path = possible(path)
        try:
            found = path.stat()
        except OSError as error:
            raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
        if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            # A pipe would be waited for, a device read without end.
            raise InputError("file-special", path=str(path))
        if found.st_size > STYLE_BYTES:
            raise InputError("style-too-large", path=str(path))
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
        except (ValueError, RecursionError) as error:
            raise InputError("style-foreign") from error
        style = cls.from_json(values)
        if not KEPT.issuperset(values):
            remark(Message("style-more", path=str(path)))
        return style


def _scale(values: Mapping[str, Any], regions: int, activation: str) -> ScaleFeatures:
    """One scale's features; ValueError where they are none."""
    side = values["side"]
    if type(side) is not int or not 1 <= side <= MOST_SIDE:
        raise ValueError
    means = tuple(_numbers(layer, (regions, len(layer[0]))).float() for layer in values["means"])
    sizes = tuple(layer.shape[1] for layer in means)
    if not 1 <= len(sizes) <= MOST_LAYERS or max(sizes) > MOST_FEATURES:
        raise ValueError
    if activation in VGG and sizes not in (WIDTHS[: len(sizes)], SHARPER_WIDTHS[: len(sizes)]):
        raise ValueError
    return ScaleFeatures(side, means, _numbers(values["detail"], (regions,)).float().clamp_min(0.0))


def _moments(cloud: Mapping[str, Any]) -> ColourMoments:
    """Moments of a colour cloud, its covariance symmetric and positive definite; ValueError otherwise."""
    moments = ColourMoments(_numbers(cloud["mean"], (3,)), _numbers(cloud["covariance"], (3, 3)))
    covariance = moments.covariance
    if (covariance - covariance.T).abs().max() > 1e-6 * covariance.abs().max():
        raise ValueError
    if torch.linalg.eigvalsh(covariance).min() <= 0:
        raise ValueError
    return moments


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
