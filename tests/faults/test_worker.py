"""A worker that is stopped, starved or pestered: it serves the others, or is replaced."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import struct
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from decouple_contract import connection, errors
from decouple_contract.connection import FRAME_SECONDS, Endpoint, NotRunning, Silent, connect, send
from decouple_contract.jobs import Raster, Transfer
from decouple_contract.shared_folders import pixels_file, run_folder
from decouple_core.command import serve as serve_command
from decouple_core.service import worker as service
from decouple_core.service.computing_process import ComputingProcess
from decouple_core.service.job import Job
from tests.faults.small_disk import small_disk
from tests.faults.worker import (
    JOB,
    ON_LINUX,
    Guest,
    caller,
    computing,
    done,
    lent,
    open_files,
    pid_of,
    pixels,
    running,
    serve,
    served,
    small_job,
    wait_until,
)

pytestmark = pytest.mark.skipif(not ON_LINUX, reason="it does harm in ways of Linux")

SECONDS = 120.0


# --- stopped ------------------------------------------------------------------------------------------------------


def test_stopped_worker_is_replaced(weights: object, tmp_path: Path) -> None:
    home = lent(tmp_path)
    old = serve(home)
    wait_until(lambda: running(home))
    old.send_signal(signal.SIGSTOP)
    new = serve(home)
    try:
        assert old.wait(SECONDS) == -signal.SIGKILL
        wait_until(lambda: running(home))
        assert pid_of(home) == new.pid
        done(home)
        new.send_signal(signal.SIGSTOP)  # and with a computing process
        service.stop(home)
        assert new.wait(SECONDS) == -signal.SIGKILL
        assert not running(home)
    finally:
        for process in (old, new):
            process.kill()
            process.wait()


def test_worker_that_is_busy_is_not_replaced(home: Path) -> None:
    pid = pid_of(home)
    assert serve(home).wait(SECONDS) == 0
    assert pid_of(home) == pid


@pytest.mark.parametrize(
    ("sign", "code"),
    [(signal.SIGSTOP, "computing-ended"), (signal.SIGILL, "computing-ended"), (signal.SIGSEGV, "computing-crashed")],
)
def test_failed_computing_process_ends_its_job_alone(home: Path, sign: signal.Signals, code: str) -> None:
    guest = Guest(home)
    send(guest.connection, {"kind": "hello", "warm": True})
    guest.hear()
    process = computing(pid_of(home))
    guest.begin({**JOB, "size": 256, "layers": 5}, large=True)  # seconds
    while guest.hear()["kind"] != "progress":
        pass
    os.kill(process, sign)
    assert errors.from_dict(guest.end()).message.code == code
    small_job(guest)
    assert guest.end()["kind"] == "done"


def test_process_replaced_before_its_end_is_noticed(tmp_path: Path) -> None:
    """A client that wants a warm worker does not cost another one the news that its job has failed."""
    process = ComputingProcess()
    try:
        for _ in range(10):
            told: list[dict[str, Any]] = []
            job = Job(told.append, Transfer(Raster(25, 20, 3), JOB, style=Raster(25, 20, 3)), tmp_path)
            ends: list[dict[str, Any]] = []
            run = threading.Thread(target=lambda job=job, ends=ends: ends.append(process.run(job)), daemon=True)
            run.start()
            wait_until(lambda told=told: told)  # it has begun to follow the job
            os.kill(computing(os.getpid()), signal.SIGKILL)
            end = time.monotonic() + SECONDS
            while run.is_alive() and time.monotonic() < end:
                process.start()
            assert [errors.from_dict(message).message.code for message in ends] == ["out-of-memory"]
    finally:
        process.kill()


def test_killed_between_two_jobs(home: Path) -> None:
    """The next job does not pay for it, however soon it comes: an end is noticed some time after it."""
    guest = Guest(home)
    for seed in range(4):
        small_job(guest, seed)
        assert guest.end()["kind"] == "done"
        os.kill(computing(pid_of(home)), signal.SIGKILL)


@pytest.mark.parametrize("words", ["nan", "inf", "-1", "1e999", "soon", ""])
def test_times_that_never_come_are_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(errors.InputError, match="--idle"):
        serve_command.main(["--idle", words] if words != "-1" else ["--idle=-1"])
    assert capsys.readouterr() == ("", "")


# --- clients that do not behave -----------------------------------------------------------------------------------


def test_clients_that_never_prove_who_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They block nobody, and are hung up on."""
    strangers = [caller(home) for _ in range(20)]
    for number, stranger in enumerate(strangers):
        stranger.sendall([b"", b"\0", struct.pack("!i", 100), struct.pack("!i", 100) + b"half"][number % 4])
    done(home)
    for stranger in strangers:
        stranger.settimeout(2 * FRAME_SECONDS)
        while stranger.recv(4096):  # the challenge, then the end
            pass
        stranger.close()


