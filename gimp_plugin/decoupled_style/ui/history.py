"""What the choices of a dialog were: steps back and forth, and two settings to compare, each with steps of its own.

It knows nothing of GIMP, of widgets or of a display: it is told what the choices are after each change, and says what
they are to be. A state is anything that tells one set of choices from another by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

State = Mapping[str, Any]

PAUSE_SECONDS = 0.7
"""Changes of the same choices one after the other, none later than this after the last, are one step: keys that are
held down, a double click."""

MOST = 200
"""Steps kept."""


class History:
    """Steps of one set of choices.

    Parameters
    ----------
    state
        What the choices are at first.
    """

    def __init__(self, state: State) -> None:
        self._states, self._at = [dict(state)], 0
        self._last: tuple[frozenset[str], float] | None = None  # what changed in the step that may go on, and when
        self._held = False

    @property
    def now(self) -> State:
        """What the choices are."""
        return self._states[self._at]

    @property
    def can_undo(self) -> bool:
        """Whether there is a step back."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Whether a step back can be taken forth again."""
        return self._at + 1 < len(self._states)

    def note(self, state: State, now: float, *, held: bool = False) -> None:
        """The choices are these now.

        Parameters
        ----------
        state
        now
            Seconds, by any clock.
        held
            Whether a button of the mouse is down: until `release`, changes of the same choices are one step.
        """
        changed = frozenset(name for name in {*state, *self.now} if state.get(name) != self.now.get(name))
        if not changed:
            return
        if self._goes_on(changed, now):
            self._states[self._at] = dict(state)
            if self._at and self._states[self._at] == self._states[self._at - 1]:  # back where the step began
                del self._states[self._at :]
                self._at, changed = self._at - 1, frozenset()
        else:
            self._states[self._at + 1 :] = [dict(state)]
            del self._states[: max(0, len(self._states) - MOST)]
            self._at = len(self._states) - 1
        self._last, self._held = (changed, now), held

    def amend(self, state: State) -> None:
        """The choices are these now, and that is no step of its own."""
        self._states[self._at] = dict(state)

    def release(self, now: float) -> None:
        """The button of the mouse is up again."""
        if self._held and self._last is not None:
            self._last = (self._last[0], now)
        self._held = False

    def undo(self) -> State | None:
        """One step back; what the choices are to be, or None where there is no such step."""
        return self._go(-1) if self.can_undo else None

    def redo(self) -> State | None:
        """One step forth, as `undo`."""
        return self._go(1) if self.can_redo else None

    def _goes_on(self, changed: frozenset[str], now: float) -> bool:
        """Whether a change belongs to the last step."""
        if self._last is None or self.can_redo:
            return False
        before, when = self._last
        return changed <= before and (self._held or now - when <= PAUSE_SECONDS)

    def _go(self, steps: int) -> State:
        self._at += steps
        self._last, self._held = None, False
        return self.now


class Comparison:
    """Two settings, A and B, of which one is the dialog's: the other waits as it was left.

    Attributes
    ----------
    which : int
        0 for A, 1 for B.
    """

    def __init__(self, state: State) -> None:
        self.which = 0
        self._both: list[History | None] = [History(state), None]

    @property
    def here(self) -> History:
        """The steps of the one that is the dialog's."""
        here = self._both[self.which]
        assert here is not None, "it has been turned to"
        return here

    def turn(self, which: int) -> State:
        """Turn to A or B; what the choices are to be. B begins as a copy of A."""
        there = self._both[which] or History(self.here.now)
        self.which, self._both[which] = which, there
        return there.now
