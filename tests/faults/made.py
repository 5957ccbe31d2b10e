"""Files made by hand, because no library would write them."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

EXIF_PLACE = b"\xed\xfe\xed\xfe"


def tiff(
    width: int,
    height: int,
    samples: int,
    *,
    bits: int = 16,
    sample_format: int = 1,
    photometric: int = 2,
    planar: int = 1,
    extra: Sequence[int] = (),
    strips: int | None = None,
    rows: int | None = None,
    data: bytes | None = None,
    tile: tuple[int, int] | None = None,
    exif: bool = False,
) -> bytes:
    """A little-endian TIFF, compressed by Deflate; every strip is the same, and black where no `data` is given.

    With `exif` its pointer to a directory of Exif data is `EXIF_PLACE`.
    """
    rows = min(100, height) or 1 if rows is None else rows
    black = bytes(width * rows * (samples if planar == 1 else 1) * bits // 8)
    strip = zlib.compress(black, 9) if data is None else data
    strip += b"\0" * (len(strip) % 2)
    if strips is None:
        strips = -(-height // max(rows, 1)) * (1 if planar == 1 else samples)
    where, lengths = (324, 325) if tile else (273, 279)
    tags = {
        256: ("I", [width]),
        257: ("I", [height]),
        258: ("H", [bits] * samples),
        259: ("H", [8]),
        262: ("H", [photometric]),
        where: ("I", [8] * strips),
        277: ("H", [samples]),
        lengths: ("I", [len(strip)] * strips),
        284: ("H", [planar]),
        339: ("H", [sample_format] * samples),
    }
    if tile:
        tags |= {322: ("I", [tile[0]]), 323: ("I", [tile[1]])}
    else:
        tags[278] = ("I", [rows])
    if exif:
        tags[34665] = ("I", list(struct.unpack("<I", EXIF_PLACE)))
    if extra:
        tags[338] = ("H", list(extra))
    directory, beyond = struct.pack("<H", len(tags)), b""
    start = 8 + len(strip) + 2 + 12 * len(tags) + 4
    for code, (kind, values) in sorted(tags.items()):
        packed = struct.pack(f"<{len(values)}{kind}", *values)
        if len(packed) > 4:
            place = struct.pack("<I", start + len(beyond))
            beyond += packed + b"\0" * (len(packed) % 2)
        else:
            place = packed.ljust(4, b"\0")
        directory += struct.pack("<HHI", code, 3 if kind == "H" else 4, len(values)) + place
    return b"II*\0" + struct.pack("<I", 8 + len(strip)) + strip + directory + bytes(4) + beyond


def chunk(kind: bytes, content: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, whole: bool = True) -> bytes:
    """A black PNG; not whole, one whose data ends after its first rows."""
    row = bytes(1 + width * {0: 1, 2: 3, 4: 2, 6: 4}[colour] * depth // 8)
    packer = zlib.compressobj(9)
    data = b"".join([packer.compress(row) for _ in range(height if whole else 1)] + [packer.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def floats(samples: int, *, holding: float, at: int) -> bytes:
    """The strip of a TIFF of 30 by 30 pixels of single precision, all ½ but for one value of sample `at`."""
    values = np.full((30, 30, samples), 0.5, "<f4")
    values[3, 3, at] = holding
    return zlib.compress(values.tobytes())


def exr(pixels: np.ndarray, *, claims: int = 0, more: int = 0) -> bytes:
    """An OpenEXR of pixels (H, W, 3), whose header claims another side, or which has so many channels more."""
    library = pytest.importorskip("OpenEXR")
    extra = {f"extra{number}": pixels[..., 0] for number in range(more)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.exr"
        library.File({"type": library.scanlineimage}, {"RGB": pixels, **extra}).write(str(path))
        content = path.read_bytes()
    if claims:
        window = b"dataWindow\0box2i\0" + struct.pack("<i", 16)
        place = content.index(window) + len(window)
        content = content[:place] + struct.pack("<4i", 0, 0, claims - 1, claims - 1) + content[place + 16 :]
    return content


def box(kind: bytes, *content: bytes, claims: int | None = None) -> bytes:
    """A box of ISO's base format (ISO/IEC 14496-12), which may claim another length."""
    whole = b"".join(content)
    return struct.pack(">I4s", 8 + len(whole) if claims is None else claims, kind) + whole


