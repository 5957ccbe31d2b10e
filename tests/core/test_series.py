"""A series with one look: one plan and one colour part for all, held against what one picture gives and numpy."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
from PIL import Image

import decouple_core as dc
from decouple_core.engine import Engine, placing
from decouple_core.engine import series as fitting_together
from decouple_core.outcomes.bilateral_grid import BilateralGrid, LightnessGrid
from decouple_core.outcomes.colour_by_place import Look
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.photograph import Photograph
from decouple_core.pictures import series
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.series import spread
from decouple_core.request import Input
from tests.core.request_of_arrays import request

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

SETTINGS = dc.Settings(mode="photo", size=32, layers=2, network="vgg16", device="cpu")
WHOLE = dataclasses.replace(SETTINGS, correspondence="off")


def photograph(name: str, size: int) -> np.ndarray:
    pixels = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy().clip(0, 1))


def muted(pixels: np.ndarray) -> np.ndarray:
    """Far from black and white, so that the box does not bite."""
    return (0.35 + 0.3 * pixels).astype(np.float32)


STYLE = muted(photograph("coffee", 48))


def film(count: int) -> list[np.ndarray]:
    """A still camera's frames of a cat, of which nothing but the exposure and the noise changes."""
    random, cat = np.random.default_rng(0), muted(photograph("chelsea", 64))
    exposures = 1 + random.uniform(-0.1, 0.1, count)
    return [
        np.clip(exposure * cat + random.normal(0, 0.01, cat.shape), 0, 1).astype(np.float32) for exposure in exposures
    ]


