"""Files of every mode, depth, opacity and animation of every format that is read, by the formats' own encoders."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from tests.faults.made import chunk

HEIGHT, WIDTH, PATCH = 48, 64, 16
NAMES = {1: "grey", 2: "grey, alpha", 3: "RGB", 4: "RGB, alpha"}
SEVERAL = ("picture-several",)
HALF = 0.5 / 255
"""What rounding to 8 bits may do."""


@dataclass(frozen=True)
class Case:
    """A file, and what is to come of it.

    Attributes
    ----------
    make : callable
        Gives its bytes.
    colours : ndarray
        (H, W, 1 or 3) from 0 to 1.
    alpha : ndarray or None
        (H, W) from 0 to 1.
    depth : int
    near : float
        How far from these the pixels may be.
    said : tuple of str
        The codes of what is said.
    needs : str
        A package beside the program.
    """

    make: Callable[[], bytes]
    colours: np.ndarray
    alpha: np.ndarray | None
    depth: int
    near: float = 1e-6
    said: tuple[str, ...] = ()
    needs: str = ""


Cases = Iterator[tuple[str, Case]]


def pattern(channels: int, bits: int = 0, dtype: Any = None) -> np.ndarray:
    """Patches (H, W, C) of random values, black, white and pure ones among them; floats from 0 to 1 for no bits."""
    patches = np.random.default_rng(channels).random((HEIGHT // PATCH, WIDTH // PATCH, channels))
    patches[0, 0], patches[-1, -1], patches[0, 1] = 0, 1, [1, *[0] * (channels - 1)]
    values = np.kron(patches, np.ones((PATCH, PATCH, 1)))
    if bits:
        return np.rint(values * (2**bits - 1)).astype(dtype or (np.uint8 if bits <= 8 else np.uint16))
    return values.astype(dtype or np.float32)


def case(make: Callable[[], bytes], values: np.ndarray, top: float, depth: int, **more: Any) -> Case:
    """One whose picture is grey or RGB, with opacity if the channels are even."""
    colours = values[..., : values.shape[2] - 1 + values.shape[2] % 2] / top
    return Case(make, colours, values[..., -1] / top if values.shape[2] in (2, 4) else None, depth, **more)


def encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light as sRGB has it (IEC 61966-2-1)."""
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055)


def plain(values: np.ndarray) -> np.ndarray:
    """Without an axis of one channel, as encoders want grey."""
    return np.ascontiguousarray(values[..., 0] if values.shape[-1] == 1 else values)


def pillow(image: np.ndarray | PIL.Image.Image, kind: str, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        (PIL.Image.fromarray(plain(image)) if isinstance(image, np.ndarray) else image).save(file, kind, **options)
        return file.getvalue()

    return make


def by(encoder: Callable[..., Any], values: np.ndarray, **options: Any) -> Callable[[], bytes]:
    return lambda: bytes(encoder(plain(values), **options))


def packed(values: np.ndarray, bits: int) -> np.ndarray:
    """Numbers (H, W) of few bits, several in a byte."""
    return np.packbits(np.unpackbits(values[..., None], axis=2)[..., -bits:].reshape(HEIGHT, -1), axis=1)


# --- the formats --------------------------------------------------------------------------------------------------


def pngs() -> Cases:
    for channels, name in NAMES.items():
        for bits in (8, 16):
            values = pattern(channels, bits)
            yield f"{name}, {bits}", case(by(imagecodecs.png_encode, values), values, 2**bits - 1, bits)
    for bits in (1, 2, 4, 8):
        values = pattern(1, bits)
        rng = np.random.default_rng(bits)
        palette, seen = rng.integers(0, 256, (2**bits, 3), np.uint8), rng.integers(0, 256, 2**bits, np.uint8)
        rows, colours = packed(values[..., 0], bits), palette[values[..., 0]]
        chunks = {"PLTE": palette.tobytes(), "tRNS": seen.tobytes()}
        yield f"grey of {bits}", case(png(bits, 0, rows), values, 2**bits - 1, 8)
        yield f"palette of {bits}", case(png(bits, 3, rows, PLTE=chunks["PLTE"]), colours, 255, 8)
        both = np.dstack([colours, seen[values[..., 0]]])
        yield f"palette of {bits}, alpha", case(png(bits, 3, rows, **chunks), both, 255, 8)
    values = pattern(3, 8)
    key = tuple(int(number) for number in values[0, 0])
    both = np.dstack([values, np.where((values == key).all(2), 0, 255)])
    yield "a transparent colour", case(pillow(values, "PNG", transparency=key), both, 255, 8)
    more = [PIL.Image.fromarray(255 - values)]
    yield "animated", case(pillow(values, "PNG", save_all=True, append_images=more), values, 255, 8, said=SEVERAL)


def png(depth: int, colour: int, rows: np.ndarray, **chunks: bytes) -> Callable[[], bytes]:
    """A PNG from packed rows, whose encoder would choose another form."""
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, depth, colour, 0, 0, 0)
    parts = [
        (b"IHDR", header),
        *((kind.encode(), content) for kind, content in chunks.items()),
        (b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))),
        (b"IEND", b""),
    ]
    return lambda: b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, content) for kind, content in parts)


