"""``python -m decouple_core batch STYLE TARGET… -o FOLDER``: many pictures in one or several styles."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_core.batch.plan import entries_of, renamed, styles_of, targets_of
from decouple_core.batch.summary import Entry, Summary, digest_of
from decouple_core.contract.errors import DecoupleError, InputError
from decouple_core.contract.files import check_folder, reason
from decouple_core.contract.messages import Message
from decouple_core.contract.settings import Settings
from decouple_core.pictures.series import FITTED, spread

if TYPE_CHECKING:
    from decouple_core.batch.work import Done, Task

JOBS = 1
"""On a processor more gain nothing: a solve takes longer than reading and writing (docs/performance.md). Each takes the
memory of another picture."""

MOST_JOBS = 64

LOCK = ".summary.lock"
"""In the folder of results: two batches at once would give one name twice."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes beside the settings."""
    parser.add_argument("style", metavar="STYLE",
                        help="picture, .style file, or folder of them, to take the style from")
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="pictures to change, or folders of them")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True,
                        help="where the results go, with summary.json; made if it is not there")
    parser.add_argument("--style", metavar="STYLE", action="append", default=[], dest="more_styles",
                        help="another style; every target is dressed in each, and names hold the style's. May be given "
                             "several times")
    parser.add_argument("--format", metavar="ENDING", help="of the results, such as png (default: each target's own)")
    parser.add_argument("--same-look", action="store_true",
                        help=f"one look for the series: one colour part for all targets, fitted on at most {FITTED} of "
                             "them, so that frames do not flicker")
    parser.add_argument("--jobs", type=int, default=JOBS, metavar=f"0..{MOST_JOBS}",
                        help="pictures that are read ahead, and written behind, while one is solved; 0 does one thing "
                             "after another (default: %(default)s)")
    parser.add_argument("--cluster", metavar="ADDRESS",
                        help="give the pictures to the workers of the Dask scheduler at this address, such as "
                             "tcp://host:8786; its processes unpickle what they send each other, so it has to be "
                             "your own")


def run(options: argparse.Namespace, settings: Settings) -> str:
    """Make what is not made yet, and say how it went.

    Raises
    ------
    DecoupleError
        When some pictures failed; the others are made all the same.
    """
    from decouple_core.pictures.writing import ENDINGS, check_ending

    ending = "." + options.format.lower().lstrip(".") if options.format else None
    if ending:
        check_ending(ending, options.format)
    if not 0 <= options.jobs <= MOST_JOBS:
        raise InputError("setting-range", setting="jobs", value=str(options.jobs), low="0", high=str(MOST_JOBS))
    styles = styles_of([options.style, *options.more_styles])
    targets = targets_of(options.targets, styles)
    series = [str(targets[number]) for number in spread(len(targets))] if options.same_look else []
    recipes = _recipes(styles, settings, series)
    folder = _made(Path(options.output).absolute())
    start = time.perf_counter()
    with _alone(folder):
        summary = Summary.read(folder)
        entries = entries_of(targets, styles, summary, ending, ENDINGS)
        summary.facts = {"settings": settings.as_dict(), "same_look": options.same_look}
        todo = _todo(entries, recipes, summary, several=len(styles) > 1)
        summary.write()
        failed = _make(todo, recipes, settings, options, summary, series)
    seconds = time.perf_counter() - start
    if failed:
        raise DecoupleError("batch-failed", failed=failed, count=len(entries), summary=str(summary.path))
    return (f"{folder}: {len(todo)} made, {len(entries) - len(todo)} there already, {seconds:.1f} s"
            + (f", {seconds / len(todo):.2f} s each" if todo else ""))


def _recipes(styles: list[Path], settings: Settings, series: list[str]) -> dict[str, str]:
    """For each style, a digest of its content, of the settings, and of the pictures that one look is fitted on.

    The device is none of what a result is made of.
    """
    from decouple_core.features.identity import identity_of

    chosen = {name: value for name, value in settings.as_dict().items() if name != "device"}
    if series:
        chosen["series"] = [_digest_if_there(path) for path in series]
    recipes = {}
    for style in styles:
        try:
            recipes[str(style)] = identity_of(digest_of(style), chosen)
        except FileNotFoundError:
            raise InputError("file-missing", path=str(style)) from None
        except OSError as error:
            raise InputError("file-unreadable", path=str(style), reason=reason(error)) from error
    return recipes


