"""Starting other programs, so that none outlives the installer or is led astray by the user's settings."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from installer.data_folder import DOWNLOADS
from installer.words import InstallError

ANSWER_SECONDS = 20
"""For how long a server, or a program that tells of the hardware, may keep silent."""


def ask(command: Sequence[str]) -> list[str]:
    """The lines that a program says; none where it is missing or fails."""
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    return answer.stdout.splitlines() if answer.returncode == 0 else []


WATCHED = """
import os, runpy, signal, sys, threading
def watch():
    while os.read(0, 1):
        pass
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)
threading.Thread(target=watch, daemon=True).start()
del sys.argv[0]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""
"""Runs a module until our end of the pipe at its input is closed; the system does that when we end, however we do."""


def run(command: Sequence[str], home: Path | None = None) -> None:
    """Run a program in sight of the user; it ends with us. `InstallError` when it fails."""
    # In a group of its own, so that Ctrl+C comes to us alone and what the program has started can be ended with it.
    group: dict[str, Any] = {} if sys.platform == "win32" else {"process_group": 0}
    with subprocess.Popen(
        command, env=clean_environment(home), cwd=tempfile.gettempdir(), stdin=subprocess.PIPE, **group
    ) as child:
        code = child.wait()
    if code:
        log = f" (details in {home / 'log' / 'install.log'})" if home and "pip" in command else ""
        raise InstallError(
            f"this step failed, for the reason above{log}; put it right and run install.py again, it "
            "goes on where it was."
        )


def run_private(environment: Path, home: Path, module: str, *words: str) -> None:
    """Run a module of an environment; its output goes to the user."""
    run([str(python_of(environment)), "-I", "-c", WATCHED, module, *words], home)


def python_of(environment: Path) -> Path:
    """Path of an environment's interpreter."""
    return environment / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def runs(python: Path) -> bool:
    """Whether this interpreter starts and has pip; after an upgrade of the system's Python it may not."""
    if not python.exists():
        return False
    return (
        subprocess.run(
            [python, "-I", "-m", "pip", "--version"],
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=clean_environment(None),
        ).returncode
        == 0
    )


ASTRAY = (
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_PYTHON",
    "PIP_DRY_RUN",
    "PIP_NO_BINARY",
    "PIP_REQUIREMENT",
    "PIP_EDITABLE",
    "VIRTUAL_ENV",
)


def clean_environment(home: Path | None) -> dict[str, str]:
    """The environment variables without what would lead another Python or its pip astray."""
    kept = {name: value for name, value in os.environ.items() if name not in ASTRAY and not name.startswith("PYTHON")}
    if home:
        # The system's folder for such files may be small, and what is left there after a kill stays.
        kept |= {"DECOUPLE_HOME": str(home), **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(home / DOWNLOADS))}
    return kept
