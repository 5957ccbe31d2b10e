"""The damped least-norm solve: which change of the image moves the features as wanted and is the smallest.

The direction that moves the features f (M of them) of an image (N values) by r is

    dx = N Jᵀ a,    (N J Jᵀ + μ I) a = r,

the minimiser of |J dx − r|² + (μ / N) |dx|². The factor N makes μ independent of resolution, because the
spatial mean makes J Jᵀ fall as 1 / N.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features import Linearisation

Operator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Solution:
    """Result of a solve.

    Attributes
    ----------
    multipliers : Tensor
        a, of the shape of the right side.
    iterations : int
        Conjugate-gradient iterations done, each one product with the operator.
    residual : Tensor
        |r − A a| / |r|, a scalar.
    shares : list of Tensor
        Scalars: a is the sum of the operator's arguments, in the order of its calls, each times its share.
    """

    multipliers: Tensor
    iterations: int
    residual: Tensor
    shares: list[Tensor]


def conjugate_gradients(operator: Operator, right_side: Tensor, *, tolerance: float, iterations: int,
                        preconditioner: Operator | None = None, start: Tensor | None = None) -> Solution:
    """Solve A a = r for a symmetric positive definite A known by its products.

    Hestenes & Stiefel 1952, preconditioned. Stops at the relative residual `tolerance` or after `iterations`.

    Every direction is made conjugate to all before it, not to the last alone. In exact arithmetic that changes nothing.
    But where A's eigenvalues spread widely, the short recurrence multiplies the rounding along the largest ones, once
    they are solved for, by their ratio to the rest at every iteration: the photograph's correction then ended 1.7 / 255
    (median) from its exact result in single precision and 5.6 / 255 with A in bfloat16, like this 0.00 and 0.05.

    Parameters
    ----------
    operator : callable
        a ↦ A a, on tensors of any one shape.
    right_side : Tensor
        r.
    tolerance : float
        On |r − A a| / |r|; 0 runs all iterations.
    iterations : int
        The most products with A, the one for a non-zero start not counted.
    preconditioner : callable, optional
        r ↦ P⁻¹ r with P symmetric positive definite; none means the identity.
    start : Tensor, optional
        First guess of a; zero if left out.
    """
    scale = right_side.norm()
    a = torch.zeros_like(right_side) if start is None else start.clone()
    residual = right_side.clone() if start is None else right_side - operator(a)
    shares = [] if start is None else [torch.ones_like(scale)]
    directions: list[Tensor] = []
    images: list[Tensor] = []
    done = 0
    # Without a tolerance nothing here waits for the numbers, so an accelerator is never idle.
    while done < iterations and not (tolerance and residual.norm() <= tolerance * scale):
        direction = preconditioner(residual) if preconditioner else residual
        for before, image in zip(directions, images, strict=True):
            direction = direction - (image * direction).sum() * before
        image = operator(direction)
        # Where rounding leaves no length, nothing is to be gained.
        length = (direction * image).sum()
        unit = torch.where(length > 0, length.clamp_min(torch.finfo(length.dtype).tiny).rsqrt(), 0.0)
        directions.append(unit * direction)
        images.append(unit * image)
        step = (directions[-1] * residual).sum()
        a = a + step * directions[-1]
        residual = residual - step * images[-1]
        shares.append(step * unit)
        done += 1
    return Solution(a, done, residual.norm() / scale, shares)


@dataclass(frozen=True)
class Direction:
    """A damped least-norm direction.

    Attributes
    ----------
    change : Tensor
        dx, of the image's shape.
    multipliers : Tensor
        a, shape (R, M): where the solve of a neighbouring image may start.
    iterations : int
        Conjugate-gradient iterations that it took.
    """

    change: Tensor
    multipliers: Tensor
    iterations: int


class DampedLeastNorm:
    """Directions that move the features by r at the smallest change of the image.

    Parameters
    ----------
    damping : Tensor
        μ of each feature, shape (R, M), positive.
    iterations : sequence of int
        Conjugate-gradient iterations at each depth 1 … L from zero. Their number is fixed so that the direction is a
        smooth function of the image: a stopping rule would make it jump, and the flow would not come back the way it
        went.
    depths : sequence of int
        Features within each depth, the last of them M.
    warm_iterations : sequence of int, optional
        The same from the multipliers of a neighbouring image; as many if left out.
    held : sequence of float, optional
        Share of its damping that a layer has at each depth while it is held; all of it if left out.
    gram : Tensor, optional
        N·J·Jᵀ of one region at the reference, shape (M, M). It hardly depends on resolution and, near the
        reference, little on the image; its Cholesky factor is the preconditioner.
    tolerance : float
        Relative residual at which a solve may stop early; 0 keeps the direction smooth.
    """

    def __init__(self, damping: Tensor, iterations: Sequence[int], depths: Sequence[int], *,
                 warm_iterations: Sequence[int] | None = None, held: Sequence[float] | None = None,
                 gram: Tensor | None = None, tolerance: float = 0.0) -> None:
        self._iterations, self._warm_iterations = iterations, warm_iterations or iterations
        self._depths, self._tolerance = depths, tolerance
        self._dampings = [torch.cat([share * damping[:, :before], damping[:, before:m]], 1) for share, (before, m) in
                          zip(held or (1.0,) * len(depths), itertools.pairwise([0, *depths]), strict=True)]
        self._factors = [self._factor(gram, damping) for damping in self._dampings] if gram is not None else None

    def direction(self, at: Linearisation, change: Tensor, start: Tensor | None = None) -> Direction:
        """Find dx = N Jᵀ a with (N J Jᵀ + μ) a = change.

        Parameters
        ----------
        at : Linearisation
        change : Tensor
            Shape (R, features within some depth).
        start : Tensor, optional
            Multipliers of a neighbouring image; zero if left out.
        """
        depth = self._depths.index(change.shape[1])
        damping = self._dampings[depth]
        pulled: list[Tensor] = []

        def operator(a: Tensor) -> Tensor:
            back = at.vjp(a)
            pulled.append(back.numel() * back)
            return at.jvp(pulled[-1]) + damping * a

        iterations = self._iterations if start is None else self._warm_iterations
        solution = conjugate_gradients(operator, change, tolerance=self._tolerance, iterations=iterations[depth],
                                       preconditioner=self._preconditioner(depth), start=start)
        # N Jᵀ a is put together from what the solve has pulled back already.
        moved = torch.zeros_like(pulled[0] if pulled else at.vjp(change))  # none where there is nothing to move
        for share, back in zip(solution.shares, pulled, strict=True):
            moved = moved + share * back
        return Direction(moved, solution.multipliers, solution.iterations)

    def _factor(self, gram: Tensor, damping: Tensor) -> Tensor:
        # A region of a share φ of the image has N J Jᵀ and μ both larger by 1/φ: one factor serves all regions.
        # Factored on the CPU, once, because not every accelerator has double precision.
        size = damping.shape[1]
        block = gram[:size, :size].cpu().double() + torch.diag(damping.amin(0).cpu().double())
        return torch.linalg.cholesky(block).to(damping)

    def _preconditioner(self, depth: int) -> Operator:
        damping = self._dampings[depth]
        if self._factors is None:
            return lambda r: r / damping
        factor, share = self._factors[depth], damping.amin(0) / damping
        return lambda r: share * torch.cholesky_solve(r.T, factor).T
