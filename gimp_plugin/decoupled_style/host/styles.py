"""Where a style can come from: a layer of an open image, a file, or the recipe of another layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from gi.repository import Gimp, Gio

from decoupled_style.contract.paths import STYLE_SUFFIX
from decoupled_style.host.pixels import Tick, hand_over, weights_of
from decoupled_style.host.recipe import Recipe
from decoupled_style.messages import Failure, _


class Style(Protocol):
    """A source of style."""

    name: str

    def hand_over(self, folder: Path, tick: Tick, longest: int | None = None) -> dict[str, Any]:
        """Write what the worker needs into the job folder; returns the fields of `protocol.Transfer` that tell of it.

        `longest` limits the longer side, in pixels, for the preview.
        """

    def close(self) -> None:
        """Let go of what was opened for it."""


class LayerStyle:
    """A layer of an open image; its image's selection, its mask and its alpha weigh its pixels."""

    def __init__(self, drawable: Gimp.Drawable) -> None:
        self.drawable = drawable
        image_name = Path(drawable.get_image().get_name()).stem
        alone = len(drawable.get_image().get_layers()) == 1
        self.name = image_name if alone else f"{image_name}: {drawable.get_name()}"

    def hand_over(self, folder: Path, tick: Tick, longest: int | None = None) -> dict[str, Any]:
        """Write its pixels and weights."""
        if not self.drawable.is_valid():
            raise Failure(_("The layer with the style is no longer open. Choose a style again."))
        longer = max(self.drawable.get_width(), self.drawable.get_height())
        scale = min(1.0, longest / longer) if longest else 1.0
        weights = weights_of(self.drawable.get_image(), self.drawable)
        return {"style": hand_over(self.drawable, weights, folder, "style", tick, scale)}

    def where(self) -> dict[str, Any]:
        """Its id, which finds it again within the session."""
        return {"item": self.drawable.get_id()}

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Whether it is the style of one of these layers."""
        return self.drawable.get_id() in {layer.get_id() for layer in layers}

    def close(self) -> None:
        """The layer stays open; it is the user's."""


class FileStyle:
    """A picture in any format that GIMP opens, or a ``.style`` file."""

    def __init__(self, file: Gio.File) -> None:
        self.file = file
        self.file_name = file.get_basename() or file.get_uri()
        self.name = Path(self.file_name).stem
        self._image: Gimp.Image | None = None

    @property
    def is_features(self) -> bool:
        """Whether the file holds features, not a picture."""
        return self.file_name.lower().endswith(STYLE_SUFFIX)

    def drawable(self) -> Gimp.Drawable:
        """The picture, opened out of sight; `Failure` where GIMP cannot open it."""
        if self._image is None:
            if not self.file.query_exists():
                raise Failure(_("There is no file {file}. Choose a style again.").format(file=self._path()))
            self._image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, self.file)
            if self._image is None:
                raise Failure(_("GIMP cannot open {file}. Choose another style.").format(file=self._path()))
            if len(self._image.get_layers()) > 1:
                self._image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        return self._image.get_layers()[0]

    def hand_over(self, folder: Path, tick: Tick, longest: int | None = None) -> dict[str, Any]:
        """Write its pixels, or name the file for the worker to read."""
        if self.is_features:
            return {"style_path": self._path()}
        return LayerStyle(self.drawable()).hand_over(folder, tick, longest)

    def where(self) -> dict[str, Any]:
        """Its address."""
        return {"file": self.file.get_uri()}

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Never: a file is no layer."""
        return False

    def close(self) -> None:
        """Close the picture."""
        if self._image is not None and self._image.is_valid():
            self._image.delete()
        self._image = None

    def _path(self) -> str:
        return self.file.get_path() or self.file.get_uri()


class RecipeStyle:
    """The features that an earlier run left on a layer."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.name = recipe.style_name

    def hand_over(self, folder: Path, tick: Tick, longest: int | None = None) -> dict[str, Any]:
        """Features need no files."""
        return {"features": self._recipe.style}

    def close(self) -> None:
        """Nothing was opened."""


def every_layer() -> Iterator[tuple[Gimp.Image, Gimp.Layer]]:
    """Every layer of every open image, the latest image first, groups before what they hold."""
    for image in Gimp.get_images():
        yield from layers_of(image)


def layers_of(image: Gimp.Image) -> Iterator[tuple[Gimp.Image, Gimp.Layer]]:
    """Every layer of an image, groups before what they hold."""
    for layer in _flattened(image.get_layers()):
        yield image, layer


def found_again(where: dict[str, Any]) -> LayerStyle | FileStyle | None:
    """The style that `Style.where` told of; None where it is gone."""
    if "file" in where:
        return FileStyle(Gio.File.new_for_uri(where["file"]))
    item = Gimp.Item.get_by_id(where["item"]) if "item" in where else None
    return LayerStyle(item) if isinstance(item, Gimp.Drawable) else None


def likely(image: Gimp.Image) -> LayerStyle | None:
    """The style that a user most likely means: the selected or else topmost layer of another image."""
    for other in Gimp.get_images():
        if other.get_id() != image.get_id() and other.get_layers():
            return LayerStyle((other.get_selected_layers() or other.get_layers())[0])
    return None


def _flattened(layers: list[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from _flattened(layer.get_children())
