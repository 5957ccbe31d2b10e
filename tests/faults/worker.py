"""A real worker and its clients, for tests that do harm to them."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from decouple_contract.connection import Endpoint, send
from decouple_contract.jobs import Raster, Transfer
from decouple_contract.shared_folders import pixels_file
from tests.core.test_worker import Guest, pixels, running, serve, served, wait_until

__all__ = [
    "JOB",
    "Guest",
    "caller",
    "computing",
    "done",
    "lent",
    "memory_of",
    "open_files",
    "pid_of",
    "pixels",
    "running",
    "serve",
    "served",
    "small_job",
    "wait_until",
]

JOB = {"network": "vgg16", "size": 32, "layers": 1, "mode": "painting", "device": "cpu"}


def lent(home: Path) -> Path:
    """A data folder with the tests' weights and reference."""
    home.mkdir(exist_ok=True)
    for slow_to_make in ("weights", "reference"):
        shared = Path(os.environ["DECOUPLE_HOME"]) / slow_to_make
        shared.mkdir(parents=True, exist_ok=True)
        if not (home / slow_to_make).exists():
            (home / slow_to_make).symlink_to(shared)
    return home


def pid_of(home: Path) -> int:
    """The process of the worker that serves."""
    return Endpoint.load(home).pid


def caller(home: Path) -> socket.socket:
    """A bare connection, which has proved nothing yet."""
    made = socket.socket(socket.AF_UNIX)
    made.connect(Endpoint.load(home).address)
    return made


def small_job(guest: Guest, seed: int = 1) -> Path:
    """Hand over a job of 20 by 25 pixels; returns its folder."""
    folder = Path(guest.ask({"kind": "open"})["path"])
    for name, number in (("target", seed), ("style", seed + 1)):
        pixels_file(folder, name).write_bytes(pixels(number, 20, 25).tobytes())
    send(guest.connection, Transfer(Raster(25, 20, 3), JOB, style=Raster(25, 20, 3)).to_message())
    return folder


def done(home: Path) -> dict[str, Any]:
    """Have one job done by whoever serves, which must go well."""
    guest = Guest(home)
    small_job(guest)
    answer = guest.end()
    assert answer["kind"] == "done", answer
    guest.connection.close()
    return answer


def computing(worker: int) -> int:
    """The computing process of a worker's process."""
    children: list[str] = []
    for task in (Path("/proc") / str(worker) / "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended meanwhile
            children += (task / "children").read_text().split()
    found = {
        int(pid)
        for pid in children
        if b"decouple_core.service.computer" in (Path("/proc") / pid / "cmdline").read_bytes()
    }
    assert len(found) == 1, found
    return found.pop()


def memory_of(pid: int) -> int:
    """Bytes of memory that a process has of its own."""
    lines = (Path("/proc") / str(pid) / "status").read_text().splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith(("RssAnon", "VmSwap")))


def open_files(pid: int) -> int:
    """How many files, connections and pipes a process has open."""
    return len(list((Path("/proc") / str(pid) / "fd").iterdir()))


ON_LINUX = sys.platform == "linux"
