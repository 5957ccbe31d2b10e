"""The outcomes of a transfer, by the value of the setting `mode` that chooses them."""

from __future__ import annotations

from decouple_contract.settings import register_choice
from decouple_core.outcomes.outcome import Outcome
from decouple_core.outcomes.painting import Painting
from decouple_core.outcomes.photograph import Photograph

OUTCOMES: dict[str, Outcome] = {"photo": Photograph(), "painting": Painting()}


def register_outcome(name: str, label: str, outcome: Outcome) -> None:
    """Offer a new outcome as a value of the setting `mode`.

    Parameters
    ----------
    name, label : str
        The setting's value, and the words for it.
    outcome : Outcome

    Raises
    ------
    InputError
        When the name is taken.
    """
    register_choice("mode", name, label, taken=OUTCOMES)
    OUTCOMES[name] = outcome
