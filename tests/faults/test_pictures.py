"""Pictures that are made to do harm: a right picture or a sentence, in little memory, and nothing is printed."""

from __future__ import annotations

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from decouple_contract.errors import InputError, OutOfMemoryError
from decouple_core.pictures import decoding_apart, memory
from decouple_core.pictures.originals import take
from decouple_core.pictures.reading import read_image
from tests.faults.made import EXIF_PLACE, box, chunk, exr, floats, heif, png, tiff

REPOSITORY = Path(__file__).resolve().parents[2]

READ = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
from decouple_contract.remarks import heard
from decouple_core.pictures.reading import read_image
try:
    with heard(lambda message: None):
        said = str(read_image(sys.argv[2]).pixels.shape)
except Exception as error:
    said = f"{type(error).__name__}: {error}"
here = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([said, max(here, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024]))
"""

MOST_MEBIBYTES = 300
"""Of the whole process, NumPy and the decoders included."""


def read_apart(path: Path) -> tuple[str, float]:
    """What reading gives or says, and the most memory that the process had, in MiB; it must print nothing."""
    answer = subprocess.run(
        [sys.executable, "-c", READ, str(REPOSITORY), str(path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (answer.returncode, answer.stderr) == (0, "")
    said, most = json.loads(answer.stdout)
    return said, most


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


BOMBS = {
    "200 samples": lambda: tiff(3000, 3000, 200, bits=32, sample_format=3, photometric=1),
    "200 samples as colours": lambda: tiff(3000, 3000, 200, bits=32, sample_format=3),
    "200 planes": lambda: tiff(3000, 3000, 200, bits=32, sample_format=3, planar=2),
    "200 small samples": lambda: tiff(3000, 3000, 200, bits=8),
    "a tile of the largest size": lambda: tiff(30, 30, 3, tile=(2**31, 2**31), strips=1),
    "25 million strips": lambda: tiff(30, 30, 3, strips=25_000_000, data=b"data"),
    "25 million strips of 8 bits": lambda: tiff(30, 30, 3, bits=8, strips=25_000_000, data=b"data"),
    "a strip that swells": lambda: tiff(30, 30, 3, data=zlib.compress(bytes(10**9), 1)),
    "17300² in grey": lambda: png(17_300, 17_300),
    "17300² in deep colour": lambda: png(17_300, 17_300, depth=16, colour=2, whole=False),
    "a JPEG XL of 2³⁰ pixels a side": lambda: b"\xff\x0a" + (0b11 << 1 | (2**30 - 1) << 3).to_bytes(12, "little"),
    "an OpenEXR of 40 000 pixels a side": lambda: exr(np.zeros((3, 3, 3), np.float16), claims=40_000),
    "an OpenEXR of 300 channels": lambda: exr(np.zeros((3, 3, 3), np.float16), claims=3000, more=300),
    "notes of 60 million numbers that swells": lambda: noted(60_000_000),
    "a profile that swells": lambda: swelling(b"iCCP", b"profile\0\0"),
    "a text that swells": lambda: swelling(b"zTXt", b"text\0\0"),
    "a HEIC of 2³¹ pixels a side": lambda: heif("HEIC", 64, claims=(2**31 - 1, 2**31 - 1)),
    "a HEIC of 17 300 pixels a side": lambda: heif("HEIC", 64, claims=(17_300, 17_300)),
    "a HEIC of another size than it says": lambda: heif("HEIC", 1024, claims=(16, 16)),
    "a HEIC of 256 by 256 tiles": lambda: heif("HEIC", 64, tiles=(256, 256)),
    "a HEIC of tiles that are large": lambda: heif("HEIC", 512, tiles=(32, 32)),
    "a HEIC whose tiles are itself": lambda: heif("HEIC", 64, tiles=(4, 4), again=True),
    "a HEIC of a million properties": lambda: heif("HEIC", 64, properties=1_000_000),
    "a HEIC with boxes in boxes": lambda: heif("HEIC", 64, more=nested(5000)),
    "an AVIF of 2³¹ pixels a side": lambda: heif("AVIF", 64, claims=(2**31 - 1, 2**31 - 1)),
    "an AVIF of 256 by 256 tiles": lambda: heif("AVIF", 64, tiles=(256, 256)),
    "an AVIF of tiles that are large": lambda: heif("AVIF", 2048, tiles=(8, 8)),
    "an AVIF of tiles on a small canvas": lambda: heif("AVIF", 2048, tiles=(20, 20), canvas=(64, 64)),
    "an AVIF whose tiles are itself": lambda: heif("AVIF", 64, tiles=(4, 4), again=True),
    "an AVIF with boxes in boxes": lambda: heif("AVIF", 64, more=nested(5000)),
    "an AVIF of 2³¹ frames": lambda: film(b"stsz", 8),
    "an AVIF of 2³¹ chunks": lambda: film(b"stco", 4),
}


def nested(depth: int) -> bytes:
    """Boxes in boxes."""
    inner = b""
    for _ in range(depth):
        inner = box(b"iprp", inner)
    return inner


def film(kind: bytes, place: int) -> bytes:
    """An animated AVIF, one of whose tables is told to be endless."""
    file = io.BytesIO()
    frames = [PIL.Image.new("RGB", (64, 64), (red, 0, 0)) for red in (0, 99, 200)]
    frames[0].save(file, "AVIF", save_all=True, append_images=frames[1:])
    content = bytearray(file.getvalue())
    start = content.index(kind) + 4 + place
    content[start : start + 4] = struct.pack(">I", 2**31 - 1)
    return bytes(content)


def noted(count: int) -> bytes:
    """A deep TIFF whose Exif directory has one tag of so many numbers, which Python would make into a list."""
    whole = tiff(30, 30, 3, exif=True)
    place = len(whole)
    directory = struct.pack("<HHHIIHI", 1, 34855, 3, count, place + 18, 0, 0)
    return whole.replace(EXIF_PLACE, struct.pack("<I", place)) + directory + bytes(2 * count)


def swelling(kind: bytes, start: bytes) -> bytes:
    """A PNG with a chunk that is 1 GB once decompressed."""
    whole = png(30, 30, depth=16, colour=2)
    return whole[:33] + chunk(kind, start + zlib.compress(bytes(10**9), 1)) + whole[33:]


@pytest.mark.parametrize("kind", ["HEIC", "AVIF"])
def test_a_photograph_of_tiles(tmp_path: Path, kind: str) -> None:
    """As telephones write it; by hand as the bombs are, which shows that these fail for what is wrong with them."""
    path = written(tmp_path / "a", heif(kind, 64, tiles=(4, 3), canvas=(250, 190)))
    pixels = read_image(path).pixels
    assert pixels.shape == (190, 250, 3)
    assert pixels.max() < 0.02


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in other units elsewhere")
@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_or_read_in_little_memory(tmp_path: Path, bomb: str) -> None:
    said, most = read_apart(written(tmp_path / "a", BOMBS[bomb]()))
    if "swells" in bomb:  # what belongs to the picture is as small as it should be
        assert said == "(30, 30, 3)" or said.startswith("InputError: ")
    else:
        assert said.startswith("InputError: ")
    assert most < MOST_MEBIBYTES


def test_jpeg_of_endless_scans(tmp_path: Path) -> None:
    """Each takes 31 bytes and 24 ms: these would take half an hour."""
    content = io.BytesIO()
    PIL.Image.new("RGB", (4000, 4000), (9, 9, 9)).save(content, "JPEG", progressive=True)
    whole = content.getvalue()
    last = whole[whole.rindex(b"\xff\xda") : -2]
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_image(written(tmp_path / "a.jpg", whole[:-2] + 80_000 * last + b"\xff\xd9"))
    assert read_image(written(tmp_path / "a.jpg", whole)).pixels.shape == (4000, 4000, 3)


COMMAND = """
import sys
sys.path.insert(0, sys.argv[1])
from decouple_core.command.main import main
code = main(["transfer", sys.argv[2], sys.argv[2], "-o", sys.argv[2] + ".png"])
here = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM"))
sys.exit(f"{code} {here // 1024 < int(sys.argv[3])}")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured in other units elsewhere")
@pytest.mark.parametrize("bomb", ["200 samples", "17300² in grey"])
def test_command_line_refuses_bombs_in_little_memory(tmp_path: Path, bomb: str) -> None:
    path = written(tmp_path / "a", BOMBS[bomb]())
    answer = subprocess.run(
        [sys.executable, "-c", COMMAND, str(REPOSITORY), str(path), str(MOST_MEBIBYTES)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    said, figures = answer.stderr.splitlines()
    assert "GB of memory" in said
    assert figures == "2 True"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (tiff(30, 30, 2), None),
        (tiff(30, 30, 2, photometric=1), (30, 30, 3)),
        (tiff(30, 30, 1), None),
        (tiff(30, 30, 2, bits=8), None),
        (tiff(30, 30, 2, bits=8, photometric=1, extra=[2]), (30, 30, 3)),
        (tiff(30, 30, 5, extra=[2, 0]), (30, 30, 3)),
        (tiff(30, 30, 3, bits=64, sample_format=6), None),
        (tiff(0, 30, 3), "no pixels"),
        (tiff(30, 0, 3), "no pixels"),
        (tiff(0, 30, 3, bits=8), "no pixels"),
        (tiff(30, 30, 3, rows=0, strips=1, data=b"xx"), None),
    ],
)
def test_odd_tiffs(tmp_path: Path, content: bytes, says: str | tuple[int, int, int] | None) -> None:
    path = written(tmp_path / "a.tif", content)
    if isinstance(says, tuple):
        assert read_image(path).pixels.shape == says
        return
    with pytest.raises(InputError, match=says or "cannot be read as a picture, or is damaged"):
        read_image(path)


