"""Marks by place: activations of places and their Jacobian, the nearest places, and paintings made of them."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.reference import uniform_noise
from decouple_core.outcomes.marks import kept_share, resized
from decouple_core.pictures.resampling import shrink
from decouple_core.weights import load_weights
from tests.core.request_of_arrays import request

pytestmark = [pytest.mark.usefixtures("weights", "one_thread"), pytest.mark.filterwarnings("ignore:.*torch.jit.script")]

PAINTED = Settings(mode="painting", size=128, network="vgg16", device="cpu")


@cache
def vgg16() -> dict[str, torch.Tensor]:
    return dict(load_weights("vgg16")[1])


@cache
def features() -> ChannelMeans:
    return ChannelMeans("vgg16", vgg16(), uniform_noise(0)).sharper().first(3)


def photograph(name: str, size: int) -> np.ndarray:
    pixels = shrink(getattr(skimage.data, name)()[..., :3].astype(np.float32) / 255, size)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy().clip(0, 1))


def activations(image: torch.Tensor) -> torch.Tensor:
    """The five taps by torch's own operators, averaged over windows of 4 × 4 pixels, rows of places."""
    weights = vgg16()
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    a = ((image - mean[:, None, None]) / deviation[:, None, None])[None]
    rows, halved = [], 0
    for number, name in enumerate(("conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1")):
        if name in ("conv2_1", "conv3_1"):
            a, halved = F.avg_pool2d(a, 2), halved + 1
        h = F.conv2d(F.pad(a, (1, 1, 1, 1), mode="reflect"), weights[f"{name}.weight"], weights[f"{name}.bias"])
        assert features().smoothing
        a = (h + (h.square() + features().smoothing[number] ** 2).sqrt()) / 2
        rows.append(F.avg_pool2d(a, 4 // 2**halved) if halved < 2 else a)
    return torch.cat([row[0].flatten(1).T for row in rows], 1)


# --- activations by place -----------------------------------------------------------------------------------------


def test_places_hold_the_activations_of_their_windows() -> None:
    image = torch.from_numpy(photograph("coffee", 48)).permute(2, 0, 1)[:, :32]
    at = features().at_places(image)
    assert at.grid == (8, 12)
    torch.testing.assert_close(at.values, activations(image), rtol=1e-4, atol=1e-4)


def test_their_jacobian_is_that_of_automatic_differentiation() -> None:
    image, change = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(0))
    at = features().at_places(image)
    _, exact = torch.func.jvp(activations, (image,), (change,))
    torch.testing.assert_close(at.jvp(change), exact, rtol=1e-3, atol=1e-3)
    weights = torch.randn(at.values.shape, generator=torch.Generator().manual_seed(1))
    _, back = torch.func.vjp(activations, image)
    torch.testing.assert_close(at.vjp(weights), back(weights)[0], rtol=1e-3, atol=1e-3)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 21), st.integers(1, 21))