def test_crowd_of_clients(home: Path) -> None:
    """More than there is room for: those within it are served."""
    first = Guest(home)
    crowd = [caller(home) for _ in range(2 * service.MOST_CLIENTS)]
    small_job(first)
    assert first.end()["kind"] == "done"
    for one in crowd:
        one.close()
    wait_until(lambda: running(home))


def test_a_full_queue_is_waited_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who finds no room before the worker's door waits for it; without it, nobody is taken for hung."""
    monkeypatch.setattr(connection, "HANDSHAKE_SECONDS", 1.0)
    endpoint = Endpoint.create(tmp_path)
    endpoint.save(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(endpoint.address)
        listener.listen(0)
        with caller(tmp_path):  # all the room there is
            begun = time.monotonic()
            with pytest.raises(Silent) as caught:
                connect(tmp_path)
    assert time.monotonic() - begun >= 0.9
    assert caught.value.pid is None


def test_half_a_frame(home: Path) -> None:
    """Of any kind, and that of a client that has proved who it is: it is hung up on, and nobody waits for it."""
    starts = (
        struct.pack("!i", 100),
        struct.pack("!i", 100) + b'{"kind"',
        b"\0\0",
        struct.pack("!i", -1) + struct.pack("!Q", 2**62),
        struct.pack("!i", 2**31 - 1),
    )
    halves = [Guest(home) for _ in starts]
    for half, start in zip(halves, starts, strict=True):
        os.write(half.connection.fileno(), start)
    done(home)
    for half in halves:
        assert half.connection.poll(2 * FRAME_SECONDS), "hung up"
        with pytest.raises((EOFError, OSError)):
            half.connection.recv_bytes()


def test_client_that_stops_reading(home: Path) -> None:
    """What it does not take is not waited for: neither by its own job, nor by that of the next."""
    deaf = Guest(home)
    narrow = socket.socket(fileno=os.dup(deaf.connection.fileno()))
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    small_job(deaf)
    for _ in range(3000):  # answers that fill whatever buffers there are
        try:
            send(deaf.connection, {"kind": "hello"})
        except OSError:  # hung up on, rightly
            break
    done(home)
    narrow.close()
    deaf.connection.close()


def test_nonsense_after_nonsense(home: Path) -> None:
    """Frames of any content, none of which costs anyone else a thing."""
    before = open_files(pid_of(home))
    nested = b"[" * 100_000
    for frame in (
        b"",
        b"null",
        b"\xff\xfe",
        nested,
        b'{"kind":' + nested,
        b'{"kind": []}',
        b'{"kind": "' + b"x" * 10**6,
        json.dumps(
            {
                "kind": "transfer",
                "target": {"width": 1, "height": 1, "channels": 3},
                "settings": json.loads("[" * 500 + "]" * 500),
            }
        ).encode(),
    ):
        guest = Guest(home)
        guest.connection.send_bytes(frame)
        with pytest.raises((EOFError, OSError)):
            guest.connection.recv_bytes()
        guest.connection.close()
    done(home)
    wait_until(lambda: open_files(pid_of(home)) <= before)


@pytest.mark.parametrize("depth", [500, 900])
def test_settings_and_styles_nested_deep(home: Path, depth: int) -> None:
    nest = json.loads("[" * depth + "]" * depth)
    guest = Guest(home)
    for odd in (
        {"settings": {**JOB, "amounts": nest}},
        {"features": {"format": "decoupled-style", "network": nest}},
        {"settings": {"x" * 10**5: 1}},
    ):
        folder = Path(guest.ask({"kind": "open"})["path"])
        pixels_file(folder, "target").write_bytes(pixels(1, 20, 25).tobytes())
        message = {
            "kind": "transfer",
            "target": {"width": 25, "height": 20, "channels": 3},
            "settings": JOB,
            "features": {"format": "decoupled-style"},
            **odd,
        }
        send(guest.connection, message)
        assert isinstance(errors.from_dict(guest.end()), errors.DecoupleError)
    small_job(guest)
    assert guest.end()["kind"] == "done"


# --- worker.json --------------------------------------------------------------------------------------------------


CONTENTS = [
    b"",
    b"{",
    b"null",
    b"[]",
    b"7",
    b'"text"',
    b"\xff\xfe",
    b"[" * 100_000,
    b'{"address": 1, "pid": 1, "key": ""}',
    b'{"address": ["127.0.0.1", 80], "pid": 1, "key": "' + b"00" * 32 + b'"}',
    b'{"address": "/dev/null", "pid": "1", "key": "' + b"00" * 32 + b'"}',
    b'{"address": "\\u0000", "pid": 1, "key": "' + b"00" * 32 + b'"}',
    b'{"address": "' + b"x" * 3000 + b'", "pid": 1, "key": "' + b"00" * 32 + b'"}',
    b'{"address": "/nowhere", "pid": 1e999, "key": "' + b"00" * 32 + b'"}',
    b"x" * 10_000_000,
]


@pytest.mark.parametrize("content", [pytest.param(content, id=str(number)) for number, content in enumerate(CONTENTS)])
def test_address_file_of_any_content_counts_as_none(tmp_path: Path, content: bytes) -> None:
    (run_folder(tmp_path) / "worker.json").write_bytes(content)
    with pytest.raises(NotRunning):
        connect(tmp_path)


def test_address_file_that_is_a_pipe_or_a_folder(tmp_path: Path) -> None:
    os.mkfifo(run_folder(tmp_path) / "worker.json")
    with pytest.raises(NotRunning):
        connect(tmp_path)
    (tmp_path / "run" / "worker.json").unlink()
    (tmp_path / "run" / "worker.json").mkdir()
    with pytest.raises(NotRunning):
        connect(tmp_path)


def test_address_file_that_leads_to_another(home: Path, tmp_path: Path) -> None:
    """With a key that is not theirs, who listens there is not our worker, and is left alone."""
    endpoint = Endpoint.load(home)
    Endpoint(endpoint.address, endpoint.pid, bytes(32)).save(tmp_path)
    with pytest.raises(NotRunning) as caught:
        connect(tmp_path)
    assert not isinstance(caught.value, Silent)
    done(home)


# --- nothing left to give -----------------------------------------------------------------------------------------


def test_no_files_left_to_open(home: Path) -> None:
    """EMFILE ends a job, not the worker."""
    pid, guest = pid_of(home), Guest(home)
    wait_until(lambda: open_files(pid) < 40)
    usual = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    os.kill(computing(pid), signal.SIGKILL)  # the next one takes files
    time.sleep(0.2)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_files(pid) + 1, usual[1]))
    try:
        refused = [caller(home) for _ in range(5)]
        answer = guest.ask({"kind": "open"})
        if answer["kind"] == "folder":
            folder = Path(answer["path"])
            for name in ("target", "style"):
                pixels_file(folder, name).write_bytes(pixels(1, 20, 25).tobytes())
            raster = Raster(25, 20, 3)
            send(guest.connection, Transfer(raster, JOB, style=raster).to_message())
            answer = guest.end()
        assert isinstance(errors.from_dict(answer), errors.DecoupleError)
        for one in refused:
            one.close()
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, usual)
    small_job(guest)
    assert guest.end()["kind"] == "done"
    done(home)
    assert pid_of(home) == pid


