#!/usr/bin/env python3
"""Install Decoupled Style Transfer for this user: ``python3 install.py``.

Makes a private Python environment with everything it needs, fetches the network's weights, puts the plug-in into every
GIMP 3 of this user, and ends with one demonstration transfer and the path of its picture. It can be stopped and run
again at any time: what is there already is kept. Afterwards this folder is no longer needed.

Standard library only, because nothing else is there yet.
"""

from __future__ import annotations

import argparse
import contextlib
import filecmp
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from decouple_core.contract import __version__
from decouple_core.contract.errors import DecoupleError
from decouple_core.contract.paths import MARKER, data_folder
from decouple_core.contract.settings import Settings

HERE = Path(__file__).resolve().parent
PLUG_IN = "decoupled-style"
OWN_FOLDERS = ("env", "weights", "reference", "run", "log")
"""What the program makes in its data folder, apart from single files; uninstalling removes these and nothing else."""
DEMONSTRATION = "demonstration.png"

OLDEST_PYTHON = (3, 11)
NEEDED_GB = 9 if sys.platform == "linux" and platform.machine() == "x86_64" else 3
"""Free space for a first installation. On Linux x86-64 torch comes with CUDA: 5.6 GB when installed, and pip needs 3 GB
more meanwhile (measured with torch 2.14.1); elsewhere the environment takes 1 to 1.5 GB."""

STOPPING_SECONDS = 30
"""A worker ends within two seconds; a busy machine may take that long to start the Python that asks it to."""


class InstallError(Exception):
    """Something that keeps the installation from going on, in one plain sentence with the next step."""


def main(argv: Sequence[str] | None = None) -> int:
    """Install, check or uninstall, as the command line says; returns the exit code."""
    args = parse(argv)
    home = args.home
    try:
        home = (home or data_folder()).expanduser().absolute()
        if sys.version_info < OLDEST_PYTHON:
            raise InstallError(f"Python {'.'.join(map(str, OLDEST_PYTHON))} or later is needed, but this is "
                               f"{platform.python_version()}; install a newer one and run install.py with it.")
        if args.uninstall:
            return uninstall(home)
        if args.check:
            return check(home, args.device)
        return install(home, args)
    except (InstallError, DecoupleError) as error:
        print(f"install.py: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"install.py: {error.filename or home}: {error.strerror or error}; free some space or correct the "
              "permissions, then run this again.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninstall.py: stopped; run it again to go on where it was.", file=sys.stderr)
        return 130


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="install.py", description="Install Decoupled Style Transfer for this user.")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="say what works and what does not")
    action.add_argument("--uninstall", action="store_true",
                        help="remove the environment, the weights and the plug-in; pictures stay")
    parser.add_argument("--no-gimp", action="store_true", help="leave GIMP alone; install the command line only")
    device, network = (Settings.__dataclass_fields__[name].metadata["choices"] for name in ("device", "network"))
    parser.add_argument("--device", default="auto", choices=list(device),
                        help="what the demonstration and --check compute on (default: %(default)s)")
    parser.add_argument("--network", default="auto", choices=list(network),
                        help="which weights to fetch; auto takes VGG-19, or VGG-16 where that is out of reach")
    parser.add_argument("--home", type=Path, metavar="DIR",
                        help="where everything goes (default: DECOUPLE_HOME, else this user's folder for such data)")
    parser.add_argument("--torch-index", metavar="URL",
                        help="take torch from this package index, for a build that pip does not choose by itself "
                        "(AMD, Intel, CUDA on Windows, a small one for processors only); pytorch.org names it")
    return parser.parse_args(argv)


# --- installing -----------------------------------------------------------------------------------------------------


def install(home: Path, args: argparse.Namespace) -> int:
    """All steps in turn; each finds out by itself what is left to do."""
    claim(home)
    step(1, f"Private environment in {home / 'env'}")
    make_environment(home, args.torch_index)
    step(2, "Weights of the network, and the device")
    run_private(home, "-m", "decouple_core", "check", "--network", args.network, "--device", args.device)
    step(3, "Plug-in for GIMP 3")
    if args.no_gimp:
        print("left out, as asked")
    else:
        install_plug_ins(home)
    step(4, "Demonstration: a cup of coffee in the light of a rocket's launch pad")
    picture = home / DEMONSTRATION
    run_private(home, "-m", "decouple_core", "transfer", str(HERE / "tests/data/coffee.jpg"),
                str(HERE / "tests/data/rocket.jpg"), "-o", str(picture), "--device", args.device,
                "--network", args.network)
    print(f"\nReady. On the command line: {environment_program(home, 'decouple')} --help\nThe demonstration's picture:")
    print(picture)
    return 0


