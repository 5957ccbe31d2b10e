"""The solves against dense linear algebra and scipy's own least squares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.functions import Functions
from decouple_core.features.hierarchy import Hierarchy, Linearisation
from decouple_core.features.reference import uniform_noise
from decouple_core.flow.least_norm import DampedLeastNorm
from decouple_core.flow.solvers import Solution, conjugate_gradients, deflated, fixed_point

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script")  # torch's own, on the first use of its jvp


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def positive_definite(size: int, seed: int, least: float = 0.05) -> Tensor:
    root = normal(size, size, seed=seed)
    return root @ root.T / size + least * torch.eye(size, dtype=torch.float64)


def relative(ours: Tensor, wanted: np.ndarray | Tensor) -> float:
    difference = ours.double().flatten() - torch.as_tensor(wanted).double().flatten()
    return (difference.norm() / torch.as_tensor(wanted).double().norm()).item()


# --- conjugate gradients ------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 25), seed=st.integers(0, 2**31), preconditioned=st.booleans(), started=st.booleans())
def test_solves_what_numpy_solves(size: int, seed: int, preconditioned: bool, started: bool) -> None:
    a, r = positive_definite(size, seed), normal(size, seed=seed + 1)
    p = positive_definite(size, seed + 2) if preconditioned else None
    solution = conjugate_gradients(
        lambda x: a @ x,
        r,
        tolerance=1e-11,
        iterations=20 * size + 20,
        preconditioner=None if p is None else lambda x: torch.linalg.solve(p, x),
        start=normal(size, seed=seed + 3) if started else None,
    )
    assert relative(solution.multipliers, np.linalg.solve(a.numpy(), r.numpy())) < 1e-7


@settings(max_examples=40, deadline=None)
@given(size=st.integers(2, 25), seed=st.integers(0, 2**31), tolerance=st.sampled_from([0.3, 1e-2, 1e-5]))
def test_stops_as_soon_as_the_natural_norm_of_the_residual_is_below_the_tolerance(
    size: int, seed: int, tolerance: float
) -> None:
    a, r, p = positive_definite(size, seed), normal(size, seed=seed + 1), positive_definite(size, seed + 2)

    def natural(x: Tensor) -> float:
        z = r - a @ x
        return (z @ torch.linalg.solve(p, z)).sqrt().item()

    def solution(iterations: int) -> Solution:
        return conjugate_gradients(
            lambda x: a @ x,
            r,
            tolerance=tolerance,
            iterations=iterations,
            preconditioner=lambda x: torch.linalg.solve(p, x),
        )

    found = solution(100)
    wanted = tolerance * natural(torch.zeros_like(r))
    assert natural(found.multipliers) <= wanted * (1 + 1e-6)
    for fewer in range(found.iterations):
        assert natural(solution(fewer).multipliers) > wanted * (1 - 1e-6)


def test_directions_are_conjugate_and_of_unit_length() -> None:
    a = positive_definite(20, 0)
    solution = conjugate_gradients(lambda x: a @ x, normal(20, seed=1), tolerance=0.0, iterations=9)
    w = torch.stack(solution.directions)
    torch.testing.assert_close(w @ a @ w.T, torch.eye(9, dtype=torch.float64))
    torch.testing.assert_close(torch.stack(solution.images), w @ a)


def test_exact_preconditioner_needs_one_iteration() -> None:
    a, r = positive_definite(12, 0), normal(12, seed=1)
    solution = conjugate_gradients(
        lambda x: a @ x, r, tolerance=1e-10, iterations=50, preconditioner=lambda x: torch.linalg.solve(a, x)
    )
    assert solution.iterations == 1
    assert relative(solution.multipliers, np.linalg.solve(a.numpy(), r.numpy())) < 1e-10


def test_as_many_iterations_as_distinct_eigenvalues() -> None:
    """In exact arithmetic k distinct eigenvalues take k iterations (Hestenes & Stiefel 1952)."""
    basis, _ = torch.linalg.qr(normal(12, 12))
    a = basis @ torch.diag(torch.tensor([1.0, 5.0, 9.0] * 4, dtype=torch.float64)) @ basis.T
    assert conjugate_gradients(lambda x: a @ x, normal(12, seed=1), tolerance=1e-10, iterations=50).iterations == 3


def test_number_of_iterations_is_kept_where_there_is_no_tolerance() -> None:
    a, calls = positive_definite(30, 0), []

    def operator(x: Tensor) -> Tensor:
        calls.append(1)
        return a @ x

    solution = conjugate_gradients(operator, normal(30, seed=1), tolerance=0.0, iterations=4)
    assert solution.iterations == len(calls) == 4


def test_nothing_to_solve_and_nothing_left_to_gain() -> None:
    zero = conjugate_gradients(lambda x: 2 * x, torch.zeros(3), tolerance=0.0, iterations=9)
    assert not zero.multipliers.any()
    exact = conjugate_gradients(lambda x: 2 * x, torch.ones(3), tolerance=0.0, iterations=1000)
    torch.testing.assert_close(exact.multipliers, torch.full((3,), 0.5), rtol=2e-7, atol=0)
    a, r = positive_definite(9, 0), normal(9, seed=1)
    long = conjugate_gradients(lambda x: a @ x, r, tolerance=0.0, iterations=1000)
    assert relative(long.multipliers, np.linalg.solve(a.numpy(), r.numpy())) < 1e-9


def test_solution_at_the_start_is_left_alone() -> None:
    a, wanted = positive_definite(6, 0), normal(6, seed=1)
    solution = conjugate_gradients(lambda x: a @ x, a @ wanted, tolerance=1e-9, iterations=9, start=wanted)
    assert solution.iterations == 0
    assert torch.equal(solution.multipliers, wanted)


@pytest.mark.parametrize("large", [1, 3, 10])
def test_rounding_is_not_multiplied_by_the_spread_of_the_eigenvalues(large: int) -> None:
    """Single precision follows double where a few eigenvalues are a thousand times the rest, as on smooth pictures.

    With the short recurrence alone they differ by 0.005 to 0.02.
    """
    size = 200
    basis, _ = torch.linalg.qr(normal(size, size))
    values = torch.cat([torch.linspace(1, 3, size - large), 1000 * torch.linspace(1, 2, large)]).double()
    a = basis @ torch.diag(values) @ basis.T
    r = a @ normal(size, seed=1)
    double, single = (
        conjugate_gradients(lambda x: a.to(x) @ x, r.to(precision), tolerance=0.0, iterations=large + 6)
        for precision in (torch.float64, torch.float32)
    )
    assert relative(single.multipliers, double.multipliers) < 2e-4


@settings(max_examples=40, deadline=None)
@given(size=st.integers(2, 20), seed=st.integers(0, 2**31), known=st.integers(1, 8), change=st.floats(0.0, 0.5))
def test_deflated_preconditioner_is_positive_and_exact_where_the_earlier_solve_went(
    size: int, seed: int, known: int, change: float
) -> None:
    a, p = positive_definite(size, seed), positive_definite(size, seed + 2)
    earlier = conjugate_gradients(lambda x: a @ x, normal(size, seed=seed + 1), tolerance=0.0, iterations=known)
    apply = deflated(lambda x: torch.linalg.solve(p, x), earlier)
    matrix = torch.stack([apply(e) for e in torch.eye(size, dtype=torch.float64)], 1)
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix)[0] > 0
    for direction in earlier.directions:  # those beyond the dimensions are zero
        torch.testing.assert_close(apply(a @ direction), direction, rtol=1e-6, atol=1e-8)
    # With an operator that has changed, as from one image to the next, it leads to that one's solution.
    b, r = a + change * positive_definite(size, seed + 3), normal(size, seed=seed + 4)
    found = conjugate_gradients(lambda x: b @ x, r, tolerance=1e-11, iterations=20 * size + 20, preconditioner=apply)
    assert relative(found.multipliers, np.linalg.solve(b.numpy(), r.numpy())) < 1e-7


def test_deflation_by_a_solve_that_had_nothing_to_do_changes_nothing() -> None:
    nothing = conjugate_gradients(lambda x: 2 * x, torch.zeros(3), tolerance=1e-3, iterations=9)
    assert nothing.iterations == 0
    assert torch.equal(deflated(lambda r: 3 * r, nothing)(torch.ones(3)), torch.full((3,), 3.0))


def test_tensors_of_any_shape() -> None:
    r = normal(2, 3, 4)
    weights = normal(2, 3, 4, seed=1).square() + 0.1
    solution = conjugate_gradients(lambda x: weights * x, r, tolerance=1e-12, iterations=200)
    torch.testing.assert_close(solution.multipliers, r / weights)


# --- fixed points -------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(size=st.integers(1, 20), seed=st.integers(0, 2**31), expansion=st.floats(0.0, 3.0))
def test_linear_fixed_point_needs_as_many_evaluations_as_it_has_dimensions(
    size: int, seed: int, expansion: float
) -> None:
    """It is then GMRES (Walker & Ni 2011), whatever the map's own spread: also where repeating it would run away."""
    symmetric = normal(size, size, seed=seed)
    symmetric = symmetric + symmetric.T
    a = -expansion * (symmetric @ symmetric) / (symmetric @ symmetric).norm()
    b, calls = normal(size, seed=seed + 1), []

    def g(x: Tensor) -> Tensor:
        calls.append(1)
        return a @ x + b

    found = fixed_point(g, torch.zeros(size, dtype=torch.float64), tolerance=1e-11, iterations=100, memory=size)
    assert relative(found, np.linalg.solve(np.eye(size) - a.numpy(), b.numpy())) < 1e-9
    assert len(calls) <= size + 3


