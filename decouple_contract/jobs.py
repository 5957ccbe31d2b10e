"""What the plug-in asks of the worker, and how that answers: the content of their messages.

A job is one ``transfer`` message; the worker answers with ``queued`` and ``progress`` messages and then exactly one of
``done``, ``failed`` and ``cancelled``. A ``where`` message (`Where`) asks which places of a job's pictures belong
together, by the ``plan`` that its ``done`` message names; a ``places`` message answers it without a solve, while
another job runs, too. What is for people is a `messages.Message` in them; the pixels lie in files (`shared_folders`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from decouple_contract.errors import DecoupleError, ProtocolError
from decouple_contract.messages import Message
from decouple_contract.tables import LEAST_NODES, MOST_NODES, SUFFIXES

SIDE_LIMIT = 524_288
"""Pixels along one side: GIMP's own limit (GIMP_MAX_IMAGE_SIZE)."""

LARGEST_WEIGHT = 1e6
"""Of a style in a mixture: what counts is the ratio, and no artist needs a finer one."""


@dataclass(frozen=True)
class Raster:
    """Raw float32 pixels in the job folder, row by row, R'G'B' or R'G'B'A (sRGB-encoded).

    Attributes
    ----------
    width, height : int
        In pixels.
    channels : int
        3, or 4 with alpha.
    masks : int
        How many files of weights (one float32 a pixel, in [0, 1]) lie beside it; they multiply.
    """

    width: int
    height: int
    channels: int
    masks: int = 0

    def __post_init__(self) -> None:
        sides = all(type(side) is int and 1 <= side <= SIDE_LIMIT for side in (self.width, self.height))
        if not (sides and self.channels in (3, 4) and type(self.masks) is int and 0 <= self.masks <= 4):
            raise ProtocolError(f"not a raster: {self}")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, channels."""
        return self.height, self.width, self.channels


@dataclass(frozen=True)
class View:
    """A window on the result, for a preview: a part of it, at full size or smaller.

    Attributes
    ----------
    longest : int
        Longer side, in pixels, of the result that is looked at; at most the target's.
    x, y, width, height : int
        Where in that result the window lies, in its pixels.
    """

    longest: int
    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        numbers = (self.longest, self.x, self.y, self.width, self.height)
        least = (1, 0, 0, 1, 1)
        if not all(type(n) is int and low <= n <= SIDE_LIMIT for n, low in zip(numbers, least, strict=True)):
            raise ProtocolError(f"not a view: {self}")

    def sides(self, target: Raster) -> tuple[int, int]:
        """Width and height of the result that is looked at."""
        share = min(1.0, self.longest / max(target.width, target.height))
        return max(1, round(target.width * share)), max(1, round(target.height * share))

    def lies_in(self, target: Raster) -> bool:
        """Whether the window is within the result for this target."""
        width, height = self.sides(target)
        return self.x + self.width <= width and self.y + self.height <= height


@dataclass(frozen=True)
class Parts:
    """The wish for the result in layers that add up, made for a document of some precision.

    Attributes
    ----------
    levels : int
        The largest number that a pixel of the document can hold, such as 255; 0 for floats.
    linear : bool
        Whether these numbers are linear in light.
    grey : bool
        Whether it holds lightness alone.
    """

    levels: int = 0
    linear: bool = False
    grey: bool = False

    def __post_init__(self) -> None:
        flags = all(type(flag) is bool for flag in (self.linear, self.grey))
        if type(self.levels) is not int or self.levels < 0 or not flags:
            raise ProtocolError(f"not parts: {self}")


@dataclass(frozen=True)
class Table:
    """The wish for a lookup table in place of a picture: the global part of the look, in a file of `table_file`.

    Attributes
    ----------
    suffix : str
        One of `tables.SUFFIXES`.
    nodes : int
        Along each axis; a HaldCLUT takes the nearest number that it can hold.
    title : str
    """

    suffix: str
    nodes: int
    title: str = ""

    def __post_init__(self) -> None:
        known = self.suffix in SUFFIXES and type(self.nodes) is int and LEAST_NODES <= self.nodes <= MOST_NODES
        if not known or type(self.title) is not str:
            raise ProtocolError(f"not a table: {self}")


@dataclass(frozen=True)
class Ingredient:
    """One of several styles that are mixed for a job, in one of the forms that a `Transfer` takes.

    Attributes
    ----------
    weight : float
        How much it counts beside the others, from 0 to `LARGEST_WEIGHT`.
    style : Raster, optional
        In the file ``style0``, ``style1`` and so on, by its place.
    features : dict, optional
    style_path : str, optional
    """

    weight: float
    style: Raster | None = None
    features: dict[str, Any] | None = None
    style_path: str | None = None

    def __post_init__(self) -> None:
        _check_style(self.style, self.features, self.style_path)
        if type(self.weight) not in (int, float) or not 0 <= self.weight <= LARGEST_WEIGHT:
            raise ProtocolError(f"{self.weight!r} is no weight")


def _check_style(style: Raster | None, features: Any, style_path: Any, mixture: Any = None) -> None:
    """`ProtocolError` unless there is exactly one, of its kind."""
    if sum(given is not None for given in (style, features, style_path, mixture)) != 1:
        raise ProtocolError("a transfer needs exactly one style")
    for value, kind in ((features, dict), (style_path, str)):
        if value is not None and not isinstance(value, kind):
            raise ProtocolError(f"a transfer holds {value!r} where {kind.__name__} belongs")


@dataclass(frozen=True)
class Transfer:
    """One job: the target's pixels, a style in one of four forms, and the settings.

    Attributes
    ----------
    target : Raster
        In the file ``target``; the result has the same shape and keeps its alpha.
    settings : dict
        Of `settings.Settings`.
    style : Raster, optional
        In the file ``style``.
    features : dict, optional
        A decoupled style, as the ``done`` message of a whole picture brings it.
    style_path : str, optional
        A ``.style`` file.
    mixture : tuple of Ingredient, optional
        Several styles, to be mixed.
    target_labels, style_labels : Raster, optional
        Both or neither, and only with `style`: in files of these names, each with the width and height of its picture.
        Equal flat colours are corresponding regions; what is transparent belongs to none.
    view : View, optional
        Only this of the result is wanted, in the file ``result``, with what the target has there in ``before``. The
        files of the job stay, for the next one.
    parts : Parts, optional
        The result is wanted in layers, too: each of `settings.COMPONENTS` in a file of its name, from below. All but
        the first hold ½ and what they add to those below.
    table : Table, optional
        No picture is wanted but a lookup table. The files of the job stay, as for a view.
    """

    target: Raster
    settings: dict[str, Any]
    style: Raster | None = None
    features: dict[str, Any] | None = None
    style_path: str | None = None
    mixture: tuple[Ingredient, ...] | None = None
    target_labels: Raster | None = None
    style_labels: Raster | None = None
    view: View | None = None
    parts: Parts | None = None
    table: Table | None = None

    def __post_init__(self) -> None:
        _check_style(self.style, self.features, self.style_path, self.mixture)
        if not isinstance(self.settings, dict):
            raise ProtocolError(f"a transfer holds {self.settings!r} where dict belongs")
        if self.target_labels is not None or self.style_labels is not None:
            for labels, picture in ((self.target_labels, self.target), (self.style_labels, self.style)):
                if labels is None or picture is None or labels != Raster(picture.width, picture.height, 4):
                    raise ProtocolError(f"a transfer holds {labels} as labels of {picture}")
        if self.view is not None and not (self.parts is None and self.view.lies_in(self.target)):
            raise ProtocolError(f"a transfer holds {self.view} of {self.target}")
        if self.table is not None and (self.view is not None or self.parts is not None):
            raise ProtocolError("a transfer asks for a table and for pictures")

    @property
    def result(self) -> Raster:
        """What the file ``result`` will hold."""
        if self.view is None:
            return Raster(self.target.width, self.target.height, self.target.channels)
        return Raster(self.view.width, self.view.height, self.target.channels)

    def to_message(self) -> dict[str, Any]:
        """The message that asks for this job."""
        values = _plain(self)
        if self.mixture is not None:
            values["mixture"] = [_plain(ingredient) for ingredient in self.mixture]
        return {"kind": "transfer", **values}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Transfer:
        """The job that a message asks for; `ProtocolError` where it is not a whole one."""
        values = {name: value for name, value in message.items() if name != "kind"}
        try:
            for name in ("target", "style", "target_labels", "style_labels"):
                if values.get(name) is not None:
                    values[name] = Raster(**values[name])
            for name, kind in (("view", View), ("parts", Parts), ("table", Table)):
                if values.get(name) is not None:
                    values[name] = kind(**values[name])
            if values.get("mixture") is not None:
                values["mixture"] = tuple(_ingredient(one) for one in values["mixture"])
            return cls(**values)
        except TypeError as error:  # a name too many or too few
            raise ProtocolError(str(error)) from error


@dataclass(frozen=True)
class Where:
    """A question about a plan: which places of the other picture belong to a spot of this one.

    Attributes
    ----------
    x, y : float
        The spot, as shares of its picture's width and height, in [0, 1].
    style : int, optional
        The spot is one of this style, of several by its place, and the answer says which places of the target take from
        it. Without it the spot is one of the target, and the answer says which places of the styles it takes from.
    plan : str, optional
        As a ``done`` message of this worker names it; by default that of the last job.
    """

    x: float
    y: float
    style: int | None = None
    plan: str | None = None

    def __post_init__(self) -> None:
        inside = all(type(at) in (int, float) and 0 <= at <= 1 for at in (self.x, self.y))
        named = self.style is None or (type(self.style) is int and self.style >= 0)
        if not (inside and named and (self.plan is None or type(self.plan) is str)):
            raise ProtocolError(f"no spot of a picture: {self}")

    def to_message(self) -> dict[str, Any]:
        """The message that asks it."""
        return {"kind": "where", **asdict(self)}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Where:
        """The question that a message asks; `ProtocolError` where it is none."""
        try:
            return cls(**{name: value for name, value in message.items() if name != "kind"})
        except TypeError as error:
            raise ProtocolError(str(error)) from error


def places_message(shares: list[list[list[float]]] | None) -> dict[str, Any]:
    """The answer to a `Where`, whose own fields the client finds in it, too.

    Parameters
    ----------
    shares : list or None
        Of each picture that was asked for, row by row, how much of the spot's correspondence lies in each of its
        places: at least 0, adding up to 1 over all. None where nothing is known: before the first job, after one whose
        correspondence was off, or where the plan is no longer kept.
    """
    return {"kind": "places", "shares": shares}


def _plain(value: Transfer | Ingredient) -> dict[str, Any]:
    """Its fields for JSON; a style's features as they are, however deep."""
    given = {row.name: getattr(value, row.name) for row in fields(value)}
    return {name: asdict(one) if isinstance(one, (Raster, View, Parts, Table)) else one for name, one in given.items()}


def _ingredient(values: Mapping[str, Any]) -> Ingredient:
    """What `_plain` gave, checked; TypeError where a name is too many or too few."""
    if not isinstance(values, Mapping):
        raise TypeError(f"{values!r} is no style to mix")
    style = values.get("style")
    return Ingredient(**{**values, "style": Raster(**style) if style is not None else None})


def progress_message(number: int, fraction: float, message: Message) -> dict[str, Any]:
    """How far job `number` is, in [0, 1], and what it does."""
    return {"kind": "progress", "number": number, "fraction": fraction, "message": message.as_dict()}


def failure_message(error: DecoupleError) -> dict[str, Any]:
    """Why a job failed; `errors.from_dict` reads it."""
    return {"kind": "failed", **error.as_dict()}
