"""``python -m decouple_core batch STYLE TARGET… -o FOLDER``: many pictures in one or several styles."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_contract.errors import DecoupleError, InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import check_folder
from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_core.batch.entries import Entry, digest_of
from decouple_core.batch.plan import Names, check_apart, entries_of, styles_of, targets_of, to_make
from decouple_core.batch.results import Results, held
from decouple_core.command.bar import BatchBar, say
from decouple_core.command.parser import add_settings, settings_of
from decouple_core.pictures.series import FITTED, spread

if TYPE_CHECKING:
    from decouple_core.batch.work import Task, TaskResult

JOBS = 1
"""On a processor more gain nothing: a solve takes longer than reading and writing (docs/records.md). Each takes the
memory of another picture."""

MOST_JOBS = 64

CLUSTER_WAIT = 300
"""Seconds; schedulers that start workers when there is work take minutes."""

MOST_WAIT = 7 * 24 * 3600


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "style", metavar="STYLE", help="picture, .style file, or folder of these, to take the style from"
    )
    parser.add_argument("targets", metavar="TARGET", nargs="+", help="pictures, or folders of pictures, to change")
    parser.add_argument(
        "-o",
        "--output",
        metavar="FOLDER",
        required=True,
        help="folder for the results and summary.json; created if it is missing",
    )
    parser.add_argument(
        "--style",
        metavar="STYLE",
        action="append",
        default=[],
        dest="more_styles",
        help="another style: every target gets each style, and the results' names include it; may be repeated",
    )
    parser.add_argument(
        "--format", metavar="ENDING", help="file format of the results, such as png (default: as each target)"
    )
    parser.add_argument(
        "--same-look",
        action="store_true",
        help=f"one look for the series: one colour part for all targets, fitted on at most {FITTED} of "
        "them, so that frames do not flicker",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=JOBS,
        metavar=f"0..{MOST_JOBS}",
        help="how many pictures to read and write in the background while one is computed; 0: none "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="hand the pictures to the workers of the Dask scheduler at this address, such as "
        "tcp://host:8786; the cluster must be your own, because its processes run whatever they "
        "send each other",
    )
    parser.add_argument(
        "--cluster-wait",
        type=float,
        default=CLUSTER_WAIT,
        metavar=f"0..{MOST_WAIT} s",
        help="how long to wait for workers while the scheduler has none (default: %(default)s)",
    )
    add_settings(parser)


def run(options: argparse.Namespace) -> str:
    """Apply STYLE to many pictures; a run that was stopped continues where it left off."""
    from decouple_core.pictures.writing import ENDINGS, check_ending

    settings = settings_of(options)
    ending = "." + options.format.lower().lstrip(".") if options.format else None
    if ending:
        check_ending(ending, options.format)
    _check_range("jobs", options.jobs, MOST_JOBS)
    _check_range("cluster-wait", options.cluster_wait, MOST_WAIT)
    styles = styles_of([options.style, *options.more_styles])
    targets = targets_of(options.targets, styles)
    together = options.same_look and len(targets) > 1
    series = [str(targets[number]) for number in spread(len(targets))] if together else []
    recipes = _recipes(styles, settings, series)
    folder = _made(Path(options.output).absolute())
    check_apart(targets, folder)
    start = time.perf_counter()
    with _stoppable(), held(folder) as results:
        names = Names(folder, results.entries)
        entries = entries_of(targets, styles, results.entries, names, ending, ENDINGS)
        todo = to_make(entries, recipes, results, names, several=len(styles) > 1)
        results.begin({"settings": settings.as_dict(), "same_look": options.same_look})
        failed = _make(todo, recipes, settings, options, results, series)
    seconds = time.perf_counter() - start
    if failed:  # the others are made all the same
        raise DecoupleError("batch-failed", failed=failed, count=len(entries), summary=str(results.summary))
    return f"{folder}: {len(todo)} made, {len(entries) - len(todo)} there already, {seconds:.1f} s" + (
        f", {seconds / len(todo):.2f} s each" if todo else ""
    )


def _check_range(name: str, value: float, high: int) -> None:
    if not 0 <= value <= high:
        raise InputError("setting-range", setting=name, value=f"{value:g}", low="0", high=str(high))


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
            raise as_failure(error, InputError("file-unreadable", path=str(style), reason=reason(error))) from error
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
        raise as_failure(error, InputError("folder-unwritable", path=str(folder), reason=reason(error))) from error
    return folder


def _make(
    todo: dict[Task, Entry],
    recipes: dict[str, str],
    settings: Settings,
    options: argparse.Namespace,
    results: Results,
    series: list[str],
) -> int:
    """Make these pictures and give each its place as it is finished; how many failed."""
    tasks = list(todo)
    failures: list[tuple[str, Message]] = []
    with BatchBar(len(tasks)) as bar:

        def finished(task: Task, done: TaskResult) -> None:
            entry, problem = todo[task], done.problem
            if problem is None:
                try:
                    results.place(entry, done, recipes[entry.style])
                except InputError as error:
                    problem = error
            if problem is not None:
                failures.append((task.target, problem.message))
                results.fail(entry, problem, done.seconds)
            bar.finished(entry.output, done.seconds, failed=problem is not None)

        try:
            if options.cluster and tasks:
                from decouple_core.batch.cluster import run_on_cluster

                run_on_cluster(
                    options.cluster,
                    tasks,
                    settings,
                    finished,
                    series,
                    wait=options.cluster_wait,
                    say=lambda message: say(str(message)),
                )
            elif tasks:
                from decouple_core.batch.here import run_here

                run_here(tasks, settings, options.jobs, finished, bar.solving, series=series)
        finally:
            bar.close()
            for target, message in failures:
                say(f"decouple: {target}: {message}")
    return len(failures)


@contextlib.contextmanager
def _stoppable() -> Iterator[None]:
    """While whatever ends the program ends it as Ctrl+C does: what was solved is written, and the summary."""
    if threading.current_thread() is not threading.main_thread():  # others get no signals
        yield
        return
    before = {
        number: signal.signal(number, signal.default_int_handler)
        for number in _endings()
        if signal.getsignal(number) is signal.SIG_DFL
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _endings() -> list[signal.Signals]:
    """Signals that are sent to end a program: by systems, terminals that are closed, and Windows."""
    return [getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]
