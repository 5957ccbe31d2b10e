"""A batch on this machine: one picture is solved at a time, others are read and written beside it.

A solve takes all the processor's cores, or the accelerator; decoding and encoding take one core and leave the rest
idle. So targets are read ahead and results written behind by threads (decoders and encoders let others run meanwhile),
and nothing but the solves follows one another.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context

import numpy as np

from decouple_contract.failures import told
from decouple_contract.progress import Progress
from decouple_contract.settings import Settings
from decouple_core.batch.work import (
    Loaded,
    LoadedStyle,
    Part,
    Task,
    TaskResult,
    ends_all,
    read,
    read_style,
    stylise,
    with_one_look,
    write,
)
from decouple_core.engine import Engine

Finished = Callable[[Task, TaskResult], None]
"""Told, by the thread that started the batch, what has become of each task."""


def run_here(
    tasks: Sequence[Task],
    settings: Settings,
    jobs: int,
    finished: Finished,
    progress: Progress,
    engine: Engine | None = None,
    series: Sequence[str] = (),
) -> None:
    """Make these pictures; one that fails is told as such, and the others go on.

    Parameters
    ----------
    tasks : sequence of Task
        Those of one style together: it is read once for all of them.
    settings : Settings
    jobs : int
        Pictures that are read ahead, and written behind, at most; 0 does one thing after another.
    finished : callable
    progress : callable
        Of the picture that is being solved.
    engine : Engine, optional
        One that is warm already.
    series : sequence of str
        Pictures that one look for all is fitted on; with none each has its own.

    Raises
    ------
    DecoupleError
        For what would fail every picture: weights, a full disk, a style that cannot be used.
    """
    with ThreadPoolExecutor(max(1, jobs)) as reading, ThreadPoolExecutor(max(1, jobs)) as writing:
        behind = _Behind(jobs, finished)
        ahead = _Ahead(tasks, reading)
        try:
            _solve_all(ahead, behind, writing, settings, jobs, progress, series, engine or Engine())
        finally:  # stopped, too: what was solved is written
            ahead.cancel()
            behind.settle(0)


def _solve_all(
    ahead: _Ahead,
    behind: _Behind,
    writing: ThreadPoolExecutor,
    settings: Settings,
    jobs: int,
    progress: Progress,
    series: Sequence[str],
    engine: Engine,
) -> None:
    style_path, style = "", None
    while ahead.fill(max(1, jobs)):
        task, future = ahead.next()
        if task.style != style_path or style is None:
            style = _style(task.style, engine, series, settings, progress)
            style_path = task.style
        try:
            target = future.result()
            ahead.fill(jobs)
            start = time.perf_counter()
            result = stylise(engine, target, style, settings, progress)
        except Exception as error:
            behind.told(task, TaskResult(0.0, problem=told(error)))
            continue
        seconds = target.seconds + time.perf_counter() - start
        behind.add(task, target, seconds, writing.submit(_timed_write, task, result, target))
        del result, target, future  # before the next one is made


def _style(path: str, engine: Engine, series: Sequence[str], settings: Settings, progress: Progress) -> LoadedStyle:
    try:
        style = read_style(path)
        return with_one_look(engine, style, series, settings, progress) if series else style
    except Exception as error:
        raise told(error) from error


def _timed_write(task: Task, result: np.ndarray, target: Loaded) -> tuple[float, Part]:
    start = time.perf_counter()
    part = write(task, result, target)
    return time.perf_counter() - start, part


class _Ahead:
    """Targets on their way in, in order."""

    def __init__(self, tasks: Sequence[Task], reading: ThreadPoolExecutor) -> None:
        self._tasks = iter(tasks)
        self._reading = reading
        self._under_way: deque[tuple[Task, Future[Loaded]]] = deque()

    def fill(self, most: int) -> bool:
        """Start reading until so many are under way or read; whether any is."""
        while len(self._under_way) < most and (task := next(self._tasks, None)) is not None:
            self._under_way.append((task, self._reading.submit(copy_context().run, read, task)))  # with who listens
        return bool(self._under_way)

    def next(self) -> tuple[Task, Future[Loaded]]:
        return self._under_way.popleft()

    def cancel(self) -> None:
        """Begin no more."""
        for _, future in self._under_way:
            future.cancel()


class _Behind:
    """Results on their way out, in order."""

    def __init__(self, most: int, finished: Finished) -> None:
        self._most = most
        self._finished = finished
        self._under_way: deque[tuple[Task, Loaded, float, Future[tuple[float, Part]]]] = deque()

    def add(self, task: Task, target: Loaded, seconds: float, future: Future[tuple[float, Part]]) -> None:
        self._under_way.append((task, target, seconds, future))
        self.settle(self._most)

    def settle(self, most: int) -> None:
        """Tell of what is written, and wait until no more than `most` are not."""
        while self._under_way and (len(self._under_way) > most or self._under_way[0][3].done()):
            task, target, seconds, future = self._under_way.popleft()
            try:
                more, part = future.result()
                done = TaskResult(seconds + more, target.stamp, part)
            except Exception as error:
                done = TaskResult(seconds, problem=told(error))
            self.told(task, done)

    def told(self, task: Task, done: TaskResult) -> None:
        self._finished(task, done)
        if done.problem is not None and ends_all(done.problem):
            raise done.problem
