"""Where files may go, and that they are there as a whole or not at all."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from decouple_contract.errors import InputError
from decouple_contract.files import check_file, check_folder, replacing


def contents(folder: Path) -> dict[str, bytes | None]:
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def test_checking_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"as it was")
    check_file(tmp_path / "there")
    check_file(tmp_path / "new")
    check_folder(tmp_path)
    check_folder(tmp_path / "new" / "folder")
    assert contents(tmp_path) == {"there": b"as it was"}


def test_what_is_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "gone")
    for path in ("file/a", "no/a", "", "dangling/a", "y" * 300):
        with pytest.raises(InputError, match=r"^[^\n]+; [^\n]+\.$"):
            check_file(tmp_path / path)
    for path in ("file", "file/a", "file/a/b", "dangling", "dangling/a"):
        with pytest.raises(InputError, match=r"^[^\n]+; [^\n]+\.$"):
            check_folder(tmp_path / path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that takes no files, even of root")
def test_disk_that_takes_no_files() -> None:
    for check in (check_file, check_folder):
        with pytest.raises(InputError, match=r"cannot be written \(.*\); .*choose another"):
            check("/proc/decouple")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        for check in (check_file, check_folder):
            with pytest.raises(InputError, match=r"Permission denied.*; .*choose another"):
                check(tmp_path / "a")
    finally:
        tmp_path.chmod(0o700)


def test_a_block_that_fails_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")

    def fail() -> None:
        with replacing(tmp_path / "a") as file:
            file.write(b"half")
            raise ValueError

    with pytest.raises(ValueError, match=r"^$"):
        fail()
    assert contents(tmp_path) == {"a": b"old"}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no limits on files there")
def test_disk_that_is_full(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk: both refuse a write halfway."""
    import resource

    (tmp_path / "a").write_bytes(b"old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with (
            pytest.raises(InputError, match=r"a cannot be written \(.*\); free some space"),
            replacing(tmp_path / "a") as file,
        ):
            file.write(bytes(5000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert contents(tmp_path) == {"a": b"old"}


def test_a_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "link").symlink_to("deep/a")
    with replacing(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "deep" / "a").read_bytes() == b"new"


def test_two_writers_at_once(tmp_path: Path) -> None:
    with replacing(tmp_path / "a") as one, replacing(tmp_path / "a") as other:
        one.write(b"one")
        other.write(b"other")
    assert contents(tmp_path) == {"a": b"one"}  # whose block ended last


def test_the_longest_of_names(tmp_path: Path) -> None:
    name = "n" * 255  # NAME_MAX
    check_file(tmp_path / name)
    with replacing(tmp_path / name) as file:
        file.write(b"new")
    assert contents(tmp_path) == {name: b"new"}


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL there")
def test_killed_while_writing(tmp_path: Path) -> None:
    """The file is an old one or a new one, whole, whenever the writer is killed."""
    code = (
        "import itertools, sys; from decouple_contract.files import replacing\n"
        "for n in itertools.count():\n"
        "    with replacing(sys.argv[1]) as file:\n"
        "        for _ in range(64): file.write(bytes([n % 256]) * 65536)"
    )
    for pause in (0.02, 0.05, 0.11, 0.17):
        writer = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "a")], cwd=Path(__file__).parents[2])
        while not (tmp_path / "a").exists():
            assert writer.poll() is None
            time.sleep(0.01)
        time.sleep(pause)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        found = (tmp_path / "a").read_bytes()
        assert len(found) == 64 * 65536
        assert len(set(found)) == 1
        (tmp_path / "a").unlink()


WRITERS = {
    "decouple_contract/files.py": "what all others use",
    "decouple_contract/connection.py": "the worker's address: of no use when its process has ended",
    "decouple_core/batch/journal.py": "lines of which a last one that is cut short counts for nothing",
    "decouple_core/weights/download.py": "goes on where it broke off, and is known by its digest",
    "decouple_core/service/computer.py": "a job's pixels, which end with it",
    "gimp_plugin/decoupled_style/host/pixels.py": "a job's pixels, which end with it",
    "gimp_plugin/decoupled_style/client/starting.py": "a log",
    "decouple_contract/failures.py": "a log",
}
"""Who may open files for writing, and why."""


def test_nobody_else_writes_files() -> None:
    """What a person keeps goes through `files`, which puts nothing in place before all of it is there."""
    repository = Path(__file__).parents[2]
    found = {
        str(path.relative_to(repository))
        for half in ("decouple_contract", "decouple_core", "gimp_plugin")
        for path in (repository / half).rglob("*.py")
        if writes(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == set(WRITERS)


def writes(tree: ast.AST) -> bool:
    """Whether a module opens files for writing, hands a path to an encoder or puts files in the place of others."""
    return any(_writes(node) for node in ast.walk(tree) if isinstance(node, ast.Call))


def _writes(call: ast.Call) -> bool:
    name = ast.unparse(call.func)
    kind = name.rpartition(".")[2]
    if kind in ("imwrite", "save") and ("tifffile" in name or "fromarray" in name):
        return ast.unparse(call.args[0]) != "file"
    if kind == "open":
        return any(
            isinstance(node, ast.Constant) and re.fullmatch(r"[rwaxbt]*[wax+][bt+]*", str(node.value))
            for word in call.args
            for node in ast.walk(word)
        )
    return kind in ("write_text", "write_bytes", "save_file") or (
        name in ("os.replace", "os.rename", "shutil.copy", "shutil.copyfile", "shutil.copy2", "shutil.move")
    )
