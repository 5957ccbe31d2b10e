"""The engine: carries requests out, and keeps what the next one can use.

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
from decouple_core.features.convolution import let_packed_go
from decouple_core.features.style import Style
from decouple_core.model.device import CPU, pick_device, run_with_step_down, single_precision
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.outcomes.strategy import SIDE, Choice, is_painted, settled
from decouple_core.pictures.frame import within_frame
from decouple_core.pictures.labels import region_masks
from decouple_core.pictures.picture import Picture
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.visibility import blend
from decouple_core.request import Input, Request
from decouple_core.weights import are_kept

T = TypeVar("T")


class Engine:
    """Transfers styles; keeps networks, styles and normalised targets warm in between."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Keep nothing any more of what was kept so far."""
        self.caches = Caches()

    def rest(self) -> None:
        """Free what takes much memory and little time to make again: weights in the form in which they are computed."""
        let_packed_go()

    def warm_up(self, settings: Settings) -> None:
        """Prepare the network that these settings name, unless its weights are yet to be fetched."""
        if are_kept(settings.network):
            device, settings, _ = _settled(settings, None, None, 0)
            self._done(Run.model, device, settings, silent)

    def transfer(
        self,
        request: Request,
        *,
        out: np.ndarray | None = None,
        render: bool = True,
        certify: bool = False,
        progress: Progress = silent,
    ) -> Transferred:
        """Apply the style to the target.

        Parameters
        ----------
        request : Request
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
        given = request.target
        result = np.empty(given.pixels.shape, np.float32) if out is None else out
        target, style = _sources(request)
        painted = _painted(style) if request.settings.mode == "auto" else None
        device, settings, choices = _settled(request.settings, painted, style, target.longest)

        def work(run: Run) -> Transferred:
            done = transferred(run, target, style, request.colour, result, render=render, certified=certify)
            if painted is None:
                return done
            return dataclasses.replace(done, style=dataclasses.replace(done.style, painted=painted))

        done = self._stepping_down(work, device, settings, progress, choices)
        if render and given.mask is not None:
            blend(result, given.pixels, given.mask)
        return done

    def read_style(
        self, picture: Input, settings: Settings, *, name: str = "", for_any: bool = True, progress: Progress = silent
    ) -> Style:
        """Step 1 alone: the decoupled features of a picture.

        Without `for_any` it holds what the settings' own outcome takes of it, at their own size; the one that suits it,
        where they leave that open.
        """
        seen = picture.as_style()
        source = _source(picture.pixels, _within_frame(picture.pixels) if seen is None else seen)
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
        sources = (_source(pixels, mask) for pixels, mask in targets)
        pictures = [Picture.of(one.pixels, one.masks, size, CPU, seen=one.seen) for one in sources]

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
        return style.painted if not style.painted or style.scales else None
    if style.pixels.ndim != 3 or style.pixels.shape[2] != 3 or 0 in style.pixels.shape:
        return None  # whoever measures it says so
    if style.seen is not None and style.seen.shape != style.pixels.shape[:2]:
        return None
    return is_painted(shrink(style.pixels, SIDE, seen=style.seen))


def _sources(request: Request) -> tuple[Source, Source | Style]:
    """Target and style with the masks of corresponding regions."""
    target, style = request.target, request.style
    target_seen = target.as_target()
    style_seen = style.as_style() if isinstance(style, Input) else None
    if request.regions is None:
        if isinstance(style, Input) and style_seen is None:
            within = _within_frame(style.pixels)
            if within is not None and _within_frame(target.pixels) is None:  # a frame takes from a frame
                style_seen = within
        of_target = _source(target.pixels, target_seen)
        return of_target, _source(style.pixels, style_seen) if isinstance(style, Input) else style
    target_masks, style_masks = region_masks(request.regions, (target_seen, style_seen))
    of_target = Source(target.pixels, target_masks, target_seen)
    return of_target, Source(style.pixels, style_masks, style_seen) if isinstance(style, Input) else style


def _within_frame(pixels: np.ndarray) -> np.ndarray | None:
    """Where a style is that nobody has masked: its frame is no part of it."""
    sound = pixels.ndim == 3 and pixels.shape[2] == 3 and 0 not in pixels.shape
    return within_frame(pixels) if sound else None  # whoever measures it says what is wrong


def _source(pixels: np.ndarray, seen: np.ndarray | None) -> Source:
    """An image of one region: what is seen of it."""
    return Source(pixels, [] if seen is None else [seen], seen)
