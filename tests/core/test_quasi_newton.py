"""Going down by a limited-memory quasi-Newton method, beside torch's own."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.flow.quasi_newton import descended


def bent(seed: int, side: int) -> tuple[Tensor, Tensor]:
    """A start, and the bends of a function along each of its axes."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, side, side, generator=generator), torch.logspace(-3, 1, 3 * side * side).view(3, side, side)


def torchs(image: Tensor, gradient_of: Tensor, steps: int) -> Tensor:
    """Where torch's own method is after so many steps."""
    moved = image.clone()
    method = torch.optim.LBFGS([moved], max_iter=steps + 1, max_eval=steps + 1, tolerance_grad=0, tolerance_change=0)

    def misfit() -> Tensor:
        moved.grad = gradient_of * moved.sin()
        return (gradient_of * (1 - moved.cos())).sum()

    method.step(misfit)
    return moved


@pytest.mark.filterwarnings("ignore")  # what torch loads on the way has some of its own
@settings(deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.integers(1, 12))
def test_it_goes_as_torchs_own_does(seed: int, side: int, steps: int) -> None:
    image, bends = bent(seed, side)
    start = image.clone()
    assert torch.equal(descended(image, lambda at: bends * at.sin(), steps), torchs(image, bends, steps))
    assert torch.equal(image, start)


def test_it_finds_the_bottom_of_a_bowl_far_sooner_than_the_steepest_way() -> None:
    bends, image = torch.tensor([1.0, 5.0, 25.0]), torch.ones(3)
    assert descended(image, lambda at: bends * at, 20).abs().max() < 1e-4
    steepest = image * (1 - bends / 25) ** 20
    assert steepest.abs().max() > 0.4


def test_where_nothing_pulls_it_stays() -> None:
    image, taken = torch.rand(3, 2, 2), list[Tensor]()

    def flat(at: Tensor) -> Tensor:
        taken.append(at)
        return torch.zeros_like(at)

    assert torch.equal(descended(image, flat, 5), image)
    assert len(taken) == 1