@pytest.mark.parametrize("shape", [(7,), (3, 4, 5)])
def test_curved_fixed_point_is_the_one_that_scipy_finds(shape: tuple[int, ...]) -> None:
    b = normal(*shape)

    def g(x: Tensor) -> Tensor:
        return b - 2.5 * torch.tanh(x)  # repeating it jumps to and fro

    start = torch.zeros_like(b)
    found = fixed_point(g, start, tolerance=1e-10, iterations=100)
    wanted = scipy.optimize.fsolve(lambda x: x - b.flatten().numpy() + 2.5 * np.tanh(x), start.flatten().numpy())
    assert relative(found, wanted) < 1e-8
    repeated = start
    for _ in range(100):
        repeated = g(repeated)
    assert (repeated - g(repeated)).norm() > 0.1


@pytest.mark.parametrize(
    ("g", "most", "wanted"),
    [(torch.ones_like, 9, 2), (torch.cos, 3, 3), (lambda x: x + 1, 9, 9)],
    ids=["settled", "told", "never settles"],
)
def test_fixed_point_stops_where_it_settled_and_where_told(
    g: Callable[[Tensor], Tensor], most: int, wanted: int
) -> None:
    calls = []

    def counted(x: Tensor) -> Tensor:
        calls.append(1)
        return g(x)

    fixed_point(counted, torch.zeros(4), tolerance=1e-9, iterations=most)
    assert len(calls) == wanted


