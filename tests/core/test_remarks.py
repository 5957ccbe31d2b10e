"""What is said of work that goes on: who hears it, and that nothing else swallows it."""

from __future__ import annotations

import json
import pickle
import threading
import warnings
from contextvars import copy_context
from pathlib import Path

import pytest

from decouple_contract.messages import Message
from decouple_contract.remarks import Remark, heard, remark
from decouple_contract.settings import Settings
from decouple_core.batch.cluster import make
from decouple_core.batch.work import Task
from decouple_core.command.main import main
from decouple_core.features.style import Style
from decouple_core.pictures.pillow_files import QUIET
from tests.core.command_line import QUICK, arguments, fill, succeeds

SAID = Message("style-more", path="a.style")


def of_tomorrow(path: Path) -> Path:
    """A style file as a later version would write it."""
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "texture": [1, 2, 3]}))
    return path


def test_nobody_listens() -> None:
    with pytest.warns(Remark, match="a later version") as caught:
        remark(SAID)
    assert caught[0].message.message == SAID


def test_the_innermost_listener_hears() -> None:
    outer: list[Message] = []
    inner: list[Message] = []
    with heard(outer.append):
        with heard(inner.append):
            remark(SAID)
        remark(SAID)
    assert (inner, outer) == ([SAID], [SAID])


def test_a_thread_in_a_copy_of_the_context_is_heard() -> None:
    told: list[Message] = []
    with heard(told.append):
        thread = threading.Thread(target=copy_context().run, args=(remark, SAID))
        thread.start()
        thread.join()
    assert told == [SAID]


def test_reading_in_another_thread_swallows_none() -> None:
    """Reading turns off the libraries' warnings for the whole process."""
    with QUIET:
        warnings.warn("of a library's", stacklevel=1)
        with pytest.warns(Remark):
            remark(SAID)


def test_a_message_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(SAID)) == SAID


@pytest.mark.usefixtures("weights", "one_thread")
def test_a_style_of_a_later_version(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Taken with what we know of it, and said: on standard error, or as a warning."""
    fill(tmp_path)
    file = tmp_path / "coffee.style"
    succeeds(capsys, "style", tmp_path / "style.jpg", "-o", file, *QUICK)
    before = Style.load(file)
    of_tomorrow(file)
    with pytest.warns(Remark):
        assert Style.load(file).to_json() == before.to_json()
    words = arguments("transfer", tmp_path / "target.png", file, "-o", tmp_path / "out.png", *QUICK)
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert [line for line in err.splitlines() if "warning" in line] == [
        f"decouple: warning: {Message('style-more', path=str(file))}"
    ]


@pytest.mark.usefixtures("weights", "one_thread")
def test_pictures_of_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are read by other threads; on a cluster by other processes, which hand back what they have heard."""
    fill(tmp_path)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((tmp_path / "style.jpg").read_bytes()[:-2])
    lacking = Message("jpeg-end", path=str(cut))
    assert main(arguments("batch", tmp_path / "style.jpg", cut, "-o", tmp_path / "out", "--layers", "1")) == 0
    assert capsys.readouterr().err.splitlines().count(f"decouple: warning: {lacking}") == 1
    settings = Settings(mode="photo", layers=1, network="vgg16")
    task = Task(str(cut), str(tmp_path / "style.jpg"), str(tmp_path / "b.jpg"), str(tmp_path))
    done = make(task, settings.as_dict())
    assert (done.problem, done.remarks) == (None, (lacking,))
