"""Files that users ask for: refused before the work where they cannot be written, and never there by half."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import InputError


def check_file(path: str | Path) -> None:
    """Refuse, before any work is done, a place where a file cannot be written after it.

    Raises
    ------
    InputError
        Where a folder is in the file's place, or its own folder is missing or takes no files.
    """
    path = Path(path).absolute()
    try:
        if path.is_dir():
            raise InputError("file-is-folder", path=str(path))
        path = path.resolve()  # a link's file is what will be written
        if not path.parent.exists():
            raise InputError("folder-missing", path=str(path.parent))
        with tempfile.TemporaryFile(dir=path.parent):  # asking for permissions would not find a read-only disk
            pass
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise InputError("file-unwritable", path=str(path), reason=reason(error)) from error


def check_folder(path: str | Path) -> None:
    """Refuse a folder that cannot be filled, or made and filled; it is not made yet.

    Raises
    ------
    InputError
        Where a file is in its way, or the nearest folder that is there takes no files.
    """
    path = Path(path).absolute()
    try:
        there = path
        while not os.path.lexists(there):
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError("folder-unwritable", path=str(path), reason=reason(error)) from error


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """A new file's path, which takes the place of `path` if the block ends well and is removed if it does not.

    Yields
    ------
    Path
        In the same folder, so that the replacement is one step: whoever looks sees the old file or the whole new one.

    Raises
    ------
    InputError
        When the disk refuses the file.
    """
    path = Path(path)
    beside: Path | None = None
    try:
        whole = path.resolve()  # a link keeps pointing to its file
        # Not made of the name, which may be as long as the system allows; random, for writers at the same time.
        beside = whole.with_name(f".{secrets.token_hex(8)}.part")
        yield beside
        os.replace(beside, whole)
    except OSError as error:
        raise InputError("file-unwritable", path=str(path), reason=reason(error)) from error
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def reason(error: Exception) -> str:
    """Why, in the operating system's own words where it is one of its errors."""
    return getattr(error, "strerror", None) or str(error)
