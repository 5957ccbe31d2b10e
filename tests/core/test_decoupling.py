"""NestedNormalisation itself: against moments whose decoupled form is known, and against its definition ∇f · ∇ǧ = 0."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import skimage.data
import torch
from torch import Tensor

from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.functions import Functions
from decouple_core.features.reference import reference_gram, uniform_noise
from decouple_core.flow.integrators import Integrator, Midpoint, Reversible
from decouple_core.flow.least_norm import DampedLeastNorm
from decouple_core.flow.move import Flow
from decouple_core.flow.nested_normalisation import NestedNormalisation
from decouple_core.pictures.resampling import shrink
from decouple_core.thesis.integrators import Euler, RungeKutta4

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script"),
]  # torch's own, on the first use of its jvp

INTEGRATORS = [Euler(40, corrections=3), Midpoint(40), Reversible(40, settled=1e-12, iterations=40), RungeKutta4(20)]


def one(value: float) -> Tensor:
    return torch.full((1, 1), value, dtype=torch.float64)


def vector(seed: int) -> Tensor:
    """A skewed sample."""
    return torch.from_numpy(np.random.default_rng(seed).gamma(2.0, 1.5, 40) - 0.5)


# --- moments of a vector ------------------------------------------------------------------------------------------


def moments(integrator: Integrator) -> NestedNormalisation:
    """Mean, second and third moment about zero, to be normalised to 0, 1 and 0."""
    hierarchy = Functions([lambda x: x.mean(), lambda x: (x**2).mean(), lambda x: (x**3).mean()], (1, 1, 1))
    damping = torch.full((1, 3), 1e-12, dtype=torch.float64)
    flow = Flow(hierarchy, DampedLeastNorm(damping, [3, 6, 9], [1, 2, 3], tolerance=1e-13))
    return NestedNormalisation(flow, integrator, [one(0.0), one(1.0), one(0.0)])


@pytest.mark.parametrize("integrator", INTEGRATORS, ids=lambda i: type(i).__name__)
@pytest.mark.parametrize("seed", [0, 1])
def test_normalising_moments_is_standardisation_and_then_skewness(integrator: Integrator, seed: int) -> None:
    x = vector(seed)
    features, normalised = moments(integrator).normalise(x, 2)
    torch.testing.assert_close(normalised, (x - x.mean()) / x.std(correction=0), rtol=0, atol=2e-3)
    c = [f.item() for f in moments(integrator).features(x, 3)]
    assert c[:2] == pytest.approx([f.item() for f in features])
    assert c[0] == pytest.approx(x.mean().item(), rel=1e-12)
    assert c[1] == pytest.approx(np.var(x.numpy()), rel=1e-9)  # not the second moment about zero, which is coupled
    assert c[2] == pytest.approx(scipy.stats.skew(x.numpy()), rel=3e-3)


def test_page_about_moments_does_what_it_says() -> None:
    page = Path(__file__).parents[2] / "docs" / "decoupling.md"
    done = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert done.attempted > 20
    assert done.failed == 0


def test_fine_steps_give_the_skewness_to_many_digits() -> None:
    x = vector(2)
    c = moments(RungeKutta4(60)).features(x, 3)
    assert c[2].item() == pytest.approx(scipy.stats.skew(x.numpy()), rel=1e-7)


def test_decoupled_moments_do_not_see_shift_and_scale() -> None:
    x, decoupling = vector(3), moments(RungeKutta4(60))
    c, moved = decoupling.features(x, 3), decoupling.features(1.7 * x + 0.4, 3)
    assert moved[2].item() == pytest.approx(c[2].item(), rel=1e-6)
    assert moved[1].item() == pytest.approx(1.7**2 * c[1].item(), rel=1e-6)


def test_imposing_moments_gives_a_vector_that_has_them() -> None:
    x, decoupling = vector(4), moments(RungeKutta4(40))
    _, normalised = decoupling.normalise(x, 2)
    stages = list(decoupling.impose(normalised, [one(3.0), one(4.0)]))
    assert [layer for layer, _, _ in stages] == [2, 1]
    assert stages[0][2].item() == pytest.approx(4.0, rel=1e-6)  # the variance, while the mean is still 0
    _, end, reached = stages[1]
    assert reached.item() == pytest.approx(3.0, abs=1e-9)
    assert end.mean().item() == pytest.approx(3.0, abs=1e-9)
    assert end.var(correction=0).item() == pytest.approx(4.0, rel=1e-6)
    assert scipy.stats.skew(end.numpy()) == pytest.approx(scipy.stats.skew(x.numpy()), rel=1e-6)


def test_last_layer_is_measured_without_being_carried() -> None:
    x, decoupling = vector(5), moments(RungeKutta4(20))
    features, image = decoupling.normalise(x, 2, last=False)
    torch.testing.assert_close(image, x - x.mean(), rtol=0, atol=1e-9)
    assert features[1].item() == pytest.approx(x.var(correction=0).item(), rel=1e-9)


# --- a network on a photograph ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hierarchy(weights: tuple[str, dict[str, Tensor]]) -> ChannelMeans:
    return ChannelMeans(*weights, uniform_noise(0, 48).double())


@pytest.fixture(scope="module")
def photograph() -> Tensor:
    return shrink(skimage.data.astronaut().astype(np.float32) / 255, 16).double()


def relative_damping(gram: Tensor, sizes: tuple[int, ...], relative: float) -> Tensor:
    return torch.cat([relative * d.mean().expand(d.shape) for d in gram.diagonal().split(sizes)])[None]


@pytest.mark.parametrize(("reference", "most", "factor"), [("itself", 0.01, 30.0), ("noise", 0.05, 4.0)])
def test_decoupled_by_definition(
    hierarchy: ChannelMeans, photograph: Tensor, reference: str, most: float, factor: float
) -> None:
    """The cosine between ∇f₁ and ∇ǧ₂, by finite differences through the whole of normalise.

    Where the picture's own layer 1 is the reference, the two are orthogonal but for the damping; at the distance of
    the noise the manifold of the gradients bends, and something is left. Both are far below the coupled f₂.
    """
    two = hierarchy.first(2)
    gram = reference_gram(two, photograph)
    values = two.measure(photograph if reference == "itself" else uniform_noise(0, 40).double())
    solver = DampedLeastNorm(relative_damping(gram, two.sizes, 1e-2), [20, 20], [64, 192], gram=gram)
    decoupling = NestedNormalisation(Flow(two, solver), Midpoint(3), values)
    generator, at = torch.Generator().manual_seed(0), two.linearise(photograph, 1)

    def derivatives(direction: Tensor) -> Tensor:
        """Of the decoupled and of the coupled second layer along a unit vector, shape (2, 128)."""
        step = 1e-4 / direction.norm() * direction
        forth, back = photograph + step, photograph - step
        return (
            torch.stack(
                [
                    decoupling.features(forth, 2)[1][0] - decoupling.features(back, 2)[1][0],
                    two.measure(forth)[1][0] - two.measure(back)[1][0],
                ]
            )
            / 2e-4
        )

    # Along gradients of the first layer, and along any directions, whose mean square is |∇|² / N.
    along = torch.stack([derivatives(at.vjp(torch.randn(1, 64, generator=generator).double())) for _ in range(3)])
    anywhere = torch.stack([derivatives(torch.randn(photograph.shape, generator=generator).double()) for _ in range(3)])
    lengths = (anywhere.square().mean(0) * photograph.numel()).sqrt()
    decoupled, coupled = (along.square().mean(0).sqrt() / lengths).median(1).values.tolist()
    assert decoupled < most
    assert coupled > factor * decoupled


def test_wearing_its_own_features_an_image_is_itself(hierarchy: ChannelMeans, photograph: Tensor) -> None:
    two = hierarchy.first(2)
    gram = reference_gram(two, uniform_noise(0, 16).double())
    reference = two.measure(uniform_noise(0, 64).double())

    def round_trip(steps: int) -> float:
        solver = DampedLeastNorm(
            relative_damping(gram, two.sizes, 0.3), [100, 100], [64, 192], gram=gram, tolerance=1e-6
        )
        decoupling = NestedNormalisation(Flow(two, solver), Midpoint(steps), reference)
        own, normalised = decoupling.normalise(photograph, 2)
        *_, (_, back, _) = decoupling.impose(normalised, own)
        assert (normalised - photograph).square().mean().sqrt() > 0.05  # it was somewhere else in between
        return -10 * (back - photograph).square().mean().log10().item()

    coarse, fine = round_trip(3), round_trip(6)
    assert coarse > 50.0
    # The rule is of second order, and what is left of its error after a way back of third: at least 12 dB a halving.
    assert fine > coarse + 12.0


def test_layers_are_carried_to_the_reference_and_held_there(hierarchy: ChannelMeans, photograph: Tensor) -> None:
    two = hierarchy.first(2)
    gram = reference_gram(two, photograph)
    reference = two.measure(uniform_noise(0, 64).double())
    solver = DampedLeastNorm(relative_damping(gram, two.sizes, 1e-3), [20, 40], [64, 192], gram=gram)
    decoupling = NestedNormalisation(Flow(two, solver), Midpoint(4), reference)
    own = two.measure(photograph)
    first = two.measure(decoupling.normalise(photograph, 1)[1])
    second = two.measure(decoupling.normalise(photograph, 2)[1])
    way = (own[0] - reference[0]).norm()
    assert (first[0] - reference[0]).norm() < 0.02 * way
    assert (second[0] - reference[0]).norm() < 0.03 * way  # held while layer 2 moved
    assert (second[1] - reference[1]).norm() < 0.1 * (first[1] - reference[1]).norm()


def test_regions_are_normalised_each_for_itself(hierarchy: ChannelMeans, photograph: Tensor) -> None:
    """Two halves far apart at layer 1, whose field of view is three pixels, are two pictures."""
    masks = torch.zeros(2, *photograph.shape[1:], dtype=torch.float64)
    middle = photograph.shape[2] // 2
    masks[0, :, : middle - 2], masks[1, :, middle + 2 :] = 1.0, 1.0
    one_layer = hierarchy.first(1)
    reference = one_layer.measure(uniform_noise(0, 64).double())
    damping = relative_damping(reference_gram(one_layer, photograph), (64,), 1e-2)

    def normalised(masks: Tensor) -> tuple[list[Tensor], Tensor]:
        solver = DampedLeastNorm(damping / masks.mean((1, 2))[:, None], [500], [64], tolerance=1e-9)
        nested = NestedNormalisation(Flow(one_layer.within(masks), solver), Midpoint(3), reference)
        return nested.normalise(photograph, 1)

    features, image = normalised(masks)
    for region in (0, 1):
        own, changed = normalised(masks[region : region + 1])
        torch.testing.assert_close(features[0][region], own[0][0])
        where = masks[region].bool()
        torch.testing.assert_close(image[:, where], changed[:, where], rtol=0, atol=1e-6)
