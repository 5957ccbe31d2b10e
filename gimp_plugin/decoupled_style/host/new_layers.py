"""The new layers of a run, and the one moment at which they come into the document.

The document is touched in `insert` alone, at the very end. Until then nothing but invisible, unattached layers exists,
so a run that is stopped, fails or is killed leaves the document as it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gi.repository import Gimp

from decouple_contract.jobs import Parts, Raster
from decoupled_style.host import pixels
from decoupled_style.host.recipe import Recipe
from decoupled_style.messages import Failure, _

LEVELS = {"u8": 255, "u16": 65535}
"""The largest number of precisions whose rounding shows in a sum of four layers."""


@dataclass(frozen=True)
class NewLayer:
    """A layer that waits to be inserted above its source, with what will be its mask.

    A group waits with its layers, from below.
    """

    source: Gimp.Layer
    layer: Gimp.Layer
    mask: Gimp.LayerMask | None
    parts: tuple[Gimp.Layer, ...] = ()

    def give_up(self) -> None:
        """Free what will not be inserted."""
        for item in (self.mask, *self.parts, self.layer):
            if item is not None and item.is_valid():
                item.delete()


@contextlib.contextmanager
def look(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The layer with its live filters applied: in a copy out of sight, where it has any."""
    if not layer.get_filters():
        yield layer
        return
    aside = Gimp.Image.new_with_precision(
        layer.get_width(), layer.get_height(), layer.get_image().get_base_type(), layer.get_image().get_precision()
    )
    try:
        aside.set_color_profile(layer.get_image().get_effective_color_profile())
        copy = Gimp.Layer.new_from_drawable(layer, aside)
        aside.insert_layer(copy, None, 0)
        copy.merge_filters()
        same_size = (copy.get_width(), copy.get_height()) == (layer.get_width(), layer.get_height())
        yield copy if same_size else layer
    finally:
        aside.delete()


def empty_layer(
    image: Gimp.Image, source: Gimp.Layer, name: str, raster: Raster, *, added: bool | None = None
) -> Gimp.Layer:
    """An empty layer like the source, or a plain one where the source is gone by now.

    As a layer of a group it takes neither opacity nor mode from the source; one that is `added` to those below it has
    the mode for that.
    """
    kinds = {
        Gimp.ImageBaseType.RGB: (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE),
        Gimp.ImageBaseType.GRAY: (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE),
        Gimp.ImageBaseType.INDEXED: (Gimp.ImageType.INDEXED_IMAGE, Gimp.ImageType.INDEXEDA_IMAGE),
    }
    kind = kinds[image.get_base_type()][raster.channels - 3]
    there = source.is_valid()
    opacity, mode = 100.0, image.get_default_new_layer_mode()
    if added is not None:
        mode = Gimp.LayerMode.GRAIN_MERGE if added else Gimp.LayerMode.NORMAL
    elif there:
        opacity, mode = source.get_opacity(), source.get_mode()
    layer = Gimp.Layer.new(image, name, raster.width, raster.height, kind, opacity, mode)
    if there:
        _ok, x, y = source.get_offsets()
        layer.set_offsets(x, y)
    return layer


def parts_of(image: Gimp.Image) -> Parts:
    """What the worker has to know of a document for layers that add up in it; `Failure` where none can."""
    if image.get_base_type() == Gimp.ImageBaseType.INDEXED:
        raise Failure(
            _("An indexed image cannot hold separable layers. Choose one new layer, or convert the image to RGB.")
        )
    kind, _separator, curve = image.get_precision().value_nick.partition("-")
    return Parts(LEVELS.get(kind, 0), curve == "linear", image.get_base_type() == Gimp.ImageBaseType.GRAY)


def selection_mask(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.LayerMask:
    """What will be the new layer's mask: the selection as it is now; `insert` multiplies the layer's own mask in."""
    kind = Gimp.AddMaskType.WHITE if Gimp.Selection.is_empty(image) else Gimp.AddMaskType.SELECTION
    return layer.create_mask(kind)


def insert(image: Gimp.Image, results: Sequence[NewLayer]) -> list[Gimp.Layer]:
    """Put each new layer above its source and what was made of that before, or on top where the source is gone.

    All is one step of undo.
    """
    image.undo_group_start()
    try:
        for result in results:
            if result.source.is_valid():
                image.insert_layer(result.layer, result.source.get_parent(), _place(image, result.source))
            else:
                image.insert_layer(result.layer, None, 0)
            for part in result.parts:
                image.insert_layer(part, result.layer, 0)
            if result.parts and result.source.is_valid():
                result.layer.set_opacity(result.source.get_opacity())
                result.layer.set_mode(result.source.get_mode())
            if result.mask is not None:
                result.layer.add_mask(result.mask)
                own = result.source.get_mask() if result.source.is_valid() else None
                if own is not None and result.source.get_apply_mask():
                    pixels.multiply(result.mask, own)  # GIMP changes no mask that belongs to no layer
        new = [result.layer for result in results]
        image.set_selected_layers(new)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return new


def _place(image: Gimp.Image, source: Gimp.Layer) -> int:
    """Where a new layer goes: above its source, and above the earlier results that lie on it."""
    parent, tattoo = source.get_parent(), source.get_tattoo()
    siblings = parent.get_children() if parent is not None else image.get_layers()
    place = image.get_item_position(source)
    while place and (recipe := Recipe.of(siblings[place - 1])) is not None and recipe.source == tattoo:
        place -= 1
    return place
