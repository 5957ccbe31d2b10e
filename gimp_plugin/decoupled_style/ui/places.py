"""What the worker answers about places, as one sees it: bright where much is taken from, and how sure that is.

Numbers alone, which need no display. A grid holds the shares of a picture's places, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from decouple_contract.settings import Spot

Grid = Sequence[Sequence[float]]

BEST = 0.1
"""Of all places those that take most, by which one judges how sure the answer is."""

CLEAR, VAGUE = 0.45, 0.3
"""What these take of the whole: from the first on it is clear from where, below the second it is a guess. Of pictures
with much in common they take .5 to .8, with little .17 to .3; a tenth would be chance."""

DARKNESS = 0.8
"""Of what takes nothing: enough to see it beside what is lit, and to see what it is."""


def alphas(grids: Sequence[Grid]) -> list[list[int]]:
    """How opaque the shade over each place of each picture is, row by row, 0 to 255: what takes most has none."""
    flat = [list(chain.from_iterable(grid)) for grid in grids]
    most = max(map(max, flat))
    if most <= 0:
        return [[0] * len(shares) for shares in flat]
    return [[round(255 * DARKNESS * (1 - (share / most) ** 0.5)) for share in shares] for shares in flat]


def concentration(grids: Sequence[Grid]) -> float:
    """How much of the whole the `BEST` places hold, from that share to 1."""
    shares = sorted(chain.from_iterable(chain.from_iterable(grids)), reverse=True)
    whole = sum(shares)
    return sum(shares[: max(1, round(BEST * len(shares)))]) / whole if whole > 0 else BEST


def brightest(grid: Grid) -> Spot:
    """The middle of the place that takes most."""
    rows, columns = len(grid), len(grid[0])
    row, column = max(((y, x) for y in range(rows) for x in range(columns)), key=lambda at: grid[at[0]][at[1]])
    return (column + 0.5) / columns, (row + 0.5) / rows
