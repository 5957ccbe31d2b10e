"""What a preview asks of the worker, and when: drafts first, then what OK will make, and nothing twice.

It knows nothing of GIMP, of pixels or of a display: it is told what is wanted, says what is to be made, and keeps what
came of that.
"""

from __future__ import annotations

import dataclasses
import json
from collections import OrderedDict
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from decouple_contract.errors import Cancelled
from decouple_contract.jobs import View
from decouple_contract.settings import AUTOMATIC_SIZE, Settings
from decoupled_style.client.steps import finish, has_more

SOLVE_PAUSE_MS, LOOK_PAUSE_MS = 300, 20
"""A look is begun after this long without a change: one with a solve of its own later than one without."""

LOOKS, SOLVED = 24, 3
"""Looks kept here, and solves of which the worker still has the components, drafts left out."""

DRAFT_SIDE = 128
"""Longer side, in pixels, at which a draft is painted: 3.5 s where 512 px take 9."""

News = tuple[float, str]
"""How far something is, in [0, 1], and what it does."""

LookT = TypeVar("LookT")
Made_co = TypeVar("Made_co", covariant=True)
Shown_contra = TypeVar("Shown_contra", contravariant=True)
Answer = TypeVar("Answer")
Making = Generator[News | None, None, Answer]
"""Yields news, and None where there is none."""


class Located(Protocol):
    """What has an identity."""

    def where(self) -> dict[str, Any]:
        """What tells it from others."""


@dataclass(frozen=True)
class Wish:
    """What is to be shown."""

    style: Any  # a `Located` that the maker knows more of
    regions: Any
    settings: Settings

    @property
    def given(self) -> str:
        """The identity of style and regions."""
        parts: tuple[Located | None, ...] = (self.style, self.regions)
        return json.dumps([part and part.where() for part in parts], sort_keys=True)

    def solve(self) -> str:
        """The identity of what is solved for it."""
        return json.dumps([self.given, self.settings.of_components()])

    @property
    def identity(self) -> str:
        """Of all of it."""
        return json.dumps([self.given, self.settings.as_dict()])


@dataclass(frozen=True)
class Ask:
    """One look that is to be made.

    Attributes
    ----------
    wish : Wish
    settings : Settings
        Those of the wish, or of a draft of it.
    view : View
    version : int
        Of the pixels: another one than before means that they must be read again.
    solved : bool
        Whether the worker has all it takes, so that the time this takes tells nothing.
    """

    wish: Wish
    settings: Settings
    view: View
    version: int
    solved: bool = False

    @property
    def is_draft(self) -> bool:
        """Whether it is not yet what is wanted."""
        return self.settings != self.wish.settings


class Maker(Protocol[Made_co]):
    """Makes looks; what fails raises any exception, what was stopped `Cancelled`."""

    def look(self, ask: Ask) -> Making[Made_co]:
        """Make one."""

    def cancel(self) -> None:
        """Stop what is being made."""


class Viewer(Protocol[Shown_contra]):
    """Shows what was made."""

    def show_look(self, number: int, look: Shown_contra, is_draft: bool) -> None:
        """Show a look of view `number`."""

    def show_progress(self, share: float, text: str) -> None:
        """Something is being made."""

    def show_failure(self, error: Exception) -> None:
        """Nothing came of it."""

    def rest(self) -> None:
        """Nothing is being made any more."""


Key = tuple[str, int, View]
"""A wish, a version of the pixels and a view."""


