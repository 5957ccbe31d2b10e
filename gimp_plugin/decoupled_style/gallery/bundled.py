"""The pictures that come with the plug-in as styles: what each is, who made it, and under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "styles"
"""Where they lie; SOURCES.md beside them says where each comes from."""

PAINTING, PHOTOGRAPH, DRAWING = "painting", "photograph", "drawing"
"""Kinds of them."""

PUBLIC_DOMAIN, CC0 = "Public domain", "CC0 1.0"


@dataclass(frozen=True)
class BundledStyle:
    """One of them.

    Attributes
    ----------
    file : str
        Its name in `FOLDER`.
    kind : str
        `PAINTING`, `PHOTOGRAPH` or `DRAWING`.
    title, by, year, licence : str
        For people, in English; a year that is not known is empty.
    """

    file: str
    kind: str
    title: str
    by: str
    year: str
    licence: str

    @property
    def path(self) -> Path:
        """Where it is."""
        return FOLDER / self.file


def _painting(file: str, title: str, by: str, year: str) -> BundledStyle:
    return BundledStyle(f"{file}.jpg", PAINTING, title, by, year, PUBLIC_DOMAIN)


def _photograph(file: str, title: str, by: str, year: str, licence: str) -> BundledStyle:
    return BundledStyle(f"{file}.jpg", PHOTOGRAPH, title, by, year, licence)


def _drawing(file: str, title: str) -> BundledStyle:
    return BundledStyle(f"{file}.jpg", DRAWING, title, "The authors of Decoupled Style", "2026", CC0)


STYLES = (
    _painting("hokusai-great-wave", "The Great Wave off Kanagawa", "Katsushika Hokusai", "about 1831"),
    _painting("van-gogh-wheat-field-with-cypresses", "Wheat Field with Cypresses", "Vincent van Gogh", "1889"),
    _painting("van-gogh-self-portrait-straw-hat", "Self-Portrait with a Straw Hat", "Vincent van Gogh", "1887"),
    _painting("van-gogh-night-cafe", "The Night Café", "Vincent van Gogh", "1888"),
    _painting("van-gogh-olive-trees", "Olive Trees", "Vincent van Gogh", "1889"),
    _painting("bosschaert-flowers", "Flowers in a Wan-Li Vase", "Ambrosius Bosschaert the Elder", "about 1610"),
    _painting("picabia-udnie", "Udnie (Young American Girl)", "Francis Picabia", "1913"),
    _painting("picabia-edtaonisl", "Edtaonisl (Ecclesiastic)", "Francis Picabia", "1913"),
    _drawing("engraving", "Engraving"),
    _drawing("stippling", "Stippling"),
    _drawing("halftone", "Halftone"),
    _drawing("linocut", "Linocut"),
    _drawing("paper-cut", "Paper Cut"),
    _drawing("stained-glass", "Stained Glass"),
    _drawing("watercolour", "Watercolour"),
    _drawing("pastel", "Pastel"),
    _drawing("contour-map", "Contour Map"),
    _drawing("dusk", "Dusk"),
    _photograph("rocket", "Launch at Nightfall", "SpaceX", "2015", PUBLIC_DOMAIN),
    _photograph("coffee", "Coffee", "Rachel Michetti, Pikolo Espresso Bar", "", CC0),
    _photograph("hubble-deep-field", "Hubble Extreme Deep Field", "NASA", "2012", PUBLIC_DOMAIN),
    _photograph("astronaut", "Eileen Collins, Astronaut", "NASA", "", PUBLIC_DOMAIN),
    _photograph("photographer", "The Photographer", "Lav Varshney", "", CC0),
    _photograph("retina", "Retina", "Mikael Häggström", "2014", CC0),
)
"""In the order in which they are shown."""


def bundled(path: str | Path | None) -> BundledStyle | None:
    """The style whose picture a path leads to; None where it is a file of somebody else's."""
    return next((style for style in STYLES if path is not None and style.path == Path(path)), None)
