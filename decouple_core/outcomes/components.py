"""A picture as a sum: the target through a field, and difference images laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from torch import Tensor

from decouple_core.model.at_once import at_once
from decouple_core.outcomes.box import box
from decouple_core.outcomes.field import Field
from decouple_core.pictures.carrying import Landing, carried
from decouple_core.pictures.upsampling import stretched

STRIPE_PIXELS = 32 * 6000
"""Pixels rendered at once, so that what becomes of them stays near the processor, and torch's calls cost little beside
it: 24 MP take 0.78 s, by half as many and by four times as many 0.85."""

LARGE_STRIPE_PIXELS = 2**21
"""Pixels rendered at once on an accelerator, which is idle while small stripes are asked for: some 400 MB of it."""


@dataclass(frozen=True)
class Layers:
    """Components laid over a picture, before there is more or less of each; shape (3, h, w) of each.

    Attributes
    ----------
    colour : Tensor
        The picture through the field.
    base : Tensor or None
    differences : tuple of Tensor
    """

    colour: Tensor
    base: Tensor | None
    differences: tuple[Tensor, ...]

    def rows(self, first: int, last: int) -> Layers:
        """Some rows of it."""
        base = None if self.base is None else self.base[:, first:last]
        return Layers(self.colour[:, first:last], base, tuple(one[:, first:last] for one in self.differences))


@dataclass(frozen=True)
class Components:
    """What a transfer's result is the sum of, at any size.

    Attributes
    ----------
    colour : Field
        Carries the full-size target.
    differences : mapping of str to Tensor
        Each of shape (3, h, w), at a size of its own.
    amounts : tuple of float
        How much there is of the colour and of each difference; those not named are there in full, 1.
    base : Tensor or None
        The picture of the colour field at the size of the finest difference, shape (3, h, w).
    keep_detail : float
        How much stays of what the colour field's picture holds beyond `base`, in [0, 1].
    """

    colour: Field
    differences: Mapping[str, Tensor] = field(default_factory=dict)
    amounts: tuple[float, ...] = ()
    base: Tensor | None = None
    keep_detail: float = 1.0

    def render(
        self,
        target: np.ndarray,
        out: np.ndarray,
        progress: Callable[[float], None],
        top: float = 0.0,
        bottom: float = 1.0,
        laid: Layers | None = None,
    ) -> None:
        """Evaluate the sum at full resolution, stripe by stripe.

        Parameters
        ----------
        target : ndarray
            Shape (H, W, 3), float32; may be mapped from a file.
        out : ndarray
            Receives the result in [0, 1], same shape; may be `target` itself.
        progress : callable
            Told the finished share.
        top, bottom : float
            Where the target begins and ends, as shares of the height of the whole that it is a part of.
        laid : Layers, optional
            What `lay` gave for the same target, so that other amounts are had sooner.
        """
        device, height = self.colour.parameters.device, target.shape[0]
        rows = _stripe_rows(target, STRIPE_PIXELS if device.type == "cpu" else LARGE_STRIPE_PIXELS)
        stripes = [(first, min(first + rows, height)) for first in range(0, height, rows)]

        def land(first: int, last: int) -> Landing:
            begin, end = (top + (bottom - top) * row / height for row in (first, last))
            values = self._sum(carried(target[first:last], device), begin, end, laid and laid.rows(first, last))
            return Landing(self._boxed(values), out[first:last])

        if device.type == "cpu":
            at_once([partial(land, *stripe) for stripe in stripes], lambda ended: progress(ended / len(stripes)))
            return
        before: Landing | None = None
        for first, last in stripes:
            now = land(first, last)
            if before is not None:  # while the next is computed
                before.wait()
            before = now
            progress(last / height)
        if before is not None:
            before.wait()

    def picture(self, image: Tensor) -> Tensor:
        """The sum at an image of the target, (3, h, w) at any size, in [0, 1]."""
        return self._boxed(self._sum(image, 0.0, 1.0))

    def lay(self, target: np.ndarray, top: float = 0.0, bottom: float = 1.0) -> Layers:
        """Everything at the size of a target, (H, W, 3), whatever the amounts; it takes that room several times."""
        image = carried(target, self.colour.parameters.device)
        base = None if self.base is None else stretched(self.base, image, top, bottom)
        return Layers(
            self.colour(image, top, bottom),
            base,
            tuple(stretched(one, image, top, bottom) for one in self.differences.values()),
        )

    def _boxed(self, values: Tensor) -> Tensor:
        """The sum in [0, 1]; what has not changed keeps its black and white, which the box would round."""
        changed = self.colour.amount > 0.0 or self.differences
        return box(values) if changed else values.clamp(0.0, 1.0)

    def _sum(self, stripe: Tensor, top: float, bottom: float, laid: Layers | None = None) -> Tensor:
        """The sum at a stripe of the target, before the box."""
        of_colour, *others = [*self.amounts, *[1.0] * (1 + len(self.differences))][: 1 + len(self.differences)]
        values = laid.colour if laid else self.colour(stripe, top, bottom)
        if self.base is not None and self.keep_detail < 1.0:
            base = laid.base if laid is not None else stretched(self.base, stripe, top, bottom)
            assert base is not None  # it is laid where there is one
            values = values - (1.0 - self.keep_detail) * (values - base)
        if of_colour != 1.0:
            values = stripe + of_colour * (values - stripe)
        for number, (amount, difference) in enumerate(zip(others, self.differences.values(), strict=True)):
            if amount:
                here = laid.differences[number] if laid else stretched(difference, stripe, top, bottom)
                values = torch.add(values, here, alpha=amount)
        return values


def keep_chroma_or_luma(target: np.ndarray, result: np.ndarray, luma: tuple[float, ...], *, chroma: bool) -> None:
    """Give the result, in place, the target's own chroma, or else its own luma.

    Parameters
    ----------
    target, result : ndarray
        Shape (H, W, 3), float32.
    luma : tuple of float
        Weights of the channels.
    chroma : bool
    """
    weights = np.asarray(luma, np.float32)
    height = _stripe_rows(result, STRIPE_PIXELS)
    for first in range(0, len(result), height):
        rows = slice(first, first + height)
        change = ((result[rows] - target[rows]) @ weights)[..., None]
        kept = target[rows] + change if chroma else result[rows] - change
        result[rows] = np.clip(kept, 0.0, 1.0)


def _stripe_rows(pixels: np.ndarray, area: int) -> int:
    return max(1, area // pixels.shape[1])
