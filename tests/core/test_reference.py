"""Step 0: the noise, its features, and N·J·Jᵀ at it against one formed by automatic differentiation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save, save_file
from torch import Tensor

from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.functions import Functions
from decouple_core.features.on_disk import MOST_FILES
from decouple_core.features.reference import GRAM_SIZE, NOISE_SIZE, Reference, reference_gram, uniform_noise
from decouple_core.flow.least_norm import DampedLeastNorm
from decouple_core.model.device import CPU
from decouple_core.model.prepared import kept_gram, kept_values

Weights = tuple[str, dict[str, Tensor]]


@pytest.fixture(scope="module")
def means(weights: Weights) -> ChannelMeans:
    return ChannelMeans(*weights, uniform_noise(0, 48).double()).first(3)


def test_noise_is_uniform_and_repeats() -> None:
    noise = uniform_noise(7)
    assert noise.shape == (3, NOISE_SIZE, NOISE_SIZE)
    assert torch.equal(noise, uniform_noise(7))
    assert not torch.equal(noise, uniform_noise(8))
    assert noise.min() >= 0
    assert noise.max() < 1
    shares, _ = np.histogram(noise.numpy(), bins=10, range=(0, 1))
    # binomial: 12 000 a bin, standard deviation 104
    assert abs(shares - 12000).max() < 6 * 104
    neighbours = np.corrcoef(noise[:, :, 1:].flatten().numpy(), noise[:, :, :-1].flatten().numpy())[0, 1]
    assert abs(neighbours) < 6 / np.sqrt(noise.numel())


def test_noise_leaves_torchs_own_random_numbers_alone() -> None:
    before = torch.get_rng_state()
    uniform_noise(3)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_does_not_change_between_releases() -> None:
    """The reference values, and with them every kept style, depend on it; values from torch 2.14 on a CPU."""
    assert uniform_noise(0)[:, 0, 0].tolist() == pytest.approx([0.4962566, 0.3962777, 0.5296183], abs=1e-7)


def test_gram_is_that_of_an_explicit_jacobian() -> None:
    x = uniform_noise(1, 5).double()
    functions = [lambda x: x.mean((1, 2)), lambda x: torch.stack([(x**2).mean(), (x[0] * x[1]).mean()])]
    j = torch.cat([torch.func.jacrev(f)(x).reshape(-1, x.numel()) for f in functions])
    gram = reference_gram(Functions(functions, (3, 2)), x, batch=2)
    torch.testing.assert_close(gram, x.numel() * j @ j.T)


def test_gram_of_the_network(means: ChannelMeans) -> None:
    """Its quadratic form is N·|Jᵀw|², whatever the size of the batches it was gathered in."""
    noise = uniform_noise(1, 10).double()
    gram = reference_gram(means, noise)
    assert gram.shape == (448, 448)
    torch.testing.assert_close(gram, gram.T)
    torch.testing.assert_close(gram, reference_gram(means, noise, batch=100))
    w = torch.randn(1, 448, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    wanted = noise.numel() * means.linearise(noise, 3).vjp(w).square().sum()
    torch.testing.assert_close((w @ gram @ w.T).squeeze(), wanted)
    assert torch.linalg.eigvalsh(gram).min() > -1e-9 * gram.diagonal().max()


def test_gram_of_small_noise_does_for_larger_images(means: ChannelMeans) -> None:
    """It hardly depends on resolution: the damping stays, and a factor from 16 px preconditions like one from 32 px."""
    two = means.first(2)
    grams = [reference_gram(two, uniform_noise(0, size).double()) for size in (16, 32)]
    values = [torch.zeros(1, n) for n in two.sizes]
    small, large = (Reference(values, gram, two.sizes).damping(0.3) for gram in grams)
    torch.testing.assert_close(small, large, rtol=0.3, atol=0)
    at = two.linearise(uniform_noise(1, 28).double(), 2)
    change = torch.randn(1, 192, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    iterations = []
    for gram in (None, *grams):
        solver = DampedLeastNorm(large, [200, 200], [64, 192], gram=gram, tolerance=1e-3)
        iterations.append(solver.direction(at, change).iterations)
    assert iterations[1] <= iterations[2] + 3
    assert iterations[1] < 0.6 * iterations[0]


def test_damping_is_a_share_of_each_layers_answer() -> None:
    gram = torch.diag(torch.tensor([2.0, 4.0, 30.0]))
    reference = Reference([torch.ones(1, 2), torch.ones(1, 1)], gram, (2, 1))
    torch.testing.assert_close(reference.damping(0.1), torch.tensor([[0.3, 0.3, 3.0]]))


def test_kept_gram_is_used_and_a_damaged_one_is_made_anew(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    one = ChannelMeans(*weights, uniform_noise(0, 48)).first(1)
    gram = kept_gram(one, CPU)
    (kept,) = (tmp_path / "reference").glob("*.safetensors")
    torch.testing.assert_close(gram, reference_gram(one, uniform_noise(0, GRAM_SIZE)))
    assert torch.equal(load_file(kept)["values"], gram)
    before = kept.stat().st_mtime_ns
    assert torch.equal(kept_gram(one, CPU), gram)
    assert kept.stat().st_mtime_ns == before
    save_file({"values": 2 * gram}, kept)  # finite, of the right shape, and wrong
    assert torch.equal(kept_gram(one, CPU), gram)
    whole = kept.read_bytes()
    for damage in (
        b"",
        whole[:1000],
        b"\x80\x04hostile",
        save({"values": gram[:10, :10].contiguous()}),
        save({"other": gram}),
        save({"values": gram / 0.0}),
    ):
        kept.write_bytes(damage)
        assert torch.equal(kept_gram(one, CPU), gram)
        assert torch.equal(load_file(kept)["values"], gram)
    assert {p.name for p in kept.parent.iterdir()} <= {kept.name, "convolution.json"}


def test_gram_that_cannot_be_kept_is_used_all_the_same(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reference").write_text("a file where the folder should be")
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    one = ChannelMeans(*weights, uniform_noise(0, 48)).first(1)
    assert kept_gram(one, CPU).shape == (64, 64)
    assert [p.name for p in tmp_path.iterdir()] == ["reference"]


def test_no_two_hierarchies_share_a_kept_gram(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another activation, noise, depth or a single other weight gives another file; the oldest ones make room."""
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    network, tensors = weights
    noise = uniform_noise(0, 24)
    other = {**tensors, "conv1_1.bias": tensors["conv1_1.bias"] + torch.eye(64)[0] * 1e-3}
    kinds = [
        ChannelMeans(network, tensors, noise),
        ChannelMeans(network, tensors, noise, smooth=False),
        ChannelMeans(network, tensors, uniform_noise(1, 24)),
        ChannelMeans(network, other, noise),
    ]
    hierarchies = [kind.first(1) for kind in kinds] + [kinds[0].first(2)]
    for count, hierarchy in enumerate(hierarchies, 1):
        torch.testing.assert_close(kept_gram(hierarchy, CPU), reference_gram(hierarchy, uniform_noise(0, GRAM_SIZE)))
        assert len(list((tmp_path / "reference").glob("*.safetensors"))) == count
    for number in range(MOST_FILES):
        kept_gram(ChannelMeans(network, tensors, uniform_noise(10 + number, 24)).first(1), CPU)
    assert len(list((tmp_path / "reference").glob("*.safetensors"))) == MOST_FILES


def test_what_is_kept_of_the_noise_is_what_was_measured(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last bit, and by other weights and another noise it is measured again."""
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    network, tensors = weights
    noise = uniform_noise(0, 24)
    other = {**tensors, "conv1_1.bias": tensors["conv1_1.bias"] + torch.eye(64)[0] * 1e-3}
    for given, seen in ((tensors, noise), (other, noise), (tensors, uniform_noise(1, 24))):
        fresh = ChannelMeans(network, given, seen)
        for _ in range(2):
            kept = ChannelMeans(network, given, seen, kept=True)
            assert kept.smoothing == fresh.smoothing
            assert kept.identity == fresh.identity
            assert torch.equal(torch.cat(kept_values(kept, seen, 0), 1), torch.cat(fresh.measure(seen), 1))
    assert len(list((tmp_path / "reference").glob("*.safetensors"))) == 6


def test_what_is_kept_of_the_noise_is_not_measured_again(
    tmp_path: Path, weights: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path))
    noise = uniform_noise(0, 24)
    kept_values(ChannelMeans(*weights, noise, kept=True), noise, 0)
    again = ChannelMeans(*weights, noise, kept=True)
    kept_values(again, noise, 0)
    assert not again.work.passes
