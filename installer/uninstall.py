"""Removing all that this program made, and nothing else."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
from pathlib import Path

from decouple_contract.paths import MARKER
from installer.data_folder import (
    DEMONSTRATION,
    DOWNLOADS,
    OWN_FILES,
    alone,
    environments,
    launcher,
    locked,
    remove_downloads,
)
from installer.environment import remove_environment
from installer.files import matches, read_json, remove_own
from installer.gimps import find_gimps, user_folder
from installer.plug_in import remove_plug_in
from installer.switch import stop_worker


def uninstall(home: Path) -> int:
    """Remove the plug-in from every GIMP 3, and from the data folder what this program made."""
    marker = read_json(home / MARKER)
    plug_ins = [
        *(Path(str(path)) for path in marker.get("plug_ins", [])),
        *(gimp.plug_in for gimp in find_gimps(sys.platform, user_folder(), os.environ)),
    ]
    for plug_in in dict.fromkeys(plug_ins):
        remove_plug_in(plug_in, home)
    if not (home / MARKER).exists():
        print(f"There is no installation in {home}.")
        return 0
    (home / DOWNLOADS).mkdir(exist_ok=True)
    with alone(home), contextlib.ExitStack() as locks:
        stop_worker(home)
        if sys.platform != "win32":  # a lock is removed by its holder alone; there, what is open cannot be removed
            for lock in (home / "run" / "lock", home / "weights" / ".lock"):
                if lock.is_file():
                    locks.enter_context(
                        locked(
                            lock,
                            f"The program is at work in {home}; close GIMP, or wait for the "
                            "end of what is running, then run this again.",
                        )
                    )
        for folder in environments(home):
            remove_environment(folder)
        for name, patterns in OWN_FILES.items():
            remove_own(home / name, functools.partial(matches, patterns))
        remove_downloads(home)
        for path in (home / DEMONSTRATION, launcher(home), home / f"{MARKER}.new", home / MARKER):
            path.unlink(missing_ok=True)
        if sys.platform != "win32":
            remove_lock(home)  # last: from now on another installer may be at work here
    if sys.platform == "win32":
        remove_lock(home)
    try:
        if home.is_symlink() and not any(home.iterdir()):
            home.unlink()
        else:
            home.rmdir()
        print(f"removed {home}")
    except OSError:
        print(f"{home} holds other files and stays.")
    return 0


def remove_lock(home: Path) -> None:
    """Remove the installers' lock with its folder, unless something else is in this."""
    folder = home / DOWNLOADS
    with contextlib.suppress(PermissionError):  # on Windows: another installer has it open by now
        (folder / "lock").unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        if folder.is_symlink():
            folder.unlink()
        else:
            folder.rmdir()
