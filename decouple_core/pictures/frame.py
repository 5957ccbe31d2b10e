"""A picture's frame: bands of one colour along all four sides, such as a margin, a mount or a black border."""

from __future__ import annotations

import numpy as np

SIDE = 512
"""Longer side, in pixels, at which a frame is looked for, by leaving pixels out."""

EVEN = 0.03
"""Standard deviation of the values along a line of pixels up to which it is of one colour; paper and JPEG have .02."""

DEEPEST = 0.2
"""Share of a side up to which bands are a frame. What takes more is the ground that a drawing stands on."""

BANDS = 3
"""The most bands that lie in each other, such as a margin, a frame and a mount."""


def within_frame(pixels: np.ndarray) -> np.ndarray | None:
    """Where a picture (H, W, 3) is within its frame, (H, W), 1 or 0; None where it has none.

    Bands count only together, one on each side: a sky or a letterbox is no frame.
    """
    step = -(-max(pixels.shape[:2]) // SIDE)
    small = pixels[::step, ::step]
    height, width = small.shape[:2]
    top, bottom, left, right = 0, height, 0, width
    for _ in range(BANDS):
        window = small[top:bottom, left:right]
        rows, columns = _even(window, 1), _even(window, 0)
        depths = [_run(rows), _run(rows[::-1]), _run(columns), _run(columns[::-1])]
        if min(depths) == 0 or len(rows) in depths[:2] or len(columns) in depths[2:]:
            break
        top, bottom, left, right = top + depths[0], bottom - depths[1], left + depths[2], right - depths[3]
    depth = max(top / height, 1 - bottom / height, left / width, 1 - right / width)
    if not 0.0 < depth <= DEEPEST:
        return None
    inside = np.zeros(pixels.shape[:2], np.float32)
    # One step more on each side: the frame ends somewhere between two pixels that were looked at.
    inside[(top + 1) * step : (bottom - 1) * step, (left + 1) * step : (right - 1) * step] = 1.0
    return inside if inside.any() else None


def _even(window: np.ndarray, axis: int) -> np.ndarray:
    """Which lines of pixels along an axis are of one colour."""
    even: np.ndarray = window.std(axis).max(-1) < EVEN
    return even


def _run(even: np.ndarray) -> int:
    """How many are so from the first on."""
    return len(even) if even.all() else int(np.argmin(even))
