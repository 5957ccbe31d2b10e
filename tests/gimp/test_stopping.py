"""Stopping, in every way: nothing is left running, no file is left, the document is as it was, the next run works.

Cancel in the dialog is in test_window.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gimp_under_test import GimpUnderTest, Session, lend_weights
from pictures import Pictures

PROMISED_SECONDS = 2
"""Users are promised that nothing is left after this long (on an idle machine)."""

PATIENCE = 3 * PROMISED_SECONDS
"""Tests wait longer, for machines that are busy with other things; what they check is that it happens."""

LONG = 'dress(image, [layer], style=cup, mode="photo", layers=5, size=512)'


@pytest.fixture
def documents(console: Session, pictures: Pictures) -> None:
    """`image` with `layer`, and `cup`, as they are before each run."""
    target, style = pictures.put("target", pictures.cat(400, 300)), pictures.put("cup", pictures.coffee())
    console.ask(f'image = new_image(400, 300); layer = new_layer(image, "{target}", 400, 300, "cat")\n'
                f'cup_image = new_image(60, 40); cup = new_layer(cup_image, "{style}", 60, 40, "cup")\n'
                'cup_image.clean_all(); image.clean_all()')


def begin(console: Session) -> None:
    """Begin a run that takes long, and wait until it computes."""
    gimp = console.gimp
    console.begin(LONG)
    console.wait_until(lambda: any(folder.joinpath("result.raw").exists() for folder in gimp.job_files()), 60,
                       "the computing")
    assert gimp.computing()


def nothing_left(console: Session) -> None:
    """No process works on the job, no file of it is left."""
    gimp = console.gimp
    console.wait_until(lambda: not gimp.job_files() and not gimp.processes(), PATIENCE, "the end of the job")
    # A process that still computed would use the processor.
    for pid in gimp.computing():
        console.wait_until(lambda pid=pid: resting(pid), PATIENCE, "the computing to stop")


def resting(pid: int) -> bool:
    """Whether no thread of a process runs."""
    try:
        states = [(task / "stat").read_text().rpartition(")")[2].split()[0]
                  for task in Path(f"/proc/{pid}/task").iterdir()]
    except OSError:
        return True
    return "R" not in states


def unchanged_and_usable(console: Session, pictures: Pictures, before: np.ndarray) -> None:
    """The document is as it was, and the next run works."""
    assert console.ask("[[x.get_name() for x in image.get_layers()], image.is_dirty()]") == [["cat"], False]
    assert np.array_equal(pictures.get(console, "layer"), before)
    status, _, message = console.ask("dress(image, [layer], style=cup)")
    assert status == "success", message


def test_plug_in_killed_as_the_status_bar_does(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    os.kill(console.gimp.processes()[0], signal.SIGKILL)
    console.answer()
    nothing_left(console)
    unchanged_and_usable(console, pictures, before)


def test_worker_killed(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    computing = console.gimp.computing()
    os.kill(console.gimp.worker() or 0, signal.SIGKILL)
    status, _, message = console.answer()
    assert status == "execution-error"
    assert "The worker stopped unexpectedly. Try again" in message
    nothing_left(console)
    console.wait_until(lambda: not set(computing) & set(console.gimp.computing()), PATIENCE, "the computing to end")
    unchanged_and_usable(console, pictures, before)


def test_computing_killed_as_for_want_of_memory(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    os.kill(console.gimp.computing()[0], signal.SIGKILL)
    status, _, message = console.answer()
    assert status == "execution-error"
    assert "There is not enough memory. Choose a lower Detail or close other programs." in message
    assert str(console.gimp.home / "log") in message
    nothing_left(console)
    unchanged_and_usable(console, pictures, before)


def test_gimp_killed(gimp: GimpUnderTest, pictures: Pictures) -> None:
    console = Session(gimp)
    target, style = pictures.put("target", pictures.cat(400, 300)), pictures.put("cup", pictures.coffee())
    console.ask(f'image = new_image(400, 300); layer = new_layer(image, "{target}", 400, 300, "cat")\n'
                f'cup_image = new_image(60, 40); cup = new_layer(cup_image, "{style}", 60, 40, "cup")')
    begin(console)
    console.process.send_signal(signal.SIGKILL)
    nothing_left(console)
    console.close()


@pytest.fixture
def small_disk(gimp: GimpUnderTest) -> Iterator[Path]:
    """Lets the plug-in use a data folder whose jobs have 1 MB of room."""
    if os.geteuid() != 0:
        pytest.skip("a small disk can be mounted by root alone")
    home = Path(tempfile.mkdtemp(dir=gimp.folder))
    jobs = home / "run" / "jobs"
    jobs.mkdir(parents=True)
    lend_weights(gimp.home, home)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", jobs], check=True)
    installation = gimp.plug_in / "installation.json"
    good = installation.read_text()
    installation.write_text(good.replace(str(gimp.home), str(home)))
    yield jobs
    installation.write_text(good)
    GimpUnderTest(gimp.root, gimp.folder, home).stop_worker()
    subprocess.run(["umount", "--lazy", jobs], check=True)


@pytest.mark.parametrize("side", [300, 240], ids=["full while handing over", "full while computing"])
def test_disk_full(gimp: GimpUnderTest, pictures: Pictures, small_disk: Path, side: int) -> None:
    console = Session(gimp)  # sees the mount, which a GIMP that runs already does not
    try:
        target, style = pictures.put("target", pictures.cat(side, side)), pictures.put("cup", pictures.coffee())
        console.ask(f'image = new_image({side}, {side}); layer = new_layer(image, "{target}", {side}, {side}, "cat")\n'
                    f'cup_image = new_image(60, 40); cup = new_layer(cup_image, "{style}", 60, 40, "cup")')
        status, _, message = console.ask("dress(image, [layer], style=cup)")
        assert status == "execution-error"
        assert "The disk is full. Free some space and try again." in message
        assert console.ask("[x.get_name() for x in image.get_layers()]") == ["cat"]
        console.wait_until(lambda: not list(small_disk.glob("*/*")), PATIENCE, "the files to be removed")
    finally:
        console.close()
