"""What the preview asks of the worker, and when; without a display, and with a maker that notes what it is asked."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from decouple_contract.errors import Cancelled
from decouple_contract.jobs import View
from decouple_contract.settings import Settings

if TYPE_CHECKING:
    from decoupled_style.ui.schedule import Ask, Schedule, Wish

pytestmark = pytest.mark.usefixtures("package")

WHOLE, PART, DETAIL = View(100, 0, 0, 100, 50), View(200, 50, 0, 100, 50), View(400, 0, 0, 20, 20)


@dataclass(frozen=True)
class Named:
    """A style that is told from others by its name."""

    name: str

    def where(self) -> dict[str, Any]:
        return {"name": self.name}


class Maker:
    """Answers with what it was asked, after some steps."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.cancelled = False
        self.failing: Exception | None = None

    def look(self, ask: Ask) -> Generator[tuple[float, str] | None, None, Ask]:
        self.asked.append(ask)
        self.cancelled = False
        yield 0.5, "half"
        yield from (None, None)
        if self.cancelled:
            raise Cancelled
        if self.failing is not None:
            raise self.failing
        return ask

    def cancel(self) -> None:
        self.cancelled = True


class Viewer:
    """Notes what it is shown."""

    def __init__(self) -> None:
        self.shown: list[tuple[int, Ask, bool]] = []
        self.failures: list[Exception] = []
        self.resting = True

    def show_look(self, number: int, look: Ask, is_draft: bool) -> None:
        assert is_draft == look.is_draft
        self.shown.append((number, look, is_draft))

    def show_progress(self, share: float, text: str) -> None:
        self.resting = False

    def show_failure(self, error: Exception) -> None:
        self.failures.append(error)

    def rest(self) -> None:
        self.resting = True


class Desk:
    """A schedule with both."""

    def __init__(self) -> None:
        from decoupled_style.ui.schedule import Schedule

        self.maker, self.viewer = Maker(), Viewer()
        self.schedule: Schedule[Ask] = Schedule(self.maker, self.viewer)
        self.schedule.look_at(WHOLE)

    def work(self) -> list[Ask]:
        """Do what there is to do; returns what was asked for meanwhile."""
        before = len(self.maker.asked)
        self.schedule.begin()
        while self.schedule.step(1):
            pass
        assert self.viewer.resting
        assert not self.schedule.is_making
        return self.maker.asked[before:]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def wish(name: str = "cup", **settings: Any) -> Wish:
    from decoupled_style.ui.schedule import Wish

    return Wish(Named(name), None, Settings(**settings))


def test_drafts_come_first_and_once(desk: Desk) -> None:
    """The colours alone of a style that is new, then a small painting, then what was asked for."""
    desk.schedule.want(wish(mode="painting", size=512))
    assert desk.schedule.stale
    asked = desk.work()
    assert [(a.settings.mode, a.settings.layers, a.settings.size, a.is_draft) for a in asked] == [
        ("photo", 1, 512, True),
        ("painting", 5, 128, True),
        ("painting", 5, 512, False),
    ]
    assert [draft for _number, _look, draft in desk.viewer.shown] == [True, True, False]
    assert not desk.schedule.stale
    assert desk.work() == []
    desk.schedule.want(wish(mode="painting", size=512, freedom=0.9))
    assert [a.is_draft for a in desk.work()] == [True, False], "the colours were seen"
    desk.schedule.want(wish(mode="photo"))
    assert [a.is_draft for a in desk.work()] == [False]


def test_amounts_need_no_solve_and_no_draft(desk: Desk) -> None:
    desk.schedule.want(wish(mode="painting"))
    desk.work()
    slow = desk.schedule.pause_ms
    desk.schedule.want(wish(mode="painting", amounts=(1, 0.5)))
    assert desk.schedule.pause_ms == slow, "what is solved was known by then"
    [asked] = desk.work()
    assert asked.solved
    desk.schedule.want(wish(mode="painting", freedom=0.1))
    assert desk.schedule.pause_ms > slow


def test_looks_are_kept(desk: Desk) -> None:
    first, second = wish(strength=1), wish(strength=0.5)
    for one in (first, second):
        desk.schedule.want(one)
        desk.work()
    desk.schedule.want(first)
    assert desk.viewer.shown[-1][1].wish == first
    assert not desk.schedule.stale
    assert desk.work() == []
    desk.schedule.pixels_changed()
    assert desk.schedule.stale
    assert {(asked.version, asked.solved) for asked in desk.work()} == {(1, False)}