def full(kind: bytes, *content: bytes, version: int = 0, flags: int = 0) -> bytes:
    """A box with a version."""
    return box(kind, struct.pack(">I", version << 24 | flags), *content)


def heif_tile(kind: str, side: int) -> tuple[bytes, bytes]:
    """A black square as its encoder codes it: the box of its configuration, and the coded picture."""
    picture, file = PIL.Image.new("RGB", (side, side)), io.BytesIO()
    if kind == "HEIC":
        pytest.importorskip("pillow_heif").from_pillow(picture).save(file, quality=50)
    else:
        picture.save(file, "AVIF", quality=50)
    content = file.getvalue()
    start = content.index(b"hvcC" if kind == "HEIC" else b"av1C") - 4
    coded = content.index(b"mdat") + 4
    return content[start : start + int.from_bytes(content[start : start + 4], "big")], content[coded:]


def heif(
    kind: str,
    side: int,
    *,
    claims: tuple[int, int] | None = None,
    tiles: tuple[int, int] | None = None,
    canvas: tuple[int, int] | None = None,
    again: bool = False,
    properties: int = 0,
    more: bytes = b"",
) -> bytes:
    """A HEIC or AVIF by hand, whose tiles are all the same black square.

    Parameters
    ----------
    kind : {"HEIC", "AVIF"}
    side : int
        Of the square.
    claims : (int, int), optional
        Width and height that the picture claims, in place of what it has.
    tiles : (int, int), optional
        Columns and rows of squares that make the picture, up to 256 each.
    canvas : (int, int), optional
        Width and height that this grid claims in place of what its tiles give.
    again : bool
        Whether each tile is the grid itself.
    properties : int
        So many more that nobody asks for.
    more : bytes
        Further boxes beside those that tell of the picture.
    """
    configuration, coded = heif_tile(kind, side)
    columns, rows = tiles or (1, 1)
    canvas = canvas or (side * columns, side * rows)
    code, brand = (b"hvc1", b"heic") if kind == "HEIC" else (b"av01", b"avif")
    count = columns * rows if tiles else 0
    grid = struct.pack(">BBBBII", 0, 1, rows - 1 & 255, columns - 1 & 255, *canvas)
    names = [b"grid" if tiles else code, *[code] * count]
    infos = b"".join(
        full(b"infe", struct.pack(">IH4sB", number, 0, name, 0), version=3, flags=int(number > 1))
        for number, name in enumerate(names, 1)
    )
    sizes = [full(b"ispe", struct.pack(">II", *size)) for size in (claims or canvas, (side, side))]
    held = box(
        b"iprp",
        box(b"ipco", *sizes, configuration, *[box(b"free")] * properties),
        full(
            b"ipma",
            struct.pack(">I", len(names)),
            *(
                struct.pack(">IBBB", number, 2, 1 if number == 1 else 2, 0x80 | 3)
                for number in range(1, len(names) + 1)
            ),
            version=1,
        ),
    )
    parts = [1] * count if again else range(2, len(names) + 1)
    tied = box(b"dimg", struct.pack(f">IH{count}I", 1, count & 0xFFFF, *parts))
    links = full(b"iref", tied, version=1) if tiles else b""

    def meta(place: int) -> bytes:
        where = b"".join(
            struct.pack(
                ">IHHHII",
                number,
                1 if name == b"grid" else 0,
                0,
                1,
                0 if name == b"grid" else place,
                len(grid if name == b"grid" else coded),
            )
            for number, name in enumerate(names, 1)
        )
        return full(
            b"meta",
            full(b"hdlr", struct.pack(">I4s", 0, b"pict"), bytes(13)),
            full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", struct.pack(">HI", 0x4400, len(names)), where, version=2),
            full(b"iinf", struct.pack(">I", len(names)), infos, version=1),
            held,
            links,
            box(b"idat", grid),
            more,
        )

    start = box(b"ftyp", brand, bytes(4), brand, b"mif1", b"miaf")
    place = len(start) + len(meta(0)) + 8
    return start + meta(place) + box(b"mdat", coded)
