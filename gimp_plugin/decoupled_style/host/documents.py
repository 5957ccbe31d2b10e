"""What tells documents from each other, in later sessions, too."""

from __future__ import annotations

import uuid

from gi.repository import Gimp

DOCUMENT = "decoupled-style-document"
"""Name of the parasite on an image that holds its mark; it is saved with the image."""


def mark_of(image: Gimp.Image) -> str:
    """The mark of a document; empty where it has none."""
    parasite = image.get_parasite(DOCUMENT)
    return bytes(parasite.get_data()).decode(errors="replace") if parasite is not None else ""


def new_mark() -> str:
    """One that no document has yet."""
    return uuid.uuid4().hex


def mark(image: Gimp.Image, document: str) -> None:
    """Give a document its mark, in a step of undo, unless it has one."""
    if not mark_of(image):
        flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
        image.attach_parasite(Gimp.Parasite.new(DOCUMENT, flags, document.encode()))
