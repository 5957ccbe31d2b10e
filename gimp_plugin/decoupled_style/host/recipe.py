"""What is kept where: the recipe on each new layer, and the last style for the length of the session."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

RECIPE = "decoupled-style-recipe"
"""Name of the parasite on a layer; it is saved with the document."""

LAST_STYLE = "decoupled-style-last"
"""Name of the parasite on GIMP itself; it ends with the session, like the ids of layers that it may hold."""


@dataclass(frozen=True)
class Recipe:
    """All it takes to dress another layer like this one.

    Attributes
    ----------
    settings : dict
        Of `settings.Settings`.
    network : str
        The network whose features these are.
    style_name : str
        For people.
    style : dict
        The decoupled style, as the worker gave it.
    """

    settings: dict[str, Any]
    network: str
    style_name: str
    style: dict[str, Any]

    def keep_on(self, layer: Gimp.Layer) -> None:
        """Attach it to a layer."""
        data = json.dumps({"recipe": 1, "settings": self.settings, "network": self.network,
                           "style_name": self.style_name, "style": self.style})
        layer.attach_parasite(Gimp.Parasite.new(RECIPE, Gimp.PARASITE_PERSISTENT, data.encode()))

    @classmethod
    def of(cls, layer: Gimp.Item) -> Recipe | None:
        """The recipe that a layer carries; None where it carries none that can be read."""
        parasite = layer.get_parasite(RECIPE)
        if parasite is None:
            return None
        try:
            kept = json.loads(bytes(parasite.get_data()))
            found = cls(kept["settings"], kept["network"], kept["style_name"], kept["style"])
        except (ValueError, KeyError, TypeError, RecursionError):  # the last for one nested 10 000 deep
            return None
        whole = isinstance(found.settings, dict) and isinstance(found.style_name, str) and isinstance(found.style, dict)
        return found if whole else None


def remember_style(where: dict[str, Any]) -> None:
    """Keep what tells the style of this run until GIMP ends; GIMP itself does not keep layers between runs."""
    Gimp.attach_parasite(Gimp.Parasite.new(LAST_STYLE, 0, json.dumps(where).encode()))


def remembered_style() -> dict[str, Any]:
    """What `remember_style` kept; empty where nothing was."""
    parasite = Gimp.get_parasite(LAST_STYLE)
    try:
        return json.loads(bytes(parasite.get_data())) if parasite is not None else {}
    except ValueError:
        return {}
