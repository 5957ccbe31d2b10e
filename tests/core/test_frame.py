"""A style's frame is found, and left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import skimage.data
from hypothesis import given
from hypothesis import strategies as st

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.pictures.frame import within_frame
from tests.core.request_of_arrays import request

PICTURE = skimage.data.astronaut()[:300, :400].astype(np.float32) / 255
QUICK = Settings(size=64, layers=2, network="vgg16", device="cpu", mode="photo")


def framed(*depths: int, seed: int = 0) -> np.ndarray:
    """The picture in a frame of bands of so many pixels each, the inmost first, all a little grainy."""
    image, generator = PICTURE, np.random.default_rng(seed)
    for number, depth in enumerate(depths):
        image = np.pad(image, ((depth, depth), (depth, depth), (0, 0)), constant_values=(0.2, 0.95, 0.5)[number])
    return (image + generator.normal(0, 0.008, image.shape)).clip(0, 1).astype(np.float32)


@given(st.lists(st.integers(6, 24), min_size=1, max_size=3), st.integers(0, 99))
def test_bands_on_all_sides_are_a_frame(depths: list[int], seed: int) -> None:
    inside = within_frame(framed(*depths, seed=seed))
    assert inside is not None
    total = sum(depths)
    assert not inside[:total].any()
    assert not inside[:, :total].any()
    assert not inside[-total:].any()
    assert not inside[:, -total:].any()
    assert inside[total + 4 : -total - 4, total + 4 : -total - 4].all()


@pytest.mark.parametrize(
    "picture",
    [
        PICTURE,
        np.pad(PICTURE, ((40, 40), (0, 0), (0, 0))),  # a letterbox
        np.pad(PICTURE, ((30, 30), (30, 0), (0, 0))),
        np.pad(PICTURE[100:140, 150:200], ((100, 100), (100, 100), (0, 0)), constant_values=0.9),  # a mark on a page
        np.full((40, 60, 3), 0.5, np.float32),
        np.zeros((1, 1, 3), np.float32),
    ],
    ids=["picture", "letterbox", "three sides", "page", "one colour", "pixel"],
)
def test_other_pictures_have_none(picture: np.ndarray) -> None:
    assert within_frame(picture) is None


@pytest.mark.usefixtures("weights", "one_thread")
def test_a_style_in_a_frame_does_nearly_what_it_does_without() -> None:
    target = skimage.data.coffee()[::8, ::8].astype(np.float32) / 255
    engine, frame = Engine(), np.pad(PICTURE, ((30, 30), (30, 30), (0, 0)), constant_values=0.97)
    bare, within, kept = (
        engine.transfer(request(target, style, QUICK)).image
        for style in (PICTURE, frame, engine.read_style(request(target, frame, QUICK).style, QUICK))
    )
    assert np.abs(kept - within).mean() < 0.5 / 255
    nearly_all = np.ones(frame.shape[:2], np.float32)
    nearly_all[0, 0] = 0.0  # a mask of all says nothing
    masked = engine.transfer(request(target, frame, QUICK, style_seen=nearly_all)).image
    apart = np.abs(masked - bare).mean()  # a selection says what the style is
    assert apart > 4 / 255
    assert np.abs(within - bare).mean() < 0.5 * apart


@pytest.mark.usefixtures("weights", "one_thread")
@pytest.mark.parametrize("noise", [0.0, 0.5 / 255])
def test_a_frame_takes_from_a_frame(noise: float) -> None:
    """A framed picture in its own style is itself, and nearly so in that of a copy with a noise that nobody sees."""
    frame = framed(20)[::3, ::3]
    chosen = dataclasses.replace(QUICK, allow_black=True)
    style = (frame + np.random.default_rng(1).normal(0, noise, frame.shape)).clip(0, 1).astype(np.float32)
    changed = np.abs(Engine().transfer(request(frame, style, chosen)).image - frame)
    assert changed.max() < (8 if noise else 1) / 255
