"""The new layers of a run, and the one moment at which they come into the document.

The document is touched in `insert` alone, at the very end. Until then nothing but invisible, unattached layers exists,
so a run that is stopped, fails or is killed leaves the document as it was.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gi.repository import Gimp

from decoupled_style.contract.protocol import Raster
from decoupled_style.host import pixels


@dataclass(frozen=True)
class NewLayer:
    """A layer that waits to be inserted above its source, with what will be its mask."""

    source: Gimp.Layer
    layer: Gimp.Layer
    mask: Gimp.LayerMask | None

    def give_up(self) -> None:
        """Free what will not be inserted."""
        for item in (self.mask, self.layer):
            if item is not None and item.is_valid():
                item.delete()


@contextlib.contextmanager
def look(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
    """The layer with its live filters applied: in a copy out of sight, where it has any."""
    if not layer.get_filters():
        yield layer
        return
    aside = Gimp.Image.new_with_precision(layer.get_width(), layer.get_height(), layer.get_image().get_base_type(),
                                          layer.get_image().get_precision())
    try:
        aside.set_color_profile(layer.get_image().get_effective_color_profile())
        copy = Gimp.Layer.new_from_drawable(layer, aside)
        aside.insert_layer(copy, None, 0)
        copy.merge_filters()
        same_size = (copy.get_width(), copy.get_height()) == (layer.get_width(), layer.get_height())
        yield copy if same_size else layer
    finally:
        aside.delete()


def empty_layer(image: Gimp.Image, source: Gimp.Layer, name: str, raster: Raster) -> Gimp.Layer:
    """An empty layer like the source, or a plain one where the source is gone by now."""
    kinds = {Gimp.ImageBaseType.RGB: (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE),
             Gimp.ImageBaseType.GRAY: (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE),
             Gimp.ImageBaseType.INDEXED: (Gimp.ImageType.INDEXED_IMAGE, Gimp.ImageType.INDEXEDA_IMAGE)}
    kind = kinds[image.get_base_type()][raster.channels - 3]
    there = source.is_valid()
    layer = Gimp.Layer.new(image, name, raster.width, raster.height, kind, source.get_opacity() if there else 100.0,
                           source.get_mode() if there else image.get_default_new_layer_mode())
    if there:
        _ok, x, y = source.get_offsets()
        layer.set_offsets(x, y)
    return layer


def selection_mask(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.LayerMask:
    """What will be the new layer's mask: the selection as it is now; `insert` multiplies the layer's own mask in."""
    kind = Gimp.AddMaskType.WHITE if Gimp.Selection.is_empty(image) else Gimp.AddMaskType.SELECTION
    return layer.create_mask(kind)


def insert(image: Gimp.Image, results: Sequence[NewLayer]) -> list[Gimp.Layer]:
    """Put each new layer above its source, or on top where the source is gone; one step of undo."""
    image.undo_group_start()
    try:
        for result in results:
            if result.source.is_valid():
                image.insert_layer(result.layer, result.source.get_parent(), image.get_item_position(result.source))
            else:
                image.insert_layer(result.layer, None, 0)
            if result.mask is not None:
                result.layer.add_mask(result.mask)
                own = result.source.get_mask() if result.source.is_valid() else None
                if own is not None and result.source.get_apply_mask():
                    pixels.multiply(result.mask, own)  # GIMP filters no mask that belongs to no layer
        new = [result.layer for result in results]
        image.set_selected_layers(new)
    finally:
        image.undo_group_end()
    Gimp.displays_flush()
    return new
