"""How far along a transfer is: evaluations of the flow, turned into a share of the whole."""

from __future__ import annotations

from decouple_contract.messages import Message
from decouple_contract.progress import Progress
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.integrators import Integrator

CARRYING_SHARE, RENDERING_SHARE = 0.25, 0.1
"""Shares of the bar for what follows the flow: those of a photograph at the default size and 12 megapixels."""


class Meter:
    """Turns evaluations of the flow into a share of the whole.

    Parameters
    ----------
    say : Progress
    """

    def __init__(self, say: Progress) -> None:
        self._say, self._phase = say, ""
        self._starts: dict[str, float] = {}
        self._costs: list[float] = []
        self._done, self._end = 0.0, 1.0

    def plan(
        self, hierarchy: Hierarchy, integrator: Integrator, layers: int, *, reads: bool, stylises: bool, renders: bool
    ) -> None:
        """Lay out the phases that there will be, and what an evaluation of the flow at each depth costs.

        Parameters
        ----------
        hierarchy : Hierarchy
        integrator : Integrator
        layers : int
            How many take part.
        reads, stylises, renders : bool
            Whether a style is measured, a target normalised and stylised, and the result carried to full size.
        """
        work = [k * c for k, c in zip(hierarchy.schedule.iterations, hierarchy.costs, strict=True)][:layers]
        whole = [w * integrator.evaluations(layer) for layer, w in enumerate(work, 1)]
        reading = sum(whole[:-1]) if reads else 0.0  # the last layer is measured, not moved
        stylising = sum(whole) if stylises else 0.0
        flow = 1.0 - (CARRYING_SHARE + RENDERING_SHARE) * renders if reading + stylising else 0.0
        unit = flow / (reading + 2 * stylising or 1.0)
        rendering = 1.0 - (1.0 - flow) * RENDERING_SHARE / (CARRYING_SHARE + RENDERING_SHARE)
        self._costs = [unit * w for w in work]
        self._starts = {
            "reading-style": 0.0,
            "normalising": unit * reading,
            "stylising": unit * (reading + stylising),
            "carrying": flow,
            "rendering": rendering,
        }

    def phase(self, code: str) -> None:
        """Begin a phase: what is before it counts as done, whether it was computed or kept."""
        self._phase = code
        self._end = min((start for start in self._starts.values() if start > self._starts[code]), default=1.0)
        self._reach(self._starts[code])

    def evaluated(self, layer: int) -> None:
        """Count one evaluation of the flow at this depth."""
        self._reach(self._done + self._costs[layer - 1])

    def within(self, share: float, message: Message | None = None) -> None:
        """Tell a share of the phase, 0 to 1, and what is being done if that is more than the phase says."""
        start = self._starts[self._phase]
        self._reach(start + share * (self._end - start), message)

    def _reach(self, done: float, message: Message | None = None) -> None:
        """Tell how far it is: never back, and not beyond the phase, whose length was an estimate."""
        self._done = max(self._done, min(done, self._end))
        self._say(self._done, message or Message(self._phase))