def jpegs() -> Cases:
    for progressive in (False, True):
        for channels in (1, 3):
            values = pattern(channels, 8)
            make = pillow(values, "JPEG", quality=100, subsampling=0, progressive=progressive)
            yield f"{NAMES[channels]}, progressive {progressive}", case(make, values, 255, 8, near=3 / 255)
        inks = pattern(4, 8)
        make = pillow(PIL.Image.fromarray(inks, "CMYK"), "JPEG", quality=100, progressive=progressive)
        yield f"CMYK, progressive {progressive}", Case(make, of_inks(inks / 255), None, 8, near=4 / 255)


def of_inks(inks: np.ndarray) -> np.ndarray:
    """CMYK without a profile, from 0 (none) to 1, by the plain complement."""
    return (1 - inks[..., :3]) * (1 - inks[..., 3:])


def gifs_and_webps() -> Cases:
    palette, index = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8), pattern(1, 8)[..., 0]
    image = PIL.Image.fromarray(index)
    image.putpalette(palette.tobytes())
    colours, seen = palette[index], np.where(index == 255, 0, 255)
    yield "GIF", case(pillow(image, "GIF"), colours, 255, 8)
    yield "GIF, grey", case(pillow(index[..., None], "GIF"), index[..., None], 255, 8)
    yield "GIF, a transparent colour", case(pillow(image, "GIF", transparency=255), np.dstack([colours, seen]), 255, 8)
    yield (
        "GIF, animated",
        case(pillow(image, "GIF", save_all=True, append_images=[image.rotate(180)]), colours, 255, 8, said=SEVERAL),
    )
    for channels in (3, 4):
        values = pattern(channels, 8)
        yield f"WebP, {NAMES[channels]}", case(pillow(values, "WEBP", lossless=True), values, 255, 8)
        options = {"save_all": True, "append_images": [PIL.Image.fromarray(255 - values)], "lossless": True}
        make = pillow(values, "WEBP", **options)
        yield f"WebP, {NAMES[channels]}, animated", case(make, values, 255, 8, said=SEVERAL)
    yield "WebP, lossy", case(pillow(pattern(3, 8), "WEBP", quality=100), pattern(3, 8), 255, 8, near=5 / 255)


def bmps_and_ppms() -> Cases:
    grey, colours, both = pattern(1, 8), pattern(3, 8), pattern(4, 8)
    black = PIL.Image.fromarray(grey[..., 0]).convert("1", dither=PIL.Image.Dither.NONE)
    white = np.asarray(black)[..., None]
    for kind in ("BMP", "PPM"):
        yield f"{kind}, 1", case(pillow(black, kind), white, 1, 8)
        yield f"{kind}, grey", case(pillow(grey, kind), grey, 255, 8)
        yield f"{kind}, RGB", case(pillow(colours, kind), colours, 255, 8)
    yield "BMP, palette", case(pillow(PIL.Image.fromarray(colours).quantize(64), "BMP"), colours, 255, 8)
    yield "BMP, alpha", case(bmp(both), both, 255, 8)
    deep = pattern(1, 16)
    yield "PPM, grey of 16", case(pillow(PIL.Image.fromarray(deep[..., 0]), "PPM"), deep, 65535, 16)
    deep = pattern(3, 16)
    head = f"P6 {WIDTH} {HEIGHT} 65535 ".encode()
    yield "PPM, RGB of 16", case(lambda: head + deep.astype(">u2").tobytes(), deep, 65535, 8, near=HALF)
    words = " ".join(map(str, colours.ravel()))
    yield "PPM, RGB in words", case(lambda: f"P3 {WIDTH} {HEIGHT} 255 {words}".encode(), colours, 255, 8)


