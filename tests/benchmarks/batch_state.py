"""What it costs a batch to know its folder: processor milliseconds an entry, by how many there are already.

    python tests/benchmarks/batch_state.py [--entries 1000,10000,50000]

Results of a few bytes are placed, all of one run, without the solves: each is noted, put in its place and noted again.
A second run then remembers and replaces all of them. The last column is what it would cost to write the whole summary
anew for one picture. Everything goes to the folder for temporary files, which TMPDIR names: on a disk, giving free the
blocks of each small file that is replaced may take longer than all the rest.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common import numbers, table

from decouple_contract.settings import Settings
from decouple_core.batch.entries import Entry, Stamp
from decouple_core.batch.plan import Names, entries_of, to_make
from decouple_core.batch.results import Results, held
from decouple_core.batch.summary import Summary, write_summary
from decouple_core.batch.work import Part, TaskResult

STEPS = ("known and planned", "summary begun", "placed and noted", "summary ended")


@contextmanager
def step(seconds: dict[str, float], name: str) -> Iterator[None]:
    start = time.process_time()
    yield
    seconds[name] = time.process_time() - start


def run(folder: Path, targets: list[Path], style: Path, recipe: str) -> dict[str, float]:
    """Processor seconds of each step of a batch that makes all of these."""
    seconds: dict[str, float] = {}
    start = time.process_time()
    with held(folder) as results:
        names = Names(folder, results.entries)
        entries = entries_of(targets, [style], results.entries, names, None, (".png",))
        todo = to_make(entries, {str(style): recipe}, results, names, several=False)
        seconds[STEPS[0]] = time.process_time() - start
        with step(seconds, STEPS[1]):
            results.begin({"settings": Settings().as_dict()})
        seconds[STEPS[2]] = sum(place(results, task.output, recipe, entry) for task, entry in todo.items())
        start = time.process_time()
    seconds[STEPS[3]] = time.process_time() - start
    return seconds


def place(results: Results, output: str, recipe: str, entry: Entry) -> float:
    """Processor seconds for placing a result; those for writing it are none of the state's."""
    part = results.workshop / "part.png"
    part.write_text(output + recipe)
    done = TaskResult(1.0, Stamp(1, 1, "0" * 64, 1), Part(str(part), Stamp.of(part, digest=True)))
    start = time.process_time()
    results.place(entry, done, recipe)
    return time.process_time() - start


def whole_summary(folder: Path) -> float:
    """Processor seconds for writing the summary of a folder."""
    with held(folder) as results:
        start = time.process_time()
        write_summary(folder, results.workshop, Summary(results.entries))
        return time.process_time() - start


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=numbers, default=[1000, 10_000, 50_000])
    rows: list[tuple[object, ...]] = []
    for many in options.parse_args().entries:
        with tempfile.TemporaryDirectory() as name:
            folder, style = Path(name) / "results of a batch", Path(name) / "style.png"
            folder.mkdir()
            targets = [Path(name) / "targets of a batch" / f"IMG_{number:06}.png" for number in range(many)]
            for run_name in ("first", "again"):
                seconds = run(folder, targets, style, run_name)
                each = [1000 * seconds[name] / many for name in STEPS]
                rows.append((many, run_name, *each, sum(each), 1000 * whole_summary(folder)))
    print("Processor milliseconds an entry")
    table(("entries", "run", *STEPS, "together", "the summary whole"), rows)


if __name__ == "__main__":
    main()
