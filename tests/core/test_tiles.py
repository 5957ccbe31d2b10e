"""Features tile by tile against those of the whole image, and a sample's products against those of all tiles."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.features import channel_means, tiles
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.linearised import LinearisedNetwork, WorkCount
from decouple_core.features.reference import uniform_noise
from decouple_core.features.tiles import SIDE, TiledNetwork, chosen, cut
from decouple_core.features.vgg import Convolution
from decouple_core.flow.gauss_newton import Step, gauss_newton
from decouple_core.flow.least_norm import Spectrum

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore:.*torch.jit.script")]

WIDTHS = (4, 6, 8)
"""Channels of a small network, pooled before its third and fifth convolution, as VGG is."""


def small_network() -> tuple[Convolution, ...]:
    generator = torch.Generator().manual_seed(5)
    plan = [(3, 4, False, True), (4, 4, False, False), (4, 6, True, True), (6, 6, False, False), (6, 8, True, True)]
    return tuple(
        Convolution(
            torch.randn(out, into, 3, 3, dtype=torch.float64, generator=generator) / (3 * into**0.5),
            torch.randn(out, dtype=torch.float64, generator=generator),
            pooled,
            tap,
        )
        for into, out, pooled, tap in plan
    )


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    regions=st.integers(0, 2),
    core=st.sampled_from([16, 32]),
    seed=st.integers(0, 1000),
)
def test_tile_by_tile_equals_the_whole(height: int, width: int, regions: int, core: int, seed: int) -> None:
    """Sums over tiles with a halo: the features, J and Jᵀ to rounding, whatever the size; so no seam can be seen."""
    network = small_network()
    image = uniform(3, height, width, seed=seed)
    masks = uniform(regions, height, width, seed=seed + 1) + 0.1 if regions else None

    def whole(**changes: Any) -> LinearisedNetwork:
        return LinearisedNetwork(changes.pop("image", image), network, [0.4] * 5, **changes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiles, "CORE", core)
        tiled = TiledNetwork(
            image, network, masks, WorkCount(), lambda tile, where, work: whole(image=tile, where=where, work=work)
        )
        at = whole(masks=masks)
        change, weights = uniform(3, height, width, seed=seed + 2), uniform(*at.values.shape, seed=seed + 3)
        torch.testing.assert_close(tiled.values, at.values, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(tiled.jvp(change), at.jvp(change), rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(tiled.vjp(weights), at.vjp(weights), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sharper", [False, True])
@pytest.mark.parametrize("depth", [1, 3, 5])
def test_a_large_image_is_taken_tile_by_tile(
    weights: tuple[str, dict[str, Tensor]], depth: int, monkeypatch: pytest.MonkeyPatch, *, sharper: bool
) -> None:
    """VGG's own reach: with a halo too narrow for the deepest layer the two would differ."""
    plain = ChannelMeans("vgg16", weights[1], uniform_noise(0))
    hierarchy = (plain.sharper() if sharper else plain).first(depth)
    image = torch.rand(3, 150, 203, generator=torch.Generator().manual_seed(1))
    whole = hierarchy.linearise(image, depth)
    monkeypatch.setattr(channel_means, "MOST_PIXELS", 1000)
    monkeypatch.setattr(tiles, "CORE", 64)
    tiled = hierarchy.linearise(image, depth)
    assert isinstance(tiled, TiledNetwork)
    feature_weights = torch.randn(*whole.values.shape, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(tiled.values, whole.values, rtol=1e-4, atol=1e-5)
    gradient = whole.vjp(feature_weights)
    torch.testing.assert_close(tiled.vjp(feature_weights), gradient, rtol=1e-3, atol=1e-5 * gradient.abs().max().item())


@given(height=st.integers(64, 900), width=st.integers(64, 900), regions=st.integers(0, 3), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_a_sample_lies_in_the_image_and_in_every_region(height: int, width: int, regions: int, seed: int) -> None:
    masks = torch.zeros(regions, height, width) if regions else None
    for number in range(regions):  # vertical bands
        assert masks is not None
        masks[number, :, number * width // regions : (number + 1) * width // regions] = 1.0
    corners = chosen((height, width), masks, torch.Generator().manual_seed(seed))
    assert len(set(corners)) == len(corners) >= min(2, (height // SIDE) * (width // SIDE))
    assert all(0 <= top <= height - SIDE and 0 <= left <= width - SIDE for top, left in corners)
    assert all(top % 4 == left % 4 == 0 for top, left in corners)
    if masks is not None:
        assert (cut(masks, torch.tensor(corners)).sum((0, 2, 3)) > 0).all()
    assert corners == chosen((height, width), masks, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("regions", [False, True])
def test_a_sample_stands_for_the_whole(weights: tuple[str, dict[str, Tensor]], *, regions: bool) -> None:
    """On an image that is the same everywhere, its products are those of all places, also where a region is small."""
    hierarchy = ChannelMeans("vgg16", weights[1], uniform_noise(0)).first(2)
    image = torch.rand(3, 320, 320, generator=torch.Generator().manual_seed(1))
    masks = None
    if regions:
        masks = torch.zeros(2, 320, 320)
        masks[0, :, :64], masks[1, :, 64:] = 1.0, 1.0
    within = hierarchy.within(masks)
    corners = within.corners(image, torch.Generator().manual_seed(0))
    assert corners is not None
    assert len(corners) < 15  # of 25
    at, sample = within.linearise(image, 2), within.sample(image, 2, corners)
    a = torch.randn(*at.values.shape, generator=torch.Generator().manual_seed(2))
    metric = torch.ones(1, 320, 320)
    whole, part = at.jvp(image.numel() * at.vjp(a)), sample.product(metric)(a)
    for of_whole, of_part in zip(whole, part, strict=True):
        assert (of_part - of_whole).norm() < 0.3 * of_whole.norm()


def test_a_small_image_is_no_sample(weights: tuple[str, dict[str, Tensor]]) -> None:
    hierarchy = ChannelMeans("vgg16", weights[1], uniform_noise(0))
    assert hierarchy.corners(torch.zeros(3, 128, 128), torch.Generator()) is None


def test_steps_in_a_sample_end_near_those_in_the_whole(
    weights: tuple[str, dict[str, Tensor]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a sample leaves of the way to the goal is no more than 1.3 times what all places leave."""
    hierarchy = ChannelMeans("vgg16", weights[1], uniform_noise(0)).first(2)
    generator = torch.Generator().manual_seed(3)
    ramp = torch.linspace(0.2, 0.8, 256).expand(3, 256, 256)
    start = (ramp + 0.05 * torch.randn(3, 256, 256, generator=generator)).clamp(0, 1)
    goal = torch.cat(hierarchy.measure((ramp + 0.12 * torch.randn(3, 256, 256, generator=generator)).clamp(0, 1)), 1)
    size = goal.shape[1]

    def left() -> float:
        image, _ = gauss_newton(
            hierarchy,
            start,
            goal,
            [Step(0.3, 6), Step(0.1, 6)],
            torch.ones(1, size),
            Spectrum.of(torch.eye(size), torch.ones(1, size)),
            metric=torch.ones(1, 256, 256),
        )
        return (torch.cat(hierarchy.measure(image), 1) - goal).norm().item()

    sampled = left()
    monkeypatch.setattr(channel_means, "SAMPLED_PIXELS", 10**9)
    assert sampled < 1.3 * left()