def test_disk_without_room(weights: object, tmp_path: Path) -> None:
    """For the worker's files at its start, for a job's folder and for its result: ENOSPC ends what needed it."""
    for pages in range(1, 12):
        with small_disk(tmp_path / "disk", 4096 * pages) as disk:
            process = serve(lent(disk))
            wait_until(lambda process=process, disk=disk: process.poll() is not None or running(disk))
            if process.poll() is None:
                service.stop(disk)
                assert process.wait(SECONDS) == 0
            assert process.returncode in (0, 1)
    with small_disk(tmp_path / "disk", 2**20) as disk, served(disk) as (home, process):
        guest = Guest(home)
        folder = Path(guest.ask({"kind": "open"})["path"])
        for name in ("target", "style"):
            pixels_file(folder, name).write_bytes(pixels(1, 20, 25).tobytes())
        filled(disk)
        raster = Raster(25, 20, 3)
        send(guest.connection, Transfer(raster, JOB, style=raster).to_message())
        error = errors.from_dict(guest.end())
        assert isinstance(error, errors.DiskFullError), error
        other = Guest(home)
        filled(disk)
        answer = other.ask({"kind": "open"})
        assert answer["kind"] == "folder" or isinstance(errors.from_dict(answer), errors.DiskFullError)
        (disk / "filler").unlink()
        done(home)
        assert process.poll() is None


