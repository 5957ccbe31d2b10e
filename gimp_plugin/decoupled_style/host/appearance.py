"""What GIMP will show of a layer once the new one lies above it, made by GIMP itself in an image out of sight.

The worker knows sRGB alone. What becomes of its pixels in the document, grey or with a palette, in 8 bits or under a
mask, in a mode and at an opacity, only GIMP can tell.
"""

from __future__ import annotations

import contextlib
import operator
from array import array
from collections.abc import Iterator
from pathlib import Path

from gi.repository import Gegl, Gimp

from decouple_contract.jobs import Raster, View
from decoupled_style.host import pixels
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.new_layers import empty_layer
from decoupled_style.messages import Failure

SHOWN_FORMAT = "R'G'B'A u8"
"""What a screen takes."""


def shown(job: JobFiles, view: View, raster: Raster, before: Path, after: Path) -> tuple[bytes, bytes]:
    """The layer as it is, and with a result above it, without the other layers of the image: `SHOWN_FORMAT` each.

    Parameters
    ----------
    job
        Knows what the result is made for, and the earlier one that it may replace.
    view, raster
        The part of it that the files hold, and their form.
    before, after
        What the layer holds there, and the result.

    Raises
    ------
    Failure
        Where the image was closed meanwhile.
    """
    if not job.image.is_valid():
        raise Failure(pixels.closed())
    layer = job.layer
    like = job.earlier if job.earlier is not None and job.earlier.is_valid() else layer
    with _out_of_sight(job.image, raster) as aside:
        own = pixels.mask_of(layer)
        lower = _like(aside, layer, raster, before, _weights([own] if own is not None else [], layer, view))
        as_it_is = _seen(aside)
        _like(aside, like, raster, after, _weights(job.weights(), layer, view))
        lower.set_visible(layer.get_visible())
        return as_it_is, _seen(aside)


_kept: dict[tuple[int, int], Gimp.Image] = {}
"""Images out of sight, by kind. GIMP's own window takes the keyboard from the dialog when such an image is deleted."""


def forget() -> None:
    """Delete what is kept from look to look."""
    for aside in _kept.values():
        if aside.is_valid():
            aside.delete()
    _kept.clear()


@contextlib.contextmanager
def _out_of_sight(image: Gimp.Image, raster: Raster) -> Iterator[Gimp.Image]:
    """An empty image of the same kind."""
    kind = image.get_base_type(), image.get_precision()
    aside = _kept.get(kind)
    if aside is None or not aside.is_valid():
        aside = _kept[kind] = Gimp.Image.new_with_precision(raster.width, raster.height, *kind)
        aside.undo_disable()
    aside.resize(raster.width, raster.height, 0, 0)
    if kind[0] == Gimp.ImageBaseType.INDEXED:
        aside.set_palette(image.get_palette())
    aside.set_color_profile(image.get_effective_color_profile())
    try:
        yield aside
    finally:
        for layer in aside.get_layers():
            aside.remove_layer(layer)


def _like(aside: Gimp.Image, layer: Gimp.Layer, raster: Raster, file: Path, weights: array[float] | None) -> Gimp.Layer:
    """A layer on top, like the one in the document, with the pixels of a file."""
    new = empty_layer(aside, layer, "", raster)
    new.set_offsets(0, 0)
    if new.get_mode() == Gimp.LayerMode.PASS_THROUGH:  # a group's, which a layer of pixels takes for this
        new.set_mode(Gimp.LayerMode.NORMAL)
    aside.insert_layer(new, None, 0)
    pixels.take_back(new, None, raster, file, lambda _done: None)
    if weights is not None:
        mask = new.create_mask(Gimp.AddMaskType.WHITE)
        new.add_mask(mask)
        whole = Gegl.Rectangle.new(0, 0, raster.width, raster.height)
        mask.get_buffer().set(whole, pixels.WEIGHT_FORMAT, weights.tobytes())
        mask.update(0, 0, raster.width, raster.height)
    return new


def _weights(weights: list[pixels.Source], layer: Gimp.Layer, view: View) -> array[float] | None:
    """The product of some weights in a view; None where there are none."""
    scale = min(1.0, view.longest / max(layer.get_width(), layer.get_height()))
    product: array[float] | None = None
    for weight in weights:
        place = Gegl.Rectangle.new(
            view.x + round(weight.x * scale), view.y + round(weight.y * scale), view.width, view.height
        )
        with pixels.held(weight.drawable) as buffer:
            found = array("f", buffer.get(place, scale, pixels.WEIGHT_FORMAT, Gegl.AbyssPolicy.NONE))
        product = found if product is None else array("f", map(operator.mul, product, found))
    return product


def _seen(aside: Gimp.Image) -> bytes:
    """What an image shows."""
    screen = Gimp.Image.new(aside.get_width(), aside.get_height(), Gimp.ImageBaseType.RGB)
    try:
        layer = Gimp.Layer.new_from_visible(aside, screen, "")
        whole = Gegl.Rectangle.new(0, 0, aside.get_width(), aside.get_height())
        return layer.get_buffer().get(whole, 1.0, SHOWN_FORMAT, Gegl.AbyssPolicy.NONE)
    finally:
        screen.delete()
