"""What a batch is to make: one picture for every target and style, each under a name of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path

from decouple_core.batch.summary import Entry, Summary
from decouple_core.contract.errors import InputError
from decouple_core.contract.files import reason
from decouple_core.contract.paths import STYLE_SUFFIX

PICTURES = frozenset((".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".avif", ".jxl", ".exr", ".jp2",
                      ".j2k", ".gif", ".bmp", ".ppm", ".pgm", ".pbm", ".psd"))
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
    folder = Path(given).absolute()
    if not folder.is_dir():
        return [folder]
    try:
        found = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in endings
                 and not path.name.startswith(".") and path.is_file() and path not in leave_out]
    except OSError as error:
        raise InputError("file-unreadable", path=str(folder), reason=reason(error)) from error
    if not found:
        raise InputError("batch-empty", path=str(folder))
    return found


def _unique(paths: Iterable[Path]) -> list[Path]:
    """Each file once, however it was named."""
    found: dict[str, Path] = {}
    for path in paths:
        found.setdefault(os.path.realpath(path), path)
    return list(found.values())


def entries_of(targets: Sequence[Path], styles: Sequence[Path], summary: Summary, ending: str | None,
               written: Sequence[str]) -> list[Entry]:
    """One entry for every target and style, style after style, under the name that it has already or a new one.

    Parameters
    ----------
    targets, styles : sequence of Path
    summary : Summary
        Names in it stay with their target and style. Files that are not in it keep theirs.
    ending : str, optional
        Of all results, such as ``.png``; otherwise that of each target.
    written : sequence of str
        Endings that can be written; a target of another kind becomes a PNG.

    Raises
    ------
    InputError
        For a target that lies where the results go.
    """
    folder = os.path.realpath(summary.folder)
    for target in targets:
        if os.path.dirname(os.path.realpath(target)) == folder:
            raise InputError("batch-in-place", path=folder)
    taken = {name.casefold() for name in (*os.listdir(folder), *summary.entries)}
    known = {(entry.target, entry.style, Path(name).suffix): entry for name, entry in summary.entries.items()}
    entries = []
    for style in styles:
        for target in targets:
            own = target.suffix.lower() if target.suffix.lower() in written else ".png"
            suffix = ending or own
            entry = known.get((str(target), str(style), suffix))
            if entry is None:
                entry = Entry(str(target), str(style),
                              _free_name(target, style if len(styles) > 1 else None, suffix, taken))
                taken.add(entry.output.casefold())
            entries.append(entry)
    return entries


def renamed(entry: Entry, summary: Summary, several: bool) -> Entry:
    """The same target and style under a name that no file has."""
    taken = {name.casefold() for name in (*os.listdir(summary.folder), *summary.entries)}
    style = Path(entry.style) if several else None
    return Entry(entry.target, entry.style, _free_name(Path(entry.target), style, Path(entry.output).suffix, taken))


def _free_name(target: Path, style: Path | None, suffix: str, taken: set[str]) -> str:
    """A name that is not taken, of the target's and, if given, the style's."""
    return next(name for name in _names(target, style, suffix) if name.casefold() not in taken)


def _names(target: Path, style: Path | None, suffix: str) -> Iterator[str]:
    stem = f"{target.stem}_{style.stem}" if style else target.stem
    yield stem + suffix
    yield f"{stem}_{target.parent.name}{suffix}"
    for number in count(2):
        yield f"{stem}_{number}{suffix}"
