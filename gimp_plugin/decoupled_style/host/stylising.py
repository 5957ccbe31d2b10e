"""One run, from the chosen layers to the new ones: read, hand over, wait, and put the results into the document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from gi.repository import Gimp

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure
from decouple_contract.jobs import Parts
from decouple_contract.progress import part_of
from decouple_contract.settings import COMPONENTS, Settings
from decouple_contract.shared_folders import pixels_file
from decoupled_style.client.steps import finish
from decoupled_style.client.worker import Worker, remarks
from decoupled_style.host import pixels
from decoupled_style.host.documents import mark_of, new_mark
from decoupled_style.host.job_files import JobFiles, JobInputs, compute
from decoupled_style.host.new_layers import (
    NewLayer,
    empty_layer,
    insert,
    look,
    mark_component,
    parts_of,
    selection_mask,
)
from decoupled_style.host.recipe import Recipe
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, reason, words

READING, WRITING = 0.05, 0.05
"""Share of the progress bar for reading a layer and for writing its result; the computing takes the rest."""

PART_NAMES = {"colour": "Colour", "forms": "Forms", "strokes": "Strokes", "grain": "Grain"}
"""What separable layers are called, of each of `settings.COMPONENTS`."""

Notice = Callable[[float | None, str], None]
"""Told how far the run is, in [0, 1], and what it does; with None when nothing new happened. May raise `Cancelled`."""

LeftOut = Callable[[str, str], None]
"""Told the name of what could not be stylised, and why."""


@dataclass(frozen=True)
class Output:
    """What new layers a run makes.

    Attributes
    ----------
    separable : bool
        A group of layers that add up, of each of the components, in place of one layer.
    name : str
        Of each new layer or group; by layer and style where it is empty.
    earlier : Gimp.Layer, optional
        A result that is made again: the new one takes its place, mask, opacity and mode.
    replaces : bool
        Whether the earlier result then goes, and its name with it to the new one.
    """

    separable: bool = False
    name: str = ""
    earlier: Gimp.Layer | None = None
    replaces: bool = False


@dataclass(frozen=True)
class Request:
    """What is wanted of each layer."""

    style: Style
    regions: Regions | None
    settings: Settings
    output: Output


def stylise(
    worker: Worker,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    request: Request,
    notice: Notice,
    files: JobFiles | None = None,
    left_out: LeftOut | None = None,
) -> list[Gimp.Layer]:
    """Stylise each layer as the request says; returns the new layers.

    Parameters
    ----------
    worker, image, layers, request, notice
    files
        Those of one of the layers, where it was handed over before.
    left_out
        Takes the layers that cannot be stylised; without it, the first of them ends the run.

    Raises
    ------
    Failure, DecoupleError
        In one sentence for people.
    Cancelled
        By `notice`.
    """
    parts = parts_of(image) if request.output.separable else None
    document = mark_of(image) or new_mark()
    results: list[NewLayer] = []
    try:
        known: dict[str, Any] | None = None  # the style's features, once the first layer has brought them
        for number, layer in enumerate(layers):

            def part(done: float | None, text: str, number: int = number) -> None:
                if text and len(layers) > 1:
                    text = _("Layer {number} of {count}: {text}").format(
                        number=number + 1, count=len(layers), text=text
                    )
                notice(None if done is None else (number + done) / len(layers), text)

            of_layer = (
                files
                if files is not None and files.layer.get_id() == layer.get_id()
                else JobFiles(worker, image, layer, request.output.earlier)
            )
            try:
                result, recipe = _one(worker, image, layer, of_layer, request, parts, known, document, part)
            except (Failure, InputError) as failure:  # of this layer; another error would be that of all
                if left_out is None or not image.is_valid():
                    raise
                left_out(layer.get_name() if layer.is_valid() else "", reason(failure))
                continue
            results.append(result)
            if request.regions is None:  # which regions of the style count depends on the layer
                known = recipe.style
        return insert(image, results, document) if results else []
    except (OSError, MemoryError) as error:
        _give_up(worker, results)
        raise as_failure(error) from error
    except BaseException:
        _give_up(worker, results)
        raise


def _one(
    worker: Worker,
    image: Gimp.Image,
    layer: Gimp.Layer,
    files: JobFiles,
    request: Request,
    parts: Parts | None,
    known: dict[str, Any] | None,
    document: str,
    notice: Notice,
) -> tuple[NewLayer, Recipe]:
    """One layer's result, not yet in the document."""

    def reading(news: tuple[float, str] | None) -> None:
        notice(None if news is None else READING * news[0], "" if news is None else news[1])

    def computing(news: tuple[float, str] | None) -> None:
        if news is None:
            notice(None, "")
            return
        if not image.is_valid():
            raise Failure(pixels.closed())
        notice(READING + (1 - READING - WRITING) * news[0], news[1])

    def writing(done: float) -> None:
        notice(1 - WRITING * (1 - done), _("Writing the new layer"))

    if not layer.is_valid():
        raise Failure(pixels.closed())
    before = Recipe.of(layer)
    layer_name = (before and before.layer_name) or layer.get_name()  # while it is surely there
    tattoo, style, earlier = layer.get_tattoo(), request.style, request.output.earlier
    origin = style.origin()
    regions = request.regions.tattoos() if request.regions is not None else []
    earlier_name = earlier.get_name() if earlier is not None and earlier.is_valid() and request.output.replaces else ""
    notice(0.0, _("Starting"))
    inputs = finish(files.hand_over(style, request.regions, known), reading)
    mask = selection_mask(image, layer) if inputs.target.masks and earlier is None else None
    answer = finish(compute(worker, inputs.transfer(request.settings, parts=parts)), computing)
    if not image.is_valid():
        raise Failure(pixels.closed())
    for said in remarks(answer):
        Gimp.message(words(said))
    by_style = _("{layer} (style of {style})").format(layer=layer_name, style=style.name)
    name = request.output.name or earlier_name or by_style
    recipe = Recipe(
        request.settings.as_dict(),
        str(answer["report"].get("network", request.settings.network)),
        style.name,
        answer["style"],
        layer_name,
        tattoo,
        document,
        origin,
        regions,
    )
    new = _filled(image, layer, name, inputs, parts, writing)
    recipe.keep_on(new.layer)
    return NewLayer(layer, new.layer, mask, new.parts, earlier, request.output.replaces), recipe


def _filled(
    image: Gimp.Image, layer: Gimp.Layer, name: str, inputs: JobInputs, parts: Parts | None, tick: pixels.Tick
) -> NewLayer:
    """The new layer with its pixels, or the group with its layers, which are not in it yet."""
    with look(layer) as source:
        if parts is None:
            new = empty_layer(image, layer, name, inputs.target)
            pixels.take_back(
                new, source if source.is_valid() else None, inputs.target, pixels_file(inputs.folder, "result"), tick
            )
            return NewLayer(layer, new, None)
        made = []
        for number, component in enumerate(COMPONENTS):
            lowest = number == 0
            new = empty_layer(image, layer, _(PART_NAMES[component]), inputs.target, added=not lowest)
            pixels.take_back(
                new,
                source if lowest and source.is_valid() else None,
                inputs.target,
                pixels_file(inputs.folder, component),
                part_of(tick, number, len(COMPONENTS)),
            )
            mark_component(new, component)
            made.append(new)
        return NewLayer(layer, Gimp.GroupLayer.new(image, name), None, tuple(made))


def _give_up(worker: Worker, results: Sequence[NewLayer]) -> None:
    """Hang up, which stops the job and removes its files, and free the layers that will not be inserted."""
    worker.close()
    for result in results:
        result.give_up()
