"""What GIMP keeps of the gallery between sessions, and pictures that come from the clipboard or are dropped."""

from __future__ import annotations

import os
import re

from gi.repository import GdkPixbuf, Gimp, Gio, GLib

from decoupled_style.gallery import shelves
from decoupled_style.gallery.collection import Collection
from decoupled_style.host.styles import FileStyle, LayerStyle, Mixture, Style, likely_layer, open_images
from decoupled_style.messages import Failure, _

KEPT = "decoupled-style-gallery"
"""Name of the parasite on GIMP itself."""

TRIED = 3
"""Files that are tried in place of a style: two, and the style may be one of them."""

GIMP_LAYER = "application/x-gimp-layer-id"
"""How a layer says which it is while it is dragged: the number of GIMP's process and its id, with a colon between."""


def collection() -> Collection:
    """The artist's, as it was kept."""
    parasite = Gimp.get_parasite(KEPT)
    return Collection.from_text(bytes(parasite.get_data())) if parasite is not None else Collection()


def keep(changed: Collection) -> None:
    """Keep it, for the next sessions, too."""
    Gimp.attach_parasite(Gimp.Parasite.new(KEPT, Gimp.PARASITE_PERSISTENT, changed.as_text().encode()))


def add_used(style: FileStyle) -> None:
    """Remember a file as the latest; one that ends with the session is not worth it."""
    if not style.is_temporary:
        keep(collection().used(style.file.get_uri()))


def others_to_try(image: Gimp.Image, style: Style) -> list[Style]:
    """Styles to try on an image in place of the present one, the likeliest first: of other open images, then files.

    None in place of a mixture.
    """
    if isinstance(style, Mixture):
        return []
    own = style.where()
    layers = [likely_layer(other) for other in open_images() if other.get_id() != image.get_id()]
    files = [FileStyle(Gio.File.new_for_uri(uri)) for uri in shelves.to_try(collection())[:TRIED]]
    found: list[Style] = [*(LayerStyle(layer) for layer in layers if layer is not None), *files]
    return [one for one in found if one.where() != own]


def dragged_layer(data: bytes) -> LayerStyle | None:
    """The layer of `GIMP_LAYER`; None where it is that of another GIMP, or gone."""
    found = re.fullmatch(rb"(\d{1,10}):(\d{1,9})\0?", data)
    if found is None or int(found[1]) != os.getppid():
        return None
    item = Gimp.Item.get_by_id(int(found[2]))
    return LayerStyle(item) if isinstance(item, Gimp.Layer) else None


def temporary_style(picture: GdkPixbuf.Pixbuf, name: str) -> FileStyle:
    """A picture that is no file yet, as a temporary one; `Failure` where there is no room for it."""
    path = Gimp.temp_file("png").get_path() or ""
    try:
        picture.savev(path, "png", [], [])
    except GLib.Error as error:
        text = _("The picture cannot be kept ({reason}). Save it and choose its file.")
        raise Failure(text.format(reason=error.message)) from error
    return FileStyle(Gio.File.new_for_path(path), name)
