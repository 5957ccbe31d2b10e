"""Which nine variations of a look stand side by side, and in which turn they are made; without GIMP and a display.

Each differs from the present look in one thing that acts in its outcome and that an artist has a word for. Around a
look that was taken stand others like it: numbers alone, in smaller steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

from decouple_contract.settings import AUTOMATIC_SIZE, COMPONENTS, LAYER_COUNT, Settings

NINE = 9
"""Three rows of three."""

WIDEST, NARROWEST = 1.0, 0.25
"""Steps between neighbours, as shares of `_Dial.step`: at first, and after two rounds or more. Less is not seen."""

NARROWING = 0.5
"""What a round takes of the one before."""

LEAST_STEP = 0.03
"""Of a number between 0 and 1: less cannot be told in a small picture."""

LARGEST_PAINTED = 128
"""Longer side, in pixels, at which a small painting is painted, as the preview's draft is."""

PHOTO, PAINTING = "photo", "painting"


@dataclass(frozen=True)
class Variant:
    """One of the nine.

    Attributes
    ----------
    kind : str
        What differs, by the name that the words for it have.
    settings : Settings
    style : int or None
        The number of another style; None for the present one.
    value : float or None
        Where a number differs, what it is now.
    """

    kind: str
    settings: Settings
    style: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class _Dial:
    """A number of the settings, from 0, that is turned down and up.

    Attributes
    ----------
    less, more : str
        What it is called to turn it.
    read, turned
        Its value, and settings with another one.
    step : float
        How far it is turned at first.
    most : float
    first_up : bool
        Whether more of it is the more interesting.
    """

    less: str
    more: str
    read: Callable[[Settings], float]
    turned: Callable[[Settings, float], Settings]
    step: float
    most: float = 1.0
    first_up: bool = False

    def variants(self, settings: Settings, width: float) -> Iterator[Variant]:
        """The settings with less and with more of it, where there is room for that."""
        now = self.read(settings)
        for up in (self.first_up, not self.first_up):
            step = max(LEAST_STEP, self.step * width)
            value = round(min(self.most, max(0.0, now + (step if up else -step))), 2)
            if abs(value - now) >= LEAST_STEP / 2:
                yield Variant(self.more if up else self.less, self.turned(settings, value), value=value)


def _number(name: str, less: str, more: str, step: float, *, first_up: bool = False) -> _Dial:
    """The dial of a setting that is one number."""
    most: float = Settings.__dataclass_fields__[name].metadata["high"]
    return _Dial(
        less,
        more,
        lambda settings: getattr(settings, name),
        lambda settings, value: Settings.from_dict({**settings.as_dict(), name: value}),
        step,
        most,
        first_up,
    )


def _layers(less: str, more: str, step: float, *layers: int) -> _Dial:
    """The dial of some layers' strength."""

    def all_of(settings: Settings) -> list[float]:
        return [*settings.strength_per_layer, *[1.0] * (LAYER_COUNT + 1)][: LAYER_COUNT + 1]

    def turned(settings: Settings, value: float) -> Settings:
        strengths = [value if layer in layers else one for layer, one in enumerate(all_of(settings))]
        return dataclasses.replace(settings, strength_per_layer=tuple(strengths))

    return _Dial(less, more, lambda settings: all_of(settings)[layers[0]], turned, step)


def _amounts(less: str, more: str, step: float, *names: str, first_up: bool = False) -> _Dial:
    """The dial of some components' amounts, each of which is turned as far as their mean."""
    numbers = [COMPONENTS.index(name) for name in names]
    most: float = Settings.__dataclass_fields__["amounts"].metadata["high"]

    def read(settings: Settings) -> float:
        return sum(settings.all_amounts[number] for number in numbers) / len(numbers)

    def turned(settings: Settings, value: float) -> Settings:
        amounts = list(settings.all_amounts)
        for number in numbers:
            amounts[number] = round(min(most, max(0.0, amounts[number] + value - read(settings))), 2)
        return dataclasses.replace(settings, amounts=tuple(amounts))

    return _Dial(less, more, read, turned, step, most, first_up)


STRENGTH = _number("strength", "softer", "stronger", 0.4)
FREEDOM = _number("freedom", "less-variation", "more-variation", 0.4, first_up=True)
COLOUR = _layers("less-colour", "more-colour", 0.5, 0)
STROKES = _amounts("lighter", "bolder", 0.5, "forms", "strokes", "grain")
FORMS = _amounts("weaker-forms", "stronger-forms", 0.5, "forms")
GRAIN = _amounts("less-grain", "more-grain", 0.5, "grain", first_up=True)
DETAIL = _number("keep_detail", "less-detail", "more-detail", 0.5, first_up=True)
STRUCTURE = _number("structure", "looser", "more-faithful", 0.3)

DIALS = {PHOTO: (STRENGTH, FREEDOM, COLOUR), PAINTING: (STROKES, GRAIN, DETAIL, FORMS, STRUCTURE)}
"""Of each outcome, the most telling first. A painting's act on what is painted already, but for the last. The textures
of a photograph are left out: on three pairs their whole range changes a small result by 3.7 to 5.5/255, two fifths of
the strength by 15 to 21."""

OF_FIELD = ("freedom", "strength_per_layer", "correspondence")
"""Settings that a photograph's colours are solved for. The strength and what is kept cost nothing."""

