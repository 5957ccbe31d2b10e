"""A page: sections of pictures, drawings and tables in one HTML file that fetches nothing.

Everything a section holds is escaped when it is written; only drawings, which come from `drawings`, are taken as they
are. The page's own policy forbids a browser to load or run anything that is not in it.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from decouple_contract.files import write_whole
from decouple_core.page.pictures import Image

DIVIDER = """\
for (const divider of document.querySelectorAll(".divider")) {
  const slider = divider.querySelector("input");
  const move = () => divider.style.setProperty("--at", slider.value + "%");
  slider.addEventListener("input", move);
  move();
}
"""
"""The page's only script: a slider moves the line between two pictures."""


@dataclass(frozen=True)
class Comparison:
    """Two pictures of one shape, one over the other, with a divider to be drawn between them."""

    kind: ClassVar[str] = "comparison"
    heading: str
    before: Image
    after: Image
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side."""

    kind: ClassVar[str] = "gallery"
    heading: str
    images: Sequence[Image]
    note: str = ""


@dataclass(frozen=True)
class Drawings:
    """Plots, each a whole ``<svg>`` element as `drawings.svg` gives it."""

    kind: ClassVar[str] = "drawings"
    heading: str
    elements: Sequence[str]
    note: str = ""


@dataclass(frozen=True)
class Share:
    """A cell with a bar behind it.

    Attributes
    ----------
    text : str
    part : float
        Length of the bar, cut to [0, 1].
    """

    text: str
    part: float

    @property
    def percent(self) -> float:
        """Of the cell's width."""
        return round(100 * min(1.0, max(0.0, self.part)), 1)


@dataclass(frozen=True)
class Table:
    """Rows below headers; the first cell of each row is its header."""

    kind: ClassVar[str] = "table"
    heading: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str | Share]]
    note: str = ""


Section = Comparison | Gallery | Drawings | Table


def write_page(path: Path, title: str, lead: str, sections: Sequence[Section]) -> None:
    """Write a page; an existing file is replaced as a whole.

    Parameters
    ----------
    path : Path
    title, lead : str
        Its heading, and a sentence below it.
    sections : sequence of Section
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # here, because few transfers have a page

    environment = Environment(
        loader=PackageLoader("decouple_core.page", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    digest = base64.b64encode(hashlib.sha256(DIVIDER.encode()).digest()).decode()
    text = environment.get_template("page.html").render(
        title=title, lead=lead, sections=sections, script=DIVIDER, digest=digest
    )
    write_whole(path, text.encode(errors="backslashreplace"))  # a file's name need not be valid text
