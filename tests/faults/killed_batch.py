"""A batch that is killed in every state that its folder goes through, and what the next run makes of it.

    python tests/faults/killed_batch.py FOLDER WORD…

The folder holds what is there before; the words are those of the command line, within it. A first run is watched: after
every line of the code that writes, it is looked whether anything in the folder is another than before. Then one run is
killed at each of these lines, in a copy of the folder, and another one goes on there. Printed, as JSON, are what the
folder is after an undisturbed run, and what it is after each of these, by the line.

The processes are forked from one that has the network in memory; a run of three small pictures takes .2 s.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import torch

import decouple_contract.files
import decouple_core
from decouple_core.batch import here
from decouple_core.command.main import main
from decouple_core.engine import Engine

PACKAGE = Path(decouple_core.__file__).parent
WRITERS = {
    decouple_contract.files.__file__,
    *(
        str(PACKAGE / name)
        for name in (
            "batch/results.py",
            "batch/journal.py",
            "batch/summary.py",
            "batch/work.py",
            "batch/entries.py",
            "command/batch.py",
            "pictures/writing.py",
        )
    ),
}
"""All that alters a folder of results."""

Point = tuple[str, int, int]
"""A file, a line, and how often it has been reached."""


def watched(folder: Path, words: list[str]) -> list[Point]:
    """The points after which something in the folder is another than before; the batch runs to its end."""
    points: list[Point] = []
    last = [look(folder)]

    def reached(point: Point) -> None:
        now = look(folder)
        if now != last[0]:
            last[0] = now
            points.append(point)

    at_each_line(reached)
    assert main(words) in (0, 1)
    at_each_line(None)
    return points


def at_each_line(tell: Callable[[Point], None] | None) -> None:
    """Have a function called before each line of the code that writes, in all threads that begin from now on."""
    counts: Counter[tuple[str, int]] = Counter()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename not in WRITERS:
            return None
        if event == "line":
            where = frame.f_code.co_filename, frame.f_lineno
            counts[where] += 1
            assert tell is not None
            tell((*where, counts[where]))
        return trace

    threading.settrace(trace if tell else None)  # type: ignore[arg-type]
    sys.settrace(trace if tell else None)


def look(folder: Path) -> list[tuple[str, int, int, int]]:
    """What tells whether anything has changed."""
    found = []
    for path in sorted(folder.rglob("*")):
        try:
            status = path.lstat()
        except FileNotFoundError:  # another thread
            continue
        found.append((str(path), status.st_ino, status.st_size, status.st_mtime_ns))
    return found


def content(folder: Path) -> dict[str, str]:
    """What a folder of results is: the bytes of each file, and the summary without times."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path.relative_to(folder))] = (
                told(path) if path.name == "summary.json" else hashlib.sha256(path.read_bytes()).hexdigest()
            )
    return found


def told(path: Path) -> str:
    """A summary without what differs from run to run, and from copy to copy."""
    summary = json.loads(path.read_text())
    for entry in summary["pictures"]:
        del entry["seconds"]
        for stamp in filter(None, (entry["made"], entry["made_of"])):
            del stamp["modified"], stamp["changed"]
    return json.dumps(summary)


def forked(work: Callable[[], None]) -> int:
    """The exit status of a process of its own that does this."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(77)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def killed(words: list[str], point: Point) -> None:
    """Run until there, and no further."""

    def reached(now: Point) -> None:
        if now == point:
            os.kill(os.getpid(), signal.SIGKILL)

    at_each_line(reached)
    main(words)


def run(words: list[str]) -> None:
    assert main(words) in (0, 1)


def all_of_it(original: Path, words: list[str]) -> dict[str, Any]:
    os.chdir(original.parent)
    folder = Path("out").absolute()

    def afresh() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(original, folder)

    def note_points() -> None:
        Path("points.json").write_text(json.dumps(watched(folder, words)))

    afresh()
    assert forked(lambda: run(words)) == 0
    undisturbed = content(folder)
    afresh()
    assert forked(note_points) == 0
    points = [(file, line, count) for file, line, count in json.loads(Path("points.json").read_text())]
    after = {}
    for point in points:
        afresh()
        if forked(lambda point=point: killed(words, point)) != -signal.SIGKILL:  # type: ignore[misc]
            continue  # threads took turns in another way
        assert forked(lambda: run(words)) == 0
        after["{}:{} ({})".format(*point)] = content(folder)
    return {"undisturbed": undisturbed, "after": after}


if __name__ == "__main__":
    torch.set_num_threads(1)
    engine = Engine()
    here.Engine = lambda: engine  # type: ignore[assignment, misc]
    before, arguments = Path(sys.argv[1]), sys.argv[2:]
    standard_output = os.dup(1)
    os.dup2(2, 1)
    run([*arguments, "-o", str(before.parent / "warm")])
    result = all_of_it(before, arguments)
    with os.fdopen(standard_output, "w") as out:
        json.dump(result, out)
