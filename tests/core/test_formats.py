"""Every mode, depth, opacity and animation of every format that is read.

What goes in is known before, so that what comes out is compared with numbers and not with another decoder's picture.
"""

from __future__ import annotations

import importlib.util
import io
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.remarks import heard
from decouple_core.batch.plan import targets_of
from decouple_core.pictures import decoding
from decouple_core.pictures.decoding_apart import reader
from decouple_core.pictures.raw import Raw
from decouple_core.pictures.reading import Image, read_image
from tests.core.formats import CASES, FORMATS, HALF, HEIGHT, PATCH, WIDTH, encoded, pattern, pillow, tiff


@pytest.fixture
def _here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decode in this process what has one of its own, which takes longer to start than most pictures to decode.

    The first of each format goes the whole way.
    """
    name = request.getfixturevalue("name")
    if name in {next(one for one in CASES if one.startswith(kind)) for kind in FORMATS}:
        return

    def decode(path: Path, file: BinaryIO, kind: str) -> Raw:
        file.seek(0)
        return reader(kind)(path, file, lambda needed: None)

    monkeypatch.setattr(decoding, "decode_apart", decode)


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("name", CASES)
def test_what_went_in_comes_out(tmp_path: Path, name: str) -> None:
    wanted, said = CASES[name], list[Message]()
    if wanted.needs and importlib.util.find_spec(wanted.needs) is None:
        pytest.skip(f"{wanted.needs} is not installed")
    (tmp_path / "a").write_bytes(wanted.make())
    with heard(said.append):
        image = read_image(tmp_path / "a")
    assert image.bit_depth == wanted.depth
    assert image.pixels.shape == (*wanted.colours.shape[:2], 3)
    assert (image.alpha is None) == (wanted.alpha is None)
    first, step = (PATCH // 2, PATCH) if wanted.near > HALF else (0, 1)  # what loses something does so at edges
    inner = (slice(first, None, step), slice(first, None, step))
    seen = np.ones(image.pixels.shape[:2], bool) if wanted.alpha is None else wanted.alpha > 0
    colours = np.broadcast_to(wanted.colours, image.pixels.shape)
    np.testing.assert_allclose(
        (image.pixels * seen[..., None])[inner], (colours * seen[..., None])[inner], atol=wanted.near
    )
    if wanted.alpha is not None:
        np.testing.assert_allclose(image.alpha[inner], wanted.alpha[inner], atol=wanted.near)
    assert tuple(message.code for message in said) == wanted.said


# --- what formats say beside the pixels ---------------------------------------------------------------------------


def read(folder: Path, content: bytes) -> tuple[Image, list[str]]:
    """The picture, and the codes of what is said."""
    said: list[Message] = []
    (folder / "a").write_bytes(content)
    with heard(said.append):
        return read_image(folder / "a"), [message.code for message in said]


def photograph(**options: Any) -> bytes:
    """A HEIC as a telephone writes it."""
    pillow_heif = pytest.importorskip("pillow_heif")
    values, file, whole = pattern(3, 10), io.BytesIO(), pillow_heif.HeifFile()
    whole.add_frombytes("RGB;16", (WIDTH, HEIGHT), (values << 6).tobytes())
    for name in ("icc_profile", "exif"):
        if name in options:
            whole.info[name] = options.pop(name)
    whole.save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


WHITE, GREEN = (0.3127, 0.3290), ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))  # Display P3's, by SMPTE EG 432-1


def from_p3(values: np.ndarray) -> np.ndarray:
    """Display P3 as sRGB, by its definition."""
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    there, here = (to_xyz(*primaries) for primaries in (GREEN, ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))))
    return encoded((linear @ np.linalg.solve(here, there).T).clip(0, 1))


def to_xyz(*primaries: tuple[float, float]) -> np.ndarray:
    """Linear RGB to XYZ (SMPTE RP 177)."""
    columns, white = (np.array([[x / y, 1, (1 - x - y) / y] for x, y in points]).T for points in (primaries, [WHITE]))
    return columns * np.linalg.solve(columns, white[:, 0])


@pytest.mark.parametrize("named", ["by number", "by a profile"])
def test_colours_of_a_telephone(tmp_path: Path, named: str) -> None:
    """In Display P3 with 10 bits; the numbers of its colours stand for a profile as well."""
    if named == "by number":
        content = photograph(color_primaries=12, transfer_characteristics=13, matrix_coefficients=0, full_range_flag=1)
    else:
        bend = np.linspace(0, 1, 4096)
        bend = np.where(bend <= 0.04045, bend / 12.92, ((bend + 0.055) / 1.055) ** 2.4)
        profile = imagecodecs.cms_profile(
            "rgb",
            whitepoint=[*WHITE, 1.0],
            primaries=[number for point in GREEN for number in (*point, 1.0)],
            transferfunction=(bend * 65535 + 0.5).astype(np.uint16),
        )
        content = photograph(icc_profile=profile, matrix_coefficients=0, full_range_flag=1)
    image, said = read(tmp_path, content)
    centre = (slice(PATCH // 2, None, PATCH), slice(PATCH // 2, None, PATCH))
    np.testing.assert_allclose(image.pixels[centre], from_p3(pattern(3, 10)[centre] / 1023), atol=4e-3)
    assert (image.bit_depth, image.icc is not None, said) == (16, True, [])


def test_high_dynamic_range_is_said(tmp_path: Path) -> None:
    for curve in (16, 18):
        content = photograph(
            color_primaries=9, transfer_characteristics=curve, matrix_coefficients=0, full_range_flag=1
        )
        assert read(tmp_path, content)[1] == ["picture-hdr"]


def test_a_batch_takes_them_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(photograph())
    assert targets_of([str(tmp_path)], []) == [tmp_path / "IMG_1.HEIC"]


@pytest.mark.parametrize("form", ["HEIC", "AVIF"])
def test_a_turned_photograph_with_notes(tmp_path: Path, form: str) -> None:
    exif = PIL.Image.Exif()
    exif[271], exif[274] = "Maker", 6
    values = pattern(3, 8)
    if form == "HEIC":
        pillow_heif = pytest.importorskip("pillow_heif")
        file, whole = io.BytesIO(), pillow_heif.from_pillow(PIL.Image.fromarray(values))
        whole.info["exif"] = exif.tobytes()
        whole.save(file, quality=-1, chroma=444)
        content = file.getvalue()
    else:
        content = pillow(values, "AVIF", quality=100, subsampling="4:4:4", exif=exif)()
    image = read(tmp_path, content)[0]
    centre = (slice(PATCH // 2, None, PATCH), slice(PATCH // 2, None, PATCH))
    np.testing.assert_allclose(image.pixels[centre], np.rot90(values, -1)[centre] / 255, atol=0.02)
    kept = PIL.Image.Exif()
    kept.load(image.exif)
    assert kept[271] == "Maker"
    assert kept.get(274, 1) == 1


def test_jpeg_that_was_packed_as_jpeg_xl(tmp_path: Path) -> None:
    """Without loss, and so are its notes, which are packed, too."""
    pytest.importorskip("pillow_jxl")
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    values = pattern(3, 8)
    jpeg = pillow(values, "JPEG", quality=100, subsampling=0, exif=exif)()
    image = read(tmp_path, bytes(imagecodecs.jpegxl_encode_jpeg(jpeg)))[0]
    assert np.abs(image.pixels - values / 255).mean() < 0.01
    kept = PIL.Image.Exif()
    kept.load(image.exif)
    assert kept[271] == "Maker"


# --- what is refused in words -------------------------------------------------------------------------------------


def sensor(*, part: bool = False, tags: Sequence[tuple[Any, ...]] = ()) -> bytes:
    """A TIFF as cameras write it: the sensor's values, alone or within a preview."""
    file = io.BytesIO()
    values = pattern(1, 14)[..., 0]
    with tifffile.TiffWriter(file) as writer:
        if part:
            writer.write(pattern(3, 8), photometric="rgb", subifds=1, metadata=None)
        writer.write(
            values,
            photometric="cfa",
            metadata=None,
            extratags=[(33421, "H", 2, (2, 2), True), (33422, "B", 4, (0, 1, 1, 2), True), *tags],
        )
    return file.getvalue()


