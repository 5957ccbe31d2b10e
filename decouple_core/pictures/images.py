"""Pictures and masks: from files to arrays and back, at the depth the file has.

Inside the program a picture is (height, width, 3) float32, sRGB-encoded, in [0, 1]. Whatever a file holds (grey,
palette, CMYK, 8 or 16 bit, an embedded colour profile, a rotation flag) is brought to that form here and nowhere
else. Pillow reads what has 8 bits a channel; it cannot hold deeper colour, so 16-bit PNG goes through imagecodecs,
deep TIFF through tifffile.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageOps
import tifffile

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import check_file, replacing

MAX_PIXELS = 300_000_000
"""Larger pictures are refused before they are decoded: the pixels alone would take 3.6 GB as float32."""
PIL.Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit, 89 million, is below a large camera's panorama

LABEL_LEVELS = 4
"""Colours of label images are rounded to this many steps per channel. The resulting levels 0, 64, 128, 191, 255 are
the colours people pick by hand, and the roundings' borders (32, 96, 159, 223) are as far from those as can be."""
LABEL_REACH = 2
"""A region has places that are flat this many pixels around; the soft edge between two others has hardly any."""
LABEL_SHARE = 0.005
"""A label whose flat places cover less of the picture than this is no region. With a reach of 2 this keeps the edges
of a JPEG at quality 80 from becoming regions (tests/core/test_images.py)."""
NO_REGION = -1
"""The label of what belongs to no region; any negative one says so."""
LABEL_OPACITY = 0.5
"""Alpha from which a label counts, half way: the border of a soft brush ends where it seems to."""

_ORIENTATION_TAG = 274  # TIFF 6.0, and Exif after it


class Image(NamedTuple):
    """A picture that was read.

    Attributes
    ----------
    pixels : np.ndarray, (H, W, 3) float32
        sRGB-encoded values in [0, 1]; an embedded profile has been applied and what lies outside sRGB is clipped.
    alpha : np.ndarray, (H, W) float32, or None
        Opacity in [0, 1], not multiplied into `pixels`; None for a file without it.
    bit_depth : int
        8, or 16 for a file with more than eight bits a channel.
    icc : bytes or None
        The profile that the file carried.
    """

    pixels: np.ndarray
    alpha: np.ndarray | None
    bit_depth: int
    icc: bytes | None


def read_image(path: str | Path) -> Image:
    """Read a picture file; of an animation or a stack of pages, the first.

    Raises
    ------
    InputError
        For a file that is missing, empty, unreadable, damaged, larger than `MAX_PIXELS` or with values that are
        no numbers.
    """
    raw = _read(Path(path))
    values = raw.values if raw.icc is None else _to_srgb(raw.values, raw.icc)
    pixels = _unit_range(values)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    elif pixels.shape[2] == 4:  # CMYK whose profile is missing or of no use: the plain complement
        pixels = (1.0 - pixels[..., :3]) * (1.0 - pixels[..., 3:])
    alpha = None if raw.alpha is None else _unit_range(raw.alpha)
    return Image(np.ascontiguousarray(pixels), alpha, 8 if raw.values.dtype == np.uint8 else 16, raw.icc)