def step(number: int, title: str) -> None:
    """Announce one of the four steps."""
    print(f"\n[{number}/4] {title}", flush=True)


def claim(home: Path) -> None:
    """Make the data folder, or make sure that an existing one is ours to fill and, one day, to remove.

    Raises
    ------
    InstallError
        When it holds something else, or too little space is left.
    """
    marker = home / MARKER
    if home.exists() and not home.is_dir():
        raise InstallError(f"{home} is a file; choose another folder with --home.")
    if not marker.exists():
        # Weights may be there from before, but an environment without our mark may be anybody's.
        foreign = sorted({p.name for p in home.iterdir()} - set(OWN_FOLDERS[1:])) if home.exists() else []
        if foreign:
            raise InstallError(f"{home} holds other things ({foreign[0]}); choose an empty or new folder with --home.")
        home.mkdir(parents=True, exist_ok=True)
        marker.write_text(json.dumps({"version": __version__}), encoding="utf-8")
    free = shutil.disk_usage(home).free / 1e9
    if free < NEEDED_GB and not environment_program(home, "python").exists():
        raise InstallError(f"{home} has {free:.1f} GB of free space, but about {NEEDED_GB} GB are needed; free some or "
                           "choose another folder with --home.")


def make_environment(home: Path, torch_index: str | None) -> None:
    """Make the virtual environment, or reuse it, and install this checkout and all it needs into it."""
    python = environment_program(home, "python")
    stop_worker(home)  # it would go on with the old code, and on Windows it keeps files from being replaced
    if not runs(python):
        shutil.rmtree(home / "env", ignore_errors=True)
        make_empty_environment(home / "env")
    (home / "log").mkdir(mode=0o700, exist_ok=True)
    pip = ("-m", "pip", "--log", str(home / "log" / "install.log"), "install", "--disable-pip-version-check")
    print("Installing torch and the rest: 1 to 3 GB to download the first time", flush=True)
    if torch_index:
        run_private(home, *pip, "--index-url", torch_index, "torch", "torchvision")
    with tempfile.TemporaryDirectory(prefix="decouple-") as folder:
        # From a copy: building a package leaves files in its source, which may belong to somebody else.
        for name in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(HERE / name, folder)
        shutil.copytree(HERE / "decouple_core", Path(folder) / "decouple_core", ignore=COMPILED)
        run_private(home, *pip, folder)


COMPILED = shutil.ignore_patterns("__pycache__", "*.pyc")


def make_empty_environment(folder: Path) -> None:
    """A virtual environment with pip, by the standard library or, where Debian has taken that apart, by virtualenv."""
    for module, needs in (("venv", "ensurepip"), ("virtualenv", "virtualenv")):
        if importlib.util.find_spec(module) and importlib.util.find_spec(needs):
            run([sys.executable, "-m", module, str(folder)])
            return
    raise InstallError("This Python cannot make private environments; install the package python3-venv (Debian, "
                       "Ubuntu: sudo apt install python3-venv) and run this again.")


def environment_program(home: Path, name: str) -> Path:
    """Path of a program in the private environment."""
    if sys.platform == "win32":
        return home / "env" / "Scripts" / f"{name}.exe"
    return home / "env" / "bin" / name


def runs(python: Path) -> bool:
    """Whether this interpreter starts and has pip; after an upgrade of the system's Python it may not."""
    if not python.exists():
        return False
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0


def run_private(home: Path, *words: str) -> None:
    """Run the private environment's Python; its output goes to the user."""
    run([str(environment_program(home, "python")), *words], home)


def run(command: Sequence[str], home: Path | None = None) -> None:
    """Run a program in sight of the user; `InstallError` when it fails."""
    code = subprocess.run(command, check=False, env=clean_environment(home), cwd=tempfile.gettempdir()).returncode
    if code:
        log = f" (details in {home / 'log' / 'install.log'})" if home and "pip" in command else ""
        raise InstallError(f"this step failed, for the reason above{log}; put it right and run install.py again, it "
                           "goes on where it was.")


