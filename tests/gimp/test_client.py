"""The plug-in's end of the connection, without GIMP: halves of different versions, and what a worker may say."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gimp_under_test import REPOSITORY, lend_weights

from decouple_contract import __version__, connection
from decouple_contract.connection import PROTOCOL, Endpoint
from decouple_contract.errors import DecoupleError, DiskFullError, InputError
from decouple_contract.failures import as_failure, with_log
from decouple_contract.jobs import Raster, Transfer, View, Where, failure_message
from decouple_contract.messages import SENTENCES, Message
from decouple_contract.shared_folders import pixels_file

if TYPE_CHECKING:
    from decoupled_style.client.worker import Worker

OLDER, NEWER = "0.0.9", "10.0.0"
"""Than any; the second one also by number, where it is not by letter."""

pytestmark = pytest.mark.usefixtures("package")

STAND_IN = Path(__file__).with_name("stand_in_worker.py")


class Place:
    """A data folder, and a private environment whose worker is a stand-in."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.python = folder / "python"
        self.started: list[subprocess.Popen[bytes]] = []
        self.serves()

    def serves(
        self, version: str | None = __version__, protocol: int = PROTOCOL, answers: list[dict[str, Any]] | None = None
    ) -> None:
        """Say what the environment's worker is, and what it answers to a job."""
        hello = {"kind": "hello", "protocol": protocol, **({} if version is None else {"version": version})}
        words = json.dumps({"hello": hello, "answers": answers or [{"kind": "done"}]})
        (self.home.parent / "words.json").write_text(words)
        self.python.write_text(
            f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" "{STAND_IN}" '
            f'"{self.home.parent / "words.json"}"\n'
        )
        self.python.chmod(0o755)

    def run(self) -> subprocess.Popen[bytes]:
        """Start the environment's worker as somebody else would have, and wait until it serves."""
        process = subprocess.Popen(
            [self.python], env={**os.environ, "DECOUPLE_HOME": str(self.home)}, stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        with process.stdout as said:
            assert said.readline() == b"serving\n"
        self.started.append(process)
        return process

    def worker(self) -> Worker:
        """The plug-in's end of a connection, not yet made."""
        from decoupled_style.client.installation import Installation
        from decoupled_style.client.worker import Worker

        return Worker(Installation(self.python, self.home))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    from decoupled_style.client import starting, worker

    made = Place(tmp_path)

    def start(installation: Any) -> subprocess.Popen[bytes]:
        made.started.append(starting.start(installation))
        return made.started[-1]

    monkeypatch.setattr(worker, "start", start)  # the plug-in leaves its worker alone; a test must not
    yield made
    for process in made.started:
        process.kill()
        process.wait()


def finished(steps: Any, notice: Callable[[Any], None] = lambda news: None) -> Any:
    """Take all steps."""
    from decoupled_style.client.steps import finish

    return finish(steps, notice)


def failure(steps: Any) -> tuple[str, str, dict[str, Any]]:
    """How the steps fail, which they must: the error's class, the code and what fills its sentence."""
    from decouple_contract.errors import DecoupleError

    with pytest.raises(DecoupleError) as caught:
        finished(steps)
    return type(caught.value).__name__, caught.value.message.code, dict(caught.value.message.arguments)


def job() -> Any:

    return Transfer(Raster(1, 1, 3), {}, style_path="a.style")


def answered(place: Place, *answers: dict[str, Any]) -> Any:
    """The steps of a job, at the end of a connection to a worker that gives these answers."""
    place.serves(answers=list(answers))
    worker = place.worker()
    finished(worker.connect())
    finished(worker.folder())
    return worker.transfer(job())


def test_the_same_version_is_kept(place: Place) -> None:
    process = place.run()
    worker = place.worker()
    finished(worker.connect())
    assert Path(finished(worker.folder())).is_dir()
    worker.close()
    assert process.poll() is None
    assert Endpoint.load(place.home).pid == process.pid


@pytest.mark.parametrize(
    ("version", "protocol"), [(OLDER, PROTOCOL), (NEWER, PROTOCOL), (None, PROTOCOL - 1), (__version__, PROTOCOL + 1)]
)
def test_another_version_is_sent_away(place: Place, version: str | None, protocol: int) -> None:
    place.serves(version, protocol)
    foreign = place.run()
    place.serves()
    worker = place.worker()
    finished(worker.connect())
    assert foreign.wait(10) == 0
    assert Endpoint.load(place.home).pid != foreign.pid
    assert Path(finished(worker.folder())).is_dir(), "the new one works"


@pytest.mark.parametrize(
    ("version", "code"), [(OLDER, "worker-older"), (None, "worker-older"), (NEWER, "plug-in-older")]
)
@pytest.mark.parametrize("runs_already", [False, True])
def test_environment_of_another_version(place: Place, version: str | None, code: str, runs_already: bool) -> None:
    place.serves(version)
    process = place.run() if runs_already else None
    said, found, arguments = failure(place.worker().connect())
    assert (said, found) == ("DecoupleError", code)
    assert arguments["plug_in"] == __version__
    assert arguments["worker"] == (version or "0.1")
    assert "install.py" in Message(found, **arguments).words()
    if process is not None:
        assert process.wait(10) == 0


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ([Message("style-more", path="a.style").as_dict()], [Message("style-more", path="a.style")]),
        ([], []),
        ([{"code": "of tomorrow", "arguments": {}}], []),
        (7, []),
    ],
)
def test_remarks_arrive_with_the_result(place: Place, said: Any, heard: list[Message]) -> None:
    from decoupled_style.client.worker import remarks

    done = finished(answered(place, {"kind": "done", "report": {}, "remarks": said}))
    assert [one.as_dict() for one in remarks(done)] == [one.as_dict() for one in heard]
    assert remarks({"kind": "done"}) == []