class Schedule(Generic[LookT]):
    """Has made what is wanted, one after the other.

    After each call that changes what is wanted, `stale` and `pause_ms` are to be looked at, and `begin` is to be
    called after that pause; while `is_making`, `step` is to be called now and then.

    Parameters
    ----------
    maker, viewer
        Who makes looks, and who shows them.
    """

    def __init__(self, maker: Maker[LookT], viewer: Viewer[LookT]) -> None:
        self._maker, self._viewer = maker, viewer
        self._wish: Wish | None = None
        self._version = 0  # of the pixels
        self._views: tuple[View, ...] = ()
        self._shown: dict[int, Key] = {}  # last, by the number of the view; drafts left out
        self._failed: set[Key] = set()
        self._looks: OrderedDict[Key, LookT] = OrderedDict()
        self._solved: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._drafted: set[tuple[str, int]] = set()
        self._under_way: Ask | None = None
        self._steps: Making[None] | None = None
        self._pinned = ""  # the identity of a wish
        self._paused = self._held = False

    @property
    def wish(self) -> Wish | None:
        """What is wanted."""
        return self._wish

    @property
    def version(self) -> int:
        """Of the pixels."""
        return self._version

    @property
    def stale(self) -> bool:
        """Whether what is shown is not what is wanted."""
        wanted = self._wanted()
        return bool(wanted) and self._shown.get(0, ("", -1))[:2] != wanted[0][:2]

    def shows(self, number: int) -> bool:
        """Whether a view shows what is wanted of it."""
        return self._wanted()[number : number + 1] == [self._shown.get(number)]

    @property
    def pause_ms(self) -> int:
        """How long to wait for another change before `begin`."""
        return LOOK_PAUSE_MS if self._wish is not None and self._is_solved(self._wish) else SOLVE_PAUSE_MS

    @property
    def is_making(self) -> bool:
        """Whether something is being made."""
        return self._steps is not None

    @property
    def is_paused(self) -> bool:
        """Whether nothing is to be made for now."""
        return self._paused

    def want(self, wish: Wish | None) -> None:
        """Have this shown; nothing, with None."""
        self._wish = wish
        self._recall()

    def pin(self) -> None:
        """Keep the looks of what is wanted now, until this is called again: it will be wanted once more."""
        self._pinned = self._wish.identity if self._wish is not None else ""

    def look_at(self, *views: View) -> None:
        """Have these views shown, the most important first."""
        self._views = views
        self._recall()

    def pixels_changed(self) -> None:
        """The layer, the style, a selection or a mask is not what it was."""
        self._version += 1
        self._failed.clear()

    def pause(self, paused: bool) -> None:
        """Make nothing until it is wanted again; what is being made is stopped."""
        self._paused = paused
        if paused and self._steps is not None:
            self._maker.cancel()

    def begin(self) -> bool:
        """Begin what is wanted and not there; stop what is no longer wanted. Returns whether something has begun."""
        if self._steps is not None:  # its end begins the next
            ask = self._under_way
            if ask is not None and (self._wish is None or ask.wish.solve() != self._wish.solve()):
                self._maker.cancel()
            return False
        if not self._has_work():
            return False
        self._steps = self._make()
        return True

    def step(self, seconds: float) -> bool:
        """Look for news for so long at most; returns whether there may be more."""
        if self._steps is None:
            return False
        if has_more(self._steps, seconds, lambda news: self._viewer.show_progress(*news)):
            return True
        self._steps = None
        self._rest()
        return self.begin()

    def settle(self, notice: Callable[[News | None], None]) -> None:
        """Have the maker free until `resume`: what it makes now is waited for where it is wanted, else stopped.

        Raises
        ------
        Cancelled
            By `notice`.
        """
        self._held = True
        steps, self._steps = self._steps, None
        try:
            if steps is not None:
                ask = self._under_way
                if ask is None or ask.is_draft or self._wish is None or ask.wish.solve() != self._wish.solve():
                    self._maker.cancel()
                try:
                    finish(steps, notice)
                except Cancelled:
                    self._maker.cancel()
                    finish(steps, lambda _news: None)
                    raise
        finally:
            self._rest()

    def resume(self) -> None:
        """The maker is ours again."""
        self._held = False

    def _wanted(self) -> list[Key]:
        """The identity of what is to be seen now, view by view."""
        if self._wish is None:
            return []
        return [(self._wish.identity, self._version, view) for view in self._views]

    def _lacking(self) -> int | None:
        """The first view that does not show what is wanted, unless that has failed."""
        for number, key in enumerate(self._wanted()):
            if self._shown.get(number) != key and key not in self._failed:
                return number
        return None

    def _has_work(self) -> bool:
        return not (self._paused or self._held) and self._lacking() is not None

    def _is_solved(self, wish: Wish) -> bool:
        return (wish.solve(), self._version) in self._solved

    def _recall(self) -> None:
        """Show what was made before, where that is wanted now."""
        for number, key in enumerate(self._wanted()):
            if self._shown.get(number) != key and key in self._looks:
                self._looks.move_to_end(key)
                self._show(number, key, self._looks[key])

    def _rest(self) -> None:
        self._under_way = None
        self._viewer.rest()

    def _make(self) -> Making[None]:
        """Make looks until what is wanted is there, or there is a reason why not."""
        while self._has_work() and (wish := self._wish) is not None and (number := self._lacking()) is not None:
            wanted = self._wanted()
            try:
                yield from self._look(wish, number, wanted[number])
            except Cancelled:
                continue
            except Exception as error:  # whatever it is, it would come again with the same wish
                self._failed.update(wanted)
                self._under_way = None
                self._viewer.show_failure(error)

    def _look(self, wish: Wish, number: int, key: Key) -> Making[None]:
        _identity, version, view = key
        solve = (wish.solve(), version)
        if not self._is_solved(wish):
            for settings in self._drafts(wish, version):
                look = yield from self._made(Ask(wish, settings, view, version))
                if [one[:2] for one in self._wanted()[:1]] == [key[:2]]:
                    self._viewer.show_look(number, look, True)
        look = yield from self._made(Ask(wish, wish.settings, view, version, solve in self._solved))
        _keep(self._solved, solve, None, SOLVED)
        _keep(self._looks, key, look, LOOKS, lambda kept: kept[0] == self._pinned)
        if self._wanted()[number : number + 1] == [key]:
            self._show(number, key, look)

    def _made(self, ask: Ask) -> Making[LookT]:
        self._under_way = ask
        return (yield from self._maker.look(ask))

    def _show(self, number: int, key: Key, look: LookT) -> None:
        self._shown[number] = key
        self._viewer.show_look(number, look, False)

    def _drafts(self, wish: Wish, version: int) -> list[Settings]:
        """The settings of what is shown first, from the quickest."""
        settings, drafts = wish.settings, []
        if (wish.given, version) not in self._drafted:
            self._drafted.add((wish.given, version))
            drafts.append(dataclasses.replace(settings, mode="photo", layers=1))
        if not settings.idle("size") and (settings.size == AUTOMATIC_SIZE or settings.size > DRAFT_SIDE):
            drafts.append(dataclasses.replace(settings, size=DRAFT_SIDE))
        return drafts


Kept = TypeVar("Kept")
Name = TypeVar("Name")


def _keep(
    kept: OrderedDict[Name, Kept],
    name: Name,
    value: Kept,
    most: int,
    pinned: Callable[[Name], bool] = lambda _name: False,
) -> None:
    """Keep something, and forget the oldest that is not pinned where there is too much."""
    kept[name] = value
    while len(kept) > most and (oldest := next((one for one in kept if not pinned(one)), None)) is not None:
        del kept[oldest]
