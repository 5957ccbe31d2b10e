"""The integrators that a transfer can be made with, by the value of the setting `integrator` that chooses them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from decouple_contract.settings import register_choice
from decouple_core.flow.integrators import Integrator, Midpoint, PerLayer, Reversible

Make = Callable[[Sequence[int]], Integrator]
"""Makes an integrator for the steps that a hierarchy's schedule has for it, one number for each layer."""


@dataclass(frozen=True)
class IntegratorKind:
    """How an integrator is made, and what its solves must be like.

    Attributes
    ----------
    make : callable
        See `Make`.
    converged : bool
        Whether its solves converge, with J and Jᵀ in the precision of the features, so that its flow comes back. Others
        are as loose as a transfer needs.
    """

    make: Make
    converged: bool


def in_each_layer(rule: Callable[[int], Integrator]) -> Make:
    """One rule with each layer's own number of steps."""
    return lambda steps: PerLayer([rule(number) for number in steps])


INTEGRATORS = {
    "midpoint": IntegratorKind(in_each_layer(Midpoint), converged=False),
    "reversible": IntegratorKind(in_each_layer(Reversible), converged=True),
}


def register_integrator(name: str, label: str, make: Make, *, converged: bool = False) -> None:
    """Offer a new integrator as a value of the setting `integrator`.

    Parameters
    ----------
    name, label : str
        The setting's value, and the words for it.
    make : callable
        See `Make`; `in_each_layer` makes one of a rule with a number of steps.
    converged : bool
        See `IntegratorKind`.

    Raises
    ------
    InputError
        When the name is taken.
    """
    register_choice("integrator", name, label, taken=INTEGRATORS)
    INTEGRATORS[name] = IntegratorKind(make, converged)