def test_any_size_has_places_and_an_adjoint(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(height * 100 + width)
    image, change = torch.rand(2, 3, height, width, generator=generator)
    at = features().at_places(image)
    assert at.values.shape == (-(-height // 4) * -(-width // 4), sum(at.taps))
    weights = torch.randn(at.values.shape, generator=generator)
    forward, back = (weights * at.jvp(change)).double().sum(), (at.vjp(weights) * change).double().sum()
    torch.testing.assert_close(forward, back, rtol=1e-3, atol=1e-2)


# --- paintings ----------------------------------------------------------------------------------------------------


def painted(engine: Engine, target: np.ndarray, style: np.ndarray, **changes: object) -> np.ndarray:
    return engine.transfer(request(target, style, dataclasses.replace(PAINTED, **changes))).image


@given(data=st.data())
@settings(deadline=None)
def test_grids_are_resized_bilinearly(data: st.DataObject) -> None:
    """As torch does it in two dimensions at once."""
    sides = st.tuples(st.integers(1, 9), st.integers(1, 9))
    grid, to, count = data.draw(sides), data.draw(sides), data.draw(st.integers(1, 5))
    values = torch.rand(grid[0] * grid[1], count, generator=torch.Generator().manual_seed(count)).double()
    wanted = F.interpolate(values.T.reshape(1, count, *grid), size=to, mode="bilinear", align_corners=False)
    assert torch.allclose(resized(values, grid, to), wanted[0].flatten(1).T)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def nearest_distance(image: np.ndarray, style: np.ndarray) -> float:
    """Mean distance of an image's places to the nearest of the style's, by exact search, in units of the style's."""
    here, there = (activations(torch.from_numpy(x).permute(2, 0, 1)) for x in (image, style))
    spread = there.std(0)
    return torch.cdist(here / spread, there / spread).amin(1).mean().item()


def test_every_place_comes_nearer_to_one_of_the_style(engine: Engine) -> None:
    target, style = photograph("chelsea", 128)[:84], photograph("immunohistochemistry", 128)
    photo = painted(engine, target, style, amounts=(1.0, 0.0, 0.0, 0.0))
    whole = painted(engine, target, style, correspondence="off")
    ours = nearest_distance(painted(engine, target, style), style)
    assert ours < 0.9 * nearest_distance(photo, style)
    assert ours < nearest_distance(whole, style)


def test_what_is_flat_in_the_style_stays_flat(engine: Engine) -> None:
    """The sky of a target whose style has a flat sky gets no marks."""
    stripes = np.where(np.arange(128) % 8 < 4, 0.2, 0.8).astype(np.float32)
    style = np.full((96, 128, 3), 0.7, np.float32)
    style[48:] = stripes[None, :, None]
    target = photograph("chelsea", 128)[:84].copy()
    target[:36] = (0.4, 0.6, 0.9)
    rough = {
        correspondence: np.diff(painted(engine, target, style, correspondence=correspondence)[4:24].mean(2)).std()
        for correspondence in ("auto", "off")
    }
    assert rough["auto"] < 0.01
    assert rough["auto"] < 0.5 * rough["off"]


def test_structure_keeps_more_of_a_face(engine: Engine) -> None:
    """How places differ from each other, as Kolkin, Salavon & Shakhnarovich (2019) measure it."""
    target, style = photograph("astronaut", 256)[:112, 56:168].copy(), photograph("immunohistochemistry", 128)

    def alike(image: np.ndarray) -> torch.Tensor:
        rows = activations(torch.from_numpy(image).permute(2, 0, 1))
        rows = F.normalize(rows - rows.mean(0), dim=1)
        distances = 1 - rows @ rows.T
        return distances / distances.sum(1, keepdim=True)

    own = alike(target)
    lost = [
        (alike(painted(engine, target, style, structure=structure)) - own).abs().sum().item()
        for structure in (0.0, 0.5, 1.0)
    ]
    assert lost == sorted(lost, reverse=True)
    assert lost[-1] < 0.9 * lost[0]


def test_regions_take_marks_from_their_own(engine: Engine) -> None:
    target = np.full((96, 96, 3), 0.5, np.float32)
    target += np.random.default_rng(0).normal(0, 0.05, target.shape).astype(np.float32)
    style = np.zeros((96, 96, 3), np.float32)
    style[:, :48], style[:, 48:] = (0.9, 0.1, 0.1), (0.1, 0.1, 0.9)
    labels = np.repeat(np.arange(96)[None] >= 48, 96, 0).astype(np.int64)
    image = engine.transfer(request(target, style, PAINTED, regions=(1 - labels, labels))).image
    left, right = image[:, 8:40].mean((0, 1)), image[:, 56:88].mean((0, 1))
    assert left[2] > left[0] + 0.3
    assert right[0] > right[2] + 0.3


def test_nothing_is_painted_outside_a_mask(engine: Engine) -> None:
    target, style = photograph("chelsea", 128)[:84], photograph("immunohistochemistry", 128)
    mask = np.zeros(target.shape[:2], np.float32)
    mask[:, :50] = 1.0
    components = engine.transfer(request(target, style, PAINTED, target_seen=mask), render=False).components
    for name in ("forms", "grain"):
        change = components.differences[name].abs().mean(0)
        columns = change.shape[1]
        assert change[:, round(columns * 0.6) :].max() < 0.02 * change.max() + 1e-6


@given(st.floats(0, 1), st.lists(st.floats(0, 1), min_size=3, max_size=5), st.integers(0, 6))
def test_a_layer_without_strength_keeps_its_own(structure: float, strengths: list[float], number: int) -> None:
    kept = kept_share(features(), [0.0, *strengths[1:]], structure, number)
    assert kept.shape == (1, sum(features().sizes))
    assert (kept[:, : features().sizes[0]] == 1.0).all()
    assert ((kept >= 0.0) & (kept <= 1.0)).all()
