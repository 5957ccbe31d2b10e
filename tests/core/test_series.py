"""A series with one look: one colour part for all, fitted on all, held against what one picture gives and numpy."""

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
from decouple_core import engine
from decouple_core.engine import Engine
from decouple_core.outcomes.bilateral_grid import BilateralGrid, LightnessGrid
from decouple_core.outcomes.photograph import Photograph
from decouple_core.pictures.resampling import shrink
from decouple_core.pictures.series import spread

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

SETTINGS = dc.Settings(size=32, layers=2, network="vgg16", device="cpu")


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
    return [np.clip(exposure * cat + random.normal(0, 0.01, cat.shape), 0, 1).astype(np.float32)
            for exposure in exposures]


def moments(pictures: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of all colours of some pictures."""
    colours = np.concatenate([picture.reshape(-1, 3) for picture in pictures]).astype(np.float64)
    return colours.mean(0), np.cov(colours.T, bias=True)


@pytest.mark.parametrize("kind", [BilateralGrid, LightnessGrid])
def test_equal_frames_get_what_one_of_them_gets(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mean over a series of its features, and of its Jacobians, is that of one where all are equal."""
    monkeypatch.setattr(engine, "IN_COMMON", Photograph(kind))
    frame, transfers = film(1)[0], Engine()
    style = transfers.read_style(STYLE, SETTINGS)
    one, three = (transfers.fit_together([(frame, None)] * count, style, SETTINGS).parameters for count in (1, 3))
    np.testing.assert_allclose(three, one, atol=2e-3)  # J is taken in bfloat16 where that is quicker
    if kind is BilateralGrid:
        alone = dataclasses.replace(SETTINGS, correspondence="off")
        colour = Engine().transfer(frame, style, alone).components.colour
        np.testing.assert_allclose(one, colour.parameters, atol=1e-6)


def test_the_series_as_a_whole_has_the_styles_colours() -> None:
    """The mean and the covariance of all frames' pixels, by numpy; those of each frame alone still differ."""
    cat = muted(photograph("chelsea", 64))
    frames = [cat, 0.8 * cat, muted(photograph("astronaut", 48))[:40]]  # of different sizes, counting alike
    results = [result.image for result in dc.Session().transfer_alike(frames, STYLE, SETTINGS)]
    assert [result.shape for result in results] == [frame.shape for frame in frames]
    means, covariances = zip(*(moments([result]) for result in results), strict=True)
    mean = np.mean(means, 0)
    between = np.mean([np.outer(m - mean, m - mean) for m in means], 0)
    wanted, wanted_covariance = moments([STYLE])
    np.testing.assert_allclose(mean, wanted, atol=2e-3)
    np.testing.assert_allclose(np.mean(covariances, 0) + between, wanted_covariance, atol=1e-3)
    assert np.abs(means[0] - means[1]).max() > 0.01


def test_equal_colours_stay_equal_and_frames_do_not_flicker() -> None:
    """What differs between the frames of a still camera is noise and exposure, and stays that."""
    frames = film(6)
    alike = [result.image for result in dc.Session().transfer_alike(frames, STYLE, SETTINGS)]
    contrast = float(np.std(alike) / np.std(frames))

    def temporal_error(pictures: Sequence[np.ndarray]) -> float:
        return float(np.sqrt(np.square(np.diff(np.asarray(pictures, np.float64), axis=0)).mean()))

    assert temporal_error(alike) < 1.2 * max(1.0, contrast) * temporal_error(frames)
    order = np.argsort([frame.mean() for frame in frames])
    assert np.array_equal(np.argsort([picture.mean() for picture in alike]), order), "the light of the shoot is kept"


def test_paths_are_read_when_they_are_needed(tmp_path: Path) -> None:
    frames, paths = film(4), [tmp_path / f"{number}.png" for number in range(4)]
    for frame, path in zip(frames, paths, strict=True):
        Image.fromarray((255 * frame).round().astype(np.uint8)).save(path)
    told: list[float] = []
    results = dc.Session().transfer_alike(paths, STYLE, SETTINGS, progress=lambda share, _message: told.append(share))
    assert not told, "nothing is done before it is asked for"
    first = next(results)
    assert first.image.dtype == np.uint8
    paths[3].unlink()
    assert len([next(results), next(results)]) == 2
    with pytest.raises(dc.errors.InputError, match=r"3\.png"):
        next(results)
    assert told == sorted(told)
    assert told[-1] <= 1.0


def test_a_painting_lies_on_the_common_colours() -> None:
    frames = film(2)
    session, painting = dc.Session(), dataclasses.replace(SETTINGS, mode="painting")
    first, second = session.transfer_alike(frames, STYLE, painting)
    photographs = list(session.transfer_alike(frames, STYLE, SETTINGS))
    assert first.components.colour.parameters.equal(second.components.colour.parameters)
    np.testing.assert_allclose(first.components.colour.parameters, photographs[0].components.colour.parameters,
                               atol=1e-5)
    assert np.abs(first.image - photographs[0].image).max() > 0.02
    assert not list(session.transfer_alike([], STYLE, SETTINGS))


@pytest.mark.parametrize(("count", "numbers"), [(0, []), (1, [0]), (3, [0, 1, 2]), (24, list(range(1, 24, 2)))])
def test_a_long_series_is_fitted_on_some_spread_over_it(count: int, numbers: list[int]) -> None:
    assert spread(count) == numbers
    assert len({n * 12 // 1000 for n in spread(1000)}) == 12, "one of each twelfth"
