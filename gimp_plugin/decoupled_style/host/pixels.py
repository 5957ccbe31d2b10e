"""Pixels between GIMP and the raw files of a job, in stripes, so that a large layer needs little memory here.

Everything travels as float32, sRGB-encoded; GIMP converts from and to the precision and profile of the document.
"""

from __future__ import annotations

import contextlib
import operator
from array import array
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast

from gi.repository import Gegl, Gimp

from decouple_contract.jobs import Raster
from decouple_contract.shared_folders import mask_file, pixels_file
from decoupled_style.client.steps import reworded
from decoupled_style.messages import Failure, _

STRIPE_ROWS = 128
"""GIMP keeps tiles of 64 or 128 rows; 128 rows of a 6000 pixels wide layer are 12 MB, read as fast as the whole."""

TILE_CACHE_BYTES = 32 * 2**20
"""GEGL would keep as many tiles as half the computer's memory holds; we look at each once."""

COLOUR_FORMATS = {3: "R'G'B' float", 4: "R'G'B'A float"}
WEIGHT_FORMAT = "Y float"

Tick = Callable[[float], None]
"""Told how far a writing is, in [0, 1]."""

Answer = TypeVar("Answer")
Reading = Generator[float, None, Answer]
"""Yields how far a reading is, in [0, 1], so that a dialog stays usable meanwhile."""


class Source(NamedTuple):
    """A layer, mask or selection, and where in it the upper left corner of the layer to stylise lies."""

    drawable: Gimp.Drawable
    x: int
    y: int


@contextlib.contextmanager
def held(drawable: Gimp.Drawable) -> Iterator[Gegl.Buffer]:
    """The pixels of a drawable as they are now, to be read whatever becomes of it.

    GIMP kills a plug-in that reads from a drawable that an artist has just removed, or whose image was closed; a copy
    stays. It shares its pixels with the drawable, until either changes: 24 megapixels take 0.005 s, and those of a
    group as long as GIMP takes to put the group together.

    Raises
    ------
    Failure
        Where the drawable is gone already.
    """
    if not drawable.is_valid():
        raise Failure(closed())
    copy, owner = _copied(drawable)
    try:
        yield copy.get_buffer()
    finally:
        owner.delete()


def _copied(drawable: Gimp.Drawable) -> tuple[Gimp.Drawable, Gimp.Item]:
    """A copy that belongs to nobody, and what is to be deleted when it is no longer needed.

    GIMP makes channels of copies of masks and selections, and takes their linear values for encoded ones.
    """
    if isinstance(drawable, Gimp.LayerMask):
        layer = Gimp.Layer.from_mask(drawable).copy()
        return cast("Gimp.LayerMask", layer.get_mask()), layer
    if isinstance(drawable, Gimp.Selection):
        image = drawable.get_image()
        layer = Gimp.Layer.new(
            image, None, image.get_width(), image.get_height(), kind_of_layer(image), 100, Gimp.LayerMode.NORMAL
        )
        mask = layer.create_mask(Gimp.AddMaskType.SELECTION)
        layer.delete()
        return mask, mask
    copy = cast("Gimp.Layer | Gimp.Channel", drawable).copy()  # there are no others
    return copy, copy


def kind_of_layer(image: Gimp.Image, *, alpha: bool = False) -> Gimp.ImageType:
    """What a layer of an image must be."""
    kinds = {
        Gimp.ImageBaseType.RGB: (Gimp.ImageType.RGB_IMAGE, Gimp.ImageType.RGBA_IMAGE),
        Gimp.ImageBaseType.GRAY: (Gimp.ImageType.GRAY_IMAGE, Gimp.ImageType.GRAYA_IMAGE),
        Gimp.ImageBaseType.INDEXED: (Gimp.ImageType.INDEXED_IMAGE, Gimp.ImageType.INDEXEDA_IMAGE),
    }
    return kinds[image.get_base_type()][alpha]


def limit_memory() -> None:
    """Keep GEGL's tiles within bounds; call once at the start."""
    Gegl.config().set_property("tile-cache-size", TILE_CACHE_BYTES)


