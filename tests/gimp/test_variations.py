"""Variations: which nine there are, without a display; and the window, from the first picture to the last click."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest
from hypothesis import given
from hypothesis import strategies as st
from test_dialog import open_picture
from window import Window

from decouple_contract.settings import Settings

if TYPE_CHECKING:
    from decoupled_style.ui.variants import Variant

SHARES = st.floats(0, 1)
KEPT = st.sampled_from([(False, False), (True, False), (False, True)])
SETTINGS = st.builds(
    lambda kept, **values: Settings(keep_colours=kept[0], keep_tones=kept[1], **values),
    kept=KEPT,
    mode=st.sampled_from(["auto", "photo", "painting"]),
    strength=SHARES,
    freedom=SHARES,
    structure=SHARES,
    keep_detail=SHARES,
    amounts=st.lists(st.floats(0, 1.5), max_size=4).map(tuple),
    strength_per_layer=st.lists(SHARES, max_size=6).map(tuple),
    correspondence=st.sampled_from(["auto", "off"]),
    match=st.sampled_from([(), (0.25, 0.5, 0.75, 0.5)]),
    size=st.sampled_from([0, 32, 512]),
)
ROUNDING = 0.011
"""Values are rounded to hundredths, for a dialog that shows whole per cents."""

LOOKS = st.tuples(SETTINGS, st.sampled_from(["photo", "painting"])).map(
    lambda look: (look[0], look[1] if look[0].mode == "auto" else look[0].mode)
)
"""Settings with the outcome that they lead to."""
NUMBERS = ("strength", "freedom", "structure", "keep_detail", "amounts", "strength_per_layer")


@pytest.fixture(scope="module", autouse=True)
def _package(package: None) -> None:
    """The plug-in's package, for what needs no GIMP."""


def spelt_out(settings: Settings) -> dict[str, Any]:
    """Its values, those of every layer and component with them."""
    strengths = dataclasses.replace(settings, strength=1.0).strengths
    return {**settings.as_dict(), "strength_per_layer": strengths, "amounts": settings.all_amounts}


def apart(one: Settings, other: Settings) -> float:
    """The farthest that any number of one is from that of the other."""
    here, there = spelt_out(one), spelt_out(other)
    return max(float(np.abs(np.subtract(here[name], there[name])).max()) for name in NUMBERS)


def names(variants: list[Variant]) -> set[str]:
    return {one.kind for one in variants}


@given(look=LOOKS, styles=st.integers(0, 4), rounds=st.integers(0, 4))
def test_nine_that_differ_in_one_thing_each(look: tuple[Settings, str], styles: int, rounds: int) -> None:
    from decoupled_style.ui import variants

    settings, outcome = look
    width = variants.WIDEST
    for _ in range(rounds):
        width = variants.narrower(width)
    nine = variants.around(settings, outcome, styles, width)
    assert len(nine) == len({(one.settings, one.style) for one in nine}) == variants.NINE
    assert nine[0] == variants.Variant("present", settings)
    if settings.strength < variants.LEAST_STRENGTH:
        settings = dataclasses.replace(settings, strength=1.0)  # of what nobody sees there is no variation
    assert len({(one.kind, one.style, one.value) for one in nine}) == variants.NINE, "each has a label of its own"
    for one in nine[1:]:
        assert one.style is None or one.style < styles
        before, after = spelt_out(settings), spelt_out(one.settings)
        changed = {name for name in before if before[name] != after[name]}
        assert one.style is not None or changed
        assert changed <= {"keep_colours", "keep_tones"} or one.style is not None or len(changed) == 1
        assert not one.settings.idle("size") or outcome != "painting" or one.kind == "photo"
        draft = variants.draft(one, settings, outcome)
        becomes = outcome if draft.mode == "auto" else draft.mode
        assert 0 < draft.size <= variants.LARGEST_PAINTED or becomes == variants.PHOTO
        other = one.style is not None or one.kind in (variants.PHOTO, variants.PAINTING)
        assert draft.layers == settings.layers or other or outcome == variants.PHOTO
        assert {**draft.as_dict(), "size": 0, "layers": 0} == {**one.settings.as_dict(), "size": 0, "layers": 0}
    assert variants.draft(nine[0], settings, "").layers == settings.layers, "nor before the outcome is known"
    turn = variants.in_turn(nine)
    assert sorted(turn) == list(range(variants.NINE))
    assert turn[0] == 0


@given(look=LOOKS)
def test_more_like_it_is_nearer(look: tuple[Settings, str]) -> None:
    """Nothing becomes another outcome or takes another style any more, and each number is nearer than before."""
    from decoupled_style.ui import variants

    settings, outcome = look
    narrow = variants.narrower(variants.WIDEST)
    for one in variants.around(settings, outcome, 2, narrow)[1:]:
        assert (one.settings.mode, one.style, one.settings.match) == (settings.mode, None, settings.match)
        assert one.value is not None
    for dial in variants.DIALS[outcome]:
        steps = [
            {one.kind: apart(settings, one.settings) for one in dial.variants(settings, width)}
            for width in (variants.WIDEST, narrow)
        ]
        for kind, step in steps[1].items():
            assert step <= steps[0].get(kind, 0) + ROUNDING


