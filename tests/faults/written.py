"""Everything that the program writes for people, to be written on disks that fail."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import torch

from decouple_contract.settings import Settings
from decouple_core.batch.entries import Entry
from decouple_core.batch.summary import Summary, by_name, write_summary
from decouple_core.page.document import Table, write_page
from decouple_core.pictures.table_files import write_table
from decouple_core.pictures.writing import ENDINGS, write_floats, write_image
from decouple_core.report import Report
from tests.faults.test_hostile_inputs import a_style

NOISE = np.random.default_rng(0).random((100, 110, 3)).astype(np.float32)
"""What no format makes small."""

PROFILE = imagecodecs.cms_profile("adobergb")  # made once: it holds the time

OLD = b"what was there before"

Write = Callable[[Path], object]


def _picture(ending: str) -> Write:
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    return lambda folder: write_image(
        folder / f"a{ending}", NOISE, alpha=NOISE[..., 0], bit_depth=16, icc=PROFILE, notes=exif.tobytes()
    )


def _table(name: str) -> Write:
    grid = np.linspace(0, 1, 16, dtype=np.float32)
    return lambda folder: write_table(folder / name, np.stack(np.meshgrid(grid, grid, grid), -1), "title")


def _summary(folder: Path) -> None:
    entries = by_name(Entry(f"/{number}.png", "/style.jpg", f"{number}.png") for number in range(100))
    write_summary(folder, folder, Summary(entries))


def _report(folder: Path) -> None:
    """Without drawings, whose names are drawn by lot."""
    images = {"target": torch.from_numpy(NOISE).permute(2, 0, 1)}
    Report(Settings(), [], "vgg16", "processor", {}, {"total": 3}, [], [], [], {}, [], [], images).save(folder)


WRITTEN: dict[str, Write] = {
    **{ending[1:]: _picture(ending) for ending in ENDINGS},
    "component": lambda folder: write_floats(folder / "forms.tif", NOISE),
    "cube": _table("a.cube"),
    "hald": _table("a.png"),
    "style": lambda folder: a_style().save(folder / "a.style"),
    "page": lambda folder: write_page(folder / "a.html", "title", "lead", [Table("heading", ["a"], [["b"]])]),
    "report": _report,
    "summary": _summary,
}
"""By name, each into a folder."""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def made(write: Write) -> dict[str, bytes]:
    """What it writes where nothing fails."""
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return contents(Path(folder))


def put_old(folder: Path, names: object) -> None:
    """Files of these names, as they were before."""
    for name in names:  # type: ignore[attr-defined]
        (folder / name).write_bytes(OLD)


@contextmanager
def disk_that(happens: Callable[[], object], at: int) -> Iterator[list[int]]:
    """Where byte number `at` would be written, something else happens; yields the bytes written before, in one number.

    As a real disk does, it takes what comes before that byte, and says so.
    """
    taken, write = [0], os.write

    def refuse(number: int, content: bytes) -> int:
        room = at - taken[0]
        if room <= 0:
            happens()
            room = len(content)
        count = write(number, memoryview(content)[:room])
        taken[0] += count
        return count

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "write", refuse)
        yield taken


def bytes_of(write: Write) -> int:
    """How many bytes it writes, those counted twice that it writes twice."""
    with disk_that(lambda: None, sys.maxsize) as taken:
        made(write)
    return taken[0]


def places(count: int) -> tuple[int, int, int]:
    """The first, a middle and the last byte."""
    return 0, count // 2, count - 1


def main(folder: Path) -> None:
    """Have processes killed while they write everything, at every one of `places`, and before the file is put."""
    for name, write in WRITTEN.items():
        files, count = made(write), bytes_of(write)
        for at in (*places(count), None):
            place = folder / f"{name} {at}"
            place.mkdir()
            put_old(place, files)
            child = os.fork()
            if not child:
                if at is None:
                    os.fsync = die  # type: ignore[assignment]  # all is written, and nothing renamed
                with disk_that(die, sys.maxsize if at is None else at):
                    write(place)
                os._exit(0)
            _, status = os.waitpid(child, 0)
            assert os.WIFSIGNALED(status), f"{name} was written although its process was to be killed"


def die(*_: object) -> None:
    """End this process as the system does."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
