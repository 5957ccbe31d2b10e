"""Looks with a name: some that come with the plug-in, and the artist's own, which GIMP keeps between sessions."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp

from decoupled_style.host import arguments
from decoupled_style.host.kept import keep, kept

OWN = "decoupled-style-presets"
"""Name of the parasite on GIMP itself."""

NO_LOOK = ("network", "device", "output", "layer-name", "size", "match")
"""Arguments that a preset leaves as they are: they belong to the machine, to one run or to two pictures."""

LOOKS: dict[str, dict[str, Any]] = {
    "Automatic": {},
    "Photo grade": {"mode": "photo"},
    "Subtle": {"mode": "photo", "strength": 0.5, "freedom": 0.35},
    "Painting": {"mode": "painting"},
    "Sketchy grain": {"mode": "painting", "forms": 0.25, "strokes": 0.7, "grain": 1.4, "structure": 0.7},
    "Colours only": {"mode": "photo", "keep-tones": True, "fine-texture": 0.0, "coarse-texture": 0.0},
}
"""What differs from the usual, by the names of the looks that come with the plug-in."""


def names() -> list[str]:
    """The artist's own."""
    return sorted(_own())


def apply(config: Gimp.ProcedureConfig, name: str) -> None:
    """Set the arguments to a preset: one that comes with the plug-in, by its English name, or the artist's own."""
    values = LOOKS.get(name, _own().get(name, {}))
    for argument in _arguments():
        value = values.get(argument, config.find_property(argument).get_default_value())
        if config.get_property(argument) != value:
            config.set_property(argument, value)


def save(config: Gimp.ProcedureConfig, name: str) -> None:
    """Keep what the arguments hold."""
    own = _own()
    own[name] = {argument: config.get_property(argument) for argument in _arguments()}
    keep(OWN, own)


def remove(name: str) -> None:
    """Forget one of the artist's own."""
    own = _own()
    own.pop(name, None)
    keep(OWN, own)


def matching(config: Gimp.ProcedureConfig) -> str | None:
    """The preset that the arguments are at now."""
    for name, values in {**LOOKS, **_own()}.items():
        if all(
            config.get_property(argument) == values.get(argument, config.find_property(argument).get_default_value())
            for argument in _arguments()
        ):
            return name
    return None


def _arguments() -> list[str]:
    """The arguments that make a look."""
    everything = (*arguments.SLIDERS, *arguments.FIELDS)
    return [arguments.dashed(name) for name in everything if arguments.dashed(name) not in NO_LOOK]


def _own() -> dict[str, dict[str, Any]]:
    return {name: values for name, values in kept(OWN).items() if isinstance(values, dict)}
