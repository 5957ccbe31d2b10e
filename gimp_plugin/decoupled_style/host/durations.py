"""How long this machine takes, learnt from what it did; GIMP keeps it between sessions."""

from __future__ import annotations

from decouple_contract.settings import Settings
from decoupled_style.host.kept import keep, kept

LEARNT = "decoupled-style-seconds"
"""Name of the parasite on GIMP itself."""

NEW_SHARE = 0.5
"""How much the latest time counts beside those before."""


class Durations:
    """Seconds by what was asked for."""

    def __init__(self) -> None:
        self._seconds = {name: float(value) for name, value in kept(LEARNT).items() if isinstance(value, (int, float))}

    def expected(self, settings: Settings, longest: int) -> float | None:
        """How long a transfer with these settings takes on a layer with this longer side; None while nobody knows."""
        return self._seconds.get(_kind(settings, longest))

    def add(self, settings: Settings, longest: int, seconds: float) -> None:
        """Learn how long one took."""
        kind = _kind(settings, longest)
        before = self._seconds.get(kind, seconds)
        self._seconds[kind] = round(before + NEW_SHARE * (seconds - before), 2)
        keep(LEARNT, self._seconds)


def _kind(settings: Settings, longest: int) -> str:
    """What takes equally long."""
    size = "" if settings.idle("size") else str(min(settings.size, longest))
    return f"{settings.mode} {size} {settings.layers} {settings.network} {settings.device}"
