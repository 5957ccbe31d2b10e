"""The command line as a shell meets it: streams, signals, files of its own and of others."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.core.command_line import PIXELS, QUICK, arguments, fill, picture, succeeds

pytestmark = pytest.mark.usefixtures("weights", "one_thread")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a target and a style."""
    return fill(tmp_path_factory.mktemp("pictures"))


def process(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "decouple_core", *arguments(*words)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_as_a_process(pictures: Path, tmp_path: Path) -> None:
    with process("transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK) as run:
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert out.count("\n") == 1
    # Where standard error is no terminal, progress comes as plain lines.
    assert re.search(r"^ *\d+% Reading the style$", err, re.MULTILINE)
    assert "\r" not in err
    assert "Traceback" not in err
    assert (tmp_path / "a.png").is_file()


def test_bad_input_as_a_process(tmp_path: Path) -> None:
    with process("transfer", tmp_path / "a.png", tmp_path / "b.png", "-o", tmp_path / "c.png") as run:
        out, err = run.communicate(timeout=300)
    assert (run.returncode, out) == (2, "")
    assert err == f"decouple: There is no file {tmp_path / 'a.png'}; check the name.\n"


ENDING = """
import atexit, sys, threading, time
import decouple_core.__main__ as command

class Held:
    def __del__(self):
        print("taken apart")

def main():
    atexit.register(print, "left to the end")
    threading.Thread(target=lambda: time.sleep(0.2) or print("thread")).start()
    {last}

held = Held()
command.main = main
sys.exit(command.program())
"""


@pytest.mark.parametrize(
    ("last", "code", "torn_down"),
    [("return 3", 3, False), ("sys.exit(0)", 0, False), ("raise SystemExit(2)", 2, False), ("1 / 0", 1, True)],
)
def test_the_end_waits_for_all_but_python(last: str, code: int, torn_down: bool) -> None:
    """Threads and what is left to the end are done, what is printed arrives; nothing is taken apart piece by piece."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDING.format(last=last)], capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == code
    assert ended.stdout == "thread\nleft to the end\n" + "taken apart\n" * torn_down
    assert ("ZeroDivisionError" in ended.stderr) == torn_down


@pytest.mark.skipif(sys.platform != "linux", reason="file names must be valid text elsewhere")
def test_names_that_are_no_text(pictures: Path, tmp_path: Path) -> None:
    target, out, kept = (os.fsencode(tmp_path) + b"/\xff\xe9" + end for end in (b".png", b" out.png", b".style"))
    shutil.copy(os.fsencode(pictures / "target.png"), target)
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": ""}
    for words in ([b"style", target, b"-o", kept], [b"transfer", target, kept, b"-o", out]):
        answer = subprocess.run(
            [sys.executable, "-m", "decouple_core", *words, *QUICK], capture_output=True, check=False, env=environ
        )
        assert answer.returncode == 0, answer.stderr
        assert rb"\udcff\udce9" in answer.stdout
    assert os.path.exists(out)
    answer = subprocess.run(
        [sys.executable, "-m", "decouple_core", "style", target + b"?", "-o", kept],
        capture_output=True,
        check=False,
        env=environ,
    )
    assert answer.returncode == 2
    assert answer.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="streams are not closed like this there")
@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-", "2>/dev/full", "2>&1 | true"])
def test_nobody_at_the_other_end(closed: str, pictures: Path, tmp_path: Path) -> None:
    """The picture is what counts: it is whole although nobody hears of it."""
    words = arguments(
        sys.executable,
        "-m",
        "decouple_core",
        "transfer",
        pictures / "target.png",
        pictures / "style.jpg",
        "-o",
        tmp_path / "a.png",
        *QUICK,
    )
    answer = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {closed}', "bash", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert "Exception ignored" not in answer.stderr
    if closed == "2>&-":
        assert answer.stdout.startswith(str(tmp_path / "a.png"))
        assert answer.stdout.count("\n") == 1
    assert picture(tmp_path / "a.png").shape == PIXELS.shape
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_at_the_other_end(pictures: Path, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "decouple_core", "check", "--network", "vgg16"],
            text=True,
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("decouple: Standard output cannot be written")


def test_two_at_once_with_the_same_output(pictures: Path, tmp_path: Path) -> None:
    """One of the results, whole."""
    runs = [
        process(
            "transfer",
            pictures / "target.png",
            pictures / "style.jpg",
            "-o",
            tmp_path / "a.png",
            *QUICK,
            "--strength",
            strength,
        )
        for strength in ("0", "1")
    ]
    for run in runs:
        _, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
    assert picture(tmp_path / "a.png").shape == PIXELS.shape
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_output_in_the_place_of_its_input(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("target", "style"):
        pair = {"target": tmp_path / "target.png", "style": tmp_path / "style.jpg"}
        for path in pair.values():
            shutil.copy(pictures / path.name, path)
        succeeds(capsys, "transfer", *pair.values(), "-o", tmp_path / "apart.png", *QUICK)
        succeeds(capsys, "transfer", *pair.values(), "-o", pair[place], *QUICK)
        result, apart = (picture(path).astype(int) for path in (pair[place], tmp_path / "apart.png"))
        assert np.abs(result - apart).mean() < (0.1 if place == "target" else 3)  # the style's file is a JPEG


def test_style_that_is_the_target(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own style changes nothing that could be seen."""
    target = pictures / "target.png"
    succeeds(capsys, "transfer", target, target, "-o", tmp_path / "out.png", *QUICK)
    assert np.abs(picture(tmp_path / "out.png").astype(int) - PIXELS).mean() < 2


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell ignores the interrupt in what it starts in the background, and so would whatever the tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent to one process there")
@pytest.mark.usefixtures("interruptible")
def test_stopped_by_ctrl_c(pictures: Path, tmp_path: Path) -> None:
    with process(
        "transfer",
        pictures / "target.png",
        pictures / "style.jpg",
        "-o",
        tmp_path / "a.png",
        "--size",
        "56",
        "--layers",
        "5",
        "--mode",
        "painting",
        "--network",
        "vgg16",
        "--device",
        "cpu",
    ) as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "Reading the style" in line:
                run.send_signal(signal.SIGINT)
                break
        out, err = run.communicate(timeout=300)
    assert run.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "decouple: Stopped."
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
