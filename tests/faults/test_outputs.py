"""What is asked for is written whole or not at all, and nothing is replaced that is no ordinary, writable file."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from decouple_contract.errors import DiskFullError, InputError
from decouple_contract.files import check_file, replacing
from decouple_core.pictures.writing import write_image
from tests.core.command_line import PIXELS, QUICK, fill, picture
from tests.faults.small_disk import small_disk

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such files there")

GREY = np.full((30, 40, 3), 0.5, np.float32)


@pytest.fixture
def in_the_way(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """What must not be replaced, by what it is."""
    places = {name: tmp_path / f"{name}.png" for name in ("pipe", "folder", "read-only", "socket", "link")}
    os.mkfifo(places["pipe"])
    places["folder"].mkdir()
    places["read-only"].write_bytes(b"mine")
    places["read-only"].chmod(0o444)
    places["link"].symlink_to("/dev/null")
    import socket

    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(places["socket"]))
        yield places


KINDS = ("pipe", "folder", "read-only", "socket", "link")


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_but_ordinary_files_is_replaced(in_the_way: dict[str, Path], kind: str) -> None:
    path = in_the_way[kind]
    before = os.lstat(path)
    for attempt in (lambda: check_file(path), lambda: write_image(path, GREY)):
        with pytest.raises(InputError, match=r"is a folder|a device or a pipe|is read-only"):
            attempt()
    after = os.lstat(path)
    assert (after.st_ino, after.st_mode, after.st_mtime_ns) == (before.st_ino, before.st_mode, before.st_mtime_ns)


def test_what_came_there_while_we_worked_is_left_alone(tmp_path: Path) -> None:
    def attempt() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"new")
            os.mkfifo(tmp_path / "a")

    with pytest.raises(InputError, match="a device or a pipe"):
        attempt()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert stat.S_ISFIFO((tmp_path / "a").lstat().st_mode)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_permissions_are_kept(tmp_path: Path, mode: int) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    (tmp_path / "a.png").chmod(mode)
    write_image(tmp_path / "a.png", GREY)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == mode
    assert picture(tmp_path / "a.png").shape == GREY.shape


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_owners_are_kept(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"old")
    os.chown(tmp_path / "a.png", 1234, 4321)
    write_image(tmp_path / "a.png", GREY)
    found = (tmp_path / "a.png").stat()
    assert (found.st_uid, found.st_gid) == (1234, 4321)


def test_a_new_file_has_the_permissions_of_any_other(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_image(tmp_path / "a.png", GREY)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def transfer(folder: Path, *words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    repository = Path(__file__).resolve().parents[2]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "decouple_core",
            "transfer",
            folder / "target.png",
            folder / "style.jpg",
            *map(str, words),
            *QUICK,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=cwd or repository,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def test_full_disk_for_the_report_leaves_the_picture(tmp_path: Path, weights: object) -> None:
    fill(tmp_path)
    with small_disk(tmp_path / "disk", 40 * 1024) as disk:
        answer = transfer(tmp_path, "-o", tmp_path / "out.png", "--report", disk / "report")
        assert answer.returncode == 1, answer.stderr
        last = answer.stderr.splitlines()[-1]
        assert last.startswith("decouple: The disk is full")
        assert last.endswith(f"{tmp_path / 'out.png'} was written and is complete, but its report is missing.")
        assert "Traceback" not in answer.stderr
    assert picture(tmp_path / "out.png").shape == PIXELS.shape


def test_full_disk_at_each_write_of_a_report(tmp_path: Path, weights: object) -> None:
    """From nothing to all but the last of its files: none is there by half."""
    from decouple_contract.settings import Settings
    from decouple_core.engine import Engine
    from tests.core.request_of_arrays import request

    settings = Settings(size=32, layers=1, mode="painting", network="vgg16", device="cpu")
    report = Engine().transfer(request(GREY, 1 - GREY, settings)).report
    report.save(tmp_path / "whole")
    whole = {path.name for path in (tmp_path / "whole").iterdir()}
    written = sorted((path.stat() for path in (tmp_path / "whole").iterdir()), key=lambda file: file.st_mtime_ns)
    sizes = [-(-file.st_size // 4096) for file in written]
    seen = set()
    for pages in (1, 2, *np.cumsum(sizes).tolist()):
        with small_disk(tmp_path / "disk", 4096 * (pages + 1)) as disk:
            try:
                report.save(disk)
            except DiskFullError:
                seen.add(len(list(disk.iterdir())))
            assert {path.name for path in disk.iterdir()} <= whole
            for path in disk.glob("*.png"):
                assert picture(path).size
    assert len(seen) > 2


def test_full_disk_for_the_picture(tmp_path: Path, weights: object) -> None:
    fill(tmp_path)
    with small_disk(tmp_path / "disk", 4 * 1024) as disk:
        answer = transfer(tmp_path, "-o", disk / "out.png")
        assert answer.returncode == 1
        assert answer.stderr.splitlines()[-1].startswith("decouple: The disk is full")
        assert list(disk.iterdir()) == []


def test_report_looks_at_no_foreign_settings(tmp_path: Path, weights: object) -> None:
    """Those of the current folder could have matplotlib start LaTeX."""
    fill(tmp_path)
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\naxes.facecolor: abcdef\n")
    (tmp_path / "decouple_core").symlink_to(Path(__file__).resolve().parents[2] / "decouple_core")
    answer = transfer(tmp_path, "-o", tmp_path / "out.png", "--report", tmp_path / "report", cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<text" in page  # in letters, and not drawn by LaTeX
    assert "#abcdef" not in page


def test_what_nobody_has_foreseen_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its traceback is in the log, where there can be one."""
    from decouple_core.command.main import main
    from decouple_core.pictures import reading

    def fail(path: Path) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr(reading, "read_image", fail)
    fill(tmp_path)
    words = ["transfer", str(tmp_path / "target.png"), str(tmp_path / "style.jpg"), "-o", str(tmp_path / "a.png")]
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path / "home"))
    assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith("decouple: Something unexpected happened (RuntimeError('odd')).")
    assert "Traceback" in (tmp_path / "home" / "log" / "command-line.log").read_text()
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path / "target.png" / "below a file"))
    assert main(words) == 1
    assert capsys.readouterr().err.count("\n") == 1
