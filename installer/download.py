"""Fetching and installing the packages, and saying beforehand how much that is."""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import urllib.request
from pathlib import Path

from installer import package_lock
from installer.builds import Build
from installer.data_folder import DOWNLOADS
from installer.package_lock import LOCK, sizes
from installer.programs import ANSWER_SECONDS, run_private
from installer.words import InstallError, gigabytes

WEIGHTS_SIZE = 600_000_000
"""Bytes of VGG-19's weights as they are fetched, more than what is kept of them."""
UNPACKED = 3.7
"""How much larger than its wheel torch is when installed, where nothing better is known."""


def announce(home: Path, build: Build) -> None:
    """Say how much is about to be fetched and stored.

    Raises
    ------
    InstallError
        When there is too little room for it.
    """
    base, torch = sizes()[package_lock.platform_name()]["base"], build_size(build)
    download, installed = (base[key] + torch[key] for key in ("download", "installed"))
    weights = 0 if any((home / "weights").glob("*.safetensors")) else WEIGHTS_SIZE
    print(
        f"To download: {gigabytes(download)} ({gigabytes(torch['download'])} of it for torch, "
        f"{'as the package registry has it' if build.name == 'registry' else 'build ' + build.name})"
        f"{f', and up to {gigabytes(weights)} of weights' if weights else ''}. On the disk it takes "
        f"{gigabytes(installed)}. What has been downloaded whole is kept if you stop."
    )
    needed = download + installed + weights
    free = shutil.disk_usage(home).free
    if free < needed:
        raise InstallError(
            f"{home} has {gigabytes(free)} of free space, but {gigabytes(needed)} are needed meanwhile; "
            "free some or choose another folder with --home."
        )


def build_size(build: Build) -> dict[str, int]:
    """Bytes to download and to store for torch and what it alone needs."""
    known = sizes()[package_lock.platform_name()].get(build.name)
    if known:
        return known
    try:
        with urllib.request.urlopen(urllib.request.Request(build.wheel, method="HEAD"), timeout=ANSWER_SECONDS) as head:
            download = int(head.headers["Content-Length"])
    except (OSError, TypeError, ValueError):
        download = 0
    return {"download": download, "installed": int(download * UNPACKED)}


def install_locked(home: Path, environment: Path, name: str, address: str = "", by: int = 1) -> None:
    """Install a list of the lock, whose files are fetched first, so many at a time: those of a stopped run are kept."""
    wheels = home / DOWNLOADS / "wheels"
    wheels.mkdir(exist_ok=True)
    there = set()
    for path in wheels.iterdir():
        with path.open("rb") as file:
            there.add(hashlib.file_digest(file, "sha256").hexdigest())
    lines = (LOCK / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", "").splitlines()
    missing = [
        line
        for line in lines
        if "==" in line
        and not there.intersection(re.findall(r"sha256:(\w+)", line))
        and ("sys_platform == 'linux'" not in line or sys.platform == "linux")
    ]
    wanted = home / DOWNLOADS / "wanted.txt"
    for start in range(0, len(missing), by):
        if by == 1:
            print(f"{start + 1} of {len(missing)}: ", end="", flush=True)
        wanted.write_text("\n".join(missing[start : start + by]), encoding="utf-8")
        run_pip(
            home,
            environment,
            "download",
            *(("--extra-index-url", address) if address else ()),
            "--no-cache-dir",
            "--no-deps",
            "--require-hashes",
            "--dest",
            str(wheels),
            "--requirement",
            str(wanted),
        )
    run_pip(
        home,
        environment,
        "install",
        "--no-index",
        "--find-links",
        str(wheels),
        "--no-deps",
        "--require-hashes",
        "--requirement",
        str(LOCK / f"{name}.txt"),
    )


def run_pip(home: Path, environment: Path, action: str, *words: str) -> None:
    """Run an environment's pip in sight of the user; it builds nothing."""
    binary = () if action == "check" else ("--only-binary", ":all:")
    where = ("--no-user", "--no-warn-script-location") if action == "install" else ()
    run_private(
        environment,
        home,
        "pip",
        "--log",
        str(home / "log" / "install.log"),
        "--disable-pip-version-check",
        "--no-input",
        action,
        *binary,
        *where,
        *words,
    )
