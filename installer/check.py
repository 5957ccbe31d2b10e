"""Saying for each part whether it works."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

from installer.data_folder import current_environment, record
from installer.gimps import find_gimps, obstacles, user_folder
from installer.hardware import find_accelerator
from installer.plug_in import plug_in_state
from installer.programs import python_of, run_private, runs
from installer.words import InstallError, report


def check(home: Path, device: str) -> int:
    """Say for each part whether it works; returns 0 when all of them do."""
    environment = current_environment(home) if home.is_dir() else None
    works = environment is not None and runs(python_of(environment))
    report(works, "private environment", str(environment or home))
    print(
        f"       found: {find_accelerator(sys.platform, platform.machine()).words}; installed for: "
        f"{record(environment).get('build', 'unknown') if environment else 'nothing'}"
    )
    if works and not any((home / "weights").glob("*.safetensors")):
        works = False
        report(works, "weights", f"none in {home / 'weights'}")
    if works:
        assert environment is not None
        try:
            run_private(environment, home, "decouple_core", "check", "--device", device)
        except InstallError:
            works = False
        report(works, "computing half", "as said above")
    gimps = find_gimps(sys.platform, user_folder(), os.environ)
    for gimp in gimps:
        state = plug_in_state(gimp.plug_in)
        works = works and state == "up to date"
        report(state == "up to date", f"plug-in in {gimp.kind} {gimp.folder.name}", f"{state}: {gimp.plug_in}")
    if not gimps:
        report(False, "plug-in", "no GIMP 3 has been started by this user yet")
    python = python_of(environment) if environment else Path(sys.executable)
    for line in obstacles(sys.platform, user_folder(), os.environ, python):
        print(f"       {line}")
    if not works:
        print("Run install.py again to repair what does not work.")
    return 0 if works else 1
