"""The picture at the top of the README: in each row a target, a style, and what is made of them with default settings.

python tests/benchmarks/before_after.py docs/before_after.jpg
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import parser, photographs, settings_from
from PIL import Image

from decouple_core.api import Session
from decouple_core.pictures.reading import read_image

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "tests" / "benchmarks" / "pictures"
STYLES = ROOT / "gimp_plugin" / "decoupled_style" / "styles"

WIDTH, GAP = 1600, 8
"""Of a row in pixels, and the white between two pictures."""

QUALITY = 88
"""Of the JPEG: no block shows."""


def main() -> None:
    """Make the picture."""
    asked = parser(__doc__)
    asked.add_argument("out", type=Path)
    options = asked.parse_args()
    session, free = Session(), photographs()
    temple, night_cafe, self_portrait = (
        read_image(path).pixels
        for path in (
            PICTURES / "temple.jpg",
            STYLES / "van-gogh-night-cafe.jpg",
            STYLES / "van-gogh-self-portrait-straw-hat.jpg",
        )
    )
    rows = []
    for target, style, mode in (
        (temple, free["rocket"], "photo"),
        (free["coffee"], night_cafe, "painting"),
        (free["chelsea"], self_portrait, "painting"),
    ):
        result = session.transfer(target, style, settings_from(options, mode=mode)).image
        rows += [_row([target, style, result]), np.full((GAP, WIDTH, 3), 255, np.uint8)]
    Image.fromarray(np.concatenate(rows[:-1])).save(options.out, quality=QUALITY)


def _row(pictures: list[np.ndarray]) -> np.ndarray:
    """Pictures, 8-bit or in [0, 1], beside each other at one height and as wide as every row, 8-bit."""
    images = [
        Image.fromarray(pixels if pixels.dtype == np.uint8 else (pixels * 255).round().astype(np.uint8))
        for pixels in pictures
    ]
    free = WIDTH - GAP * (len(images) - 1)
    height = round(free / sum(image.width / image.height for image in images))
    row = np.full((height, WIDTH, 3), 255, np.uint8)
    left = 0
    for number, image in enumerate(images):
        last = number == len(images) - 1
        width = WIDTH - left if last else round(image.width * height / image.height)
        row[:, left : left + width] = image.resize((width, height), Image.Resampling.LANCZOS)
        left += width + GAP
    return row


if __name__ == "__main__":
    main()
