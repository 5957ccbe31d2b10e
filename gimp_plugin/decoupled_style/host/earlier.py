"""A layer of ours as it is found again: what it was made from, and in which style.

A document keeps the tattoos of its layers when it is saved; copies of a document keep their names alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gi.repository import Gimp, Gio

from decoupled_style.host.documents import mark_of
from decoupled_style.host.recipe import Recipe, is_stylised, no_recipe, session
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import FileStyle, LayerStyle, Mixture, RecipeStyle, file_of, layers_of
from decoupled_style.messages import Failure, _

LOCAL = "file:///"
"""How the addresses of this computer's files begin. A document of somebody else's must not have others looked up."""


def result_at(layer: Gimp.Item | None) -> Gimp.Layer | None:
    """The layer or group of ours that a layer is, or that it is a part of."""
    while layer is not None and not is_stylised(layer):
        layer = layer.get_parent()
    return layer if isinstance(layer, Gimp.Layer) else None


def original_of(result: Gimp.Layer, recipe: Recipe) -> Gimp.Layer | None:
    """The layer that one of ours was made from, if it is still in the same document."""
    image = result.get_image()
    if recipe.document and recipe.document != mark_of(image):
        return None
    others = [layer for _image, layer in layers_of(image) if layer.get_id() != result.get_id()]
    same_tattoo = [layer for layer in others if layer.get_tattoo() == recipe.source]
    same_name = [layer for layer in others if layer.get_name() == recipe.layer_name]
    both = [layer for layer in same_tattoo if layer.get_name() == recipe.layer_name]
    if both or not recipe.document:  # an earlier version told nothing of the document
        return both[0] if both else None
    if len(same_name) == 1:
        return same_name[0]
    return next((layer for layer in same_tattoo if _place(layer) == _place(result)), None)


def originals(layers: Sequence[Gimp.Layer]) -> list[Gimp.Layer]:
    """The layers, in place of ours what those were made from; one of ours stays where that is gone."""
    found = [_first_original(layer) for layer in layers]
    return list({layer.get_id(): layer for layer in found}.values())


def _first_original(layer: Gimp.Layer) -> Gimp.Layer:
    seen: set[int] = set()
    while layer.get_id() not in seen:
        seen.add(layer.get_id())
        result = result_at(layer)
        recipe = Recipe.of(result) if result is not None else None
        if result is not None and recipe is not None:
            layer = original_of(result, recipe) or layer
    return layer


class Earlier:
    """A result that is to be edited.

    Parameters
    ----------
    layer
        It, or a part of it.

    Attributes
    ----------
    layer : Gimp.Layer
        A layer or a group.
    recipe : Recipe
    original : Gimp.Layer or None
        What it was made from, while that is there.

    Raises
    ------
    Failure
        Where it is none of ours.
    """

    def __init__(self, layer: Gimp.Layer) -> None:
        result = result_at(layer)
        recipe = Recipe.of(result) if result is not None else None
        if result is None or recipe is None:
            raise Failure(no_recipe())
        self.layer, self.recipe = result, recipe
        self.original = original_of(result, recipe)

    def style(self) -> LayerStyle | FileStyle | Mixture | RecipeStyle:
        """Its style: the open image, else the file, else what the recipe keeps of it."""
        found = _found(self.recipe.origin)
        if found is not None and self.recipe.regions and self.regions(found) is None:
            found = None  # without them it would be another style
        return found or RecipeStyle(self.recipe)

    def regions(self, style: object) -> Regions | None:
        """The regions that it was made with, as far as their layers are open."""
        image = self.layer.get_image()
        if not isinstance(style, LayerStyle) or len(self.recipe.regions) != 2:
            return None
        images = (image, style.drawable.get_image())
        target, of_style = (_by_tattoo(of, tattoo) for of, tattoo in zip(images, self.recipe.regions, strict=True))
        if target is None or of_style is None:
            return None
        return Regions.chosen(target, of_style, image, style)

    def missing(self, style: object) -> str:
        """What to say where the style is neither open nor in its file; empty where it is."""
        if not isinstance(style, RecipeStyle):
            return ""
        text = _(
            "The style {style} is neither open nor in its file. What the layer keeps of it is used; "
            "to take another style, choose one."
        )
        return text.format(style=self.recipe.style_name)


def _found(origin: dict[str, Any]) -> LayerStyle | FileStyle | Mixture | None:
    """The style that `Style.origin` told of; None where it, or one that was mixed in, is gone."""
    try:
        if "mixture" in origin:
            parts = [(_one(of), float(weight)) for of, weight in origin["mixture"]]
            there = [(style, weight) for style, weight in parts if style is not None and weight > 0]
            return Mixture(there) if there and len(there) == len(parts) else None
        return _one(origin)
    except (AttributeError, TypeError, ValueError):  # a document may hold anything
        return None


def _one(origin: dict[str, Any]) -> LayerStyle | FileStyle | None:
    uri, tattoo = str(origin.get("uri", "")), origin.get("tattoo", 0)
    for image in Gimp.get_images():
        file = file_of(image)
        same_image = origin.get("session") == session() and origin.get("image") == image.get_id()
        if same_image or (uri and file is not None and file.get_uri() == uri):
            layer = _by_tattoo(image, tattoo)
            if layer is not None:
                return LayerStyle(layer)
    file = Gio.File.new_for_uri(uri) if uri.startswith(LOCAL) and origin.get("alone") else None
    path = file.get_path() if file is not None else None
    return FileStyle(file) if file is not None and path is not None and Path(path).is_file() else None


def _by_tattoo(image: Gimp.Image, tattoo: object) -> Gimp.Layer | None:
    return next((layer for _image, layer in layers_of(image) if layer.get_tattoo() == tattoo), None)


def _place(layer: Gimp.Layer) -> tuple[object, ...]:
    return (layer.get_width(), layer.get_height(), *layer.get_offsets())
