"""Many pictures by one command: what is made, what is left alone, and what is remembered."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import tifffile
from filelock import FileLock

from decouple_contract.settings import Settings
from decouple_core.api import Session
from decouple_core.batch.results import WORKSHOP
from decouple_core.command.main import main
from decouple_core.pictures.reading import read_image
from tests.core.command_line import PIXELS, arguments, fill, picture, succeeds

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

QUICK = ["--mode", "photo", "--layers", "1", "--network", "vgg16", "--device", "cpu"]


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    """A folder with a style and a folder of three targets: with notes, with alpha, and with 16 bits."""
    fill(tmp_path)
    folder = tmp_path / "shoot"
    folder.mkdir()
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    PIL.Image.fromarray(PIXELS).save(folder / "a.jpg", exif=exif, quality=95)
    PIL.Image.fromarray(np.dstack([PIXELS, PIXELS[..., 0] | 1])).save(folder / "b.png")
    shutil.copy(folder / "b.png", folder / ".hidden.png")
    (folder / "notes.txt").write_text("no picture")
    tifffile.imwrite(folder / "c.tif", PIXELS.astype(np.uint16) * 257, photometric="rgb")
    return tmp_path


def batch(capsys: pytest.CaptureFixture[str], root: Path, *words: object) -> str:
    return succeeds(capsys, "batch", root / "style.jpg", *words, *QUICK)


def remembered(folder: Path) -> dict[str, dict[str, object]]:
    """What the summary, and the journal if it goes on, say last of each result, by name."""
    summary = json.loads((folder / "summary.json").read_text())
    lines = []
    if summary["journal"]:
        lines = [json.loads(line) for line in (folder / WORKSHOP / summary["journal"]).read_text().splitlines()]
    return {entry["output"]: entry for entry in [*summary["pictures"], *lines]}


def shown(folder: Path) -> list[str]:
    """The names in a folder of results; what the batch keeps for itself is its lock alone."""
    assert os.listdir(folder / WORKSHOP) == ["lock"]
    return sorted(name for name in os.listdir(folder) if name != WORKSHOP)


def test_each_is_what_transfer_makes(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is read ahead and written behind."""
    names = ["a.jpg", "b.png", "c.tif"]
    for name in names:
        words = [shoot / "shoot" / name, shoot / "style.jpg", "-o", shoot / f"single{Path(name).suffix}", *QUICK]
        succeeds(capsys, "transfer", *words)
    for jobs in ("0", "3"):
        out = shoot / f"out {jobs}"
        line = batch(capsys, shoot, shoot / "shoot", "-o", out, "--jobs", jobs)
        assert re.fullmatch(rf"{re.escape(str(out))}: 3 made, 0 there already, .* s each\n", line)
        assert shown(out) == [*names, "summary.json"]
        for name in names:
            assert (shoot / f"single{Path(name).suffix}").read_bytes() == (out / name).read_bytes(), name
    with PIL.Image.open(out / "a.jpg") as opened:
        assert opened.getexif()[271] == "Maker"
    assert read_image(out / "c.tif").bit_depth == 16


