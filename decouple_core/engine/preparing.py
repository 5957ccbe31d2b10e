"""Before step 1: the pictures at the sizes at which they are worked on, and the features that are active in both."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.engine.run import Run
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.style import Style
from decouple_core.model.device import CPU
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.painting import COARSEST
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.pyramid import doubling


class Source(NamedTuple):
    """An image as it was given, (H, W, 3), with the masks of its regions, and where anything of it is seen, (H, W)."""

    pixels: np.ndarray
    masks: Sequence[np.ndarray]
    seen: np.ndarray | None

    @property
    def longest(self) -> int:
        """Longer side, in pixels."""
        return max(self.pixels.shape[:2])


@dataclass(frozen=True)
class Preparation:
    """All that a transfer begins with.

    Attributes
    ----------
    model : PreparedModel
    target : Picture
    style : Picture or Style
        The style's picture, or what was measured on it before.
    sides : sequence of int
        Longer sides at which that picture is to be measured for a painting.
    active : Tensor
        Which features, shape (M,), are not 0 in either: 1 or 0.
    """

    model: PreparedModel
    target: Picture
    style: Picture | Style
    sides: Sequence[int]
    active: Tensor


def prepared(run: Run, target: Source, style: Source | Style) -> Preparation:
    """The network and the pictures of a transfer.

    Raises
    ------
    InputError
        Where a kept style does not serve.
    """
    model, finest = run.model(), run.outcome.finest(run.settings, target.longest)
    if isinstance(style, Style):
        if run.outcome.flows and not style.scales:
            raise InputError("style-without-scales")
        if run.outcome.flows and style.features and run.layers(model.hierarchy) > len(style.features):
            raise InputError("style-layers", layers=len(style.features))
        (picture,) = shrunk(run, (target, finest))
        active = active_in(run, model, picture) * active_in_style(style, model.hierarchy, run.device)
        return Preparation(model, picture, style, (), active)
    sides = style_sides(run, finest)
    picture, source = shrunk(run, (target, finest), (style, max(sides, default=0)))
    return Preparation(model, picture, source, sides, active_in(run, model, picture) * active_in(run, model, source))


def for_style(run: Run, style: Style, regions: int) -> Run:
    """The run under settings with which kept features mean what they meant when they were measured.

    Raises
    ------
    InputError
        Where these contradict what was asked for, or the regions of style and target differ in number.
    """
    settings = run.settings
    if settings.network not in ("auto", style.network) or settings.activation != style.activation:
        raise InputError("style-network", network=style.network, activation=style.activation)
    if len(style.colours) != regions:
        raise InputError("style-regions", style=len(style.colours), target=regions)
    return run.under(network=style.network)


def style_sides(run: Run, finest: int) -> list[int]:
    """Longer sides at which a style's image is measured for a painting of this finest scale; none for 0."""
    sides = doubling(finest, COARSEST) if finest else []
    return [max(1, round(side * run.settings.style_scale)) for side in sides]


def shrunk(run: Run, *images: tuple[Source, int]) -> list[Picture]:
    """Shrink images with their masks, each also to a finest side, side by side: each takes one core."""
    size = run.outcome.flow_size(run.settings)

    def shrink(image: tuple[Source, int]) -> Picture:
        source, finest = image
        return Picture.of(source.pixels, source.masks, size, CPU, finest, source.seen)

    with ThreadPoolExecutor() as side_by_side:
        return [picture.to(run.device) for picture in side_by_side.map(shrink, images)]


def active_in(run: Run, model: PreparedModel, picture: Picture) -> Tensor:
    """Which features, shape (M,), are 0 neither at the reference nor in a picture: 1 or 0."""
    sources = [model.identity, picture.identity]
    return run.caches.active.get(run.settings, sources, lambda: model.active(picture.small.image, picture.small.masks))


def active_in_style(style: Style, hierarchy: Hierarchy, device: torch.device) -> Tensor:
    """Which features are not 0 in kept ones, shape (M,); layers that were not kept count as active."""
    if [layer.shape[1] for layer in style.features] != list(hierarchy.sizes[: len(style.features)]):
        raise InputError("style-damaged")
    alive = torch.cat([torch.ones(0, dtype=torch.bool), *(layer.ne(0).all(0) for layer in style.features)])
    return torch.cat([alive, alive.new_ones(sum(hierarchy.sizes) - alive.numel())]).to(device, torch.float32)
