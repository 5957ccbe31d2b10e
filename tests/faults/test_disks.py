"""Disks that fail while something is written: what was there stays whole, nothing is left over, and a sentence is said.

Everything that is written for people, at the first, a middle and the last of its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from decouple_contract import files
from decouple_contract.errors import DecoupleError, DiskFullError, InputError
from decouple_contract.files import LEFT_OVER, replacing, write_whole
from decouple_core.command.main import main
from decouple_core.pictures.table_files import write_table
from decouple_core.pictures.writing import ENDINGS, write_image
from tests.faults.small_disk import read_only, small_disk
from tests.faults.written import NOISE, OLD, WRITTEN, bytes_of, contents, disk_that, made, places, put_old

SENTENCE = r"(?:[^\n]+; [^\n]+|The disk is full and [^\n]+)\."

FULL = (errno.ENOSPC, errno.EDQUOT)


def whole(folder: Path, new: dict[str, bytes], *, failing: bool = True) -> bool:
    """Whether a folder holds nothing but files as they were before or as they are to be, and one of the first."""
    found = contents(folder)
    return (
        found.keys() == new.keys()
        and all(content in (OLD, new[name]) for name, content in found.items())
        and ((OLD in found.values()) == failing)
    )


def refusal(code: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def says(write: Callable[[Path], object], folder: Path) -> DecoupleError:
    """The sentence with which a writing ends."""
    with pytest.raises(DecoupleError, match=SENTENCE) as caught:
        write(folder)
    assert caught.value.exit_code != 0
    return caught.value


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS], ids=errno.errorcode.get)
def test_disk_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    """At a write, when all is to be on the disk, and when the file is to be put in its place."""
    write = WRITTEN[name]
    new = made(write)
    kind = DiskFullError if code in FULL else InputError
    for at in places(bytes_of(write)):
        put_old(tmp_path, new)
        with disk_that(refusal(code), at):
            assert isinstance(says(write, tmp_path), kind)
        assert whole(tmp_path, new), at
    for call in ("fsync", "replace"):
        put_old(tmp_path, new)
        with monkeypatch.context() as patch:
            patch.setattr(os, call, refusal(code))
            assert isinstance(says(write, tmp_path), kind)
        assert whole(tmp_path, new), call
    write(tmp_path)
    assert whole(tmp_path, new, failing=False)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on files there")
@pytest.mark.parametrize("name", WRITTEN)
def test_limit_of_files(tmp_path: Path, name: str) -> None:
    """The system's own, which cuts a write in two: it holds for libraries in C, however they write."""
    import resource

    write = WRITTEN[name]
    new = made(write)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for at in places(max(map(len, new.values()))):
        put_old(tmp_path, new)
        resource.setrlimit(resource.RLIMIT_FSIZE, (at, limits[1]))
        try:
            says(write, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert whole(tmp_path, new), at


@pytest.mark.parametrize("name", WRITTEN)
def test_full_disk(tmp_path: Path, name: str) -> None:
    """One in memory with room for nothing, for a half, and for all but the last."""
    write = WRITTEN[name]
    new = made(write)
    old, needed = len(new), sum(-(-len(content) // 4096) for content in new.values())
    for pages in places(needed):
        with small_disk(tmp_path / "disk", 4096 * (old + pages)) as disk:
            put_old(disk, new)
            if len(new) == 1 or not pages:
                assert isinstance(says(write, disk), DiskFullError)
                assert whole(disk, new)
            else:  # files that are replaced give room for the next ones
                with contextlib.suppress(DiskFullError):
                    write(disk)
                assert all(content in (OLD, new[name]) for name, content in contents(disk).items())


@pytest.mark.parametrize("name", WRITTEN)
def test_disk_that_is_read_only(tmp_path: Path, name: str) -> None:
    write = WRITTEN[name]
    new = made(write)
    with small_disk(tmp_path / "disk", 2**20) as disk:
        put_old(disk, new)
        read_only(disk)
        assert "read-only" in str(says(write, disk)).lower()
        assert set(contents(disk).values()) == {OLD}


@pytest.mark.skipif(sys.platform == "win32", reason="a folder with an open file cannot vanish there")
@pytest.mark.parametrize("name", WRITTEN)
def test_folder_that_vanishes(tmp_path: Path, name: str) -> None:
    """Removed, or moved with what is in it, between two bytes of what is written."""
    write = WRITTEN[name]
    new, folder, moved = made(write), tmp_path / "folder", tmp_path / "moved"

    def removed() -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def renamed() -> None:
        if not moved.exists():
            folder.rename(moved)

    for at in places(bytes_of(write)):
        for vanish in (removed, renamed):
            folder.mkdir()
            put_old(folder, new)
            with disk_that(vanish, at):
                says(write, folder)
            assert not folder.exists() or not any(folder.iterdir())
            if moved.exists():
                files._remove_left_overs.cache_clear()
                files._remove_left_overs(moved)  # as the next process does that writes there
                assert whole(moved, new)
                shutil.rmtree(moved)
            removed()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_killed_while_writing(tmp_path: Path) -> None:
    """The old files are whole, and whoever writes there next removes what is left over."""
    subprocess.run(
        [sys.executable, "-m", "tests.faults.written", tmp_path],
        check=True,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    left = 0
    for name, write in WRITTEN.items():
        new = made(write)
        for folder in tmp_path.glob(f"{name} *"):
            found = contents(folder)
            parts = {name for name in found if LEFT_OVER.fullmatch(name)}
            left += len(parts)
            assert found.keys() - parts == new.keys()
            assert all(found[name] in (OLD, new[name]) for name in new)
            assert OLD in found.values()
            write(folder)
            assert contents(folder) == new
    assert left == 4 * len(WRITTEN), "every process left one"


def test_what_another_process_writes_is_no_left_over(tmp_path: Path) -> None:
    code = (
        "import sys; from decouple_contract.files import replacing\n"
        "with replacing(sys.argv[1]) as file:\n"
        "    print('begun', flush=True); sys.stdin.read(); file.write(b'its own')"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, tmp_path / "a"],
        stdin=subprocess.PIPE,
        text=True,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "begun\n"
        (tmp_path / f".decouple-{'0' * 16}.part").write_bytes(b"of one that was killed")
        (tmp_path / f".decouple-{'1' * 16}.part").mkdir()
        (tmp_path / f".decouple-{'2' * 16}.party").write_bytes(b"somebody's")
        write_whole(tmp_path / "b", b"ours")
        other.stdin.close()
    assert other.returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".decouple-{'1' * 16}.part",
        f".decouple-{'2' * 16}.party",
        "a",
        "b",
    ]
    assert (tmp_path / "a").read_bytes() == b"its own"


def test_an_encoder_that_passes_over_an_error(tmp_path: Path) -> None:
    """What it goes on to write has a gap, whatever it says."""
    (tmp_path / "a").write_bytes(OLD)

    def attempt(swallowing: type[Exception]) -> None:
        with replacing(tmp_path / "a") as file:
            with disk_that(refusal(errno.ENOSPC), 4), pytest.raises(OSError, match="No space"):
                file.write(bytes(2**22))
            file.seek(0)
            if swallowing is RuntimeError:
                raise RuntimeError("could not write")
            file.write(bytes(2**22))

    for swallowing in (OSError, RuntimeError):
        with pytest.raises(DiskFullError, match="The disk is full"):
            attempt(swallowing)
        assert contents(tmp_path) == {"a": OLD}


def test_a_file_that_somebody_cuts_short(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(OLD)

    def attempt() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"0123456789")
            file.flush()
            (part,) = (path for path in tmp_path.iterdir() if path.name != "a")
            os.truncate(part, 5)

    with pytest.raises(InputError, match="cannot be written"):
        attempt()
    assert contents(tmp_path) == {"a": OLD}


def test_libraries_get_no_number_to_write_to(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as file, pytest.raises(OSError, match="fileno"):
        file.fileno()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on files there")
@pytest.mark.parametrize("ending", ENDINGS)
def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], ending: str) -> None:
    """A transfer whose result cannot be written to its last byte says so and does not end with 0."""
    import resource

    grid = np.linspace(0, 1, 16, dtype=np.float32)
    write_table(tmp_path / "look.png", np.stack(np.meshgrid(grid, grid, grid, indexing="ij"), -1), "")
    write_image(tmp_path / "target.png", NOISE)
    output = tmp_path / f"out{ending}"
    words = ["transfer", str(tmp_path / "target.png"), "--lut", str(tmp_path / "look.png"), "-o", str(output)]
    assert main(words) == 0
    size = output.stat().st_size
    output.write_bytes(OLD)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size - 1, limits[1]))
    try:
        capsys.readouterr()
        assert main(words) != 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    said = capsys.readouterr().err
    assert re.fullmatch(rf"decouple: {SENTENCE}\n", said)
    assert output.read_bytes() == OLD
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["look.png", "target.png", output.name])
