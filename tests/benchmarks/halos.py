"""Halos: how far from a sharp boundary a photograph by place is another colour than in the middle of the area.

    python tests/benchmarks/halos.py [--side 3000]

The target has two grainy areas that meet in a straight line, at several differences in lightness; the style has two
areas of other colours. What the table tells is of the mean over rows, at 100 %: the distance in pixels beyond which all
three channels stay within `SEEN` of those far from the boundary, and how far they are off at some distances, in 8-bit
steps. The larger of the two sides counts.
"""

from __future__ import annotations

import numpy as np
from common import machine, parser, settings_from, table

from decouple_core.engine import Engine
from decouple_core.request import Input, Request

SEEN = 4.0
"""A difference that can be seen beside an even area, in 8-bit steps."""

DISTANCES = (3, 10, 30, 100)
"""In pixels."""

BELOW, ABOVE = (0.50, 0.36, 0.30), (0.30, 0.45, 0.36)
"""A brown and a green of nearly one luma, .386 and .411; the green is then made lighter."""

STEPS = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Added to all channels of the second area."""

STYLE = (0.30, 0.10, 0.10), (0.90, 0.50, 0.30)

GRAIN, BLOCK = 0.03, 4
"""Standard deviation and side in pixels of the areas' grain: areas without any have no detail to keep."""


def areas(left: tuple[float, ...], right: tuple[float, ...], side: int) -> np.ndarray:
    """Two grainy areas side by side, shape (2/3 side, side, 3)."""
    rows, columns = 2 * side // 3 // BLOCK, side // BLOCK
    picture = np.empty((rows, columns, 3), np.float32)
    picture[:, : columns // 2], picture[:, columns // 2 :] = left, right
    picture += np.random.default_rng(0).normal(0, GRAIN, (rows, columns, 1)).astype(np.float32)
    return np.ascontiguousarray(picture.clip(0, 1).repeat(BLOCK, 0).repeat(BLOCK, 1))


def off(result: np.ndarray) -> np.ndarray:
    """How far the mean over rows is from that of its area's middle, by distance from the boundary, in 8-bit steps."""
    profile = 255 * result.mean(0, dtype=np.float64)
    half = len(profile) // 2
    sides = profile[:half][::-1], profile[half:]
    middle = slice(half // 3, 2 * half // 3)
    return np.maximum(*(np.abs(one - one[middle].mean(0)).max(1)[: half // 3] for one in sides))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--side", type=int, default=3000)
    given = options.parse_args()
    settings, engine = settings_from(given, mode="photo"), Engine()
    style, rows = areas(*STYLE, given.side), []
    for step in STEPS:
        target = areas(BELOW, tuple(value + step for value in ABOVE), given.side)
        found = off(engine.transfer(Request(Input(target), Input(style), settings)).image)
        beyond = np.flatnonzero(found > SEEN)
        rows.append((step, int(beyond[-1]) + 1 if len(beyond) else 0, *(found[distance] for distance in DISTANCES)))
    print(f"{machine(settings)}; pictures of {given.side} px")
    table(("lightness added", "seen to, px", *(f"at {distance} px" for distance in DISTANCES)), rows)


if __name__ == "__main__":
    main()
