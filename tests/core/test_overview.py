"""The overview that a style keeps: what it holds, its way through JSON, and what is refused."""

from __future__ import annotations

import base64
import copy
import json
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.correspondence.moments import FINEST_BAND, bands, overview_of
from decouple_core.features.colour import LUMA, ColourMoments
from decouple_core.features.overview import SIDE, Overview, grid_of
from decouple_core.features.style import Style
from decouple_core.pictures.picture import CPU, Picture

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = Path(__file__).parents[1] / "data"


def photograph(name: str = "pagoda") -> np.ndarray:
    return np.asarray(Image.open(DATA / f"{name}.jpg"), np.float32) / 255


def overview(pixels: np.ndarray, *masks: np.ndarray) -> Overview:
    return overview_of(Picture.of(pixels, masks, SIDE, CPU))


def random_overview(height: int, width: int, regions: int, seed: int) -> Overview:
    generator = torch.Generator().manual_seed(seed)

    def steps(*shape: int) -> Tensor:
        return torch.randint(0, 256, shape, generator=generator) / 255

    image = steps(3, height, width)
    rows, columns = grid_of(image)
    shares = steps(regions, rows * columns)
    shares[0, 0] = 1.0
    mean = torch.rand(rows * columns, 3, generator=generator)
    moments = torch.cat([mean, mean.square() + 0.01, torch.rand(rows * columns, 6, generator=generator)], 1)
    return Overview(image, moments, shares, 0.5)


# --- what it holds ------------------------------------------------------------------------------------------------


def test_moments_are_those_of_the_pixels_of_each_place() -> None:
    """Counted pixel by pixel; the bands with scipy's blur, whose border is another."""
    pixels = np.random.default_rng(0).random((64, 96, 3), np.float32)
    found = overview(pixels)
    assert found.grid == (8, 12)
    light, width = pixels @ np.asarray(LUMA, np.float32), FINEST_BAND * 96
    for place in (37, 50):
        y, x = 8 * (place // 12), 8 * (place % 12)
        here = pixels[y : y + 8, x : x + 8].reshape(-1, 3)
        np.testing.assert_allclose(found.moments[place, :3], here.mean(0), atol=1e-6)
        wanted = [(here[:, a] * here[:, b]).mean() for a, b in ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))]
        np.testing.assert_allclose(found.moments[place, 3:9], wanted, atol=1e-6)
    finest = light - gaussian_filter(light, width, truncate=3)
    ours, below = bands(torch.from_numpy(pixels.transpose(2, 0, 1).copy()))
    np.testing.assert_allclose(below[0] + ours[0][0], light, atol=1e-6)
    np.testing.assert_allclose(ours[0][0, 8:-8, 8:-8], finest[8:-8, 8:-8], atol=0.02)


def test_a_region_counts_alone_where_it_is() -> None:
    pixels = np.zeros((32, 32, 3), np.float32)
    pixels[:, 12:] = 0.8
    mask = np.zeros((32, 32), np.float32)
    mask[:, 12:] = 1.0
    found = overview(pixels, mask)
    in_part = found.moments.view(4, 4, 12)[:, 1]  # places of which half is in the region
    np.testing.assert_allclose(in_part[:, :3], 0.8, atol=1e-5)
    np.testing.assert_allclose(found.present.view(4, 4)[0], [0, 0.5, 1, 1], atol=0.01)


def test_of_the_least_region_something_is_left() -> None:
    """A spot that is less than half an 8-bit step of its place."""
    pixels, mask = photograph("coffee"), np.zeros((171, 256), np.float32)
    mask[100, 100] = 0.1
    found = overview(pixels, mask)
    assert found.present.sum() > 0
    assert found.present.count_nonzero() == 1


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 9), (8, 8), (9, 17)])
def test_pictures_of_any_shape(shape: tuple[int, int]) -> None:
    found = overview(np.random.default_rng(0).random((*shape, 3), np.float32))
    assert max(found.image.shape[1:]) <= SIDE
    rows, columns = found.grid
    assert found.moments.shape == (rows * columns, 12)
    assert found.shares.shape == (1, rows * columns)
    assert found.moments.isfinite().all()


# --- its way through JSON -----------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), regions=st.integers(1, 3), seed=st.integers(0, 1000))
def test_json_keeps_it_exactly(height: int, width: int, regions: int, seed: int) -> None:
    before = random_overview(height, width, regions, seed)
    after = Overview.from_json(json.loads(json.dumps(before.to_json())), regions)
    assert after.identity == before.identity
    assert after.weight == before.weight


def test_a_photograph_takes_a_few_hundred_kilobytes() -> None:
    sizes = [len(json.dumps(overview(photograph(name)).to_json())) for name in ("coffee", "pagoda", "rocket")]
    assert max(sizes) < 250_000
    noise = overview(np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32))
    assert len(json.dumps(noise.to_json())) < 350_000  # no picture takes more


