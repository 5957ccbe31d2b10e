"""The data folder: where each platform keeps such things, and what overrides that."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from decouple_contract.errors import InputError
from decouple_contract.paths import MARKER, data_folder


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DECOUPLE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(Path, "home", lambda: tmp_path)


@pytest.mark.parametrize(
    ("platform", "where"),
    [
        ("linux", ".local/share/decoupled-style"),
        ("darwin", "Library/Application Support/decoupled-style"),
        ("win32", "AppData/Local/decoupled-style"),
    ],
)
def test_each_platforms_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, platform: str, where: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert data_folder() == tmp_path / where


def test_variables_override(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert data_folder() == tmp_path / "xdg" / "decoupled-style"
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # to be ignored, says the specification
    assert data_folder() == tmp_path / ".local" / "share" / "decoupled-style"
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path / "mine"))
    assert data_folder() == tmp_path / "mine"


def test_installed_environment_knows_its_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "anywhere" / "env"))
    assert data_folder() != tmp_path / "anywhere"
    (tmp_path / "anywhere").mkdir()
    (tmp_path / "anywhere" / MARKER).write_text("{}")
    assert data_folder() == tmp_path / "anywhere"


def test_user_without_a_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")  # as without HOME for a user of a number only

    monkeypatch.setattr(Path, "home", nowhere)
    with pytest.raises(InputError, match="choose a folder for the program with DECOUPLE_HOME"):
        data_folder()
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    assert data_folder() == tmp_path


def test_importing_the_package_loads_neither_torch_nor_numpy() -> None:
    """The installer runs before they are there, and the worker must answer before torch is loaded."""
    code = (
        "import sys, decouple_core, decouple_contract.paths, decouple_contract.errors, "
        "decouple_contract.settings, decouple_contract.connection, decouple_core.command.main; "
        "sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2]).returncode == 0
