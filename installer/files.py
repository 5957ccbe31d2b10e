"""Files and folders: written in one move, listed without following links, removed only where they are ours."""

from __future__ import annotations

import contextlib
import fnmatch
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).resolve().parents[1]
"""The folder that is installed from: a clone, or an unpacked release."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every file in an archive of ours: the same files make the same bytes."""


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file beside, then put it in its place: whoever looks sees the old or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8", newline="")
    beside.chmod(mode)
    os.replace(beside, path)


def read_json(path: Path) -> dict[str, Any]:
    """A file of ours; empty where it is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def walk(folder: Path) -> Iterator[Path]:
    """All files below a folder, links among them, without following those."""
    for parent, folders, names in os.walk(folder):
        folders.sort()
        linked = [name for name in folders if (Path(parent) / name).is_symlink()]
        yield from (Path(parent) / name for name in sorted([*names, *linked]))


def zipped(files: Mapping[str, bytes], programs: Iterable[str] = ()) -> bytes:
    """A zip of these files, the same bytes every time; `programs` get their run bits."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w") as archive:  # not compressed, as the versions of zlib do that differently
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.create_system = 3  # Unix, whose run bits the next line sets
            entry.external_attr = (0o100755 if name in programs else 0o100644) << 16
            archive.writestr(entry, data)
    return result.getvalue()


def source_of(name: str) -> str:
    """The file that Python has compiled this one of; another file's own name."""
    return re.sub(r"__pycache__/([^/.]+)\.[^/]+\.pyc$", r"\1.py", name)


def matches(patterns: Iterable[str], name: str) -> bool:
    """Whether a name is of one of these patterns."""
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def remove_own(folder: Path, ours: Callable[[str], bool]) -> None:
    """Remove what is ours from a folder, then each folder that is empty; says what was removed and what stays.

    A folder that is a link is emptied as any other, and the link is removed: where it leads to is not ours.
    """
    if not os.path.lexists(folder):
        return
    for path in list(walk(folder)):
        if ours(path.relative_to(folder).as_posix()):
            path.unlink()
    for parent, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):  # it holds something
            os.rmdir(parent)
    if folder.is_symlink():
        folder.unlink()
    print(f"{folder} holds other files and stays." if folder.exists() else f"removed {folder}")
