"""A batch that is killed, hindered, or finds others' files in its way: nothing of others is lost, nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from decouple_contract.errors import DiskFullError, InputError
from decouple_core.batch.entries import Entry, Stamp
from decouple_core.batch.journal import Journal, lines_of
from decouple_core.batch.plan import Names, entries_of
from decouple_core.batch.results import WORKSHOP, held
from decouple_core.batch.summary import NAME
from decouple_core.batch.work import Part, TaskResult
from decouple_core.command.main import main
from tests.core.command_line import arguments, succeeds
from tests.faults.small_disk import small_disk

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

QUICK = ["--mode", "photo", "--layers", "1", "--network", "vgg16", "--device", "cpu"]


def noise(path: Path, seed: int) -> Path:
    """A small picture, another for each seed."""
    PIL.Image.fromarray(np.random.default_rng(seed).integers(0, 255, (24, 32, 3), np.uint8)).save(path)
    return path


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """A folder with a style and a folder of two targets."""
    (tmp_path / "shoot").mkdir()
    noise(tmp_path / "style.png", 9)
    for seed, name in enumerate(("a.png", "b.png")):
        noise(tmp_path / "shoot" / name, seed)
    return tmp_path


def words(root: Path, *more: object) -> list[str]:
    return arguments("batch", root / "style.png", root / "shoot", "-o", root / "out", *QUICK, *more)


def remembered(folder: Path) -> dict[str, dict[str, Any]]:
    return {entry["output"]: entry for entry in json.loads((folder / NAME).read_text())["pictures"]}


def shown(folder: Path) -> list[str]:
    """The names in a folder of results; what the batch keeps for itself is its lock alone."""
    assert os.listdir(folder / WORKSHOP) == ["lock"]
    return sorted(name for name in os.listdir(folder) if name != WORKSHOP)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="its processes are forked and killed")
def test_killed_in_every_state(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Made anew with other settings, with one result that the user has changed and one target that fails."""
    succeeds(capsys, *words(shoot))
    (shoot / "shoot" / "c.png").write_text("no picture")
    noise(shoot / "out" / "b.png", 77)
    shutil.move(shoot / "out", shoot / "before")
    ran = subprocess.run(
        [
            sys.executable,
            Path(__file__).with_name("killed_batch.py"),
            shoot / "before",
            *words(shoot, "--strength", "0.5"),
        ],
        stdout=subprocess.PIPE,
        check=True,
        cwd=shoot,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    found = json.loads(ran.stdout)
    assert set(found["undisturbed"]) == {f"{WORKSHOP}/lock", "a.png", "b.png", "b_shoot.png", NAME}
    assert len(found["after"]) >= 15
    for point, after in found["after"].items():
        assert after == found["undisturbed"], point


def test_a_file_under_the_name_of_a_failure_is_left_alone(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shoot / "shoot" / "b.png").write_text("no picture")
    assert main(words(shoot)) == 1
    noise(shoot / "shoot" / "b.png", 1)
    noise(shoot / "out" / "b.png", 77)
    mine = (shoot / "out" / "b.png").read_bytes()
    capsys.readouterr()
    assert ": 1 made, 1 there already" in succeeds(capsys, *words(shoot))
    assert (shoot / "out" / "b.png").read_bytes() == mine
    assert shown(shoot / "out") == ["a.png", "b.png", "b_shoot.png", NAME]
    assert set(remembered(shoot / "out")) == {"a.png", "b_shoot.png"}


def test_times_that_are_set_back_hide_no_edit(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a target, which is made again, and of a result, which is not replaced: same size, same time."""
    for name in ("a.png", "b.png"):  # of one size, whatever is in them
        (shoot / "shoot" / name).unlink()
        PIL.Image.open(noise(shoot / name, 1)).save((shoot / "shoot" / name).with_suffix(".bmp"))
    run = words(shoot, "--format", "bmp")
    succeeds(capsys, *run)
    assert ": 0 made, 2 there already" in succeeds(capsys, *run)

    def edit(path: Path) -> None:
        before = path.stat()
        path.write_bytes(path.read_bytes()[:-12] + b"another row.")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert path.stat().st_size == before.st_size

    edit(shoot / "shoot" / "a.bmp")
    assert ": 1 made, 1 there already" in succeeds(capsys, *run)
    edit(shoot / "out" / "b.bmp")
    mine = (shoot / "out" / "b.bmp").read_bytes()
    assert ": 2 made, 0 there already" in succeeds(capsys, *run, "--strength", "0.5")
    assert (shoot / "out" / "b.bmp").read_bytes() == mine
    assert shown(shoot / "out") == ["a.bmp", "b.bmp", "b_shoot.bmp", NAME]


@pytest.mark.parametrize("years", [-30, 30])
def test_clocks_that_go_wrong_change_nothing(shoot: Path, capsys: pytest.CaptureFixture[str], years: int) -> None:
    """Results and targets of any time are what their content says."""
    succeeds(capsys, *words(shoot))
    for path in (*(shoot / "shoot").iterdir(), *(shoot / "out").iterdir()):
        moved = path.stat().st_mtime_ns + years * 365 * 86400 * 10**9
        os.utime(path, ns=(moved, moved))
    assert ": 0 made, 2 there already" in succeeds(capsys, *words(shoot))
    assert ": 2 made, 0 there already" in succeeds(capsys, *words(shoot, "--strength", "0.5"))
    assert shown(shoot / "out") == ["a.png", "b.png", NAME]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are text there")
def test_names_that_are_no_text(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Made, remembered, found again, and said; of targets, styles, folders, and of failures."""
    odd = os.fsdecode(b"caf\xe9 \xff")
    (shoot / "shoot").rename(shoot / odd)
    (shoot / odd / "a.png").rename(shoot / odd / f"{odd}.png")
    (shoot / "style.png").rename(shoot / f"{odd}.style.png")
    (shoot / odd / f"bad{odd}.png").write_text("no picture")
    run = arguments("batch", shoot / f"{odd}.style.png", shoot / odd, "-o", shoot / f"out {odd}", "--same-look", *QUICK)
    ran = subprocess.run(
        [sys.executable, "-m", "decouple_core", *run],
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert ran.returncode == 1
    said = ran.stderr
    assert "caf\\udce9 \\udcff.png, " in said
    assert "1 of 3 pictures failed" in said
    (shoot / odd / f"bad{odd}.png").unlink()
    assert ": 2 made, 0 there already" in succeeds(capsys, *run)  # another series
    assert ": 0 made, 2 there already" in succeeds(capsys, *run)
    assert shown(shoot / f"out {odd}") == sorted(["b.png", f"{odd}.png", NAME])


def test_ten_thousand_files(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """None of which can be used but two; each has its entry and its line."""
    for number in range(10_000):
        (shoot / "shoot" / f"{number}.png").write_text("no picture")
    assert main(words(shoot)) == 1
    said = capsys.readouterr().err.splitlines()
    assert said[-1].startswith("decouple: 10000 of 10002 pictures failed")
    assert len(said) == 10_002 + 10_000 + 1
    assert shown(shoot / "out") == ["a.png", "b.png", NAME]
    assert Counter(entry["outcome"] for entry in remembered(shoot / "out").values()) == {"done": 2, "failed": 10_000}


def test_names_cost_the_same_however_many_there_are(tmp_path: Path) -> None:
    """Those of one name from folders of one name, and those that others' files have taken: calls grow as they do."""
    calls = []
    for many in (500, 5000):
        folder = tmp_path / str(many)
        folder.mkdir()
        for number in range(many):
            (folder / f"{number}.png").touch()
        targets = [tmp_path / str(number) / "same" / "1.png" for number in range(many)]
        targets += [tmp_path / "other" / f"{number}.png" for number in range(many)]
        count = 0

        def called(frame: object, event: str, argument: object) -> None:
            nonlocal count
            count += event in ("call", "c_call")

        sys.setprofile(called)
        try:
            entries = entries_of(targets, [tmp_path / "style.png"], {}, Names(folder, ()), None, (".png",))
        finally:
            sys.setprofile(None)
        assert len({entry.output for entry in entries}) == 2 * many
        assert not any((folder / entry.output).exists() for entry in entries)
        calls.append(count)
    assert calls[1] < 12 * calls[0]


@pytest.fixture
def journal(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """One of three entries, whose names are of any kind, and these."""
    entries = [asdict(Entry("/a/\udcff", "/b/ß", name, made=Stamp(1, 2, "3", 4))) for name in ("a", "é", "\n")]
    kept = Journal(tmp_path / "journal")
    for entry in entries:
        kept.add(entry)
    kept.close()
    return tmp_path / "journal", entries


def test_a_journal_that_is_cut_anywhere_says_what_is_whole(journal: tuple[Path, list[dict[str, Any]]]) -> None:
    path, entries = journal
    content = path.read_bytes()
    assert list(lines_of(path)) == entries
    ends = [number + 1 for number, byte in enumerate(content) if byte == ord("\n")]
    for length in range(len(content)):
        tail = bytes(length % 2 * 100)  # some disks leave zeros after a cut of the power
        path.write_bytes(content[:length] + tail)
        assert list(lines_of(path)) == entries[: sum(end - 1 + bool(tail) <= length for end in ends)]


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 64 * 1024) as disk:
        kept, noted = Journal(disk / "journal"), 0
        entry = asdict(Entry("/a", "/b", "c" * 700))
        with contextlib.suppress(OSError):
            while noted < 1000:
                kept.add(entry)
                noted += 1
        assert noted < 100
        assert list(lines_of(disk / "journal")) == [entry] * noted
        kept.close()


def fill_up(disk: Path) -> None:
    """Note so much that the disk is full."""
    with held(disk) as results:
        results.entries["a"] = Entry("/a", "/b", "a")
        results.begin({})
        (disk / "filling").write_bytes(bytes(200 * 1024))
        for number in range(1000):
            results.fail(results.entries["a"], InputError("batch-empty", path="y" * 1000), number)


def test_a_disk_that_is_full_in_the_middle(tmp_path: Path) -> None:
    """The batch ends with a sentence; what was placed is known, and the earlier summary is whole."""
    with small_disk(tmp_path / "disk", 256 * 1024) as disk:
        with pytest.raises(DiskFullError):
            fill_up(disk)
        (disk / "filling").unlink()
        with held(disk) as results:
            assert results.entries["a"].seconds > 1
            results.begin({})
        assert remembered(disk)["a"]["outcome"] == "failed"
        assert shown(disk) == [NAME]


def placed(folder: Path, content: bytes, recipe: str) -> Entry:
    """An entry whose result is there."""
    with held(folder) as results:
        results.begin({})
        entry = results.entries.setdefault("a", Entry("/a", "/b", "a"))
        part = results.workshop / "part"
        part.write_bytes(content)
        results.place(entry, TaskResult(1.0, Stamp(1, 1), Part(str(part), Stamp.of(part, digest=True))), recipe)
        return results.entries["a"]


def test_a_result_takes_no_place_of_others(tmp_path: Path) -> None:
    """Not even of what came there after it was begun; what the batch has put there it replaces, mode and all."""
    assert placed(tmp_path, b"one", "1").recipe == "1"
    (tmp_path / "a").chmod(0o640)
    assert placed(tmp_path, b"two", "2").outcome == "done"
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    for other in ("file", "link", "folder"):
        (tmp_path / "a").unlink()
        if other == "file":
            (tmp_path / "a").write_bytes(b"TWO")
        elif other == "link":  # even to the very same content
            (tmp_path / "elsewhere").write_bytes(b"two")
            (tmp_path / "a").symlink_to(tmp_path / "elsewhere")
        else:
            (tmp_path / "a").mkdir()
        with pytest.raises(InputError, match="not touched"):
            placed(tmp_path, b"three", "3")
        assert not (tmp_path / "a").is_file() or (tmp_path / "a").read_bytes().lower() == b"two"
    assert shown(tmp_path) == ["a", "elsewhere", NAME]


def test_a_summary_of_version_1_is_carried_on(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is left alone, what was changed since is not replaced, and all else is made under its name."""
    noise(shoot / "shoot" / "c.png", 3)
    succeeds(capsys, *words(shoot))
    out = shoot / "out"
    summary = json.loads((out / NAME).read_text())
    del summary["journal"]
    summary["version"] = 1
    for entry in summary["pictures"]:
        del entry["replaces"], entry["made"]["changed"], entry["made_of"]["changed"]
        entry["made"]["sha256"] = ""
    shutil.rmtree(out / WORKSHOP)
    (out / NAME).write_text(json.dumps(summary))
    assert ": 0 made, 3 there already" in succeeds(capsys, *words(shoot))
    (out / NAME).write_text(json.dumps(summary))
    noise(out / "b.png", 77)
    (out / "c.png").unlink()
    assert ": 3 made, 0 there already" in succeeds(capsys, *words(shoot, "--strength", "0.5"))
    assert shown(out) == ["a.png", "b.png", "b_shoot.png", "c.png", NAME]
    assert json.loads((out / NAME).read_text())["version"] == 2
