"""From one version to the next, and what an interrupt, a dead index or a wrong digest leaves; with small packages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
from small_index import SmallIndex, set_version
from user import User, interpreter, one_line

from installer.wheel import PACKAGES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(index: SmallIndex, tmp_path_factory: pytest.TempPathFactory) -> User:
    """A user who has version 1.0, of torch's build for processors."""
    user = User(tmp_path_factory.mktemp("user"))
    index.lend_to(user)
    set_version(user.clone, "1.0")
    answer = user.install(*index_of(index))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    user.answer = answer.stdout
    return user


def index_of(index: SmallIndex) -> tuple[str, ...]:
    return ("--torch-index", f"{index.address}/whl", "--device", "cpu")


def working_versions(user: User) -> set[str]:
    """What the command line and each plug-in's worker say they are; all of them work."""
    versions = {user.run(str(user.home / "decouple"), "check").stdout.split()[2]}
    for gimp in user.gimps:
        values = json.loads((gimp / "plug-ins" / "decoupled-style" / "installation.json").read_text())
        said = user.run(values["python"], "-I", "-m", "decouple_core", "check").stdout
        assert values["version"] == said.split()[2]
        versions.add(values["version"])
    return versions


def processes_of(user: User) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it has ended meanwhile
            continue
        if str(user.folder) in line:
            found.append(line)
    return found


def test_what_was_installed(installed: User) -> None:
    python = str(installed.home / "env-1" / "bin" / "python")
    assert installed.run(python, "-c", "import torch; print(torch.build)").stdout == "cpu\n"
    listed = installed.run(python, "-I", "-m", "pip", "list", "--format=freeze").stdout
    assert "setuptools" not in listed or "setuptools==65" in listed  # of ensurepip, on Python 3.11; nothing built
    assert "To download: " in installed.answer
    assert "digests of the build cpu are not among those" in installed.answer
    assert os.listdir(installed.home / "downloads") == ["lock"]  # what was fetched is gone
    assert "isolated" in installed.run(str(installed.home / "decouple"), "check").stdout


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python(index: SmallIndex, tmp_path: Path, version: str) -> None:
    user = User(tmp_path)
    index.lend_to(user)
    user.python = interpreter(version) or pytest.skip(f"this machine has no Python {version}")
    answer = user.install(*index_of(index))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert user.install("--uninstall").returncode == 0
    assert not user.home.exists()


@pytest.mark.parametrize("milliseconds", range(0, 300, 20))
def test_stopped_while_it_starts(user: User, milliseconds: int) -> None:
    with subprocess.Popen(
        [*user.installer, "--check"],
        env=user.environ,
        cwd=user.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        time.sleep(0.05 + milliseconds / 1000)
        program.send_signal(signal.SIGINT)
        said, _ = program.communicate()
    # On a busy machine it may hit Python before that has come to our first line, which it then calls line 0.
    assert (
        "Traceback" not in said
        or re.search(r'install\.py", line 0, in <module>\nKeyboardInterrupt', said)
        or ("Fatal Python error" in said and "install.py" not in said)
    )


def test_again_changes_nothing(installed: User, index: SmallIndex) -> None:
    index.asked.clear()
    answer = installed.install(*index_of(index))
    assert answer.returncode == 0
    assert "There already" in answer.stdout
    assert index.asked == ["/whl/torch/"]


def test_index_out_of_reach_keeps_the_better_build(installed: User) -> None:
    """A day without torch's index does not turn an environment of 1 GB into one of 6."""
    other = installed.clone / "installer" / "builds.py"
    before = other.read_text()
    other.write_text(before.replace("https://download.pytorch.org/whl", "http://127.0.0.1:9/whl"))
    answer = installed.install("--device", "cpu")
    other.write_text(before)
    assert answer.returncode == 0, answer.stderr
    assert "does not answer" in answer.stdout
    assert "There already" in answer.stdout


def test_files_in_the_way_are_not_run(installed: User, index: SmallIndex, tmp_path: Path) -> None:
    """Modules of Python's and pip's own names, where the user stands, in PYTHONPATH and beside install.py."""
    names = ("torch", "pip", "argparse", "json", "subprocess", "tomllib", "runpy", *PACKAGES)
    for name in names:
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
        if name not in PACKAGES:
            (installed.clone / f"{name}.py").write_text(f"open({str(tmp_path / 'was run')!r}, 'w')")
    set_version(installed.clone, "1.1")
    command = [*installed.installer, *index_of(index)]
    answer = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**installed.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
    )
    for name in names:
        (installed.clone / f"{name}.py").unlink(missing_ok=True)
    assert answer.returncode == 0, answer.stderr
    assert working_versions(installed) == {"1.1"}
    assert not (tmp_path / "was run").exists()