# --- damped least norm --------------------------------------------------------------------------------------------


def explicit_jacobian(at: Linearisation) -> np.ndarray:
    """J as a matrix of all regions' features against all values, column by column from J·e."""
    regions, features = at.values.shape
    shape = at.vjp(torch.zeros_like(at.values)).shape
    unit = torch.eye(shape.numel(), dtype=torch.float64)
    return np.stack([at.jvp(e.reshape(shape)).reshape(regions * features).numpy() for e in unit], 1)


def least_norm(
    at: Linearisation,
    hierarchy: Hierarchy,
    damping: Tensor,
    change: Tensor,
    iterations: int = 2000,
    gram: Tensor | None = None,
    held: Sequence[float] | None = None,
) -> Tensor:
    depths = [int(d) for d in np.cumsum(hierarchy.sizes)]
    solver = DampedLeastNorm(damping, [iterations] * len(depths), depths, held=held, gram=gram, tolerance=1e-12)
    return solver.direction(at, change).change


@pytest.fixture(scope="module")
def means(weights: tuple[str, dict[str, Tensor]]) -> ChannelMeans:
    """The first two layers in double precision."""
    return ChannelMeans(*weights, uniform_noise(0, 40).double()).first(2)


@pytest.mark.parametrize("regions", [1, 3])
@pytest.mark.parametrize("depth", [1, 2])
def test_direction_is_that_of_an_explicit_jacobian(means: ChannelMeans, depth: int, regions: int) -> None:
    """The direction N Jᵀ (N J Jᵀ + μ)⁻¹ r, formed and solved by numpy, and by scipy's damped least squares."""
    image = uniform_noise(1, 7).double()
    masks = torch.rand(regions, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2)) + 0.05
    hierarchy = means.within(masks if regions > 1 else None)
    at = hierarchy.linearise(image, depth)
    m = sum(means.sizes[:depth])
    # μ differs from layer to layer and from region to region, as in a transfer
    layers = torch.cat([torch.full((n,), mu) for n, mu in zip(means.sizes, (0.5, 2.0), strict=True)]).double()
    damping = layers * torch.arange(1, regions + 1).double()[:, None]
    change = normal(regions, m, seed=3)
    ours = least_norm(at, means, damping, change, held=(1.0, 0.3))
    if depth == 2:
        damping[:, : means.sizes[0]] *= 0.3  # the held layer's

    j, n = explicit_jacobian(at), image.numel()
    mu = damping[:, :m].reshape(-1).numpy()
    a = np.linalg.solve(n * j @ j.T + np.diag(mu), change.reshape(-1).numpy())
    assert relative(ours, n * j.T @ a) < 1e-7
    # The same minimiser, Σ (J dx − r)² / μ + |dx|² / N, with rows scaled so that one damping does for all.
    scaled = scipy.sparse.linalg.LinearOperator(
        j.shape, matvec=lambda x: (j @ x) / np.sqrt(mu), rmatvec=lambda w: j.T @ (w / np.sqrt(mu)), dtype=np.float64
    )
    right_side = change.reshape(-1).numpy() / np.sqrt(mu)
    least = scipy.sparse.linalg.lsmr(
        scaled, right_side, damp=np.sqrt(1 / n), atol=1e-14, btol=1e-14, conlim=0, maxiter=5000
    )[0]
    assert relative(ours, least) < 1e-6


