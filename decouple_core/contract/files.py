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
            raise InputError(f"{path} is a folder; give the name of a file.")
        path = path.resolve()  # a link's file is what will be written
        if not path.parent.exists():
            raise InputError(f"The folder {path.parent} does not exist; make it or choose another one.")
        with tempfile.TemporaryFile(dir=path.parent):  # asking for permissions would not find a read-only disk
            pass
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise InputError(f"{path} cannot be written ({_reason(error)}); choose another place.") from error


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
        raise InputError(f"The folder {path} cannot be written ({_reason(error)}); choose another one.") from error


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
        raise InputError(f"{path} cannot be written ({_reason(error)}); make room or choose another place.") from error
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