@pytest.mark.parametrize("fallocate", [True, False])
def test_room_for_a_result_is_taken_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fallocate: bool) -> None:
    """Writing through a map to a full disk would kill the process; not every system can take room without writing."""
    from decouple_core.service.computer import _room

    if not fallocate:
        monkeypatch.delattr(os, "posix_fallocate")
    with small_disk(tmp_path / "disk", 2**20) as disk:
        with pytest.raises(OSError, match="No space left"):
            _room(disk, "result", Raster(500, 500, 3))
        mapped = _room(disk, "result", Raster(200, 300, 3))
        assert (disk / "result.raw").stat().st_blocks * 512 >= mapped.nbytes == 200 * 300 * 3 * 4
        filled(disk)
        mapped[...] = 0.5
        assert mapped.sum() == 200 * 300 * 3 / 2


def filled(disk: Path) -> None:
    """Leave no room at all."""
    with (disk / "filler").open("ab", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4096))
            except OSError:
                return


@pytest.mark.parametrize("more", [0, 2**24, 2**26])
def test_no_memory_left(home: Path, more: int) -> None:
    """At the start of a job, and later: it ends with a sentence, and the next one is done."""
    done(home)
    pid, guest = pid_of(home), Guest(home)
    child = computing(pid)
    pages = int((Path("/proc") / str(child) / "statm").read_text().split()[0])
    resource.prlimit(child, resource.RLIMIT_AS, (pages * resource.getpagesize() + more, resource.RLIM_INFINITY))
    folder = Path(guest.ask({"kind": "open"})["path"])
    for name in ("target", "style"):
        pixels_file(folder, name).write_bytes(pixels(3, 1600, 2000).tobytes())
    raster = Raster(2000, 1600, 3)
    send(guest.connection, Transfer(raster, JOB, style=raster).to_message())
    error = errors.from_dict(guest.end())
    assert isinstance(error, errors.OutOfMemoryError), error
    done(home)
    assert pid_of(home) == pid
    assert computing(pid) != child  # whose memory is in pieces
