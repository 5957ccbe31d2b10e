"""What has changed in GIMP while a dialog is open: there are no signals for it, so one has to look."""

from __future__ import annotations

import hashlib

from gi.repository import Gimp

from decoupled_style.host.recipe import is_stylised
from decoupled_style.host.styles import every_layer

THUMBNAIL = 256
"""Pixels of the longer side of what is compared, which GIMP has at hand. What it misses, the run still sees."""


def layers_now() -> tuple[object, ...]:
    """The layers that are open, by all that a list of them shows but their pictures."""
    return tuple(
        (image.get_id(), image.get_name(), layer.get_id(), layer.get_name(), is_stylised(layer))
        for image, layer in every_layer()
    )


def pixels_now(*drawables: Gimp.Drawable | None) -> tuple[object, ...]:
    """The pixels, masks and selections of some layers, so that two different ones differ."""
    return tuple(_of(drawable) for drawable in drawables if drawable is not None and drawable.is_valid())


def _of(drawable: Gimp.Drawable) -> tuple[object, ...]:
    image = drawable.get_image()
    mask = drawable.get_mask() if isinstance(drawable, Gimp.Layer) and drawable.get_apply_mask() else None
    selection = None if Gimp.Selection.is_empty(image) else _seen(image.get_selection())
    return (drawable.get_id(), _seen(drawable), tuple(drawable.get_offsets()), mask and _seen(mask), selection)


def _seen(drawable: Gimp.Drawable) -> tuple[object, ...]:
    data = drawable.get_thumbnail_data(THUMBNAIL, THUMBNAIL)
    digest = hashlib.blake2b(bytes(data[0].get_data() or b"")).digest() if data else b""
    return drawable.get_width(), drawable.get_height(), len(drawable.get_filters()), digest
