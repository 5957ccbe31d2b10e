"""What is this user's alone on a machine with others: folders that nobody else enters, files and connections of ours.

Windows keeps others out of a user's data folder by itself.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
import struct
import sys
from pathlib import Path


def private_folder(path: Path) -> Path:
    """Make a folder that only this user can enter, or make sure that an existing one is.

    Raises
    ------
    PermissionError
        Where it belongs to somebody else, or lies in the folder of somebody else, who could put another in its place.
    """
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    if sys.platform != "win32":
        around = path.parent
        if not {around.lstat().st_uid, around.stat().st_uid} <= {os.geteuid(), _root()}:
            raise _foreign(around)
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise _foreign(path)
        _close(path, 0o077)
        if around.stat().st_uid == os.geteuid():
            _close(around, stat.S_IWOTH)
    return path


def opened(path: Path) -> int:
    """A file that this user has put into a `private_folder`, open for reading.

    Raises
    ------
    OSError
        For any other file, and for what is none: a link, a pipe.
    """
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    try:
        found = os.fstat(number)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), str(path))
        if sys.platform != "win32" and not found.st_uid == path.parent.lstat().st_uid == os.geteuid():
            raise _foreign(path)
    except OSError:
        os.close(number)
        raise
    return number


def partner(connection: socket.socket) -> int | None:
    """The process at the other end of a local connection; None where the system does not tell.

    Raises
    ------
    PermissionError
        Where it is another user's.
    """
    with contextlib.suppress(AttributeError, struct.error):
        if sys.platform == "linux":
            pid, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
            if user != os.geteuid():
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
            return int(pid)
        with contextlib.suppress(OSError):
            return int(struct.unpack("i", connection.getsockopt(0, 2, 4))[0])  # SOL_LOCAL, LOCAL_PEERPID of macOS
    return None


def _root() -> int:
    """Who administers the machine; in a container that may be another number than 0."""
    return os.stat("/").st_uid


def _foreign(path: Path) -> PermissionError:
    return PermissionError(errno.EPERM, "it is not this user's own", str(path))


def _close(path: Path, permissions: int) -> None:
    """Take these permissions away, where others have them."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & permissions:
        path.chmod(mode & ~permissions)
