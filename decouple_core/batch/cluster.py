"""A batch on the workers of a Dask cluster, which read and write on a folder that all of them share.

Dask gives each worker its next picture when it has room, and a lost worker's picture to another. Tasks and what becomes
of them are pickled on their way, as all that goes through Dask: a cluster has to be one's own.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from decouple_contract.errors import DecoupleError, InputError
from decouple_contract.failures import told
from decouple_contract.messages import Message
from decouple_contract.remarks import heard, remark
from decouple_contract.settings import Settings
from decouple_core.batch.entries import Stamp
from decouple_core.batch.work import Task, TaskResult, ends_all, read, read_style, stylise, with_one_look, write
from decouple_core.model.heap import keep_freed
from decouple_core.model.threads import settle

if TYPE_CHECKING:
    from distributed import Client, Future

    from decouple_core.batch.here import Finished
    from decouple_core.batch.work import LoadedStyle
    from decouple_core.engine import Engine

PATIENCE = "10s"
"""For the scheduler's first answer."""

LOOK_SECONDS = 2.0
"""From one look for workers to the next, while no picture comes; the scheduler answers in less."""

TELL_SECONDS = 4.0
"""Without workers, before the user is told what is waited for."""


def run_on_cluster(
    address: str,
    tasks: Sequence[Task],
    settings: Settings,
    finished: Finished,
    series: Sequence[str] = (),
    *,
    wait: float,
    say: Callable[[Message], None],
) -> None:
    """Make these pictures on the workers of the scheduler at an address, such as ``tcp://host:8786``.

    One look for a series is fitted by each worker, which is the same on all of them but for rounding.

    Parameters
    ----------
    address : str
    tasks : sequence of Task
    settings : Settings
    finished : callable
    series : sequence of str
        As for `run_here`.
    wait : float
        Seconds to go on without any worker, at the beginning or later.
    say : callable
        Told what is waited for.

    Raises
    ------
    InputError
        Where Dask is not installed, or no scheduler answers.
    DecoupleError
        For what would fail every picture: no workers among others.
    """
    try:
        from distributed import Client
    except ImportError:
        raise InputError("cluster-needs") from None
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # tracebacks of what we tell in a sentence
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError("cluster-silent", address=address) from error
    with client:
        under_way = {client.submit(make, task, settings.as_dict(), tuple(series), pure=False): task for task in tasks}
        arrived: SimpleQueue[Future[TaskResult]] = SimpleQueue()
        for future in under_way:
            future.add_done_callback(arrived.put)
        workers = _Workers(client, address, wait, say)
        try:
            while under_way:
                future = workers.next(arrived)
                if future.cancelled():
                    raise DecoupleError("cluster-lost", address=address)
                try:
                    done = future.result()
                except Exception:  # its worker was lost, and those after it
                    done = TaskResult(0.0, problem=DecoupleError("computing-ended"))
                for message in done.remarks:
                    remark(message)
                finished(under_way.pop(future), done)
                if done.problem is not None and ends_all(done.problem):
                    raise done.problem
        finally:
            client.cancel(list(under_way))


class _Workers:
    """The workers of a scheduler, and the patience while there are none."""

    def __init__(self, client: Client, address: str, wait: float, say: Callable[[Message], None]) -> None:
        self._client = client
        self._address = address
        self._wait = wait
        self._say = say

    def next(self, arrived: SimpleQueue[Future[TaskResult]]) -> Future[TaskResult]:
        """The next picture that comes; DecoupleError when there have been no workers for too long."""
        since, told = time.monotonic(), False
        while True:
            try:
                return arrived.get(timeout=LOOK_SECONDS)
            except Empty:
                pass
            if self._any():
                since, told = time.monotonic(), False
                continue
            waited = time.monotonic() - since
            if waited >= self._wait:
                raise DecoupleError("cluster-empty", address=self._address, seconds=f"{self._wait:g}")
            if waited >= TELL_SECONDS and not told:
                told = True
                self._say(Message("cluster-waits", address=self._address, seconds=f"{self._wait:g}"))

    def _any(self) -> bool:
        scheduler = self._client.scheduler
        try:
            known = self._client.sync(scheduler.identity, callback_timeout=LOOK_SECONDS) if scheduler else {}
        except Exception:  # a scheduler that does not answer has none for us
            return False
        return bool(known.get("workers"))


def make(task: Task, settings: dict[str, object], series: tuple[str, ...] = ()) -> TaskResult:
    """Make one picture, in a worker; its threads read and write side by side and solve one after another."""
    start = time.perf_counter()
    made_of: Stamp | None = None
    remarks: list[Message] = []
    try:
        with heard(remarks.append):
            target = read(task)
            made_of = target.stamp
            with _solving:
                chosen = Settings.from_dict(settings)
                result = stylise(_warm(), target, _style(task.style, series, chosen), chosen)
            part = write(task, result, target)
    except Exception as error:
        return TaskResult(time.perf_counter() - start, made_of, problem=told(error), remarks=tuple(remarks))
    return TaskResult(time.perf_counter() - start, made_of, part, remarks=tuple(remarks))


_solving = threading.Lock()
_engines: list[Engine] = []
_styles: dict[tuple[str, tuple[str, ...], Settings], tuple[Stamp, LoadedStyle]] = {}


def _warm() -> Engine:
    """The engine of the process, made when it is first asked for; `_solving` is held."""
    if not _engines:
        settle(os.environ)
        keep_freed()
        from decouple_core.engine import Engine

        _engines.append(Engine())
    return _engines[0]


def _style(path: str, series: tuple[str, ...], settings: Settings) -> LoadedStyle:
    """The style that was read last, or another; `_solving` is held."""
    stamp = Stamp.of(Path(path)) if Path(path).exists() else Stamp(0, 0)
    known = path, series, settings
    if known not in _styles or _styles[known][0] != stamp:
        _styles.clear()
        style = read_style(path)
        _styles[known] = stamp, with_one_look(_warm(), style, series, settings) if series else style
    return _styles[known][1]
