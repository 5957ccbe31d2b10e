"""What is kept where: the recipe on each new layer, and the last style for the length of the session."""

from __future__ import annotations

import dataclasses
import json
import uuid
from dataclasses import dataclass, field
from typing import Any

from gi.repository import Gimp

from decouple_contract.errors import InputError
from decouple_contract.settings import Settings
from decoupled_style.messages import Failure, _, reason

RECIPE = "decoupled-style-recipe"
"""Name of the parasite on a layer; it is saved with the document."""

LAST_STYLE, LAST_RECIPE = "decoupled-style-last", "decoupled-style-last-recipe"
"""Names of the parasites on GIMP itself; they end with the session, like the ids of layers that they may hold."""

SESSION = "decoupled-style-session"
"""Name of the parasite on GIMP itself that tells this session from others."""


@dataclass(frozen=True)
class Recipe:
    """All it takes to stylise another layer like this one.

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
    layer_name : str
        What the stylised layer was called; empty where it is not known.
    source : int
        Tattoo of the stylised layer, which tells it from the others of its document; 0 where it is not known.
    document : str
        The mark of that document; empty where it is not known.
    origin : dict
        Where the style came from, as `Style.origin` told; empty where it is not known.
    regions : list of int
        Tattoos of the layers of regions, of target and style; empty where there were none.
    """

    settings: dict[str, Any]
    network: str
    style_name: str
    style: dict[str, Any]
    layer_name: str = ""
    source: int = 0
    document: str = ""
    origin: dict[str, Any] = field(default_factory=dict)
    regions: list[int] = field(default_factory=list)

    def keep_on(self, layer: Gimp.Layer) -> None:
        """Attach it to a layer."""
        data = json.dumps({"recipe": 1, **{row.name: getattr(self, row.name) for row in dataclasses.fields(self)}})
        layer.attach_parasite(Gimp.Parasite.new(RECIPE, Gimp.PARASITE_PERSISTENT, data.encode()))

    @classmethod
    def of(cls, layer: Gimp.Item) -> Recipe | None:
        """The recipe that a layer carries; None where it carries none that can be read."""
        parasite = layer.get_parasite(RECIPE)
        if parasite is None:
            return None
        try:
            kept = json.loads(bytes(parasite.get_data()))
            found = cls(
                kept["settings"],
                kept["network"],
                kept["style_name"],
                kept["style"],
                str(kept.get("layer_name", "")),
                int(kept.get("source", 0)),
                str(kept.get("document", "")),
                kept.get("origin", {}),
                kept.get("regions", []),
            )
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):  # the last for one nested 10 000 deep
            return None
        whole = all(
            isinstance(value, kind)
            for value, kind in (
                (found.settings, dict),
                (found.style_name, str),
                (found.style, dict),
                (found.origin, dict),
                (found.regions, list),
            )
        )
        return found if whole else None


def is_stylised(layer: Gimp.Item) -> bool:
    """Whether a layer carries a recipe, which is not read for that."""
    return RECIPE in layer.get_parasite_list()


def no_recipe() -> str:
    """What to say of a layer that carries none."""
    return _("That layer carries no style. Choose a layer that Decoupled Style Transfer made.")


def settings_of(recipe: Recipe, strength: float = 1.0) -> Settings:
    """The settings of a recipe, with so much of its strength; `Failure` where they cannot be used."""
    try:
        settings = Settings.from_dict(recipe.settings)
    except InputError as error:
        text = _("The layer's recipe cannot be used ({reason}). Apply a style to the original layer again.")
        raise Failure(text.format(reason=reason(error))) from error
    return dataclasses.replace(settings, strength=settings.strength * strength)


def session() -> str:
    """What tells this session of GIMP from others: the ids of images and layers are those of one session."""
    found = _kept(SESSION)
    if not found:
        found = {"mark": uuid.uuid4().hex}
        _keep(SESSION, found)
    return str(found["mark"])


def remember_style(where: dict[str, Any], image: Gimp.Image) -> None:
    """Keep what tells the style of this run on this image until GIMP ends; GIMP itself keeps no layers between runs."""
    _keep(LAST_STYLE, {**where, "image": image.get_id()})


def was_last(image: Gimp.Image) -> bool:
    """Whether the last run was on this image, so that its lines are meant for it."""
    return _kept(LAST_STYLE).get("image") == image.get_id()


def remembered_style() -> dict[str, Any]:
    """What `remember_style` kept; empty where nothing was."""
    return _kept(LAST_STYLE)


def remember_recipe(layer: Gimp.Item) -> None:
    """Keep which layer's recipe was applied, until GIMP ends."""
    _keep(LAST_RECIPE, {"item": layer.get_id()})


def remembered_recipe() -> Gimp.Item | None:
    """The layer that `remember_recipe` kept, while it is there."""
    return Gimp.Item.get_by_id(_kept(LAST_RECIPE).get("item", -1))


def _keep(name: str, values: dict[str, Any]) -> None:
    Gimp.attach_parasite(Gimp.Parasite.new(name, 0, json.dumps(values).encode()))


def _kept(name: str) -> dict[str, Any]:
    parasite = Gimp.get_parasite(name)
    try:
        return json.loads(bytes(parasite.get_data())) if parasite is not None else {}
    except ValueError:
        return {}
