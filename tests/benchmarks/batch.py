"""Seconds a picture of a batch, with so many pictures read ahead and written behind, with none, and in processes.

    python tests/benchmarks/batch.py [--count 12] [--document 4000] [--jobs 0,1,2] [--processes 2] [--format jpg]

The photographs are scikit-image's, mirrored on to the size and each a little different; every number of jobs makes all
of them, warm, in the same process. At the end they are shared out to so many processes, each with its share of the
threads and one job.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, numbers, parser, photographs, resized, settings_from, table, timed

from decouple_contract.progress import silent
from decouple_contract.settings import Settings
from decouple_core.batch.here import run_here
from decouple_core.batch.work import Task, TaskResult
from decouple_core.engine import Engine
from decouple_core.model.heap import keep_freed
from decouple_core.pictures.writing import write_image


def made(folder: Path, count: int, document: int, ending: str) -> list[Path]:
    """So many photographs of 4:3, all different."""
    photos, paths = list(photographs().values()), []
    for number in range(count):
        pixels = resized(photos[number % len(photos)], document)[: document * 3 // 4]
        pixels = np.pad(pixels, ((0, document * 3 // 4 - len(pixels)), (0, 0), (0, 0)), mode="symmetric")
        paths.append(folder / f"{number:02}.{ending}")
        write_image(paths[-1], np.roll(pixels, 37 * number, 1))
    return paths


def measure(targets: list[Path], style: Path, folder: Path, settings: Settings, jobs: int, engine: Engine) -> float:
    """Seconds a picture, and nothing failed."""
    folder.mkdir(exist_ok=True)
    tasks = [Task(str(path), str(style), str(folder / path.name), str(folder)) for path in targets]

    def finished(task: Task, done: TaskResult) -> None:
        if done.problem is not None:
            raise done.problem

    return timed(lambda: run_here(tasks, settings, jobs, finished, silent, engine))[0] / len(targets)


def in_processes(targets: list[Path], style: Path, folder: Path, settings: Settings, count: int) -> float:
    """Seconds a picture of so many processes, from when all of them are warm."""
    context = multiprocessing.get_context("spawn")
    ready, seconds = context.Barrier(count), context.Queue()
    threads = max(1, torch.get_num_threads() // count)
    shares = [
        context.Process(
            target=_share, args=(targets[first::count], style, folder / str(first), settings, threads, ready, seconds)
        )
        for first in range(count)
    ]
    for share in shares:
        share.start()
    slowest = max(seconds.get() for _ in shares)
    for share in shares:
        share.join()
    return slowest / len(targets)


def _share(
    targets: list[Path], style: Path, folder: Path, settings: Settings, threads: int, ready: Any, seconds: Any
) -> None:
    keep_freed()
    torch.set_num_threads(threads)
    folder.mkdir()
    engine = Engine()
    measure(targets[-1:], style, folder, settings, 0, engine)  # no longer kept when its turn comes
    ready.wait()
    seconds.put(measure(targets, style, folder, settings, 1, engine) * len(targets))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=12)
    options.add_argument("--document", type=int, default=4000, help="longer side in pixels; 4000 makes 12 megapixels")
    options.add_argument("--jobs", type=numbers, default=[0, 1, 2])
    options.add_argument("--processes", type=int, default=2)
    options.add_argument("--format", default="jpg", help="of the photographs and the results")
    given = options.parse_args()
    settings = settings_from(given)
    keep_freed()
    print(f"{machine(settings)}; mode {settings.mode}, {given.count} pictures of {given.document} px, {given.format}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        *targets, style = made(folder, given.count + 1, given.document, given.format)
        engine = Engine()
        measure(targets[:2], style, folder / "warm", settings, 0, engine)
        rows: list[tuple[str, float]] = []

        def note(name: str, seconds: float) -> None:
            rows.append((name, seconds))
            print(f"{name}: {seconds:.3g} s a picture", flush=True)

        for jobs in given.jobs:
            note(str(jobs), measure(targets, style, folder / "out", settings, jobs, engine))
        if given.processes:
            (folder / "apart").mkdir()
            note(
                f"1 in each of {given.processes} processes",
                in_processes(targets, style, folder / "apart", settings, given.processes),
            )
    table(
        ("jobs", "seconds a picture", f"of those with {given.jobs[0]}"),
        [(name, seconds, seconds / rows[0][1]) for name, seconds in rows],
    )


if __name__ == "__main__":
    main()
