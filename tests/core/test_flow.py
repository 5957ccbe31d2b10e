"""Integrators against flows with known solutions, autograd's gradient descent, and their own way back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from decouple_contract.errors import Cancelled
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.functions import Functions
from decouple_core.features.reference import reference_gram, uniform_noise
from decouple_core.flow.integrators import Integrator, Midpoint, PerLayer, Reversible
from decouple_core.flow.least_norm import DampedLeastNorm
from decouple_core.flow.move import Flow, Move
from decouple_core.thesis.gradient_descent import SCALE as SGD_SCALE
from decouple_core.thesis.gradient_descent import GradientDescent
from decouple_core.thesis.integrators import Euler, RungeKutta4

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own, on the first use of its jvp

MOMENTS = Functions([lambda x: x.mean(), lambda x: (x**2).mean()], (1, 1))
START = torch.tensor([0.3, -1.2, 0.8, 2.0, -0.4, 0.1, 1.7], dtype=torch.float64)


def one(value: float | Tensor) -> Tensor:
    return torch.as_tensor(value, dtype=torch.float64).reshape(1, 1)


def moments_flow(damping: float = 1e-13) -> Flow:
    return Flow(MOMENTS, DampedLeastNorm(torch.full((1, 2), damping, dtype=torch.float64), [4, 8], [1, 2]))


def variance_move(x: Tensor, growth: float) -> tuple[Move, Tensor]:
    """Multiply the variance while the mean is held, and where that leads: the deviations grow as its root.

    The gradient of mean(x²), less its part along that of the mean, is 2 (x − m) / n, so the flow only scales x − m,
    and the nominal velocity makes the variance grow evenly.
    """
    mean, variance = x.mean(), x.var(correction=0)
    second = (x**2).mean()
    move = Move(2, one(second), one(second + (growth - 1) * variance), one(mean))
    return move, mean + (x - mean) * growth**0.5


# --- order and closed forms ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "order"),
    [
        (lambda n: Euler(n, corrections=0), 1),
        (Midpoint, 2),
        (lambda n: Reversible(n, settled=1e-14, iterations=100), 2),
        (RungeKutta4, 4),
    ],
    ids=["euler", "midpoint", "reversible", "rk4"],
)
@pytest.mark.parametrize("growth", [3.0, 0.4])
def test_halving_the_step_shows_the_order(make: type[Midpoint], order: int, growth: float) -> None:
    """The exponential of the mean, carried to a multiple of itself, moves every value by the multiple's logarithm."""
    flow = Flow(
        Functions([lambda x: x.mean().exp()], (1,)),
        DampedLeastNorm(torch.full((1, 1), 1e-13, dtype=torch.float64), [3], [1]),
    )
    start = START.mean().exp()
    move = Move(1, one(start), one(growth * start), torch.zeros(1, 0, dtype=torch.float64))
    wanted = START + np.log(growth)
    errors = [(make(n).follow(flow, START, move) - wanted).norm().item() for n in (8, 16, 32)]
    for coarse, fine in itertools.pairwise(errors):
        assert np.log2(coarse / fine) == pytest.approx(order, abs=0.4)


@pytest.mark.parametrize(
    "integrator", [Euler(20), Midpoint(20), Reversible(20), RungeKutta4(10)], ids=lambda i: type(i).__name__
)
def test_held_layer_stays_and_moving_layer_arrives(integrator: Integrator) -> None:
    move, wanted = variance_move(START, 2.5)
    end = integrator.follow(moments_flow(), START, move)
    assert end.mean().item() == pytest.approx(START.mean().item(), abs=1e-9)
    assert (end**2).mean().item() == pytest.approx(move.goal.item(), rel=2e-3)
    torch.testing.assert_close(end, wanted, rtol=0, atol=5e-3)


def test_first_layer_moves_by_the_least_change() -> None:
    """Moving the mean alone shifts every value by the same amount, whatever the integrator, in one step."""
    move = Move(1, one(START.mean()), one(START.mean() + 0.7), torch.zeros(1, 0, dtype=torch.float64))
    for integrator in (Euler(1), Midpoint(1), RungeKutta4(1), Reversible(1)):
        torch.testing.assert_close(integrator.follow(moments_flow(), START, move), START + 0.7, rtol=0, atol=1e-9)


def test_correction_reaches_the_goal_better() -> None:
    move, _ = variance_move(START, 2.0)

    def miss(corrections: int) -> float:
        end = Euler(3, corrections).follow(moments_flow(), START, move)
        return abs((end**2).mean().item() - move.goal.item())

    assert miss(2) < 0.1 * miss(1) < 0.1 * miss(0)


def test_each_layer_by_its_own_integrator() -> None:
    move, _ = variance_move(START, 2.5)
    mixed = PerLayer([Euler(1), RungeKutta4(3)])
    flow = moments_flow()
    assert torch.equal(mixed.follow(flow, START, move), RungeKutta4(3).follow(flow, START, move))
    shift = Move(1, one(START.mean()), one(0.0), torch.zeros(1, 0, dtype=torch.float64))
    assert torch.equal(mixed.follow(flow, START, shift), Euler(1).follow(flow, START, shift))
    assert [mixed.evaluations(layer) for layer in (1, 2)] == [Euler(1).evaluations(1), RungeKutta4(3).evaluations(2)]