def test_a_pinned_look_is_kept(desk: Desk) -> None:
    """However many come after it, as while B is tried beside A."""
    first = wish(mode="photo")
    desk.schedule.want(first)
    desk.work()
    desk.schedule.pin()
    for hundredths in range(40):
        desk.schedule.want(wish(mode="photo", strength=hundredths / 100))
        desk.work()
    desk.schedule.want(first)
    assert not desk.schedule.stale
    assert desk.work() == []
    desk.schedule.want(wish(mode="photo", strength=0.01))
    assert desk.work(), "the others are forgotten"


def test_another_view_of_the_same_is_not_stale(desk: Desk) -> None:
    desk.schedule.want(wish())
    desk.work()
    desk.schedule.look_at(PART)
    assert not desk.schedule.stale
    assert [(a.view, a.solved) for a in desk.work()] == [(PART, True)]


def test_detail_comes_after_the_whole(desk: Desk) -> None:
    desk.schedule.look_at(WHOLE, DETAIL)
    desk.schedule.want(wish(mode="photo"))
    desk.schedule.begin()
    while not desk.schedule.shows(0):
        assert not desk.schedule.shows(1)
        assert desk.schedule.step(1)
    assert not desk.schedule.stale, "what is seen of the whole is right while the detail is to come"
    desk.work()
    assert desk.schedule.shows(1)
    asked = desk.maker.asked
    assert [a.view for a in asked if not a.is_draft] == [WHOLE, DETAIL]
    assert [number for number, look, _draft in desk.viewer.shown if look.view == DETAIL] == [1]
    desk.schedule.look_at(WHOLE)
    assert desk.work() == []


@pytest.mark.parametrize(
    ("other", "stops"),
    [({"amounts": (1.0, 0.2)}, False), ({"freedom": 0.9}, True)],
    ids=["amounts need what is being solved", "another solve"],
)
def test_what_helps_no_more_is_stopped(desk: Desk, other: dict[str, Any], stops: bool) -> None:
    desk.schedule.want(wish(mode="painting"))
    desk.schedule.begin()
    desk.schedule.step(1)
    desk.schedule.want(wish(mode="painting", **other))
    assert not desk.schedule.begin(), "one after the other"
    assert desk.maker.cancelled == stops
    while desk.schedule.step(1):
        pass
    _number, last, is_draft = desk.viewer.shown[-1]
    assert last.wish == wish(mode="painting", **other)
    assert not is_draft
    assert not desk.schedule.stale


def test_a_failure_is_told_once(desk: Desk) -> None:
    desk.maker.failing = OSError("no")
    desk.schedule.want(wish(mode="photo"))
    desk.work()
    assert len(desk.viewer.failures) == 1
    assert desk.work() == []
    assert desk.schedule.stale, "what is seen is still not what is wanted"
    desk.maker.failing = None
    desk.schedule.pixels_changed()
    desk.work()
    assert len(desk.viewer.failures) == 1
    assert not desk.schedule.stale


def test_pause_stops_and_goes_on(desk: Desk) -> None:
    desk.schedule.want(wish())
    desk.schedule.begin()
    desk.schedule.step(1)
    desk.schedule.pause(True)
    assert desk.maker.cancelled
    assert [a.is_draft for a in desk.work()] == []
    assert desk.schedule.stale
    desk.schedule.want(wish(freedom=0.1))
    desk.schedule.look_at(PART, DETAIL)
    assert desk.work() == [], "whatever changes"
    desk.schedule.pause(False)
    desk.work()
    assert not desk.schedule.stale


@pytest.mark.parametrize("needed", [True, False])
def test_settle_waits_for_what_the_run_needs(desk: Desk, needed: bool) -> None:
    desk.schedule.want(wish(mode="photo"))
    desk.work()
    desk.schedule.want(wish(mode="photo", freedom=0.9))
    desk.schedule.begin()
    desk.schedule.step(1)
    if not needed:
        desk.schedule.want(None)
    news: list[object] = []
    desk.schedule.settle(news.append)
    assert desk.maker.cancelled != needed
    assert not desk.schedule.is_making
    if needed:
        assert not desk.schedule.stale


def test_a_run_that_is_stopped_leaves_a_preview_to_be_made(desk: Desk) -> None:
    def stop(_news: object) -> None:
        raise Cancelled

    desk.schedule.want(wish(mode="photo"))
    desk.work()
    desk.schedule.want(wish(mode="photo", freedom=0.9))
    desk.schedule.begin()
    desk.schedule.step(1)
    with pytest.raises(Cancelled):
        desk.schedule.settle(stop)
    assert desk.schedule.stale
    assert desk.work() == [], "a run may be under way"
    desk.schedule.resume()
    desk.work()
    assert not desk.schedule.stale
