"""Pairs of freely licensed pictures with regions that show the same kind of thing, drawn as polygons.

No method sees the regions; they tell where a style should have come to. Where the pictures are from stands in
``pictures/SOURCES.md``. Two styles are their own target, mirrored, with regions in other colours: what belongs
where is beyond dispute there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import photographs, resized
from PIL import Image, ImageDraw
from scipy.ndimage import distance_transform_edt

from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image

PICTURES = Path(__file__).parent / "pictures"

SIZE = 512
"""Longer side of the pictures, in pixels, at most."""

Polygon = list[tuple[float, float]]
"""Corners x, y, in tenths of width and height."""

REGIONS: dict[str, dict[str, list[Polygon]]] = {
    "temple": {
        "sky": [
            [
                (0, 0),
                (10, 0),
                (10, 3.1),
                (9, 3.1),
                (8.5, 4.5),
                (5.4, 4.5),
                (5.1, 2.7),
                (3.8, 1.1),
                (3.3, 0.4),
                (2.9, 0.5),
                (2.6, 1.4),
                (1.4, 2.7),
                (1.3, 4.4),
                (0.9, 4.1),
                (0, 3.9),
            ]
        ],
        "building": [
            [
                (3.1, 0.8),
                (3.6, 1.6),
                (4.9, 2.9),
                (4.8, 4.5),
                (5.6, 6.2),
                (5.1, 8.2),
                (4.8, 8.7),
                (3.1, 8.4),
                (1.5, 7.8),
                (1.4, 5),
                (1.6, 3),
                (2.7, 1.7),
            ]
        ],
        "trees": [
            [
                (0, 8.3),
                (1.2, 8),
                (3, 8.7),
                (4.9, 9),
                (5.8, 8.2),
                (7, 7.1),
                (8.6, 7.4),
                (8.8, 5),
                (9.1, 4),
                (10, 3.4),
                (10, 10),
                (0, 10),
            ]
        ],
        "water": [[(5.8, 5), (8.5, 5), (8.4, 6.8), (7, 6.4), (5.9, 7.2)]],
    },
    "rocket": {
        "sky": [
            [(1.6, 0), (4.7, 0), (4.7, 8), (3.2, 8), (3.1, 4.2), (2.8, 4.2), (2.6, 8), (1.4, 8)],
            [(5.4, 0), (8.6, 0), (8.6, 8), (7.4, 8), (7.2, 2.8), (6.8, 2.8), (6.8, 8), (5.4, 8)],
        ],
        "building": [[(4.85, 3.3), (5.15, 3.3), (5.25, 9.5), (4.8, 9.5)]],
    },
    "wave": {
        "sky": [
            [(5.7, 0.4), (9.9, 0.4), (9.9, 3), (8.6, 4.8), (6.8, 5.3), (5.9, 3.6)],
            [(1.6, 0.4), (5.6, 0.4), (4.5, 0.9), (2.5, 0.7)],
        ],
        "water": [
            [
                (0.2, 5.7),
                (2, 4.2),
                (3.3, 2.2),
                (4.2, 2.6),
                (4.5, 5),
                (6, 6.9),
                (8.5, 7.2),
                (9.9, 5.4),
                (9.9, 9.8),
                (0.2, 9.8),
            ]
        ],
    },
    "cypresses": {
        "sky": [[(0, 0), (8, 0), (8, 3.8), (7.5, 4.8), (4, 5.4), (2.6, 4.9), (1, 5.4), (0, 5.4)]],
        "trees": [
            [(8.6, 0.3), (8.9, 2), (9.1, 4), (9, 6), (8, 6), (7.9, 4.8), (8.2, 2)],
            [(1.2, 6), (2.5, 5.6), (3.8, 6.1), (3.8, 7.2), (1.5, 7.5)],
        ],
    },
    "astronaut": {
        "face": [[(3.7, 1.5), (5.1, 1.3), (5.2, 2.4), (4.9, 3.1), (4.4, 3.5), (4, 3.2), (3.7, 2.3)]],
        "clothes": [
            [
                (0.6, 9.9),
                (0.6, 7.5),
                (1.1, 6),
                (1.6, 4.9),
                (2.3, 4.4),
                (2.6, 5.4),
                (4, 6),
                (6, 5.6),
                (6.5, 5.1),
                (6.8, 6),
                (6.8, 6.6),
                (6, 7.1),
                (5.5, 8),
                (5.4, 9.9),
            ]
        ],
        "background": [
            [(1.3, 0), (3.1, 0.2), (2.9, 2), (3, 2.8), (2.3, 3.1), (2.1, 3.9)],
            [(5.9, 0), (7.2, 0), (7, 4.4), (6.6, 4.1), (6.2, 3.2), (6, 2.2)],
        ],
    },
    "self-portrait": {
        "face": [
            [(3.2, 4.2), (4.5, 3.7), (6.8, 4), (7, 5), (6.7, 6.3), (5.6, 7.4), (4.8, 7.1), (4.2, 6.3), (3.3, 5.8)]
        ],
        "clothes": [[(0, 9.9), (0, 8.4), (2, 7.2), (4.1, 6.8), (4.6, 7.9), (5.5, 8.6), (7.3, 7), (9.9, 8), (9.9, 9.9)]],
        "background": [
            [(0, 0), (9.9, 0), (9.9, 4), (8.5, 2.2), (7, 0.9), (4.7, 0.5), (3, 1.1), (1.8, 2.2), (1.6, 2.9), (0, 3.7)],
            [(0, 5.3), (2.3, 4.7), (2.8, 5.6), (2.7, 6.4), (1.5, 6.9), (0, 7.6)],
            [(9.9, 5.7), (8.6, 5.5), (7.8, 5.8), (7.7, 6.5), (9.9, 7.2)],
        ],
    },
    "dahlia": {
        "flower": [[(2.8, 5.2), (3.3, 3.3), (4.8, 2.2), (6.2, 3), (6.8, 5), (6.3, 7), (5, 8), (3.6, 7.3)]],
        "background": [
            [
                (0, 0),
                (10, 0),
                (10, 10),
                (8.3, 10),
                (7.4, 8.8),
                (7.4, 5),
                (6.5, 2.4),
                (4.8, 1.5),
                (3, 2.7),
                (2.4, 5.2),
                (3.2, 7.8),
                (4.5, 8.6),
                (4.3, 10),
                (0, 10),
            ]
        ],
    },
    "bouquet": {
        "flower": [
            [
                (3.6, 1),
                (5, 0.4),
                (6.3, 1.1),
                (7.4, 2.6),
                (7.6, 3.8),
                (8, 5),
                (7.7, 6),
                (6.8, 6.9),
                (5.5, 6.9),
                (4, 6.9),
                (2.6, 7.3),
                (1.4, 6.5),
                (1.2, 5.2),
                (2.1, 3.2),
                (2.9, 2.2),
            ]
        ],
        "background": [
            [(0, 0), (2.6, 0), (2.6, 1.2), (1.4, 2.5), (0.4, 4.4), (0, 6)],
            [(10, 0), (7.2, 0), (8, 1), (8.8, 3), (8.9, 6.5), (10, 7)],
        ],
    },
    "chelsea": {
        "face": [
            [(1.2, 0.6), (4.8, 0.3), (7.8, 0.6), (8, 3.5), (7.7, 6), (6.9, 8.4), (5.5, 9.2), (3, 9.2), (1.5, 6.5)]
        ],
        "background": [[(8.7, 3), (10, 3), (10, 10), (8.4, 10), (8, 8)]],
    },
    "coffee": {
        "crockery": [
            [
                (1.3, 6.6),
                (2, 4.6),
                (2.9, 3.6),
                (3, 1.5),
                (4, 0.5),
                (6, 0.5),
                (6.8, 1.8),
                (6.9, 3),
                (7.9, 5),
                (7.9, 7),
                (7, 8.6),
                (5, 9.6),
                (3, 9.2),
                (1.7, 8),
            ]
        ],
        "table": [
            [(0, 0), (2.7, 0), (2.7, 3.2), (1.4, 5), (0.9, 6.9), (1.6, 8.7), (3, 9.9), (0, 9.9)],
            [(7.3, 0), (9.9, 0), (9.9, 9.9), (6.6, 9.9), (8.2, 8.4), (8.5, 6), (7.4, 3.2)],
        ],
    },
}
"""What is where in each picture; what lies in no polygon has no say."""

NAMES = ("sky", "building", "trees", "water", "face", "clothes", "background", "flower", "crockery", "table")
"""Of which the number is a region's colour in the label pictures."""

