"""What suits the pictures at hand, where nobody has said it: the outcome, the size, and how far to go.

No recipe fits every pair of pictures. Whatever is chosen here is said in the report with its reason, and each choice
gives way to a setting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from decouple_contract.messages import Message
from decouple_contract.settings import AUTOMATIC_SIZE, Settings
from decouple_core.features.colour import luma, map_between
from decouple_core.features.style import Style
from decouple_core.outcomes.field import Field
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.picture import Picture

SIDE = 256
"""Longer side, in pixels, at which a style is looked at: brush strokes are some pixels wide there."""

EVEN, COLOURED = 0.45, 0.085
"""What a painting's marks exceed, see `is_painted`. Of 18 pictures by Van Gogh and Sargent 15 do, of 238 photographs 31
(those of GCompris 3.1, on which they were tuned); of the paintings and
photographs that measure this project, 7 of 7 and 4 of 31."""

LARGEST_MAGNIFICATION = 2.0
"""Of a style that is smaller than the painting: beyond it, its strokes have no detail to show."""

SIZE_ON_PROCESSOR, SIZE_ON_ACCELERATOR = 512, 1024
"""Some ten seconds on two cores, and one on an accelerator."""

MOST_LOST = 0.25
"""Share of the picture that may become black or white although it was not. A house by day in the style of one by night
loses .38, and little is left to see; of 18 other pairs of photographs and paintings none loses more than .17."""

LEAST_CONTRAST = 0.25
"""Of the target's own, that a flat style leaves it."""

BLACK, WHITE = 0.03, 0.97
"""Luma beyond which the eye tells no detail."""

STEPS = 20
"""Strengths that are tried, evenly spread."""


@dataclass(frozen=True)
class Choice:
    """A choice that was made, and why.

    Attributes
    ----------
    setting : str
        Its name in the table of settings.
    value : str or float
    why : Message
    """

    setting: str
    value: str | float
    why: Message


def settled(
    settings: Settings, painted: bool | None, style_side: int | None, longest: int, *, accelerated: bool
) -> tuple[Settings, list[Choice]]:
    """Settings in which nothing is automatic any more.

    Parameters
    ----------
    settings : Settings
    painted : bool or None
        Whether the style is painted; None where nobody knows.
    style_side : int or None
        Longer side of the style's picture in pixels; None where there is no picture.
    longest : int
        Longer side of the target in pixels.
    accelerated : bool
        Whether an accelerator computes.

    Returns
    -------
    Settings
    list of Choice
    """
    choices = []
    if settings.mode == "auto":
        settings = replace(settings, mode="painting" if painted else "photo")
        choices.append(
            Choice(
                "mode",
                settings.mode,
                Message("style-unknown" if painted is None else "style-painted" if painted else "style-photographed"),
            )
        )
    if settings.size == AUTOMATIC_SIZE:
        settings = replace(settings, size=SIZE_ON_ACCELERATOR if accelerated else SIZE_ON_PROCESSOR)
        if settings.idle("size") is None and settings.size < longest:
            choices.append(Choice("size", settings.size, Message("size-for-device")))
    finest = min(settings.size, longest)
    if (
        settings.idle("style_scale") is None
        and settings.style_scale == 1.0
        and style_side is not None
        and finest > LARGEST_MAGNIFICATION * style_side
    ):
        scale = max(0.25, round(LARGEST_MAGNIFICATION * style_side / finest, 2))
        settings = replace(settings, style_scale=scale)
        choices.append(Choice("style_scale", scale, Message("style-small")))
    return settings, choices


def is_painted(image: Tensor) -> bool:
    """Whether a picture looks painted: its finest marks cover it evenly, and change in colour as they do in light.

    Paintings have as much detail in a sky as in a face, because it is the brush that makes it, and a brush changes its
    paint; a lens leaves some of a picture smooth, and a shadow leaves a thing its colour (after Cutzu, Hammoud & Leykin
    2005, "Distinguishing paintings from photographs", who compare edges in colour and in light).

    Parameters
    ----------
    image : Tensor
        Shape (3, h, w), its longer side `SIDE`.
    """
    light = luma(image)[None]
    there = blurred((light - blurred(light, 1.0)).square(), 3.0) + 1e-5
    evenness = there.log().mean().exp() / there.mean()
    reflected = image + 0.05
    total = reflected.sum(0, keepdim=True)
    in_light = _strokes(total.log())[0].abs()
    in_colour = _strokes(reflected[:1] / total).square() + _strokes(reflected[1:2] / total).square()
    colouring = (in_colour[0].sqrt() / (in_light + 0.01)).median()
    return bool(evenness > EVEN and colouring > COLOURED)


def readable_strength(
    settings: Settings, picture: Picture, style: Style, by_place: Field | None
) -> tuple[float, Choice | None]:
    """The strength at which a style leaves enough of a picture to be made out; see `readable_share`.

    Parameters
    ----------
    settings : Settings
    picture : Picture
        The target, of one region.
    style : Style
    by_place : Field or None
        Carries its colours, all the way; None where it is taken as a whole.

    Returns
    -------
    float
        That of the settings where nothing is at risk.
    Choice or None
    """
    if settings.allow_black or settings.keep_tones or not settings.strengths[0]:
        return settings.strength, None
    image = picture.medium.image
    if by_place is not None:
        whole = torch.lerp(image, by_place(image), settings.strength)
        share, choice = readable_share(image, partial(torch.lerp, image, whole))
    else:
        (own,) = picture.medium.colours()
        goal = own.towards(style.full_moments[0], settings.strengths[0])
        share, choice = readable_share(image, lambda share: map_between(own, own.towards(goal, share))(image))
    if choice is None:
        return settings.strength, None
    strength = settings.strength * share
    return strength, replace(choice, value=strength)


def readable_share(image: Tensor, mapped: Callable[[float], Tensor]) -> tuple[float, Choice | None]:
    """How far a picture may go towards a style's colours and still be made out, as a share in [0, 1].

    Parameters
    ----------
    image : Tensor
        The target, shape (3, h, w).
    mapped : callable
        What it becomes when it goes a share of the way, of the same shape, not yet in the box.

    Returns
    -------
    float
        1 where nothing is at risk.
    Choice or None
    """
    light = luma(image)
    seen, contrast = (light > BLACK) & (light < WHITE), light.std(correction=0)

    def there(share: float) -> tuple[float, float]:
        light = luma(mapped(share))
        lost = seen & ((light <= BLACK) | (light >= WHITE))
        return lost.float().mean().item(), (light.std(correction=0) / contrast.clamp_min(1e-6)).item()

    lost, kept = there(1.0)
    if contrast < 1e-3 or (lost <= MOST_LOST and kept >= LEAST_CONTRAST):
        return 1.0, None
    why = (
        Message("style-too-dark", share=round(100 * lost))
        if lost > MOST_LOST
        else Message("style-too-flat", share=round(100 * kept))
    )
    for step in range(STEPS - 1, 0, -1):
        lost, kept = there(step / STEPS)
        if lost <= MOST_LOST and kept >= LEAST_CONTRAST:
            return step / STEPS, Choice("strength", step / STEPS, why)
    return 1.0 / STEPS, Choice("strength", 1.0 / STEPS, why)


def _strokes(image: Tensor) -> Tensor:
    """What an image (1, h, w) holds at the width of brush strokes."""
    return blurred(image, 2.0) - blurred(image, 4.0)