def test_one_damping_is_that_of_lsmr(means: ChannelMeans) -> None:
    """Matrix-free on both sides: min |J dx − r|² + (μ/N) |dx|²."""
    image = uniform_noise(4, 17).double()
    at, change, mu = means.linearise(image, 2), normal(1, 192, seed=5), 3.0
    ours = least_norm(at, means, torch.full((1, 192), mu, dtype=torch.float64), change)
    operator = scipy.sparse.linalg.LinearOperator(
        (192, image.numel()),
        dtype=np.float64,
        matvec=lambda x: at.jvp(torch.from_numpy(x).reshape(image.shape)).flatten().numpy(),
        rmatvec=lambda w: at.vjp(torch.from_numpy(w).reshape(1, -1)).flatten().numpy(),
    )
    least = scipy.sparse.linalg.lsmr(
        operator,
        change.flatten().numpy(),
        damp=np.sqrt(mu / image.numel()),
        atol=1e-13,
        btol=1e-13,
        conlim=0,
        maxiter=5000,
    )[0]
    assert relative(ours, least) < 1e-6


@pytest.mark.parametrize("regions", [1, 2])
def test_preconditioner_from_the_reference_changes_the_way_not_the_answer(means: ChannelMeans, regions: int) -> None:
    image, noise = uniform_noise(1, 12).double(), uniform_noise(2, 16).double()
    at_noise = means.linearise(noise, 2)
    j = torch.from_numpy(explicit_jacobian(at_noise))
    gram = noise.numel() * j @ j.T
    masks = None
    if regions == 2:
        masks = torch.zeros(2, 12, 12, dtype=torch.float64)
        masks[0, :, :3], masks[1, :, 3:] = 1.0, 1.0
    shares = masks.mean((1, 2)) if masks is not None else torch.ones(1, dtype=torch.float64)
    damping = 0.1 * gram.diagonal().mean() / shares[:, None] * torch.ones(1, 192, dtype=torch.float64)
    at, change = means.within(masks).linearise(image, 2), normal(regions, 192, seed=3)
    exact = least_norm(at, means, damping, change)
    with_gram = least_norm(at, means, damping, change, gram=gram)
    assert relative(with_gram, exact) < 1e-7
    few = [relative(least_norm(at, means, damping, change, iterations=6, gram=g), exact) for g in (None, gram)]
    assert few[1] < few[0]


