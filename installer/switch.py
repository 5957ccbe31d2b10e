"""Changing over from the version in use to the new one."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from decouple_contract import __version__
from decouple_contract.paths import MARKER
from installer.data_folder import current_environment, environments, launcher, remove_downloads
from installer.environment import remove_environment
from installer.files import read_json, write
from installer.gimps import find_gimps, user_folder
from installer.plug_in import install_plug_ins
from installer.programs import clean_environment, python_of, runs
from installer.words import InstallError

STOPPING_SECONDS = 30
"""A worker ends within two seconds; a busy machine may take that long to start the Python that asks it to."""


def switch(home: Path, environment: Path, with_gimp: bool) -> None:
    """Let everything use this environment from now on; killed at any point, it leaves each part with one that works."""
    stop_worker(home)  # it would go on with the old code
    before = read_json(home / MARKER).get("plug_ins", [])
    gimps = find_gimps(sys.platform, user_folder(), os.environ) if with_gimp else []
    plug_ins = list(dict.fromkeys([*map(str, before), *(str(gimp.plug_in) for gimp in gimps)]))
    write(
        home / MARKER,
        json.dumps({"version": __version__, "environment": environment.name, "plug_ins": plug_ins}, indent=2),
    )
    write(launcher(home), launcher_text(home, python_of(environment)), mode=0o755)
    if with_gimp:
        install_plug_ins(home, gimps, python_of(environment))
    else:
        print("left out, as asked")


def launcher_text(home: Path, python: Path) -> str:
    """What that command does. Isolated, so that no file in the current folder passes for a module."""
    if sys.platform == "win32":
        return f'@"%~dp0{python.relative_to(home)}" -I -m decouple_core %*\r\n'  # letters of any alphabet are safe so
    return f'#!/bin/sh\nexec {shlex.quote(str(python))} -I -m decouple_core "$@"\n'


def tidy(home: Path) -> None:
    """Remove what was downloaded, and the environments that nothing uses any more."""
    remove_downloads(home)
    marker = read_json(home / MARKER)
    used = {
        Path(str(read_json(Path(plug_in) / MARKER).get("python", ""))) for plug_in in marker.get("plug_ins", [])
    }  # where GIMP was left alone, it uses an earlier one
    for folder in environments(home):
        if folder.name != marker.get("environment") and python_of(folder) not in used:
            # Windows keeps the files of a program that runs; the next installation tries again.
            with contextlib.suppress(PermissionError):
                remove_environment(folder)


def stop_worker(home: Path) -> None:
    """End a worker that is running, and wait until it has.

    Raises
    ------
    InstallError
        When it does not end.
    """
    present = current_environment(home)
    if not (home / "run" / "worker.json").exists() or not present or not runs(python_of(present)):
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        stop = [str(python_of(present)), "-I", "-m", "decouple_core", "serve", "--stop"]
        stopped = subprocess.run(
            stop,
            check=False,
            capture_output=True,
            timeout=STOPPING_SECONDS,
            stdin=subprocess.DEVNULL,
            env=clean_environment(home),
            cwd=tempfile.gettempdir(),
        )
        if stopped.returncode == 0:
            return
    raise InstallError(
        "The computing half is running and does not end; close GIMP, or restart the computer, and run this again."
    )