def test_velocity_is_nominal() -> None:
    """It never depends on how far the features are from the goal, which would make the flow dissipative."""
    move, _ = variance_move(START, 2.0)
    flow, elsewhere = moments_flow(), 1.5 * START
    rate = MOMENTS.linearise(elsewhere, 2).jvp(flow.direction(elsewhere, move).change)
    torch.testing.assert_close(
        rate, torch.cat([torch.zeros(1, 1).double(), move.goal - move.start], 1), rtol=1e-6, atol=1e-9
    )
    torch.testing.assert_close(move.change, rate, rtol=1e-6, atol=1e-9)
    torch.testing.assert_close(move.goals, torch.cat([move.held, move.goal], 1))


# --- there and back -----------------------------------------------------------------------------------------------


def there_and_back(integrator: Integrator, flow: Flow, image: Tensor, move: Move) -> float:
    there = integrator.follow(flow, image, move)
    assert (there - image).norm() > 1e-3  # it has gone somewhere
    back = integrator.follow(flow, there, Move(move.layer, move.goal, move.start, move.held))
    return ((back - image).norm() / (there - image).norm()).item()


def test_reversible_comes_back_where_explicit_rules_do_not() -> None:
    move, _ = variance_move(START, 4.0)
    exact = there_and_back(Reversible(3, settled=1e-15, iterations=100), moments_flow(), START, move)
    assert exact < 1e-12
    assert there_and_back(Midpoint(3), moments_flow(), START, move) > 1e-4
    assert there_and_back(Euler(3, corrections=0), moments_flow(), START, move) > 1e-2


def test_reversible_comes_back_on_a_network(weights: tuple[str, dict[str, Tensor]]) -> None:
    hierarchy = ChannelMeans(*weights, uniform_noise(0, 40).double()).first(2)
    noise = uniform_noise(0, 16).double()
    gram = reference_gram(hierarchy, noise)
    damping = torch.cat([d.mean().expand(d.shape) for d in gram.diagonal().split(hierarchy.sizes)])[None]
    flow = Flow(hierarchy, DampedLeastNorm(damping, [100, 100], [64, 192], gram=gram, tolerance=1e-9))
    image = 0.25 + uniform_noise(1, 14).double() / 2
    values = hierarchy.measure(image)
    move = Move(2, values[1], hierarchy.measure(noise)[1], values[0])
    reversible = there_and_back(Reversible(2, settled=1e-8, iterations=25), flow, image, move)
    explicit = there_and_back(Midpoint(2), flow, image, move)
    assert reversible < 1e-5
    assert reversible < 1e-2 * explicit


# --- the thesis's gradient descent --------------------------------------------------------------------------------


@pytest.mark.parametrize("regions", [1, 2])
def test_gradient_descent_is_that_of_the_thesis(weights: tuple[str, dict[str, Tensor]], regions: int) -> None:
    """One step against torch's SGD on the loss written out, Σ over layers of mean (255·σ·(f − goal))²."""
    masks = torch.rand(2, 11, 13, dtype=torch.float64) + 0.1 if regions == 2 else None
    hierarchy = ChannelMeans(*weights, uniform_noise(0, 40).double(), smooth=False).first(2).within(masks)
    image, other = (uniform_noise(seed, 13).double()[:, :11] for seed in (1, 2))
    start, goals = hierarchy.measure(image), hierarchy.measure(other**2)
    move = Move(2, start[1], goals[1], goals[0])
    flow = Flow(hierarchy, DampedLeastNorm(torch.ones(regions, 192, dtype=torch.float64), [1, 1], [64, 192]))
    ours = GradientDescent(scale=SGD_SCALE, normalised=0.0, imposed=0.0, steps=1).follow(flow, image, move)

    by_hand = image.clone().requires_grad_()
    values = torch.cat(start, 1).requires_grad_()
    torch.stack(
        [
            ((SGD_SCALE * (v - g)) ** 2).mean(1).sum()
            for v, g in zip(values.split(hierarchy.sizes, 1), goals, strict=True)
        ]
    ).sum().backward()
    assert values.grad is not None
    by_hand.grad = hierarchy.linearise(image, 2).vjp(values.grad)  # which is autograd's, see test_linearised
    torch.optim.SGD([by_hand], lr=5e-4).step()  # the rate of the thesis's annex A
    step = by_hand.detach() - image
    assert step.norm() > 1e-3
    torch.testing.assert_close(ours - image, step, rtol=1e-6, atol=1e-9)


def test_gradient_descent_lowers_its_loss_and_stops_below_the_bound() -> None:
    move, _ = variance_move(START, 2.0)
    seen: list[float] = []
    flow = moments_flow()
    flow.watch = lambda move, values: seen.append(((20.0 * (values[:, 1:] - move.goal)) ** 2).item())
    GradientDescent(scale=20.0, normalised=1e-3, imposed=0.0, steps=5000).follow(flow, START, move)
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < 1e-3 <= seen[-2]
    assert len(seen) < 5000


# --- watching -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "integrator",
    [
        Euler(2),
        Midpoint(2),
        RungeKutta4(2),
        Reversible(2),
        GradientDescent(scale=1.0, normalised=0.0, imposed=0.0, steps=3),
    ],
    ids=lambda i: type(i).__name__,
)
def test_every_evaluation_is_seen_and_can_stop_the_flow(integrator: Integrator) -> None:
    move, _ = variance_move(START, 2.0)
    flow, seen = moments_flow(), []

    def watch(move: Move, values: Tensor) -> None:
        seen.append(values)

    flow.watch = watch
    integrator.follow(flow, START, move)
    torch.testing.assert_close(seen[0][0], torch.stack([START.mean(), (START**2).mean()]))
    assert 0 < len(seen) <= integrator.evaluations(move.layer)

    def stop(move: Move, values: Tensor) -> None:
        raise Cancelled

    flow.watch = stop
    with pytest.raises(Cancelled):
        integrator.follow(flow, START, move)
