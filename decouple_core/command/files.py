"""What commands read from files and write to them, in one way."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from decouple_contract.paths import STYLE_SUFFIX, possible

if TYPE_CHECKING:
    from decouple_core.pictures.reading import Image


def is_style_file(path: str) -> bool:
    """Whether a path is that of kept features, not of a picture."""
    return Path(path).suffix == STYLE_SUFFIX


def readable(name: str) -> str:
    """A file's name as text; what is none in it becomes question marks."""
    return os.fsencode(possible(name)).decode(errors="replace").replace("\N{REPLACEMENT CHARACTER}", "?")


def size_of(image: Image) -> tuple[int, int]:
    """Height and width."""
    return image.pixels.shape[0], image.pixels.shape[1]
