"""One picture of a batch: read, stylised, written. The parts are apart, so that they can go on side by side."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from decouple_contract.errors import DecoupleError, DiskFullError, InputError, WeightsError
from decouple_contract.files import refused
from decouple_contract.messages import Message
from decouple_contract.paths import STYLE_SUFFIX
from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_core.batch.entries import Stamp
from decouple_core.pictures.reading import Image, read_image
from decouple_core.pictures.writing import check_output, write_like
from decouple_core.request import Input, Request

if TYPE_CHECKING:
    from decouple_core.engine import Engine
    from decouple_core.features.style import Style
    from decouple_core.outcomes.colour_by_place import Look
    from decouple_core.outcomes.field import Field


@dataclass(frozen=True)
class Task:
    """A picture to make.

    Attributes
    ----------
    target, style, output : str
        Absolute paths, which whoever makes it can read and write.
    workshop : str
        The folder on the same disk where it is written; giving it its place is up to whoever keeps the results.
    """

    target: str
    style: str
    output: str
    workshop: str


@dataclass(frozen=True)
class Part:
    """A result that has no place yet: its path, and its stamp with the digest."""

    path: str
    stamp: Stamp


@dataclass(frozen=True)
class TaskResult:
    """What has become of a task: the target as it was and what was made of it, or why it failed; and remarks on it."""

    seconds: float
    made_of: Stamp | None = None
    part: Part | None = None
    problem: DecoupleError | None = None
    remarks: tuple[Message, ...] = ()


@dataclass(frozen=True, eq=False)
class Loaded:
    """A target as it was read."""

    image: Image
    stamp: Stamp
    seconds: float


@dataclass(frozen=True, eq=False)
class LoadedStyle:
    """A style: the features of a file, or a picture.

    With `colour` it is that of a series with one look, fitted on all of it.
    """

    source: Input | Style
    colour: Field | Look | None = None


def read(task: Task) -> Loaded:
    """The target, with what tells it from an edited one."""
    start = time.perf_counter()
    path, before = Path(task.target), Stamp(0, 0)
    with contextlib.suppress(OSError):  # the reader tells it better
        before = Stamp.of(path)
    image = read_image(path)
    check_output(task.output, (image.pixels.shape[0], image.pixels.shape[1]))
    after = Stamp.of(path, digest=True)
    edited = replace(after, sha256="") != before  # while it was read: which content was it? It is made again.
    return Loaded(image, before if edited else after, time.perf_counter() - start)


def read_style(path: str) -> LoadedStyle:
    """A picture or a ``.style`` file."""
    if Path(path).suffix == STYLE_SUFFIX:
        from decouple_core.features.style import Style

        return LoadedStyle(Style.load(path))
    image = read_image(path)
    picture = Input(image.pixels, image.alpha)
    picture.as_style()  # one that nobody can see is refused once, not with every target
    return LoadedStyle(picture)


def stylise(
    engine: Engine, target: Loaded, style: LoadedStyle, settings: Settings, progress: Progress = silent
) -> np.ndarray:
    """The target in the style, (H, W, 3) float32: what `transfer` makes of the two."""
    request = Request(Input(target.image.pixels, target.image.alpha), style.source, settings, colour=style.colour)
    return engine.transfer(request, progress=progress).image


def with_one_look(
    engine: Engine, style: LoadedStyle, series: Sequence[str], settings: Settings, progress: Progress = silent
) -> LoadedStyle:
    """The style with the colour part that a series is given, fitted on these pictures of it.

    Raises
    ------
    DecoupleError
        Where none of them can be used; one that cannot is left out.
    """
    from decouple_core.features.style import Style

    problems: list[Exception] = []

    def usable() -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        for path in series:
            try:
                image = read_image(path)
                yield image.pixels, Input(image.pixels, image.alpha).as_target()
            except InputError as error:
                problems.append(error)
                if len(problems) == len(series):
                    raise

    features = (
        style.source
        if isinstance(style.source, Style)
        else engine.read_style(style.source, settings, for_any=False, progress=progress)
    )
    return LoadedStyle(features, engine.fit_together(usable(), features, settings, progress))


def write(task: Task, result: np.ndarray, target: Loaded) -> Part:
    """Write the result, whole, in the workshop."""
    path = Path(task.workshop) / f"{secrets.token_hex(8)}{Path(task.output).suffix}"
    try:
        write_like(path, result, target.image)
        return Part(str(path), Stamp.of(path, digest=True))
    except OSError as error:
        raise refused(task.output, error) from error
    except DecoupleError as error:  # named after the result, of which people know
        told = {name: task.output if value == str(path) else value for name, value in error.message.arguments.items()}
        raise type(error)(error.message.code, **told) from error


def ends_all(error: DecoupleError) -> bool:
    """Whether the next picture would fail of the same."""
    return isinstance(error, (WeightsError, DiskFullError)) or error.message.code.startswith("style-")
