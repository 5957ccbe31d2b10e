"""One transfer as it is asked for: by the command line, from Python, for a batch or by the worker, always a `Request`.

What counts of a picture and what is shown of a result is decided here, once. Neither torch nor the engine is loaded for
it, so that what cannot be used is refused before they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_core.pictures.visibility import blend, visible

if TYPE_CHECKING:
    from decouple_core.engine import Engine, Transferred
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

    def measured(
        self, engine: Engine, settings: Settings, *, name: str = "", for_any: bool = True, progress: Progress = silent
    ) -> Style:
        """The style of this picture; see `Engine.read_style`."""
        return engine.read_style(
            self.pixels, settings, name=name, mask=self.as_style(), for_any=for_any, progress=progress
        )


@dataclass(frozen=True, eq=False)
class Request:
    """A target, the style that it takes on, and how.

    Attributes
    ----------
    target : Input
    style : Input or Style
    settings : Settings
    regions : pair of ndarray, optional
        Labels of target and style, (H, W) each; equal ones correspond, negative ones belong to no region.
    colour : Field or Look, optional
        The colour part of a series with one look; see `Engine.fit_together`.
    """

    target: Input
    style: Input | Style
    settings: Settings
    regions: Labels | None = None
    colour: Field | Look | None = None

    def carried_out(
        self, engine: Engine, *, render: bool = True, certify: bool = False, progress: Progress = silent
    ) -> Transferred:
        """Have it done; the picture is the target's own where its mask leaves it.

        Parameters
        ----------
        engine : Engine
        render : bool
            Without it there is no picture: whoever asks renders what he wants of the components.
        certify : bool
            See `Engine.transfer`.
        progress : Progress

        Raises
        ------
        InputError, WeightsError, OutOfMemoryError
        """
        style, style_mask = (
            (self.style.pixels, self.style.as_style()) if isinstance(self.style, Input) else (self.style, None)
        )
        done = engine.transfer(
            self.target.pixels,
            style,
            self.settings,
            target_mask=self.target.as_target(),
            style_mask=style_mask,
            regions=self.regions,
            colour=self.colour,
            render=render,
            certify=certify,
            progress=progress,
        )
        if render and self.target.mask is not None:
            blend(done.image, self.target.pixels, self.target.mask)
        return done
