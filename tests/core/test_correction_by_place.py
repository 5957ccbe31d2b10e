"""The correction by place: its operator and its gradient against the sum that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_contract.settings import Settings
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.colour import LUMA
from decouple_core.features.reference import reference_gram, uniform_noise
from decouple_core.flow.solvers import Operator, Solution, conjugate_gradients
from decouple_core.outcomes import correction_by_place as by_place
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box
from decouple_core.outcomes.correction import Structure
from decouple_core.outcomes.correction_by_place import (
    LIGHTNESSES,
    Goal,
    Shown,
    Whitened,
    WindowedMaps,
    corrected,
    measured,
    on_grid,
)
from decouple_core.outcomes.photograph import CORRECTION_DAMPING
from decouple_core.pictures.resampling import shrink

pytestmark = pytest.mark.usefixtures("one_thread")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def photograph(name: str, height: int = 20, width: int = 28) -> Tensor:
    pixels = getattr(skimage.data, name)().astype(np.float32) / 255
    return shrink(pixels, width)[:, :height].double()


def parts_of(count: int, cells: tuple[int, int, int] = (4, 3, 5)) -> Tensor:
    """Parts of windows at a grid's vertices, summing to 1."""
    parts = noise(count, *cells, seed=count)
    return parts / parts.sum(0)


# --- the family of maps -------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), windows=st.integers(1, 4), seed=st.integers(0, 1000))
def test_adjoints(height: int, width: int, windows: int, seed: int) -> None:
    maps = WindowedMaps(noise(3, height, width, seed=seed), parts_of(windows))
    change = noise(3, height, width, seed=seed + 1) - 0.5
    y, pulled = noise(*maps.shape, seed=seed + 2) - 0.5, maps.adjoint(change)
    assert (maps.apply(y) * change).sum().item() == pytest.approx((y * pulled).sum().item(), rel=1e-6, abs=1e-7)
    for family in (Whitened([maps]), Whitened([maps], by_place.colours_of(photograph("coffee")))):
        assert (family.parameters(y) * pulled).sum().item() == pytest.approx(
            (y * family.adjoint(pulled)).sum().item(), rel=1e-6, abs=1e-7
        )


def test_maps_are_affine_by_window_and_lightness() -> None:
    """Written out for some pixels, with one window's part at one level alone."""
    image, parts = photograph("astronaut"), parts_of(3)
    maps = WindowedMaps(image, parts)
    here = BilateralGrid(image, (12, 4, 3, 5)).sampled(parts)
    parameters = noise(*maps.shape)
    change = maps.apply(parameters)
    table = parameters.view(3, 4, LIGHTNESSES, 3)
    for y, x in ((0, 0), (11, 17), (19, 27)):
        pixel = image[:, y, x]
        level = float(pixel @ torch.tensor(LUMA, dtype=torch.float64)) * (LIGHTNESSES - 1)
        low = min(int(level), LIGHTNESSES - 2)
        of_level = torch.lerp(table[:, :, low], table[:, :, low + 1], level - low)
        matrix = of_level @ here[:, y, x]
        torch.testing.assert_close(change[:, y, x], matrix @ torch.cat([pixel, pixel.new_ones(1)]))


def test_the_grid_does_what_the_family_does() -> None:
    """Where the grid has the family's levels, and each window is the same all over."""
    image = photograph("coffee")
    share = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    parts = share[:, None, None, None].expand(3, LIGHTNESSES, 3, 5)
    maps = WindowedMaps(image, parts)
    parameters = noise(*maps.shape) - 0.5
    grid = on_grid(parameters, parts)
    torch.testing.assert_close(BilateralGrid(image, grid.shape).apply(grid), maps.apply(parameters))


