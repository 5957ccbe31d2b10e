"""Undo, redo and two settings to compare; without a display."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.usefixtures("package")

states = st.fixed_dictionaries({"colour": st.integers(0, 3), "grain": st.integers(0, 3)})


def test_a_drag_is_one_step() -> None:
    from decoupled_style.ui.history import History

    steps = History({"colour": 1.0, "grain": 1.0})
    for number in range(20):
        steps.note({"colour": number / 20, "grain": 1.0}, 3.0 * number, held=True)
    steps.release(60.0)
    steps.note({"colour": 0.95, "grain": 0.5}, 60.1)
    assert steps.undo() == {"colour": 0.95, "grain": 1.0}
    assert steps.undo() == {"colour": 1.0, "grain": 1.0}
    assert steps.undo() is None
    assert steps.redo() == {"colour": 0.95, "grain": 1.0}
    steps.note({"colour": 0.0, "grain": 1.0}, 70.0, held=True)
    assert not steps.can_redo
    steps.release(70.5)
    steps.note({"colour": 0.5, "grain": 1.0}, 80.0, held=True)
    assert steps.undo() == {"colour": 0.0, "grain": 1.0}, "another drag is another step"


def test_held_keys_and_double_clicks_are_one_step() -> None:
    from decoupled_style.ui.history import PAUSE_SECONDS, History

    steps = History({"colour": 0, "grain": 0})
    for number in range(1, 10):
        steps.note({"colour": number, "grain": 0}, number * 0.9 * PAUSE_SECONDS)
    steps.note({"colour": 3, "grain": 0}, 11 * PAUSE_SECONDS)
    assert [steps.undo(), steps.undo(), steps.undo()] == [{"colour": 9, "grain": 0}, {"colour": 0, "grain": 0}, None]


def test_there_and_back_in_one_gesture_is_no_step() -> None:
    from decoupled_style.ui.history import History

    steps = History({"colour": 0})
    for value in (1, 2, 0):
        steps.note({"colour": value}, 0.0, held=True)
    assert not steps.can_undo
    steps.note({"colour": 2}, 0.1, held=True)
    assert steps.undo() == {"colour": 0}


@settings(deadline=None)
@given(st.lists(st.one_of(states, st.sampled_from(["undo", "redo"])), max_size=30))
def test_steps_lead_back_and_forth(acts: list[Any]) -> None:
    """As with two stacks, every change a gesture of its own."""
    from decoupled_style.ui.history import History

    start = {"colour": 0, "grain": 0}
    steps, now = History(start), start
    before, after = list[dict[str, int]](), list[dict[str, int]]()
    for number, act in enumerate(acts):
        if act == "undo":
            expected = before.pop() if before else None
            assert steps.undo() == expected
            if expected is not None:
                after.append(now)
                now = expected
        elif act == "redo":
            expected = after.pop() if after else None
            assert steps.redo() == expected
            if expected is not None:
                before.append(now)
                now = expected
        else:
            steps.note(act, 10.0 * number)
            if act != now:
                before.append(now)
                after.clear()
                now = act
        assert steps.now == now
        assert (steps.can_undo, steps.can_redo) == (bool(before), bool(after))


def test_no_more_is_kept_than_is_useful() -> None:
    from decoupled_style.ui.history import MOST, History

    steps = History({"colour": 0})
    for number in range(1, MOST + 50):
        steps.note({"colour": number}, 10.0 * number)
    back = 0
    while steps.undo() is not None:
        back += 1
    assert back == MOST - 1
    assert steps.now == {"colour": 50}


def test_what_comes_with_a_style_is_no_step() -> None:
    from decoupled_style.ui.history import History

    steps = History({"style": "cup", "match": "a", "colour": 0})
    steps.note({"style": "cup", "match": "a", "colour": 1}, 0.0)
    steps.amend({"style": "wave", "match": "", "colour": 1})
    assert steps.undo() == {"style": "cup", "match": "a", "colour": 0}
    assert steps.redo() == {"style": "wave", "match": "", "colour": 1}


def test_two_settings_have_steps_of_their_own() -> None:
    from decoupled_style.ui.history import Comparison

    both = Comparison({"colour": 0})
    both.here.note({"colour": 1}, 0.0)
    assert both.turn(1) == {"colour": 1}, "B begins as a copy"
    assert not both.here.can_undo
    both.here.note({"colour": 5}, 10.0)
    assert both.turn(0) == {"colour": 1}
    assert both.here.undo() == {"colour": 0}
    assert both.turn(1) == {"colour": 5}
    assert both.here.undo() == {"colour": 1}
    assert both.turn(0) == {"colour": 0}
