"""The one table of settings, read by the command line, the worker and the plug-in alike.

Each field of `Settings` is one setting. Its metadata holds the words, the range, the unit and the dependence that the
command line turns into ``--help`` and the plug-in into a dialog.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

from decouple_contract.errors import InputError
from decouple_contract.labels import QUALITY
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS

LAYER_COUNT = 5
"""VGG layers of the hierarchy, block1_conv1 to block5_conv1; layer 0, the colours, comes on top."""

FINE_LAYER_COUNT = 3
"""Those from the first on that every outcome uses; the deeper ones take part in a painting as a whole alone."""

LAYER_NAMES = ("colour", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")


COMPONENTS = ("colour", "forms", "strokes", "grain")
"""What a painting is the sum of."""

OF_RENDERING = ("amounts", "keep_detail", "keep_colours", "keep_tones")
"""Settings that change no component, so that a result is had in others without a solve."""

OF_PAINTING = ("size", "style_scale", "structure", "fill")
"""Settings that change no photograph."""

OF_PLACES = ("correspondence", "match")
"""Settings that say which places of the style a place takes from."""

MATCH_LENGTH = 4
"""Numbers of a pair of spots: x and y of the target's, x and y of the style's."""

Spot = tuple[float, float]
"""x and y of a spot, as shares of its picture's width and height."""

OF_THESIS = {
    "activation": {"relu": "ReLU"},
    "integrator": {"rk4": "Runge-Kutta 4", "euler": "Euler with correction", "sgd": "Gradient descent of the thesis"},
}
"""The thesis's own ways (`decouple_core.thesis`), for comparisons: labels by setting and value. No dialog has them."""

AUTOMATIC_SIZE = 0
"""Stands for the size that suits the device."""

PAINTING = {"mode": ("painting", "auto")}


def option(
    default: Any,
    label: str,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    automatic: int | None = None,
    choices: Mapping[str, str] | None = None,
    only_with: Mapping[str, tuple[Any, ...]] | None = None,
) -> Any:
    """Declare one setting.

    Parameters
    ----------
    default : bool, int, float, str or tuple of float
        Its kind is that of every value.
    label, help : str
        Its words, for a dialog and for an explanation.
    low, high : float, optional
        The range, both ends included.
    unit : str
        Of the number, such as "px".
    automatic : int, optional
        A number outside the range that leaves the choice to the program.
    choices : mapping of str to str, optional
        Label by value, for a setting that is one of a few.
    only_with : mapping of str to tuple, optional
        Other settings, by name, with the values under which this one acts; by default it always does.
    """
    return field(
        default=default,
        metadata={
            "label": label,
            "help": help,
            "low": low,
            "high": high,
            "unit": unit,
            "automatic": automatic,
            "choices": dict(choices or {}),
            "only_with": dict(only_with or {}),
        },
    )


