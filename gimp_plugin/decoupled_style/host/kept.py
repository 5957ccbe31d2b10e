"""Values that GIMP keeps for us between sessions, as text in parasites on GIMP itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gi.repository import Gimp


def kept(name: str) -> dict[str, Any]:
    """What was kept under a name; nothing where nothing was, or it cannot be read."""
    parasite = Gimp.get_parasite(name)
    try:
        found = json.loads(bytes(parasite.get_data())) if parasite is not None else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def keep(name: str, values: Mapping[str, Any]) -> None:
    """Keep values under a name."""
    Gimp.attach_parasite(Gimp.Parasite.new(name, Gimp.PARASITE_PERSISTENT, json.dumps(values).encode()))
