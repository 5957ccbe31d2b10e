"""The layer hierarchy: VGG's channel means, a user's own functions, and dead features left out."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.networks import SHARPER_WIDTHS, WIDTHS
from decouple_core.features.channel_means import SCHEDULE, SMOOTHING, ChannelMeans
from decouple_core.features.functions import Functions
from decouple_core.features.hierarchy import ActiveFeatures, Hierarchy
from decouple_core.features.identity import identity_of
from decouple_core.features.linearised import LinearisedNetwork
from decouple_core.features.reference import uniform_noise
from decouple_core.features.vgg import convolutions

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own, on the first use of its jvp

Weights = tuple[str, dict[str, Tensor]]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def smooth(weights: Weights) -> ChannelMeans:
    return ChannelMeans(*weights, uniform_noise(0, 48).double())


@pytest.fixture(scope="module")
def rectified(weights: Weights) -> ChannelMeans:
    return ChannelMeans(*weights, uniform_noise(0, 48).double(), smooth=False)


# --- channel means ------------------------------------------------------------------------------------------------


def test_five_layers_of_the_known_sizes(smooth: ChannelMeans) -> None:
    assert smooth.sizes == WIDTHS
    assert sum(WIDTHS) == 1472
    assert [m.shape for m in smooth.measure(uniform_noise(1, 17).double())] == [(1, n) for n in WIDTHS]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_a_prefix_of_the_layers_has_the_same_features(smooth: ChannelMeans, depth: int) -> None:
    image = uniform_noise(1, 19).double()
    whole = smooth.measure(image)
    for ours, wanted in zip(smooth.measure(image, depth), whole[:depth], strict=True):
        torch.testing.assert_close(ours, wanted)
    short = smooth.first(depth)
    assert short.sizes == WIDTHS[:depth]
    for ours, wanted in zip(short.measure(image), whole[:depth], strict=True):
        torch.testing.assert_close(ours, wanted)
    assert smooth.sizes == WIDTHS  # the original is as it was


def test_sharper_features_are_means_of_more_channels(smooth: ChannelMeans, weights: Weights) -> None:
    """With half the smoothing and the second convolutions of two blocks, by another way and by automatic gradients."""
    sharper, image = smooth.sharper(), uniform_noise(2, 22).double()
    network, epsilons = convolutions("vgg16", weights[1], dtype=torch.float64), smooth.smoothing
    assert epsilons is not None

    def means(x: Tensor) -> Tensor:
        a, found = x[None], []
        for number, (layer, epsilon) in enumerate(zip(network[:5], epsilons, strict=False)):
            a = F.avg_pool2d(a, 2, ceil_mode=True, count_include_pad=False) if number in (2, 4) else a
            h = F.conv2d(F.pad(a, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)
            a = (h + torch.sqrt(h**2 + (epsilon / 2) ** 2)) / 2
            found.append(a.mean((0, 2, 3)))
        return torch.cat(found)

    at, feature_weights = sharper.linearise(image, 3), normal(1, sum(SHARPER_WIDTHS[:3]))
    assert sharper.sizes == SHARPER_WIDTHS
    torch.testing.assert_close(at.values[0], means(image))
    wanted = torch.func.vjp(means, image)[1](feature_weights[0])[0]
    torch.testing.assert_close(at.vjp(feature_weights), wanted)
    assert smooth.of_sizes(SHARPER_WIDTHS[:2]).identity == sharper.identity != smooth.identity
    assert smooth.of_sizes(WIDTHS[:2]) is smooth
    with pytest.raises(InputError, match="damaged"):
        smooth.of_sizes((64, 256))


@pytest.mark.parametrize("masked", [False, True])
def test_quick_features_are_the_same_to_the_rounding_of_bfloat16(weights: Weights, *, masked: bool) -> None:
    coarse = ChannelMeans(*weights, uniform_noise(3, 40), linear_dtype=torch.bfloat16)
    image, change, split = uniform_noise(2, 40), normal(3, 40, 40).float(), uniform_noise(5, 40)[0]
    masks = torch.stack([split, 1 - split]) if masked else None
    for features in (coarse, coarse.sharper()):
        exact = features.precise().within(masks).linearise(image, 3)
        quick = features.quick().within(masks).linearise(image, 3)
        assert quick.values.dtype == torch.float32
        # 2⁻⁹ a rounding: few are left in a mean over places, all of them in a product
        for ours, wanted, bound in (
            (quick.values, exact.values, 0.003),
            (quick.jvp(change), exact.jvp(change), 0.03),
            (quick.vjp(exact.values), exact.vjp(exact.values), 0.03),
        ):
            assert 0 < ((ours - wanted).norm() / wanted.norm()).item() < bound
    plain = coarse.precise()
    assert plain.quick() is plain


def test_smoothing_follows_the_noise(weights: Weights) -> None:
    """ε is a share of the standard deviation of each pre-activation on the noise: the first three, done by hand."""
    noise, image = uniform_noise(3, 40).double(), uniform_noise(4, 16).double()
    network = convolutions("vgg16", weights[1], dtype=torch.float64)[:3]
    a, smoothing = noise[None], []
    for layer in network:
        a = F.avg_pool2d(a, 2) if layer.pooled_before else a
        h = F.conv2d(F.pad(a, (1, 1, 1, 1), mode="reflect"), layer.weight, layer.bias)
        smoothing.append(SMOOTHING * float(np.std(h.numpy(), ddof=1)))
        a = (h + (h**2 + smoothing[-1] ** 2).sqrt()) / 2
    expected = LinearisedNetwork(image, network, smoothing).values
    ours = ChannelMeans("vgg16", weights[1], noise).linearise(image, 2).values
    torch.testing.assert_close(ours, expected, rtol=1e-10, atol=0)


def test_regions_are_copies_that_share_the_count(smooth: ChannelMeans) -> None:
    image = uniform_noise(1, 16).double()
    masks = torch.rand(3, 16, 16, dtype=torch.float64)
    before = smooth.work.of("forward")
    assert smooth.within(masks).linearise(image, 2).values.shape == (3, 192)
    assert smooth.linearise(image, 2).values.shape == (1, 192)
    assert smooth.work.of("forward") == before + 2


def test_costs_are_multiply_adds_per_pixel(smooth: ChannelMeans) -> None:
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512]
    area, costs = [1, 1, 4, 4, 16, 16, 16, 64, 64, 64, 256], []
    for n, (a, b) in enumerate(itertools.pairwise(widths)):
        costs.append(9 * a * b / area[n])
    total = np.cumsum(costs)
    assert smooth.costs == pytest.approx([total[n] for n in (0, 2, 4, 7, 10)])


def test_photographs_and_noise_answer_at_every_smooth_channel(smooth: ChannelMeans) -> None:
    for image in (uniform_noise(1, 24).double(), torch.full((3, 24, 24), 0.5, dtype=torch.float64)):
        assert all((layer > 0).all() for layer in smooth.measure(image))


# --- functions of one's own ---------------------------------------------------------------------------------------


def test_functions_and_their_derivatives() -> None:
    """f₁ = mean, f₂ = (Σ x², Σ x³), whose derivatives are known."""
    hierarchy: Hierarchy = Functions([lambda x: x.mean(), lambda x: torch.stack([(x**2).sum(), (x**3).sum()])], (1, 2))
    x, change = normal(7), normal(7, seed=1)
    at = hierarchy.linearise(x, 2)
    j = torch.stack([torch.full_like(x, 1 / 7), 2 * x, 3 * x**2])
    torch.testing.assert_close(at.values[0], torch.stack([x.mean(), (x**2).sum(), (x**3).sum()]))
    torch.testing.assert_close(at.jvp(change)[0], j @ change)
    w = normal(1, 3, seed=2)
    torch.testing.assert_close(at.vjp(w), w[0] @ j)
    assert hierarchy.linearise(x, 1).values.shape == (1, 1)
    assert [m.shape for m in hierarchy.measure(x)] == [(1, 1), (1, 2)]


def test_functions_of_whole_images_refuse_regions() -> None:
    hierarchy = Functions([lambda x: x.mean()], (1,))
    assert hierarchy.within(None) is hierarchy
    with pytest.raises(InputError, match="remove masks"):
        hierarchy.within(torch.ones(1, 4, 4))


def test_the_first_of_several_functions() -> None:
    hierarchy = Functions([lambda x: x.mean(), lambda x: x.square().mean((1, 2))], (1, 3))
    first, image = hierarchy.first(1), uniform_noise(1, 5)
    assert (first.sizes, first.names, hierarchy.sizes) == ((1,), ("layer1",), (1, 3))
    (measured,) = first.measure(image)
    torch.testing.assert_close(measured, image.mean().reshape(1, 1))


def test_a_schedule_that_nobody_has_measured_is_more_cautious_than_the_measured_one() -> None:
    """Of at least as many iterations and steps in each layer as VGG's."""
    schedule = Functions([lambda x: x.mean()] * 5, (1,) * 5).schedule
    for ours, measured in (
        (schedule.iterations, SCHEDULE.iterations),
        (schedule.warm_iterations, SCHEDULE.warm_iterations),
        (schedule.held, SCHEDULE.held),
    ):
        assert len(ours) == len(measured)
        assert all(o >= m for o, m in zip(ours, measured, strict=True))
    assert list(schedule.steps_of("midpoint")) == [8] * 5 == list(SCHEDULE.steps_of("of one's own"))
    assert list(SCHEDULE.steps_of("midpoint")) == [8, 2, 2, 2, 2]