def bmp(values: np.ndarray) -> Callable[[], bytes]:
    """A BMP of version 4, the first that knows opacity."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    sizes = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT, 1, 32, 3, values.size, 0, 0, 0, 0)
    head = sizes + masks + b"BGRs" + bytes(48)
    pixels = values[::-1, :, [2, 1, 0, 3]].tobytes()
    return lambda: b"BM" + struct.pack("<IHHI", 14 + len(head) + len(pixels), 0, 0, 14 + len(head)) + head + pixels


def psds() -> Cases:
    """The picture that Photoshop keeps of all layers; no library writes one."""
    for mode, channels, name in ((1, 1, "grey"), (3, 3, "RGB"), (4, 4, "CMYK")):
        values = pattern(channels, 8)
        head = b"8BPS" + struct.pack(">H6xHIIHH", 1, channels, HEIGHT, WIDTH, 8, mode) + bytes(12) + b"\0\0"
        content = head + np.moveaxis(values, 2, 0).tobytes()
        if mode == 4:
            yield name, Case(lambda content=content: content, of_inks(1 - values / 255), None, 8)
        else:
            yield name, case(lambda content=content: content, values, 255, 8)


def tiffs() -> Cases:
    kinds: dict[str, Any] = {"minisblack": 1, "miniswhite": 1, "rgb": 3, "separated": 4}
    types = {
        np.uint8: 8,
        np.uint16: 16,
        np.uint32: 32,
        np.int8: 7,
        np.int16: 15,
        np.float16: 0,
        np.float32: 0,
        np.float64: 0,
    }
    for kind, channels in kinds.items():
        for dtype, bits in types.items():
            for alpha in ((), ("unassalpha",)):
                values = pattern(channels + len(alpha), bits, dtype)
                make = tiff(values, photometric=kind, extrasamples=alpha or None)
                depth = 8 if bits in (7, 8) else 16
                yield (
                    f"{kind}, {np.dtype(dtype)}, {' '.join(alpha)}",
                    of_tiff(make, kind, values / (2**bits - 1 or 1), channels, depth),
                )
        for bits in (2, 4, 6, 10, 12, 14):
            values = pattern(channels, bits)
            make = tiff(values, photometric=kind, bitspersample=bits)
            yield f"{kind}, packed {bits}", of_tiff(make, kind, values / (2**bits - 1), channels, 8 if bits < 8 else 16)
    for planar in ("contig", "separate"):
        for bits in (8, 16):
            values = pattern(3, bits)
            data = values if planar == "contig" else np.moveaxis(values, 2, 0)
            for tile in (None, (16, 32)):
                for more in ({}, {"bigtiff": True}, {"byteorder": ">"}):
                    make = tiff(data, photometric="rgb", planarconfig=planar, tile=tile, **more)
                    yield f"{planar}, {bits}, {tile}, {more}", case(make, values, 2**bits - 1, bits)
    for bits in (8, 16):
        values = pattern(3, bits)
        for name in ("lzw", "packbits", "zlib", "zstd", "lzma", "jpeg2000", "png", "jpegxl", "lerc"):
            make = tiff(values, photometric="rgb", compression=name)
            yield f"{name}, {bits}", case(make, values, 2**bits - 1, bits)
    eight = pattern(3, 8)
    make = tiff(eight, photometric="rgb", compression="webp", compressionargs={"lossless": True})
    yield "webp", case(make, eight, 255, 8)
    make = tiff(eight, photometric="rgb", compression="jpeg", compressionargs={"level": 100})
    yield "jpeg", case(make, eight, 255, 8, near=3 / 255)
    twelve = pattern(3, 12)
    options = {"compression": "jpeg", "bitspersample": 12, "compressionargs": {"level": 100, "bitspersample": 12}}
    yield "jpeg of 12", case(tiff(twelve, photometric="rgb", **options), twelve, 4095, 16, near=3 / 255)
    ink = pattern(1, 1)
    yield (
        "fax",
        case(pillow(PIL.Image.fromarray(ink[..., 0] * 255).convert("1"), "TIFF", compression="group4"), ink, 1, 8),
    )
    palette, index = np.random.default_rng(0).integers(0, 256, (3, 256), np.uint8), pattern(1, 8)[..., 0]
    make = tiff(index, photometric="palette", colormap=palette.astype(np.uint16) * 257)
    yield "palette", case(make, palette.T[index], 255, 8)
    pages = np.stack([eight, 255 - eight])
    yield "pages", case(tiff(pages, photometric="rgb"), eight, 255, 8, said=SEVERAL)
    yield "pages of 16", case(tiff(pages.astype(np.uint16) * 257, photometric="rgb"), eight, 255, 16, said=SEVERAL)
    yield from labs()


def tiff(values: np.ndarray, **options: Any) -> Callable[[], bytes]:
    def make() -> bytes:
        file = io.BytesIO()
        tifffile.imwrite(file, plain(values), metadata=None, **options)
        return file.getvalue()

    return make


def of_tiff(make: Callable[[], bytes], kind: str, shares: np.ndarray, channels: int, depth: int) -> Case:
    colours = shares[..., :channels].astype(np.float64)
    colours = {"separated": of_inks, "miniswhite": lambda values: 1 - values}.get(kind, lambda same: same)(colours)
    alpha = shares[..., channels] if shares.shape[2] > channels else None
    return Case(make, colours, alpha, depth, near=1e-6)


LABS = {
    (100.0, 0.0, 0.0): (1, 1, 1),
    (0.0, 0.0, 0.0): (0, 0, 0),
    (50.0, 0.0, 0.0): (0.4663, 0.4663, 0.4663),
    (54.29, 80.81, 69.89): (1, 0, 0),
    (87.82, -79.29, 80.99): (0, 1, 0),
    (29.57, 68.30, -112.03): (0, 0, 1),
}
"""CIE L*a*b* under D50 of sRGB's own colours, as they are published."""


