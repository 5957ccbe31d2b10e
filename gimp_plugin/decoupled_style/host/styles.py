"""Where a style can come from: a layer of an open image, a file, or the recipe of another layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from gi.repository import Gimp, Gio

from decouple_contract.jobs import Ingredient
from decouple_contract.paths import STYLE_SUFFIX
from decoupled_style.gallery.bundled import bundled
from decoupled_style.host.pixels import Reading, hand_over, part, weights_of
from decoupled_style.host.recipe import Recipe, is_stylised, session
from decoupled_style.messages import Failure, _

OUT_OF_SIGHT = "decoupled-style-out-of-sight"
"""Name of the parasite on an image that was opened for a style alone."""


class Style(Protocol):
    """A source of style."""

    name: str

    def hand_over(self, folder: Path) -> Reading[dict[str, Any]]:
        """Write what the worker needs into the job folder.

        Returns the fields of `jobs.Transfer` that tell of it.
        """

    def where(self) -> dict[str, Any]:
        """What tells it from others and, but for a recipe's, finds it again within the session."""

    def origin(self) -> dict[str, Any]:
        """What finds it again in a later session, too, as long as its file is there."""

    def close(self) -> None:
        """Let go of what was opened for it."""


class LayerStyle:
    """A layer of an open image; its image's selection, its mask and its alpha weigh its pixels."""

    def __init__(self, drawable: Gimp.Drawable) -> None:
        self.drawable = drawable
        image_name = name_of(drawable.get_image())
        alone = len(drawable.get_image().get_layers()) == 1
        self.name = image_name if alone else f"{image_name}: {drawable.get_name()}"

    def hand_over(self, folder: Path, name: str = "style") -> Reading[dict[str, Any]]:
        """Write its pixels and weights under this name."""
        if not self.drawable.is_valid():
            raise Failure(_("The layer with the style is no longer open. Choose a style again."))
        weights = weights_of(self.drawable.get_image(), self.drawable)
        raster = yield from hand_over(self.drawable, weights, folder, name)
        return {"style": raster}

    @property
    def is_open(self) -> bool:
        """Whether the layer is still there."""
        return self.drawable.is_valid()

    def where(self) -> dict[str, Any]:
        """Its id, which finds it again within the session."""
        return {"item": self.drawable.get_id()}

    def origin(self) -> dict[str, Any]:
        """Its place in its image, and that image's file; `alone` where the file holds nothing else."""
        image = self.drawable.get_image()
        file = file_of(image)
        return {
            "session": session(),
            "image": image.get_id(),
            "tattoo": self.drawable.get_tattoo(),
            "uri": file.get_uri() if file is not None else "",
            "alone": len(image.get_layers()) == 1,
        }

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Whether it is the style of one of these layers."""
        return self.drawable.get_id() in {layer.get_id() for layer in layers}

    def close(self) -> None:
        """The layer stays open; it is the user's."""


class FileStyle:
    """A picture in any format that GIMP opens, or a ``.style`` file.

    Parameters
    ----------
    file
    name
        For people, of a file that ends with the session; others are called by their own, and bundled ones by their
        title.
    """

    def __init__(self, file: Gio.File, name: str = "") -> None:
        self.file, self.is_temporary = file, bool(name)
        self.file_name = file.get_basename() or file.get_uri()
        of_ours = bundled(file.get_path())
        self.name = name or (_(of_ours.title) if of_ours else Path(self.file_name).stem)
        self.image: Gimp.Image | None = None

    @property
    def is_features(self) -> bool:
        """Whether the file holds features, not a picture."""
        return self.file_name.lower().endswith(STYLE_SUFFIX)

    def drawable(self) -> Gimp.Drawable:
        """The picture, opened out of sight; `Failure` where GIMP cannot open it."""
        if self.image is None:
            if not self.file.query_exists():
                raise Failure(_("There is no file {file}. Choose a style again.").format(file=self._path()))
            self.image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, self.file)
            if self.image is None:
                raise Failure(_("GIMP cannot open {file}. Choose another style.").format(file=self._path()))
            self.image.attach_parasite(Gimp.Parasite.new(OUT_OF_SIGHT, 0, b"1"))
            if len(self.image.get_layers()) > 1:
                self.image.merge_visible_layers(Gimp.MergeType.CLIP_TO_IMAGE)
        return self.image.get_layers()[0]

    def hand_over(self, folder: Path, name: str = "style") -> Reading[dict[str, Any]]:
        """Write its pixels under this name, or name the file for the worker to read."""
        if self.is_features:
            return {"style_path": self._path()}
        return (yield from LayerStyle(self.drawable()).hand_over(folder, name))

    def where(self) -> dict[str, Any]:
        """Its address, and the name that was given to it."""
        return {"file": self.file.get_uri(), **({"name": self.name} if self.is_temporary else {})}

    def origin(self) -> dict[str, Any]:
        """Its address."""
        return {"uri": self.file.get_uri(), "alone": True}

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Never: a file is no layer."""
        return False

    def close(self) -> None:
        """Close the picture."""
        if self.image is not None and self.image.is_valid():
            self.image.delete()
        self.image = None

    def _path(self) -> str:
        return self.file.get_path() or self.file.get_uri()


class RecipeStyle:
    """The features that an earlier run left on a layer."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.name = recipe.style_name

    def hand_over(self, folder: Path, name: str = "style") -> Reading[dict[str, Any]]:
        """Features need no files."""
        yield from ()
        return {"features": self._recipe.style}

    def where(self) -> dict[str, Any]:
        """Its recipe."""
        return {"recipe": self._recipe.style}

    def origin(self) -> dict[str, Any]:
        """That of the style whose features these are."""
        return self._recipe.origin

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Never: features are no layer."""
        return False

    def close(self) -> None:
        """Nothing was opened."""


class Mixture:
    """Several styles, each with a weight, of which the ratio counts.

    Parameters
    ----------
    parts
        Each style with its weight, above 0.
    """

    def __init__(self, parts: Sequence[tuple[LayerStyle | FileStyle | RecipeStyle, float]]) -> None:
        self.parts = list(parts)
        self.name = " + ".join(style.name for style, _weight in self.parts)

    def hand_over(self, folder: Path) -> Reading[dict[str, Any]]:
        """Write the pixels of each."""
        given = []
        for number, (style, weight) in enumerate(self.parts):
            fields = yield from part(style.hand_over(folder, f"style{number}"), number, len(self.parts))
            given.append(Ingredient(weight, **fields))
        return {"mixture": tuple(given)}

    def where(self) -> dict[str, Any]:
        """Where each is, with its weight."""
        return {"mixture": [[style.where(), weight] for style, weight in self.parts]}

    def origin(self) -> dict[str, Any]:
        """Where each is found again, with its weight."""
        return {"mixture": [[style.origin(), weight] for style, weight in self.parts]}

    def is_one_of(self, layers: Sequence[Gimp.Layer]) -> bool:
        """Whether any of them is the style of one of these layers."""
        return any(style.is_one_of(layers) for style, _weight in self.parts)

    def close(self) -> None:
        """Close the pictures that were opened."""
        for style, _weight in self.parts:
            style.close()


def sources(style: Style | None) -> list[Style]:
    """The styles that are mixed, or the one that is not."""
    if isinstance(style, Mixture):
        return [one for one, _weight in style.parts]
    return [style] if style is not None else []


def image_of(style: Style) -> Gimp.Image | None:
    """The open image that one style's picture is in, out of sight or not."""
    if isinstance(style, LayerStyle):
        return style.drawable.get_image() if style.is_open else None
    return style.image if isinstance(style, FileStyle) else None