def _digest_if_there(path: str) -> str:
    """The digest of a picture of the series; nothing of one that cannot be read, which is left out of the fit."""
    try:
        return digest_of(Path(path))
    except OSError:
        return ""


def _made(folder: Path) -> Path:
    """The folder, made if it is not there."""
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError("folder-unwritable", path=str(folder), reason=reason(error)) from error
    return folder


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """While no other batch writes there."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InputError("batch-busy", path=str(folder)) from None
    except OSError as error:
        raise InputError("folder-unwritable", path=str(folder), reason=reason(error)) from error
    try:
        yield
    finally:
        lock.release()
        with contextlib.suppress(OSError):
            (folder / LOCK).unlink(missing_ok=True)


def _todo(entries: list[Entry], recipes: dict[str, str], summary: Summary, *, several: bool) -> dict[Task, Entry]:
    """What is not made, or not of these settings, style and target; noted as waiting.

    A result that somebody has changed since is theirs: the new one gets another name. Names that an earlier run gave
    are its own, so that a picture which it wrote and did not live to note is replaced.
    """
    from decouple_core.batch.work import Task

    todo = {}
    for entry in entries:
        there = (summary.folder / entry.output).exists()
        if there and entry.recipe == recipes[entry.style] and entry.made_of and entry.made_of.fits(Path(entry.target)):
            continue
        if there and entry.made and not entry.made.fits(summary.folder / entry.output):
            entry = renamed(summary.entries.pop(entry.output), summary, several)
        path = str(summary.folder / entry.output)
        task = Task(entry.target, entry.style, path, replaces=entry.output in summary.entries)
        todo[task] = replace(entry, outcome="waiting", seconds=0.0, problem="", recipe="", made_of=None)
        summary.entries[entry.output] = todo[task]
    return todo


def _make(todo: dict[Task, Entry], recipes: dict[str, str], settings: Settings, options: argparse.Namespace,
          summary: Summary, series: list[str]) -> int:
    """Make these pictures, noting each as it is finished; how many failed."""
    tasks = list(todo)
    failures: list[tuple[str, Message]] = []
    with _Bar(len(tasks)) as bar:

        def finished(task: Task, done: Done) -> None:
            entry = replace(todo[task], seconds=round(done.seconds, 3))
            if done.problem is None:
                entry = replace(entry, outcome="done", recipe=recipes[entry.style], made_of=done.made_of,
                                made=done.made)
            else:
                failures.append((task.target, done.problem.message))
                entry = replace(entry, outcome="failed", problem=str(done.problem))
            summary.entries[entry.output] = entry
            summary.write()
            bar.finished(entry.output, done)

        try:
            if options.cluster and tasks:
                from decouple_core.batch.cluster import run_on_cluster

                run_on_cluster(options.cluster, tasks, settings, finished, series)
            elif tasks:
                from decouple_core.batch.here import run_here

                run_here(tasks, settings, options.jobs, finished, bar.solving, series=series)
        finally:
            bar.close()
            for target, message in failures:
                _say(f"decouple: {target}: {message}")
    return len(failures)


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # nobody may be reading
        print(line.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode(sys.stderr.encoding or "utf-8"),
              file=sys.stderr, flush=True)


class _Bar:
    """Pictures done and the time left, on standard error: a bar on a terminal, a line for each picture elsewhere."""

    def __init__(self, count: int) -> None:
        from tqdm import tqdm

        self._count, self._done = count, 0
        self._start = time.monotonic()
        self._bar = tqdm(total=count, file=sys.stderr, disable=not sys.stderr.isatty(), smoothing=0,
                         bar_format="{desc} {n:.1f} of {total}|{bar}| {elapsed}, {remaining} left")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._bar.close()

    def solving(self, share: float, message: Message) -> None:
        """Progress of the picture that is being solved."""
        if not self._bar.disable:
            self._bar.set_description_str(str(message), refresh=False)
            self._bar.update(max(0.0, min(self._count, self._done + share) - self._bar.n))

    def finished(self, name: str, done: Done) -> None:
        """One more is written, or has failed."""
        self._done += 1
        if not self._bar.disable:
            self._bar.update(self._done - self._bar.n)
            return
        left = (time.monotonic() - self._start) / self._done * (self._count - self._done)
        how = f"{done.seconds:.1f} s" if done.problem is None else "failed"
        _say(f"{self._done} of {self._count}: {name}, {how}, {_clock(left)} left")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