def test_wrong_digest_is_refused(installed: User, index: SmallIndex) -> None:
    works = working_versions(installed)
    base = installed.clone / "release" / "lock" / "base.txt"
    before = base.read_text()
    set_version(installed.clone, "1.2")
    base.write_text(before.replace(index.digest("tqdm", "9999.1"), "0" * 64))
    answer = installed.install(*index_of(index))
    base.write_text(before)
    assert "this step failed" in one_line(answer)
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in answer.stderr
    assert working_versions(installed) == works


def test_failed_step_leaves_the_old_version(installed: User, index: SmallIndex) -> None:
    works = working_versions(installed)
    set_version(installed.clone, "1.3")
    program = installed.clone / "decouple_core" / "command" / "main.py"
    before = program.read_text()
    program.write_text("def main():\n    return 3\n")
    answer = installed.install(*index_of(index))
    program.write_text(before)
    assert "this step failed" in one_line(answer)
    assert working_versions(installed) == works
    assert installed.install(*index_of(index)).returncode == 0
    assert working_versions(installed) == {"1.3"}
    assert len(installed.environments) == 1


def test_second_installer_waits_for_no_one(installed: User, index: SmallIndex) -> None:
    set_version(installed.clone, "1.4")
    index.held = "tqdm"
    try:
        with subprocess.Popen(
            [*installed.installer, *index_of(index)],
            env=installed.environ,
            cwd=installed.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as first:
            reach(first, "Collecting tqdm")
            assert "Another installer is at work" in one_line(installed.install(*index_of(index)))
            first.kill()
    finally:
        index.held = ""
    assert ended(installed)


def reach(program: subprocess.Popen[str], words: str) -> str:
    """Read what a program says until it says this; returns it all."""
    said = ""
    assert program.stdout is not None
    while words not in said:
        line = program.stdout.readline()
        assert line, f"it never came to {words!r}: {said}"
        said += line
    return said


def ended(user: User) -> bool:
    """Whether nothing of this user runs any more, within a few seconds."""
    for _ in range(100):
        if not processes_of(user):
            return True
        time.sleep(0.1)
    return False


STEPS = [
    "[1/4]",
    "To download: ",
    "Collecting tqdm",
    "Installing collected",
    "No broken",
    "[2/4]",
    "[3/4]",
    "[4/4]",
    "Filters ▸ Artistic",
]


@pytest.mark.parametrize("step", STEPS)
def test_stopped_anywhere(installed: User, index: SmallIndex, step: str) -> None:
    """Interrupted, then killed by another run: the old version works, or a new one; nothing goes on; no traceback;
    the next run ends well.
    """
    works = working_versions(installed)
    for sent in (signal.SIGINT, signal.SIGKILL):
        version = f"2.{STEPS.index(step)}.{int(sent)}"
        set_version(installed.clone, version, seconds=0.5)
        index.held = "tqdm" if step == "Collecting tqdm" else ""
        with subprocess.Popen(
            [*installed.installer, *index_of(index)],
            env=installed.environ,
            cwd=installed.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as program:
            said = reach(program, step)
            program.send_signal(sent)
            said += program.stdout.read() if program.stdout else ""
            code = program.wait(60)
        index.held = ""
        assert "Traceback" not in said
        if sent == signal.SIGINT and step != STEPS[-1]:
            assert code == 130
            assert said.strip().splitlines()[-1] == "install.py: stopped; run it again to go on where it was."
        assert ended(installed), processes_of(installed)
        set_version(installed.clone, version, seconds=0)
        possible = {*works, version}
        works = working_versions(installed)
        assert works <= possible
    answer = installed.install(*index_of(index))
    assert answer.returncode == 0, answer.stderr
    assert working_versions(installed) == {version}
    assert len(installed.environments) == 1
    assert not list(installed.home.glob("*.new"))


def test_downloads_are_kept(installed: User, index: SmallIndex) -> None:
    """What has been fetched before an interrupt is not fetched again."""
    set_version(installed.clone, "3.0")
    index.asked.clear()
    index.held = "torchvision"
    with subprocess.Popen(
        [*installed.installer, "--device", "cuda"],
        env=installed.environ,
        cwd=installed.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as program:
        reach(program, "Collecting torchvision")
        program.kill()
    assert ended(installed)
    index.held = ""
    fetched = {path for path in index.asked if path.endswith(".whl")}
    assert {path.rpartition("/")[2].partition("-")[0] for path in fetched} >= {*index.base, "torch"}
    index.asked.clear()
    assert installed.install("--device", "cuda").returncode == 0
    again = [path.rpartition("/")[2] for path in index.asked if path.endswith(".whl")]
    assert {name.partition("-")[0] for name in again} == {"torchvision"}
