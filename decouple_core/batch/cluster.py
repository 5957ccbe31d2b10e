"""A batch on the workers of a Dask cluster, which read and write on a folder that all of them share.

Dask gives each worker its next picture when it has room, and a lost worker's picture to another. Tasks and what becomes
of them are pickled on their way, as all that goes through Dask: a cluster has to be one's own.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_core.batch.summary import Stamp
from decouple_core.batch.work import Done, Task, dress, ends_all, read, read_style, with_one_look, write
from decouple_core.contract.errors import DecoupleError, InputError
from decouple_core.contract.messages import Message
from decouple_core.contract.remarks import heard, remark
from decouple_core.contract.settings import Settings
from decouple_core.model.heap import keep_freed
from decouple_core.model.threads import settle
from decouple_core.unforeseen import as_ours

if TYPE_CHECKING:
    from decouple_core.batch.here import Finished
    from decouple_core.batch.work import LoadedStyle
    from decouple_core.engine import Engine

PATIENCE = "10s"
"""For the scheduler's first answer."""


def run_on_cluster(address: str, tasks: Sequence[Task], settings: Settings, finished: Finished,
                   series: Sequence[str] = ()) -> None:
    """Make these pictures on the workers of the scheduler at an address, such as ``tcp://host:8786``.

    One look for a series is fitted by each worker, which is the same on all of them but for rounding.

    Raises
    ------
    InputError
        Where Dask is not installed, or no scheduler answers.
    DecoupleError
        For what would fail every picture.
    """
    try:
        from distributed import Client, as_completed
    except ImportError:
        raise InputError("cluster-needs") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError("cluster-silent", address=address) from error
    with client:
        under_way = {client.submit(make, task, settings.as_dict(), tuple(series), pure=False): task for task in tasks}
        try:
            for future in as_completed(list(under_way), loop=client.loop):
                try:
                    done = future.result()
                except Exception:  # its worker was lost, and those after it
                    done = Done(0.0, problem=DecoupleError("computing-ended"))
                for message in done.remarks:
                    remark(message)
                finished(under_way[future], done)
                if done.problem is not None and ends_all(done.problem):
                    raise done.problem
        finally:
            client.cancel(list(under_way))


def make(task: Task, settings: dict[str, object], series: tuple[str, ...] = ()) -> Done:
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
                result = dress(_warm(), target, _style(task.style, series, chosen), chosen)
            made = write(task, result, target)
    except Exception as error:
        return Done(time.perf_counter() - start, made_of, problem=as_ours(error), remarks=tuple(remarks))
    return Done(time.perf_counter() - start, made_of, made, remarks=tuple(remarks))


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