# --- identities ---------------------------------------------------------------------------------------------------


def test_equal_values_have_one_identity_and_others_another() -> None:
    def values() -> list[Any]:
        return [
            None,
            True,
            1,
            1.0,
            "1",
            b"1",
            [1],
            [[1]],
            [1, 2],
            [12],
            {"a": 1},
            {"a": 2},
            {"b": 1},
            torch.ones(2),
            torch.ones(1, 2),
            torch.ones(2).double(),
            np.zeros(2, np.float32),
        ]

    ours, theirs = ([identity_of(value) for value in values()] for _ in range(2))
    assert ours == theirs
    assert len(set(ours)) == len(ours)
    assert identity_of("a", "b") != identity_of("ab")
    assert identity_of({"a": 1, "b": 2}) == identity_of({"b": 2, "a": 1})
    assert identity_of(torch.ones(3, 2).T) == identity_of(torch.ones(2, 3))
    with pytest.raises(TypeError, match="set has no identity"):
        identity_of({1})


# --- dead features ------------------------------------------------------------------------------------------------


def test_smooth_channels_are_never_dead_where_rectified_ones_are(smooth: ChannelMeans, rectified: ChannelMeans) -> None:
    noise = uniform_noise(0).double()
    dead = [int((m == 0).sum()) for m in rectified.measure(noise)]
    assert all((m > 0).all() for m in smooth.measure(noise))
    # Hardly any in the shallow layers, more than a quarter in the deep ones. Padding by zeros, whose frame sets off
    # some channels, leaves 60 and 102 of the 148 and 193 counted here.
    assert max(dead[:3]) < 20
    assert min(dead[3:]) > 128


def test_dead_features_are_zero_and_have_no_gradient(rectified: ChannelMeans) -> None:
    image = uniform_noise(5, 20).double()
    whole = rectified.linearise(image, 4)
    live = (whole.values[0] > 0).double()
    assert 0 < live.sum() < live.numel()
    # what is dead really has no gradient, so nothing is lost by leaving it out
    dead = 1 - live
    assert not whole.vjp(dead[None] * normal(1, 960)).any()
    live[:10] = 0.0  # dead elsewhere, on the noise for instance
    at = ActiveFeatures(rectified, torch.cat([live, live.new_ones(512)])).linearise(image, 4)
    w, change = normal(1, 960), normal(3, 20, 20)
    torch.testing.assert_close(at.values, whole.values * live)
    torch.testing.assert_close(at.jvp(change), whole.jvp(change) * live)
    torch.testing.assert_close(at.vjp(w), whole.vjp(w * live))
    assert not at.values[0, :10].any()
    assert not at.jvp(change)[0, :10].any()
    assert not at.vjp(F.one_hot(torch.tensor([3]), 960).double()).any()
