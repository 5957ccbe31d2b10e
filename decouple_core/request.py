"""One transfer as it is asked for: by the command line, from Python, for a batch or by the worker, always a `Request`.

What counts of a picture is decided here, once. Neither torch nor the engine is loaded for it, so that what cannot be
used is refused before they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from decouple_contract.settings import Settings
from decouple_core.pictures.visibility import visible

if TYPE_CHECKING:
    from decouple_core.features.style import Style
    from decouple_core.outcomes.colour_by_place import Look
    from decouple_core.outcomes.field import Field
    from decouple_core.pictures.labels import Labels


@dataclass(frozen=True, eq=False)
class Input:
    """A picture that a transfer begins with.

    Attributes
    ----------
    pixels : ndarray
        Shape (H, W, 3), float32, sRGB-encoded, nominally in [0, 1]; may be mapped from a file.
    alpha : ndarray or None
        Opacity, (H, W) in [0, 1]: what cannot be seen does not count.
    mask : ndarray or None
        (H, W) in [0, 1]: where a style is taken from, or where a target changes.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None = None
    mask: np.ndarray | None = None

    def as_target(self) -> np.ndarray | None:
        """Where a target's features count, (H, W); None where all of it does."""
        return visible(self.alpha, self.mask, "target-hidden")

    def as_style(self) -> np.ndarray | None:
        """The same for a style."""
        return visible(self.alpha, self.mask, "style-hidden")


@dataclass(frozen=True, eq=False)
class Request:
    """A target, the style that it takes on, and how.

    Attributes
    ----------
    target : Input
        Where its mask leaves it, the result is the target.
    style : Input or Style
        A picture of any size, or its features.
    settings : Settings
    regions : pair of ndarray, optional
        Labels of target and style, (H, W) each; equal ones correspond, negative ones belong to no region. Opacity and
        masks limit each of the regions.
    colour : Field or Look, optional
        The colour part of a series with one look; see `Engine.fit_together`.
    """

    target: Input
    style: Input | Style
    settings: Settings
    regions: Labels | None = None
    colour: Field | Look | None = None
