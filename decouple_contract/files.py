"""Files that users ask for: refused before the work where they cannot be written, and never there by half."""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import re
import secrets
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO

from decouple_contract.errors import DecoupleError, DiskFullError, InputError
from decouple_contract.failures import FULL, as_failure, reason
from decouple_contract.paths import possible

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


def check_file(path: str | Path) -> None:
    """Refuse, before any work is done, a place where a file cannot be written after it.

    Raises
    ------
    InputError
        Where a folder, a device, a pipe or a read-only file is in the file's place, or its own folder is missing or
        takes no files.
    """
    path = possible(path).absolute()
    try:
        path = path.resolve()  # a link's file is what will be written
        _check_place(path)
        if not path.parent.exists():
            raise InputError("folder-missing", path=str(path.parent))
        with tempfile.TemporaryFile(dir=path.parent):  # asking for permissions would not find a read-only disk
            pass
    except (OSError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        raise as_failure(error, InputError("file-unwritable", path=str(path), reason=reason(error))) from error


def check_folder(path: str | Path) -> None:
    """Refuse a folder that cannot be filled, or made and filled; it is not made yet.

    Raises
    ------
    InputError
        Where a file is in its way, or the nearest folder that is there takes no files.
    """
    path = possible(path).absolute()
    try:
        there = path
        while not os.path.lexists(there):
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise as_failure(error, InputError("folder-unwritable", path=str(path), reason=reason(error))) from error


def check_regular(path: Path) -> None:
    """Refuse to read what is no file: a pipe would be waited for, a device read without end.

    Raises
    ------
    InputError
        For a folder, a device or a pipe.
    OSError
        Where nothing is there, or nobody may look.
    """
    mode = possible(path).stat().st_mode
    if stat.S_ISDIR(mode):
        raise InputError("file-is-folder", path=str(path))
    if not stat.S_ISREG(mode):
        raise InputError("file-special", path=str(path))


def write_whole(path: str | Path, content: bytes) -> None:
    """Write a file whose content is there already; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A new file to be written, which takes the place of `path` if the block ends well and is removed if it does not.

    Yields
    ------
    BinaryIO
        To write to, seek in and read from. It lies in the same folder, so that the replacement is one step: whoever
        looks sees the old file or the whole new one.

    Raises
    ------
    InputError
        Where something is in its place that is not to be replaced, as in `check_file`, or the disk refuses the file.
    DiskFullError
        When the disk has no room for it.

    Notes
    -----
    Nothing is replaced before all bytes are on the disk, even where whoever wrote them passed over an error. A file
    that is replaced hands down its permissions and, as far as the system lets us, its owner. What a process left there
    that was killed while it wrote is removed by the next one that writes to the same folder.
    """
    path = possible(path)
    try:
        whole = path.resolve()  # a link keeps pointing to its file
        before = _check_place(whole)
        _remove_left_overs(whole.parent)
        with _Part(whole.parent) as part:
            yield part.file
            part.settle()
            _check_place(whole)  # much may have come to lie there in the meantime
            if before is not None:
                _hand_down(before, part.path)
            part.put(whole)
    except OSError as error:
        raise refused(path, error) from error


class _Raw(io.FileIO):
    """A file that remembers what it was refused, and how long it ought to be.

    Attributes
    ----------
    refused : OSError or None
        The first. Libraries in C pass over one where they cannot raise it, and leave a gap.
    end : int
        Bytes up to the last that was written.
    """

    refused: OSError | None = None
    end = 0

    def write(self, content: ReadableBuffer, /) -> int:
        """Write as much as the system takes at once."""
        try:
            count = os.write(self.fileno(), content)
        except OSError as error:
            self.refused = self.refused or error
            raise
        self.end = max(self.end, self.tell())
        return count


class _Checked(io.BufferedRandom):
    """A buffered file without a number.

    Libraries that are given one write to it by themselves, and Pillow takes a part that was written for the whole.
    """

    def fileno(self) -> int:
        """None."""
        raise io.UnsupportedOperation("fileno")


class _Part:
    """A file on its way, in the folder of the one that it will be.

    As long as its process lives it is held, by a lock or, on Windows, by being open.
    """

    def __init__(self, folder: Path) -> None:
        # Not named after the file, whose name may be as long as the system allows.
        while True:
            self.path = folder / f".decouple-{secrets.token_hex(8)}.part"
            self._raw = _Raw(self.path, "x+")
            if _held(self._raw) and self.path.exists():
                break
            self._raw.close()  # another process took it for a left-over in between, and removes it
        self.file = _Checked(self._raw, BUFFER_BYTES)

    def __enter__(self) -> _Part:
        return self

    def settle(self) -> None:
        """Have all of it on the disk; OSError where some is not."""
        self.file.flush()
        if self._raw.refused is not None:
            raise self._raw.refused
        os.fsync(self._raw.fileno())  # some disks say only now that they are full
        if os.fstat(self._raw.fileno()).st_size != self._raw.end:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def put(self, whole: Path) -> None:
        """Give it its place."""
        if sys.platform == "win32":  # what is open cannot be renamed there
            self.file.close()
        os.replace(self.path, whole)
        _sync_folder(whole.parent)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # of what is given up
            self.file.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
        if isinstance(error, Exception) and self._raw.refused is not None:
            raise self._raw.refused from error  # whatever a library made of it


BUFFER_BYTES = 2**20
"""Some libraries write a few bytes at a time."""


def _held(file: io.FileIO) -> bool:
    """Hold a file until it is closed, or its process ends; False where another process does."""
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks: nobody can take one for a left-over
            pass
    return True


@functools.lru_cache(maxsize=1024)
def _remove_left_overs(folder: Path) -> None:
    """Remove what processes left in a folder that were killed while they wrote; once is enough, folders may be long."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if LEFT_OVER.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError):
                    _remove_if_left(Path(entry.path))


LEFT_OVER = re.compile(r"\.decouple-[0-9a-f]{16}\.part")
"""The names of files on their way."""


def _remove_if_left(path: Path) -> None:
    """Remove a file on its way whose process has ended; OSError where one writes it."""
    if sys.platform == "win32":  # only what is open cannot be removed there, and before it is renamed it is not
        if time.time() - path.stat().st_mtime > RENAMING_SECONDS:
            path.unlink()
        return
    with path.open("rb+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()


RENAMING_SECONDS = 60.0
"""Far more than closing and renaming a file takes."""


def _sync_folder(folder: Path) -> None:
    """Have a new name on the disk, too, where the system can do that; without it the old file may come back, whole."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            number = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


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


def put(part: Path, path: Path, *, replaces: bool) -> None:
    """Give a finished file its place, in one step; both are on one disk.

    Parameters
    ----------
    part, path : Path
        Where it is, and where it belongs.
    replaces : bool
        Whether it may take the place of an ordinary file, which hands down its permissions and owner; otherwise nothing
        that is there is touched, even where it has come there this moment.

    Raises
    ------
    OSError
        FileExistsError among others.
    InputError
        Where something is in its place that is not to be replaced, as in `check_file`.
    """
    if replaces:
        before = _check_place(path)
        if before is not None:
            _hand_down(before, part)
        os.replace(part, path)
    elif sys.platform == "win32":
        os.rename(part, path)  # refused there where a file is
    else:
        try:
            os.link(part, path)
            part.unlink()
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            if os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            os.rename(part, path)


def refused(path: str | Path, error: OSError) -> DecoupleError:
    """What it means for a file that the system refuses to write it."""
    if error.errno in FULL:
        return DiskFullError("file-disk-full", path=str(path))
    return as_failure(error, InputError("file-unwritable", path=str(path), reason=reason(error)))
