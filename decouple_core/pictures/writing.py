"""Pictures: from arrays to files, at the depth the format has, with profile and notes."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL.features
import PIL.Image
from imagecodecs import JPEGXL, PNG, png_encode  # loaded before the work, not when memory is scarce after it

from decouple_contract.errors import InputError
from decouple_contract.files import check_file, replacing
from decouple_core.pictures import exif, exr_files
from decouple_core.pictures.jpegxl_files import write_jpegxl
from decouple_core.pictures.profiles import from_srgb
from decouple_core.pictures.reading import Image


def write_like(path: str | Path, pixels: np.ndarray, target: Image) -> None:
    """Write what was made of a picture, with that picture's opacity, depth, profile, notes and gain; see `write_image`.

    Parameters
    ----------
    path : str or Path
    pixels : np.ndarray, (H, W, 3) float
        sRGB-encoded, of the target's height and width.
    target : Image
        As `read_image` gave it.
    """
    write_image(
        path,
        pixels,
        alpha=target.alpha,
        bit_depth=target.bit_depth,
        icc=target.icc,
        notes=target.exif,
        gain=target.gain,
    )


def write_image(
    path: str | Path,
    pixels: np.ndarray,
    *,
    alpha: np.ndarray | None = None,
    bit_depth: int = 8,
    icc: bytes | None = None,
    notes: bytes | None = None,
    gain: np.ndarray | None = None,
) -> None:
    """Write a picture in the format that the path's ending names; an existing file is replaced as a whole.

    Parameters
    ----------
    path : str or Path
        With one of the endings of `ENDINGS`.
    pixels : np.ndarray, (H, W, 3) float
        sRGB-encoded; clipped to [0, 1] and rounded, without dithering.
    alpha : np.ndarray, (H, W) float, optional
        Opacity in [0, 1]; JPEG and BMP have no place for it and leave it out.
    bit_depth : {8, 16, 32}
        PNG, TIFF and JPEG XL can take 16, OpenEXR 16 and 32, in floats; the others are written with 8.
    icc : bytes, optional
        An RGB profile: the colours are brought to it and it is written along. Without one, with one of other colours,
        and in formats without a place for it (BMP, JPEG XL as it is written here, OpenEXR), the picture is in sRGB.
    notes : bytes, optional
        What `exif.kept` kept; BMP and OpenEXR have no place for it.
    gain : np.ndarray, (H, W) float, optional
        By how much linear light is multiplied in OpenEXR; the others end at white.

    Raises
    ------
    InputError
        As `check_output`, and when the disk refuses the file or a value is no number.
    """
    check_output(path, pixels.shape[:2])
    writer = _WRITERS[Path(path).suffix.lower()]
    if not np.isfinite(pixels).all() or (alpha is not None and not np.isfinite(alpha).all()):
        raise InputError("result-numbers", path=str(path))
    if writer.encode is None:
        with replacing(path) as file:
            exr_files.write_exr(file, pixels, alpha, bit_depth, gain)
        return
    channels = pixels if alpha is None or not writer.alpha else np.dstack([pixels, alpha])
    top = 65535 if min(bit_depth, writer.deepest) >= 16 else 255
    levels = _levels(channels, top)
    if icc is not None:
        coloured = _in_profile(pixels, levels, icc) if writer.profiled else None
        levels, icc = (levels, None) if coloured is None else (coloured, icc)
    with replacing(path) as file:
        writer.encode(file, levels, icc, notes)


def _levels(shares: np.ndarray, top: int) -> np.ndarray:
    """Shares in [0, 1] as integers, rounded to the nearest."""
    levels = np.ascontiguousarray(np.clip(shares, 0.0, 1.0, dtype=np.float32))  # as the encoders want them
    levels *= top
    levels += 0.5
    return levels.astype(np.uint16 if top == 65535 else np.uint8)


def _in_profile(pixels: np.ndarray, levels: np.ndarray, icc: bytes) -> np.ndarray | None:
    """`levels` of these pixels with their colours in an RGB profile; None where sRGB does not lead to it."""
    fine = _levels(pixels, 65535)
    colours = from_srgb(fine, icc)
    if colours is None:
        return None
    if colours is fine:  # the profile is sRGB's
        return levels
    if levels.dtype == np.uint8:
        colours = (colours.astype(np.uint32) + 128) // 257
    return np.ascontiguousarray(np.dstack([colours, levels[..., 3:]]).astype(levels.dtype))


def write_floats(path: Path, pixels: np.ndarray) -> None:
    """Write a part of a picture, (H, W, 3) of any values, as a TIFF of 32-bit floats."""
    import tifffile

    with replacing(path) as file:
        tifffile.imwrite(
            file,
            pixels.astype(np.float32),
            photometric="rgb",
            compression="adobe_deflate",
            predictor=True,
            metadata=None,
        )


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
        For an ending without a writer, or whose writer is not installed, a place that takes no files, or a picture too
        large for its format.
    """
    path = Path(path)
    ending = path.suffix.lower()
    check_ending(ending, path.name)
    check_file(path)
    longest = _WRITERS[ending].longest
    if shape is not None and max(shape) > longest:
        raise InputError(
            "picture-too-long", path=str(path), width=shape[1], height=shape[0], ending=path.suffix, longest=longest
        )


