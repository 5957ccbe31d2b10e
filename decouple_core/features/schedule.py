"""How the flow is followed through the layers of one hierarchy: the numbers that were measured for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class FlowSchedule:
    """Numbers for moves of depth 1 … L, each a sequence of L.

    Attributes
    ----------
    iterations : sequence of int
        Conjugate-gradient iterations of the first solve in a transfer's move. It serves the others, too.
    warm_iterations : sequence of int
        The same of all others, from the solution of the evaluation before.
    held : sequence of float
        Damping of held layers in a move of each depth, as a share of their own: they are to stay.
    steps : mapping of str to sequence of int
        Steps of an integrator through each layer, by the integrator's name.
    """

    iterations: Sequence[int]
    warm_iterations: Sequence[int]
    held: Sequence[float]
    steps: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @classmethod
    def cautious(cls, layers: int) -> FlowSchedule:
        """For a hierarchy that nobody has measured: more than the measured ones need, in every place."""
        return cls((12,) * layers, (6,) * layers, (1.0,) * layers)

    def steps_of(self, integrator: str) -> Sequence[int]:
        """Steps through layers 1 … L; eight through each where the integrator has not been measured."""
        return self.steps.get(integrator, (8,) * len(self.iterations))
