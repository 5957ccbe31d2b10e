"""Pictures as they stand in a page: small, and within the file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from decouple_core.pictures.originals import take
from decouple_core.pictures.resampling import shrink, shrink_mask

LONGEST = 800
"""Pixels along the longer side at most: as wide as the page shows one, at some 200 kB."""

QUALITY = 85
"""Of JPEG: at these sizes nothing of it shows beside the original."""

SMALL = 160
"""Longer side up to which a picture is shown pixel by pixel, and so written without loss."""

SAMPLE = 100_000
"""Values by which a difference is stretched; torch's quantile takes no more than 16 million."""


@dataclass(frozen=True)
class Image:
    """A picture within a page.

    Attributes
    ----------
    source : str
        Address of type ``data:`` that holds it.
    caption : str
    width, height : int
    """

    source: str
    caption: str
    width: int
    height: int


def of_picture(picture: Any, caption: str, longest: int = LONGEST) -> Image:
    """A picture in any form that `take` knows, on white where it is transparent.

    Raises
    ------
    InputError
        As `take`.
    """
    given = take(picture, "picture")
    small = shrink(given.pixels, longest, given.alpha)
    if given.alpha is not None:
        opacity = shrink_mask(given.alpha, (small.shape[1], small.shape[2]))
        small = small * opacity + (1.0 - opacity)
    return of_tensor(small, caption, longest)


def of_tensor(image: Tensor, caption: str, longest: int = LONGEST) -> Image:
    """An image (3, h, w), cut to [0, 1]."""
    image = image.detach().cpu().float()
    if max(image.shape[1:]) > longest:
        image = shrink(image.permute(1, 2, 0).numpy(), longest)
    levels = (image.clamp(0.0, 1.0).permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    kind, options = ("png", {"optimize": True}) if max(levels.shape) <= SMALL else ("jpeg", {"quality": QUALITY})
    with io.BytesIO() as file:
        PIL.Image.fromarray(levels).save(file, kind, **options)
        data = base64.b64encode(file.getvalue()).decode()
    return Image(f"data:image/{kind};base64,{data}", caption, levels.shape[1], levels.shape[0])


def of_difference(difference: Tensor, name: str, longest: int) -> Image:
    """A difference image (3, h, w) around middle grey, stretched so that its signs can be seen."""
    difference = difference.detach().cpu().float()
    sample = difference.abs().flatten()[:: 1 + difference.numel() // SAMPLE]
    reach = max(torch.quantile(sample, 0.995).item(), 1e-6)
    return of_tensor(0.5 + 0.5 * difference / reach, f"{name}: white and black are ±{reach:.2f}", longest)
