"""Files that users ask for: refused before the work where they cannot be written, and never there by half."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .errors import DiskFullError, InputError

FULL = (errno.ENOSPC, errno.EDQUOT)
"""How the system says that there is no room."""


def check_file(path: str | Path) -> None:
    """Refuse, before any work is done, a place where a file cannot be written after it.

    Raises
    ------
    InputError
        Where a folder, a device, a pipe or a read-only file is in the file's place, or its own folder is missing or
        takes no files.
    """
    path = Path(path).absolute()
    try:
        path = path.resolve()  # a link's file is what will be written
        _check_place(path)
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


def check_regular(path: Path) -> None:
    """Refuse to read what is no file: a pipe would be waited for, a device read without end.

    Raises
    ------
    InputError
        For a folder, a device or a pipe.
    OSError
        Where nothing is there, or nobody may look.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise InputError("file-is-folder", path=str(path))
    if not stat.S_ISREG(mode):
        raise InputError("file-special", path=str(path))


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
        Where something is in its place that is not to be replaced, as in `check_file`, or the disk refuses the file.
    DiskFullError
        When the disk has no room for it.

    Notes
    -----
    A file that is replaced hands down its permissions and, as far as the system lets us, its owner.
    """
    path = Path(path)
    beside: Path | None = None
    try:
        whole = path.resolve()  # a link keeps pointing to its file
        before = _check_place(whole)
        # Not made of the name, which may be as long as the system allows; random, for writers at the same time.
        beside = whole.with_name(f".{secrets.token_hex(8)}.part")
        yield beside
        _check_place(whole)  # much may have come to lie there in the meantime
        if before is not None:
            _hand_down(before, beside)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())  # some disks say only now that they are full
        os.replace(beside, whole)
    except OSError as error:
        if error.errno in FULL:
            raise DiskFullError("file-disk-full", path=str(path)) from error
        raise InputError("file-unwritable", path=str(path), reason=reason(error)) from error
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)


def _check_place(path: Path) -> os.stat_result | None:
    """What is known of an ordinary file that may be replaced, None where none is; InputError for anything else."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise InputError("file-is-folder", path=str(path))
    if not stat.S_ISREG(found.st_mode):
        raise InputError("output-special", path=str(path))
    # For root everything may be written; without any such permission, somebody has protected it.
    if not found.st_mode & 0o222 or not os.access(path, os.W_OK):
        raise InputError("output-read-only", path=str(path))
    return found


def _hand_down(before: os.stat_result, path: Path) -> None:
    """Give a new file the owner and permissions of the one whose place it takes."""
    if hasattr(os, "chown"):
        for owner, group in ((before.st_uid, -1), (-1, before.st_gid)):
            with contextlib.suppress(PermissionError):  # another's file becomes ours, as with any editor
                os.chown(path, owner, group)
    os.chmod(path, stat.S_IMODE(before.st_mode))


def reason(error: Exception) -> str:
    """Why, in the operating system's own words where it is one of its errors."""
    return getattr(error, "strerror", None) or str(error)