def packed(size: int, value: int = 0) -> str:
    return base64.b64encode(zlib.compress(bytes([value]) * size, 9)).decode()


def numbers(value: float, places: int, at: int = 0) -> str:
    """Moments of places that are 0 but for one number of each."""
    rows = np.zeros((places, 12), "<f4")
    rows[:, at] = value
    return base64.b64encode(zlib.compress(rows.tobytes())).decode()


def changed(**values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain.update(values)


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "image that inflates to 64 MB": changed(image=packed(2**26)),
    "moments that inflate to 64 MB": changed(moments=packed(2**26)),
    "shares that inflate to 64 MB": changed(shares=[packed(2**26)]),
    "image too short": changed(image=packed(10)),
    "image cut off": lambda plain: plain.update(image=plain["image"][: len(plain["image"]) // 8 * 4]),
    "image that is no text": changed(image=7),
    "image that is no base64": changed(image="ñ{}"),
    "image that is no zlib": changed(image="AAAA"),
    "size of another image": changed(size=[24, 33]),
    "huge size": changed(size=[2**40, 2**40]),
    "size of fractions": changed(size=[24.0, 32.0]),
    "size of truths": changed(size=[True, True]),
    "no size": lambda plain: plain.pop("size"),
    "negative size": changed(size=[-24, -32]),
    "three sides": changed(size=[24, 32, 3]),
    "moments that are NaN": changed(moments=numbers(float("nan"), 12)),
    "moments that are infinite": changed(moments=numbers(float("inf"), 12)),
    "huge moments": changed(moments=numbers(1e30, 12)),
    "negative energy": changed(moments=numbers(-1.0, 12, at=9)),
    "negative variance": changed(moments=numbers(0.5, 12)),
    "moments of fewer places": changed(moments=numbers(0.0, 11)),
    "moments as numbers": changed(moments=[[0.0] * 12] * 12),
    "no shares": changed(shares=[]),
    "too many shares": changed(shares=[packed(12, 255)] * 2),
    "shares of nothing": changed(shares=[packed(12)]),
    "shares that are no list": changed(shares=3),
    "weight that is NaN": changed(weight=float("nan")),
    "infinite weight": changed(weight=float("inf")),
    "huge weight": changed(weight=1e300),
    "weight of nothing": changed(weight=0),
    "negative weight": changed(weight=-1),
    "weight that is true": changed(weight=True),
    "weight that is text": changed(weight="1"),
}


@pytest.fixture(scope="module")
def plain_style() -> dict[str, Any]:
    """A style of one region with an overview, as it is kept."""
    cloud = ColourMoments.natural()
    means = tuple(torch.rand(1, size) for size in (64, 128, 256))
    return Style(
        "vgg16", "smooth", (cloud,), (cloud,), (), means, "one", overviews=(random_overview(24, 32, 1, 0),)
    ).to_json()


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_no_overview_is_refused_in_little_memory(plain_style: dict[str, Any], kind: str) -> None:
    values = copy.deepcopy(plain_style)
    HOSTILE[kind](values["overviews"][0])
    tracemalloc.start()
    with pytest.raises(InputError) as caught:
        Style.from_json(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.message.code == "style-damaged"
    assert peak < 2**21


@pytest.mark.parametrize("overviews", [5, "text", {"a": 1}, [[]], [None], ["text"] * 17])
def test_what_are_no_overviews_are_refused(plain_style: dict[str, Any], overviews: Any) -> None:
    with pytest.raises(InputError) as caught:
        Style.from_json({**plain_style, "overviews": overviews})
    assert caught.value.message.code == "style-damaged"


def test_files_keep_overviews_and_say_nothing(plain_style: dict[str, Any], tmp_path: Path) -> None:
    style = Style.from_json(plain_style)
    style.save(tmp_path / "one.style")
    again = Style.load(tmp_path / "one.style")  # a remark would be a warning, which is an error here
    assert [one.identity for one in again.overviews] == [one.identity for one in style.overviews]


def test_files_of_earlier_versions_have_none(plain_style: dict[str, Any], tmp_path: Path) -> None:
    earlier = {name: value for name, value in plain_style.items() if name != "overviews"}
    (tmp_path / "one.style").write_text(json.dumps(earlier))
    assert Style.load(tmp_path / "one.style").overviews == ()


def test_identity_is_of_everything_but_the_weight() -> None:
    one = random_overview(24, 32, 1, 0)
    assert replace(one, weight=0.25).identity == one.identity
    for change in ("image", "moments", "shares"):
        values = getattr(one, change).clone()
        values[..., -1, 0] += 1 / 255
        assert replace(one, **{change: values}).identity != one.identity
