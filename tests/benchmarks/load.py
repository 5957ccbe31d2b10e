"""A transfer beside other load: its seconds alone, beside one busy process a core, and beside another transfer.

    python tests/benchmarks/load.py [--busy 2] [--repeats 3] [--set mode=painting]

All take turns in one process, whose threads are settled as those of the worker and the command line. The other transfer
is of the same kind, in a process of its own that does one after the other.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator

from decouple_core.model.threads import best_number, settle

settle(os.environ)  # before torch is loaded

from common import machine, parser, photographs, resized, settings_from, table, timed  # noqa: E402

from decouple_contract.settings import Settings  # noqa: E402
from decouple_core.engine import Engine  # noqa: E402
from decouple_core.model.heap import keep_freed  # noqa: E402
from decouple_core.request import Input, Request  # noqa: E402


@contextlib.contextmanager
def beside(processes: list[subprocess.Popen[str]]) -> Iterator[None]:
    """Other processes, which end afterwards."""
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def busy(number: int) -> list[subprocess.Popen[str]]:
    """As many processes that compute without a pause."""
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"], text=True) for _ in range(number)]


def another(settings: Settings) -> list[subprocess.Popen[str]]:
    """A process that transfers without a pause, once it is warm."""
    words = [sys.executable, __file__, "--inner", json.dumps(settings.as_dict())]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    return [process]


def transfers(settings: Settings) -> Iterator[float]:
    """The seconds of one new pair after the other."""
    keep_freed()
    photos, engine = photographs(), Engine()
    target, style, other = (resized(photos[name], 512) for name in ("coffee", "astronaut", "chelsea"))
    engine.transfer(Request(Input(other), Input(target), settings))
    while True:
        target[0, 0] = style[0, 0] = (target[0, 0] + 0.01) % 1.0  # a new picture to everything that is kept
        yield timed(lambda: engine.transfer(Request(Input(target), Input(style), settings)))[0]


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--busy",
        type=int,
        default=best_number() or os.cpu_count() or 1,
        help="processes beside it (default: %(default)s)",
    )
    options.add_argument("--repeats", type=int, default=3, help="transfers of each kind (default: %(default)s)")
    options.add_argument("--inner", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inner:
        for _ in transfers(Settings.from_dict(json.loads(given.inner))):
            print(flush=True)
        return
    settings = settings_from(given)
    one_after_the_other = transfers(settings)
    next(one_after_the_other)
    seconds: dict[str, list[float]] = {}
    for _ in range(given.repeats):
        for name, others in (
            ("alone", lambda: []),
            (f"beside {given.busy} busy processes", lambda: busy(given.busy)),
            ("beside another transfer", lambda: another(settings)),
        ):
            with beside(others()):
                seconds.setdefault(name, []).append(next(one_after_the_other))
    print(
        f"{machine(settings)}; mode {settings.mode}, pictures of 512 px, median of {given.repeats}; "
        f"load average {os.getloadavg()[0]:.1f}"
    )
    median = {name: statistics.median(taken) for name, taken in seconds.items()}
    table(("", "s", "times as long"), [(name, taken, taken / median["alone"]) for name, taken in median.items()])


if __name__ == "__main__":
    main()
