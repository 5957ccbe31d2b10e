"""Lines between two pictures and the mark that draws them by keys; without a display."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.settings import Settings, read_matches

if TYPE_CHECKING:
    from decoupled_style.ui.lines import Lines

pytestmark = pytest.mark.usefixtures("package")

shares = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)
spots = st.tuples(shares, shares)
pairs = st.lists(st.tuples(spots, spots), max_size=5)


def drawn(given: list[Any]) -> Lines:
    """These lines, drawn one after the other."""
    from decoupled_style.ui.lines import Line, Lines

    lines = Lines()
    for target, style in given:
        lines.add(Line(target, style))
    return lines


@settings(deadline=None)
@given(pairs)
def test_text_is_the_setting_and_comes_back(given: list[Any]) -> None:
    lines = drawn(given)
    assert read_matches(lines.text) == Settings(match=given).match
    assert [(one.target, one.style) for one in type(lines)(lines.text)] == given


@settings(deadline=None)
@given(pairs, st.data())
def test_lines_are_drawn_moved_removed_and_taken(given: list[Any], data: st.DataObject) -> None:
    from decoupled_style.ui.lines import Line, Side

    lines = drawn([])
    for target, style in given:
        lines.add(Line(target, style))
        expected = list(lines)
        assert expected[-1] == Line(target, style)
        number = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["nothing", "remove", "move", "take"]))
        if change == "remove":
            lines.remove(number)
            del expected[number]
        elif change == "move":
            side = data.draw(st.sampled_from(Side))
            lines.move(number, side, style)
            assert lines[number].end(side) == style
            assert lines[number].end(side.other) == expected[number].end(side.other)
            expected[number] = lines[number]
        elif change == "take":
            assert not lines.take(lines.text), "it has them"
            assert lines.take("0.1,0.2=0.3,0.9") or lines.text == "0.1,0.2=0.3,0.9"
            expected = [Line((0.1, 0.2), (0.3, 0.9))]
        assert list(lines) == expected


@settings(deadline=None)
@given(pairs, spots, st.sampled_from([(0.05, 0.1), (0.2, 0.02)]))
def test_nearest_end_within_reach_is_hit(given: list[Any], spot: tuple[float, float], reach: Any) -> None:
    from decoupled_style.ui.lines import Side

    lines = drawn(given)
    for side in Side:
        apart = [
            abs(complex(*((a - b) / r for a, b, r in zip(one.end(side), spot, reach, strict=True)))) for one in lines
        ]
        hit = lines.at(side, spot, reach)
        if hit is None:
            assert min(apart, default=2) > 1 - 1e-9
        else:
            assert apart[hit] == pytest.approx(min(apart))
            assert apart[hit] <= 1 + 1e-9


def test_text_that_is_none_draws_nothing() -> None:
    from decoupled_style.ui.lines import Lines

    assert list(Lines("0.5,0.5")) == list(Lines("sky=sky")) == list(Lines(" ")) == []


def test_keys_draw_a_line_from_either_side() -> None:
    from decoupled_style.ui.lines import Line, Mark, Side

    mark = Mark()
    assert mark.side is Side.STYLE
    mark.move(0.2, -0.9)
    assert mark.take(to=(0.1, 0.25)) is None
    assert (mark.side, mark.spot) == (Side.TARGET, (0.1, 0.25))
    mark.move(0.1, 0)
    assert mark.take() == Line(target=(0.2, 0.25), style=(0.7, 0.0))
    mark.move(0.3, 0.25)
    assert mark.take() is None
    assert (mark.side, mark.spot) == (Side.STYLE, (0.7, 0.0)), "where it was there"
    assert mark.take() == Line(target=(0.5, 0.5), style=(0.7, 0.0))


def test_line_that_was_begun_is_given_up() -> None:
    from decoupled_style.ui.lines import Mark, Side

    mark = Mark()
    assert not mark.give_up()
    mark.move(0.25, 0)
    mark.take()
    assert mark.give_up()
    assert (mark.side, mark.spot, mark.begun) == (Side.STYLE, (0.75, 0.5), None)
    mark.take()
    mark.switch()
    assert (mark.side, mark.begun) == (Side.STYLE, None)


grids = st.lists(st.lists(st.floats(0, 1), min_size=3, max_size=3), min_size=1, max_size=4)


@settings(deadline=None)
@given(grids)
def test_what_takes_most_is_lit(grid: list[list[float]]) -> None:
    from decoupled_style.ui.places import alphas, brightest, concentration

    flat, [shade] = [share for row in grid for share in row], alphas([grid])
    beside_more = alphas([grid, [[1.0]]])
    assert beside_more[1] == [0]
    assert all(more >= alone for more, alone in zip(beside_more[0], shade, strict=True) if max(flat) > 0)
    assert len(shade) == len(flat)
    assert all(0 <= one < 255 for one in shade)
    assert shade[flat.index(max(flat))] == 0
    assert [shade[at] for at in sorted(range(len(flat)), key=flat.__getitem__)] == sorted(shade, reverse=True)
    x, y = brightest(grid)
    assert grid[int(y * len(grid))][int(x * 3)] == max(flat)
    assert 0.1 - 1e-9 <= concentration([grid]) <= 1 + 1e-9


def test_concentration_is_that_of_all_styles_together() -> None:
    from decoupled_style.ui.places import CLEAR, VAGUE, concentration

    even = [[1.0] * 10] * 10
    one = [[100.0] + [0.0] * 9] + [[0.0] * 10] * 9
    assert concentration([even, even]) == pytest.approx(0.1)
    assert concentration([one]) == 1
    assert concentration([one, even]) == pytest.approx((100 + 19) / 200)
    assert concentration([even]) < VAGUE < CLEAR < concentration([one])
