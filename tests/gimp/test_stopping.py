"""Stopping, in every way: nothing is left running, no file is left, the document is as it was, the next run works.

Cancel in the dialog and in the status bar are in test_window.py.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest, Session
from pictures import Pictures, alike

LONG = "stylise(image, [layer], style=cup, layers=5, size=512)"


@pytest.fixture
def documents(console: Session, pictures: Pictures) -> None:
    """`image` with `layer`, and `cup`, as they are before each run."""
    open_documents(console, pictures)


def open_documents(console: Session, pictures: Pictures) -> None:
    """Open what `LONG` works on."""
    target, style = pictures.put("target", pictures.cat(400, 300)), pictures.put("cup", pictures.coffee())
    console.ask(
        f'image = new_image(400, 300); layer = new_layer(image, "{target}", 400, 300, "cat")\n'
        f'cup_image = new_image(60, 40); cup = new_layer(cup_image, "{style}", 60, 40, "cup")\n'
        "cup_image.clean_all(); image.clean_all()"
    )


@pytest.fixture
def another(gimp: GimpUnderTest, pictures: Pictures) -> Iterator[Session]:
    """A second GIMP, with the same documents, that uses the same worker."""
    session = Session(gimp)
    open_documents(session, pictures)
    yield session
    session.close()


def begin(console: Session) -> None:
    """Begin a run that takes long, and wait until it computes."""
    gimp = console.gimp
    console.begin(LONG)
    console.wait_until(gimp.computes, PATIENCE, "the computing")
    assert gimp.computing()


def unchanged_and_usable(console: Session, pictures: Pictures, before: np.ndarray) -> None:
    """The document is as it was, and the next run works."""
    assert console.ask("[[x.get_name() for x in image.get_layers()], image.is_dirty()]") == [["cat"], False]
    assert alike(pictures.get(console, "layer"), before)
    status, _, message = console.ask("stylise(image, [layer], style=cup)")
    assert status == "success", message


def test_plug_in_killed_as_the_status_bar_does(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    with console.in_time(console.gimp.all_gone):
        os.kill(console.gimp.processes()[0], signal.SIGKILL)
    console.answer()
    unchanged_and_usable(console, pictures, before)


def test_worker_killed(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    with console.in_time(console.gimp.all_gone):
        os.kill(console.gimp.worker() or 0, signal.SIGKILL)
    assert not console.gimp.computing(), "nobody is left to give it work"
    status, _, message = console.answer()
    assert status == "execution-error"
    assert "The worker stopped unexpectedly. Try again" in message
    unchanged_and_usable(console, pictures, before)


def test_computing_killed_as_for_want_of_memory(console: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(console)
    with console.in_time(console.gimp.all_gone):
        os.kill(console.gimp.computing()[0], signal.SIGKILL)
    status, _, message = console.answer()
    assert status == "execution-error"
    assert "There is not enough memory; close other programs, choose a lower quality" in message
    unchanged_and_usable(console, pictures, before)


def test_gimp_killed(console: Session, another: Session, pictures: Pictures, documents: None) -> None:
    before = pictures.get(console, "layer")
    begin(another)
    with another.in_time(another.gimp.all_gone):
        another.process.send_signal(signal.SIGKILL)
    unchanged_and_usable(console, pictures, before)


def test_plug_in_killed_while_the_worker_starts(console: Session, pictures: Pictures, documents: None) -> None:
    gimp, before = console.gimp, pictures.get(console, "layer")
    gimp.stop_worker()
    console.begin(LONG)
    console.wait_until(
        lambda: any((folder / "style.raw").exists() for folder in gimp.job_files()), PATIENCE, "the files"
    )
    # The worker goes on loading torch, for whoever comes next.
    with console.in_time(lambda: not gimp.job_files() and not gimp.processes()):
        os.kill(gimp.processes()[0], signal.SIGKILL)
    console.answer()
    unchanged_and_usable(console, pictures, before)


def test_two_gimps_take_turns(console: Session, another: Session, pictures: Pictures, documents: None) -> None:
    gimp = console.gimp
    for session in (console, another):
        session.begin('stylise(image, [layer], style=cup, mode="photo", layers=2, size=96)')
    console.wait_until(lambda: len(gimp.job_files()) == 2, PATIENCE, "both jobs")
    assert len(gimp.computing()) == 1, "one process computes for both"
    for session in (console, another):
        status, new, message = session.answer()
        assert status == "success", message
        assert session.ask("[x.get_name() for x in image.get_layers()]")[1:] == ["cat"]
        assert session.ask("image.get_selected_layers()[0].get_id()") == new
    said = another.end_with("stylise(image, [layer])")
    # GIMP 3.2 says so of whatever has not ended when it does itself, its own batch interpreter included.
    assert "'decoupled-style.py' never exited" not in said


def test_stopped_while_it_waits_for_its_turn(
    console: Session, another: Session, pictures: Pictures, documents: None
) -> None:
    gimp = console.gimp
    begin(console)
    first = set(gimp.job_files())
    plug_ins = set(gimp.processes())
    another.begin(LONG)
    another.wait_until(
        lambda: any((job / "style.raw").exists() for job in set(gimp.job_files()) - first), 60, "the second job"
    )
    [waiting] = set(gimp.processes()) - plug_ins
    with another.in_time(lambda: set(gimp.job_files()) == first):
        os.kill(waiting, signal.SIGKILL)
    another.answer()
    assert gimp.computing()
    assert set(gimp.processes()) == plug_ins, "the first goes on"
    with console.in_time(console.gimp.all_gone):
        os.kill(plug_ins.pop(), signal.SIGKILL)
    console.answer()