NOWHERE = 0
"""What `read_labels` gives for what lies in no region: black."""

RECOLOURED = {
    "coffee": {"crockery": (1, 0, 2), "table": (2, 1, 0)},
    "astronaut": {"clothes": (2, 1, 0), "background": (0, 2, 2)},
}
"""Of a style that is its own target, mirrored: where each region has its red, green and blue from."""

AROUND = 0.06
"""Share of the longer side: so near to a region a pixel takes the colours of that region."""

PAIRS = (
    ("temple", "rocket"),
    ("rocket", "temple"),
    ("temple", "wave"),
    ("temple", "cypresses"),
    ("astronaut", "self-portrait"),
    ("chelsea", "self-portrait"),
    ("dahlia", "bouquet"),
    ("coffee", "coffee"),
    ("astronaut", "astronaut"),
)
"""Target and style."""


@dataclass(frozen=True)
class Drawn:
    """A picture with its regions.

    Attributes
    ----------
    pixels : ndarray
        Shape (H, W, 3), float32 in [0, 1].
    labels : ndarray
        Shape (H, W): the region's number in `NAMES`, or -1.
    """

    pixels: np.ndarray
    labels: np.ndarray


def pairs() -> list[tuple[Drawn, Drawn]]:
    """Every pair of `PAIRS`, in order."""
    return [(drawn(target), recoloured(target) if target == style else drawn(style)) for target, style in PAIRS]