@given(styles=st.integers(2, 4))
def test_first_round(styles: int) -> None:
    """Photographs mostly, and few small paintings: one beside a photograph, three beside a painting."""
    from decoupled_style.ui.variants import around, draft

    photo, painting = (around(Settings(), outcome, styles) for outcome in ("photo", "painting"))
    assert {"present", "painting", "softer", "style", "keep-colours", "keep-tones"} <= names(photo)
    assert sum(one.settings.mode == "painting" for one in photo) == 1
    assert {"present", "photo", "lighter", "bolder", "style", "keep-colours"} <= names(painting)
    drafts = [(draft(one, Settings(), "painting").of_components(), one) for one in painting if one.kind != "photo"]
    solved = {(str(values), one.style) for values, one in drafts}
    assert len(solved) == 3


def test_styles_to_try() -> None:
    from decoupled_style.gallery.bundled import STYLES
    from decoupled_style.gallery.collection import Collection
    from decoupled_style.gallery.shelves import to_try

    first, last = STYLES[0].path.as_uri(), STYLES[-1].path.as_uri()
    assert to_try(Collection((), (), (last, "file:///nowhere.jpg")))[:2] == [last, first]
    assert len(to_try(Collection())) == len(STYLES)
    assert len({style.kind for style in STYLES if style.path.as_uri() in to_try(Collection())[:3]}) == 3


@pytest.fixture
def nine(window: Window, gimp: GimpUnderTest) -> Iterator[Window]:
    """The dialog for a cat in the style of a cup, and its variations."""
    for name in ("coffee", "cat"):
        open_picture(window, gimp, name)
    window.close_welcome()
    helpers = Path(__file__).with_name("inside_dialog.py").read_text()
    window.ask(f"exec({helpers!r}, globals())")
    window.ask(f'made = open_dialog("{gimp.plug_in}", cat_image, cat, mode="photo")')
    window.ask("made._vary.clicked(); settle(0.1); nine = made._variations")
    yield window
    window.ask("close_dialog(made); [display.delete() for display in (cat_display, coffee_display)]")


def complete(window: Window) -> bool:
    """Whether all nine have come."""
    return window.ask("settle(0.3) or len(nine._round.looks) == 9")


def test_window(nine: Window, gimp: GimpUnderTest) -> None:
    """From the first small result to a taken one, on to those like it, back, and out; by keyboard."""
    nine.shoot("30-variations-begin")
    nine.wait_until(lambda: complete(nine), PATIENCE, "nine small results")
    nine.shoot("31-variations")
    labels = nine.ask("[cell.get_accessible().get_name() for cell in nine._cells]")
    assert len(set(labels)) == 9
    assert labels[0] == "Current"
    assert "Painting" in labels
    pictures = nine.ask("[hash(bytes(nine._round.looks[n].after.get_pixels())) for n in range(9)]")
    assert len(set(pictures)) == 9, "each is seen to differ"
    before = nine.ask("made._config.get_property('strength')")
    title = "^Variations$"
    nine.wait_for(title)
    nine.ask("nine._cells[0].grab_focus()")
    softer = next(n for n, label in enumerate(labels) if label.startswith("Softer"))
    moves = {1: ("Up", "Left"), 2: ("Up",), 3: ("Up", "Right"), 4: ("Left",)}
    assert softer in moves
    for key in moves[softer]:
        nine.do("key", key)
        nine.ask("settle(0.3)")
    nine.do("key", "Return")
    nine.comes_to("settle(0.3) or [n for n in range(9) if nine._cells[n].get_active()]", [softer])
    assert nine.ask("made._config.get_property('strength')") < before
    nine.do("key", "Return")  # again, for more like it
    nine.wait_until(lambda: complete(nine), PATIENCE, "nine more like it")
    nine.shoot("32-variations-more")
    strengths = nine.ask("[one.settings.strength for one in nine._round.variants]")
    assert strengths[0] == nine.ask("made._config.get_property('strength')")
    assert max(abs(one - strengths[0]) for one in strengths) < before - strengths[0] + 0.01
    nine.ask("nine.response(2); settle(0.3)")  # Back
    assert nine.ask("[cell.get_accessible().get_name() for cell in nine._cells]") == labels
    assert len(nine.ask("list(nine._round.looks)")) == 9, "they were kept"
    style = labels.index(nine.ask("nine._others[0].name"))
    nine.ask(f"nine._cells[{style}].clicked(); settle(0.3)")
    assert nine.ask("made._chooser.style.name") == labels[style]
    nine.do("key", "Escape")
    nine.wait_until(lambda: nine.ask("settle(0.3)") or not nine.find(title), PATIENCE, "the window to close")
    nine.wait_until(
        lambda: nine.ask("settle(0.3) or not (made._preview.is_making or made._preview._schedule.stale)"),
        PATIENCE,
        "the preview to go on",
    )
    nine.shoot("33-variations-taken")
    assert "Traceback" not in nine.log()