def name_of(image: Gimp.Image) -> str:
    """What an artist calls an image: by its file, without what GIMP adds to that."""
    file = file_of(image)
    return Path((file and file.get_basename()) or image.get_name()).stem


def names_apart(images: Sequence[Gimp.Image]) -> dict[int, str]:
    """What to call images beside each other, by their ids: those of one name by folder, or else as GIMP's titles do."""
    found = {image.get_id(): image for image in images}
    names = {number: name_of(image) for number, image in found.items()}
    folders = {number: _folder_of(image) for number, image in found.items()}
    told = {}
    for number, name in names.items():
        alike = [folders[other] for other in names if names[other] == name]
        by_folder = "" not in alike and len(set(alike)) == len(alike)
        if len(alike) > 1:
            name = f"{name} ({folders[number]})" if by_folder else f"{name}-{number}"
        told[number] = name
    return told


def _folder_of(image: Gimp.Image) -> str:
    file = file_of(image)
    folder = file.get_parent() if file is not None else None
    return (folder.get_basename() or "") if folder is not None else ""


def file_of(image: Gimp.Image) -> Gio.File | None:
    """The file that an image was opened from or saved to."""
    return image.get_file() or image.get_imported_file() or image.get_exported_file()


def open_images() -> list[Gimp.Image]:
    """Every image but those that a style was opened from out of sight."""
    return [image for image in Gimp.get_images() if OUT_OF_SIGHT not in image.get_parasite_list()]


def every_layer(target: Gimp.Image | None = None) -> list[tuple[Gimp.Image, Gimp.Layer]]:
    """Every layer of every open image: those of the target last, and after these those that were stylised."""
    found = [pair for image in open_images() for pair in layers_of(image)]
    own = target.get_id() if target is not None else None
    return sorted(found, key=lambda pair: (is_stylised(pair[1]), pair[0].get_id() == own))


def layers_of(image: Gimp.Image) -> Iterator[tuple[Gimp.Image, Gimp.Layer]]:
    """Every layer of an image, groups before what they hold."""
    for layer in _flattened(image.get_layers()):
        yield image, layer


def found_again(where: dict[str, Any]) -> LayerStyle | FileStyle | Mixture | None:
    """The style that `Style.where` told of; None where it, or one that was mixed in, is gone."""
    if "mixture" in where:
        parts = [(found_again(of), weight) for of, weight in where["mixture"]]
        there = [(style, weight) for style, weight in parts if isinstance(style, LayerStyle | FileStyle)]
        return Mixture(there) if len(there) == len(parts) else None
    if "file" in where:
        return FileStyle(Gio.File.new_for_uri(where["file"]), where.get("name", ""))
    item = Gimp.Item.get_by_id(where["item"]) if "item" in where else None
    return LayerStyle(item) if isinstance(item, Gimp.Drawable) and item.is_valid() else None


def likely(image: Gimp.Image) -> LayerStyle | None:
    """The style that a user most likely means: the selected or else topmost layer of another image.

    One that was stylised itself is not meant; the layer that lies under it is.
    """
    layers = (likely_layer(other) for other in open_images() if other.get_id() != image.get_id())
    return next((LayerStyle(layer) for layer in layers if layer is not None), None)


def likely_layer(image: Gimp.Image) -> Gimp.Layer | None:
    """The layer of an image whose style is most likely meant."""
    layers = (*image.get_selected_layers(), *image.get_layers())
    return next((layer for layer in layers if not is_stylised(layer)), None)


def _flattened(layers: list[Gimp.Layer]) -> Iterator[Gimp.Layer]:
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from _flattened(layer.get_children())
