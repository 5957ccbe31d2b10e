"""How near lookup tables come to photographs, by their number of nodes.

    python tests/benchmarks/lookup_tables.py [--size 256] [--nodes 17,33,65] [--pairs coffee:rocket,…]

For each pair of scikit-image's photographs, TARGET:STYLE: how far the look moves the target (ΔE₀₀), how far the table
stays from the photograph, how far one that was fitted to the left half of the target stays from the right half, which
is to tell of other pictures, by how much the luma falls at most from one node to the next along the grey diagonal, and
the seconds of all processors that the fit took.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from common import machine, parser, photographs, resized, settings_from, table

from decouple_core.engine import Engine
from decouple_core.features.colour import LUMA
from decouple_core.outcomes.lookup_table import looked_up
from decouple_core.outcomes.table_fit import fit, nearness
from decouple_core.request import Input, Request

PAIRS = "coffee:rocket,rocket:coffee,chelsea:coffee,astronaut:rocket"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--size", type=int, default=256, help="longer side of the photographs, in pixels")
    options.add_argument("--nodes", default="17,33,65", help="of the tables, with commas between")
    options.add_argument("--pairs", default=PAIRS, help="TARGET:STYLE, with commas between")
    args = options.parse_args()
    given, settings, engine, rows = photographs(), settings_from(args), Engine(), []
    for pair in args.pairs.split(","):
        target, style = (resized(given[name], args.size) for name in pair.split(":"))
        result = engine.transfer(Request(Input(target), Input(style), settings)).image
        half = target.shape[1] // 2
        look = nearness(*(each.reshape(-1, 3) for each in (target, result)), np.ones(target.size // 3))
        for nodes in map(int, args.nodes.split(",")):
            start = time.process_time()
            whole = fit(target, result, None, nodes, "", lambda share: None)
            seconds = time.process_time() - start
            left = fit(target[:, :half], result[:, :half], None, nodes, "", lambda share: None)
            right = nearness(
                *(each.reshape(-1, 3) for each in (looked_up(left.colours, target[:, half:]), result[:, half:])),
                np.ones(target[:, half:].size // 3),
            )
            luma = whole.colours @ np.array(LUMA)
            falls = max(0.0, -(luma[1:, 1:, 1:] - luma[:-1, :-1, :-1]).min())
            assert whole.nearness is not None  # it was fitted
            rows.append(
                [
                    pair,
                    nodes,
                    f"{look.mean:.1f}",
                    f"{whole.nearness.mean:.1f}",
                    f"{whole.nearness.p95:.1f}",
                    f"{right.mean:.1f}",
                    f"{right.p95:.1f}",
                    f"{falls:.3f}",
                    f"{seconds:.1f}",
                ]
            )
            print(*rows[-1], file=sys.stderr, flush=True)
    print(machine(settings))
    table(["pair", "nodes", "look", "mean", "p95", "other half, mean", "p95", "falls", "seconds"], rows)


if __name__ == "__main__":
    main()
