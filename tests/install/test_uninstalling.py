"""All that is ours goes, and nothing else; in folders as an installation leaves them."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from installer.command import main
from installer.data_folder import alone, claim, locked
from installer.files import walk
from installer.plug_in import place_plug_in, plug_in_state
from installer.words import InstallError

OURS = (
    "env-2/pyvenv.cfg",
    "env-2/bin/decouple",
    "env-2/lib/torch/__init__.py",
    "env-2/lib/torch/__pycache__/__init__.cpython-311.pyc",
    "weights/vgg16.safetensors",
    "weights/vgg16.sha256",
    "weights/vgg19-dcbb9e9d.pth.part",
    "weights/.lock",
    "reference/03a5.safetensors",
    "run/lock",
    "run/jobs/1/a.raw",
    "log/worker.log",
    "log/worker.log.1",
    "log/plug-in.log",
    "log/start.log",
    "log/install.log",
    "downloads/http-v2/a/b",
    "downloads/lock",
    "decouple",
    "demonstration.png",
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, of a user with one GIMP."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "GIMP3_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "data"
    for name in OURS:
        put(home / name)
    put(home / "env-1" / "half" / "made")  # an installation that was killed
    (home / "env-2/bin/python").symlink_to(sys.executable)
    (home / "env-2/lib64").symlink_to("lib")
    files = [name.removeprefix("env-2/") for name in OURS if name.startswith("env-2/") and not name.endswith("pyc")]
    put(home / "env-2/installed.json", json.dumps({"files": [*files, "bin/python", "lib64", "installed.json"]}))
    plug_in = tmp_path / ".config/GIMP/3.0/plug-ins/decoupled-style"
    plug_in.parents[1].mkdir(parents=True)
    place_plug_in(plug_in, home / "env-2/bin/python", home)
    put(plug_in / "decoupled_style/__pycache__/plug_in.cpython-313.pyc")
    put(home / "installation.json", json.dumps({"environment": "env-2", "plug_ins": [str(plug_in)]}))
    return home


def put(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def uninstalled(home: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["--uninstall", "--home", str(home)]) == 0
    return capsys.readouterr().out


def remaining(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in walk(folder))


def test_all_that_is_ours_goes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uninstalled(home, capsys)
    assert not home.exists()
    assert remaining(home.parent) == []
    assert os.listdir(home.parent / ".config/GIMP/3.0/plug-ins") == []


USERS = (
    "log/diary.txt",
    "log/2026/diary.txt",
    "my picture.png",
    "weights/my weights.zip",
    "weights/vgg20.safetensors",
    "reference/notes.txt",
    "run/marathon.gpx",
    "env-2/notes.txt",
    "env-2/lib/torch/mine.py",
    "environment.yml",
    "env-2/lib/torch/__pycache__/other.cpython-311.pyc",
)


def test_what_is_the_users_stays(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plug_in = home.parent / ".config/GIMP/3.0/plug-ins/decoupled-style"
    users = [
        *(home / name for name in USERS),
        plug_in / "presets.txt",
        plug_in / "decoupled_style/mine.po",
        plug_in.parent / "other/other.py",
    ]
    for path in users:
        put(path, "the user's own")
    said = uninstalled(home, capsys)
    assert remaining(home.parent) == sorted(path.relative_to(home.parent).as_posix() for path in users)
    for folder in (home, home / "log", home / "env-2", plug_in):
        assert f"{folder} holds other files and stays." in said


@pytest.mark.parametrize("name", ["weights", "reference", "run", "log", "downloads", "env-2"])
def test_linked_subfolder(home: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """A user with a small disk has moved it to another and put a link in its place."""
    elsewhere = home.parent / "large disk" / name
    elsewhere.parent.mkdir()
    (home / name).rename(elsewhere)
    (home / name).symlink_to(elsewhere)
    users = put(elsewhere / "diary.txt", "the user's own")
    if name == "downloads":
        users.unlink()  # nobody keeps things there
    uninstalled(home, capsys)
    assert not os.path.lexists(home)
    assert remaining(elsewhere.parent) == ([] if name == "downloads" else [f"{name}/diary.txt"])


def test_linked_data_folder(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = home.rename(home.parent / "elsewhere")
    home.symlink_to(elsewhere)
    uninstalled(home, capsys)
    assert not os.path.lexists(home)
    assert remaining(elsewhere) == []


def test_links_within_are_not_followed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures = put(home.parent / "pictures/worker.log", "the user's own").parent
    (home / "log/pictures").symlink_to(pictures)
    (home / "run/jobs/pictures").symlink_to(pictures)
    uninstalled(home, capsys)
    assert (pictures / "worker.log").exists()
    assert (home / "log/pictures").is_symlink()


def test_link_to_a_checkout(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plug_in = home.parent / ".config/GIMP/3.0/plug-ins/decoupled-style"
    checkout = plug_in.rename(home.parent / "checkout")
    plug_in.symlink_to(checkout)
    before = remaining(checkout)
    uninstalled(home, capsys)
    assert not os.path.lexists(plug_in)
    assert remaining(checkout) == before


def test_gimp_that_is_no_longer_found(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plug-in goes from where it was put, even if GIMP's folder is another by now."""
    monkeypatch.setenv("GIMP3_DIRECTORY", str(home.parent / "another"))
    uninstalled(home, capsys)
    assert not (home.parent / ".config/GIMP/3.0/plug-ins/decoupled-style").exists()


def test_plug_in_of_another_installation(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plug_in = home.parent / ".config/GIMP/3.0/plug-ins/decoupled-style"
    other = put(home.parent / "other" / "installation.json", "{}").parent
    place_plug_in(plug_in, other / "env-1/bin/python", other)
    assert f"belongs to the installation in {other}" in uninstalled(home, capsys)
    assert plug_in_state(plug_in) != "missing"


def test_environment_of_an_earlier_version(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "env-2").rename(home / "env")
    (home / "env/installed.json").unlink()
    uninstalled(home, capsys)
    assert not home.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows itself keeps what is open")
@pytest.mark.parametrize("lock", ["run/lock", "weights/.lock", "downloads/lock"])
def test_what_is_at_work_is_left_alone(home: Path, capsys: pytest.CaptureFixture[str], lock: str) -> None:
    """A lock that somebody holds is not removed, nor anything beside it."""
    before = remaining(home)
    with locked(home / lock, "free"):
        assert main(["--uninstall", "--home", str(home)]) == 1
    assert "then run this again." in capsys.readouterr().err
    assert remaining(home) == before
    uninstalled(home, capsys)
    assert not home.exists()


def test_a_folder_with_an_installers_lock_alone_is_taken(tmp_path: Path) -> None:
    """As one that was killed at its very beginning leaves it; anything more is somebody's."""
    claim(tmp_path / "data")
    with alone(tmp_path / "data"):
        pass
    claim(tmp_path / "data")
    put(tmp_path / "data/downloads/holiday.jpg")
    with pytest.raises(InstallError, match="holds other things"):
        claim(tmp_path / "data")
