"""What a release is made of, held against setuptools, pip and the checkout itself."""

from __future__ import annotations

import email
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from user import REPOSITORY

from decouple_contract import __version__
from installer.files import walk
from installer.package_lock import LOCK
from installer.wheel import wheel_name

NAME = f"decoupled_style-{__version__}"


def build(folder: Path, source: Path = REPOSITORY) -> Path:
    answer = subprocess.run(
        [sys.executable, "-I", str(source / "release" / "build.py"), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return folder


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("release"))


def bytes_of(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_same_bytes_twice(release: Path, tmp_path: Path) -> None:
    """From another folder, with other dates and modes."""
    copy = tmp_path / "copy"
    shutil.copytree(REPOSITORY, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))
    if (copy / ".git").is_file():  # a linked work tree, whose git folder knows it by its path
        assert subprocess.run(["git", "-C", str(copy), "status"], capture_output=True, check=False).returncode == 0
    for path in walk(copy / "decouple_core"):
        os.utime(path, (1e9, 1e9))
        path.chmod(0o600)
    assert bytes_of(build(tmp_path / "again", copy)) == bytes_of(release)


def test_sources_build_the_same_release(release: Path, tmp_path: Path) -> None:
    with tarfile.open(release / f"{NAME}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    assert bytes_of(build(tmp_path / "again", tmp_path / NAME)) == bytes_of(release)


@pytest.mark.slow
def test_wheel_is_the_one_of_setuptools(release: Path, tmp_path: Path) -> None:
    """The same modules and the same metadata as by pip and setuptools; ours is made with nothing but Python."""
    with tarfile.open(release / f"{NAME}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "wheel",
            "--quiet",
            "--no-deps",
            "--no-build-isolation",
            "--wheel-dir",
            str(tmp_path),
            str(tmp_path / NAME),
        ],
        check=True,
        capture_output=True,
    )
    ours, theirs = (zipfile.ZipFile(folder / wheel_name()) for folder in (release, tmp_path))
    about = f"{NAME}.dist-info"
    assert set(theirs.namelist()) - set(ours.namelist()) == {f"{about}/top_level.txt"}
    assert set(ours.namelist()) <= set(theirs.namelist())
    for name in ours.namelist():
        if not name.startswith(about):
            assert ours.read(name) == theirs.read(name), name
    ours_about, theirs_about = (
        email.message_from_bytes(archive.read(f"{about}/METADATA")) for archive in (ours, theirs)
    )

    def fields(message: email.message.Message) -> list[tuple[str, str]]:
        return sorted(
            (key, re.sub(r"\s", "", value).replace("'", '"'))
            for key, value in message.items()
            if key not in ("Metadata-Version", "Dynamic")
        )

    assert fields(ours_about) == fields(theirs_about)
    assert ours_about.get_payload() == theirs_about.get_payload()
    scripts = ours.read(f"{about}/entry_points.txt")
    assert scripts.strip() == theirs.read(f"{about}/entry_points.txt").strip()


@pytest.mark.slow
def test_wheel_installs_and_is_whole(release: Path, tmp_path: Path) -> None:
    """By pip, which checks every digest that the wheel has of its files."""
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--no-index",
            "--target",
            str(tmp_path),
            str(release / wheel_name()),
        ],
        check=True,
        capture_output=True,
    )
    said = subprocess.run(
        [sys.executable, "-c", "import decouple_core; print(decouple_core.__version__)"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path)},
    )
    assert said.stdout.strip() == __version__


def test_installer_for_people_without_a_terminal(release: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(release / f"{NAME}-installer.zip") as archive:
        modes = {entry.filename: entry.external_attr >> 16 & 0o777 for entry in archive.infolist()}
        archive.extractall(tmp_path)
    for starter in ("Install-Linux.sh", "Install-macOS.command"):
        assert modes[f"{NAME}/{starter}"] == 0o755
        (tmp_path / NAME / starter).chmod(0o755)  # which Python's own zipfile leaves out
    # Without a screen there is no window to open, though there is a program for it.
    window = tmp_path / "bin" / "x-terminal-emulator"
    window.parent.mkdir()
    window.write_text('#!/bin/sh\necho "a window for $2"\n')
    window.chmod(0o755)
    for screen, said in (
        ({}, "FAILS  private environment"),
        ({"DISPLAY": ":9"}, "a window for ./Install-Linux.sh"),
        ({"WAYLAND_DISPLAY": "wayland-9"}, "a window for ./Install-Linux.sh"),
    ):
        env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        answer = subprocess.run(
            [str(tmp_path / NAME / "Install-Linux.sh"), "--check", "--home", str(tmp_path / "data")],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            env={**env, "HOME": str(tmp_path), "DECOUPLE_STARTED": "", **screen}
            | {"PATH": f"{window.parent}:{Path(sys.executable).parent}:/usr/bin:/bin"},
        )
        assert said in answer.stdout, answer.stderr
    assert b"\r\n" in (tmp_path / NAME / "Install-Windows.bat").read_bytes()
    # All that install.py itself reads is there.
    read = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            "import sys; sys.path.append(sys.argv[1]); "
            "from installer import package_lock, wheel; wheel.build_wheel(); package_lock.sizes(); "
            "package_lock.locked_version('torch')",
            str(tmp_path / NAME),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    for picture in ("coffee.jpg", "rocket.jpg"):
        assert (tmp_path / NAME / "tests" / "data" / picture).exists()


@pytest.mark.parametrize("starter", ["Install-Linux.sh", "Install-macOS.command"])
def test_starter_without_python(tmp_path: Path, starter: str) -> None:
    for name in ("dirname", "sh"):
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    answer = subprocess.run(
        ["/bin/sh", str(REPOSITORY / "release" / "starters" / starter)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={"PATH": str(tmp_path)},
    )
    assert answer.returncode == 1
    assert "Python 3.11 or later is needed" in answer.stdout


def test_bill_of_materials(release: Path) -> None:
    bill = json.loads((release / f"{NAME}.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    locked = {
        match
        for path in LOCK.glob("*.txt")
        for match in re.findall(r"^([\w.-]+)==(\S+)", path.read_text(), re.MULTILINE)
    }
    assert {(one["name"], one["version"]) for one in bill["components"]} == locked
    assert all(one["hashes"] for one in bill["components"])


def test_digests(release: Path) -> None:
    for line in (release / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        assert hashlib.sha256((release / name).read_bytes()).hexdigest() == digest


def test_lock_holds_what_the_project_asks_for() -> None:
    """Every dependency of pyproject.toml is locked, in a version that it allows and tests/constraints.txt names."""
    names = {
        re.split(r"[^\w.-]", wanted)[0].lower()
        for wanted in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    }
    text = "".join((LOCK / name).read_text() for name in ("base.txt", "registry.txt"))
    assert names <= set(re.findall(r"^([\w.-]+)==", text, re.MULTILINE))
    for pin in re.findall(r"^(torch\w*==\S+)", (REPOSITORY / "tests" / "constraints.txt").read_text(), re.MULTILINE):
        assert re.search(rf"^{re.escape(pin)}\b", text, re.MULTILINE)
