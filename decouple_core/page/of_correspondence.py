"""A correspondence as pictures: the style's places in colours of their own, and the target in those it takes from."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.colour import luma
from decouple_core.features.overview import Overview

CORNERS = ((0.15, 0.45, 1.0), (0.10, 0.90, 0.55), (1.0, 0.20, 0.55), (1.0, 0.85, 0.15))
"""Of the map of colours: top left, top right, bottom left and bottom right. Between them colours change evenly, and
neighbours stay alike."""

DARKEST = 0.5
"""Light of the darkest pixels beside the lightest, so that a colour can be told at night, too."""

ENDS = (0.02, 0.98)
"""Of a picture's lightness, which fill the range."""


def tinted(correspondence: Correspondence) -> tuple[list[Tensor], Tensor]:
    """Each style in the colours of its places, and the target in those of the places that it takes from.

    Parameters
    ----------
    correspondence : Correspondence

    Returns
    -------
    tuple
        Images (3, h, w) in [0, 1] of the sizes of their overviews. A place of the target that takes from several has
        the mean of their colours.
    """
    count = len(correspondence.styles)
    of_styles = [
        _colours(one.grid, number / count, (number + 1) / count).to(one.image)
        for number, one in enumerate(correspondence.styles)
    ]
    taken = correspondence.plan.forward @ torch.cat([colours.flatten(1).T for colours in of_styles])
    return (
        [_over(one, colours) for one, colours in zip(correspondence.styles, of_styles, strict=True)],
        _over(correspondence.target, taken.T.unflatten(1, correspondence.target.grid)),
    )


def _colours(grid: tuple[int, int], left: float, right: float) -> Tensor:
    """The map of colours between two of its columns, in [0, 1], at the places of a picture, (3, rows, columns)."""
    rows, columns = grid
    down = ((torch.arange(rows) + 0.5) / rows)[:, None, None]
    across = (left + (right - left) * (torch.arange(columns) + 0.5) / columns)[:, None]
    top_left, top_right, bottom_left, bottom_right = torch.tensor(CORNERS)
    above, below = torch.lerp(top_left, top_right, across), torch.lerp(bottom_left, bottom_right, across)
    return torch.lerp(above, below, down).permute(2, 0, 1)


def _over(picture: Overview, colours: Tensor) -> Tensor:
    """Colours of places over the lightness of their picture."""
    smooth = F.interpolate(colours[None], size=picture.image.shape[1:], mode="bilinear")[0]
    light = luma(picture.image)
    low, high = torch.quantile(light.flatten(), torch.tensor(ENDS).to(light))
    stretched = ((light - low) / (high - low).clamp_min(1e-3)).clamp(0, 1)
    return smooth * (DARKEST + (1.0 - DARKEST) * stretched)
