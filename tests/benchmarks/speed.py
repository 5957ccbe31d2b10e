"""Seconds, network evaluations and peak memory of whole transfers.

    python tests/benchmarks/speed.py [--sizes 128,256,512] [--document 1024] [--repeats 3]

Every size runs in a process of its own, so that its memory is its own.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from common import in_child, machine, numbers, parser, peak_memory, photographs, resized, settings_from, table, timed

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.model.heap import keep_freed
from decouple_core.request import Input, Request

T = TypeVar("T")

STEPS = ("prepare", "style", "normalise", "stylise", "finish", "render")


def measure(settings: Settings, document: int, repeats: int) -> dict[str, Any]:
    """Time transfers between photographs whose longer side is `document` pixels; medians after the first."""
    keep_freed()
    photos = photographs()
    idle = peak_memory()
    target, style, other = (
        resized(photos[name], max(document, settings.size)) for name in ("coffee", "astronaut", "chelsea")
    )
    result = np.empty_like(target)
    transfers = Engine()
    first, _ = timed(lambda: transfers.transfer(Request(Input(target), Input(style), settings), out=result))
    weaker = Settings.from_dict({**settings.as_dict(), "strength": 0.5})
    new, second, strength, reports, spent = [], [], [], [], Counter[str]()

    def measured(name: str, work: Callable[[], T]) -> tuple[float, T]:
        before = time.process_time()
        taken, result = timed(work)
        spent[name] += (time.process_time() - before) / repeats
        return taken, result

    for n in range(repeats):
        # One changed pixel is a new picture to everything that is kept, and the same work.
        target[0, 0] = style[0, 0] = other[0, 0] = n / repeats
        taken, transferred = measured(
            "new", lambda: transfers.transfer(Request(Input(target), Input(style), settings), out=result)
        )
        new.append(taken)
        reports.append(transferred.report.as_dict())
        second.append(
            measured("second", lambda: transfers.transfer(Request(Input(target), Input(other), settings), out=result))[
                0
            ]
        )
        strength.append(
            measured("strength", lambda: transfers.transfer(Request(Input(target), Input(style), weaker), out=result))[
                0
            ]
        )
    return {
        "first": first,
        **{
            name: statistics.median(times) for name, times in (("new", new), ("second", second), ("strength", strength))
        },
        "evaluations": reports[-1]["evaluations"],
        "idle": idle,
        "spent": spent,
        "steps": {step: statistics.median(told["seconds"].get(step, 0.0) for told in reports) for step in STEPS},
    }


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--sizes", type=numbers, default=[128, 256, 512], help="in pixels (default: 128,256,512)")
    options.add_argument(
        "--document",
        type=int,
        default=1024,
        help="longer side of the pictures at full size; 6000 makes 24 megapixels (default: %(default)s)",
    )
    options.add_argument("--repeats", type=int, default=3, help="new pairs timed at each size (default: %(default)s)")
    given = options.parse_args()
    print(
        f"{machine(settings_from(given))}; mode {settings_from(given).mode}, pictures of {given.document} px, "
        f"median of {given.repeats}"
    )
    cases = [
        (size, *in_child(measure, settings_from(given, size=size), given.document, given.repeats))
        for size in given.sizes
    ]
    table(
        (
            "working size",
            "first ever, s",
            "new pair, s",
            "second style, s",
            "another strength, s",
            "network evaluations",
            "multiply-adds, 10⁹",
            "peak memory, MiB",
        ),
        [
            (
                size,
                case["first"],
                case["new"],
                case["second"],
                case["strength"],
                case["evaluations"]["total"],
                case["evaluations"]["multiply_adds"] / 1e9,
                peak,
            )
            for size, case, peak in cases
        ],
    )
    print("Seconds of all cores together, which other load changes little, means:")
    table(
        ("working size", "new pair", "second style", "another strength"),
        [(size, *(case["spent"][name] for name in ("new", "second", "strength"))) for size, case, _ in cases],
    )
    print(f"The process with torch alone takes {cases[0][1]['idle']:.0f} MiB. Seconds of a new pair by step:")
    table(("working size", *STEPS), [(size, *case["steps"].values()) for size, case, _ in cases])


if __name__ == "__main__":
    main()