DRAFT_LAYERS = 1
"""Of what has to be solved for from the start. A photograph takes half the time, and is on three pairs .7 to 2.5/255
from that with all; so does a painting at 128 px, which is as like that at 512 px as one with all, to the eye."""

LEAST_STRENGTH = 0.1
"""Below it all variations look like the picture itself: they are then varied from the full strength."""

TURNS = (1.0, 0.5, 1.5, 0.25)
"""Steps of a round, as shares of its width, until there are nine."""


def around(settings: Settings, outcome: str, styles: int = 0, width: float = WIDEST) -> list[Variant]:
    """Nine variations, all different, of which the first is the present look.

    Parameters
    ----------
    settings : Settings
    outcome : str
        What they lead to, "photo" or "painting", where they leave that open, too.
    styles : int
        How many other styles there are to be tried.
    width : float
        How far they are apart, from `WIDEST`, at first, to `NARROWEST`.
    """
    chosen = [Variant("present", settings)]
    found = {(settings, chosen[0].style)}
    if settings.strength < LEAST_STRENGTH:
        settings = dataclasses.replace(settings, strength=1.0)
    wide = _wide(settings, outcome, styles) if width == WIDEST else iter(())
    for variant in chain(wide, _narrow(settings, outcome, width)):
        if (variant.settings, variant.style) not in found:
            found.add((variant.settings, variant.style))
            chosen.append(variant)
        if len(chosen) == NINE:
            break
    return chosen


def narrower(width: float) -> float:
    """How far the next round's are apart."""
    return max(NARROWEST, width * NARROWING)


def draft(variant: Variant, present: Settings, outcome: str) -> Settings:
    """The settings with which a variation's small picture is made; of the present look that of a photograph is true.

    Before the outcome of the present look is known, it is "".
    """
    settings = variant.settings
    becomes = settings.mode if settings.mode in (PHOTO, PAINTING) else outcome
    if becomes != PHOTO:
        size = LARGEST_PAINTED if settings.size == AUTOMATIC_SIZE else min(settings.size, LARGEST_PAINTED)
        settings = dataclasses.replace(settings, size=size)
    is_new = variant.style is not None or becomes != (outcome or becomes)
    if is_new or (becomes == PHOTO and _differ(settings, present, OF_FIELD)):
        return dataclasses.replace(settings, layers=min(settings.layers, DRAFT_LAYERS))
    return settings


def in_turn(variants: list[Variant]) -> list[int]:
    """The order in which they are made, the quickest first: those that share most with the present one."""
    present = variants[0].settings

    def cost(number: int) -> tuple[bool, bool, bool, bool, int]:
        one = variants[number]
        solved = _differ(one.settings, present, (*OF_FIELD, "structure"))
        return number > 0, one.style is not None, solved, one.kind == PAINTING, number

    return sorted(range(len(variants)), key=cost)


def _differ(one: Settings, other: Settings, names: tuple[str, ...]) -> bool:
    return any(getattr(one, name) != getattr(other, name) for name in names)


def _wide(settings: Settings, outcome: str, styles: int) -> Iterator[Variant]:
    """What a look may become: the other outcome, other styles, what is kept, and each number in its first direction."""
    of_outcome = dataclasses.replace(settings, mode=outcome)
    firsts = [next(dial.variants(settings, WIDEST)) for dial in DIALS[outcome]]
    if outcome == PHOTO:
        yield Variant(PAINTING, dataclasses.replace(settings, mode=PAINTING))
        yield from STRENGTH.variants(settings, WIDEST)
        yield from _styles(of_outcome, min(2, styles))
        yield from _kept(settings)
        yield _places(settings)
        yield from STRENGTH.variants(settings, WIDEST / 2)
        yield from firsts[1:]
    else:
        yield Variant(PHOTO, dataclasses.replace(settings, mode=PHOTO))
        yield from STROKES.variants(settings, WIDEST)
        yield from _styles(of_outcome, min(1, styles))
        keep_colours, keep_tones = _kept(settings)
        yield keep_colours
        yield from (firsts[4], firsts[1], firsts[2])
        yield keep_tones


def _narrow(settings: Settings, outcome: str, width: float) -> Iterator[Variant]:
    """Each number a little lower and a little higher; the costly one not twice."""
    for turn, share in enumerate(TURNS):
        for dial in DIALS[outcome]:
            if turn == 0 or dial is not FREEDOM:
                yield from dial.variants(settings, width * share)


def _styles(settings: Settings, styles: int) -> Iterator[Variant]:
    for number in range(styles):
        yield Variant("style", dataclasses.replace(settings, match=()), number)


def _kept(settings: Settings) -> Iterator[Variant]:
    """What is kept of the target, the other way round; one excludes the other."""
    colours, tones = settings.keep_colours, settings.keep_tones
    yield Variant(
        "style-colours" if colours else "keep-colours",
        dataclasses.replace(settings, keep_colours=not colours, keep_tones=False),
    )
    yield Variant(
        "style-tones" if tones else "keep-tones",
        dataclasses.replace(settings, keep_tones=not tones, keep_colours=False),
    )


def _places(settings: Settings) -> Variant:
    """Places matched or not, the other way round."""
    off = settings.correspondence == "off"
    return Variant(
        "matched" if off else "all-alike", dataclasses.replace(settings, correspondence="auto" if off else "off")
    )
