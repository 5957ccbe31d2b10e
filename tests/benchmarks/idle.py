"""What the worker holds while it waits for its next job: by what it has done so far.

    python tests/benchmarks/idle.py [--document 6000] [--size 512]

A worker of its own is asked as a client asks it, and looked at when it has been at rest for long enough to give free
memory back. *Own* memory is what goes when the worker ends; *mapped* are files, such as torch's libraries, which
programs share and the system may drop. A row holds what the rows above it do, too.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from common import machine, parser, photographs, resized, settings_from, stained_tissue, table
from worker import Guest, served

from decouple_core.service.computer import RESTING_SECONDS


def memory(pids: list[int]) -> tuple[float, float]:
    """Own and mapped memory of some processes, in MiB."""
    own = mapped = 0.0
    for pid in pids:
        for line in (Path("/proc") / str(pid) / "status").read_text().splitlines():
            name, _, value = line.partition(":")
            own += int(value.split()[0]) / 1024 if name in ("RssAnon", "VmSwap") else 0.0
            mapped += int(value.split()[0]) / 1024 if name in ("RssFile", "RssShmem") else 0.0
    return own, mapped


def processes(worker: int) -> list[int]:
    """A worker's process and those that it has started."""
    children = [
        int(pid)
        for task in (Path("/proc") / str(worker) / "task").iterdir()
        for pid in (task / "children").read_text().split()
    ]
    return [worker, *children]


def of_import(module: str) -> tuple[float, float]:
    """The memory of a Python that has imported a module."""
    with subprocess.Popen(
        [sys.executable, "-c", f"import {module}; print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        found = memory([process.pid])
        process.communicate(b"\n")
    return found


def rested(guest: Guest) -> tuple[float, float]:
    """The memory of a worker that has been at rest."""
    time.sleep(RESTING_SECONDS + 3)
    return memory(processes(guest.worker))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--document", type=int, default=6000, help="of the photograph, longer side in pixels")
    options.add_argument("--size", type=int, default=512, help="of the painting")
    given = options.parse_args()
    photo = settings_from(given, mode="photo")
    painting = settings_from(given, mode="painting", size=given.size)
    pictures = photographs()
    rows = [("a Python that has imported torch", *of_import("torch"))]
    with served() as guest:
        rows.append(("the worker with its network", *rested(guest)))
        guest.pictures(*(resized(pictures[name], given.document) for name in ("coffee", "astronaut")))
        guest.job(photo)
        rows.append((f"after a photograph of {given.document} px", *rested(guest)))
        guest.pictures(pictures["coffee"], stained_tissue())
        guest.job(painting)
        rows.append((f"after a painting of {given.size} px", *rested(guest)))
    print(machine(photo))
    table(("at rest", "own, MiB", "mapped, MiB"), rows)


if __name__ == "__main__":
    main()
