"""Finding the GIMPs of a user on every platform, and putting the plug-in there; on folders made for the purpose."""

from __future__ import annotations

import ast
import json
import os
import stat
import sys
from pathlib import Path

import pytest

from installer import gimps
from installer.gimps import Gimp, configuration_folders, find_gimps
from installer.plug_in import install_plug_ins, place_plug_in, plug_in_state


def make(*folders: Path) -> None:
    for folder in folders:
        folder.mkdir(parents=True)


def found(system: str, user: Path, **environ: str) -> list[tuple[str, str]]:
    return [(gimp.folder.relative_to(user).as_posix(), gimp.kind) for gimp in find_gimps(system, user, environ)]


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
    assert any("Snap" in line for line in obstacles(tmp_path))


def test_flatpak_with_a_folder_of_its_own(tmp_path: Path) -> None:
    """As a rule its folder is the host's, by itself or by a link; it may have one of its own."""
    shared, own = tmp_path / ".config" / "GIMP", tmp_path / ".var/app/org.gimp.GIMP/config/GIMP"
    make(shared / "3.0", own.parent)
    own.symlink_to(shared)
    assert found("linux", tmp_path) == [(".config/GIMP/3.0", "GIMP")]
    own.unlink()
    make(own / "3.2")
    assert found("linux", tmp_path)[1:] == [(".var/app/org.gimp.GIMP/config/GIMP/3.2", "GIMP from Flatpak")]


def test_windows_store(tmp_path: Path) -> None:
    folder = "AppData/Local/Packages/GIMP.43237F745F459_x/LocalCache/Roaming/GIMP/3.0"
    make(tmp_path / folder)
    assert found("win32", tmp_path) == [(folder, "GIMP from the Microsoft Store")]


# --- what cannot work, and why ------------------------------------------------------------------------------------


def obstacles(user: Path, system: str = "linux", python: Path | None = None, **environ: str) -> list[str]:
    return gimps.obstacles(system, user, environ, python or user / "own-python", user / "root")


def test_nothing_in_the_way(tmp_path: Path) -> None:
    make(tmp_path / ".config/GIMP/3.0", tmp_path / ".config/GIMP/2.10", tmp_path / "root/usr/bin")
    (tmp_path / "root/usr/bin/gimp-3.0").touch()
    assert obstacles(tmp_path) == []


def test_flatpak_cannot_see_the_systems_python(tmp_path: Path) -> None:
    make(tmp_path / ".config/GIMP/3.0", tmp_path / "root/var/lib/flatpak/app/org.gimp.GIMP")
    assert obstacles(tmp_path) == []
    (line,) = obstacles(tmp_path, python=Path("/usr/bin/env"))
    assert "GIMP from Flatpak" in line
    assert "cannot see /usr/bin/env" in line


@pytest.mark.parametrize(
    ("system", "path", "kind"),
    [
        ("linux", "root/usr/bin/gimp-3.2", "GIMP"),
        ("linux", "root/var/lib/flatpak/app/org.gimp.GIMP", "GIMP from Flatpak"),
        ("linux", "Downloads/GIMP-3.0.6-x86_64.AppImage", "GIMP as an AppImage"),
        ("win32", "root/Program Files/GIMP 3", "GIMP"),
        ("win32", "AppData/Local/Programs/GIMP 3", "GIMP"),
        ("win32", "AppData/Local/Packages/GIMP.43237F745F459_x", "GIMP from the Microsoft Store"),
        ("darwin", "root/Applications/GIMP.app", "GIMP"),
    ],
)
def test_never_started(tmp_path: Path, system: str, path: str, kind: str) -> None:
    make(tmp_path / path)
    (line,) = obstacles(tmp_path, system)
    assert line.startswith(f"{kind} ({tmp_path / path}) has not been started")


def test_snap_is_named(tmp_path: Path) -> None:
    make(tmp_path / "root/snap/gimp", tmp_path / ".config/GIMP/3.0")
    (line,) = obstacles(tmp_path)
    assert "GIMP from Snap" in line
    assert "may not start programs" in line


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_older_gimp_alone(tmp_path: Path, system: str) -> None:
    (parent,) = [
        path
        for path in configuration_folders(system, tmp_path, {})
        if path.name == "GIMP" and "snap" not in path.parts and ".var" not in path.parts
    ]
    make(parent / "2.10")
    (line,) = obstacles(tmp_path, system)
    assert "GIMP 2.10" in line
    assert "older than GIMP 3" in line
    make(parent / "3.0")
    assert obstacles(tmp_path, system) == []


def test_distribution_without_bindings(tmp_path: Path) -> None:
    libraries = tmp_path / "root/usr/lib/x86_64-linux-gnu"
    make(tmp_path / ".config/GIMP/3.0", libraries / "gimp/3.0", libraries / "girepository-1.0")
    (line,) = obstacles(tmp_path)
    assert "gir1.2-gimp-3.0" in line
    (libraries / "girepository-1.0/Gimp-3.0.typelib").touch()
    assert obstacles(tmp_path) == []


