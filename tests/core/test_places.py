"""Places: what the network sees, made comparable between pictures."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_core.correspondence.places import BLUR, LEAST_SPREAD, Centre, Places, Seen, principal_directions
from decouple_core.features.deep import STRIDE, DeepFeatures
from decouple_core.features.vgg import IMAGENET_DEVIATION, IMAGENET_MEAN, layer_names

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def deep(weights: tuple[str, dict[str, Tensor]]) -> DeepFeatures:
    return DeepFeatures(*weights, CPU)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def reflected(x: Tensor) -> Tensor:
    """One pixel of reflection on every side, by index; a single pixel repeats."""
    rows, columns = ([min(1, n - 1), *range(n), max(n - 2, 0)] for n in x.shape[2:])
    return x[:, :, rows][:, :, :, columns]


# --- what the network sees ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 56), (41, 23), (9, 17)])
def test_activations_are_those_of_the_network(
    weights: tuple[str, dict[str, Tensor]], deep: DeepFeatures, shape: tuple[int, int]
) -> None:
    """Written out: VGG-16 as it was trained, but for a border that is reflected."""
    image = noise(3, *shape)
    a = (image[None] - torch.tensor(IMAGENET_MEAN)[:, None, None]) / torch.tensor(IMAGENET_DEVIATION)[:, None, None]
    taken = {}
    for name in layer_names("vgg16"):
        if name.endswith("_1") and name != "conv1_1":
            a = F.max_pool2d(a, 2, ceil_mode=True)
        a = F.relu(F.conv2d(reflected(a), weights[1][f"{name}.weight"], weights[1][f"{name}.bias"]))
        taken[name] = a[0]
    ours = deep(image)
    assert len(ours) == 2
    for found, name in zip(ours, ("conv4_3", "conv5_1"), strict=True):
        torch.testing.assert_close(found, taken[name], rtol=1e-3, atol=1e-3 * taken[name].max().item())


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 1), (7, 9), (16, 24)])
def test_pictures_of_any_shape_have_places(deep: DeepFeatures, shape: tuple[int, int]) -> None:
    rows, columns = (-(-n // STRIDE) for n in shape)
    count = rows * columns
    places = Places.of(Seen.of(deep, noise(3, *shape), noise(count, 3, seed=1), torch.ones(count)))
    assert places.grid == (rows, columns)
    assert places.features.shape[0] == count
    assert places.features.isfinite().all()
    assert places.colours.isfinite().all()


def test_places_are_centred_unit_long_and_blurred(deep: DeepFeatures) -> None:
    """Against numpy and scipy's blur, with weights that leave a part of the picture out."""
    image, colours, weights = noise(3, 72, 80), noise(90, 3, seed=1), (noise(90, seed=2) > 0.3).float()
    blocks = deep(image)
    second = F.interpolate(blocks[1][None], size=blocks[0].shape[1:], mode="bilinear")[0]
    wanted = []
    for block in (blocks[0].double().numpy(), second.double().numpy()):
        mean = np.average(block.reshape(len(block), -1), 1, weights.numpy())
        centred = block - mean[:, None, None]
        wanted.append(centred / np.linalg.norm(centred, axis=0))
    blur = scipy.ndimage.gaussian_filter(np.concatenate(wanted), (0, BLUR, BLUR), mode="mirror", truncate=3)
    places = Places.of(Seen.of(deep, image, colours, weights))
    np.testing.assert_allclose(places.features.T.unflatten(1, (9, 10)), blur, atol=1e-4)
    plain = colours.numpy()
    spread = np.sqrt(np.average(np.square(plain - np.average(plain, 0, weights.numpy())), 0, weights.numpy()).mean())
    np.testing.assert_allclose(places.colours, plain / spread, rtol=1e-5)


def test_colours_of_a_flat_picture_are_not_enlarged_without_end(deep: DeepFeatures) -> None:
    colours = 0.5 + 0.001 * noise(4, 3)
    places = Places.of(Seen.of(deep, torch.full((3, 16, 16), 0.5), colours, torch.ones(4)))
    torch.testing.assert_close(places.colours, colours / LEAST_SPREAD)


def test_several_pictures_have_the_centre_of_all_their_places(deep: DeepFeatures) -> None:
    """Of two that count alike, whatever their sizes, by numpy; of two equal ones that of one."""
    one, other = (
        Seen.of(deep, noise(3, 8 * rows, 40, seed=rows), noise(5 * rows, 3, seed=1), torch.ones(5 * rows))
        for rows in (3, 6)
    )
    both = Centre.of([one, other])
    for number in range(2):
        means = [seen.blocks[number].double().numpy().mean((1, 2)) for seen in (one, other)]
        np.testing.assert_allclose(both.blocks[number].flatten(), np.mean(means, 0), rtol=1e-4, atol=1e-5)
    middle = np.mean([seen.colours.numpy().mean(0) for seen in (one, other)], 0)
    variances = [np.square(seen.colours.numpy() - middle).mean() for seen in (one, other)]
    assert float(both.spread) == pytest.approx(np.sqrt(np.mean(variances)), rel=1e-5)
    twice, once = Centre.of([one, one]), Centre.of([one])
    torch.testing.assert_close([*twice.blocks, twice.spread], [*once.blocks, once.spread])


def test_heights_are_those_of_the_middles_of_rows() -> None:
    places = Places(torch.zeros(6, 1), torch.zeros(6, 3), (3, 2))
    torch.testing.assert_close(places.heights, torch.tensor([-2 / 3, -2 / 3, 0, 0, 2 / 3, 2 / 3]))


# --- components ---------------------------------------------------------------------------------------------------


def falling(rows: int, columns: int, seed: int = 0) -> Tensor:
    """Rows whose singular values fall, as those of features do."""
    left, right = (torch.linalg.qr(noise(n, n, seed=seed + k) - 0.5).Q for k, n in enumerate((rows, columns)))
    rank = min(rows, columns)
    return left[:, :rank] * 0.8 ** torch.arange(rank) @ right[:, :rank].T


def test_components_hold_what_the_exact_ones_hold() -> None:
    rows = falling(60, 90)
    ours = principal_directions(rows, 8)
    torch.testing.assert_close(ours.T @ ours, torch.eye(8), rtol=0, atol=1e-4)
    exact = torch.linalg.svdvals(rows.double())[:8].square().sum()
    assert (rows @ ours).square().sum().item() == pytest.approx(exact.item(), rel=1e-5)


@pytest.mark.parametrize(
    "rows",
    [torch.zeros(5, 9), torch.ones(40, 70), torch.eye(3, 50), noise(1, 8), noise(90, 2)],
    ids=["zeros", "equal", "few", "one", "narrow"],
)
def test_components_of_rows_that_say_little(rows: Tensor) -> None:
    basis = principal_directions(rows)
    assert basis.isfinite().all()
    assert len(basis) == rows.shape[1]


def test_with_all_components_nothing_is_lost() -> None:
    rows = noise(20, 6) - 0.5
    basis = principal_directions(rows)
    torch.testing.assert_close(rows @ basis @ basis.T, rows, rtol=0, atol=1e-5)
