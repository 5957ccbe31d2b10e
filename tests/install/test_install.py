"""The installer as a user runs it: refusals in one line, then a whole installation, checked, used and removed."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from skimage.filters import sobel
from user import REPOSITORY, User, interpreter, one_line

import installer
from decouple_core.pictures.reading import read_image
from installer import download, environment
from installer.builds import Build
from installer.words import InstallError

# --- refusals -----------------------------------------------------------------------------------------------------


def test_folder_with_other_things_is_left_alone(user: User) -> None:
    user.home.mkdir()
    (user.home / "thesis.txt").write_text("years of work")
    (user.home / "env").mkdir()
    assert "holds other things (env)" in one_line(user.install())
    assert sorted(path.name for path in user.home.iterdir()) == ["env", "thesis.txt"]
    user.install("--uninstall")
    assert sorted(path.name for path in user.home.iterdir()) == ["env", "thesis.txt"]


def test_file_in_the_folders_place(user: User) -> None:
    user.home.write_text("")
    assert "is a file" in one_line(user.install())


def test_folder_that_cannot_be_made(user: User) -> None:
    user.home = Path("/proc/decouple")
    assert "/proc/decouple" in one_line(user.install())


def test_python_without_means_to_make_environments(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)  # as on Debian without python3-venv
    with pytest.raises(InstallError, match="install the package python3-venv"):
        environment.make_empty_environment(tmp_path / "env")


def test_too_little_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: SimpleNamespace(free=10**9))
    with pytest.raises(InstallError, match=r"1\.0 GB of free space, but \d+\.\d GB are needed"):
        download.announce(tmp_path, Build("registry"))


def test_files_beside_it_are_not_run(user: User) -> None:
    """Not even by the first lines, before it has started itself anew."""
    for name in ("signal", "enum", "types", "subprocess", "argparse", "tomllib"):
        (user.clone / f"{name}.py").write_text(f"open({str(user.folder / 'was run')!r}, 'w')")
    assert "FAILS  private environment" in user.install("--check").stdout
    assert not (user.folder / "was run").exists()


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8", "3.9", "3.10"])
def test_python_that_is_too_old(user: User, version: str) -> None:
    user.python = interpreter(version) or pytest.skip(f"this machine has no Python {version}")
    assert one_line(user.install()).startswith(f"install.py: Python 3.11 or later is needed, but this is {version}.")


def test_python_that_is_too_old_for_a_later_release(user: User) -> None:
    """The sentence itself, where no old Python is at hand."""
    front = user.clone / "install.py"
    front.write_text(front.read_text(encoding="ascii").replace("sys.version_info < (3, 11)", "True"))
    assert "Python 3.11 or later is needed" in one_line(user.install())


def test_rooms_of_the_installer() -> None:
    """A file imports the standard library, the contract, and those files that its package's list has below it."""
    order = re.findall(r"^    (\w+)  ", installer.__doc__ or "", re.MULTILINE)
    paths = {path.stem: path for path in Path(installer.__file__).parent.glob("[!_]*.py")}
    assert sorted(order) == sorted(paths)
    for name, path in paths.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert {alias.name.partition(".")[0] for alias in node.names} <= sys.stdlib_module_names
            elif isinstance(node, ast.ImportFrom):
                package, _, module = (node.module or "").partition(".")
                assert package in {"decouple_contract", "installer"} | sys.stdlib_module_names
                for other in [module] if module else [alias.name for alias in node.names]:
                    if package == "installer":
                        assert order.index(name) < order.index(other), f"{name} imports {other}"


def test_check_without_an_installation(user: User) -> None:
    answer = user.install("--check")
    assert answer.returncode == 1
    assert "FAILS  private environment" in answer.stdout
    assert answer.stdout.count("missing") == 2
    assert not user.home.exists()


def test_uninstall_without_an_installation(user: User) -> None:
    answer = user.install("--uninstall")
    assert answer.returncode == 0
    assert "no installation" in answer.stdout