def test_messages_arrive_as_they_were_sent(place: Place) -> None:
    said = Message("downloading", what=Message("weights-of", network="VGG-19"), megabytes=550)
    news: list[Any] = []
    done = finished(
        answered(
            place,
            {"kind": "queued"},
            {"kind": "progress", "fraction": 0.25, "message": said.as_dict()},
            {"kind": "progress", "fraction": 0.5, "message": {"code": "of tomorrow", "arguments": {}}},
            {"kind": "progress", "fraction": 0.75, "text": "as it once was"},
            {"kind": "done", "report": {}},
        ),
        news.append,
    )
    assert done == {"kind": "done", "report": {}}
    told = [(share, message.words()) for share, message in filter(None, news)]
    assert told == [
        (0.0, SENTENCES["queued"]),
        (0.25, "Downloading VGG-19 weights (550 MB)"),
        (0.5, SENTENCES["working"]),
        (0.75, SENTENCES["working"]),
    ]


def test_failures_arrive_as_they_were_sent(place: Place) -> None:
    error = InputError("style-layers", layers=3)
    assert failure(answered(place, {"kind": "failed", **error.as_dict()})) == (
        "InputError",
        "style-layers",
        {"layers": 3},
    )


def test_failures_that_the_log_explains_name_it(place: Place) -> None:
    error = DecoupleError("computing-crashed")
    _, code, arguments = failure(answered(place, {"kind": "failed", **error.as_dict()}))
    assert code == "problem-logged"
    assert arguments["problem"].words() == str(error)
    assert arguments["log"] == str(place.home / "log" / "worker.log")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        PermissionError(errno.EACCES, "Permission denied", "/a"),
        OSError(errno.ENOSPC, "No space left on device", "/a"),
        ZeroDivisionError(),
    ],
    ids=repr,
)
def test_exceptions_are_told_as_at_every_other_door(place: Place, error: Exception) -> None:
    told = as_failure(error)
    _, code, arguments = failure(answered(place, failure_message(told)))
    assert Message(code, **arguments).words() == str(with_log(told, place.home / "log" / "worker.log"))


