"""The engine: transfers of arrays, and what is kept from one to the next.

`api.Session` does the same for pictures in any form.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import numpy as np
import torch

from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_core.engine.caches import Caches
from decouple_core.engine.placing import Shared
from decouple_core.engine.preparing import Source
from decouple_core.engine.round_trip import RoundTrip, there_and_back
from decouple_core.engine.run import Run
from decouple_core.engine.series import fitted_together
from decouple_core.engine.styles import style_read
from decouple_core.engine.transfer import Transferred, transferred
from decouple_core.features.style import Style
from decouple_core.model.device import CPU, pick_device, run_with_step_down, single_precision
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.outcomes.strategy import SIDE, Choice, is_painted, settled
from decouple_core.pictures.labels import Labels, region_masks
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.resampling import shrink

T = TypeVar("T")


class Engine:
    """Transfers styles; keeps networks, styles and normalised targets warm in between."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Keep nothing any more of what was kept so far."""
        self.caches = Caches()

    def transfer(
        self,
        target: np.ndarray,
        style: np.ndarray | Style,
        settings: Settings,
        *,
        target_mask: np.ndarray | None = None,
        style_mask: np.ndarray | None = None,
        regions: Labels | None = None,
        colour: Shared | None = None,
        out: np.ndarray | None = None,
        render: bool = True,
        certify: bool = False,
        progress: Progress = silent,
    ) -> Transferred:
        """Apply the style to the target.

        Parameters
        ----------
        target : ndarray
            Shape (H, W, 3), float32, sRGB-encoded, nominally in [0, 1]; may be mapped from a file.
        style : ndarray or Style
            An image like `target`, of any size, or its features.
        settings : Settings
        target_mask, style_mask : ndarray, optional
            Shape (H, W) of their image, in [0, 1]: where features are measured and imposed. The result is not blended
            with the target by them.
        regions : pair of ndarray, optional
            See `Labels`. The masks limit each of the regions.
        colour : Field or Look, optional
            The colour part, where it is shared with other targets, from `fit_together`.
        out : ndarray, optional
            Receives the result, shape (H, W, 3), float32.
        render : bool
            Without it the image is left as it was: whoever asks renders what he wants of the components.
        certify : bool
            Whether the report is to say how far each component and layer of a painting moves itself and the others.
        progress : Progress

        Raises
        ------
        InputError
            For images, masks, regions or a style that cannot be used.
        OutOfMemoryError
            When not even the processor has room.
        """
        result = np.empty(target.shape, np.float32) if out is None else out
        target_masks, style_masks = _masks(target_mask, style_mask, regions)
        source = Source(target, target_masks, target_mask)
        wanted = style if isinstance(style, Style) else Source(style, style_masks, style_mask)
        painted = _painted(wanted) if settings.mode == "auto" else None
        device, settings, choices = _settled(settings, painted, wanted, source.longest)

        def work(run: Run) -> Transferred:
            done = transferred(run, source, wanted, colour, result, render=render, certified=certify)
            if painted is None:
                return done
            return dataclasses.replace(done, style=dataclasses.replace(done.style, painted=painted))

        return self._stepping_down(work, device, settings, progress, choices)

    def read_style(
        self,
        image: np.ndarray,
        settings: Settings,
        *,
        name: str = "",
        mask: np.ndarray | None = None,
        for_any: bool = True,
        progress: Progress = silent,
    ) -> Style:
        """Step 1 alone: the decoupled features of an image, shape (H, W, 3).

        Without `for_any` it holds what the settings' own outcome takes of it, at their own size; the one that suits it,
        where they leave that open.
        """
        source = Source(image, [] if mask is None else [mask], mask)
        painted = _painted(source) if for_any or settings.mode == "auto" else None
        device, settings, _ = _settled(settings, painted, None, source.longest)

        def work(run: Run) -> Style:
            return dataclasses.replace(style_read(run, source, for_any=for_any), name=name, painted=painted)

        return self._stepping_down(work, device, settings, progress)

    def fit_together(
        self,
        targets: Iterable[tuple[np.ndarray, np.ndarray | None]],
        style: Style,
        settings: Settings,
        progress: Progress = silent,
    ) -> Shared:
        """What colours several targets have in common, which together get the style; for `transfer`'s `colour`.

        The plan of some of them, which each follows by what is seen in it; or, where the picture is taken as a whole,
        one field.

        Parameters
        ----------
        targets : iterable of pairs
            Each target's pixels, as for `transfer`, with its mask or None; of a long series those that `series.spread`
            names. They are let go one after the other.
        style : Style
        settings : Settings
        progress : Progress
        """
        device, settings, _ = _settled(settings, None, None, 0)
        size = OUTCOMES["photo"].flow_size(settings)
        pictures = [Picture.of(pixels, _masks(mask, None, None)[0], size, CPU, seen=mask) for pixels, mask in targets]

        def work(run: Run) -> Shared:
            return fitted_together(run, [picture.to(run.device) for picture in pictures], style)

        return self._stepping_down(work, device, settings, progress)

    def round_trip(self, image: np.ndarray, settings: Settings, progress: Progress = silent) -> RoundTrip:
        """Self-transfer by the raw flow at the working size, layer 0 included, without clipping."""
        device, settings, _ = _settled(settings, None, None, max(image.shape[:2]))
        return self._done(lambda run: there_and_back(run, image), device, settings, progress)

    def _stepping_down(
        self,
        work: Callable[[Run], T],
        device: torch.device,
        settings: Settings,
        progress: Progress,
        choices: Sequence[Choice] = (),
    ) -> T:
        """Do a piece of work, and where memory runs out less of it."""

        def attempt(device: torch.device, size: int) -> T:
            return self._done(work, device, dataclasses.replace(settings, size=size), progress, choices)

        return run_with_step_down(attempt, device, settings.size, lambda message: progress(0.0, message), self.forget)

    def _done(
        self,
        work: Callable[[Run], T],
        device: torch.device,
        settings: Settings,
        progress: Progress,
        choices: Sequence[Choice] = (),
    ) -> T:
        with torch.inference_mode(), single_precision():
            return work(Run.begin(self.caches, settings, device, progress, choices))


def _settled(
    settings: Settings, painted: bool | None, style: Source | Style | None, longest: int
) -> tuple[torch.device, Settings, list[Choice]]:
    """Where to compute, and settings in which nothing is automatic any more; see `strategy.settled`."""
    device = pick_device(settings.device)
    side = style.longest if isinstance(style, Source) else None
    return device, *settled(settings, painted, side, longest, accelerated=device.type != "cpu")


def _painted(style: Source | Style) -> bool | None:
    """Whether a style looks painted; None where nobody knows."""
    if isinstance(style, Style):
        return style.painted if not style.painted or (style.features and style.scales) else None
    if style.pixels.ndim != 3 or style.pixels.shape[2] != 3 or 0 in style.pixels.shape:
        return None  # whoever measures it says so
    if style.seen is not None and style.seen.shape != style.pixels.shape[:2]:
        return None
    return is_painted(shrink(style.pixels, SIDE, seen=style.seen))


def _masks(
    target: np.ndarray | None, style: np.ndarray | None, regions: Labels | None
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Masks of corresponding regions of target and style; a side without one takes part as a whole."""
    if regions is not None:
        return region_masks(regions, (target, style))
    return [m for m in (target,) if m is not None], [m for m in (style,) if m is not None]