def read_mask(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a mask: white takes part, black does not, grey and half-transparent do in part.

    Parameters
    ----------
    path : str or Path
    shape : (int, int)
        Height and width of the picture that the mask belongs to.

    Returns
    -------
    np.ndarray, (H, W) float32 in [0, 1]
        The mean of the colour channels as stored (profiles do not apply), times the opacity.

    Raises
    ------
    InputError
        As `read_image`, and for a mask of another size or one that selects nothing.
    """
    stored = _read_beside(path, shape)
    mask = _unit_range(stored.values).mean(axis=2)
    if stored.alpha is not None:
        mask *= _unit_range(stored.alpha)
    if not mask.any():
        raise InputError(f"The mask {path} is black all over and selects nothing; paint white what shall take part.")
    return mask


def read_labels(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a label image: every flat colour is one region.

    Equal colours give equal labels in all files, and small deviations (a lossy format, soft edges) are absorbed.

    Parameters
    ----------
    path : str or Path
    shape : (int, int)
        Height and width of the picture that the labels belong to.

    Returns
    -------
    np.ndarray, (H, W) int32
        Labels in [0, 125), not consecutive; each has flat places on at least `LABEL_SHARE` of the picture.

    Raises
    ------
    InputError
        As `read_image`, and for labels of another size or a picture without flat colours.
    """
    colours = np.broadcast_to(_unit_range(_read_beside(path, shape).values)[..., :3], (*shape, 3))
    return labels_of(colours, None, f"The label image {path}")


def labels_of(colours: np.ndarray, alpha: np.ndarray | None, name: str) -> np.ndarray:
    """Tell the regions of a label image apart, as `read_labels` does.

    Parameters
    ----------
    colours : np.ndarray, (H, W, 3) float
        Nominally in [0, 1].
    alpha : np.ndarray, (H, W) float, or None
        What is more transparent than opaque belongs to no region; None where all does belong to one.
    name : str
        What an error calls it.

    Returns
    -------
    np.ndarray, (H, W) int32
        Labels as of `read_labels`, and `NO_REGION`.

    Raises
    ------
    InputError
        For a picture without flat colours.
    """
    base = LABEL_LEVELS + 1
    weights = (base**2, base, 1)
    labels = np.zeros(colours.shape[:2], np.int32)
    for channel, weight in enumerate(weights):
        values = np.nan_to_num(np.clip(colours[..., channel], 0.0, 1.0))  # a float image may hold anything
        labels += weight * np.rint(values * LABEL_LEVELS).astype(np.int32)
    if alpha is not None:
        labels[~(alpha >= LABEL_OPACITY)] = NO_REGION
    share = np.bincount(labels[_flat(labels) & (labels != NO_REGION)], minlength=base**3) / labels.size
    regions = np.flatnonzero(share >= LABEL_SHARE)
    if not regions.size:
        raise InputError(f"{name} has no flat colours; give each region one clear colour.")
    palette = np.stack([np.arange(base**3) // w % base for w in weights], axis=1)
    distances = ((palette[:, None, :] - palette[regions][None, :, :]) ** 2).sum(axis=2)
    nearest = regions[distances.argmin(axis=1)].astype(np.int32)
    return np.append(nearest, np.int32(NO_REGION))[labels]  # the last is also number -1


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
        raise InputError(f"Pictures cannot be written as {path.name!r}; choose one of {', '.join(_WRITERS)}.")
    check_file(path)
    longest = _WRITERS[path.suffix.lower()].longest
    if shape is not None and max(shape) > longest:
        raise InputError(f"{path} would be {shape[1]}×{shape[0]} pixels, and {path.suffix} holds {longest} a side; "
                         "choose .png or .tif.")


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
        raise InputError(f"The picture for {path} has values that are no numbers and was not written; try other "
                         "settings.")
    top = 65535 if min(bit_depth, writer.deepest) == 16 else 255
    levels = np.ascontiguousarray(np.clip(channels, 0.0, 1.0, dtype=np.float32))  # as the encoders want them
    levels *= top
    levels += 0.5
    with replacing(path) as beside:
        writer.encode(beside, levels.astype(np.uint16 if top == 65535 else np.uint8))


class _Raw(NamedTuple):
    """A file's contents as stored: values (H, W, 1, 3 or 4: grey, RGB or CMYK), alpha (H, W), and the profile."""

    values: np.ndarray
    alpha: np.ndarray | None
    icc: bytes | None


def _read(path: Path) -> _Raw:
    """Decode a file by what it is, not by its ending."""
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; give a picture file.")
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device read without end
            raise InputError(f"{path} is no ordinary file; save the picture to one first.")
        with path.open("rb") as file:
            head = file.read(32)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}; check the name.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if not head:
        raise InputError(f"{path} is empty; save or copy the picture again.")
    try:
        if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            raw = _read_deep_tiff(path)
        elif head[:8] == b"\x89PNG\r\n\x1a\n" and head[24] == 16:  # the bit depth in the header chunk (PNG, 11.2.2)
            raw = _read_deep_png(path)
        else:
            raw = None
        raw = raw or _read_with_pillow(path)
    except (InputError, MemoryError):
        raise
    except PIL.Image.DecompressionBombError as error:  # Pillow refuses the very largest before their size is known here
        raise InputError(f"{path} has more than the {MAX_PIXELS // 10**6} million pixels that are allowed; scale it "
                         "down first.") from error
    except Exception as error:  # decoders given damaged data raise nearly anything
        raise InputError(f"{path} cannot be read as a picture, or is damaged; open it in an image editor and save it "
                         "as PNG.") from error
    if raw.values.dtype.kind == "f" and not np.isfinite(raw.values).all():
        raise InputError(f"{path} has values that are no numbers (NaN or infinite); repair those pixels in an image "
                         "editor and save it again.")
    return raw


def _read_with_pillow(path: Path) -> _Raw:
    """Anything that Pillow knows, at 8 bits a channel; deeper only where it is a single grey one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about damaged metadata, and the size, which is checked here
        with PIL.Image.open(path) as opened:
            _check_size(path, *opened.size)
            icc = opened.info.get("icc_profile")
            picture = PIL.ImageOps.exif_transpose(opened)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):  # grey with 16 bits, or with 32-bit floats
        values = np.asarray(picture)[..., None]
        if picture.mode != "F":
            values = np.clip(values, 0, 65535).astype(np.uint16)
        return _Raw(values, None, icc)
    transparent = picture.has_transparency_data
    if picture.mode in ("L", "LA") or (picture.mode == "1" and not transparent):
        picture = picture.convert("LA" if transparent else "L")
    elif picture.mode != "CMYK":
        if picture.mode not in ("RGB", "RGBA", "P", "PA", "RGBX"):
            icc = None  # it describes the stored form (YCbCr, Lab, HSV), which the next line leaves
        picture = picture.convert("RGBA" if transparent else "RGB")
    values = np.atleast_3d(np.asarray(picture))
    if picture.mode in ("LA", "RGBA"):
        return _Raw(values[..., :-1], values[..., -1], icc)
    return _Raw(values, None, icc)


def _read_deep_png(path: Path) -> _Raw:
    """A PNG with 16 bits a channel. Pillow reads its header, size and metadata."""
    with PIL.Image.open(path) as header:
        _check_size(path, *header.size)
        icc, orientation = header.info.get("icc_profile"), header.getexif().get(_ORIENTATION_TAG, 1)
    values = np.atleast_3d(imagecodecs.png_decode(path.read_bytes()))
    values = _upright(values, orientation)
    alpha = values[..., -1] if values.shape[2] in (2, 4) else None
    return _Raw(values[..., : values.shape[2] - (alpha is not None)], alpha, icc)


def _read_deep_tiff(path: Path) -> _Raw | None:
    """A TIFF with more than 8 bits a channel in grey or RGB; None for any other, which Pillow reads."""
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        _check_size(path, page.imagewidth, page.imagelength)
        grey_or_rgb = page.photometric in (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB)
        if page.dtype is None or page.dtype.itemsize == 1 or not grey_or_rgb:
            return None
        values = page.asarray()
        if page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE:
            values = np.moveaxis(values, 0, -1)
        tags = {tag.code: tag.value for tag in page.tags}
        colours = 1 if page.photometric == tifffile.PHOTOMETRIC.MINISBLACK else 3
        extra = tuple(page.extrasamples)
    values = _upright(np.atleast_3d(values), tags.get(_ORIENTATION_TAG, 1))
    if values.dtype.kind != "f" and values.dtype != np.uint16:  # 32 bits and more, of which float32 keeps 24
        values = values / np.float64(np.iinfo(values.dtype).max)
    if values.dtype.kind == "f":
        values = values.astype(np.float32)
    colour = values[..., :colours]
    alpha = values[..., colours] if extra and extra[0] != tifffile.EXTRASAMPLE.UNSPECIFIED else None
    if alpha is not None and extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:  # the colours are multiplied by it
        colour, opacity = _unit_range(colour), _unit_range(alpha)[..., None]
        colour = np.divide(colour, opacity, out=np.zeros_like(colour), where=opacity > 0)
    return _Raw(colour, alpha, tags.get(34675))  # 34675: the profile (ICC.1, annex B.4)


def _check_size(path: Path, width: int, height: int) -> None:
    """Refuse a picture that is too large, by its header alone."""
    if width * height > MAX_PIXELS:
        raise InputError(f"{path} has {width * height / 1e6:.0f} million pixels, more than the {MAX_PIXELS // 10**6} "
                         "million that are allowed; scale it down first.")


def _upright(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn (H, W, C) values so that the picture stands as its orientation flag, 1 to 8, says (Exif 2.32, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return values


def _to_srgb(values: np.ndarray, profile: bytes) -> np.ndarray:
    """Colours brought from the file's profile to sRGB, as 16-bit integers.

    A profile that is damaged or speaks of other channels is passed over, as image editors do: the picture is more
    useful with slightly wrong colours than not at all.
    """
    if values.dtype == np.float32:  # the colour engine's float path is forty times slower than its 16-bit one
        values = (np.clip(values, 0.0, 1.0) * 65535 + 0.5).astype(np.uint16)
    space = {1: "gray", 3: "rgb", 4: "cmyk"}[values.shape[2]]
    stored = values[..., 0] if space == "gray" else values
    try:
        return np.asarray(imagecodecs.cms_transform(
            np.ascontiguousarray(stored), profile, imagecodecs.cms_profile("srgb"), colorspace=space,
            outcolorspace="rgb", outdtype=np.uint16))
    except (imagecodecs.CmsError, ValueError, TypeError):
        return values


def _unit_range(values: np.ndarray) -> np.ndarray:
    """Stored values as float32 in [0, 1]."""
    if values.dtype.kind == "u":
        return values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)
    return np.clip(values, 0.0, 1.0).astype(np.float32)


def _read_beside(path: str | Path, shape: tuple[int, int]) -> _Raw:
    """A mask or label image as stored, without colour management, after a look at its size."""
    raw = _read(Path(path))
    height, width = raw.values.shape[:2]
    if (height, width) != tuple(shape):
        raise InputError(f"{path} is {width}×{height} pixels but the picture it belongs to is {shape[1]}×{shape[0]}; "
                         "make both the same size.")
    return raw


def _flat(labels: np.ndarray) -> np.ndarray:
    """Where all labels within `LABEL_REACH` are equal; beyond the border, the picture goes on as it ends."""
    flat = np.ones(labels.shape, bool)
    for axis in (0, 1):
        widened = np.pad(labels, [(LABEL_REACH, LABEL_REACH) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        run = np.lib.stride_tricks.sliding_window_view(widened, 2 * LABEL_REACH + 1, axis=axis)
        flat &= run.min(axis=-1) == run.max(axis=-1)
    return flat


def _write_png(path: Path, levels: np.ndarray) -> None:
    # Differences to the left neighbour and short runs: on a photograph 15 (8 bits) and 5 (16 bits) times as fast as the
    # defaults, at 0.8 s for 24 megapixels of 8 bits, and the files are 1 % smaller.
    path.write_bytes(imagecodecs.png_encode(levels, level=1, strategy=imagecodecs.PNG.STRATEGY.RLE,
                                            filter=imagecodecs.PNG.FILTER.SUB))


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
