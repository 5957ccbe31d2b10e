"""Processes that take one lock again and again; each looks whether it is alone.

    python tests/faults/stressed_lock.py FOLDER

Twenty of them, forked from one that has loaded the code, for a second each lock. Printed are its name, how often it was
held, and how often by two at once.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.progress import silent
from decouple_core.batch.results import held
from decouple_core.service.worker import only_one
from decouple_core.weights.fetching import alone
from installer import data_folder, uninstall
from installer.words import InstallError

PROCESSES = 20
SECONDS = 1.0


class Busy(Exception):
    """Another one holds it."""


def batch(folder: Path, inside: Callable[[], None]) -> None:
    try:
        with held(folder):
            inside()
    except InputError as error:
        if error.message.code != "batch-busy":
            raise
        raise Busy from error


def weights(folder: Path, inside: Callable[[], None]) -> None:
    with alone(folder, Message("weights-of", network="VGG-16"), silent):
        inside()


def worker(folder: Path, inside: Callable[[], None]) -> None:
    with only_one(folder) as served:
        if not served:
            raise Busy
        inside()


def installer(folder: Path, inside: Callable[[], None]) -> None:
    """Every second time all that there is is removed, the lock among it."""
    home = folder / "home"
    try:
        if random.random() < 0.5:
            data_folder.claim(home)
            with data_folder.alone(home):
                data_folder.mark(home)
                inside()
        else:
            uninstall.stop_worker = lambda home: inside()  # what is done while it is held
            uninstall.uninstall(home)
    except (InstallError, FileNotFoundError, FileExistsError) as error:
        if "holds other" in str(error):
            raise
        raise Busy from error  # or removed, or made, in the moment between


def take(kind: Callable[[Path, Callable[[], None]], None], folder: Path, mark: Path) -> tuple[int, int]:
    """How often it was held by this process, and how often beside another."""
    count = beside = 0

    def inside() -> None:
        nonlocal count, beside
        count += 1
        try:
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            beside += 1
            return
        time.sleep(random.random() / 1000)
        mark.unlink()

    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        try:
            kind(folder, inside)
        except Busy:
            time.sleep(random.random() / 1000)
    return count, beside


KINDS = (batch, weights, worker, installer)


def stress(kind: Callable[[Path, Callable[[], None]], None], folder: Path) -> tuple[int, int]:
    """How often it was held by any process, and how often by two at once."""
    mark = folder.with_suffix(".mark")
    folder.mkdir()
    reading, writing = os.pipe()
    for seed in range(PROCESSES):
        if os.fork() == 0:
            random.seed(seed)
            with contextlib.redirect_stdout(None):
                found = take(kind, folder, mark)
            os.write(writing, b"%d %d\n" % found)
            os._exit(0)
    statuses = [os.wait()[1] for _ in range(PROCESSES)]
    os.close(writing)
    with os.fdopen(reading) as lines:
        rows = [line.split() for line in lines]
    assert not any(statuses), statuses
    return sum(int(count) for count, _ in rows), sum(int(beside) for _, beside in rows)


if __name__ == "__main__":
    for one in KINDS:
        print(one.__name__, *stress(one, Path(sys.argv[1]) / one.__name__), flush=True)
