"""What a batch is to make: one picture for every target and style, each under a name of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.paths import STYLE_SUFFIX, possible
from decouple_core.batch.entries import Entry

if TYPE_CHECKING:
    from decouple_core.batch.results import Results
    from decouple_core.batch.work import Task

PICTURES = frozenset(
    (
        ".png",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".mpo",
        ".tif",
        ".tiff",
        ".webp",
        ".avif",
        ".heic",
        ".heif",
        ".hif",
        ".jxl",
        ".exr",
        ".jp2",
        ".j2k",
        ".gif",
        ".bmp",
        ".ppm",
        ".pgm",
        ".pbm",
        ".psd",
    )
)
"""Endings of what is taken from a folder. A file that is named itself is tried whatever it is called."""


def targets_of(paths: Iterable[str], styles: Sequence[Path]) -> list[Path]:
    """The files that are named, and the pictures of the folders that are; each once, styles of these folders left out.

    Raises
    ------
    InputError
        For a folder that cannot be read or has no pictures.
    """
    return _unique(path for given in paths for path in _files_of(given, PICTURES, leave_out=styles))


def styles_of(paths: Iterable[str]) -> list[Path]:
    """The same of styles: pictures and ``.style`` files."""
    return _unique(path for given in paths for path in _files_of(given, PICTURES | {STYLE_SUFFIX}))


def _files_of(given: str, endings: frozenset[str], leave_out: Sequence[Path] = ()) -> list[Path]:
    folder = possible(given).absolute()
    if not folder.is_dir():
        return [folder]
    try:
        found = [
            path
            for path in sorted(folder.iterdir())
            if path.suffix.lower() in endings
            and not path.name.startswith(".")
            and path.is_file()
            and path not in leave_out
        ]
    except OSError as error:
        raise as_failure(error, InputError("file-unreadable", path=str(folder), reason=reason(error))) from error
    if not found:
        raise InputError("batch-empty", path=str(folder))
    return found


def _unique(paths: Iterable[Path]) -> list[Path]:
    """Each file once, however it was named."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def check_apart(targets: Iterable[Path], folder: Path) -> None:
    """Refuse a target that lies where the results go.

    Raises
    ------
    InputError
    """
    there = os.path.realpath(folder)
    if any(os.path.dirname(os.path.realpath(target)) == there for target in targets):
        raise InputError("batch-in-place", path=there)


class Names:
    """Names in a folder of results, each given once.

    Parameters
    ----------
    folder : Path
        What lies there keeps its name.
    remembered : iterable of str
        What earlier runs have given.
    """

    def __init__(self, folder: Path, remembered: Iterable[str]) -> None:
        self._taken = {name.casefold() for name in (*os.listdir(folder), *remembered)}
        self._going_on: dict[tuple[str, str, str], Iterator[str]] = {}

    def free(self, target: Path, style: Path | None, suffix: str) -> str:
        """A name that is not taken, of the target's and, if given, the style's."""
        stem = f"{target.stem}_{style.stem}" if style else target.stem
        key = stem, target.parent.name, suffix
        names = self._going_on.setdefault(key, _names(*key))  # what was taken once is not tried again
        name = next(name for name in names if name.casefold() not in self._taken)
        self._taken.add(name.casefold())
        return name


def _names(stem: str, parent: str, suffix: str) -> Iterator[str]:
    yield stem + suffix
    yield f"{stem}_{parent}{suffix}"
    for number in count(2):
        yield f"{stem}_{number}{suffix}"


def entries_of(
    targets: Sequence[Path],
    styles: Sequence[Path],
    remembered: Mapping[str, Entry],
    names: Names,
    ending: str | None,
    written: Sequence[str],
) -> list[Entry]:
    """One entry for every target and style, style after style, under the name that it has already or a new one.

    Parameters
    ----------
    targets, styles : sequence of Path
    remembered : mapping of Entry
        Of earlier runs, by name; these names stay with their target and style.
    names : Names
        Of the folder of results.
    ending : str, optional
        Of all results, such as ``.png``; otherwise that of each target.
    written : sequence of str
        Endings that can be written; a target of another kind becomes a PNG.
    """
    known = {(entry.target, entry.style, Path(name).suffix): entry for name, entry in remembered.items()}
    entries = []
    for style in styles:
        for target in targets:
            own = target.suffix.lower() if target.suffix.lower() in written else ".png"
            suffix = ending or own
            entry = known.get((str(target), str(style), suffix))
            if entry is None:
                name = names.free(target, style if len(styles) > 1 else None, suffix)
                entry = Entry(str(target), str(style), name)
            entries.append(entry)
    return entries


def to_make(
    entries: Sequence[Entry], recipes: Mapping[str, str], results: Results, names: Names, *, several: bool
) -> dict[Task, Entry]:
    """What is not made, or not of these settings, style and target.

    A file that this folder's batches have not made, or that somebody has changed since, is theirs: the new one gets
    another name.

    Parameters
    ----------
    entries : sequence of Entry
    recipes : mapping of str
        What the results are to be made with, by style.
    results : Results
        Told of all that is new.
    names : Names
    several : bool
        Whether names hold the style's.
    """
    from decouple_core.batch.work import Task

    todo = {}
    for entry in entries:
        place = results.folder / entry.output
        there = os.path.lexists(place)
        if there and entry.recipe == recipes[entry.style] and entry.made_of and entry.made_of.fits(Path(entry.target)):
            results.entries[entry.output] = replace(entry, outcome="done", problem="")
            continue
        if there and not (entry.made and entry.made.fits(place)):
            results.entries.pop(entry.output, None)
            name = names.free(Path(entry.target), Path(entry.style) if several else None, Path(entry.output).suffix)
            entry = Entry(entry.target, entry.style, name)
        entry = replace(entry, outcome="waiting", seconds=0.0, problem="")
        results.entries[entry.output] = entry
        todo[Task(entry.target, entry.style, str(results.folder / entry.output), str(results.workshop))] = entry
    return todo
