"""Where the program keeps what it fetches and makes for itself.

Standard library only: the installer, which runs before anything else is there, uses it too.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from decouple_contract.errors import InputError

FOLDER_NAME = "decoupled-style"

STYLE_SUFFIX = ".style"
"""Files with this ending hold the features of a style, not a picture."""

MARKER = "installation.json"
"""What install.py leaves in the folder, so that it is known as this program's own."""


def possible(path: str | os.PathLike[str]) -> Path:
    """The path, which Python would refuse in words of its own where no system has such a name.

    Raises
    ------
    InputError
        For one with a character of number 0, or with half of one (a surrogate, as JSON can hold it).
    """
    name = os.fsdecode(path)
    try:
        os.fsencode(name)
    except UnicodeEncodeError as error:
        raise InputError("path-impossible", path=ascii(name)) from error
    if "\0" in name:
        raise InputError("path-impossible", path=ascii(name))
    return Path(name)


def data_folder() -> Path:
    """The folder of this user's private environment, weights and logs.

    `DECOUPLE_HOME` names it where set. An environment that install.py made belongs to the folder it lies in, wherever
    that is. Otherwise it is the platform's place for a user's application data:
    ``%LOCALAPPDATA%`` on Windows, ``~/Library/Application Support`` on macOS and, by the XDG base directory
    specification, ``$XDG_DATA_HOME`` or ``~/.local/share`` elsewhere. The folder need not exist yet.

    Raises
    ------
    InputError
        When the user has no folder of their own.
    """
    chosen = os.environ.get("DECOUPLE_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    around = Path(sys.prefix).parent
    if (around / MARKER).is_file():
        return around
    try:
        home = Path.home()
    except RuntimeError as error:
        raise InputError("user-without-folder") from error
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        xdg = os.environ.get("XDG_DATA_HOME", "")
        # The specification says to ignore a relative path.
        base = Path(xdg) if os.path.isabs(xdg) else home / ".local" / "share"
    return base / FOLDER_NAME
