"""The damped least-norm solve: which change of the image moves the features as wanted and is the smallest.

The direction that moves the features f (M of them) of an image (N values) by r is

    dx = N Jᵀ a,    (N J Jᵀ + μ I) a = r,

the minimiser of |J dx − r|² + (μ / N) |dx|². The factor N makes μ independent of resolution, because the
spatial mean makes J Jᵀ fall as 1 / N.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.decomposable import decomposable, in_double
from decouple_core.features.linearised import Linearisation
from decouple_core.features.reproducible import one_thread
from decouple_core.flow.solvers import Operator, Solution, conjugate_gradients, deflated


def least_norm(
    at: Linearisation,
    change: Tensor,
    damping: Tensor,
    preconditioner: Operator,
    *,
    iterations: int,
    tolerance: float = 0.0,
    start: Tensor | None = None,
    metric: Tensor | None = None,
) -> tuple[Tensor, Solution]:
    """Solve (N J M Jᵀ + μ) a = change.

    Parameters
    ----------
    at : Linearisation
    change : Tensor
        Shape (R, M).
    damping : Tensor
        μ of each feature, shape (R, M).
    preconditioner : callable
    iterations, tolerance, start
        See `conjugate_gradients`.
    metric : Tensor, optional
        M, diagonal and positive, of a shape that the image's can be multiplied by: where the image may change more.
        The identity if left out.

    Returns
    -------
    change : Tensor
        N M Jᵀ a, of the image's shape.
    solution : Solution
    """
    pulled: list[Tensor] = []

    def operator(a: Tensor) -> Tensor:
        back = at.vjp(a)
        pulled.append(back.numel() * (back if metric is None else metric * back))
        return at.jvp(pulled[-1]) + damping * a

    solution = conjugate_gradients(
        operator, change, tolerance=tolerance, preconditioner=preconditioner, iterations=iterations, start=start
    )
    # N M Jᵀ a is put together from what the solve has pulled back already.
    moved = torch.zeros_like(pulled[0] if pulled else at.vjp(change))  # none where there is nothing to move
    for share, back in zip(solution.shares, pulled, strict=True):
        moved = moved + share * back
    return moved, solution


def factor_of(gram: Tensor, damping: Tensor) -> Tensor:
    """The Cholesky factor L of N·J·Jᵀ + μ at the reference, for damping of shape (R, m); elsewhere than here, L⁻¹.

    A region of a share φ of the image has N J Jᵀ and μ both larger by 1/φ: one factor serves all regions. Factored
    once, in double precision, which not every accelerator has. Substitution takes the unknowns one after the other, and
    an accelerator ten times as long for that as for a product with the inverse.
    """
    size = damping.shape[1]
    block = in_double(gram[:size, :size]) + torch.diag(in_double(damping.amin(0)))
    if damping.device.type == "cpu":
        with one_thread():
            return torch.linalg.cholesky(block).to(damping)
    factor, _ = torch.linalg.cholesky_ex(block)  # does not wait to see whether there is one: μ > 0 sees to that
    unit = torch.eye(size, dtype=block.dtype, device=block.device)
    return torch.linalg.solve_triangular(factor, unit, upper=False).to(damping)


def factored(factor: Tensor, damping: Tensor) -> Operator:
    """The preconditioner of a factor from `factor_of`, in each region."""
    share = damping.amin(0) / damping
    if factor.device.type == "cpu":
        return lambda r: share * torch.cholesky_solve(r.T, factor).T
    return lambda r: share * (r @ factor.T @ factor)


@dataclass(frozen=True)
class Spectrum:
    """N·J·Jᵀ at the reference in units of the damping, from whose eigenvectors any damping is inverted.

    Attributes
    ----------
    vectors : Tensor
        D^(-½) V, shape (m, m), for D^(-½) N J Jᵀ D^(-½) = V Λ Vᵀ.
    values : Tensor
        Λ, shape (m,).
    damping : Tensor
        D, shape (1, m).
    """

    vectors: Tensor
    values: Tensor
    damping: Tensor

    @classmethod
    def of(cls, gram: Tensor, damping: Tensor) -> Spectrum:
        """That of a Gram (m, m) in units of D, shape (1, m)."""
        scale = decomposable(damping[0]).rsqrt()
        # Several threads round otherwise, and a painting's steps make 12 / 255 of it.
        with one_thread():
            values, vectors = torch.linalg.eigh(scale[:, None] * decomposable(gram) * scale)
        return cls((scale[:, None] * vectors).to(gram), values.clamp_min(0.0).to(gram), damping)

    def inverse(self, damping: Tensor, strength: Tensor) -> Operator:
        """(N J Jᵀ + s D)⁻¹ for D of shape (R, m): a region of a share φ of the image has both larger by 1/φ."""
        share = self.damping / damping
        return lambda r: share * ((r @ self.vectors) / (self.values + strength) @ self.vectors.T)


@dataclass(frozen=True)
class Direction:
    """A damped least-norm direction.

    Attributes
    ----------
    change : Tensor
        dx, of the image's shape.
    multipliers : Tensor
        a, shape (R, M).
    iterations : int
        Conjugate-gradient iterations that it took.
    known : Solution
        What deflates the preconditioner at neighbouring images: what the first of these solves found.
    """

    change: Tensor
    multipliers: Tensor
    iterations: int
    known: Solution


class DampedLeastNorm:
    """Directions that move the features by r at the smallest change of the image.

    Parameters
    ----------
    damping : Tensor
        μ of each feature, shape (R, M), positive.
    iterations : sequence of int
        The most conjugate-gradient iterations at each depth 1 … L from zero.
    depths : sequence of int
        Features within each depth, the last of them M.
    warm_iterations : sequence of int, optional
        The same from the direction at a neighbouring image; as many if left out.
    held : sequence of float, optional
        Share of its damping that a layer has at each depth while it is held; all of it if left out.
    gram : Tensor, optional
        N·J·Jᵀ of one region at the reference, shape (M, M). It hardly depends on resolution and, near the
        reference, little on the image; its Cholesky factor is the preconditioner.
    tolerance : float
        Where a solve stops before, see `conjugate_gradients`. A flow comes back the way it went only if its solves
        converge: few iterations make a direction that nearly jumps from image to image.
    """

    def __init__(
        self,
        damping: Tensor,
        iterations: Sequence[int],
        depths: Sequence[int],
        *,
        warm_iterations: Sequence[int] | None = None,
        held: Sequence[float] | None = None,
        gram: Tensor | None = None,
        tolerance: float = 0.0,
    ) -> None:
        self._iterations, self._warm_iterations = iterations, warm_iterations or iterations
        self._depths, self._tolerance = depths, tolerance
        self._dampings = [
            torch.cat([share * damping[:, :before], damping[:, before:m]], 1)
            for share, (before, m) in zip(held or (1.0,) * len(depths), itertools.pairwise([0, *depths]), strict=True)
        ]
        self._factors = [factor_of(gram, damping) for damping in self._dampings] if gram is not None else None

    def direction(self, at: Linearisation, change: Tensor, before: Direction | None = None) -> Direction:
        """Find dx = N Jᵀ a with (N J Jᵀ + μ) a = change.

        Parameters
        ----------
        at : Linearisation
        change : Tensor
            Shape (R, features within some depth).
        before : Direction, optional
            That of a neighbouring image for the same change: the solve starts from its multipliers, with the
            preconditioner deflated by what it knows.
        """
        depth = self._depths.index(change.shape[1])
        preconditioner = self._preconditioner(depth)
        moved, solution = least_norm(
            at,
            change,
            self._dampings[depth],
            deflated(preconditioner, before.known) if before else preconditioner,
            tolerance=self._tolerance,
            iterations=self.most_iterations(depth, before),
            start=before.multipliers if before else None,
        )
        return Direction(moved, solution.multipliers, solution.iterations, before.known if before else solution)

    @property
    def looks(self) -> bool:
        """Whether a solve looks at its numbers, to stop where it has converged."""
        return self._tolerance > 0

    def most_iterations(self, depth: int, before: Direction | None) -> int:
        """The most iterations of a solve at this depth, counted from 0, from zero or from a neighbour's solution."""
        return (self._warm_iterations if before else self._iterations)[depth]

    def _preconditioner(self, depth: int) -> Operator:
        damping = self._dampings[depth]
        if self._factors is None:
            return lambda r: r / damping
        return factored(self._factors[depth], damping)