@pytest.mark.parametrize("bits", [10, 12, 14, 16, 24, 32])
def test_white_is_white_whatever_the_depth(tmp_path: Path, bits: int) -> None:
    white = zlib.compress(b"\xff" * (32 * 30 * 3 * bits // 8))
    path = written(tmp_path / "a.tif", tiff(32, 30, 3, bits=bits, data=white))
    np.testing.assert_allclose(read_image(path).pixels, 1.0, atol=1e-6)


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_opacity_that_is_no_number(tmp_path: Path, kind: int, value: float) -> None:
    path = written(
        tmp_path / "a.tif", tiff(30, 30, 4, bits=32, sample_format=3, extra=[kind], data=floats(4, holding=value, at=3))
    )
    with pytest.raises(InputError, match="not numbers"):
        read_image(path)


def test_a_number_beyond_single_precision(tmp_path: Path) -> None:
    values = np.full((7, 5, 3), 0.5)
    values[3, 3] = 1e300
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    with pytest.raises(InputError, match="not numbers"):
        read_image(tmp_path / "a.tif")


def test_what_has_no_name_is_ignored(tmp_path: Path) -> None:
    """A fourth sample that says not what it is may be anything, and the colours are right."""
    path = written(
        tmp_path / "a.tif", tiff(30, 30, 4, bits=32, sample_format=3, extra=[0], data=floats(4, holding=np.nan, at=3))
    )
    np.testing.assert_array_equal(read_image(path).pixels, np.full((30, 30, 3), 0.5, np.float32))


def damaged_profiles() -> list[bytes]:
    """Profiles of the right beginning and wrong in the rest."""
    rng, whole = np.random.default_rng(0), imagecodecs.cms_profile("adobergb")
    found = [whole[:length] for length in (1, 64, 128, 132, 200, len(whole) - 20)]
    for _ in range(200):
        profile = bytearray(whole)
        for place in rng.integers(0, len(whole), 6):
            profile[place] = rng.integers(256)
        found.append(bytes(profile))
    return found


def test_damaged_profiles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A picture, with the profile or without it, at 8 bits and at 16."""
    grey = np.full((4, 4, 3), 100, np.uint8)
    for number, profile in enumerate(damaged_profiles()):
        PIL.Image.fromarray(grey).save(tmp_path / "a.png", icc_profile=profile)
        tifffile.imwrite(tmp_path / "a.tif", grey.astype(np.uint16) * 257, photometric="rgb", iccprofile=profile)
        for name in ("a.png", "a.tif"):
            pixels = read_image(tmp_path / name).pixels
            assert pixels.shape == (4, 4, 3), number
            assert np.isfinite(pixels).all()
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="programs are found otherwise there")
@pytest.mark.parametrize("name", ["a.eps", "a.png"])
def test_postscript_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    trace = tmp_path / "was_here"
    for program in ("gs", "gswin32c", "gswin64c", "bash", "convert"):
        (tmp_path / program).write_text(f"#!/bin/sh\ntouch '{trace}'\n")
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)
    script = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n%%EOF\n"
    for head in (b"", struct.pack("<IIIIII", 0xC6D3D0C5, 32, len(script), 0, 0, 0) + bytes(8)):
        path = written(tmp_path / name, head + script)
        with pytest.raises(InputError, match="cannot be read as a picture"):
            read_image(path)
        with PIL.Image.open(path) as opened, pytest.raises(InputError, match="cannot be read as a picture"):
            take(opened)
    assert not trace.exists()
    with PIL.Image.open(path) as opened, pytest.raises(OSError):  # noqa: PT011  as Pillow itself would have it
        opened.load()
    assert trace.exists(), "the trap works"


@pytest.mark.parametrize("kind", ["ICO", "PCX", "TGA", "SGI", "DDS", "ICNS", "PDF"])
def test_other_formats_are_refused(tmp_path: Path, kind: str) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        PIL.Image.new("RGB", (32, 32), (9, 9, 9)).save(file, kind)
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("ending", ["jxl", "exr", "heic"])
def test_without_their_library(tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a file of that format is met where the package is not installed."""
    pytest.importorskip({"jxl": "pillow_jxl", "exr": "OpenEXR", "heic": "pillow_heif"}[ending])
    contents = {
        "exr": lambda: exr(np.zeros((64, 64, 3), np.float16)),
        "heic": lambda: heif("HEIC", 64),
        "jxl": lambda: imagecodecs.jpegxl_encode(np.zeros((64, 64, 3), np.uint8)),
    }
    path = written(tmp_path / "a", contents[ending]())
    assert read_image(path).pixels.shape == (64, 64, 3)
    without = (
        f"import sys; sys.path.insert(0, {str(REPOSITORY)!r})\n"
        "sys.modules |= dict.fromkeys(['OpenEXR', 'pillow_jxl', 'pillow_heif'])\n"
        "from decouple_core.pictures.decoding_apart import main; main()"
    )
    monkeypatch.setattr(decoding_apart.apart, "command", lambda _, *words: [sys.executable, "-c", without, *words])
    with pytest.raises(InputError, match=r"needs the package .* install it with"):
        read_image(path)


@pytest.mark.parametrize("ending", ["tif", "jp2", "avif", "webp", "gif", "bmp", "ppm", "jpg", "png"])
def test_formats_are_told_by_their_content(tmp_path: Path, ending: str) -> None:
    picture = PIL.Image.new("RGB", (32, 24), (200, 100, 50))
    try:
        picture.save(tmp_path / f"a.{ending}")
    except (KeyError, OSError):  # this Pillow was made without it
        pytest.skip(f"this Pillow writes no {ending}")
    (tmp_path / f"a.{ending}").rename(tmp_path / "a.txt")
    np.testing.assert_allclose(read_image(tmp_path / "a.txt").pixels[12, 16] * 255, [200, 100, 50], atol=4)


@pytest.mark.skipif(sys.platform != "linux", reason="no other system keeps to limits on memory")
def test_decoder_that_takes_more_than_the_header_promised(tmp_path: Path) -> None:
    """JPEG 2000: the library decodes what the codestream says, whatever the box before it has told."""
    content = io.BytesIO()
    PIL.Image.new("RGB", (5000, 5000)).save(content, "JPEG2000", irreversible=True)
    size = struct.pack(">II", 5000, 5000)
    assert content.getvalue().count(size) > 1, "told more than once"
    said, most = read_apart(written(tmp_path / "a", content.getvalue().replace(size, struct.pack(">II", 16, 16), 1)))
    assert "cannot be read as a picture" in said
    assert most < MOST_MEBIBYTES


def test_decoder_that_does_not_come_to_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    PIL.Image.new("RGB", (64, 64)).save(tmp_path / "a.tif")
    monkeypatch.setattr(decoding_apart, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(InputError, match="cannot be read as a picture"):
        read_image(tmp_path / "a.tif")


def test_more_than_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a.png", png(3000, 3000, whole=False))
    monkeypatch.setattr(memory, "free_bytes", lambda: 10**8)
    with pytest.raises(OutOfMemoryError, match=r"would need 0\.1 GB of memory and 0\.1 GB are free"):
        read_image(path)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_free_memory_is_what_the_system_says() -> None:
    free = memory.free_bytes()
    assert free is not None
    assert 10**7 < free <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
