"""The photograph's correction: nearer to the style's features, at the least cost in structure."""

from __future__ import annotations

import hypothesis
import numpy as np
import pytest
import scipy.ndimage
import skimage.data
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.filters import sobel, sobel_h, sobel_v
from skimage.metrics import structural_similarity
from torch import Tensor

from decouple_contract.settings import Settings
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.colour import LUMA, ColourMap, ColourMoments, map_between
from decouple_core.features.reference import reference_gram, uniform_noise
from decouple_core.outcomes import correction
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.box import box
from decouple_core.outcomes.correction import Corrected, Structure
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.photograph import CORRECTION_DAMPING
from decouple_core.pictures.resampling import shrink

pytestmark = pytest.mark.usefixtures("one_thread")

UNCHANGED = ColourMap(torch.eye(3, dtype=torch.float64), torch.zeros(3, dtype=torch.float64))


def photograph(name: str, size: int) -> Tensor:
    return shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)


@pytest.fixture(scope="module")
def hierarchy(weights: tuple[str, dict[str, Tensor]]) -> ChannelMeans:
    return ChannelMeans(*weights, uniform_noise(0, 48)).first(2)


@pytest.fixture(scope="module")
def damping(hierarchy: ChannelMeans) -> Tensor:
    gram = reference_gram(hierarchy, uniform_noise(0, 16))
    relative = CORRECTION_DAMPING * Settings().damping
    return torch.cat([relative * d.mean().expand(d.shape) for d in gram.diagonal().split(hierarchy.sizes)])[None]


def lacking(field: Field, slicing: BilateralGrid, hierarchy: ChannelMeans, goal: Tensor) -> Tensor:
    """The goal minus the features of the field's picture."""
    return goal - torch.cat(hierarchy.measure(box(field(slicing.image))), 1)


def correct(slicing: BilateralGrid, field: Field, hierarchy: ChannelMeans, misfit: Tensor, damping: Tensor) -> Field:
    """One step from this field."""
    picture = Corrected(slicing, hierarchy)
    return correction.correct([picture], field, misfit, damping, correction.smoothing_factor(slicing))


@pytest.mark.parametrize("names", [("astronaut", "coffee"), ("coffee", "rocket"), ("rocket", "chelsea")])
def test_correction_brings_the_features_nearer(
    hierarchy: ChannelMeans, damping: Tensor, names: tuple[str, str]
) -> None:
    image, style = (photograph(name, 64) for name in names)
    slicing, goal = BilateralGrid(image), torch.cat(hierarchy.measure(style), 1)
    start = Field(BilateralGrid, slicing.constant(map_between(ColourMoments.of(image), ColourMoments.of(style))))
    corrected = correct(slicing, start, hierarchy, lacking(start, slicing, hierarchy, goal), damping)

    def misses(field: Field) -> list[float]:
        return [
            (ours - wanted).norm().item()
            for ours, wanted in zip(hierarchy.measure(box(field(image))), goal.split(hierarchy.sizes, 1), strict=True)
        ]

    before, after = misses(start), misses(corrected)
    assert all(a < b for a, b in zip(after, before, strict=True))
    # The change is a smooth one: neighbouring cells, which at random would differ by √2, differ by what L leaves.
    change = corrected.parameters - start.parameters
    for axis in (1, 2, 3):
        assert change.diff(dim=axis).square().mean().sqrt() < 0.7 * change.square().mean().sqrt()


def test_nothing_to_gain_changes_nothing(hierarchy: ChannelMeans, damping: Tensor) -> None:
    """The target's own features from the target itself: no misfit and no structure lost."""
    image = 0.35 + 0.3 * photograph("astronaut", 40)  # away from the box, which would round something off
    slicing = BilateralGrid(image)
    field = Field(BilateralGrid, slicing.constant(UNCHANGED))
    ours = correct(slicing, field, hierarchy, torch.zeros_like(damping), damping)
    torch.testing.assert_close(ours(image), field(image), rtol=0, atol=1e-4)


def test_structure_is_weighed_against_features(
    hierarchy: ChannelMeans, damping: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heavier it weighs the more of the edges stay, by scikit-image's own measure, and the less style comes in."""
    image, style = photograph("rocket", 64), photograph("chelsea", 64)
    slicing, goal = BilateralGrid(image), torch.cat(hierarchy.measure(style), 1)
    start = Field(BilateralGrid, slicing.constant(map_between(ColourMoments.of(image), ColourMoments.of(style))))
    edges, misses = [], []
    for weight in (0.0, 10 * correction.STRUCTURE, 1000 * correction.STRUCTURE):
        monkeypatch.setattr(correction, "STRUCTURE", weight)
        picture = box(correct(slicing, start, hierarchy, lacking(start, slicing, hierarchy, goal), damping)(image))
        edges.append(kept_edges(image, picture))
        misses.append((torch.cat(hierarchy.measure(picture), 1) - goal).norm().item())
    assert edges == sorted(edges)
    assert edges[-1] > edges[0] + 0.02
    assert misses == sorted(misses)


def kept_edges(before: Tensor, after: Tensor) -> float:
    return structural_similarity(*(sobel(x.mean(0).numpy()) for x in (before, after)), data_range=1.0)


def test_curvature_is_that_of_the_lost_structure() -> None:
    """Against the formula written down with scikit-image's Sobel and scipy's window."""
    target, other = (photograph(name, 40).double() for name in ("astronaut", "coffee"))
    target, other = target[:, :20, :30], other[:, :20, :30]
    luma = np.tensordot(np.asarray(LUMA), target.numpy(), 1)
    strength = sobel_h(luma) ** 2 + sobel_v(luma) ** 2
    near = scipy.ndimage.uniform_filter(strength, 7, mode="nearest")
    inner = (slice(5, -5), slice(5, -5))  # at the border ours reflects, theirs does not
    cut = torch.zeros_like(target)
    cut[:, 7:-7, 7:-7] = (other - target)[:, 7:-7, 7:-7]
    change = np.tensordot(np.asarray(LUMA), cut.numpy(), 1)
    lost = ((sobel_h(change) ** 2 + sobel_v(change) ** 2) / (near + 0.03**2))[inner].sum() / luma.size
    assert (cut * Structure(target).curvature(cut)).sum().item() == pytest.approx(lost, rel=1e-6)


@hypothesis.settings(max_examples=20, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 2**31))
def test_curvature_is_symmetric_and_never_negative(height: int, width: int, seed: int) -> None:
    a, b, target = torch.rand(3, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    structure = Structure(target)
    forth, back = ((x * structure.curvature(y)).sum().item() for x, y in ((a, b), (b, a)))
    assert forth == pytest.approx(back, abs=1e-9)
    assert (a * structure.curvature(a)).sum().item() >= -1e-12


def test_correction_of_one_colour_is_finite(hierarchy: ChannelMeans, damping: Tensor) -> None:
    image = torch.full((3, 32, 32), 0.5)
    goal = torch.cat(hierarchy.measure(photograph("coffee", 32)), 1)
    slicing = BilateralGrid(image)
    start = Field(BilateralGrid, slicing.constant(UNCHANGED))
    field = correct(slicing, start, hierarchy, lacking(start, slicing, hierarchy, goal), damping)
    assert field.parameters.isfinite().all()
    assert box(field(image)).isfinite().all()
