"""A transfer beside other load: its seconds alone, and beside as many busy processes as there are cores.

    python tests/benchmarks/load.py [--busy 2] [--repeats 3] [--set mode=painting]

Alone and beside load take turns in one process, whose threads are settled as those of the worker and the command line.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from decouple_core.model.threads import best_number, settle

settle(os.environ)  # before torch is loaded

from common import machine, parser, photographs, resized, settings_from, table, timed  # noqa: E402

from decouple_core.engine import Engine  # noqa: E402
from decouple_core.model.heap import keep_freed  # noqa: E402
from decouple_core.request import Input, Request  # noqa: E402


@contextlib.contextmanager
def busy(number: int) -> Iterator[None]:
    """As many processes that compute without a pause."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--busy",
        type=int,
        default=best_number() or os.cpu_count() or 1,
        help="processes beside it (default: %(default)s)",
    )
    options.add_argument("--repeats", type=int, default=3, help="transfers of each kind (default: %(default)s)")
    given = options.parse_args()
    settings = settings_from(given)
    keep_freed()
    photos, engine = photographs(), Engine()
    target, style, other = (resized(photos[name], 512) for name in ("coffee", "astronaut", "chelsea"))
    engine.transfer(Request(Input(other), Input(target), settings))
    seconds: dict[str, list[float]] = {"alone": [], "beside": []}
    for number in range(2 * given.repeats):
        target[0, 0] = style[0, 0] = number / (2 * given.repeats)  # a new picture to everything that is kept
        with busy(given.busy if number % 2 else 0):
            taken, _ = timed(lambda: engine.transfer(Request(Input(target), Input(style), settings)))
        seconds["beside" if number % 2 else "alone"].append(taken)
    alone, beside = (statistics.median(taken) for taken in seconds.values())
    print(
        f"{machine(settings)}; mode {settings.mode}, pictures of 512 px, median of {given.repeats}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    table(("alone, s", f"beside {given.busy} busy processes, s", "times as long"), [(alone, beside, beside / alone)])


if __name__ == "__main__":
    main()