def moments(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of all colours of some pictures."""
    colours = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.float64)
    return colours.mean(0), np.cov(colours.T, bias=True)


@pytest.mark.parametrize("kind", [BilateralGrid, LightnessGrid])
def test_equal_frames_get_what_one_of_them_gets(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over a series of its features, and of its Jacobians, is that of one where all are equal."""
    monkeypatch.setattr(fitting_together, "IN_COMMON", Photograph(kind))
    frame, transfers = film(1)[0], Engine()
    style = transfers.read_style(Input(STYLE), SETTINGS)
    one, three = (
        field_of(transfers.fit_together([(frame, None)] * count, style, WHOLE)).parameters for count in (1, 3)
    )
    np.testing.assert_allclose(three, one, atol=2e-3)  # J is taken in bfloat16 where that is quicker
    if kind is BilateralGrid:
        colour = Engine().transfer(request(frame, style, WHOLE)).components.colour
        np.testing.assert_allclose(one, colour.parameters, atol=1e-6)


@pytest.fixture(scope="module")
def session() -> dc.Session:
    """Of which what it keeps changes nothing."""
    return dc.Session()


def field_of(shared: placing.Shared) -> Field:
    assert isinstance(shared, Field)
    return shared


def look_of(shared: placing.Shared) -> Look:
    assert isinstance(shared, Look)
    return shared


def test_a_series_of_one_is_the_photograph(session: dc.Session) -> None:
    frame = film(1)[0]
    (alone,) = session.transfer_alike([frame], STYLE, SETTINGS)
    np.testing.assert_array_equal(alone.image, session.transfer(frame, STYLE, SETTINGS).image)


def test_place_by_place_equal_frames_get_what_one_of_them_gets() -> None:
    """How often a picture stands in a series changes nothing of what is asked of it."""
    frame, transfers = film(1)[0], Engine()
    style = transfers.read_style(Input(STYLE), SETTINGS)
    one, two = (look_of(transfers.fit_together([(frame, None)] * count, style, SETTINGS)).asked for count in (1, 2))
    np.testing.assert_allclose(two.had, one.had, atol=1e-3)
    np.testing.assert_allclose(two.goal, one.goal, atol=1e-3)
    for ours, theirs in zip(two.whole, one.whole, strict=True):
        np.testing.assert_allclose(ours[0], theirs[0], atol=5e-3)
        np.testing.assert_allclose(ours[1], theirs[1], atol=5e-3)


def test_what_moves_takes_its_colours_along(session: dc.Session) -> None:
    """A camera that turns over two photographs side by side: the same spots, seen left and right, by numpy."""
    wide = muted(np.concatenate([photograph("chelsea", 120)[:72, :96], photograph("coffee", 120)[:72, :96]], 1))
    frames = [wide[:, start : start + 96].copy() for start in (0, 32, 64)]
    results = list(session.transfer_alike(frames, STYLE, SETTINGS))
    assert all(result.correspondence is not None for result in results)
    alone = [session.transfer(frame, STYLE, SETTINGS).image for frame in (frames[0], frames[2])]

    def changed(first: np.ndarray, third: np.ndarray) -> float:
        """Between what is seen in both, away from the borders of either."""
        return float(np.sqrt(np.square(first[:, 68:92] - third[:, 4:28]).mean()))

    assert changed(results[0].image, results[2].image) < 0.5 * changed(*alone)


def test_a_picture_like_none_of_the_others_has_the_look_too(
    session: dc.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the plan was not made of follows it all the same, as far as it goes, in the box."""
    monkeypatch.setattr(series, "FITTED", 1)
    frames = [np.full((20, 30, 3), 0.4, np.float32), film(1)[0], np.full((3, 5, 3), 0.5, np.float32)]
    for frame, result in zip(frames, session.transfer_alike(frames, STYLE, SETTINGS), strict=True):
        assert result.correspondence is not None
        assert result.image.shape == frame.shape
        assert np.isfinite(result.image).all()
        assert result.image.min() >= 0
        assert result.image.max() <= 1


def test_the_series_as_a_whole_has_the_styles_colours(session: dc.Session) -> None:
    """The mean and the covariance of all frames' pixels, by numpy; those of each frame alone still differ."""
    cat = muted(photograph("chelsea", 64))
    frames = [cat, 0.8 * cat, muted(photograph("astronaut", 48))[:40]]  # of different sizes, counting alike
    results = [result.image for result in session.transfer_alike(frames, STYLE, WHOLE)]
    assert [result.shape for result in results] == [frame.shape for frame in frames]
    means, covariances = zip(*(moments([result]) for result in results), strict=True)
    mean = np.mean(means, 0)
    between = np.mean([np.outer(m - mean, m - mean) for m in means], 0)
    wanted, wanted_covariance = moments([STYLE])
    np.testing.assert_allclose(mean, wanted, atol=2e-3)
    np.testing.assert_allclose(np.mean(covariances, 0) + between, wanted_covariance, atol=1e-3)
    assert np.abs(means[0] - means[1]).max() > 0.01


@pytest.mark.parametrize("settings", [SETTINGS, WHOLE], ids=["by place", "as a whole"])
def test_equal_colours_stay_equal_and_frames_do_not_flicker(session: dc.Session, settings: dc.Settings) -> None:
    """What differs between the frames of a still camera is noise and exposure, and stays that."""
    frames = film(6)
    alike = [result.image for result in session.transfer_alike(frames, STYLE, settings)]
    contrast = float(np.std(alike) / np.std(frames))

    def temporal_error(pictures: Sequence[np.ndarray]) -> float:
        return float(np.sqrt(np.square(np.diff(np.asarray(pictures, np.float64), axis=0)).mean()))

    assert temporal_error(alike) < 1.2 * max(1.0, contrast) * temporal_error(frames)
    order = np.argsort([frame.mean() for frame in frames])
    assert np.array_equal(np.argsort([picture.mean() for picture in alike]), order), "the light of the shoot is kept"


def test_paths_are_read_when_they_are_needed(tmp_path: Path, session: dc.Session) -> None:
    frames, paths = film(4), [tmp_path / f"{number}.png" for number in range(4)]
    for frame, path in zip(frames, paths, strict=True):
        Image.fromarray((255 * frame).round().astype(np.uint8)).save(path)
    told: list[float] = []
    results = session.transfer_alike(paths, STYLE, SETTINGS, progress=lambda share, _message: told.append(share))
    assert not told, "nothing is done before it is asked for"
    first = next(results)
    assert first.image.dtype == np.uint8
    paths[3].unlink()
    assert len([next(results), next(results)]) == 2
    with pytest.raises(dc.errors.InputError, match=r"3\.png"):
        next(results)
    assert told == sorted(told)
    assert told[-1] <= 1.0


def test_a_painting_lies_on_the_common_colours(session: dc.Session) -> None:
    frames = film(2)
    painting = dataclasses.replace(SETTINGS, mode="painting")
    first, second = session.transfer_alike(frames, STYLE, painting)
    photographs = list(session.transfer_alike(frames, STYLE, SETTINGS))
    for painted, photo in zip((first, second), photographs, strict=True):
        np.testing.assert_allclose(painted.components.colour.parameters, photo.components.colour.parameters, atol=1e-5)
    assert np.abs(first.image - photographs[0].image).max() > 0.02
    assert not list(session.transfer_alike([], STYLE, SETTINGS))


@pytest.mark.parametrize(("count", "numbers"), [(0, []), (1, [0]), (3, [0, 1, 2]), (24, list(range(1, 24, 2)))])
def test_a_long_series_is_fitted_on_some_spread_over_it(count: int, numbers: list[int]) -> None:
    assert spread(count) == numbers
    assert len({n * 12 // 1000 for n in spread(1000)}) == 12, "one of each twelfth"