@dataclass(frozen=True)
class Settings:
    """What a user can choose about a transfer.

    Values are checked on construction; whole numbers do for others, and any sequence for a tuple. `match` may be
    pairs of points, ((tx, ty), (sx, sy)); it is kept as numbers one after the other.

    Raises
    ------
    InputError
        For a value of the wrong kind or out of range.
    """

    mode: str = option(
        "auto",
        "Result",
        "the kind of result: a photograph, which keeps every detail, or a "
        "painting; auto chooses a painting if the style looks painted",
        choices={"auto": "Automatic", "photo": "Photograph", "painting": "Painting"},
    )
    amounts: tuple[float, ...] = option(
        (),
        "Amounts",
        "how much colour, forms, strokes and grain a painting gets, separated by commas; those not "
        "given get 1, the full amount",
        low=0.0,
        high=1.5,
        only_with=PAINTING,
    )
    style_scale: float = option(
        1.0, "Style scale", "how large the style's patterns appear", low=0.25, high=4.0, only_with=PAINTING
    )
    structure: float = option(
        0.5,
        "Structure",
        "how much of the target's edges a painting keeps, from loose to faithful",
        low=0.0,
        high=1.0,
        only_with=PAINTING,
    )
    fill: float = option(
        1.0,
        "Fill",
        "how many of the style's strokes go on flat areas such as skies",
        low=0.0,
        high=2.0,
        only_with=PAINTING,
    )
    keep_detail: float = option(
        0.5,
        "Keep detail",
        "how much of the target's detail finer than the strokes stays",
        low=0.0,
        high=1.0,
        only_with=PAINTING,
    )
    layers: int = option(
        LAYER_COUNT, "Layers", "how many layers of the network to use, from shallow to deep", low=1, high=LAYER_COUNT
    )
    strength: float = option(
        1.0, "Strength", "how far the picture goes towards the style, from 0 (unchanged) to 1", low=0.0, high=1.0
    )
    strength_per_layer: tuple[float, ...] = option(
        (),
        "Strength per layer",
        "strength of the colours (layer 0) and of each layer after it, "
        "separated by commas and multiplied by --strength; layers not "
        "given get 1",
        low=0.0,
        high=1.0,
    )
    keep_colours: bool = option(
        False, "Keep colours", "keep the target's own colours; take only tones and texture from the style"
    )
    keep_tones: bool = option(False, "Keep tones", "keep the target's own lightness; take only colours from the style")
    freedom: float = option(
        0.5,
        "Colour variation",
        "how freely the picture may change to match the "
        "style's features; the damping is 10^(1 - 3 freedom) "
        "of each layer's response to noise",
        low=0.0,
        high=1.0,
    )
    correspondence: str = option(
        "auto",
        "Places",
        "auto: each place in the target takes its look from places in the "
        "style that show the same kind of thing; off: the picture is "
        "treated as a whole",
        choices={"auto": "Matched", "off": "All alike"},
    )
    match: tuple[float, ...] | Sequence[tuple[Spot, Spot]] = option(
        (),
        "Match",
        "spots that belong together: whatever resembles the target at tx,ty takes "
        "its look from whatever resembles the style at sx,sy; fractions of width and "
        "height from the top left",
        low=0.0,
        high=1.0,
        only_with={"correspondence": ("auto",)},
    )
    allow_black: bool = option(
        False,
        "Keep pure black",
        "let a style that is nearly black, white or flat act in full, even if little of the picture can be made out",
    )
    size: int = option(
        AUTOMATIC_SIZE,
        QUALITY,
        "the longer side, in pixels, at which a painting's finest strokes are "
        "painted; auto: 512 on a processor, 1024 on an accelerator",
        low=32,
        high=4096,
        unit="px",
        automatic=AUTOMATIC_SIZE,
        only_with=PAINTING,
    )
    network: str = option(
        "auto",
        "Network",
        "which network's features; auto takes " + ", else ".join(network.label for network in NETWORKS.values()),
        choices={"auto": "Automatic", **{name: n.label for name, n in NETWORKS.items()}},
    )
    device: str = option(
        "auto",
        "Device",
        "the device that computes; auto tries accelerators first",
        choices={
            "auto": "Automatic",
            "cpu": "Processor",
            "cuda": "NVIDIA or AMD GPU",
            "xpu": "Intel GPU",
            "mps": "Apple GPU",
        },
    )
    activation: str = option(
        "smooth",
        "Activation",
        "smooth makes the flow reversible; relu is the thesis's network (ReLU and max pooling)",
        choices={"smooth": "Smooth", **OF_THESIS["activation"]},
    )
    integrator: str = option(
        "midpoint",
        "Integrator",
        "the rule by which the flow is integrated",
        choices={"midpoint": "Midpoint rule", "reversible": "Time-reversible", **OF_THESIS["integrator"]},
    )
    seed: int = option(
        0,
        "Variation",
        "seed of the noise; another number gives another arrangement of the strokes",
        low=0,
        high=2**31 - 1,
        only_with=PAINTING,
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "match", _one_after_the_other(self.match))
        for row in fields(self):
            value = _of_its_kind(row, getattr(self, row.name))
            object.__setattr__(self, row.name, value)
            choices, low, high = (row.metadata[key] for key in ("choices", "low", "high"))
            if choices and value not in choices:
                raise InputError("setting-choice", setting=row.name, value=repr(value), choices=", ".join(choices))
            if low is not None and value != row.metadata["automatic"]:
                for number in value if isinstance(value, tuple) else (value,):
                    if not low <= number <= high:  # also refuses NaN
                        raise InputError(
                            "setting-range", setting=row.name, value=str(number), low=f"{low:g}", high=f"{high:g}"
                        )
        if self.keep_colours and self.keep_tones:
            raise InputError("nothing-to-transfer")
        if len(self.strength_per_layer) > LAYER_COUNT + 1:
            raise InputError("strengths-many", count=len(self.strength_per_layer), most=LAYER_COUNT + 1)
        if len(self.match) % MATCH_LENGTH:
            raise InputError("match-incomplete", count=len(self.match))
        if len(self.amounts) > len(COMPONENTS):
            raise InputError("amounts-many", count=len(self.amounts), most=len(COMPONENTS))

    @property
    def damping(self) -> float:
        """μ of the damped least-norm solve relative to each layer's answer to noise: 10 (stiff) to 0.01 (free)."""
        return 10.0 ** (1.0 - 3.0 * self.freedom)

    @property
    def strengths(self) -> tuple[float, ...]:
        """Strength of layer 0 … `layers`, each in [0, 1]."""
        given = self.strength_per_layer + (1.0,) * (LAYER_COUNT + 1)
        return tuple(self.strength * s for s in given[: self.layers + 1])

    @property
    def acting_layers(self) -> range:
        """The layers, from 0, whose strength can change the result."""
        as_a_whole = self.mode in PAINTING["mode"] and self.correspondence == "off"
        return range(1 + (LAYER_COUNT if as_a_whole else FINE_LAYER_COUNT))

    @property
    def matches(self) -> list[tuple[float, float, float, float]]:
        """Each pair of spots, (tx, ty, sx, sy)."""
        numbers = cast(tuple[float, ...], self.match)  # since it was checked
        tx, ty, sx, sy = (numbers[axis::MATCH_LENGTH] for axis in range(MATCH_LENGTH))
        return list(zip(tx, ty, sx, sy, strict=True))

    @property
    def all_amounts(self) -> tuple[float, ...]:
        """Amount of each of `COMPONENTS`."""
        return (self.amounts + (1.0,) * len(COMPONENTS))[: len(COMPONENTS)]

    def idle(self, name: str) -> Message | None:
        """Why a setting does not act beside the values of the others; None where it acts."""
        rows = {row.name: row.metadata for row in fields(self)}
        for other, values in rows[name]["only_with"].items():
            if getattr(self, other) not in values:
                labels = [rows[other]["choices"].get(value, str(value)) for value in values]
                return Message("acts-only-with", setting=rows[other]["label"], values=", ".join(labels))
        return None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {
            **dataclasses.asdict(self),
            "strength_per_layer": list(self.strength_per_layer),
            "amounts": list(self.amounts),
            "match": list(self.match),
        }

    def of_components(self) -> dict[str, Any]:
        """The plain values that components depend on: all but those that only rendering reads."""
        return {name: value for name, value in self.as_dict().items() if name not in OF_RENDERING}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from plain values, of which some may be missing.

        Raises
        ------
        InputError
            For a name that is no setting, a value of the wrong kind or one out of range.
        """
        known = {row.name for row in fields(cls)}
        for name in values:
            if name not in known:
                raise InputError("setting-unknown", setting=repr(name))
        return cls(**values)


def register_choice(setting: str, value: str, label: str, *, taken: Container[str] = ()) -> None:
    """Allow one more value of a setting that has choices.

    Parameters
    ----------
    setting : str
        Its name, such as "integrator".
    value, label : str
        What it may be from now on, and the words for it. Those of `OF_THESIS` are known from the start.
    taken : container of str
        Values that somebody has registered.

    Raises
    ------
    InputError
        Where there is no such setting, it has no choices, or the value is one of them already.
    """
    for row in fields(Settings):
        if row.name == setting and row.metadata["choices"]:
            choices, of_thesis = row.metadata["choices"], OF_THESIS.get(setting, {})
            if value in taken or (value in choices and of_thesis.get(value) != label):
                raise InputError("choice-taken", setting=setting, value=repr(value))
            row.metadata["choices"][value] = label
            return
    raise InputError("choices-none", setting=setting)


def read_matches(text: str) -> tuple[float, ...]:
    """Pairs of spots from their words, ``TX,TY=SX,SY`` each, with spaces or semicolons between.

    Raises
    ------
    InputError
        Where it holds anything else.
    """
    numbers = list[float]()
    for pair in text.replace(";", " ").split():
        try:
            (tx, ty), (sx, sy) = (spot.split(",") for spot in pair.split("="))
            numbers += [float(number) for number in (tx, ty, sx, sy)]
        except ValueError as error:
            raise InputError("match-unclear", given=pair) from error
    return tuple(numbers)


def written_matches(numbers: Sequence[float]) -> str:
    """The words for pairs of spots, which `read_matches` understands."""
    pairs = [numbers[first : first + MATCH_LENGTH] for first in range(0, len(numbers), MATCH_LENGTH)]
    return " ".join(f"{tx!r},{ty!r}={sx!r},{sy!r}" for tx, ty, sx, sy in pairs)


def _one_after_the_other(match: Any) -> Any:
    """The numbers of pairs of points; anything else as it is."""
    if _is_sequence(match) and all(_is_pair(pair) and all(map(_is_pair, pair)) for pair in match):
        return tuple(number for pair in match for spot in pair for number in spot)
    return match


def _is_pair(value: Any) -> bool:
    return _is_sequence(value) and len(value) == 2


def _is_sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _of_its_kind(row: dataclasses.Field[Any], value: Any) -> Any:
    """The value as the setting keeps it; `InputError` where it is of another kind."""
    kind = type(row.default)
    if kind is tuple and _is_sequence(value) and all(map(_is_number, value)):
        return tuple(_as_float(number) for number in value)
    if kind is float and _is_number(value):
        return _as_float(value)
    if type(value) is not kind or kind is tuple:
        raise InputError("setting-type", setting=row.name, value=repr(value), kind=kind.__name__)
    return value


def _as_float(number: float) -> float:
    """The number; a whole one beyond the range of floats, which JSON may hold, is infinite, and out of any range."""
    try:
        return float(number)
    except OverflowError:
        return float("inf" if number > 0 else "-inf")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