def test_one_gimp_that_refuses_does_not_stop_the_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make(tmp_path / "3.0", tmp_path / "3.2")
    (tmp_path / "3.0" / "plug-ins").write_text("a file in the folder's place")
    both = [Gimp(tmp_path / version, "GIMP") for version in ("3.0", "3.2")]
    install_plug_ins(tmp_path / "home", both, Path(sys.executable))
    assert "GIMP 3.0: the plug-in cannot be put there" in capsys.readouterr().out
    assert plug_in_state(both[1].plug_in) == "up to date"


# --- the plug-in --------------------------------------------------------------------------------------------------


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
    place_plug_in(target, Path(sys.executable), tmp_path / "home")
    return target


def test_plug_in_is_whole(plug_in: Path, tmp_path: Path) -> None:
    assert os.access(plug_in / "decoupled-style.py", os.X_OK)
    assert stat.S_IMODE((plug_in / "decoupled-style.py").stat().st_mode) == 0o755
    values = json.loads((plug_in / "installation.json").read_text())
    assert (values["python"], values["home"]) == (sys.executable, str(tmp_path / "home"))
    assert not list(plug_in.rglob("__pycache__"))
    assert [path.name for path in plug_in.parent.parent.iterdir()] == ["plug-ins"]  # nothing left from the making
    assert plug_in_state(plug_in) == "up to date"


OURS = {"decouple_contract", "decoupled_style"}
"""The packages in the plug-in's folder."""


def test_plug_in_imports_what_is_there(plug_in: Path) -> None:
    """Every module that the plug-in's files import is beside them, in the standard library, or gi.

    Imports for checkers of types alone do not run.
    """
    for path in plug_in.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for branch in ast.walk(tree):
            if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING":
                branch.body = []
        for node in ast.walk(tree):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else ([node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else [])
            )
            for name in names:
                top = name.partition(".")[0]
                assert top in {"gi", *OURS} | sys.stdlib_module_names, f"{path.name} imports {name}"
                if top in OURS:
                    place = plug_in.joinpath(*name.split("."))
                    assert place.with_suffix(".py").exists() or (place / "__init__.py").exists(), name


def test_plug_in_is_replaced_as_a_whole(plug_in: Path, tmp_path: Path) -> None:
    (plug_in / "my notes.txt").write_text("the user's own")
    (plug_in / "decoupled_style" / "host" / "left_over.py").write_text("of an earlier version")
    (plug_in / "decoupled_style" / "old_messages.py").write_text("of an earlier version")
    values = json.loads((plug_in / "installation.json").read_text())
    values["files"] += ["decoupled_style/host/left_over.py", "decoupled_style/old_messages.py"]
    (plug_in / "installation.json").write_text(json.dumps(values))
    (plug_in / "decoupled_style" / "plug_in.py").write_text("spoilt")
    assert plug_in_state(plug_in).startswith("another version")
    place_plug_in(plug_in, Path(sys.executable), tmp_path / "home")
    assert not (plug_in / "decoupled_style" / "host" / "left_over.py").exists()
    assert not (plug_in / "decoupled_style" / "old_messages.py").exists()
    assert (plug_in / "my notes.txt").read_text() == "the user's own"
    assert plug_in_state(plug_in) == "up to date"


def test_plug_in_of_a_version_without_a_list(plug_in: Path, tmp_path: Path) -> None:
    """Versions up to 0.2 kept no list of their files: the package was theirs, what lies beside it was not."""
    values = json.loads((plug_in / "installation.json").read_text())
    del values["files"]
    (plug_in / "installation.json").write_text(json.dumps(values))
    (plug_in / "my notes.txt").write_text("the user's own")
    (plug_in / "decoupled_style" / "old_messages.py").write_text("of an earlier version")
    place_plug_in(plug_in, Path(sys.executable), tmp_path / "home")
    assert not (plug_in / "decoupled_style" / "old_messages.py").exists()
    assert (plug_in / "my notes.txt").exists()


def test_link_to_a_checkout_is_replaced_not_followed(plug_in: Path, tmp_path: Path) -> None:
    checkout = plug_in.rename(tmp_path / "checkout")
    plug_in.symlink_to(checkout)
    before = sorted(checkout.rglob("*"))
    place_plug_in(plug_in, Path(sys.executable), tmp_path / "home")
    assert not plug_in.is_symlink()
    assert sorted(checkout.rglob("*")) == before


def test_states_of_a_plug_in(plug_in: Path, tmp_path: Path) -> None:
    assert plug_in_state(plug_in.parent / "nothing") == "missing"
    place_plug_in(plug_in, tmp_path / "gone", tmp_path / "home")
    assert plug_in_state(plug_in) == "its environment is gone"
    (plug_in / "installation.json").write_text("{")
    assert plug_in_state(plug_in) == "damaged"