def labs() -> Cases:
    """L* and the others by TIFF 6.0 and by ICC.1; the second is wider than what telephones can show."""
    lab, colours = (
        np.repeat(np.array(list(part)), PATCH, 0)[None] * np.ones((HEIGHT, 1, 1)) for part in (LABS, LABS.values())
    )
    light, others = lab[..., :1], lab[..., 1:]
    stored = {
        ("cielab", 8): (light * 2.55, others % 256),
        ("icclab", 8): (light * 2.55, others + 128),
        ("cielab", 16): (light * 655.35, others * 256 % 65536),
        ("icclab", 16): (light * 652.8, others * 256 + 32768),
    }
    for (kind, bits), parts in stored.items():
        values = np.rint(np.concatenate(parts, 2)).astype(np.uint8 if bits == 8 else np.uint16)
        near = 0.06 if bits == 8 else 2e-3
        yield f"{kind}, {bits}", Case(tiff(values, photometric=kind), colours, None, bits, near)


def jpeg2000s() -> Cases:
    for channels, name in NAMES.items():
        for bits in (8, 10, 12, 16):
            for form in ("jp2", "j2k"):
                values = pattern(channels, bits)
                make = by(
                    imagecodecs.jpeg2k_encode, values, level=0, reversible=True, bitspersample=bits, codecformat=form
                )
                yield f"{name}, {bits}, {form}", case(make, values, 2**bits - 1, 8 if bits == 8 else 16)


def avifs() -> Cases:
    for channels, name in NAMES.items():
        for bits in (8, 10, 12):
            values = pattern(channels, bits)
            make = by(imagecodecs.avif_encode, values, level=100, bitspersample=bits)
            yield f"{name}, {bits}", case(make, values, 2**bits - 1, 8 if bits == 8 else 16, near=1.01 / 255)
    values = pattern(3, 8)
    options = {
        "save_all": True,
        "append_images": [PIL.Image.fromarray(255 - values)],
        "quality": 100,
        "subsampling": "4:4:4",
    }
    yield "animated", case(pillow(values, "AVIF", **options), values, 255, 8, said=SEVERAL, near=0.05)


