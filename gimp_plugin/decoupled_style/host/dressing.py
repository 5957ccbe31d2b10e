"""One run, from the chosen layers to the new ones: read, hand over, wait, and put the results into the document."""

from __future__ import annotations

import errno
from collections.abc import Callable, Sequence
from typing import Any

from gi.repository import Gimp

from decoupled_style.client.steps import News, finish
from decoupled_style.client.worker import Worker
from decoupled_style.contract import protocol
from decoupled_style.contract.errors import DiskFullError
from decoupled_style.contract.settings import Settings
from decoupled_style.host import pixels
from decoupled_style.host.new_layers import NewLayer, empty_layer, insert, look, selection_mask
from decoupled_style.host.recipe import Recipe
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, words

READING, WRITING = 0.05, 0.05
"""Share of the progress bar for reading a layer and for writing its result; the computing takes the rest."""

Notice = Callable[[float | None, str], None]
"""Told how far the run is, in [0, 1], and what it does; with None when nothing new happened. May raise `Cancelled`."""


def dress(worker: Worker, image: Gimp.Image, layers: Sequence[Gimp.Layer], style: Style, regions: Regions | None,
          settings: Settings, notice: Notice) -> list[Gimp.Layer]:
    """Dress each layer in the style, region by region where there are any; returns the new layers.

    Raises
    ------
    Failure, DecoupleError
        In one sentence for people.
    Cancelled
        By `notice`.
    """
    results: list[NewLayer] = []
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
        return insert(image, results)
    except OSError as error:
        _give_up(worker, results)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError("disk-full") from error
        raise
    except BaseException:
        _give_up(worker, results)
        raise


def _one(worker: Worker, image: Gimp.Image, layer: Gimp.Layer, style: Style, known: dict[str, Any] | None,
         regions: Regions | None, settings: Settings, notice: Notice) -> tuple[NewLayer, Recipe]:
    """One layer's result, not yet in the document."""
    layer_name = layer.get_name()  # while it is surely there
    closed = _("The image was closed while it was being worked on. Open it and try again.")
    folder = finish(worker.folder(), lambda news: notice(None, _("Starting")))
    with look(layer) as source:
        weights = pixels.weights_of(image, layer)
        target = pixels.hand_over(source, weights, folder, "target",
                                  lambda done: notice(READING / 2 * done, _("Reading the layer")))
        mask = selection_mask(image, layer) if weights else None
        if known is not None:
            given: dict[str, Any] = {"features": known}
        else:
            given = style.hand_over(folder, lambda done: notice(READING / 2 * (1 + done), _("Reading the style")))
        if regions is not None:
            given |= regions.hand_over(folder, layer, target, given["style"],
                                       lambda done: notice(READING, _("Reading the regions")))

        def passed_on(news: News | None) -> None:
            if news is None:
                notice(None, "")
                return
            if not image.is_valid():
                raise Failure(closed)
            share, message = news
            notice(READING + (1 - READING - WRITING) * share, words(message))

        job = protocol.Transfer(target=target, settings=settings.as_dict(), **given)
        answer = finish(worker.transfer(job), passed_on)
        if not image.is_valid():
            raise Failure(closed)
        name = _("{layer} (style of {style})").format(layer=layer_name, style=style.name)
        new = empty_layer(image, layer, name, target)
        pixels.take_back(new, source if source.is_valid() else None, target, folder,
                         lambda done: notice(1 - WRITING * (1 - done), _("Writing the new layer")))
    recipe = Recipe(settings.as_dict(), str(answer["report"].get("network", settings.network)), style.name,
                    answer["style"])
    recipe.keep_on(new)
    return NewLayer(layer, new, mask), recipe


def _give_up(worker: Worker, results: Sequence[NewLayer]) -> None:
    """Hang up, which stops the job and removes its files, and free the layers that will not be inserted."""
    worker.close()
    for result in results:
        result.give_up()
