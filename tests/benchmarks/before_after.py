"""The picture at the top of the README: a target, a style, and the photograph and the painting made of them.

python tests/benchmarks/before_after.py docs/before_after.jpg
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import parser, settings_from
from PIL import Image

from decouple_core.api import Session
from decouple_core.pictures.reading import read_image

PICTURES = Path(__file__).parent / "pictures"

HEIGHT, GAP = 340, 8
"""Of each picture in pixels, and the white between two."""

QUALITY = 90
"""Of the JPEG: no block shows."""


def main() -> None:
    """Make the picture."""
    asked = parser(__doc__)
    asked.add_argument("out", type=Path)
    options = asked.parse_args()
    session = Session()
    target, style = (read_image(PICTURES / name).pixels for name in ("temple.jpg", "cypresses.jpg"))
    made = [session.transfer(target, style, settings_from(options, mode=mode)).image for mode in ("photo", "painting")]
    row = [_at_height(pixels) for pixels in (target, style, *made)]
    white = np.full((HEIGHT, GAP, 3), 255, np.uint8)
    parts = [part for pixels in row for part in (pixels, white)][:-1]
    Image.fromarray(np.concatenate(parts, 1)).save(options.out, quality=QUALITY)


def _at_height(pixels: np.ndarray) -> np.ndarray:
    """A picture, 8-bit or in [0, 1], at the common height, 8-bit."""
    image = Image.fromarray(pixels if pixels.dtype == np.uint8 else (pixels * 255).round().astype(np.uint8))
    return np.asarray(image.resize((round(image.width * HEIGHT / image.height), HEIGHT), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
