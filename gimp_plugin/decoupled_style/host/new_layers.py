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
from decoupled_style.host.documents import mark
from decoupled_style.host.recipe import Recipe
from decoupled_style.messages import Failure, _

LEVELS = {"u8": 255, "u16": 65535}
"""The largest number of precisions whose rounding shows in a sum of four layers."""


PART = "decoupled-style-part"
"""Name of the parasite on a layer of a group that tells which of the components it is."""


@dataclass(frozen=True)
class NewLayer:
    """A layer that waits to be inserted above its source, with what will be its mask.

    A group waits with its layers, from below. Where an `earlier` result is made again, the new one takes its place,
    mask, opacity and mode, and its name, too, if it `replaces` it.
    """

    source: Gimp.Layer
    layer: Gimp.Layer
    mask: Gimp.LayerMask | None
    parts: tuple[Gimp.Layer, ...] = ()
    earlier: Gimp.Layer | None = None
    replaces: bool = False

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
    kind = pixels.kind_of_layer(image, alpha=raster.channels == 4)
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


def mark_component(layer: Gimp.Layer, component: str) -> None:
    """Have a layer of a group tell which of the components it is."""
    layer.attach_parasite(Gimp.Parasite.new(PART, Gimp.PARASITE_PERSISTENT, component.encode()))


def component_of(layer: Gimp.Layer) -> str:
    """Which of the components a layer of a group is; empty where it is none."""
    parasite = layer.get_parasite(PART)
    return bytes(parasite.get_data()).decode(errors="replace") if parasite is not None else ""


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


def insert(image: Gimp.Image, results: Sequence[NewLayer], document: str) -> list[Gimp.Layer]:
    """Put each new layer in its place, and give the document its mark; all is one step of undo."""
    image.undo_group_start()
    try:
        mark(image, document)
        for result in results:
            if result.earlier is not None and result.earlier.is_valid():
                _take_over(image, result, result.earlier)
            else:
                _put_above(image, result)
        new = [result.layer for result in results]
        image.set_selected_layers(new)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return new


def _put_above(image: Gimp.Image, result: NewLayer) -> None:
    """Put a new layer above its source and what was made of that before, or on top where the source is gone."""
    source = result.source if result.source.is_valid() else None
    _insert(image, result, source, _place(image, source) if source is not None else 0)
    if source is not None and result.parts:
        result.layer.set_opacity(source.get_opacity())
        result.layer.set_mode(source.get_mode())
    if result.mask is not None:
        result.layer.add_mask(result.mask)
        own = source.get_mask() if source is not None and source.get_apply_mask() else None
        if own is not None:
            pixels.multiply(result.mask, own)  # GIMP changes no mask that belongs to no layer


def _take_over(image: Gimp.Image, result: NewLayer, earlier: Gimp.Layer) -> None:
    """Put a new layer where an earlier one is, looking as that does, and take that away if it is to be replaced."""
    names = [(layer, layer.get_name()) for layer in (result.layer, *result.parts)]
    _insert(image, result, earlier, image.get_item_position(earlier))
    _look_alike(result.layer, earlier)
    result.layer.set_mode(earlier.get_mode())
    result.layer.set_blend_space(earlier.get_blend_space())
    result.layer.set_composite_space(earlier.get_composite_space())
    result.layer.set_composite_mode(earlier.get_composite_mode())
    for part in result.parts:
        for other in earlier.get_children() if earlier.is_group() else ():
            if component_of(other) == component_of(part):
                _look_alike(part, other)
    if result.replaces:
        image.remove_layer(earlier)
        for layer, name in names:  # which GIMP gives to one layer of an image alone
            layer.set_name(name)


def _insert(image: Gimp.Image, result: NewLayer, beside: Gimp.Layer | None, position: int) -> None:
    image.insert_layer(result.layer, beside.get_parent() if beside is not None else None, position)
    for part in result.parts:
        image.insert_layer(part, result.layer, 0)


def _look_alike(layer: Gimp.Layer, other: Gimp.Layer) -> None:
    """Give a layer what an artist has set on another but its mode: opacity, visibility, colour mark, mask, filters."""
    layer.set_opacity(other.get_opacity())
    layer.set_visible(other.get_visible())
    layer.set_color_tag(other.get_color_tag())
    mask = other.get_mask()
    if mask is not None:
        copy = layer.create_mask(Gimp.AddMaskType.WHITE)
        layer.add_mask(copy)
        (_ok, x, y), (_ok, left, top) = other.get_offsets(), layer.get_offsets()
        pixels.copy(mask, copy, x - left, y - top)
        layer.set_apply_mask(other.get_apply_mask())
    for live in reversed(other.get_filters()):  # from below
        _copy_filter(live, layer)


def _copy_filter(live: Gimp.DrawableFilter, layer: Gimp.Layer) -> None:
    """Put a live filter like another one on top of those of a layer."""
    copy = Gimp.DrawableFilter.new(layer, live.get_operation_name(), live.get_name())
    theirs, ours = live.get_config(), copy.get_config()
    for row in theirs.list_properties():
        ours.set_property(row.name, theirs.get_property(row.name))
    copy.set_opacity(live.get_opacity())
    copy.set_blend_mode(live.get_blend_mode())
    copy.set_visible(live.get_visible())
    layer.append_filter(copy)


def _place(image: Gimp.Image, source: Gimp.Layer) -> int:
    """Where a new layer goes: above its source, and above the earlier results that lie on it."""
    parent, tattoo = source.get_parent(), source.get_tattoo()
    siblings = parent.get_children() if parent is not None else image.get_layers()
    place = image.get_item_position(source)
    while place and (recipe := Recipe.of(siblings[place - 1])) is not None and recipe.source == tattoo:
        place -= 1
    return place
