"""Styles mixed: what a picture has that shows them all, measured on such pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.transform
import torch

import decouple_core as dc
from decouple_contract.errors import InputError
from tests.core.command_line import fill, picture, succeeds

SETTINGS = dc.Settings(size=128, layers=2, network="vgg16", mode="painting", device="cpu")
SIDE = 128


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Two pictures of very different colours, mirrored so that they go on beyond each border."""
    photographs = (skimage.data.coffee()[:400, :400], skimage.data.astronaut())
    small = [skimage.transform.resize(p, (SIDE // 2, SIDE // 2), anti_aliasing=True) for p in photographs]
    return [np.hstack([np.vstack([s, s[::-1]]), np.vstack([s, s[::-1]])[:, ::-1]]).astype(np.float32) for s in small]


@pytest.fixture(scope="module")
def session() -> dc.Session:
    return dc.Session()


def cloud(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    flat = pixels.reshape(-1, 3).astype(np.float64)
    return flat.mean(0), np.cov(flat.T, bias=True)


def test_colours_are_those_of_all_pixels_together(session: dc.Session, pictures: list[np.ndarray]) -> None:
    styles = [session.read_style(picture, SETTINGS) for picture in pictures]
    mixed = dc.mix(styles, [3, 1])
    mean, covariance = cloud(np.concatenate([pictures[0].reshape(-1, 3)] * 3 + [pictures[1].reshape(-1, 3)]))
    np.testing.assert_allclose(mixed.full_moments[0].mean, mean, atol=1e-6)
    np.testing.assert_allclose(mixed.full_moments[0].covariance, covariance, atol=2e-6)  # and 1e-6 of the measurement
    between = np.abs(covariance - cloud(pictures[0])[1] * 0.75 - cloud(pictures[1])[1] * 0.25).max()
    assert between > 1e-3, "the pictures have the same mean; this says little"


def test_channel_means_are_those_of_both_side_by_side(session: dc.Session, pictures: list[np.ndarray]) -> None:
    """The seam between the two is all that a picture of both has of its own."""
    one, two = (session.read_style(picture, SETTINGS) for picture in pictures)
    both = session.read_style(np.hstack(pictures), dc.Settings(**{**SETTINGS.as_dict(), "size": 2 * SIDE}))
    mixed = dc.mix([one, two])
    found = next(scale for scale in mixed.scales if scale.side == SIDE // 2)
    wanted = next(scale for scale in both.scales if scale.side == SIDE)
    for ours, theirs, apart in zip(found.means, wanted.means, one.scales[0].means, strict=False):
        assert (ours - theirs).norm() < 0.35 * (ours - apart).norm()  # the seam
    torch.testing.assert_close(found.detail, wanted.detail, rtol=0.05, atol=0)


def test_scales_of_other_features_are_left_out(session: dc.Session, pictures: list[np.ndarray]) -> None:
    """A style kept before there were sharper features has others at its finest scale."""
    today = session.read_style(np.hstack(pictures), dc.Settings(**{**SETTINGS.as_dict(), "size": 2 * SIDE}))
    earlier = [replace(scale, means=today.scales[0].means) for scale in today.scales]
    mixed = dc.mix([today, replace(today, scales=tuple(earlier))])
    assert [scale.side for scale in mixed.scales] == [SIDE // 2, SIDE] != [scale.side for scale in today.scales]


def test_a_style_of_no_weight_does_not_count(session: dc.Session, pictures: list[np.ndarray]) -> None:
    styles = [session.read_style(picture, SETTINGS, name=name) for picture, name in zip(pictures, "ab", strict=True)]
    mixed = dc.mix(styles, [2, 0])
    torch.testing.assert_close(mixed.features, styles[0].features)
    torch.testing.assert_close(mixed.coupled_means, styles[0].coupled_means)
    assert mixed.name == "a + b"
    picture = session.transfer(pictures[1], mixed, SETTINGS).image
    assert np.abs(picture - session.transfer(pictures[1], styles[0], SETTINGS).image).max() < 2 / 255


def test_what_cannot_be_mixed_is_refused(session: dc.Session, pictures: list[np.ndarray]) -> None:
    layer = dc.Settings(**{**SETTINGS.as_dict(), "layers": 1})
    style = session.read_style(pictures[0], layer)
    for weights in ([1], [1, 2, 3], [0, 0], [1, -1], [1, float("nan")], [1, float("inf")]):
        with pytest.raises(InputError, match="2 numbers"):
            dc.mix([style, style], weights)
    with pytest.raises(InputError, match="mixture"):
        dc.mix([])
    relu = session.read_style(pictures[0], dc.Settings(**{**layer.as_dict(), "activation": "relu"}))
    with pytest.raises(InputError, match="cannot be mixed"):
        dc.mix([style, relu])


def test_sheet_looks_like_the_style(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    sheet = tmp_path / "sheet.png"
    succeeds(
        capsys,
        "style",
        tmp_path / "style.jpg",
        "--show",
        "-o",
        sheet,
        "--layers",
        "1",
        "--network",
        "vgg16",
        "--device",
        "cpu",
    )
    pixels, style = picture(sheet) / 255.0, picture(tmp_path / "style.jpg") / 255.0
    (mean, covariance), (wanted, spread) = cloud(pixels[:256]), cloud(style)
    assert np.abs(mean - wanted).max() < 0.05
    assert np.abs(covariance - spread).max() < 0.25 * spread.max()
    assert np.abs(pixels[-1, 128] - wanted).max() < 2 / 255, "the palette's middle"
    assert pixels[-1, 5].sum() > pixels[-1, 128].sum() > pixels[-1, -5].sum(), "from light to dark"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    words = ["--layers", "1", "--size", "64", "--network", "vgg16", "--device", "cpu"]
    picture, one, both = tmp_path / "style.jpg", tmp_path / "one.style", tmp_path / "both.style"
    succeeds(capsys, "style", picture, "-o", one, *words)
    succeeds(capsys, "style", tmp_path / "target.png", one, "--weights", "1,3", "-o", both, *words)
    target = dc.read_style(tmp_path / "target.png", dc.Settings(size=64, layers=1, network="vgg16", device="cpu"))
    wanted = dc.mix([target, dc.Style.load(one)], [1, 3])
    found = dc.Style.load(both)
    assert found.name == "target + style"
    torch.testing.assert_close(found.features, wanted.features, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found.full_moments[0].mean, wanted.full_moments[0].mean)
