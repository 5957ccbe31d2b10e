"""What rendering stripes side by side saves on a processor.

    python tests/benchmarks/at_once.py [--document 6000] [--repeats 4]

In turns, in one process: as it is, and with the same stripes one after the other, each with all threads. The quickest
of each counts, because it takes free cores to gain anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from unittest.mock import patch

import numpy as np
from common import machine, parser, photographs, resized, settings_from, table, timed

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.model.at_once import at_once
from decouple_core.model.heap import keep_freed
from decouple_core.outcomes import components
from decouple_core.request import Input, Request


def in_turn(work: Sequence[Callable[[], object]], meanwhile: Callable[[int], None]) -> None:
    """`at_once`, one piece after the other."""
    for number, piece in enumerate(work, 1):
        piece()
        meanwhile(number)


def rendering(settings: Settings, document: int) -> Callable[[], float]:
    """A photograph's rendering, and its seconds."""
    target, style = (resized(photographs()[name], document) for name in ("coffee", "astronaut"))
    out = np.empty_like(target)
    made = Engine().transfer(Request(Input(target), Input(style), settings), render=False).components
    return lambda: timed(lambda: made.render(target, out, lambda done: None))[0]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--document", type=int, default=6000, help="longer side rendered (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=4, help="turns of each (default: %(default)s)")
    given = options.parse_args()
    keep_freed()
    print(f"{machine(settings_from(given))}; the quickest of {given.repeats}")
    run = rendering(settings_from(given), given.document)
    run()
    taken: dict[object, list[float]] = {in_turn: [], at_once: []}
    for _ in range(given.repeats):
        for how, times in taken.items():
            with patch.object(components, "at_once", how):
                times.append(run())
    apart, together = (min(times) for times in taken.values())
    table(("one after the other, s", "side by side, s", "times as fast"), [(apart, together, apart / together)])


if __name__ == "__main__":
    main()
