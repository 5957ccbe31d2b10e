"""Pictures: from arrays to files, at the depth the format has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL.Image
import tifffile
from imagecodecs import PNG, png_encode  # loaded before the work, not when memory is scarce after it

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import check_file, replacing


def write_image(path: str | Path, pixels: np.ndarray, *, alpha: np.ndarray | None = None, bit_depth: int = 8) -> None:
    """Write a picture in the format that the path's ending names; an existing file is replaced as a whole.

    Parameters
    ----------
    path : str or Path
        Ends in .png, .tif, .tiff, .webp, .jpg, .jpeg or .bmp.
    pixels : np.ndarray, (H, W, 3) float
        sRGB-encoded; clipped to [0, 1] and rounded, without dithering. Written without a profile, which means sRGB.
    alpha : np.ndarray, (H, W) float, optional
        Opacity in [0, 1]; JPEG and BMP have no place for it and leave it out.
    bit_depth : {8, 16}
        PNG and TIFF can take 16; the others are written with 8.

    Raises
    ------
    InputError
        As `check_output`, and when the disk refuses the file or a value is no number.
    """
    check_output(path, pixels.shape[:2])
    writer = _WRITERS[Path(path).suffix.lower()]
    channels = pixels if alpha is None or not writer.alpha else np.dstack([pixels, alpha])
    if not np.isfinite(channels).all():
        raise InputError("result-numbers", path=str(path))
    top = 65535 if min(bit_depth, writer.deepest) == 16 else 255
    levels = np.ascontiguousarray(np.clip(channels, 0.0, 1.0, dtype=np.float32))  # as the encoders want them
    levels *= top
    levels += 0.5
    with replacing(path) as beside:
        writer.encode(beside, levels.astype(np.uint16 if top == 65535 else np.uint8))


def write_floats(path: Path, pixels: np.ndarray) -> None:
    """Write a part of a picture, (H, W, 3) of any values, as a TIFF of 32-bit floats."""
    with replacing(path) as beside:
        tifffile.imwrite(beside, pixels.astype(np.float32), photometric="rgb", compression="adobe_deflate",
                         predictor=True, metadata=None)


def check_output(path: str | Path, shape: tuple[int, int] | None = None) -> None:
    """Refuse, before any work is done, a path that `write_image` would refuse after it.

    Parameters
    ----------
    path : str or Path
    shape : (int, int), optional
        Height and width of the picture, where they are known already.

    Raises
    ------
    InputError
        For an ending without a writer, a place that takes no files, or a picture too large for its format.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        raise InputError("picture-format", name=repr(path.name), endings=", ".join(_WRITERS))
    check_file(path)
    longest = _WRITERS[path.suffix.lower()].longest
    if shape is not None and max(shape) > longest:
        raise InputError("picture-too-long", path=str(path), width=shape[1], height=shape[0], ending=path.suffix,
                         longest=longest)


def _write_png(path: Path, levels: np.ndarray) -> None:
    # Differences to the left neighbour and short runs: on a photograph 15 (8 bits) and 5 (16 bits) times as fast as the
    # defaults, at 0.8 s for 24 megapixels of 8 bits, and the files are 1 % smaller.
    path.write_bytes(png_encode(levels, level=1, strategy=PNG.STRATEGY.RLE, filter=PNG.FILTER.SUB))


def _write_tiff(path: Path, levels: np.ndarray) -> None:
    # Deflate with prediction loses nothing and is read everywhere.
    tifffile.imwrite(path, levels, photometric="rgb", compression="adobe_deflate", predictor=True, metadata=None,
                     extrasamples=["unassalpha"] if levels.shape[2] == 4 else None)


def _write_jpeg(path: Path, levels: np.ndarray) -> None:
    # 95 is the highest quality that Pillow recommends; subsampling 0 keeps the colours at full resolution.
    PIL.Image.fromarray(levels).save(path, "JPEG", quality=95, subsampling=0)


def _write_webp(path: Path, levels: np.ndarray) -> None:
    # The least effort takes a 24th of the default's time (1.7 s for 24 megapixels) for files a fifth larger.
    PIL.Image.fromarray(levels).save(path, "WEBP", lossless=True, quality=0, method=0)


def _write_bmp(path: Path, levels: np.ndarray) -> None:
    PIL.Image.fromarray(levels).save(path, "BMP")


class _Writer(NamedTuple):
    """What writes a format, the most bits a channel, whether it keeps alpha, and its longest side in pixels."""

    encode: Callable[[Path, np.ndarray], None]
    deepest: int
    alpha: bool
    longest: int


_WRITERS = {
    ".png": _Writer(_write_png, 16, True, 2**31 - 1),
    ".tif": _Writer(_write_tiff, 16, True, 2**31 - 1),
    ".tiff": _Writer(_write_tiff, 16, True, 2**31 - 1),
    ".webp": _Writer(_write_webp, 8, True, 16383),  # WEBP_MAX_DIMENSION
    ".jpg": _Writer(_write_jpeg, 8, False, 65500),  # JPEG_MAX_DIMENSION of libjpeg
    ".jpeg": _Writer(_write_jpeg, 8, False, 65500),
    ".bmp": _Writer(_write_bmp, 8, False, 2**31 - 1),
}
"""By ending."""
