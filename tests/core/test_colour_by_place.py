"""Photographs whose places take from places: whole transfers, with the real network, of small pictures."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw
from scipy.ndimage import gaussian_filter

import decouple_core as dc
from decouple_core.api import Result, Session
from decouple_core.features.colour import LUMA
from decouple_core.features.style import Style
from decouple_core.outcomes import colour_by_place, components
from decouple_core.outcomes.colour_by_place import chroma_gains
from decouple_core.outcomes.contrast import Contrast

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

PHOTO = dc.Settings(mode="photo", network="vgg16", device="cpu", size=96, layers=2)
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def session() -> Session:
    return Session()


def photograph(name: str, width: int = 96) -> np.ndarray:
    picture = Image.open(DATA / f"{name}.jpg")
    return np.asarray(picture.resize((width, width * picture.height // picture.width)), np.float32) / 255


PAGODA, ROCKET, COFFEE = (photograph(name) for name in ("pagoda", "rocket", "coffee"))


def transfer(session: Session, target: np.ndarray, style: np.ndarray | Style, **changes: Any) -> Result[np.ndarray]:
    return session.transfer(target, style, dataclasses.replace(PHOTO, **changes))


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(np.float64(one) - other).mean() + 1e-20))


# --- a picture in its own style -----------------------------------------------------------------------------------


@pytest.mark.parametrize("target", [PAGODA, ROCKET, COFFEE], ids=["pagoda", "rocket", "coffee"])
def test_a_picture_in_its_own_style_is_itself(session: Session, target: np.ndarray) -> None:
    """To the last bit, black and white included."""
    target = target.copy()
    target[:4, :4], target[-4:, -4:] = 0.0, 1.0
    np.testing.assert_array_equal(transfer(session, target, target).image, target)


def test_a_picture_with_one_other_pixel_is_hardly_changed(session: Session) -> None:
    """Larger than what the features are measured at, so that nothing must be measured at another sharpness."""
    style = np.asarray(skimage.data.coffee(), np.float32)[:, 100:500] / 255
    target = style.copy()
    target[0, 0] = 1.0 - target[0, 0]
    assert psnr(transfer(session, target, style, layers=3).image, target) > 50


def test_also_of_a_saved_style(session: Session) -> None:
    kept = Style.from_json(json.loads(json.dumps(dc.read_style(PAGODA, PHOTO).to_json())))
    np.testing.assert_array_equal(transfer(session, PAGODA, kept).image, PAGODA)


@pytest.mark.parametrize("target", [PAGODA, ROCKET, COFFEE], ids=["pagoda", "rocket", "coffee"])
def test_a_style_that_is_nearly_the_picture_leaves_it(session: Session, target: np.ndarray) -> None:
    """One pixel changed by a little, and all of them by a noise that nobody sees."""
    one, noisy = target.copy(), target + np.random.default_rng(0).normal(0, 0.5 / 255, target.shape)
    one[30, 40] += np.where(one[30, 40] > 0.5, -0.03, 0.03)
    for style in (one, noisy.clip(0, 1).astype(np.float32)):
        assert psnr(transfer(session, target, style).image, target) > 50


# --- pictures that say little -------------------------------------------------------------------------------------


def letterbox(pixels: np.ndarray) -> np.ndarray:
    framed = np.zeros_like(pixels)
    framed[12:-12] = pixels[12:-12]
    return framed


def bordered(pixels: np.ndarray) -> np.ndarray:
    framed = letterbox(pixels)
    framed[:, :9] = framed[:, -9:] = 0
    return framed


def vignette(pixels: np.ndarray) -> np.ndarray:
    rows, columns = (np.linspace(-1, 1, n) for n in pixels.shape[:2])
    return (pixels * np.exp(-2 * (rows[:, None] ** 2 + columns**2))[..., None]).astype(np.float32)


def text() -> np.ndarray:
    page = Image.new("RGB", (96, 60), "white")
    ImageDraw.Draw(page).text((4, 4), "Every place of the\ntarget takes from\nplaces of the style", fill="black")
    return np.asarray(page, np.float32) / 255


ODD = {
    "one colour": np.full((30, 40, 3), (0.2, 0.5, 0.3), np.float32),
    "black": np.zeros((20, 20, 3), np.float32),
    "white": np.ones((20, 20, 3), np.float32),
    "one pixel": np.full((1, 1, 3), 0.4, np.float32),
    "eight by eight": PAGODA[20:28, 30:38],
    "a strip": PAGODA[10:27, 40:43],
    "one row": PAGODA[20:21],
    "one column": PAGODA[:, 30:31],
    "grey": np.repeat(ROCKET.mean(2, keepdims=True), 3, 2).astype(np.float32),
    "letterbox": letterbox(PAGODA),
    "black border": bordered(ROCKET),
    "vignette": vignette(PAGODA),
    "text": text(),
    "noise": np.random.default_rng(0).random((50, 60, 3)).astype(np.float32),
}


def kept_detail(before: np.ndarray, after: np.ndarray) -> float:
    """How the luma of neighbouring pixels still differs as it did: a correlation."""
    differences = [
        np.diff(one @ np.array([0.2126, 0.7152, 0.0722]), axis=axis).ravel()
        for axis in (0, 1)
        for one in (before, after)
    ]
    one, other = np.concatenate(differences[::2]), np.concatenate(differences[1::2])
    return float(np.corrcoef(one, other)[0, 1])


@pytest.mark.parametrize("kind", ODD)
def test_odd_pictures(session: Session, kind: str) -> None:
    """As the style and as the target: in the box, and with the target's own detail, where it has any."""
    for target, style in ((COFFEE, ODD[kind]), (ODD[kind], COFFEE)):
        result = transfer(session, target, style).image
        assert result.shape == target.shape
        assert np.isfinite(result).all()
        assert result.min() >= 0
        assert result.max() <= 1
        if (
            kind != "noise"
            and min(one.std((0, 1)).max() for one in (target, style)) > 0.02
            and min(target.shape[:2]) > 1
        ):
            assert kept_detail(target, result) > 0.5


