"""The private Python environment: made beside the one in use, so that this works until the new one does."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import platform
import shutil
import sys
from pathlib import Path

from installer.builds import TORCH, Build
from installer.data_folder import DOWNLOADS, RECORD, current_environment, environments, record
from installer.download import announce, install_locked, run_pip
from installer.files import remove_own, source_of, walk, write
from installer.package_lock import LOCK, locked_version
from installer.programs import WATCHED, python_of, run, runs
from installer.wheel import build_wheel, wheel_name
from installer.words import InstallError


def make_environment(home: Path, build: Build) -> Path:
    """The environment for this checkout and this build of torch: one that is there already, else a new one.

    A new one is made beside the present one, which stays as it is.
    """
    wheel = build_wheel()
    present = current_environment(home)
    for folder in ([present] if present else []) + environments(home):
        if fits(folder, wheel, build) and runs(python_of(folder)):
            print(f"There already: {folder}")
            return folder
    for unfinished in (folder for folder in environments(home) if folder != present and not record(folder)):
        remove_environment(unfinished)
    for left in (home / DOWNLOADS).glob("pip-*"):
        shutil.rmtree(left, ignore_errors=True)
    announce(home, build)
    numbers = [int(folder.name.partition("-")[2] or 0) for folder in environments(home)]
    folder = home / f"env-{max(numbers, default=0) + 1}"
    make_empty_environment(folder)
    install_locked(home, folder, "base", by=100)  # brings a pip that goes on after a broken connection
    if (LOCK / f"{build.name}.txt").exists():
        install_locked(home, folder, build.name, build.address)
    else:
        print(
            f"The digests of the build {build.name} are not among those that come with this release; they are taken "
            "from the index itself."
        )
        run_pip(
            home,
            folder,
            "install",
            "--cache-dir",
            str(home / DOWNLOADS),
            "--index-url",
            build.address,
            *(f"{name}=={locked_version(name)}+{build.name}" for name in TORCH),
        )
    own = home / DOWNLOADS / wheel_name()
    own.write_bytes(wheel)
    run_pip(home, folder, "install", "--no-deps", "--no-index", "--force-reinstall", str(own))
    run_pip(home, folder, "check")
    files = sorted(path.relative_to(folder).as_posix() for path in walk(folder))
    write(folder / RECORD, json.dumps({"recipe": recipe(wheel, build), "build": build.name, "files": [*files, RECORD]}))
    return folder


def recipe(wheel: bytes, build: Build) -> str:
    """A digest of all that an environment is made of."""
    digest = hashlib.sha256(wheel + f"{platform.python_version()} {build.name}".encode())
    for name in ("base", build.name):
        if (LOCK / f"{name}.txt").exists():
            digest.update((LOCK / f"{name}.txt").read_bytes())
    return digest.hexdigest()


def fits(environment: Path, wheel: bytes, build: Build) -> bool:
    """Whether an environment is what would be made now, or better."""
    made = record(environment)
    if made.get("recipe") == recipe(wheel, build):
        return True
    # An index that is out of reach today is no reason to give up what it has served before.
    before = Build(str(made.get("build")))
    return build.second_best and before.name != "registry" and made.get("recipe") == recipe(wheel, before)


def make_empty_environment(folder: Path) -> None:
    """A virtual environment with pip, by the standard library or, where Debian has taken that apart, by virtualenv."""
    for module, needs in (("venv", "ensurepip"), ("virtualenv", "virtualenv")):
        if importlib.util.find_spec(module) and importlib.util.find_spec(needs):
            run([sys.executable, "-I", "-c", WATCHED, module, str(folder)])
            return
    raise InstallError(
        "This Python cannot make private environments; install the package python3-venv (Debian, "
        "Ubuntu: sudo apt install python3-venv) and run this again."
    )


def remove_environment(folder: Path) -> None:
    """Remove an environment: of a finished one the files that it was made with, an unfinished one whole."""
    files = record(folder).get("files")
    if isinstance(files, list):
        ours = set(map(str, files))
        remove_own(folder, lambda name: source_of(name) in ours or name in ours)
    elif folder.is_symlink():
        folder.unlink()
    else:
        shutil.rmtree(folder)