RAWS = {
    "CR2": lambda: b"II*\0\x10\0\0\0CR\2\0" + bytes(500),
    "CR3": lambda: b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(500),
    "NEF and ARW": lambda: sensor(part=True),
    "PEF": lambda: sensor(),
    "RAF": lambda: b"FUJIFILMCCD-RAW 0201" + bytes(500),
    "DNG": lambda: sensor(tags=[(50706, "B", 4, (1, 4, 0, 0), True)]),
    "ORF": lambda: b"IIRO\x08\0\0\0" + bytes(500),
    "RW2": lambda: b"IIU\0\x18\0\0\0" + bytes(500),
}


@pytest.mark.parametrize("kind", RAWS)
def test_raw_data_is_to_be_developed_first(tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match=r"holds a camera's raw data; develop it first"):
        read(tmp_path, RAWS[kind]())


def test_a_picture_with_a_part_is_no_raw_data(tmp_path: Path) -> None:
    """As Photoshop and GIMP keep a smaller one beside."""
    file, values = io.BytesIO(), pattern(3, 8)
    with tifffile.TiffWriter(file) as writer:
        writer.write(values, photometric="rgb", subifds=1, metadata=None)
        writer.write(values[::2, ::2], photometric="rgb", metadata=None)
        writer.write(values[::4, ::4], photometric="rgb", subfiletype=1, metadata=None)
    image, said = read(tmp_path, file.getvalue())
    np.testing.assert_allclose(image.pixels, values / 255, atol=1e-6)
    assert said == []


def test_jpeg_of_the_old_kind_in_tiff(tmp_path: Path) -> None:
    content = bytearray(tiff(pattern(3, 8), photometric="rgb", compression="jpeg")())
    place = content.index(struct.pack("<HHIH", 259, 3, 1, 7))
    content[place + 8] = 6
    with pytest.raises(InputError, match="TIFF's old form of JPEG"):
        read(tmp_path, bytes(content))