def test_what_is_done_is_left_alone(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, folder = shoot / "out", shoot / "shoot"

    def made(*words: object) -> set[str]:
        before = {path.name: path.stat().st_mtime_ns for path in out.iterdir()} if out.exists() else {}
        line = batch(capsys, shoot, folder, "-o", out, *words)
        names = {path.name for path in out.iterdir() if path.stat().st_mtime_ns != before.get(path.name)}
        names -= {"summary.json", WORKSHOP}
        assert f": {len(names)} made, {3 - len(names)} there already" in line
        return names

    assert made() == {"a.jpg", "b.png", "c.tif"}
    assert made() == set()
    os.utime(folder / "a.jpg")
    assert made("--device", "auto") == set(), "the same content, and a device is no part of a picture"
    PIL.Image.fromarray(PIXELS[::-1]).save(folder / "a.jpg")
    assert made() == {"a.jpg"}, "an edited target"
    (out / "b.png").unlink()
    assert made() == {"b.png"}
    assert made("--strength", "0.5") == {"a.jpg", "b.png", "c.tif"}
    PIL.Image.fromarray(PIXELS).save(out / "b.png")
    touched = (out / "b.png").read_bytes()
    assert made("--strength", "0.5") == set()
    assert made() == {"a.jpg", "b_shoot.png", "c.tif"}, "somebody's own work is not replaced"
    assert (out / "b.png").read_bytes() == touched
    assert made("--format", "webp") == {"a.webp", "b.webp", "c.webp"}
    PIL.Image.fromarray(PIXELS[:, ::-1]).save(shoot / "style.jpg")
    assert made() == {"a.jpg", "b_shoot.png", "c.tif"}, "another style under the same name"


def test_names_of_several_styles_and_folders(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = shoot / "other"
    other.mkdir()
    shutil.copy(shoot / "shoot" / "a.jpg", other / "A.JPG")
    shutil.copy(shoot / "style.jpg", other / "style.jpg")
    out = shoot / "out"
    out.mkdir()
    (out / "a_target.jpg").write_text("not ours")
    targets = [shoot / "shoot" / "a.jpg", other / "A.JPG", shoot / "shoot" / "a.jpg"]
    for there_already in (0, 4):
        line = batch(capsys, shoot, *targets, "--style", shoot / "target.png", "-o", out)
        assert f": {4 - there_already} made, {there_already} there already" in line
        assert shown(out) == [
            "A_style_other.jpg",
            "A_target_other.jpg",
            "a_style.jpg",
            "a_target.jpg",
            "a_target_shoot.jpg",
            "summary.json",
        ]
    assert (out / "a_target.jpg").read_text() == "not ours"
    entries = remembered(out)
    assert {(Path(str(entry["target"])).name, Path(str(entry["style"])).name) for entry in entries.values()} == {
        (target, style) for target in ("a.jpg", "A.JPG") for style in ("style.jpg", "target.png")
    }
    assert not np.array_equal(picture(out / "a_style.jpg"), picture(out / "a_target_shoot.jpg"))


def test_a_failure_is_one_pictures_own(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad, out = shoot / "shoot" / "aa.png", shoot / "out"
    bad.write_text("no picture")
    words = arguments("batch", shoot / "style.jpg", shoot / "shoot", shoot / "gone.png", "-o", out, *QUICK)
    assert main(words) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.splitlines()[-3:] == [
        f"decouple: {bad}: {bad} cannot be read as a picture, or is damaged; open it in an image editor and save it as "
        "PNG.",
        f"decouple: {shoot / 'gone.png'}: There is no file {shoot / 'gone.png'}; check the name.",
        f"decouple: 2 of 5 pictures failed; {out / 'summary.json'} says why, and the same command tries them again.",
    ]
    assert shown(out) == ["a.jpg", "b.png", "c.tif", "summary.json"]
    entries = remembered(out)
    assert {name: entry["outcome"] for name, entry in entries.items()} == {
        "a.jpg": "done",
        "aa.png": "failed",
        "b.png": "done",
        "c.tif": "done",
        "gone.png": "failed",
    }
    assert "cannot be read" in str(entries["aa.png"]["problem"])
    PIL.Image.fromarray(PIXELS).save(bad)
    shutil.copy(bad, shoot / "gone.png")
    assert ": 2 made, 3 there already" in succeeds(capsys, *words)


def test_what_is_refused_as_a_whole(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = shoot / "out"
    (shoot / "empty").mkdir()

    def refused(*words: object) -> str:
        assert main(arguments("batch", *words, *QUICK)) == 2
        said = capsys.readouterr()
        assert said.err.count("\n") == 1
        return said.err

    style, targets = shoot / "style.jpg", shoot / "shoot"
    assert "holds targets" in refused(style, targets, "-o", targets)
    assert "no pictures in" in refused(style, shoot / "empty", "-o", out)
    assert "There is no file" in refused(shoot / "none.jpg", targets, "-o", out)
    assert "choose one of .png" in refused(style, targets, "-o", out, "--format", "gif")
    assert "choose 0 to 64" in refused(style, targets, "-o", out, "--jobs", "65")
    assert "choose 0 to 604800" in refused(style, targets, "-o", out, "--cluster-wait", "nan")
    assert sorted(os.listdir(targets)) == [".hidden.png", "a.jpg", "b.png", "c.tif", "notes.txt"]
    (shoot / "bad.style").write_text("{}")
    assert "not a style file" in refused(shoot / "bad.style", targets, "-o", out)
    ours = json.loads((out / "summary.json").read_text())
    ours["pictures"][0]["output"] = "../shoot/a.jpg"
    for foreign in ("{}", "[1, 2]", "no JSON", "[" * 10_000, json.dumps(ours)):
        (out / "summary.json").write_text(foreign)
        assert "was not written by this program" in refused(style, targets, "-o", out)
        assert (out / "summary.json").read_text() == foreign
    (out / "summary.json").unlink()
    with FileLock(out / WORKSHOP / "lock"):
        assert "Another batch" in refused(style, targets, "-o", out)
    assert main(arguments("batch", style, targets, "-o", out, *QUICK)) == 0


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell ignores the interrupt in what it starts in the background, and so would whatever the tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
@pytest.mark.usefixtures("interruptible")
def test_killed_and_stopped_and_gone_on_with(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many, out = shoot / "many", shoot / "out"
    many.mkdir()
    names = [f"{index:02}.png" for index in range(12)]
    for index, name in enumerate(names):
        PIL.Image.fromarray(np.roll(PIXELS, index, 1)).resize((300, 240)).save(many / name)
    words = arguments("batch", shoot / "style.jpg", many, "-o", out, *QUICK)
    made: dict[str, int] = {}
    for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen(
            [sys.executable, "-m", "decouple_core", *words],
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environ(),
        ) as run:
            assert run.stderr is not None
            next(line for line in run.stderr if line.startswith("1 of "))
            run.send_signal(number)
            said = run.communicate(timeout=120)
        if number != signal.SIGKILL:
            assert run.returncode == 130
            assert said[1].splitlines()[-1] == "decouple: Stopped."
            assert not json.loads((out / "summary.json").read_text())["journal"], "the summary says all"
        entries = remembered(out)
        assert list(entries) == names
        done = [name for name, entry in entries.items() if entry["outcome"] == "done"]
        assert len(made) < len(done) < len(names)
        assert {entry["outcome"] for name, entry in entries.items() if name not in done} == {"waiting"}
        assert all((out / name).stat().st_mtime_ns == time for name, time in made.items()), "made once"
        made = {name: (out / name).stat().st_mtime_ns for name in done}
    line = succeeds(capsys, *words)
    assert f": {len(names) - len(made)} made, {len(made)} there already" in line
    assert all((out / name).stat().st_mtime_ns == time for name, time in made.items())
    assert shown(out) == [*names, "summary.json"]
    assert all(picture(out / name).shape == (240, 300, 3) for name in names)


SERVE = """
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=0, threads_per_worker=2, dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        while more := input():
            cluster.scale(int(more))
"""
"""A cluster without workers, which gets as many as it is told."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Its process and its address."""
    pytest.importorskip("distributed")
    (tmp_path / "serve.py").write_text(SERVE)
    with subprocess.Popen(
        [sys.executable, tmp_path / "serve.py"],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environ(),
    ) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        if process.poll() is None:
            process.communicate("\n", timeout=60)


def environ() -> dict[str, str]:
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])}


def started(*words: object) -> subprocess.Popen[str]:
    """A batch in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "decouple_core", *arguments("batch", *words)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ(),
    )


def test_on_a_cluster_of_two_processes(
    shoot: Path, capsys: pytest.CaptureFixture[str], cluster: tuple[subprocess.Popen[str], str]
) -> None:
    """Which come late: until then the user is told what is waited for."""
    process, address = cluster
    assert (
        main(
            arguments(
                "batch", shoot / "style.jpg", shoot / "shoot", "-o", shoot / "out", "--cluster", "nonsense:/", *QUICK
            )
        )
        == 2
    )
    assert "No Dask scheduler answers" in capsys.readouterr().err
    (shoot / "shoot" / "d.png").write_text("no picture")
    words = [shoot / "style.jpg", shoot / "shoot", "-o", shoot / "out", "--cluster", address, *QUICK]
    with started(*words) as client:
        assert client.stderr is not None
        assert process.stdin is not None
        said = client.stderr.readline()
        assert said.startswith(f"Waiting up to 300 s for a worker of the Dask scheduler at {address}; ")
        process.stdin.write("2\n")
        process.stdin.flush()
        _, said = client.communicate(timeout=120)
    assert client.returncode == 1
    assert said.splitlines()[-1].startswith("decouple: 1 of 4 pictures failed; ")
    assert "Traceback" not in said
    (shoot / "shoot" / "d.png").unlink()
    assert ": 0 made, 3 there already" in batch(capsys, shoot, shoot / "shoot", "-o", shoot / "out")
    batch(capsys, shoot, shoot / "shoot", "-o", shoot / "here")
    for name in shown(shoot / "here"):
        if name != "summary.json":
            assert (shoot / "out" / name).read_bytes() == (shoot / "here" / name).read_bytes()


def test_a_cluster_that_does_nothing(shoot: Path, cluster: tuple[subprocess.Popen[str], str]) -> None:
    """Without workers, and then without its scheduler."""
    process, address = cluster
    words = [shoot / "style.jpg", shoot / "shoot", "-o", shoot / "out", "--cluster", address, *QUICK]
    with started(*words, "--cluster-wait", "0.5") as client:
        out, said = client.communicate(timeout=120)
    assert (client.returncode, out) == (1, "")
    assert said == (
        f"decouple: The Dask scheduler at {address} has had no worker for 0.5 s; start one with "
        f"`dask worker {address}` and run the same command again.\n"
    )
    with started(*words) as client:
        assert client.stderr is not None
        assert client.stderr.readline().startswith("Waiting up to")
        process.kill()
        out, said = client.communicate(timeout=120)
    assert (client.returncode, out) == (1, "")
    assert said.splitlines()[-1].startswith(f"decouple: The Dask scheduler at {address} has gone; ")
    assert "Traceback" not in said
    assert {entry["outcome"] for entry in remembered(shoot / "out").values()} == {"waiting"}
    assert shown(shoot / "out") == ["summary.json"]


def test_one_look_for_a_series(shoot: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `transfer_alike` makes of the same files; anew where a picture that it was fitted on is another."""
    folder, out = shoot / "shoot", shoot / "out"
    (folder / "a.jpg").unlink()
    PIL.Image.fromarray(PIXELS // 2).save(folder / "d.png")
    (folder / "e.png").write_text("no picture")
    words = arguments("batch", shoot / "style.jpg", folder, "-o", out, "--same-look", *QUICK)
    assert main(words) == 1  # e.png alone, which is left out of the fit, too
    capsys.readouterr()
    paths = [folder / name for name in ("b.png", "c.tif", "d.png")]
    settings = Settings(mode="photo", layers=1, network="vgg16", device="cpu")
    for path, wanted in zip(paths, Session().transfer_alike(paths, shoot / "style.jpg", settings), strict=True):
        made = read_image(out / path.name)
        levels = float(np.iinfo(wanted.image.dtype).max)
        assert np.abs(made.pixels - wanted.image[..., :3] / levels).max() < 1.5 / 255
    (folder / "e.png").unlink()
    assert ": 3 made, 0 there already" in batch(capsys, shoot, folder, "-o", out, "--same-look")  # another series
    assert ": 0 made, 3 there already" in batch(capsys, shoot, folder, "-o", out, "--same-look")
    PIL.Image.fromarray(PIXELS // 3).save(folder / "d.png")
    assert ": 3 made, 0 there already" in batch(capsys, shoot, folder, "-o", out, "--same-look")
    assert ": 3 made, 0 there already" in batch(capsys, shoot, folder, "-o", out)
