"""Seconds a picture of a batch, with so many pictures read ahead and written behind, and with none.

    python tests/benchmarks/batch.py [--count 12] [--document 4000] [--jobs 0,1,2,4] [--format jpg]

The photographs are scikit-image's, mirrored on to the size and each a little different; every number of jobs makes all
of them, warm, in the same process, and the first number once more at the end, to tell how steady the machine is.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

import numpy as np
from common import machine, numbers, parser, photographs, resized, settings_from, table, timed

from decouple_core.batch.here import run_here
from decouple_core.batch.work import Done, Task
from decouple_core.contract.progress import silent
from decouple_core.contract.settings import Settings
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


def measure(targets: list[Path], style: Path, folder: Path, settings: Settings, jobs: int) -> float:
    """Seconds a picture, and nothing failed."""
    folder.mkdir(exist_ok=True)
    tasks = [Task(str(path), str(style), str(folder / path.name), replaces=True) for path in targets]

    def finished(task: Task, done: Done) -> None:
        if done.problem is not None:
            raise done.problem

    return timed(lambda: run_here(tasks, settings, jobs, finished, silent))[0] / len(targets)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--count", type=int, default=12)
    options.add_argument("--document", type=int, default=4000, help="longer side in pixels; 4000 makes 12 megapixels")
    options.add_argument("--jobs", type=numbers, default=[0, 1, 2, 4])
    options.add_argument("--format", default="jpg", help="of the photographs and the results")
    given = options.parse_args()
    settings = settings_from(given)
    keep_freed()
    print(f"{machine(settings)}; mode {settings.mode}, {given.count} pictures of {given.document} px, {given.format}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        *targets, style = made(folder, given.count + 1, given.document, given.format)
        measure(targets[:2], style, folder / "warm", settings, 0)
        rows = [(jobs, measure(targets, style, folder / str(jobs), settings, jobs))
                for jobs in (*given.jobs, given.jobs[0])]
    without = statistics.mean(seconds for jobs, seconds in rows if jobs == given.jobs[0])
    table(("jobs", "seconds a picture", f"of those with {given.jobs[0]}"),
          [(jobs, seconds, seconds / without) for jobs, seconds in rows])


if __name__ == "__main__":
    main()