def test_needs_nothing_but_the_standard_library() -> None:
    """A fresh machine's Python runs it: no packages are visible in this run."""
    answer = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import sys; sys.path.insert(0, sys.argv[1]); from installer.command import main; main(['--help'])",
            str(REPOSITORY),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0
    assert "--torch-index" in answer.stdout


# --- a whole installation -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(weights: tuple[str, object], tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    """A user who first met a package index that is out of reach, and then ran the installer again."""
    folder = tmp_path_factory.mktemp("user")
    user = User(folder)
    try:
        failed = user.install("--torch-index", (folder / "no-index").as_uri())
        assert "run install.py again" in one_line(failed)
        # The weights are the tests' own, to spare a download; fetching them is tested elsewhere.
        shutil.copytree(Path(os.environ["DECOUPLE_HOME"]) / "weights", user.home / "weights")
        answer = user.install("--network", "vgg16", "--device", "cpu")
        assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
        user.answer = answer.stdout
        yield user
    finally:
        shutil.rmtree(folder, ignore_errors=True)  # the environment alone takes gigabytes


@pytest.mark.slow
def test_demonstration_shows_a_clear_change(installed: User) -> None:
    path = Path(installed.answer.strip().splitlines()[-1])
    before = read_image(REPOSITORY / "tests/data/coffee.jpg").pixels
    after = read_image(path).pixels
    style = read_image(REPOSITORY / "tests/data/rocket.jpg").pixels
    assert after.shape == before.shape
    colours = [image.mean(axis=(0, 1)) for image in (before, after, style)]
    # The warm picture has taken on the blue of the style, and the cup is still there.
    assert np.linalg.norm(colours[1] - colours[2]) < 0.5 * np.linalg.norm(colours[0] - colours[2])
    edges = [sobel(image.mean(axis=2)).ravel() for image in (before, after)]
    assert np.corrcoef(*edges)[0, 1] > 0.7  # other pictures' edges correlate by about 0


@pytest.mark.slow
def test_works_without_the_clone(installed: User) -> None:
    away = installed.clone.rename(installed.folder / "away")
    try:
        answer = installed.run(str(installed.home / "decouple"), "check", "--device", "cpu")
    finally:
        away.rename(installed.clone)
    assert answer.returncode == 0, answer.stderr
    assert "vgg16" in answer.stdout
    # It used its own data folder, although nothing in the environment named it.
    assert not (installed.folder / ".local").exists()


@pytest.mark.slow
def test_check_finds_what_is_broken(installed: User) -> None:
    whole = installed.install("--check", "--device", "cpu")
    assert whole.returncode == 0, whole.stdout
    assert whole.stdout.count("up to date") == 2
    spoilt = installed.gimps[0] / "plug-ins" / "decoupled-style" / "decoupled_style" / "messages.py"
    before = spoilt.read_bytes()
    spoilt.write_bytes(b"")
    broken = installed.install("--check", "--device", "cpu")
    spoilt.write_bytes(before)
    assert broken.returncode == 1
    assert "FAILS  plug-in in GIMP 3.0" in broken.stdout
    assert "Run install.py again" in broken.stdout


@pytest.mark.slow
def test_uninstall_leaves_pictures_and_gimp(installed: User) -> None:
    picture = installed.home / "my picture.png"
    other = installed.gimps[0] / "plug-ins" / "other" / "other.py"
    other.parent.mkdir()
    for path in (picture, other):
        path.write_text("the user's own")
    # A worker that runs would go on from files that are gone, and write its log into the folder.
    program = [str(installed.home / "decouple"), "serve"]
    with subprocess.Popen(program, env=installed.environ, cwd=installed.folder) as worker:
        while not (installed.home / "run" / "worker.json").exists():
            assert worker.poll() is None
            time.sleep(0.1)
        answer = installed.install("--uninstall")
        assert worker.wait(60) == 0
    assert answer.returncode == 0, answer.stderr
    assert list(installed.home.iterdir()) == [picture]
    assert other.exists()
    assert [path.name for gimp in installed.gimps for path in (gimp / "plug-ins").iterdir()] == ["other"]