def heics() -> Cases:
    lossy: dict[str, Any] = {"near": 2 / 255, "needs": "pillow_heif"}
    for channels, name in NAMES.items():
        for bits in (8, 10, 12):
            values = pattern(channels, bits)
            yield f"{name}, {bits}", case(heic([values], bits), values, 2**bits - 1, 8 if bits == 8 else 16, **lossy)
    values = pattern(3, 8)
    yield "several", case(heic([values, 255 - values], 8), values, 255, 8, said=SEVERAL, **lossy)


def heic(pictures: list[np.ndarray], bits: int) -> Callable[[], bytes]:
    def make() -> bytes:
        import pillow_heif

        mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[pictures[0].shape[2]] + (";16" if bits > 8 else "")
        file, whole = io.BytesIO(), pillow_heif.HeifFile()
        for values in pictures:
            whole.add_frombytes(mode, (WIDTH, HEIGHT), (values << (16 - bits if bits > 8 else 0)).tobytes())
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", bits == 12)
            whole.save(file, quality=-1, chroma=444)
        return file.getvalue()

    return make


def jpegxls() -> Cases:
    """The library that encodes calls deeper values than 8 bits linear light."""
    for channels, name in NAMES.items():
        for bits in (1, 4, 8, 10, 12, 16, 0):
            for dtype in (np.float16, np.float32) if bits == 0 else (None,):
                values = pattern(channels, bits, dtype)
                shares = values / (2**bits - 1 or 1)
                if bits in (0, 10, 12, 16):
                    colours = channels - 1 + channels % 2
                    shares = np.dstack([encoded(shares[..., :colours].astype(np.float64)), shares[..., colours:]])
                options = {"bitspersample": bits} if bits else {}
                make = by(imagecodecs.jpegxl_encode, values, lossless=True, **options)
                yield (
                    f"{name}, {bits or np.dtype(dtype)}",
                    case(make, shares, 1, 8 if 0 < bits <= 8 else 16, near=2e-3, needs="pillow_jxl"),
                )
        values = pattern(channels, 8)
        frames = np.stack([values, 255 - values, values])
        make = by(imagecodecs.jpegxl_encode, frames, lossless=True, photometric="gray" if channels < 3 else "rgb")
        yield f"{name}, animated", case(make, values, 255, 8, near=2e-3, said=SEVERAL, needs="pillow_jxl")


def exrs() -> Cases:
    """Linear light, multiplied by its opacity."""
    for channels in (1, 3, 4):
        for dtype, depth in ((np.float16, 16), (np.float32, 32)):
            values = pattern(channels, 0, dtype).astype(np.float64)
            values[..., 3:] = np.maximum(values[..., 3:], 0.25)  # halves of tiny numbers are coarse
            stored = values.copy()
            stored[..., :3] *= values[..., 3:] if channels == 4 else 1
            wanted = np.dstack([encoded(values[..., :3]), values[..., 3:]])
            yield (
                f"{NAMES[channels]}, {np.dtype(dtype)}",
                case(exr(stored.astype(dtype)), wanted, 1, depth, near=2e-3, needs="OpenEXR"),
            )


def exr(values: np.ndarray) -> Callable[[], bytes]:
    def make() -> bytes:
        import OpenEXR

        named = {{1: "Y", 3: "RGB", 4: "RGBA"}[values.shape[2]]: plain(values)}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "a.exr"
            OpenEXR.File({"type": OpenEXR.scanlineimage}, named).write(str(path))
            return path.read_bytes()

    return make


FORMATS: dict[str, Callable[[], Cases]] = {
    "PNG": pngs,
    "JPEG": jpegs,
    "GIF and WebP": gifs_and_webps,
    "BMP and PPM": bmps_and_ppms,
    "PSD": psds,
    "TIFF": tiffs,
    "JPEG 2000": jpeg2000s,
    "AVIF": avifs,
    "HEIC": heics,
    "JPEG XL": jpegxls,
    "OpenEXR": exrs,
}

CASES = {f"{kind}: {name}": one for kind, cases in FORMATS.items() for name, one in cases()}