def test_shallow_solves_use_the_shallow_features_alone(means: ChannelMeans) -> None:
    image = uniform_noise(1, 9).double()
    damping, change = torch.ones(1, 192, dtype=torch.float64), normal(1, 64)
    shallow = least_norm(means.linearise(image, 1), means, damping, change)
    first = means.first(1)
    torch.testing.assert_close(shallow, least_norm(first.linearise(image, 1), first, damping[:, :64], change))


def test_the_more_damping_the_smaller_the_move_and_without_it_the_goal_is_met() -> None:
    hierarchy = Functions([lambda x: x.mean(), lambda x: (x**2).mean()], (1, 1))
    at, change = hierarchy.linearise(normal(30), 2), torch.tensor([[0.3, -0.2]], dtype=torch.float64)
    norms = []
    for mu in (1e-10, 0.1, 1.0, 10.0):
        direction = least_norm(at, hierarchy, torch.full((1, 2), mu, dtype=torch.float64), change)
        norms.append(direction.norm().item())
        if mu == 1e-10:
            torch.testing.assert_close(at.jvp(direction), change, rtol=1e-6, atol=1e-8)
    assert norms == sorted(norms, reverse=True)


def test_damping_means_the_same_at_any_resolution() -> None:
    """The same picture with every value four times: the same change of the features, the same direction."""
    functions: list[Callable[[Tensor], Tensor]] = [lambda x: x.mean(), lambda x: (x**3).mean()]
    hierarchy = Functions(functions, (1, 1))
    x, change = normal(20), torch.tensor([[0.5, 1.0]], dtype=torch.float64)
    damping = torch.full((1, 2), 0.7, dtype=torch.float64)
    small = least_norm(hierarchy.linearise(x, 2), hierarchy, damping, change)
    large = least_norm(hierarchy.linearise(x.repeat_interleave(4), 2), hierarchy, damping, change)
    torch.testing.assert_close(large, small.repeat_interleave(4))


def test_the_solution_of_a_neighbour_saves_iterations(means: ChannelMeans) -> None:
    """From the direction at an image nearby the same tolerance takes fewer iterations for the same direction."""
    image = uniform_noise(1, 8).double()
    damping, change = torch.full((1, 192), 0.5, dtype=torch.float64), normal(1, 192)
    solver = DampedLeastNorm(damping, [1000, 1000], [64, 192], tolerance=1e-2)
    neighbour = solver.direction(means.linearise(image + 1e-5 * normal(3, 8, 8, seed=1), 2), change)
    here = means.linearise(image, 2)
    cold, warm = solver.direction(here, change), solver.direction(here, change, neighbour)
    assert warm.iterations < cold.iterations / 2
    assert relative(warm.change, cold.change) < 0.1


def test_nothing_to_move_moves_nothing(means: ChannelMeans) -> None:
    damping, at = torch.ones(1, 192, dtype=torch.float64), means.linearise(uniform_noise(1, 8).double(), 2)
    assert not least_norm(at, means, damping, torch.zeros(1, 192, dtype=torch.float64)).any()


def test_iterations_from_zero_and_from_a_neighbour(means: ChannelMeans) -> None:
    solver = DampedLeastNorm(torch.ones(1, 192, dtype=torch.float64), [3, 5], [64, 192], warm_iterations=[1, 2])
    at, change = means.linearise(uniform_noise(1, 8).double(), 2), normal(1, 192)
    cold = solver.direction(at, change)
    assert cold.iterations == 5
    warm = solver.direction(at, change, cold)
    assert warm.iterations == 2
    assert warm.known is cold.known
    for found in (cold, warm):  # dx is N Jᵀ a, though it is put together on the way
        whole = found.change.numel() * at.vjp(found.multipliers)
        torch.testing.assert_close(found.change, whole, rtol=1e-9, atol=1e-12)
