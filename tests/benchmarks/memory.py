"""What pictures take of memory while they are read, beside what their headers are said to promise.

    python -m tests.benchmarks.memory [--side 4000]

A process of its own for each: the peak of its memory over what it had before, in bytes of a pixel. Linux alone.
What is let go is given back to the system at once there, as it is anyway where a picture takes more than 32 MB.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import tifffile

CHILD = """
import json, sys
from pathlib import Path
from decouple_core.pictures import decoding, exr_files, heif_files, jpegxl_files, memory, pillow_files, tiff_files
from decouple_core.pictures.reading import read_image

promised = []
check = memory.check_size


def checked(*args, **kwargs):
    promised.append(check(*args, **kwargs))
    return promised[-1]


for module in (decoding, exr_files, heif_files, jpegxl_files, pillow_files, tiff_files):
    module.check_size = checked


def now(what):
    return next(1024 * int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(what))


read_image(sys.argv[1])  # libraries and threads
for path in sys.argv[2:]:
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    promised.clear()
    before = now("VmRSS:")
    image = read_image(path)
    area = image.pixels.shape[0] * image.pixels.shape[1]
    peak = now("VmHWM:") - before
    print(json.dumps([max(promised, default=0) / area, peak / area]), flush=True)
    del image
"""

Pixels = np.ndarray
Encode = Callable[[Path, Pixels], object]


def _pillow(mode: str, kind: str, **options: Any) -> Encode:
    def encode(path: Path, pixels: Pixels) -> None:
        image = PIL.Image.fromarray(pixels)
        (image if image.mode == mode else image.convert(mode)).save(path, kind, **options)

    return encode


def _tiff(**options: Any) -> Encode:
    return lambda path, pixels: tifffile.imwrite(path, pixels, metadata=None, **options)


def _png16(path: Path, pixels: Pixels) -> None:
    path.write_bytes(imagecodecs.png_encode(pixels, level=1))


PROFILE = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()

KINDS: dict[str, tuple[int, str, Encode]] = {
    "PNG 8 L": (1, "u1", _pillow("L", "PNG", compress_level=1)),
    "PNG 8 LA": (3, "u1", _pillow("LA", "PNG", compress_level=1)),
    "PNG 8 P": (3, "u1", _pillow("P", "PNG", compress_level=1)),
    "PNG 8 RGB": (3, "u1", _pillow("RGB", "PNG", compress_level=1)),
    "PNG 8 RGB, profile": (3, "u1", _pillow("RGB", "PNG", compress_level=1, icc_profile=PROFILE)),
    "PNG 8 RGBA": (4, "u1", _pillow("RGBA", "PNG", compress_level=1)),
    "PNG 16 L": (1, "u2", _png16),
    "PNG 16 LA": (2, "u2", _png16),
    "PNG 16 RGB": (3, "u2", _png16),
    "PNG 16 RGBA": (4, "u2", _png16),
    "JPEG L": (1, "u1", _pillow("L", "JPEG")),
    "JPEG RGB": (3, "u1", _pillow("RGB", "JPEG")),
    "JPEG RGB, progressive": (3, "u1", _pillow("RGB", "JPEG", progressive=True)),
    "JPEG RGB, profile": (3, "u1", _pillow("RGB", "JPEG", icc_profile=PROFILE)),
    "JPEG CMYK": (3, "u1", _pillow("CMYK", "JPEG")),
    "WebP RGB": (3, "u1", _pillow("RGB", "WEBP", method=0)),
    "WebP RGBA": (4, "u1", _pillow("RGBA", "WEBP", method=0)),
    "BMP RGB": (3, "u1", _pillow("RGB", "BMP")),
    "GIF P": (3, "u1", _pillow("P", "GIF")),
    "TIFF 8 RGB": (3, "u1", _pillow("RGB", "TIFF")),
    "TIFF 8 RGBA": (4, "u1", _pillow("RGBA", "TIFF")),
    "TIFF 16 L": (1, "u2", _tiff(photometric="minisblack")),
    "TIFF 16 RGB": (3, "u2", _tiff(photometric="rgb")),
    "TIFF 16 RGBA": (4, "u2", _tiff(photometric="rgb", extrasamples=["unassalpha"])),
    "TIFF 32 RGB": (3, "f4", _tiff(photometric="rgb")),
}
"""Name: channels, type of number, and what writes it."""


def written(folder: Path, name: str, side: int) -> Path:
    """A picture of this kind, smooth."""
    channels, kind, encode = KINDS[name]
    ramp = np.linspace(0.1, 0.9, side, dtype=np.float32)
    values = np.empty((side, side, channels), np.float32)
    for channel in range(channels):
        values[..., channel] = ramp[:, None] * (1 - channel / 8) + ramp * channel / 8
    levels = values if kind == "f4" else (values * np.iinfo(kind).max).astype(kind)
    path = folder / (name.replace(" ", "_").replace(",", "") + ".picture")
    encode(path, levels[..., 0] if channels == 1 else levels)
    return path


def measured(names: Iterable[str], side: int) -> dict[str, tuple[float, float]]:
    """Bytes of a pixel of each kind: promised, and taken at the peak."""
    names = list(names)
    with tempfile.TemporaryDirectory() as folder:
        small = written(Path(folder), "PNG 8 RGB", 64).rename(Path(folder) / "small")
        paths = [written(Path(folder), name, side) for name in names]
        told = subprocess.run(
            [sys.executable, "-c", CHILD, small, *paths],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_MMAP_THRESHOLD_": "1000000"},
        )
    if told.returncode:
        raise RuntimeError(told.stderr)
    return dict(zip(names, (tuple(json.loads(line)) for line in io.StringIO(told.stdout)), strict=True))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--side", type=int, default=4000)
    side = parser.parse_args().side
    print("| | promised, bytes a pixel | taken | of it |\n| --- | --- | --- | --- |")
    for name in KINDS:
        ((promised, taken),) = measured([name], side).values()
        print(f"| {name} | {promised:.0f} | {taken:.1f} | {100 * taken / promised - 100:+.0f} % |", flush=True)


if __name__ == "__main__":
    main()
