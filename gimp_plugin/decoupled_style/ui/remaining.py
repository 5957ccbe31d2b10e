"""How many seconds something will still take."""

from __future__ import annotations

import time

from decoupled_style.messages import _

TRUSTED_SHARE, LEAST_SECONDS = 0.1, 1.5
"""From when on progress itself tells the pace, and what is not worth telling."""


class Remaining:
    """Adds to what is being done how long it will take; `begin` first, with what is known of earlier runs."""

    def __init__(self) -> None:
        self.begin(None)

    def begin(self, expected: float | None) -> None:
        """Something begins that will take about so many seconds, if that is known."""
        self._began, self._expected = time.monotonic(), expected

    def told(self, share: float, text: str) -> str:
        """The text with the seconds that are left."""
        seconds = self._left(share)
        if seconds is None or seconds < LEAST_SECONDS:
            return text
        return _("{text}, about {seconds} s left").format(text=text, seconds=round(seconds))

    def _left(self, share: float) -> float | None:
        so_far = time.monotonic() - self._began
        if share >= TRUSTED_SHARE and so_far > LEAST_SECONDS:
            by_pace = so_far * (1 - share) / share
            if self._expected is None:
                return by_pace
            return share * by_pace + (1 - share) * max(0.0, self._expected - so_far)
        return None if self._expected is None else self._expected - so_far
