"""Transport plans against Python Optimal Transport, a linear programme and torch's own derivatives."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from torch import Tensor

from decouple_core.correspondence.transport import (
    ALIKE,
    ENTROPY,
    ROUNDS,
    SLACK,
    Plan,
    entropic_plan,
    fused_plan,
    unlikeness_gradient,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of what it tries to import
    import ot

pytestmark = pytest.mark.usefixtures("one_thread")

Problem = tuple[Tensor, Tensor, Tensor]


def problem(rows: int, columns: int, seed: int = 0) -> Problem:
    """Cost and the masses of both sides."""
    generator = torch.Generator().manual_seed(seed)
    cost, *masses = (
        torch.rand(*shape, dtype=torch.float64, generator=generator) for shape in ((rows, columns), (rows,), (columns,))
    )
    return cost, masses[0] / masses[0].sum(), masses[1] / masses[1].sum()


def apart(count: int, seed: int = 0) -> Tensor:
    """How unlike some random places are."""
    points = torch.rand(count, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return torch.cdist(points, points) / 3**0.5


def theirs(cost: Tensor, masses: Tensor, style_masses: Tensor, entropy: float, slack: float) -> np.ndarray:
    """The same plan by Python Optimal Transport."""
    values = masses.numpy(), style_masses.numpy(), cost.numpy()
    if slack == 1.0:
        return ot.sinkhorn(*values, reg=entropy, numItermax=20_000, stopThr=1e-14)
    penalty = entropy * slack / (1 - slack)
    return ot.unbalanced.sinkhorn_unbalanced(
        *values, reg=entropy, reg_m=(math.inf, penalty), c=np.ones(cost.shape), numItermax=20_000, stopThr=1e-14
    )  # c makes their entropy the plain one


# --- the entropic plan --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slack", [1.0, SLACK, 0.2])
@pytest.mark.parametrize("shape", [(7, 12), (12, 7), (1, 5), (5, 1)])
def test_plan_is_that_of_python_optimal_transport(shape: tuple[int, int], slack: float) -> None:
    given = problem(*shape)
    plan = entropic_plan(*given, slack=slack, iterations=3000)
    np.testing.assert_allclose(plan.coupling, theirs(*given, ENTROPY, slack), atol=1e-9)


def test_as_few_iterations_as_are_done_are_enough() -> None:
    given = problem(60, 80)
    np.testing.assert_allclose(entropic_plan(*given).coupling, theirs(*given, ENTROPY, SLACK), atol=1e-6)


def test_plan_costs_hardly_more_than_that_of_a_linear_programme() -> None:
    """A plan has an entropy of log(n·m) at most, so ε times that is all that it can lose by ε."""
    rows, columns = 8, 9
    cost, masses, style_masses = problem(rows, columns)
    sums = np.concatenate([np.kron(np.eye(rows), np.ones(columns)), np.kron(np.ones(rows), np.eye(columns))])
    least = linprog(cost.flatten().numpy(), A_eq=sums, b_eq=torch.cat([masses, style_masses]).numpy()).fun
    lost = [
        (entropic_plan(cost, masses, style_masses, entropy=entropy, slack=1.0, iterations=5000).coupling * cost)
        .sum()
        .item()
        - least
        for entropy in (0.1, 0.05, 0.02)
    ]
    assert lost == sorted(lost, reverse=True)
    assert all(
        -1e-6 < one <= entropy * math.log(rows * columns) for one, entropy in zip(lost, (0.1, 0.05, 0.02), strict=True)
    )
    assert lost[-1] < 0.01


def test_a_style_that_is_let_go_of_is_taken_from_by_cost_alone() -> None:
    cost, masses, style_masses = problem(6, 9)
    plan = entropic_plan(cost, masses, style_masses, slack=0.0)
    torch.testing.assert_close(plan.forward, torch.softmax(-cost / ENTROPY, 1))


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 9),
    columns=st.integers(1, 9),
    seed=st.integers(0, 1000),
    slack=st.floats(0, 1),
    scale=st.floats(0, 4),
    hidden=st.booleans(),
)
def test_plans_are_sound(rows: int, columns: int, seed: int, slack: float, scale: float, hidden: bool) -> None:
    """In single precision, whatever is forbidden and whatever has no mass."""
    cost, masses, style_masses = (x.float() for x in problem(rows, columns, seed))
    generator = torch.Generator().manual_seed(seed)
    allowed = (torch.rand(rows, columns, generator=generator) > 0.6).float()
    allowed[:, 0] = 1.0
    if hidden and rows > 1 and columns > 1:
        masses[-1] = style_masses[-1] = 0
        masses, style_masses = masses / masses.sum(), style_masses / style_masses.sum()
    plan = entropic_plan(scale * cost, masses, style_masses, allowed, slack=slack)
    assert_sound(plan, allowed)
    if hidden and columns > 1 and rows > 1:
        assert not plan.forward[:, -1].any()


def assert_sound(plan: Plan, allowed: Tensor) -> None:
    assert plan.forward.isfinite().all()
    assert (plan.forward >= 0).all()
    torch.testing.assert_close(plan.forward.sum(1), torch.ones(len(allowed)), rtol=0, atol=1e-5)
    assert not plan.forward[allowed == 0].any()
    torch.testing.assert_close(plan.coupling.sum(1), plan.masses, rtol=1e-4, atol=1e-7)
    assert plan.taken.sum().item() == pytest.approx(1.0, abs=1e-5)
    taken = plan.taken > 1e-12
    torch.testing.assert_close(plan.backward.sum(1)[taken], torch.ones(int(taken.sum())), rtol=0, atol=1e-3)


def test_places_may_be_kept_from_all_that_is_near_to_them() -> None:
    """What may be taken from can cost so much more than what may not that its kernel is 0 in single precision."""
    cost = torch.tensor([[0.0, 6.0, 6.1], [5.0, 0.0, 0.1]])
    masses, style_masses = torch.full((2,), 0.5), torch.full((3,), 1 / 3)
    allowed = torch.tensor([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0]])
    plan = entropic_plan(cost, masses, style_masses, allowed)
    assert_sound(plan, allowed)
    unlimited = entropic_plan(cost[:1, 1:].double() - 6.0, torch.ones(1).double(), torch.full((2,), 0.5).double())
    torch.testing.assert_close(plan.forward[:1, 1:], unlimited.forward.float(), rtol=0, atol=1e-4)


def test_single_precision_is_enough() -> None:
    cost, masses, style_masses = problem(150, 170, 3)
    fine, coarse = (
        fused_plan(
            cost.to(kind), apart(150, 1).to(kind), apart(170, 2).to(kind), masses.to(kind), style_masses.to(kind)
        ).forward
        for kind in (torch.float64, torch.float32)
    )
    assert (fine.float() - coarse).abs().max() < 1e-3 * fine.max()


def test_a_plan_can_be_mixed_with_one_that_takes_from_everywhere() -> None:
    cost, masses, style_masses = problem(6, 9)
    allowed = torch.ones(6, 9, dtype=torch.float64)
    allowed[:3, :4] = 0
    plan = entropic_plan(cost, masses, style_masses, allowed)
    assert torch.equal(plan.diffused(0.0, allowed).forward, plan.forward)
    everywhere = plan.diffused(1.0, allowed).forward
    assert not everywhere[:3, :4].any()
    torch.testing.assert_close(everywhere[3:], plan.taken.expand(3, 9))
    torch.testing.assert_close(everywhere[:3, 4:], (plan.taken[4:] / plan.taken[4:].sum()).expand(3, 5))


# --- Gromov and Wasserstein ---------------------------------------------------------------------------------------


def test_gradient_is_that_of_the_sum_over_quadruples() -> None:
    ours, style = apart(4, 1), apart(5, 2)
    plan = torch.rand(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    differences = (ours[:, None, :, None] - style[None, :, None, :]).square()  # i, j, k, l
    torch.einsum("ijkl,ij,kl->", differences, plan, plan).backward()
    torch.testing.assert_close(unlikeness_gradient(plan.detach(), ours, style), plan.grad / 2)


def test_fused_plan_is_that_of_python_optimal_transport_step_by_step() -> None:
    """Their gradient and their solver, as often as ours takes them."""
    cost, masses, style_masses = problem(9, 12)
    ours, style = apart(9, 1), apart(12, 2)
    constant, first, second = ot.gromov.init_matrix(ours.numpy(), style.numpy(), masses.numpy(), style_masses.numpy())
    plan = theirs(cost, masses, style_masses, ENTROPY, SLACK)
    for _ in range(ROUNDS):
        constant = (ours.square().numpy() @ plan.sum(1))[:, None] + style.square().numpy() @ plan.sum(0)
        gradient = ot.gromov.tensor_product(constant, first, second, plan)
        plan = theirs(cost + ALIKE * torch.from_numpy(gradient), masses, style_masses, ENTROPY, SLACK)
    np.testing.assert_allclose(fused_plan(cost, ours, style, masses, style_masses).coupling, plan, atol=1e-6)


def test_as_few_rounds_as_are_done_are_enough() -> None:
    """Less than a thousandth of the mass moves if they go on."""
    cost, masses, style_masses = problem(60, 80)
    given = cost, apart(60, 1), apart(80, 2), masses, style_masses
    moved = (fused_plan(*given).coupling - fused_plan(*given, rounds=40).coupling).abs().sum() / 2
    assert moved.item() < 1e-3


def test_like_places_go_to_like_places() -> None:
    """Two groups each; costs that say little, and one place's cost says the contrary of its group's."""
    groups = torch.tensor([0, 0, 0, 1, 1, 1])
    unlike = (groups[:, None] != groups).double()
    cost = 0.06 * unlike
    cost[0] = 0.06 - cost[0]
    even = torch.full((6,), 1 / 6, dtype=torch.float64)

    def astray(plan: Plan) -> float:
        return plan.forward[0, 3:].sum().item()

    alone = astray(entropic_plan(cost, even, even))
    assert alone > 0.6
    assert astray(fused_plan(cost, unlike, unlike, even, even)) < 0.4
    assert astray(fused_plan(cost, unlike, unlike, even, even, alike=0.0)) == alone


@pytest.mark.parametrize("solve", [entropic_plan, fused_plan])
def test_plans_are_the_same_every_time(solve: Callable[..., Plan]) -> None:
    cost, masses, style_masses = (x.float() for x in problem(90, 70))
    within = [apart(90).float(), apart(70).float()] if solve is fused_plan else []
    first, second = (solve(cost, *within, masses, style_masses).forward for _ in range(2))
    assert torch.equal(first, second)