def weights_of(image: Gimp.Image, drawable: Gimp.Drawable) -> list[Source]:
    """The image's selection and the layer's mask, as far as there are any."""
    return [weights for weights in (selection_of(image, drawable), mask_of(drawable)) if weights is not None]


def selection_of(image: Gimp.Image, drawable: Gimp.Drawable) -> Source | None:
    """The image's selection, if there is one."""
    if Gimp.Selection.is_empty(image):
        return None
    _ok, x, y = drawable.get_offsets()
    return Source(image.get_selection(), x, y)


def mask_of(drawable: Gimp.Drawable) -> Source | None:
    """The layer's mask, if it has one that is applied."""
    mask = drawable.get_mask() if isinstance(drawable, Gimp.Layer) and drawable.get_apply_mask() else None
    return None if mask is None else Source(mask, 0, 0)


def weights_of_result(result: Gimp.Layer, layer: Gimp.Layer) -> list[Source]:
    """The mask of an earlier result, which says where in its layer the style acts, as far as there is one."""
    mask = result.get_mask() if result.get_apply_mask() else None
    if mask is None:
        return []
    (_ok, x, y), (_ok, left, top) = layer.get_offsets(), result.get_offsets()
    return [Source(mask, x - left, y - top)]


def hand_over(drawable: Gimp.Drawable, weights: list[Source], folder: Path, name: str) -> Reading[Raster]:
    """Write a layer and its weights into the job folder, as far as other pixels lie there.

    Parameters
    ----------
    drawable
        A layer, group or channel.
    weights
        From `weights_of`.
    folder, name
        Where, and ``target`` or ``style``.
    """
    raster = Raster(drawable.get_width(), drawable.get_height(), 4 if drawable.has_alpha() else 3, len(weights))
    parts = 1 + len(weights)
    masks = [mask_file(folder, name, number) for number in range(parts - 1)]
    files = [(pixels_file(folder, name), COLOUR_FORMATS[raster.channels]), *((file, WEIGHT_FORMAT) for file in masks)]
    with contextlib.ExitStack() as stack:
        sources = [
            (stack.enter_context(held(source.drawable)), source.x, source.y)
            for source in (Source(drawable, 0, 0), *weights)  # all of one moment
        ]
        for number, (source, (file, pixel_format)) in enumerate(zip(sources, files, strict=True)):
            yield from part(_save(*source, raster, pixel_format, file), number, parts)
    for left_over in set(folder.glob(f"{name}.mask*")) - set(masks):
        left_over.unlink()
    return raster


def hand_over_labels(labels: Gimp.Drawable, drawable: Gimp.Drawable, folder: Path, name: str) -> Reading[Raster]:
    """Write what a layer of labels has over another drawable, as large as that.

    Where the labels do not reach, they are transparent.
    """
    (_ok, x, y), (_ok, left, top) = drawable.get_offsets(), labels.get_offsets()
    raster = Raster(drawable.get_width(), drawable.get_height(), 4)
    with held(labels) as buffer:
        yield from _save(buffer, x - left, y - top, raster, COLOUR_FORMATS[4], pixels_file(folder, name))
    return raster


def take_back(layer: Gimp.Layer, source: Gimp.Drawable | None, raster: Raster, file: Path, tick: Tick) -> None:
    """Fill a new layer with a job's result; its alpha is that of the source, if there is one, to the last bit.

    The source may be gone by now: then alpha is what float32 kept of it.
    """
    buffer = layer.get_buffer()
    with open(file, "rb") as pixels:
        for y, rows in _stripes(raster.height):
            data = pixels.read(raster.width * rows * raster.channels * 4)
            buffer.set(Gegl.Rectangle.new(0, y, raster.width, rows), COLOUR_FORMATS[raster.channels], data)
            tick((y + rows) / raster.height)
    finer = _FINER_THAN_FLOAT.get(layer.get_image().get_precision())
    if source is not None and raster.channels == 4 and finer is not None:
        with held(source) as own:
            _copy_alpha(own, buffer, raster, *finer)
    buffer.flush()
    layer.update(0, 0, raster.width, raster.height)