def drawn(name: str) -> Drawn:
    """A picture with its regions."""
    path = PICTURES / f"{name}.jpg"
    given = read_image(path).pixels if path.exists() else photographs()[name]
    pixels = resized(given, min(SIZE, max(given.shape)))
    return Drawn(pixels, _labels(name, pixels.shape[:2]))


def recoloured(name: str) -> Drawn:
    """A picture mirrored, its regions and what is `AROUND` them with other colours."""
    given = drawn(name)
    pixels = given.pixels.copy()
    apart, nearest = distance_transform_edt(given.labels < 0, return_indices=True)
    labels = np.where(apart <= AROUND * SIZE, given.labels[tuple(nearest)], -1)
    for region, channels in RECOLOURED[name].items():
        inside = labels == NAMES.index(region)
        pixels[inside] = given.pixels[inside][:, channels]
    return Drawn(np.ascontiguousarray(pixels[:, ::-1]), np.ascontiguousarray(given.labels[:, ::-1]))


def write_pairs(folder: Path) -> int:
    """Write content, style and their label pictures, as pairs.py reads them; how many there are."""
    for number, sides in enumerate(pairs(), 1):
        for side, one in zip(("content", "style"), sides, strict=True):
            for kind, pixels in ((side, one.pixels), (f"{side}_regions", _coloured(one.labels))):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                write_image(folder / kind / f"{number}.png", pixels)
    return len(PAIRS)


def _labels(name: str, shape: tuple[int, int]) -> np.ndarray:
    canvas = Image.new("L", shape[::-1], 0)
    draw = ImageDraw.Draw(canvas)
    for region, polygons in REGIONS[name].items():
        for polygon in polygons:
            draw.polygon([(x / 10 * shape[1], y / 10 * shape[0]) for x, y in polygon], fill=1 + NAMES.index(region))
    return np.asarray(canvas).astype(int) - 1


def _coloured(labels: np.ndarray) -> np.ndarray:
    """Labels as colours that `decouple_core.pictures.labels.read_labels` tells apart."""
    number = labels + 1
    return np.stack([number % 3, number // 3 % 3, number // 9], -1).astype(np.float32) / 2
