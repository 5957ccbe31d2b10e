"""One run, from the chosen layers to the new ones: read, hand over, wait, and put the results into the document.

The document is touched in one place, at the very end (`_insert`). Until then nothing but invisible, unattached layers
exists, so a run that is stopped, fails or is killed leaves the document as it was.
"""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pixels
from contract import protocol
from contract.settings import Settings
from gi.repository import Gimp
from messages import Failure, _
from recipe import Recipe
from regions import Regions
from styles import Style
from worker_client import Worker, finish

READING, WRITING = 0.05, 0.05
"""Share of the progress bar for reading a layer and for writing its result; the computing takes the rest."""

Notice = Callable[[float | None, str], None]
"""Told how far the run is, in [0, 1], and what it does; with None when nothing new happened. May raise `Stopped`."""


@dataclass
class _Result:
    """A new layer that waits to be inserted."""

    source: Gimp.Layer
    layer: Gimp.Layer
    mask: Gimp.LayerMask | None


def restyle(worker: Worker, image: Gimp.Image, layers: Sequence[Gimp.Layer], style: Style, regions: Regions | None,
            settings: Settings, notice: Notice) -> list[Gimp.Layer]:
    """Dress each layer in the style, region by region where there are any; returns the new layers.

    Raises
    ------
    Failure
        In one sentence for people.
    Stopped
        By `notice`.
    """
    results: list[_Result] = []
    try:
        finish(worker.connect(), lambda news: notice(None, _("Starting")))
        known: dict[str, Any] | None = None  # the style's features, once the first layer has brought them
        for number, layer in enumerate(layers):
            def part(done: float | None, text: str, number: int = number) -> None:
                notice(None if done is None else (number + done) / len(layers), text)

            result, recipe = _one(worker, image, layer, style, known, regions, settings, part)
            results.append(result)
            if regions is None:  # which regions of the style count depends on the layer
                known = recipe.style
        return _insert(image, results)
    except OSError as error:
        _give_up(worker, results)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise Failure(_("The disk is full. Free some space and try again.")) from error
        raise
    except BaseException:
        _give_up(worker, results)
        raise


def _one(worker: Worker, image: Gimp.Image, layer: Gimp.Layer, style: Style, known: dict[str, Any] | None,
         regions: Regions | None, settings: Settings, notice: Notice) -> tuple[_Result, Recipe]:
    """One layer's result, not yet in the document."""
    layer_name = layer.get_name()  # while it is surely there
    closed = _("The image was closed while it was being worked on. Open it and try again.")
    folder = finish(worker.folder(), lambda news: notice(None, _("Starting")))
    with _look(layer) as source:
        weights = pixels.weights_of(image, layer)
        target = pixels.hand_over(source, weights, folder, "target",
                                  lambda done: notice(READING / 2 * done, _("Reading the layer")))
        mask = _new_mask(image, layer) if weights else None
        if known is not None:
            given: dict[str, Any] = {"features": known}
        else:
            given = style.hand_over(folder, lambda done: notice(READING / 2 * (1 + done), _("Reading the style")))
        if regions is not None:
            given |= regions.hand_over(folder, layer, target, given["style"],
                                       lambda done: notice(READING, _("Reading the regions")))

        def passed_on(news: tuple[float, str] | None) -> None:
            if news is not None and not image.is_valid():
                raise Failure(closed)
            notice(*((None, "") if news is None else (READING + (1 - READING - WRITING) * news[0], news[1])))

        job = protocol.Transfer(target=target, settings=settings.as_dict(), **given)
        answer = finish(worker.transfer(job), passed_on)
        if not image.is_valid():
            raise Failure(closed)
        name = _("{layer} (style of {style})").format(layer=layer_name, style=style.name)
        new = _new_layer(image, layer, name, target)
        pixels.take_back(new, source if source.is_valid() else None, target, folder,
                         lambda done: notice(1 - WRITING * (1 - done), _("Writing the new layer")))
    recipe = Recipe(settings.as_dict(), str(answer["report"].get("network", settings.network)), style.name,
                    answer["style"])
    recipe.keep_on(new)
    return _Result(layer, new, mask), recipe


@contextlib.contextmanager
def _look(layer: Gimp.Layer) -> Iterator[Gimp.Layer]:
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


def _new_layer(image: Gimp.Image, source: Gimp.Layer, name: str, raster: protocol.Raster) -> Gimp.Layer:
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


def _new_mask(image: Gimp.Image, layer: Gimp.Layer) -> Gimp.LayerMask:
    """What will be the new layer's mask: the selection as it is now; `_insert` multiplies the layer's own mask in."""
    kind = Gimp.AddMaskType.WHITE if Gimp.Selection.is_empty(image) else Gimp.AddMaskType.SELECTION
    return layer.create_mask(kind)


def _insert(image: Gimp.Image, results: Sequence[_Result]) -> list[Gimp.Layer]:
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


def _give_up(worker: Worker, results: Sequence[_Result]) -> None:
    """Hang up, which stops the job and removes its files, and free the layers that will not be inserted."""
    worker.close()
    for result in results:
        for item in (result.mask, result.layer):
            if item is not None and item.is_valid():
                item.delete()
