"""The domain transform against its definition, written out for every pixel."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.correspondence import surfaces
from decouple_core.correspondence.surfaces import box_average, spread

pytestmark = pytest.mark.usefixtures("one_thread")


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.rand(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def along_rows(values: np.ndarray, guide: np.ndarray, reach: float, steepness: float) -> np.ndarray:
    """One round along the rows of (H, W): the mean over all q with |t(q) − t(p)| ≤ reach."""
    found = np.empty_like(values)
    for y, row in enumerate(values):
        t = [0.0]
        for x in range(1, len(row)):
            t.append(t[-1] + 1 + steepness * sum(abs(guide[c, y, x] - guide[c, y, x - 1]) for c in range(3)))
        for x in range(len(row)):
            near = [row[q] for q in range(len(row)) if abs(t[q] - t[x]) <= reach]
            found[y, x] = sum(near) / len(near)
    return found


def plain_spread(values: np.ndarray, guide: np.ndarray, width: float, contrast: float, rounds: int) -> np.ndarray:
    """The paper's filter on one plane (H, W), with boxes by its equation 14."""
    pixels = width * max(values.shape)
    for i in range(1, rounds + 1):
        reach = 3**0.5 * pixels * 3**0.5 * 2 ** (rounds - i) / (4**rounds - 1) ** 0.5
        values = along_rows(values, guide, reach, pixels / contrast)
        values = along_rows(values.T, guide.transpose(0, 2, 1), reach, pixels / contrast).T
    return values


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("shape", [(9, 14), (13, 6), (1, 10), (10, 1), (1, 1)])
def test_definition(shape: tuple[int, int], dtype: torch.dtype, tolerance: float) -> None:
    planes, guide = noise(2, *shape, seed=1), noise(3, *shape, seed=2) / 4
    wanted = [plain_spread(plane.numpy(), guide.numpy(), 0.3, 0.9, 3) for plane in planes]
    ours = spread(planes.to(dtype), guide.to(dtype), width=0.3, contrast=0.9)
    np.testing.assert_allclose(ours, wanted, atol=tolerance)


def test_box_takes_in_both_of_its_ends() -> None:
    positions = torch.tensor([[0.0, 1.0, 3.0, 4.0]])
    np.testing.assert_allclose(
        box_average(torch.tensor([[[1.0, 2.0, 4.0, 8.0]]]), positions, 1.0), [[[1.5, 1.5, 6.0, 6.0]]]
    )


def test_nothing_passes_an_edge() -> None:
    guide = torch.zeros(3, 20, 30)
    guide[:, :, 13:] = 1.0
    planes = guide[:1] * 5 - 2
    torch.testing.assert_close(spread(planes, guide), planes, rtol=0, atol=1e-6)
    assert spread(planes, torch.zeros_like(guide))[0, 10, 14].item() < 2.5  # on an even surface it would


def test_average_on_an_even_surface_is_nearly_a_gaussian_of_the_width() -> None:
    """The spread of a single point, by its variance, and by its fourth moment: 3 σ⁴ is a Gaussian's, 1.8 σ⁴ a box's.

    Boxes of which each has a quarter of the variance before it leave (3 − 1.2 · (16² + 4² + 1) / (16 + 4 + 1)²) σ⁴.
    """
    side, width = 161, 0.06
    point = torch.zeros(1, side, side, dtype=torch.float64)
    point[0, side // 2, side // 2] = 1.0
    answer = spread(point, torch.full((3, side, side), 0.4, dtype=torch.float64), width=width)[0]
    assert answer.sum().item() == pytest.approx(1.0)
    offsets = torch.arange(side, dtype=torch.float64) - side // 2
    for profile in (answer.sum(0), answer.sum(1)):
        variance = (profile * offsets**2).sum().item()
        assert variance**0.5 == pytest.approx(width * side, rel=0.05)
        assert (profile * offsets**4).sum().item() / variance**2 == pytest.approx(3 - 1.2 * 273 / 441, abs=0.05)


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    seed=st.integers(0, 1000),
    low=st.floats(-100, 100),
    extent=st.floats(0, 100),
    steep=st.floats(0, 2),
)
def test_values_stay_within_their_range(
    height: int, width: int, seed: int, low: float, extent: float, steep: float
) -> None:
    planes = low + extent * noise(2, height, width, seed=seed, dtype=torch.float32)
    answer = spread(planes, steep * noise(3, height, width, seed=seed + 1, dtype=torch.float32))
    slack = 1e-5 * (1 + abs(low) + extent)
    assert answer.amin() >= planes.amin() - slack
    assert answer.amax() <= planes.amax() + slack


@settings(max_examples=20, deadline=None)
@given(value=st.floats(-100, 100, width=32), seed=st.integers(0, 1000))
def test_constants_stay_as_they_are(value: float, seed: int) -> None:
    planes = torch.full((1, 9, 11), value)
    torch.testing.assert_close(
        spread(planes, noise(3, 9, 11, seed=seed, dtype=torch.float32)), planes, rtol=1e-6, atol=0
    )


def test_small_values_survive_beside_large_ones() -> None:
    """Running sums in single precision would lose them."""
    planes = torch.full((1, 1, 256), 1e-6)
    planes[..., :100] = 1e4
    guide = torch.zeros(3, 1, 256)
    guide[..., 100:] = 1.0
    np.testing.assert_allclose(spread(planes, guide)[..., 100:], 1e-6, rtol=1e-3)
    assert surfaces.CONTRAST < 3.0  # so that black and white lie apart
