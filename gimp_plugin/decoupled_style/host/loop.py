"""What a run is applied to: the selected layers, all layers of the image, or every open image, one after the other.

Each image is stylised as by a run of its own: by its own selection and masks, in one step of undo, whole or not at all.
What cannot be stylised is left out and named at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gi.repository import Gimp

from decouple_contract.errors import InputError, OutOfMemoryError
from decoupled_style.client.worker import Worker
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.recipe import is_stylised
from decoupled_style.host.styles import Style, image_of, name_of, open_images, sources
from decoupled_style.host.stylising import Notice, Request, stylise
from decoupled_style.messages import Failure, _, reason

SELECTED, ALL_LAYERS, ALL_IMAGES = "selected", "all-layers", "all-images"
"""Values of the procedure's argument."""

LISTED = 12
"""Lines of a message about what was left out; more would not fit on a screen."""

Work = tuple[Gimp.Image, list[Gimp.Layer]]
"""An image with those of its layers that are to be stylised."""


def works(
    apply_to: str,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    style: Style | None,
    not_these: Sequence[Gimp.Item | None] = (),
) -> list[Work]:
    """What is to be stylised, this image first; the style's layers are left out, and its image among others.

    Parameters
    ----------
    apply_to
        One of the values above.
    image, layers
        Those that the filter was called for.
    style
    not_these
        Layers that mark regions.
    """
    if apply_to == ALL_LAYERS:
        taken = {
            item.get_id()
            for item in (*not_these, *(getattr(one, "drawable", None) for one in sources(style)))
            if isinstance(item, Gimp.Item)
        }
        return [(image, [layer for layer in _plain(image.get_layers()) if layer.get_id() not in taken])]
    if apply_to == ALL_IMAGES:
        taken = {image.get_id(), *(found.get_id() for found in map(image_of, sources(style)) if found is not None)}
        others = [other for other in open_images() if other.get_id() not in taken]
        return [(image, list(layers)), *((other, list(other.get_selected_layers())) for other in others)]
    return [(image, list(layers))]


def stylise_all(
    worker: Worker,
    apply_to: str,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    request: Request,
    notice: Notice,
    files: JobFiles | None = None,
) -> list[Gimp.Layer]:
    """Stylise all that is to be stylised; returns the new layers, and says at the end what was left out.

    Stopped, it leaves the images that are finished as they are, and the others untouched.

    Raises
    ------
    Failure, DecoupleError
        Where nothing was stylised, or where nothing more can be.
    Cancelled
        By `notice`.
    """
    if apply_to == SELECTED:
        return stylise(worker, image, layers, request, notice, files)
    regions = request.regions
    if regions is not None and apply_to == ALL_IMAGES:
        raise Failure(_("Regions belong to one image. Choose no regions, or apply to this image only."))
    new: list[Gimp.Layer] = []
    left_out: list[str] = []
    todo = works(apply_to, image, layers, request.style, (regions.target, regions.style) if regions else ())
    for number, (one, its_layers) in enumerate(todo):

        def part(done: float | None, text: str, number: int = number) -> None:
            if text and len(todo) > 1:
                text = _("Image {number} of {count}: {text}").format(number=number + 1, count=len(todo), text=text)
            notice(None if done is None else (number + done) / len(todo), text)

        name = name_of(one) if one.is_valid() else ""

        def skip(layer: str, why: str, image_name: str = name) -> None:
            left_out.append(f"{image_name}, {layer}: {why}")

        try:
            _check(one, its_layers)
            new += stylise(worker, one, its_layers, request, part, files if number == 0 else None, skip)
        except (Failure, InputError, OutOfMemoryError) as failure:  # of this image; another would be that of all
            left_out.append(f"{name}: {reason(failure)}")
    if not new:
        raise Failure("\n".join(left_out[:LISTED]))
    if left_out:
        Gimp.message("\n".join([_("Done, except for {count}:").format(count=len(left_out)), *left_out[:LISTED]]))
    return new


def _check(image: Gimp.Image, layers: Sequence[Gimp.Layer]) -> None:
    """Refuse an image that cannot be worked on; the one that the filter was called for has been looked at."""
    if not image.is_valid():
        raise Failure(_("The image was closed while it was being worked on. Open it and try again."))
    if not layers:
        raise Failure(_("No layer is selected. Select one and try again."))
    if image.get_floating_sel() is not None:
        raise Failure(_("There is a floating selection. Anchor it (Layer > Anchor) and try again."))


def _plain(layers: Sequence[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    """Every layer that holds pixels of the user's: what groups hold, and nothing that was stylised."""
    for layer in layers:
        if is_stylised(layer):
            continue
        if layer.is_group():
            yield from _plain(layer.get_children())
        else:
            yield layer