@pytest.mark.parametrize(
    "odd",
    [
        {},
        {"error": "InputError", "text": "as it once was"},
        {"error": "InputError", "message": {"code": "of tomorrow", "arguments": {}}},
        {"error": "InputError", "message": {"code": "style-layers", "arguments": {}}},
        {"error": "InputError", "message": {"code": "style-layers", "arguments": [3]}},
        {"error": [], "message": {"code": "stopped", "arguments": {}}},
    ],
)
def test_failures_that_are_no_message(place: Place, odd: dict[str, Any]) -> None:
    said, code, arguments = failure(answered(place, {"kind": "failed", **odd}))
    assert (said, code) == ("DecoupleError", "worker-unclear")
    assert arguments == {"log": str(place.home / "log" / "worker.log")}


@pytest.fixture
def real(weights: object, place: Place) -> Iterator[Worker]:
    """The plug-in's end of a connection to the real worker."""
    lend_weights(Path(os.environ["DECOUPLE_HOME"]), place.home)
    place.python.write_text(f'#!/bin/sh\nshift\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" "$@"\n')  # without -I
    worker = place.worker()
    finished(worker.connect())
    yield worker
    worker.close()


def test_real_worker_tells_which_places_belong_together(real: Worker) -> None:
    """Also while a job is followed: neither takes the other's answers."""
    question = Where(0.25, 0.75)
    assert finished(real.where(question)) is None
    folder = finished(real.folder())
    smooth = np.kron(np.random.default_rng(0).random((6, 8, 3)), np.ones((8, 8, 1))).astype(np.float32)
    for name, picture in (("target", smooth), ("style", 1 - smooth)):
        pixels_file(folder, name).write_bytes(picture.tobytes())
    raster = Raster(64, 48, 3)
    settings = {"network": "vgg16", "mode": "photo", "device": "cpu", "match": [0.25, 0.75, 0.9, 0.1]}
    look = Transfer(raster, settings, style=raster, view=View(64, 0, 0, 64, 48))
    assert finished(real.transfer(look))["kind"] == "done"
    shares = finished(real.where(question))
    assert np.sum(shares) == pytest.approx(1, abs=1e-3)
    rows, columns = np.shape(shares)[1:]
    nearer = (np.arange(columns) > columns / 2) & (np.arange(rows) < rows / 2)[:, None]
    assert np.sum(np.where(nearer, shares[0], 0)) > 0.5, "it takes from where the match says"
    back = finished(real.where(Where(0.9, 0.1, 0)))
    assert np.sum(back) == pytest.approx(1, abs=1e-3)
    asked: list[Any] = []
    following = real.transfer(dataclasses.replace(look, settings={**settings, "freedom": 0.6}))
    done = finished(following, lambda _news: None if len(asked) > 2 else asked.append(finished(real.where(question))))
    assert done["kind"] == "done"
    assert asked == [shares] * 3


def test_answers_to_questions_that_were_given_up_are_left_out(place: Place) -> None:
    first, second = Where(0.5, 0.5), Where(0.5, 0.25, 1)
    answers = [
        {**one.to_message(), "kind": "places", "shares": [[[share]]]} for one, share in ((first, 0.5), (second, 1.0))
    ]
    place.serves(
        answers=[answers[0], {"kind": "progress", "fraction": 0.5, "message": {}}, answers[1], {"kind": "done"}]
    )
    worker = place.worker()
    finished(worker.connect())
    finished(worker.folder())
    steps = worker.transfer(job())
    next(steps)
    assert finished(worker.where(second)) == [[[1.0]]]
    assert finished(steps) == {"kind": "done"}


def test_latest_question_alone_is_asked_after_the_one_under_way(real: Worker, place: Place) -> None:
    from decoupled_style.client.asking import Asking

    def answers(asking: Asking, *early: Any) -> list[Any]:
        """All of them, those that a step before has brought included: a worker may be that fast."""
        found = list(early)
        while not asking.is_over:
            found.append(asking.step())
        return [answer for answer in found if answer is not None]

    asking, questions = Asking(real), [Where(0.1, 0.1), Where(0.2, 0.2), Where(0.3, 0.3)]
    asking.ask(questions[0])
    early = asking.step()
    for question in questions[1:]:
        asking.ask(question)
    assert answers(asking, early) == [(questions[0], None), (questions[2], None)], "no job was done yet"
    for question in (questions[0], None):
        asking.ask(question)
    assert answers(asking) == []
    asking.ask(questions[0])
    early = asking.step()
    real.close()
    assert answers(asking, early) == [(questions[0], None)], "nobody waits for a worker that was left"
    finished(real.connect())
    unconnected = Asking(place.worker())
    unconnected.ask(questions[1])
    assert answers(unconnected) == [(questions[1], None)]


