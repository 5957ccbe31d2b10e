"""Putting the plug-in into GIMPs, taking it out again, and telling what state it is in."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from decouple_contract import __version__
from decouple_contract.paths import MARKER
from installer.files import SOURCE, read_json, remove_own, source_of, walk
from installer.gimps import PLUG_IN, Gimp, obstacles, user_folder


def install_plug_ins(home: Path, gimps: Sequence[Gimp], python: Path) -> None:
    """Put the plug-in into these GIMPs, and say what the user may have to do."""
    placed = 0
    for gimp in gimps:
        name = f"{gimp.kind} {gimp.folder.name}"
        try:
            place_plug_in(gimp.plug_in, python, home)
        except OSError as error:
            print(
                f"{name}: the plug-in cannot be put there ({error.filename}: {error.strerror}); correct that, then "
                "run this again."
            )
        else:
            placed += 1
            print(f"{name}: {gimp.plug_in}")
    notes = obstacles(sys.platform, user_folder(), os.environ, python)
    if placed:
        print("It is under Filters ▸ Artistic ▸ Decoupled Style; a GIMP that is running shows it after a restart.")
    elif not gimps and not notes:
        print("No GIMP 3 has been started by this user yet. Start GIMP 3 once, then run this again.")
    for line in notes:
        print(line)


def place_plug_in(target: Path, python: Path, home: Path) -> None:
    """Put the plug-in at `target`; one that was there is replaced as a whole, and files that are not ours stay.

    Parameters
    ----------
    target : Path
        The plug-in's own folder, ``…/plug-ins/decoupled-style``; a script directly in ``plug-ins`` is not seen by GIMP.
    python, home : Path
        The private environment's interpreter and the data folder, for the plug-in to find the worker.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Beside plug-ins, not in it, where a GIMP that is just starting would take it for a second plug-in.
    with tempfile.TemporaryDirectory(prefix=f"{PLUG_IN}-", dir=target.parent.parent) as folder:
        new, old = Path(folder) / "new", Path(folder) / "old"
        copy_plug_in(new)
        files = sorted(path.relative_to(new).as_posix() for path in walk(new))
        values = {"version": __version__, "python": str(python), "home": str(home), "files": [*files, MARKER]}
        (new / MARKER).write_text(json.dumps(values, indent=2), encoding="utf-8")
        if target.is_dir() and not target.is_symlink():
            for name in foreign_files(target):
                (new / name).parent.mkdir(parents=True, exist_ok=True)
                if not (new / name).exists():
                    shutil.copy2(target / name, new / name, follow_symlinks=False)
        if os.path.lexists(target):
            os.replace(target, old)
        os.replace(new, target)


def foreign_files(plug_in: Path) -> list[str]:
    """What lies in an installed plug-in's folder and is not ours."""
    names = [path.relative_to(plug_in).as_posix() for path in walk(plug_in)]
    ours = read_json(plug_in / MARKER).get("files")
    if not isinstance(ours, list):  # of a version that kept no list
        ours = [name for name in names if name in (f"{PLUG_IN}.py", MARKER) or name.startswith("decoupled_style/")]
    return [name for name in names if source_of(name) not in ours]


COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")


def copy_plug_in(folder: Path) -> None:
    """The plug-in's files in a new folder, with a copy of what both halves share: the standard library does for it."""
    shutil.copytree(SOURCE / "gimp_plugin", folder, ignore=COMPILED)
    shutil.copytree(SOURCE / "decouple_contract", folder / "decouple_contract", ignore=COMPILED)
    (folder / f"{PLUG_IN}.py").chmod(0o755)  # GIMP starts it as a program


def plug_in_state(installed: Path) -> str:
    """Whether the plug-in is there, whole and the one of this checkout, and whether its environment is there."""
    if not installed.is_dir():
        return "missing"
    with tempfile.TemporaryDirectory(prefix="decouple-") as folder:
        current = Path(folder) / PLUG_IN
        copy_plug_in(current)
        names = [str(path.relative_to(current)) for path in walk(current)]
        same, _, _ = filecmp.cmpfiles(current, installed, names, shallow=False)
    values = read_json(installed / MARKER)
    if "python" not in values:
        return "damaged"
    if not Path(str(values["python"])).exists():
        return "its environment is gone"
    return "up to date" if len(same) == len(names) else f"another version ({values.get('version', 'unknown')})"


def remove_plug_in(plug_in: Path, home: Path) -> None:
    """Remove an installed plug-in, unless it belongs to another installation."""
    if plug_in.is_symlink():  # a contributor's, to a checkout
        plug_in.unlink()
        print(f"removed the link {plug_in}")
    elif (plug_in / f"{PLUG_IN}.py").exists():
        other = Path(str(read_json(plug_in / MARKER).get("home", home)))
        if other != home and (other / MARKER).exists():
            print(f"{plug_in} belongs to the installation in {other} and stays.")
            return
        foreign = set(foreign_files(plug_in))
        remove_own(plug_in, lambda name: name not in foreign)
