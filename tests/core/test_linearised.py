"""J and Jᵀ against torch's own derivatives of a network written down a second time, the plain way."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.features.linearised import LinearisedNetwork, WorkCount, pad, pad_adjoint
from decouple_core.features.vgg import IMAGENET_DEVIATION, IMAGENET_MEAN, Convolution, convolutions, layer_names

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own, on the first use of its jvp

TAPS = (0, 2, 4, 7, 10)
"""Which of VGG-16's convolutions are tapped."""

SMOOTHING = tuple(0.3 + 0.05 * i for i in range(11))
"""Some ε for each activation; the real ones come from noise."""

SHAPES = [(16, 24), (17, 23), (1, 21), (19, 1), (1, 1), (2, 3)]


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def uniform(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=generator(seed))


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=generator(seed))


def reflected(x: Tensor) -> Tensor:
    """One pixel of reflection on every side, by index; a single pixel repeats."""

    def places(n: int) -> list[int]:
        return [min(1, n - 1), *range(n), max(n - 2, 0)]

    return x[..., places(x.shape[-2]), :][..., places(x.shape[-1])]


def plain_means(
    image: Tensor,
    weights: dict[str, Tensor],
    depth: int,
    smoothing: tuple[float, ...] | None,
    masks: Tensor | None = None,
) -> Tensor:
    """The channel means as one would write them down without any derivative in mind."""
    mean, deviation = (torch.tensor(v, dtype=torch.float64)[:, None, None] for v in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    a = ((image - mean) / deviation)[None]
    means = []
    for index, name in enumerate(layer_names("vgg16")[: TAPS[depth - 1] + 1]):
        if index in TAPS[1:]:
            a = (
                F.max_pool2d(a, 2, ceil_mode=True)
                if smoothing is None
                else F.avg_pool2d(a, 2, ceil_mode=True, count_include_pad=False)
            )
        h = F.conv2d(reflected(a), weights[f"{name}.weight"].double(), weights[f"{name}.bias"].double())
        a = F.relu(h) if smoothing is None else (h + torch.sqrt(h**2 + smoothing[index] ** 2)) / 2
        if index in TAPS:
            if masks is None:
                means.append(a[0].mean((1, 2))[None])
            else:
                m = F.adaptive_avg_pool2d(masks[None], (a.shape[2], a.shape[3]))[0]
                means.append((a * m[:, None]).sum((2, 3)) / m.sum((1, 2))[:, None])
    return torch.cat(means, 1)


@pytest.fixture(scope="module")
def network(weights: tuple[str, dict[str, Tensor]]) -> tuple[Convolution, ...]:
    return convolutions("vgg16", weights[1], dtype=torch.float64)


def linearised(
    image: Tensor,
    network: tuple[Convolution, ...],
    depth: int,
    *,
    smooth: bool,
    masks: Tensor | None = None,
    work: WorkCount | None = None,
) -> LinearisedNetwork:
    return LinearisedNetwork(
        image, network[: TAPS[depth - 1] + 1], SMOOTHING if smooth else None, masks=masks, work=work
    )


@pytest.mark.parametrize("regions", [0, 2])
@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("smooth", [True, False])
def test_equal_to_automatic_differentiation(
    network: tuple[Convolution, ...], weights: tuple[str, dict[str, Tensor]], *, smooth: bool, depth: int, regions: int
) -> None:
    for shape in SHAPES:
        image, change = uniform(3, *shape, seed=1), normal(3, *shape, seed=2)
        masks = uniform(regions, *shape, seed=3) if regions else None

        def means(x: Tensor, masks: Tensor | None = masks) -> Tensor:
            return plain_means(x, weights[1], depth, SMOOTHING if smooth else None, masks)

        at = linearised(image, network, depth, smooth=smooth, masks=masks)
        values, pull, *_ = torch.func.vjp(means, image)
        torch.testing.assert_close(at.values, values, rtol=1e-8, atol=1e-10)
        moved = torch.func.jvp(means, (image,), (change,))[1]
        torch.testing.assert_close(at.jvp(change), moved, rtol=1e-8, atol=1e-10)
        feature_weights = normal(*values.shape, seed=4)
        torch.testing.assert_close(at.vjp(feature_weights), pull(feature_weights)[0], rtol=1e-8, atol=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    depth=st.integers(1, 5),
    smooth=st.booleans(),
    regions=st.integers(0, 3),
    seed=st.integers(0, 2**31),
)
def test_adjoint(
    network: tuple[Convolution, ...], height: int, width: int, depth: int, smooth: bool, regions: int, seed: int
) -> None:
    """⟨J a, w⟩ = ⟨a, Jᵀ w⟩."""
    masks = uniform(regions, height, width, seed=seed) + 0.01 if regions else None
    at = linearised(uniform(3, height, width, seed=seed), network, depth, smooth=smooth, masks=masks)
    a, w = normal(3, height, width, seed=seed + 1), normal(*at.values.shape, seed=seed + 2)
    forth, back = at.jvp(a), at.vjp(w)
    scale = (forth.norm() * w.norm() + a.norm() * back.norm()).item()
    assert (forth * w).sum().item() == pytest.approx((a * back).sum().item(), abs=1e-12 * scale + 1e-300)


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 7), width=st.integers(1, 7), seed=st.integers(0, 2**31))
def test_padding_and_its_adjoint(height: int, width: int, seed: int) -> None:
    x, y = normal(1, 2, height, width, seed=seed), normal(1, 2, height + 2, width + 2, seed=seed + 1)
    torch.testing.assert_close(pad(x), reflected(x), rtol=0, atol=0)
    back = pad_adjoint(y.clone())
    assert back.shape == x.shape
    assert (pad(x) * y).sum().item() == pytest.approx((x * back).sum().item(), abs=1e-12)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("regions", [0, 2])
