"""Transfers on processors with fewer instructions than this one: their seconds, and as multiples of this one's.

    python tests/benchmarks/processors.py [--modes photo,painting] [--sizes 512] [--repeats 1]

oneDNN and torch are told to leave newer instructions alone, each kind of processor in a process of its own, one after
the other in one run. Processor seconds are those of all cores together: other load on the machine changes them little.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

from common import machine, numbers, parser, photographs, resized, settings_from, table

from decouple_contract.progress import silent
from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.convolution import choices
from decouple_core.model.heap import keep_freed
from decouple_core.model.threads import settle
from decouple_core.request import Input, Request

PROCESSORS: dict[str, dict[str, str]] = {
    "as it is": {},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"},
    "SSE4.1": {"ONEDNN_MAX_CPU_ISA": "SSE41", "ATEN_CPU_CAPABILITY": "default"},
}


def measure(settings: Settings, repeats: int) -> dict[str, Any]:
    """Seconds of new pairs in this process, medians after one other pair."""
    keep_freed()
    photos = photographs()
    engine = Engine()
    target, style, other = (resized(photos[name], settings.size) for name in ("coffee", "astronaut", "chelsea"))
    engine.transfer(Request(Input(other), Input(target), settings), progress=silent)
    wall, processor = [], []
    for number in range(repeats):
        target[0, 0] = style[0, 0] = number / repeats  # a new picture to everything that is kept
        start, spent = time.perf_counter(), time.process_time()
        engine.transfer(Request(Input(target), Input(style), settings))
        wall.append(time.perf_counter() - start)
        processor.append(time.process_time() - spent)
    return {
        "wall": statistics.median(wall),
        "processor": statistics.median(processor),
        "convolutions": {str(dtype).removeprefix("torch."): asdict(choice) for dtype, choice in choices().items()},
    }


def on(processor: str, settings: Settings, repeats: int) -> dict[str, Any]:
    """The same in a process that sees such a processor."""
    environ = {**os.environ, **PROCESSORS[processor]}
    settle(environ)
    words = [sys.executable, __file__, "--measure", json.dumps(settings.as_dict()), "--repeats", str(repeats)]
    done = subprocess.run(words, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--modes", default="photo,painting", help="(default: %(default)s)")
    options.add_argument("--sizes", type=numbers, default=[512], help="longer sides in pixels (default: 512)")
    options.add_argument("--repeats", type=int, default=1, help="new pairs of each (default: %(default)s)")
    options.add_argument("--processors", default=",".join(PROCESSORS), help="(default: %(default)s)")
    options.add_argument("--measure", help="for the processes of its own")
    given = options.parse_args()
    if given.measure:
        print(json.dumps(measure(Settings.from_dict(json.loads(given.measure)), given.repeats)))
        return
    print(f"{machine(settings_from(given))}; median of {given.repeats}")
    rows, used = [], {}
    for mode in given.modes.split(","):
        for size in given.sizes:
            settings = settings_from(given, mode=mode, size=size)
            results = {name: on(name, settings, given.repeats) for name in given.processors.split(",")}
            first = next(iter(results.values()))["processor"]
            for name, result in results.items():
                used[name] = result["convolutions"]
                rows.append((mode, size, name, result["wall"], result["processor"], result["processor"] / first))
    table(("outcome", "size", "processor", "seconds", "processor seconds", "times the first"), rows)
    table(
        ("processor", "precision", "forward", "adjoint"),
        [
            (name, precision, choice["forward"], choice["adjoint"])
            for name, chosen in used.items()
            for precision, choice in chosen.items()
        ],
    )


if __name__ == "__main__":
    main()
