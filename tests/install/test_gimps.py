"""Finding the GIMPs of a user on every platform, and putting the plug-in there; on folders made for the purpose."""

from __future__ import annotations

import ast
import json
import os
import stat
import sys
from pathlib import Path

import pytest

import install


def make(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True)


def found(system: str, user: Path, **environ: str) -> list[tuple[str, str]]:
    return [(gimp.folder.relative_to(user).as_posix(), gimp.kind) for gimp in install.find_gimps(system, user, environ)]


def test_linux_and_flatpak(tmp_path: Path) -> None:
    config = tmp_path / ".config" / "GIMP"
    make(config / "2.10", config / "3.0", config / "3.2", config / "3.0.old", config / "notes")
    assert found("linux", tmp_path) == [(".config/GIMP/3.0", "GIMP"), (".config/GIMP/3.2", "GIMP")]


def test_linux_with_another_configuration_folder(tmp_path: Path) -> None:
    make(tmp_path / ".config" / "GIMP" / "3.0", tmp_path / "elsewhere" / "GIMP" / "3.2")
    assert found("linux", tmp_path, XDG_CONFIG_HOME=str(tmp_path / "elsewhere")) == [("elsewhere/GIMP/3.2", "GIMP")]


def test_snap(tmp_path: Path) -> None:
    make(tmp_path / "snap" / "gimp" / "current" / ".config" / "GIMP" / "3.0")
    assert found("linux", tmp_path) == [("snap/gimp/current/.config/GIMP/3.0", "GIMP from Snap")]
    assert any("Snap" in note for note in install.sandbox_notes(tmp_path, Path(sys.executable)))


def test_flatpak_cannot_see_the_systems_python(tmp_path: Path) -> None:
    make(tmp_path / ".var" / "app" / "org.gimp.GIMP")
    (tmp_path / "own-python").touch()
    assert install.sandbox_notes(tmp_path, tmp_path / "own-python") == []
    assert any("Flatpak" in note for note in install.sandbox_notes(tmp_path, Path("/usr/bin/env")))


def test_windows(tmp_path: Path) -> None:
    make(tmp_path / "AppData" / "Roaming" / "GIMP" / "3.0", tmp_path / "Moved" / "GIMP" / "3.2")
    assert found("win32", tmp_path) == [("AppData/Roaming/GIMP/3.0", "GIMP")]
    assert found("win32", tmp_path, APPDATA=str(tmp_path / "Moved")) == [("Moved/GIMP/3.2", "GIMP")]


def test_macos(tmp_path: Path) -> None:
    make(tmp_path / "Library" / "Application Support" / "GIMP" / "3.0", tmp_path / ".config" / "GIMP" / "3.0")
    assert found("darwin", tmp_path) == [("Library/Application Support/GIMP/3.0", "GIMP")]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_gimps_own_variable_overrides(tmp_path: Path, system: str) -> None:
    make(tmp_path / "profile", tmp_path / ".config" / "GIMP" / "3.0")
    assert found(system, tmp_path, GIMP3_DIRECTORY=str(tmp_path / "profile")) == [("profile", "GIMP3_DIRECTORY")]
    assert found(system, tmp_path, GIMP3_DIRECTORY=str(tmp_path / "missing")) == []


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_no_gimp_and_none_made(tmp_path: Path, system: str) -> None:
    make(tmp_path / ".config" / "GIMP" / "2.10")
    assert found(system, tmp_path) == []
    assert list((tmp_path / ".config" / "GIMP").iterdir()) == [tmp_path / ".config" / "GIMP" / "2.10"]


@pytest.fixture
def plug_in(tmp_path: Path) -> Path:
    target = tmp_path / "GIMP" / "3.0" / "plug-ins" / "decoupled-style"
    make(tmp_path / "GIMP" / "3.0")
    install.place_plug_in(target, Path(sys.executable), tmp_path / "home")
    return target


def test_plug_in_is_whole(plug_in: Path, tmp_path: Path) -> None:
    assert os.access(plug_in / "decoupled-style.py", os.X_OK)
    assert stat.S_IMODE((plug_in / "decoupled-style.py").stat().st_mode) == 0o755
    values = json.loads((plug_in / "installation.json").read_text())
    assert (values["python"], values["home"]) == (sys.executable, str(tmp_path / "home"))
    assert not list(plug_in.rglob("__pycache__"))
    assert [path.name for path in plug_in.parent.parent.iterdir()] == ["plug-ins"]  # nothing left from the making
    assert install.plug_in_state(plug_in) == "up to date"


def test_plug_in_imports_what_is_there(plug_in: Path) -> None:
    """Every module that the plug-in's files import is beside them, in the standard library, or gi."""
    for path in plug_in.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
                [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
            for name in names:
                top = name.partition(".")[0]
                assert top in {"gi", "decoupled_style"} | sys.stdlib_module_names, f"{path.name} imports {name}"
                if top == "decoupled_style":
                    place = plug_in.joinpath(*name.split("."))
                    assert place.with_suffix(".py").exists() or (place / "__init__.py").exists(), name


def test_plug_in_is_replaced_as_a_whole(plug_in: Path, tmp_path: Path) -> None:
    (plug_in / "left_over.py").write_text("")
    (plug_in / "contract").mkdir()
    (plug_in / "decoupled_style" / "messages.py").write_text("spoilt")
    assert install.plug_in_state(plug_in).startswith("another version")
    install.place_plug_in(plug_in, Path(sys.executable), tmp_path / "home")
    assert not (plug_in / "left_over.py").exists()
    assert not (plug_in / "contract").exists()
    assert install.plug_in_state(plug_in) == "up to date"


def test_states_of_a_plug_in(plug_in: Path, tmp_path: Path) -> None:
    assert install.plug_in_state(plug_in.parent / "nothing") == "missing"
    install.place_plug_in(plug_in, tmp_path / "gone", tmp_path / "home")
    assert install.plug_in_state(plug_in) == "its environment is gone"
    (plug_in / "installation.json").write_text("{")
    assert install.plug_in_state(plug_in) == "damaged"
