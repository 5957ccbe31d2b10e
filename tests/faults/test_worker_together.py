"""Several clients and many jobs of one worker; connections that are cut, and processes that are killed."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from decouple_contract.connection import Endpoint, send
from decouple_core.service import worker as service
from tests.faults.worker import (
    ON_LINUX,
    Guest,
    caller,
    computing,
    done,
    lent,
    memory_of,
    open_files,
    pid_of,
    running,
    serve,
    small_job,
    wait_until,
)

pytestmark = pytest.mark.skipif(not ON_LINUX, reason="it does harm in ways of Linux")

SECONDS = 120.0


# --- several at once, and many after each other -------------------------------------------------------------------


def test_two_start_at_once(weights: object, tmp_path: Path) -> None:
    """As two GIMPs do: one worker serves both."""
    home = lent(tmp_path)
    processes = [serve(home) for _ in range(6)]
    try:
        wait_until(lambda: running(home))
        wait_until(lambda: sum(process.poll() is None for process in processes) == 1)
        assert {process.poll() for process in processes} == {0, None}
        results: list[str] = []
        clients = [threading.Thread(target=lambda: results.append(done(home)["kind"])) for _ in range(3)]
        for client in clients:
            client.start()
        for client in clients:
            client.join(SECONDS)
        assert results == ["done"] * 3
    finally:
        service.stop(home)
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may be somebody else")
def test_two_users(home: Path, tmp_path: Path) -> None:
    """Somebody else's data folder is not entered; the sentence says whose it is not."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "run").mkdir()
    os.chown(theirs / "run", 1234, 1234)
    answer = subprocess.run(
        [sys.executable, "-m", "decouple_core", "serve"],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "DECOUPLE_HOME": str(theirs)},
    )
    assert answer.returncode == 1
    assert "is not this user's own" in answer.stderr
    assert answer.stderr.count("\n") == 1
    endpoint = Endpoint.load(home)

    def call_as_another() -> None:
        os.setuid(1234)
        with socket.socket(socket.AF_UNIX) as stranger:
            try:
                stranger.connect(endpoint.address)
            except PermissionError:
                os._exit(17)
        os._exit(0)

    child = os.fork()
    if not child:
        call_as_another()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 17


@pytest.mark.slow
def test_two_hundred_jobs_leave_nothing_behind(home: Path) -> None:
    """Memory and files of both processes are flat within 5 %, after what the first jobs have warmed up."""
    guest, pid = Guest(home), pid_of(home)
    sizes: list[tuple[int, int, int]] = []
    for number in range(200):
        small_job(guest, seed=number)
        assert guest.end()["kind"] == "done"
        if number in (49, 199):
            processes = (pid, computing(pid))
            sizes.append(
                (
                    sum(map(memory_of, processes)),
                    sum(map(open_files, processes)),
                    sum(len(list((Path("/proc") / str(each) / "task").iterdir())) for each in processes),
                )
            )
    (memory, files, threads), (later_memory, later_files, later_threads) = sizes
    assert later_memory <= 1.05 * memory
    assert (later_files, later_threads) == (files, threads)
    guest.connection.close()
    wait_until(lambda: not list((home / "run" / "jobs").iterdir()))


# --- cut off, killed ----------------------------------------------------------------------------------------------


def test_connection_cut_in_every_state(home: Path) -> None:
    """From the first byte to the last message: the job's files go, and the next one is done, by the same worker."""
    pid = pid_of(home)
    for sent in (b"", b"\0", struct.pack("!i", 20)):
        bare = caller(home)
        bare.sendall(sent)
        bare.close()

    for steps in range(3):
        guest = Guest(home)
        if steps > 0:
            guest.ask({"kind": "hello"})
        if steps > 1:
            guest.ask({"kind": "open"})
        guest.connection.close()
    states, more = 0, True
    while more:
        guest = Guest(home)
        small_job(guest, seed=100 + states)
        more = heard(guest, states)
        guest.connection.close()
        states += more
    assert states >= 5
    for message in ({"kind": "cancel"}, {"kind": "open"}):  # the second one is refused: a job is under way
        guest = Guest(home)
        small_job(guest)
        send(guest.connection, message)
        guest.connection.close()
    wait_until(lambda: not list((home / "run" / "jobs").iterdir()))
    done(home)
    assert pid_of(home) == pid


def hung_up(guest: Guest) -> bool:
    """Whether a client hears the end, whatever it hears before."""
    try:
        while True:
            guest.hear()
    except (EOFError, OSError):
        return True


def heard(guest: Guest, count: int) -> bool:
    """Hear so many messages of a job; False where it ends before."""
    return all(guest.hear()["kind"] in ("progress", "queued") for _ in range(count))


def turning_points(home: Path) -> list[int]:
    """After how many messages a job comes to something else, from its beginning to its last message but one."""
    guest = Guest(home)
    small_job(guest, seed=200)
    said = []
    while (message := guest.hear())["kind"] in ("progress", "queued"):
        said.append(message.get("message", {}).get("code"))
    guest.connection.close()
    return [0, *(number + 1 for number, code in enumerate(said) if code not in said[:number]), len(said)]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "computing process"])
def test_killed_in_every_phase_of_a_job(weights: object, tmp_path: Path, victim: str) -> None:
    """Its client hears of it at once, nothing is left, and the next job is done."""
    home = lent(tmp_path)
    process = serve(home)
    try:
        wait_until(lambda: running(home))
        points = turning_points(home)
        assert len(points) >= 5
        for number, after in enumerate(points):
            wait_until(lambda: running(home))
            guest = Guest(home)
            small_job(guest, seed=300 + number)
            assert heard(guest, after)
            if victim == "worker":
                process.kill()
                process.wait()
                assert hung_up(guest)
                process = serve(home)
            else:
                killed = computing(pid_of(home)) if after else None
                if killed is not None:
                    os.kill(killed, signal.SIGKILL)
                assert guest.end()["kind"] in ("failed", "done")
            guest.connection.close()
        wait_until(lambda: running(home))
        done(home)
        wait_until(lambda: not list((home / "run" / "jobs").iterdir()))
    finally:
        service.stop(home)
        process.kill()
        process.wait()