@pytest.mark.parametrize("kind", ODD)
def test_odd_pictures_in_their_own_style(session: Session, kind: str) -> None:
    """Themselves, to the last bit where they are large enough to have places; nearly so in that of a noisy copy."""
    target = ODD[kind]
    itself = transfer(session, target, target, allow_black=True)
    np.testing.assert_allclose(itself.image, target, atol=0.5 / 255 if itself.correspondence is None else 0, rtol=0)
    noisy = (target + np.random.default_rng(1).normal(0, 0.5 / 255, target.shape)).clip(0, 1).astype(np.float32)
    result = transfer(session, target, noisy, allow_black=True)
    if result.correspondence is not None:
        # White paper keeps half of its noise alone, so its copy is darker.
        assert psnr(result.image, target) > (42 if kind == "text" else 50)


@pytest.mark.parametrize("kind", ["one pixel", "eight by eight", "a strip"])
def test_too_small_for_places_is_taken_as_a_whole_and_that_is_said(session: Session, kind: str) -> None:
    for target, style in ((COFFEE, ODD[kind]), (ODD[kind], COFFEE)):
        result = transfer(session, target, style)
        assert result.correspondence is result.report.correspondence is None
        assert result.report.as_dict()["correspondence"] is None
        (said,) = (choice for choice in result.report.choices if choice.setting == "correspondence")
        assert (said.value, said.why.code) == ("off", "places-few")
        np.testing.assert_array_equal(result.image, transfer(session, target, style, correspondence="off").image)


def test_what_would_be_lost_place_by_place_is_taken_as_a_whole_and_that_is_said(session: Session) -> None:
    """Pure red and pure blue have nothing in common."""
    red, blue = np.zeros_like(PAGODA), np.zeros_like(ROCKET)
    red[..., 0], blue[..., 2] = PAGODA.mean(2), ROCKET.mean(2)
    result = transfer(session, red, blue)
    assert result.correspondence is None
    assert [choice.why.code for choice in result.report.choices if choice.setting == "correspondence"] == [
        "places-lose-detail"
    ]


def test_grey_stays_grey_in_a_grey_style(session: Session) -> None:
    result = transfer(session, ODD["grey"], np.repeat(COFFEE.mean(2, keepdims=True), 3, 2)).image
    assert np.ptp(result, 2).max() < 3 / 255


# --- settings -----------------------------------------------------------------------------------------------------


def test_strength_is_linear_and_needs_no_new_work() -> None:
    session = Session()
    whole = transfer(session, PAGODA, ROCKET, allow_black=True)
    half = transfer(session, PAGODA, ROCKET, allow_black=True, strength=0.5)
    assert whole.report.evaluations["jvp"] > 0
    assert half.report.evaluations["jvp"] == half.report.evaluations["vjp"] == 0
    middle = (whole.image + PAGODA) / 2
    inside = (whole.image > 0.05) & (whole.image < 0.95) & (PAGODA > 0.05) & (PAGODA < 0.95)
    np.testing.assert_allclose(half.image[inside], middle[inside], atol=1e-3)
    none = transfer(session, PAGODA, ROCKET, allow_black=True, strength=0.0)
    np.testing.assert_array_equal(none.image, PAGODA)


