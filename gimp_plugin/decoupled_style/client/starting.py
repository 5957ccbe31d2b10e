"""Starting the worker, and finding out why it did not start."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from decouple_contract.errors import DecoupleError
from decouple_contract.failures import as_failure
from decouple_contract.messages import Message
from decouple_contract.shared_folders import log_folder
from decoupled_style.client.installation import Installation

LOG_NAME = "start.log"

FOREIGN = ("LD_LIBRARY_PATH", "LD_PRELOAD", "GI_TYPELIB_PATH", "VIRTUAL_ENV")
"""What GIMP's packages set for their own libraries, and what would break another's. What they, or the user, set for
Python is left out by its isolated mode, as are the user's own packages and whatever lies in the current folder."""


def start(installation: Installation) -> subprocess.Popen[bytes]:
    """Start a worker that outlives us: GIMP may kill our whole process group.

    Raises
    ------
    DecoupleError
        Where the private environment's interpreter cannot be run.
    """
    env = {name: value for name, value in os.environ.items() if name not in FOREIGN and not name.startswith("DYLD_")}
    env["DECOUPLE_HOME"] = str(installation.home)
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}
    try:
        folder = log_folder(installation.home)
    except OSError as error:
        path = str(error.filename or installation.home)
        raise as_failure(error, DecoupleError("worker-folder", path=path, reason=str(error.strerror))) from error
    try:
        with open(folder / LOG_NAME, "wb") as log:
            return subprocess.Popen(
                [str(installation.python), "-I", "-m", "decouple_core", "serve"],
                env=env,
                cwd=installation.home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **apart,
            )
    except OSError as error:
        raise as_failure(error, DecoupleError("worker-unstartable", reason=str(error))) from error


def why_not(installation: Installation) -> DecoupleError:
    """What a worker that ended at once left in its log."""
    log = installation.log / LOG_NAME
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return DecoupleError("worker-broken", reason=lines[-1] if lines else Message("no-reason"), log=str(log))
