"""The folders that the artist last took something from or put something into, which GIMP keeps between sessions."""

from __future__ import annotations

from pathlib import Path

from gi.repository import Gimp

from decoupled_style.host.kept import keep, kept
from decoupled_style.host.styles import file_of

FOLDERS = "decoupled-style-folders"
"""Name of the parasite on GIMP itself."""

STYLES, LOOKS = "styles", "looks"
"""What they are for."""


def folder_for(purpose: str, image: Gimp.Image) -> Path | None:
    """Where to begin: the last folder, else that of the image; None where there is neither."""
    file = file_of(image) if image.is_valid() else None
    path = file.get_path() if file is not None else None
    last = kept(FOLDERS).get(purpose)
    places = ([Path(last)] if last else []) + ([Path(path).parent] if path is not None else [])
    return next((place for place in places if place.is_dir()), None)


def remember_folder(purpose: str, path: str | None) -> None:
    """Begin where this file is, the next time."""
    if path is not None:
        keep(FOLDERS, {**kept(FOLDERS), purpose: str(Path(path).parent)})