def test_off_takes_the_picture_as_a_whole(session: Session) -> None:
    """As for a style that knows no places."""
    off = transfer(session, PAGODA, ROCKET, correspondence="off")
    assert off.correspondence is None
    earlier = dataclasses.replace(dc.read_style(ROCKET, PHOTO), overviews=())
    np.testing.assert_allclose(transfer(session, PAGODA, earlier).image, off.image, atol=1e-6)
    assert psnr(off.image, transfer(session, PAGODA, ROCKET).image) < 40


# --- coloured grain -----------------------------------------------------------------------------------------------


def pale(pixels: np.ndarray) -> np.ndarray:
    """Nearly grey and noisy, as an overcast day at a high sensitivity."""
    grey = pixels.mean(2, keepdims=True) + 0.05 * (pixels - pixels.mean(2, keepdims=True))
    noise = np.random.default_rng(0).normal(0, 2 / 255, (*pixels.shape[:2], 3))
    return (0.5 + 0.2 * (grey - grey.mean()) + noise).clip(0, 1).astype(np.float32)


def chroma(pixels: np.ndarray) -> np.ndarray:
    return np.float64(pixels) - np.float64(pixels) @ np.array(LUMA)[:, None]


def grain(pixels: np.ndarray) -> float:
    """How chroma differs between neighbours."""
    return float(np.square(np.diff(chroma(pixels), axis=1)).mean() ** 0.5)


def test_a_grey_sky_that_gets_colours_gets_no_coloured_grain(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    target = pale(PAGODA)
    held_back = transfer(session, target, COFFEE).image
    monkeypatch.setattr(colour_by_place, "LARGEST_CHROMA_GAIN", 1e9)
    free = transfer(Session(), target, COFFEE).image
    assert grain(held_back) < 0.7 * grain(free), "or nothing is held back here"
    smooth = [gaussian_filter(one, (4, 4, 0)) for one in (held_back, free)]
    assert np.abs(smooth[0] - smooth[1]).mean() < 3 / 255, "the colours themselves stay"


@given(
    arrays(np.float64, (3, 3), elements=st.floats(-8, 8)),
    arrays(np.float64, (3, 12, 12), elements=st.floats(0, 1)),
    st.floats(0.5, 4),
)
def test_chroma_is_strengthened_up_to_the_bound(matrix: np.ndarray, image: np.ndarray, most: float) -> None:
    """White noise through one map: its chroma's power is that of the map; luma is left alone."""
    weights = np.array(LUMA)
    only_chroma = np.eye(3) - np.outer(np.ones(3), weights)
    strengthened = np.linalg.norm(only_chroma @ matrix) / np.linalg.norm(only_chroma)
    maps = torch.tensor(np.c_[matrix, np.zeros(3)].reshape(12, 1, 1, 1)).expand(12, 2, 2, 2)
    gain = chroma_gains(maps, most) + 1
    np.testing.assert_allclose(gain, min(1.0, most / max(strengthened, 1e-12)), rtol=1e-6)
    values = torch.tensor(image)
    light = torch.tensor(weights) @ values.flatten(1)
    low = torch.tensor(gaussian_filter(chroma(image.transpose(1, 2, 0)), (2, 2, 0)).transpose(2, 0, 1))
    below = torch.cat([light.view(1, 12, 12), torch.zeros(1, 12, 12), low])
    added = Contrast(gain, below).added(
        torch.stack([torch.zeros(12, 12), gain[0, 0, 0, 0] - 1 + torch.zeros(12, 12)]), values, 0, 1
    )
    np.testing.assert_allclose(torch.tensor(weights) @ added.flatten(1), 0, atol=1e-9)
    detail = torch.tensor(only_chroma) @ values.flatten(1) - low.flatten(1)
    np.testing.assert_allclose(added.flatten(1), (gain[0, 0, 0, 0] - 1) * detail, atol=1e-9)


@pytest.mark.parametrize("kind", ["photograph", "pale"])
def test_stripes_do_not_show(session: Session, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """At a size that the maps were not found at."""
    made = pale if kind == "pale" else np.asarray
    result, target = transfer(session, made(PAGODA), COFFEE), made(photograph("pagoda", 256))
    pictures = []
    for rows in (1000, 64, 7):
        monkeypatch.setattr(components, "STRIPE_PIXELS", rows * target.shape[1])
        out = np.empty_like(target)
        result.components.render(target, out, lambda share: None)
        pictures.append(out)
    for one in pictures[1:]:
        np.testing.assert_allclose(one, pictures[0], atol=5e-6)
