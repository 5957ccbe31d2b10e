"""The shelves of the gallery, and which files stand on each."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from itertools import zip_longest
from pathlib import Path
from urllib.parse import unquote, urlparse
from urllib.request import url2pathname

from decouple_contract.paths import STYLE_SUFFIX
from decoupled_style.gallery.bundled import DRAWING, PAINTING, PHOTOGRAPH, STYLES
from decoupled_style.gallery.collection import Collection

ALL, OPEN, FAVOURITES, RECENT = "all", "open", "favourites", "recent"
KINDS = (PAINTING, DRAWING, PHOTOGRAPH)
SHELVES = (ALL, OPEN, FAVOURITES, RECENT, *KINDS)
"""Those that are always there; each of the artist's folders is one more, by its path."""

SUFFIXES = (
    *(".avif", ".bmp", ".exr", ".gif", ".heic", ".heif", ".jp2", ".jpeg", ".jpg", ".jxl", ".ora", ".png", ".psd"),
    *(".tif", ".tiff", ".webp", ".xcf"),
    STYLE_SUFFIX,
)
"""How the names of styles end in a folder."""

MOST_IN_FOLDER = 1000
"""Files shown of a folder: as many rows as GTK lays out without a pause."""


def files_on(shelf: str, collection: Collection) -> list[str]:
    """The addresses (URIs) of the files on a shelf, as far as they are there; none of open images."""
    bundled = [style.path.as_uri() for style in STYLES]
    if shelf == ALL:
        own = [uri for folder in collection.folders for uri in _files_in(folder)]
        return _once(_there((*collection.favourites, *bundled, *collection.recent, *own)))
    if shelf == FAVOURITES:
        return _there(collection.favourites)
    if shelf == RECENT:
        return _there(collection.recent)
    if shelf in KINDS:
        return [style.path.as_uri() for style in STYLES if style.kind == shelf]
    return _files_in(shelf) if shelf in collection.folders else []


def to_try(collection: Collection) -> list[str]:
    """The addresses of styles that are worth a try: used before, favourites, and bundled ones, of each kind in turn."""
    of_kinds = [[style.path.as_uri() for style in STYLES if style.kind == kind] for kind in KINDS]
    bundled = [uri for row in zip_longest(*of_kinds) for uri in row if uri is not None]
    return _once(_there((*collection.recent, *collection.favourites, *bundled)))


def path_of(uri: str) -> Path | None:
    """The file that an address leads to; None where it leads elsewhere."""
    parts = urlparse(uri)
    if parts.scheme != "file":
        return None
    return Path(url2pathname(parts.path)) if os.name == "nt" else Path(unquote(parts.path))


def is_style(path: Path) -> bool:
    """Whether a file's name is that of a picture or a style."""
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _files_in(folder: str) -> list[str]:
    """The pictures in a folder, in the order of their names, numbers by their size."""
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if is_style(Path(entry.name)) and entry.is_file()]
    except OSError:  # it is gone, or may not be read
        return []
    found.sort(key=lambda path: (_in_order(path.name), path.name))
    return [path.absolute().as_uri() for path in found[:MOST_IN_FOLDER]]


def _in_order(name: str) -> list[tuple[bool, int, str]]:
    """So that 10 comes after 9."""
    parts = re.findall(r"(\d+)|(\D+)", name.lower())
    return [(not digits, int(digits or 0), letters) for digits, letters in parts]


def _there(uris: Iterable[str]) -> list[str]:
    """Those whose file is there; what lies elsewhere than on this machine is taken for it."""
    return [uri for uri in uris if (path := path_of(uri)) is None or path.is_file()]


def _once(uris: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(uris))