def test_stopped(place: Place) -> None:
    assert failure(answered(place, {"kind": "cancelled"}))[0] == "Cancelled"


def test_worker_that_ends_in_the_middle(place: Place) -> None:
    assert failure(answered(place, {"kind": "end"}))[1] == "worker-lost"


def test_worker_that_cannot_start(place: Place) -> None:
    place.python.write_text("#!/bin/sh\nexit 1\n")
    _, code, arguments = failure(place.worker().connect())
    assert (code, arguments["reason"].words()) == ("worker-broken", SENTENCES["no-reason"])
    place.python.write_text("#!/bin/sh\necho one >&2; echo No module named torch >&2; exit 1\n")
    _, code, arguments = failure(place.worker().connect())
    assert (code, arguments["reason"]) == ("worker-broken", "No module named torch")
    place.python.chmod(0o644)
    assert failure(place.worker().connect())[1] == "worker-unstartable"


def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a worker for hung after a moment."""
    from decoupled_style.client import worker as client

    for module in (connection, client):
        monkeypatch.setattr(module, "HANDSHAKE_SECONDS", 0.2)


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not stopped there")
def test_stopped_worker_is_reported_and_replaced(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    stopped = place.run()
    stopped.send_signal(signal.SIGSTOP)
    worker, news = place.worker(), []
    finished(worker.connect(), news.append)
    assert {message.code for _, message in filter(None, news)} == {"worker-replaced"}
    assert Endpoint.load(place.home).pid != stopped.pid
    assert Path(finished(worker.folder())).is_dir(), "the new one works"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not stopped there")
def test_stopped_worker_does_not_delay_whoever_begins(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dialog opens while the worker is looked for; waiting for it comes in steps."""
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 2.0)
    stopped = place.run()
    stopped.send_signal(signal.SIGSTOP)
    worker, news = place.worker(), []
    worker.begin()
    assert place.started == [stopped], "it has not waited until another was started"
    connecting = worker.connect()
    assert next(connecting) is None
    assert place.started == [stopped]
    finished(connecting, news.append)
    assert {message.code for _, message in filter(None, news)} == {"worker-replaced"}
    assert len(place.started) == 2
    assert Path(finished(worker.folder())).is_dir(), "the new one works"


def test_what_has_begun_is_gone_on_with(place: Place) -> None:
    """Once a worker starts, however much later; what was wrong is said then."""
    worker = place.worker()
    worker.begin()
    finished(worker.connect())
    assert len(place.started) == 1
    place.worker().begin()
    finished(worker.connect())
    assert len(place.started) == 1
    place.started[0].kill()
    place.started[0].wait()
    place.python.chmod(0o644)
    another = place.worker()
    another.begin()
    assert failure(another.connect())[1] == "worker-unstartable"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not stopped there")
def test_worker_that_is_stopped_in_the_middle(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked whether it is there, and is not waited for."""
    from decoupled_style.client import worker as client

    process = place.run()
    worker = place.worker()
    finished(worker.connect())
    finished(worker.folder())
    monkeypatch.setattr(client, "QUIET_SECONDS", 0.2)
    hurry(monkeypatch)
    process.send_signal(signal.SIGSTOP)
    _, code, arguments = failure(worker.transfer(job()))
    assert (code, arguments) == ("worker-stopped", {"log": str(place.home / "log" / "worker.log")})


def test_worker_without_room_for_a_job(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:

    worker = place.worker()
    finished(worker.connect())
    full = {"kind": "failed", **DiskFullError("disk-full").as_dict()}
    from decoupled_style.client import worker as client

    monkeypatch.setattr(client, "receive", lambda connection: full)
    assert failure(worker.folder())[:2] == ("DiskFullError", "disk-full")
