"""What the program chooses where nobody has said it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import decouple_core as dc
from decouple_contract.settings import AUTOMATIC_SIZE, Settings
from decouple_core.features.colour import ColourMoments, map_between
from decouple_core.outcomes.strategy import (
    BLACK,
    LEAST_CONTRAST,
    MOST_LOST,
    SIDE,
    Choice,
    is_painted,
    readable_share,
    settled,
)
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.resampling import shrink

DATA = Path(__file__).parents[1] / "data"
PHOTO = Settings(mode="photo", network="vgg16")


def strokes(side: int = SIDE, count: int = 6000) -> np.ndarray:
    """A picture of short strokes of paint, each of one colour, that cover it."""
    rng = np.random.default_rng(0)
    picture = np.full((side, side, 3), 0.5, np.float32)
    rows, columns = np.mgrid[:side, :side]
    sky = np.array([[0.2, 0.35, 0.7], [0.85, 0.75, 0.3]], np.float32)
    for _ in range(count):
        y, x = rng.uniform(0, side, 2)
        top, left = max(0, int(y) - 9), max(0, int(x) - 9)
        there = np.s_[top : int(y) + 10, left : int(x) + 10]
        angle = 3 * np.sin(x / side * 3) + y / side * 4
        along = (columns[there] - x) * np.cos(angle) + (rows[there] - y) * np.sin(angle)
        across = (rows[there] - y) * np.cos(angle) - (columns[there] - x) * np.sin(angle)
        paint = sky[int(y > side / 2)] + rng.normal(0, 0.12, 3).astype(np.float32)
        picture[there][(np.abs(along) < 8) & (np.abs(across) < 2)] = paint
    return picture.clip(0, 1)


def greys(low: float, high: float) -> torch.Tensor:
    """A ramp of grey, (3, 64, 64), evenly from one level to another."""
    return torch.linspace(low, high, 64 * 64).view(1, 64, 64).expand(3, 64, 64).contiguous()


def test_photographs_and_strokes_are_told_apart() -> None:
    for name in ("coffee.jpg", "rocket.jpg"):
        assert not is_painted(shrink(read_image(DATA / name).pixels, SIDE))
    assert is_painted(shrink(strokes(), SIDE))
    assert not is_painted(torch.full((3, 64, 64), 0.5))


def share_of(target: torch.Tensor, style: torch.Tensor) -> tuple[float, Choice | None]:
    """How far the target may go on the way of its colours to the style's."""
    own, wanted = ColourMoments.of(target), ColourMoments.of(style)
    return readable_share(target, lambda share: map_between(own, own.towards(wanted, share))(target))


def test_flat_style_leaves_a_quarter_of_the_contrast() -> None:
    """On grey ramps the contrast that is left falls linearly: 1 - s (1 - σ_style / σ_target)."""
    target, style = greys(0.2, 0.8), greys(0.45, 0.55)
    ratio = (style.std() / target.std()).item()
    share, choice = share_of(target, style)
    exact = (1 - LEAST_CONTRAST) / (1 - ratio)
    assert exact - 0.05 <= share <= exact
    assert choice is not None
    assert choice.why.arguments["share"] == pytest.approx(100 * ratio, abs=1)


def test_dark_style_loses_a_quarter_of_the_picture_at_most() -> None:
    """Of a grey ramp from a to b that is carried to the mean m with its contrast, (BLACK - m) / (b - a) + ½ is lost."""
    target = greys(0.1, 0.9)
    style = target - 0.45
    share, choice = share_of(target, style)
    mean = 0.5 - share * 0.45
    assert choice is not None
    assert choice.why.code == "style-too-dark"
    assert (BLACK - mean) / 0.8 + 0.5 <= MOST_LOST + 1e-3
    assert (BLACK - (mean - 0.05 * 0.45)) / 0.8 + 0.5 > MOST_LOST - 1e-3


def test_readable_styles_are_left_alone() -> None:
    target = greys(0.1, 0.9)
    assert share_of(target, greys(0.3, 0.7)) == (1.0, None)
    flat = torch.full((3, 8, 8), 0.5)  # there is no contrast to be kept
    assert share_of(flat, target)[0] == 1.0


@pytest.mark.parametrize(
    ("given", "painted", "accelerated", "mode", "size"),
    [
        (Settings(), None, False, "photo", 512),
        (Settings(), True, False, "painting", 512),
        (Settings(), False, True, "photo", 1024),
        (Settings(mode="auto"), None, True, "photo", 1024),
        (Settings(mode="photo", size=96), True, True, "photo", 96),
        (Settings(mode="painting"), False, True, "painting", 1024),
    ],
)
def test_nothing_stays_automatic(
    given: Settings, painted: bool | None, accelerated: bool, mode: str, size: int
) -> None:
    settings, choices = settled(given, painted, 2000, 4000, accelerated=accelerated)
    assert (settings.mode, settings.size) == (mode, size)
    chosen = {choice.setting: choice.value for choice in choices}
    assert chosen.get("mode", mode) == mode
    assert ("mode" in chosen) == (given.mode == "auto")
    assert ("size" in chosen) == (given.size == AUTOMATIC_SIZE and mode == "painting")


def test_small_style_is_not_enlarged_more_than_twice() -> None:
    painting = Settings(mode="painting", size=512)
    assert settled(painting, None, 128, 3000, accelerated=False)[0].style_scale == 0.5
    assert settled(painting, None, 128, 200, accelerated=False)[0].style_scale == 1.0  # it is not enlarged so much
    assert settled(painting, None, None, 3000, accelerated=False)[0].style_scale == 1.0
    own = Settings(mode="painting", size=512, style_scale=2.0)
    assert settled(own, None, 128, 3000, accelerated=False)[0].style_scale == 2.0


def test_report_says_what_was_chosen() -> None:
    rng = np.random.default_rng(0)
    target = rng.uniform(0.3, 0.9, (40, 48, 3)).astype(np.float32)
    night = (0.01 * rng.uniform(0, 1, (40, 48, 1)) * np.ones(3)).astype(np.float32)
    settings = Settings(mode="auto", network="vgg16")
    session = dc.Session()
    result = session.transfer(target, night, settings)
    told = {one["setting"]: one["value"] for one in json.loads(json.dumps(result.report.as_dict()))["choices"]}
    # Place by place nothing would be left of it.
    assert told == {"mode": "photo", "correspondence": "off", "strength": result.report.settings.strength}
    assert 0 < result.report.settings.strength < 1
    allowed = session.transfer(target, night, Settings(mode="photo", network="vgg16", allow_black=True))
    assert allowed.image.mean() < 0.5 * result.image.mean()
    assert [choice.setting for choice in allowed.report.choices] == ["correspondence"]
    assert allowed.report.settings.strength == 1.0


def test_style_file_knows_whether_it_was_painted(tmp_path: Path) -> None:
    settings = Settings(mode="auto", network="vgg16", size=64)
    style = dc.read_style(strokes(96, 900), settings)
    style.save(tmp_path / "painted.style")
    assert dc.read_style(read_image(DATA / "coffee.jpg").pixels[:80, :80], settings).painted is False
    again = dc.Style.load(tmp_path / "painted.style")
    assert again.painted is style.painted is True
    target = read_image(DATA / "coffee.jpg").pixels[:64, :64]
    assert dc.transfer(target, again, settings).report.settings.mode == "painting"
    values = again.to_json()
    del values["painted"]  # as earlier files
    assert dc.transfer(target, dc.Style.from_json(values), settings).report.settings.mode == "photo"
    with pytest.raises(dc.errors.InputError):
        dc.Style.from_json({**values, "painted": "yes"})