def test_whitened_steps_count_by_what_they_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what holds steps back (B L)ᵀ B L is a multiple of the identity, but for one combination of parameters.

    That one changes nothing: it takes the luma, which the colours add up to, and gives it back by the offsets.
    """
    monkeypatch.setattr(by_place, "ROUGHNESS", 1e-12)
    monkeypatch.setattr(by_place, "RIDGE", 1e-12)
    image = (3 * noise(3, 60, 60) - 1).clamp(0, 1)
    ramp = torch.linspace(0, 1, 20, dtype=image.dtype)  # of all lightnesses
    image[:, :, :20] = (ramp + 0.1 * (noise(3, 60, 20, seed=1) - 0.5)).clamp(0, 1)
    maps = WindowedMaps(image, parts_of(1))
    family = Whitened([maps])
    identity = torch.eye(maps.shape[1], dtype=torch.float64)
    pulled = torch.stack(
        [family.adjoint(maps.adjoint(maps.apply(family.parameters(one.expand(3, -1)))))[0] for one in identity]
    )
    nothing, *others = torch.linalg.eigvalsh(pulled).tolist()
    assert nothing == pytest.approx(0, abs=1e-5 * others[-1])
    np.testing.assert_allclose(others, others[-1], rtol=1e-5)


# --- the low-pass -------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 30), width=st.integers(1, 30), seed=st.integers(0, 1000))
def test_low_pass_is_a_symmetric_projection(height: int, width: int, seed: int) -> None:
    one, other = noise(3, height, width, seed=seed), noise(3, height, width, seed=seed + 1)
    low = by_place._low_pass(one)
    assert (low * other).sum().item() == pytest.approx((one * by_place._low_pass(other)).sum().item(), rel=1e-9)
    torch.testing.assert_close(by_place._low_pass(low), low)
    side = by_place.PATCH
    torch.testing.assert_close(
        low[:, :side, :side], one[:, :side, :side].mean((1, 2), keepdim=True).expand_as(low[:, :side, :side])
    )


# --- the step -----------------------------------------------------------------------------------------------------


@dataclass
class Case:
    """A tiny correction, with the systems that it has solved."""

    shown: list[Shown]
    goal: Goal
    hierarchy: ChannelMeans
    systems: list[tuple[Operator, Tensor]]
    answer: Tensor


def shown(target: Tensor, made: Tensor, seed: int = 0, shares: tuple[float, float] = (1.0, 1.0)) -> Shown:
    """A picture with two windows."""
    return Shown(
        parts_of(2),
        (target, target),
        (made, made),
        noise(2, 10, 14, seed=seed),
        torch.tensor(shares, dtype=torch.float64),
    )


@pytest.fixture(scope="module", params=[1, 2], ids=["one picture", "two pictures"])
def case(weights: tuple[str, dict[str, Tensor]], request: pytest.FixtureRequest) -> Case:
    hierarchy = ChannelMeans(*weights, uniform_noise(0, 48).double()).first(2)
    target, style = photograph("astronaut"), photograph("coffee")
    pictures = [shown(target, 0.9 * target + 0.05)]
    if request.param == 2:
        small = photograph("chelsea", 16, 20)
        pictures = [shown(target, 0.9 * target + 0.05, 0, (0.3, 0.8)), shown(small, small**1.5, 1, (0.7, 0.2))]
    masks = noise(2, 10, 14)
    full = F.interpolate(masks[None], size=style.shape[1:], mode="bilinear")[0]
    means = torch.cat(hierarchy.within(full).measure(style), 1)
    gram = reference_gram(hierarchy, uniform_noise(0, 16).double())
    damping = torch.cat(
        [
            CORRECTION_DAMPING * Settings().damping * layer.mean().expand(layer.shape)
            for layer in gram.diagonal().split(hierarchy.sizes)
        ]
    )[None]
    goal = Goal(means, damping)
    systems: list[tuple[Operator, Tensor]] = []

    def noted(operator: Operator, right_side: Tensor, **how: Any) -> Solution:
        systems.append((operator, right_side))
        return conjugate_gradients(operator, right_side, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_place, "conjugate_gradients", noted)
        answer = corrected(pictures, goal, hierarchy)
    return Case(pictures, goal, hierarchy, systems, answer)


def lost(case: Case, y: Tensor) -> float:
    """What the first step is to make small, features and all, for a step y."""
    maps = [WindowedMaps(one.target[0], one.parts) for one in case.shown]
    colours = by_place.colours_of(torch.cat([box(one.made[0]).flatten(1) for one in case.shown], 1))
    parameters, against, means = Whitened(maps, colours).parameters(y), 0.0, torch.zeros_like(case.goal.means)
    for one, of_one in zip(case.shown, maps, strict=True):
        target, start = one.target[0], box(one.made[0])
        picture = box(one.made[0] + of_one.apply(parameters))
        masks = F.interpolate(one.masks[None], size=target.shape[1:], mode="bilinear")[0]
        means += one.shares[:, None] * torch.cat(case.hierarchy.within(masks).measure(picture), 1)
        from_target, change = picture - target, picture - start
        side = by_place.PATCH
        squares = sum(
            square.numel() * square.mean((1, 2)).square().sum().item() / 3
            for rows in change.split(side, 1)
            for square in rows.split(side, 2)
        )
        against += (
            by_place.BLOTCHES * squares / change.numel()
            + by_place.STRUCTURE * (from_target * Structure(target).curvature(from_target)).sum().item()
        ) / len(maps)
    return 0.5 * (
        ((means - case.goal.means).square() / case.goal.damping).sum().item() + against + y.square().sum().item()
    )


def test_right_side_is_the_way_downhill(case: Case) -> None:
    """Against differences of the sum itself, from features to low-pass, in some directions."""
    downhill = case.systems[0][1]
    directions = [noise(*downhill.shape, seed=seed) - 0.5 for seed in range(3)] + [downhill]
    for direction in directions:
        step = 1e-4 * direction / direction.norm()
        slope = (lost(case, step) - lost(case, -step)) / 2
        assert slope == pytest.approx(-(step * downhill).sum().item(), rel=1e-3)


def test_operator_is_symmetric_and_positive(case: Case) -> None:
    assert len(case.systems) == by_place.STEPS
    for operator, downhill in case.systems[:1]:
        one, other = (noise(*downhill.shape, seed=seed) - 0.5 for seed in range(2))
        forth, back = ((x * operator(y)).sum().item() for x, y in ((one, other), (other, one)))
        assert forth == pytest.approx(back, rel=1e-6)
        for direction in (one, other, downhill):
            assert (direction * operator(direction)).sum() >= direction.square().sum()  # the identity is in it


def test_the_sum_falls(case: Case) -> None:
    operator, downhill = case.systems[0]
    step = conjugate_gradients(operator, downhill, tolerance=0.0, iterations=by_place.ITERATIONS).multipliers
    assert lost(case, step) < 0.9 * lost(case, torch.zeros_like(step))


def test_windows_come_nearer_to_their_means(case: Case) -> None:
    there = []
    for one in case.shown:
        grid = on_grid(case.answer, one.parts)
        there.append(BilateralGrid(one.target[0], grid.shape).apply(grid))
    before, after = (
        (
            measured(
                case.hierarchy,
                case.shown,
                [box(one.made[0] + share * added) for one, added in zip(case.shown, there, strict=True)],
            )
            - case.goal.means
        )
        .norm()
        .item()
        for share in (0, 1)
    )
    assert case.answer.isfinite().all()
    assert after < before


def test_nothing_to_gain_changes_nothing(case: Case) -> None:
    images = [0.3 + 0.4 * one.target[0] for one in case.shown]  # where the box changes nothing
    unchanged = [
        replace(one, target=(image, image), made=(image, image)) for one, image in zip(case.shown, images, strict=True)
    ]
    means = measured(case.hierarchy, unchanged, [box(image) for image in images])
    added = corrected(unchanged, Goal(means, case.goal.damping), case.hierarchy)
    for one, image in zip(unchanged, images, strict=True):
        grid = on_grid(added, one.parts)
        assert BilateralGrid(image, grid.shape).apply(grid).abs().max() < 1e-3


def test_equal_pictures_are_corrected_as_one(case: Case) -> None:
    alone, thrice = (
        corrected([replace(case.shown[0], shares=torch.ones(2).double() / count)] * count, case.goal, case.hierarchy)
        for count in (1, 3)
    )
    torch.testing.assert_close(thrice, alone, rtol=0, atol=1e-6 * alone.abs().max().item())


# --- colours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "axes",
    [[(1.0, 1.0, 1.0)], [(1.0, 0.8, 0.6)], [(1.0, 1.0, 1.0), (1.0, 0.0, -1.0)]],
    ids=["grey", "sepia", "a plane"],
)
def test_changes_stay_within_the_colours_that_there_are(axes: list[tuple[float, ...]]) -> None:
    """Those along the axes pass, those across them do not."""
    along = torch.linalg.qr(torch.tensor(axes, dtype=torch.float64).T).Q
    image = 0.5 + 0.2 * torch.einsum("ca,ahw->chw", along, noise(len(axes), 12, 15) - 0.5)
    colours = by_place.colours_of(image)
    torch.testing.assert_close(colours, along @ along.T, rtol=0, atol=2e-3)
    maps = WindowedMaps(image, parts_of(2))
    change = maps.apply(Whitened([maps], colours).parameters(noise(*maps.shape))).flatten(1)
    across = change - along @ (along.T @ change)
    assert across.norm() < 1e-3 * change.norm()


def test_all_colours_are_there_in_a_photograph() -> None:
    torch.testing.assert_close(by_place.colours_of(photograph("astronaut")), torch.eye(3).double(), rtol=0, atol=0.01)


def test_one_colour_is_not_changed() -> None:
    assert not by_place.colours_of(torch.full((3, 5, 5), 0.3)).any()
