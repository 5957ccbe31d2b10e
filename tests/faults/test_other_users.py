"""Another user of the same machine reads no job, reaches no worker, and gains nothing by being first with its names."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Client, answer_challenge
from pathlib import Path
from typing import Any

import pytest

from decouple_contract.connection import Endpoint, NotRunning, Silent, connect
from decouple_contract.errors import DecoupleError
from decouple_contract.shared_folders import pixels_file
from decouple_core.command import serve
from decouple_core.service import worker as service
from tests.faults.worker import Guest, done, served, small_job

pytestmark = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can be several users"
)

OTHER = 65534
"""The user nobody, whom nothing belongs to."""


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder for temporary files in which everybody may make some."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def as_other(work: Callable[[], object]) -> Iterator[str]:
    """What the other user gets of some work; its process ends after the block."""
    ours, theirs = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the child does nothing that could wait for a thread
        pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            answer = repr(work())
        except BaseException as error:
            answer = type(error).__name__
        os.write(theirs, answer.encode())
        signal.pause()
    try:
        yield os.read(ours, 1000).decode()
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(ours)
        os.close(theirs)


def got(work: Callable[[], object]) -> str:
    """The same, with an end at once."""
    with as_other(work) as answer:
        return answer


# --- what is ours -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(weights: object) -> Iterator[Path]:
    """The data folder of a worker whose user lets everybody do everything, in a place that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    before = os.umask(0)
    try:
        (folder / "home").mkdir()
        with served(folder / "home") as (home, _worker):
            os.umask(before)
            yield home
    finally:
        os.umask(before)
        shutil.rmtree(folder)


def test_job_is_not_read(home: Path) -> None:
    guest = Guest(home)
    folder = small_job(guest)
    names = [home / "run", folder, home / "log"]
    for name in names:
        assert got(lambda name=name: os.listdir(name)) == "PermissionError"  # type: ignore[misc]
    assert guest.end()["kind"] == "done"
    files = [
        pixels_file(folder, "result"),
        home / "run" / "worker.json",
        home / "run" / "lock",
        home / "log" / "worker.log",
    ]
    for file in files:
        assert file.exists()
        assert got(lambda file=file: os.open(file, os.O_RDONLY)) == "PermissionError"  # type: ignore[misc]
        assert got(lambda file=file: os.open(file, os.O_WRONLY)) == "PermissionError"  # type: ignore[misc]
        assert got(lambda file=file: os.unlink(file)) == "PermissionError"  # type: ignore[misc]
    assert got(lambda: os.rename(home / "run", home / "other")) == "PermissionError"
    assert oct(home.stat().st_mode & 0o002) == "0o0"


def called(address: str, key: bytes | None = None) -> object:
    """A connection, with proof of the key where it is known."""
    connection = Client(address)
    if key is not None:
        answer_challenge(connection, key)
    return connection


def test_worker_is_not_reached(home: Path, tmp_path: Path, weights: object) -> None:
    assert got(lambda: called(Endpoint.load(home).address)) == "NotRunning"
    address = Endpoint.load(home).address
    assert got(lambda: called(address)) == "PermissionError"
    long = tmp_path / ("long" * 30)
    long.mkdir()
    with served(long):  # whose socket lies among the temporary files
        address = Endpoint.load(long).address
        assert not address.startswith(str(long))
        assert got(lambda: called(address)) == "PermissionError"


def test_worker_hangs_up_on_other_users(home: Path) -> None:
    """Even where folders were opened to them and they know the key."""
    endpoint = Endpoint.load(home)
    (home / "run").chmod(0o777)
    os.chmod(endpoint.address, 0o777)
    try:
        assert got(lambda: called(endpoint.address, endpoint.key)) in ("EOFError", "ConnectionResetError")
    finally:
        (home / "run").chmod(0o700)
    done(home)


# --- who comes first ----------------------------------------------------------------------------------------------


def folder_of_other(path: Path) -> None:
    """Have the other user make a folder that everybody may write to."""
    assert got(lambda: (os.umask(0), os.mkdir(path))) == "(18, None)"


def link_of_other(path: Path, to: Path) -> None:
    """Have the other user make a link."""
    assert got(lambda: os.symlink(to, path)) == "None"


SQUATS: dict[str, Callable[[Path, Path], None]] = {
    "the data folder": lambda home, ours: folder_of_other(home),
    "the data folder as a link": link_of_other,
    "the run folder": lambda home, ours: (home.mkdir(), home.chmod(0o777), folder_of_other(home / "run"))[-1],
    "the run folder as a link": lambda home, ours: (home.mkdir(), home.chmod(0o777), link_of_other(home / "run", ours))[
        -1
    ],
    "the log folder": lambda home, ours: (home.mkdir(), home.chmod(0o777), folder_of_other(home / "log"))[-1],
    "the log folder as a link": lambda home, ours: (home.mkdir(), home.chmod(0o777), link_of_other(home / "log", ours))[
        -1
    ],
}


@pytest.mark.parametrize("squat", SQUATS)
def test_worker_uses_nothing_of_another_user(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, squat: str
) -> None:
    home, ours = shared / "home", tmp_path / "ours"
    ours.mkdir()
    SQUATS[squat](home, ours)
    monkeypatch.setenv("DECOUPLE_HOME", str(home))
    with pytest.raises(DecoupleError) as caught:
        serve.main(["--idle", "0.2"])
    assert caught.value.message.code == "worker-folder"
    assert str(shared) in str(caught.value)
    assert not [path for path in (*shared.rglob("*"), *ours.rglob("*")) if path.is_file() and path.name != "lock"]


def test_stranger_is_not_taken_for_our_worker(shared: Path) -> None:
    """Whoever leaves an address with a key of his own in our place is not even called."""
    home = shared / "home"
    home.mkdir()
    home.chmod(0o777)
    address = str(shared / "socket")

    def leave() -> None:
        (home / "run").mkdir()
        (home / "run" / "worker.json").write_text(f'{{"address": "{address}", "pid": 1, "key": "{"00" * 32}"}}')

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        assert got(leave) == "None"
        with pytest.raises(NotRunning):
            connect(home)
        shutil.rmtree(home / "run")
        (home / "run").mkdir()  # ours, with the file of the other
        os.chmod(home / "run", 0o777)
        assert (
            got(
                lambda: (home / "run" / "worker.json").write_text(
                    f'{{"address": "{address}", "pid": 1, "key": "{"00" * 32}"}}'
                )
            )
            != "PermissionError"
        )
        with pytest.raises(NotRunning):
            connect(home)
        assert not select.select([listener], [], [], 0)[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose process listens")
def test_stranger_that_listens_and_keeps_silent_is_not_killed(shared: Path, tmp_path: Path) -> None:
    """As at an address that a worker of ours once had among the temporary files."""
    address = str(shared / "socket")

    def listen() -> Any:
        global kept  # as long as its process lives
        kept = socket.socket(socket.AF_UNIX)
        os.umask(0)
        kept.bind(address)
        kept.listen()

    Endpoint(address, os.getpid(), bytes(32)).save(tmp_path)
    with as_other(listen) as answer:
        assert answer == "None"
        with pytest.raises(NotRunning) as caught:
            connect(tmp_path)
        assert not isinstance(caught.value, Silent)
        service.stop(tmp_path)
        with pytest.raises(NotRunning):
            connect(tmp_path)
        with socket.socket(socket.AF_UNIX) as caller:
            caller.connect(address)  # it lives


kept: socket.socket
