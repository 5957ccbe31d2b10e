"""What all steps of one piece of work have at hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from decouple_contract.progress import Progress
from decouple_contract.settings import Settings
from decouple_core.engine.caches import Caches
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.flow.meter import Meter
from decouple_core.model.prepared import PreparedModel, integrator_of
from decouple_core.outcomes.outcome import Outcome
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.outcomes.strategy import Choice
from decouple_core.report import Journal


@dataclass(frozen=True)
class Run:
    """One piece of work under way.

    Attributes
    ----------
    settings : Settings
        With nothing automatic left. A step after which others count returns a run with these; see `under`.
    device : torch.device
    caches : Caches
    journal : Journal
        For the report.
    meter : Meter
    progress : Progress
        Told by what comes before there is a share to tell.
    """

    settings: Settings
    device: torch.device
    caches: Caches
    journal: Journal
    meter: Meter
    progress: Progress

    @classmethod
    def begin(
        cls, caches: Caches, settings: Settings, device: torch.device, progress: Progress, choices: Sequence[Choice]
    ) -> Run:
        """A run in which these choices have been made."""
        return cls(settings, device, caches, Journal(choices=list(choices)), Meter(progress), progress)

    def under(self, **changes: Any) -> Run:
        """The same run, from here on with these settings changed."""
        return dataclasses.replace(self, settings=dataclasses.replace(self.settings, **changes))

    @property
    def outcome(self) -> Outcome:
        """What is made of the features."""
        return OUTCOMES[self.settings.mode]

    def model(self) -> PreparedModel:
        """Step 0: the network with its reference, kept or prepared."""
        return self.caches.models.get(
            self.settings, [str(self.device)], lambda: PreparedModel.prepare(self.settings, self.device, self.progress)
        )

    def layers(self, hierarchy: Hierarchy) -> int:
        """How many layers take part: no more than there are."""
        return min(self.settings.layers, len(hierarchy.sizes))

    def plan(self, hierarchy: Hierarchy, *, reads: bool, stylises: bool, renders: bool) -> None:
        """Lay out how long the steps are that follow; see `Meter.plan`."""
        self.meter.plan(
            hierarchy,
            integrator_of(self.settings, hierarchy),
            self.layers(hierarchy),
            reads=reads,
            stylises=stylises,
            renders=renders,
        )
