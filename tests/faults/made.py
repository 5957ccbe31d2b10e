"""Files made by hand, because no library would write them."""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

EXIF_PLACE = b"\xed\xfe\xed\xfe"


def tiff(width: int, height: int, samples: int, *, bits: int = 16, sample_format: int = 1, photometric: int = 2,
         planar: int = 1, extra: Sequence[int] = (), strips: int | None = None, rows: int | None = None,
         data: bytes | None = None, tile: tuple[int, int] | None = None, exif: bool = False) -> bytes:
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
    tags = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * samples), 259: ("H", [8]),
            262: ("H", [photometric]), where: ("I", [8] * strips), 277: ("H", [samples]),
            lengths: ("I", [len(strip)] * strips), 284: ("H", [planar]), 339: ("H", [sample_format] * samples)}
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
        content = content[:place] + struct.pack("<4i", 0, 0, claims - 1, claims - 1) + content[place + 16:]
    return content
