"""Pictures, masks, labels and styles in any form, as the engine takes them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.paths import STYLE_SUFFIX
from decouple_contract.settings import Settings
from decouple_core.features.style import Style
from decouple_core.pictures.labels import Labels
from decouple_core.pictures.masks import take_labels, take_mask
from decouple_core.pictures.originals import Original, take
from decouple_core.request import Input, Request

StrPath = str | os.PathLike[str]

PictureLike = np.ndarray | PIL.Image.Image | Tensor | StrPath
"""A picture in any form that `take` knows; masks and labels are given in the same forms."""


def request_of(
    target: Original[Any],
    style: PictureLike | Style,
    settings: Settings,
    target_mask: PictureLike | None,
    style_mask: PictureLike | None,
    regions: tuple[PictureLike, PictureLike] | None,
) -> Request:
    """What is asked for, of pictures in any form."""
    picture = input_of(target, target_mask, "target's mask")
    wanted, labels = style_of(style, style_mask, regions and (regions[0], regions[1], target.shape))
    return Request(picture, wanted, settings, labels)


def input_of(original: Original[Any], mask: PictureLike | None = None, name: str = "") -> Input:
    """A picture with its mask, which errors call by this name."""
    return Input(original.pixels, original.alpha, None if mask is None else take_mask(mask, original.shape, name))


def style_of(
    style: PictureLike | Style,
    mask: PictureLike | None,
    regions: tuple[PictureLike, PictureLike, tuple[int, int]] | None = None,
) -> tuple[Input | Style, Labels | None]:
    """The style, and the labels of target and style, given with the target's height and width."""
    if isinstance(style, (str, os.PathLike)) and Path(style).suffix == STYLE_SUFFIX:
        style = Style.load(Path(style))
    if isinstance(style, Style):
        if mask is not None or regions is not None:
            raise InputError("style-has-masks")
        return style, None
    original = take(style, "style")
    wanted, labels = input_of(original, mask, "style's mask"), None
    if regions is not None:
        of_target, of_style, shape = regions
        labels = (
            take_labels(of_target, shape, "target's label image"),
            take_labels(of_style, original.shape, "style's label image"),
        )
    return wanted, labels


def name_of(picture: PictureLike | Style) -> str:
    """What a picture or a style is called, for people."""
    if isinstance(picture, Style):
        return picture.name
    return Path(picture).name if isinstance(picture, (str, os.PathLike)) else ""