def check_ending(ending: str, name: str) -> None:
    """Refuse an ending, such as ``.png``, in which nothing can be written here; `name` is for the sentence."""
    if ending not in _WRITERS:
        raise InputError("picture-format", name=repr(name), endings=", ".join(_WRITERS))
    if ending in (".tif", ".tiff"):
        import tifffile  # noqa: F401  loaded before the work, too
    if ending == ".exr":
        exr_files.library()
    if ending == ".avif" and not PIL.features.check("avif"):
        raise InputError("format-needs", kind="AVIF", package="Pillow")
    if ending == ".jxl" and not JPEGXL.available:
        raise InputError("format-needs", kind="JPEG XL", package="imagecodecs")


def _write_png(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    # Differences to the left neighbour and short runs: on a photograph 15 (8 bits) and 5 (16 bits) times as fast as the
    # defaults, at 0.8 s for 24 megapixels of 8 bits, and the files are 1 % smaller.
    content = png_encode(levels, level=1, strategy=PNG.STRATEGY.RLE, filter=PNG.FILTER.SUB)
    chunks = b""
    if icc is not None:
        chunks += _chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(icc))
    if notes is not None:
        chunks += _chunk(b"eXIf", notes.removeprefix(exif.PREFIX))
    file.writelines((content[:PNG_HEADER], chunks, memoryview(content)[PNG_HEADER:]))


PNG_HEADER = 33
"""Bytes of a PNG before which nothing else may stand: its signature and its header chunk."""


def _chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG (PNG 1.2, 3.2)."""
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _write_tiff(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    import tifffile

    # Deflate with prediction loses nothing and is read everywhere.
    tifffile.imwrite(
        file,
        levels,
        photometric="rgb",
        compression="adobe_deflate",
        predictor=True,
        metadata=None,
        software=False,
        byteorder="<",
        iccprofile=icc,
        extrasamples=["unassalpha"] if levels.shape[2] == 4 else None,
    )
    if notes is not None:
        exif.append_to_tiff(file, notes)


def _write_jpeg(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    # 95 is the highest quality that Pillow recommends; subsampling 0 keeps the colours at full resolution.
    short = exif.shortened(notes, LONGEST_SEGMENT) if notes is not None else None
    PIL.Image.fromarray(levels).save(file, "JPEG", quality=95, subsampling=0, icc_profile=icc, exif=short or b"")


LONGEST_SEGMENT = 65533
"""Bytes that a segment of a JPEG holds, beside the two of its length."""


def _write_webp(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    # The least effort takes a 24th of the default's time (1.7 s for 24 megapixels) for files a fifth larger.
    PIL.Image.fromarray(levels).save(
        file, "WEBP", lossless=True, quality=0, method=0, icc_profile=icc or b"", exif=notes or b""
    )


def _write_avif(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    # As for JPEG, the colours at full resolution. Speed 8 of 10 takes a third of the default's time, for files a
    # quarter larger.
    PIL.Image.fromarray(levels).save(
        file, "AVIF", quality=90, subsampling="4:4:4", speed=8, icc_profile=icc or b"", exif=notes or b""
    )


def _write_jpegxl(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    write_jpegxl(file, levels, notes)


def _write_bmp(file: BinaryIO, levels: np.ndarray, icc: bytes | None, notes: bytes | None) -> None:
    PIL.Image.fromarray(levels).save(file, "BMP")


class _Writer(NamedTuple):
    """What writes a format, the most bits a channel, whether it keeps alpha and profiles, and its longest side.

    None stands for OpenEXR's writer, which alone takes floats.
    """

    encode: Callable[[BinaryIO, np.ndarray, bytes | None, bytes | None], None] | None
    deepest: int
    alpha: bool
    profiled: bool
    longest: int


_WRITERS = {
    ".png": _Writer(_write_png, 16, True, True, 2**31 - 1),
    ".tif": _Writer(_write_tiff, 16, True, True, 2**31 - 1),
    ".tiff": _Writer(_write_tiff, 16, True, True, 2**31 - 1),
    ".webp": _Writer(_write_webp, 8, True, True, 16383),  # WEBP_MAX_DIMENSION
    ".jpg": _Writer(_write_jpeg, 8, False, True, 65500),  # JPEG_MAX_DIMENSION of libjpeg
    ".jpeg": _Writer(_write_jpeg, 8, False, True, 65500),
    ".jxl": _Writer(_write_jpegxl, 16, True, False, 2**30 - 1),  # level 10 of ISO/IEC 18181-1, annex M
    ".avif": _Writer(_write_avif, 8, True, True, 32768),  # AVIF_DEFAULT_IMAGE_DIMENSION_LIMIT of libavif
    ".exr": _Writer(None, 32, True, False, 2**31 - 1),
    ".bmp": _Writer(_write_bmp, 8, False, False, 2**31 - 1),
}
"""By ending."""

ENDINGS = tuple(_WRITERS)