def multiply(into: Gimp.Channel, other: Gimp.Channel) -> None:
    """Multiply a mask by another of the same size: 24 megapixels take 3 s. GIMP 3.2 has no filter for it any more."""
    width, buffer = into.get_width(), into.get_buffer()
    with held(other) as others:
        for y, rows in _stripes(into.get_height()):
            stripe = Gegl.Rectangle.new(0, y, width, rows)
            factors = (
                memoryview(mask.get(stripe, 1.0, WEIGHT_FORMAT, Gegl.AbyssPolicy.NONE)).cast("f")
                for mask in (buffer, others)
            )
            buffer.set(stripe, WEIGHT_FORMAT, array("f", map(operator.mul, *factors)).tobytes())
    buffer.flush()
    into.update(0, 0, width, into.get_height())


def copy(source: Gimp.Channel, into: Gimp.Channel, x: int, y: int) -> None:
    """Copy a mask into another one, in which its upper left corner lies at x, y."""
    width, height = source.get_width(), source.get_height()
    buffer = into.get_buffer()
    whole, there = Gegl.Rectangle.new(0, 0, width, height), Gegl.Rectangle.new(x, y, width, height)
    with held(source) as own:
        own.copy(whole, Gegl.AbyssPolicy.NONE, buffer, there)
    buffer.flush()
    into.update(0, 0, into.get_width(), into.get_height())


_Code = Literal["I", "d"]
_FINER: tuple[tuple[str, _Code], ...] = (("U32", "I"), ("DOUBLE", "d"))
_FINER_THAN_FLOAT = {
    getattr(Gimp.Precision, f"{kind}_{curve}"): (f"R'G'B'A {kind.lower()}", code)
    for kind, code in _FINER
    for curve in ("LINEAR", "NON_LINEAR", "PERCEPTUAL")
}
"""Precisions whose alpha float32 cannot hold: a format that can, and the type code of its components."""


def _copy_alpha(source: Gegl.Buffer, target: Gegl.Buffer, raster: Raster, pixel_format: str, code: _Code) -> None:
    for y, rows in _stripes(raster.height):
        rectangle = Gegl.Rectangle.new(0, y, raster.width, rows)
        ours = bytearray(target.get(rectangle, 1.0, pixel_format, Gegl.AbyssPolicy.NONE))
        theirs = source.get(rectangle, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
        memoryview(ours).cast(code)[3::4] = memoryview(theirs).cast(code)[3::4]
        target.set(rectangle, pixel_format, bytes(ours))


def _save(buffer: Gegl.Buffer, x: int, y: int, raster: Raster, pixel_format: str, path: Path) -> Reading[None]:
    """Write pixels or weights, from x, y on, into a file.

    A file that holds them already is left alone, so that it counts as the same.
    """
    of_this_size = path.exists() and path.stat().st_size == raster.width * raster.height * (
        4 * (1 if pixel_format == WEIGHT_FORMAT else raster.channels)
    )
    with open(path, "r+b" if of_this_size else "wb") as file:  # buffered: without, a write may stop halfway and not say
        same = of_this_size
        for top, rows in _stripes(raster.height):
            rectangle = Gegl.Rectangle.new(x, y + top, raster.width, rows)
            data = buffer.get(rectangle, 1.0, pixel_format, Gegl.AbyssPolicy.NONE)
            if same and file.read(len(data)) != data:
                same = False
                file.seek(len(data) // rows * top)
            if not same:
                file.write(data)
            yield (top + rows) / raster.height


def closed() -> str:
    """Why there is nothing to stylise any more."""
    return _("The image was closed while it was being worked on. Open it and try again.")


def part(reading: Reading[Answer], number: int, parts: int) -> Reading[Answer]:
    """One of some readings, its progress as a share of all."""
    return reworded(reading, lambda share: (number + share) / parts)


def _stripes(height: int) -> Iterator[tuple[int, int]]:
    for top in range(0, height, STRIPE_ROWS):
        yield top, min(STRIPE_ROWS, height - top)