def clean_environment(home: Path | None) -> dict[str, str]:
    """The environment variables without what would lead another Python astray."""
    astray = {"PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    kept = {name: value for name, value in os.environ.items() if name not in astray}
    return {**kept, "PYTHONNOUSERSITE": "1", **({"DECOUPLE_HOME": str(home)} if home else {})}


# --- GIMP -----------------------------------------------------------------------------------------------------------


class Gimp(NamedTuple):
    """One GIMP 3 of this user.

    Attributes
    ----------
    folder : Path
        Its configuration folder; plug-ins go into ``plug-ins`` there.
    kind : str
        Where it comes from, in a user's words.
    """

    folder: Path
    kind: str

    @property
    def plug_in(self) -> Path:
        """Where our plug-in is or would be."""
        return self.folder / "plug-ins" / PLUG_IN


def user_folder() -> Path:
    """The user's own folder."""
    try:
        return Path.home()
    except RuntimeError as error:
        raise InstallError("This user has no folder of their own; set HOME to one and run this again.") from error


def find_gimps(system: str, user: Path, environ: Mapping[str, str]) -> list[Gimp]:
    """Configuration folders of all GIMP 3 that this user has started at least once.

    GIMP 3.0 and 3.2 have one each. A GIMP that has never been started has none, and it must not get one from us: it
    takes an existing folder for a sign that the settings of older versions have been brought over already.

    Parameters
    ----------
    system : str
        As `sys.platform`: "linux", "darwin" or "win32".
    user : Path
        The user's own folder.
    environ : mapping
        Environment variables.
    """
    if environ.get("GIMP3_DIRECTORY"):  # GIMP then looks nowhere else
        folder = Path(environ["GIMP3_DIRECTORY"])
        return [Gimp(folder, "GIMP3_DIRECTORY")] if folder.is_dir() else []
    if system == "win32":
        parents = {Path(environ.get("APPDATA") or user / "AppData" / "Roaming") / "GIMP": "GIMP"}
    elif system == "darwin":
        parents = {user / "Library" / "Application Support" / "GIMP": "GIMP"}
    else:
        parents = {Path(environ.get("XDG_CONFIG_HOME") or user / ".config") / "GIMP": "GIMP",
                   # Flatpak's GIMP shares the host's folder, the first; Snap's has one of its own.
                   user / "snap" / "gimp" / "current" / ".config" / "GIMP": "GIMP from Snap"}
    return [Gimp(folder, kind) for parent, kind in parents.items() if parent.is_dir()
            for folder in sorted(parent.iterdir()) if re.fullmatch(r"3\.\d+", folder.name) and folder.is_dir()]


def install_plug_ins(home: Path) -> None:
    """Put the plug-in into every GIMP 3 of this user, and say what the user may have to do."""
    gimps = find_gimps(sys.platform, user_folder(), os.environ)
    for gimp in gimps:
        place_plug_in(gimp.plug_in, environment_program(home, "python"), home)
        print(f"{gimp.kind} {gimp.folder.name}: {gimp.plug_in}")
    if gimps:
        print("It is under Filters ▸ Artistic; a GIMP that is running shows it after a restart.")
    else:
        print("No GIMP 3 has been started by this user yet. Start GIMP 3 once, then run this again.")
    for line in sandbox_notes(user_folder(), environment_program(home, "python")):
        print(line)


def place_plug_in(target: Path, python: Path, home: Path) -> None:
    """Put the plug-in at `target`; a plug-in that was there is replaced as a whole.

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
        values = {"version": __version__, "python": str(python), "home": str(home)}
        (new / "installation.json").write_text(json.dumps(values, indent=2), encoding="utf-8")
        if target.exists():
            os.replace(target, old)
        os.replace(new, target)


def copy_plug_in(folder: Path) -> None:
    """The plug-in's files in a new folder, with a copy of what both halves share: the standard library does for it."""
    shutil.copytree(HERE / "gimp_plugin", folder, ignore=COMPILED)
    shutil.copytree(HERE / "decouple_core" / "contract", folder / "decoupled_style" / "contract", ignore=COMPILED)
    (folder / f"{PLUG_IN}.py").chmod(0o755)  # GIMP starts it as a program


def sandbox_notes(user: Path, python: Path) -> list[str]:
    """What GIMPs in sandboxes cannot do, and the way out."""
    notes = []
    if (user / ".var" / "app" / "org.gimp.GIMP").is_dir() and str(python.resolve()).startswith("/usr/"):
        notes.append(f"GIMP from Flatpak cannot see {python.resolve()}; for it, run install.py with a Python that lies "
                     "in your own folder.")
    if (user / "snap" / "gimp").is_dir():
        notes.append("GIMP from Snap may be kept from starting the computing half; if the filter says so, use another "
                     "GIMP 3.")
    return notes


# --- checking and uninstalling --------------------------------------------------------------------------------------


def check(home: Path, device: str) -> int:
    """Say for each part whether it works; returns 0 when all of them do."""
    python = environment_program(home, "python")
    works = runs(python)
    report(works, "private environment", str(home / "env"))
    if works and not any((home / "weights").glob("*.safetensors")):
        works = False
        report(works, "weights", f"none in {home / 'weights'}")
    if works:
        code = subprocess.run([python, "-m", "decouple_core", "check", "--device", device], check=False,
                              env=clean_environment(home), cwd=tempfile.gettempdir()).returncode
        works = code == 0
        report(works, "computing half", "as said above")
    gimps = find_gimps(sys.platform, user_folder(), os.environ)
    for gimp in gimps:
        state = plug_in_state(gimp.plug_in)
        works = works and state == "up to date"
        report(state == "up to date", f"plug-in in {gimp.kind} {gimp.folder.name}", f"{state}: {gimp.plug_in}")
    if not gimps:
        report(False, "plug-in", "no GIMP 3 has been started by this user yet")
    for line in sandbox_notes(user_folder(), python):
        print(line)
    if not works:
        print("Run install.py again to repair what does not work.")
    return 0 if works else 1


def report(works: bool, part: str, words: str) -> None:
    """One line of `check`."""
    print(f"{'works' if works else 'FAILS':6} {part}: {words}", flush=True)


def plug_in_state(installed: Path) -> str:
    """Whether the plug-in is there, whole and the one of this checkout, and whether its environment is there."""
    if not installed.is_dir():
        return "missing"
    with tempfile.TemporaryDirectory(prefix="decouple-") as folder:
        current = Path(folder) / PLUG_IN
        copy_plug_in(current)
        names = [str(path.relative_to(current)) for path in current.rglob("*") if path.is_file()]
        same, _, _ = filecmp.cmpfiles(current, installed, names, shallow=False)
    try:
        values = json.loads((installed / "installation.json").read_text(encoding="utf-8"))
        if not Path(values["python"]).exists():
            return "its environment is gone"
    except (OSError, ValueError, KeyError, TypeError):
        return "damaged"
    return "up to date" if len(same) == len(names) else f"another version ({values.get('version', 'unknown')})"


def uninstall(home: Path) -> int:
    """Remove the plug-in from every GIMP 3, and from the data folder what this program made."""
    for gimp in find_gimps(sys.platform, user_folder(), os.environ):
        if (gimp.plug_in / f"{PLUG_IN}.py").exists():
            shutil.rmtree(gimp.plug_in)
            print(f"removed {gimp.plug_in}")
    if not (home / MARKER).exists():
        print(f"There is no installation in {home}.")
        return 0
    stop_worker(home)
    for name in OWN_FOLDERS:
        if (home / name).exists():
            shutil.rmtree(home / name)
            print(f"removed {home / name}")
    for name in (DEMONSTRATION, MARKER):
        (home / name).unlink(missing_ok=True)
    if any(home.iterdir()):
        print(f"{home} holds other files and stays.")
    else:
        home.rmdir()
        print(f"removed {home}")
    return 0


def stop_worker(home: Path) -> None:
    """End a worker that is running, and wait until it has.

    Raises
    ------
    InstallError
        When it does not end.
    """
    python = environment_program(home, "python")
    if not (home / "run" / "worker.json").exists() or not runs(python):
        return
    with contextlib.suppress(subprocess.TimeoutExpired):
        stopped = subprocess.run([python, "-m", "decouple_core", "serve", "--stop"], check=False, capture_output=True,
                                 timeout=STOPPING_SECONDS, env=clean_environment(home), cwd=tempfile.gettempdir())
        if stopped.returncode == 0:
            return
    raise InstallError("The computing half is running and does not end; close GIMP, or restart the computer, and run "
                       "this again.")


if __name__ == "__main__":
    sys.exit(main())
