"""Requests of arrays, as most tests make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from decouple_contract.settings import Settings
from decouple_core.request import Input, Request

if TYPE_CHECKING:
    from decouple_core.features.style import Style
    from decouple_core.outcomes.colour_by_place import Look
    from decouple_core.outcomes.field import Field


def request(
    target: np.ndarray,
    style: np.ndarray | Style,
    settings: Settings,
    *,
    target_seen: np.ndarray | None = None,
    style_seen: np.ndarray | None = None,
    regions: tuple[np.ndarray, np.ndarray] | None = None,
    colour: Field | Look | None = None,
) -> Request:
    """A request in which this much of target and style is seen, and the result is not blended with the target."""
    wanted = Input(style, style_seen) if isinstance(style, np.ndarray) else style
    return Request(Input(target, target_seen), wanted, settings, regions, colour)