def test_batch_of_pullbacks_is_each_alone(network: tuple[Convolution, ...], *, smooth: bool, regions: int) -> None:
    masks = uniform(regions, 11, 9, seed=5) if regions else None
    at = linearised(uniform(3, 11, 9), network, 3, smooth=smooth, masks=masks)
    batch = normal(4, *at.values.shape)
    each = torch.stack([at.vjp(w) for w in batch])
    assert at.vjp(batch).shape == (4, 3, 11, 9)
    torch.testing.assert_close(at.vjp(batch), each, rtol=1e-10, atol=1e-14)


def test_little_smoothing_comes_near_relu_with_average_pooling(
    network: tuple[Convolution, ...], weights: tuple[str, dict[str, Tensor]]
) -> None:
    image = uniform(3, 18, 21)
    a = (image - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_DEVIATION)[:, None, None]
    a, means = a[None], []
    for index, name in enumerate(layer_names("vgg16")):
        if index in TAPS[1:]:  # the mean of what is there, edges without remainder padding
            a = torch.stack(
                [
                    torch.stack([a[0, :, i : i + 2, j : j + 2].mean((1, 2)) for j in range(0, a.shape[3], 2)], -1)
                    for i in range(0, a.shape[2], 2)
                ],
                -2,
            )[None]
        a = F.conv2d(reflected(a), weights[1][f"{name}.weight"].double(), weights[1][f"{name}.bias"].double()).relu()
        if index in TAPS:
            means.append(a[0].mean((1, 2)))
    expected = torch.cat(means)[None]
    distances = [
        (LinearisedNetwork(image, network, [eps] * 11).values - expected).abs().max().item()
        for eps in (1e-1, 1e-3, 1e-6)
    ]
    assert distances[2] < 1e-4 < distances[0]
    assert distances[2] < distances[1] < distances[0]


def test_hard_mask_is_the_mean_over_its_pixels(network: tuple[Convolution, ...]) -> None:
    image = uniform(3, 12, 10)
    mask = torch.zeros(1, 12, 10, dtype=torch.float64)
    mask[:, :, :4] = 1.0
    h = F.conv2d(reflected(image[None]), network[0].weight, network[0].bias)
    a = (h + torch.sqrt(h**2 + SMOOTHING[0] ** 2)) / 2
    at = linearised(image, network, 1, smooth=True, masks=mask)
    torch.testing.assert_close(at.values, a[0, :, :, :4].mean((1, 2))[None], rtol=1e-10, atol=1e-12)


@settings(max_examples=15, deadline=None)
@given(height=st.integers(1, 12), width=st.integers(1, 12), level=st.floats(0.01, 1.0))
def test_even_mask_changes_nothing(network: tuple[Convolution, ...], height: int, width: int, level: float) -> None:
    image = uniform(3, height, width)
    mask = torch.full((1, height, width), level, dtype=torch.float64)
    with_mask, without = (linearised(image, network, 5, smooth=True, masks=m) for m in (mask, None))
    torch.testing.assert_close(with_mask.values, without.values, rtol=1e-9, atol=1e-11)
    w = normal(*without.values.shape)
    torch.testing.assert_close(with_mask.vjp(w), without.vjp(w), rtol=1e-8, atol=1e-11)


def test_masks_that_divide_the_image_divide_the_mean(network: tuple[Convolution, ...]) -> None:
    """At the first tap, where nothing is resampled, the regions' means weighted by their area give the whole's."""
    image, split = uniform(3, 14, 9), uniform(14, 9, seed=8)
    masks = torch.stack([split, 1 - split])
    regions = linearised(image, network, 1, smooth=True, masks=masks).values
    whole = linearised(image, network, 1, smooth=True).values
    torch.testing.assert_close((regions * masks.mean((1, 2))[:, None]).sum(0), whole[0], rtol=1e-10, atol=1e-12)


def test_lower_precision_of_the_linear_maps_leaves_the_values_alone(weights: tuple[str, dict[str, Tensor]]) -> None:
    full = convolutions("vgg16", weights[1])
    coarse = convolutions("vgg16", weights[1], dtype=torch.bfloat16)
    image, change = uniform(3, 24, 20).float(), normal(3, 24, 20).float()
    exact = LinearisedNetwork(image, full, SMOOTHING)
    mixed = LinearisedNetwork(image, full, SMOOTHING, linear_network=coarse)
    assert torch.equal(mixed.values, exact.values)
    w = normal(1, 1472).float()
    for ours, wanted in ((mixed.jvp(change), exact.jvp(change)), (mixed.vjp(w), exact.vjp(w))):
        assert ours.dtype == torch.float32
        # bfloat16 keeps 8 bits: 2⁻⁹ a rounding, a few dozen of them in a row
        assert ((ours - wanted).norm() / wanted.norm()).item() < 0.05


def test_work_is_counted(network: tuple[Convolution, ...]) -> None:
    work = WorkCount()
    at = linearised(uniform(3, 10, 7), network, 2, smooth=True, work=work)
    one_pass = 9 * (3 * 64 * 70 + 64 * 64 * 70 + 64 * 128 * 5 * 4)
    assert (dict(work.passes), work.multiply_adds) == ({("forward", 2): 1}, one_pass)
    at.jvp(normal(3, 10, 7))
    at.vjp(normal(5, 1, 192))
    assert [work.of(kind) for kind in ("forward", "jvp", "vjp")] == [1, 1, 5]
    assert work.multiply_adds == 7 * one_pass
    assert work.evaluations == 7
