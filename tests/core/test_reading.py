"""Pictures and masks: every kind of file read right or refused in one line."""

from __future__ import annotations

import io
import os
import sys
import warnings
import zlib
from contextlib import ExitStack
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_core.pictures.pillow_files import QUIET
from decouple_core.pictures.reading import read_image, read_mask

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (7, 5, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (7, 5, 3), np.uint16)
ALPHA8 = RNG.integers(0, 256, (7, 5), np.uint8)
RED_CORNER = np.zeros((7, 5, 3), np.uint8)
RED_CORNER[0, 0] = 255, 0, 0


def save(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    picture = PIL.Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


# --- what files hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["png", "tif", "webp", "bmp"])
def test_eight_bits(tmp_path: Path, ending: str) -> None:
    options = {"lossless": True} if ending == "webp" else {}
    image = read_image(save(tmp_path / f"a.{ending}", RGB8, **options))
    np.testing.assert_array_equal(image.pixels, RGB8.astype(np.float32) / np.float32(255))
    assert image.pixels.dtype == np.float32
    assert (image.alpha, image.bit_depth, image.icc) == (None, 8, None)


def test_sixteen_bit_png(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(RGB16))
    image = read_image(tmp_path / "a.png")
    np.testing.assert_allclose(image.pixels, RGB16 / 65535, atol=1e-7)
    assert image.bit_depth == 16


def test_sixteen_bit_png_with_alpha_and_rotation(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[274] = 6  # to be turned a quarter clockwise
    rgba = np.dstack([RGB16, RGB16[..., 0]])
    content = imagecodecs.png_encode(rgba)
    block = exif.tobytes()[6:]
    chunk = b"eXIf" + block
    header_end = 33  # signature (8) and the header chunk (25)
    extra = len(block).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content[:header_end] + extra + content[header_end:])
    image = read_image(tmp_path / "a.png")
    turned = np.rot90(rgba, -1) / 65535
    np.testing.assert_allclose(image.pixels, turned[..., :3], atol=1e-7)
    np.testing.assert_allclose(image.alpha, turned[..., 3], atol=1e-7)


@pytest.mark.parametrize("planar", ["contig", "separate"])
def test_sixteen_bit_tiff(tmp_path: Path, planar: str) -> None:
    data = RGB16 if planar == "contig" else np.moveaxis(RGB16, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar)
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(image.pixels, RGB16 / 65535, atol=1e-7)
    assert image.bit_depth == 16


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint32])
def test_deep_tiff(tmp_path: Path, dtype: type) -> None:
    wanted = RNG.random((7, 5, 3))
    data = (wanted * (2**32 - 1)).astype(dtype) if dtype is np.uint32 else wanted.astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb")
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(image.pixels, wanted, atol=1e-3 if dtype is np.float16 else 1e-6)
    assert image.bit_depth == 16


@pytest.mark.parametrize("kind", ["assocalpha", "unassalpha"])
def test_tiff_alpha(tmp_path: Path, kind: str) -> None:
    opacity = np.full((7, 5, 1), 32768, np.uint16)
    opacity[0, 0] = 0
    colour = (RGB16 * (opacity / 65535)).round().astype(np.uint16) if kind == "assocalpha" else RGB16
    tifffile.imwrite(tmp_path / "a.tif", np.dstack([colour, opacity]), photometric="rgb", extrasamples=[kind])
    image = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(image.alpha, opacity[..., 0] / 65535, atol=1e-7)
    np.testing.assert_allclose(image.pixels[1:], RGB16[1:] / 65535, atol=2e-5)


def test_grey_in_all_depths(tmp_path: Path) -> None:
    save(tmp_path / "8.png", RGB8[..., 0])
    save(tmp_path / "16.png", RGB16[..., 0])
    save(tmp_path / "1.png", RGB8[..., 0], "1")
    save(tmp_path / "16.pgm", RGB16[..., 0].astype(np.int32))
    for name, wanted, depth in (
        ("8.png", RGB8[..., 0] / 255, 8),
        ("16.png", RGB16[..., 0] / 65535, 16),
        ("16.pgm", RGB16[..., 0] / 65535, 16),
    ):
        image = read_image(tmp_path / name)
        np.testing.assert_allclose(image.pixels, np.repeat(wanted[..., None], 3, 2), atol=1e-7)
        assert image.bit_depth == depth
    assert set(np.unique(read_image(tmp_path / "1.png").pixels)) == {0.0, 1.0}


def test_palette_with_and_without_transparency(tmp_path: Path) -> None:
    picture = PIL.Image.new("P", (5, 7), 1)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((0, 0), 0)
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.gif", transparency=0)
    for name in ("a.png", "b.gif"):
        image = read_image(tmp_path / name)
        np.testing.assert_allclose(image.pixels[3, 3] * 255, [200, 100, 50], atol=1e-4)
    assert read_image(tmp_path / "a.png").alpha is None
    assert image.alpha[0, 0] == 0.0
    assert image.alpha[3, 3] == 1.0


def test_alpha_is_kept_apart(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", np.dstack([RGB8, ALPHA8])))
    np.testing.assert_allclose(image.pixels, RGB8 / 255, atol=1e-7)
    np.testing.assert_allclose(image.alpha, ALPHA8 / 255, atol=1e-7)


def test_cmyk(tmp_path: Path) -> None:
    picture = PIL.Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    for name in ("a.tif", "a.jpg"):
        picture.save(tmp_path / name)
        image = read_image(tmp_path / name)
        np.testing.assert_allclose(image.pixels[8, 8], [0, 1, 1], atol=0.02)


def test_rotated_photograph(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[274] = 8
    image = read_image(save(tmp_path / "a.png", RGB8, exif=exif))
    np.testing.assert_allclose(image.pixels, np.rot90(RGB8) / 255, atol=1e-7)


@pytest.mark.parametrize("flag", range(1, 9))
def test_deep_and_shallow_files_turn_alike(tmp_path: Path, flag: int) -> None:
    exif = PIL.Image.Exif()
    exif[274] = flag
    shallow = read_image(save(tmp_path / "a.png", RGB8, exif=exif))
    tifffile.imwrite(
        tmp_path / "a.tif", RGB8.astype(np.uint16) * 257, photometric="rgb", extratags=[(274, "H", 1, flag, True)]
    )
    deep = read_image(tmp_path / "a.tif")
    np.testing.assert_allclose(deep.pixels, shallow.pixels, atol=1e-7)


# --- colour profiles ----------------------------------------------------------------------------------------------


def swapped_profile() -> bytes:
    """A profile whose red is sRGB's green and the other way round, so that its effect is plain to see."""
    x, y = zip((0.30, 0.60), (0.64, 0.33), (0.15, 0.06), strict=True)
    primaries = [c for pair in zip(x, y, strict=True) for c in pair]
    return imagecodecs.cms_profile("rgb", whitepoint=(0.3127, 0.3290, 1.0), primaries=primaries, gamma=2.2)


@pytest.mark.parametrize("depth", [8, 16])
def test_profile_is_applied(tmp_path: Path, depth: int) -> None:
    profile = swapped_profile()
    stored = np.zeros((4, 4, 3), np.uint8)
    stored[..., 0] = 255
    if depth == 8:
        save(tmp_path / "a.png", stored, icc_profile=profile)
        path = tmp_path / "a.png"
    else:
        path = tmp_path / "a.tif"
        tifffile.imwrite(path, stored.astype(np.uint16) * 257, photometric="rgb", iccprofile=profile)
    image = read_image(path)
    assert image.icc == profile
    np.testing.assert_allclose(image.pixels[0, 0], [0, 1, 0], atol=0.02)


def test_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    profile = PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes()
    image = read_image(save(tmp_path / "a.jpg", RGB8, icc_profile=profile, quality=100, subsampling=0))
    plain = read_image(save(tmp_path / "b.jpg", RGB8, quality=100, subsampling=0))
    np.testing.assert_allclose(image.pixels, plain.pixels, atol=1e-3)


def test_profile_agrees_with_pillows_colour_engine(tmp_path: Path) -> None:
    profile = imagecodecs.cms_profile("adobergb")
    path = save(tmp_path / "a.png", RGB8, icc_profile=profile)
    wanted = PIL.ImageCms.profileToProfile(
        PIL.Image.fromarray(RGB8), io.BytesIO(profile), PIL.ImageCms.createProfile("sRGB")
    )
    np.testing.assert_allclose(read_image(path).pixels, np.asarray(wanted) / 255, atol=1.5 / 255)


def test_damaged_profile_is_passed_over(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", RGB8, icc_profile=b"not a profile at all" * 20))
    np.testing.assert_allclose(image.pixels, RGB8 / 255, atol=1e-7)


def test_profile_for_other_channels_is_passed_over(tmp_path: Path) -> None:
    image = read_image(save(tmp_path / "a.png", RGB8[..., 0], icc_profile=swapped_profile()))
    np.testing.assert_allclose(image.pixels[..., 1], RGB8[..., 0] / 255, atol=1e-7)


# --- bad input ----------------------------------------------------------------------------------------------------


def gigantic_png() -> bytes:
    """The start of a PNG whose header promises 20 000 × 20 000 pixels."""
    content = imagecodecs.png_encode(RGB8)
    header = b"IHDR" + (20_000).to_bytes(4, "big") * 2 + content[24:29]
    return content[:12] + header + zlib.crc32(header).to_bytes(4, "big") + content[33:]


def broken(kind: str) -> bytes:
    png = imagecodecs.png_encode(RNG.integers(0, 256, (64, 64, 3), np.uint8))
    png16 = imagecodecs.png_encode(RNG.integers(0, 65536, (64, 64, 3), np.uint16))
    tiff = io.BytesIO()
    tifffile.imwrite(tiff, RGB16, photometric="rgb")
    return {
        "empty": b"",
        "text": b"these are words, not pixels\n" * 9,
        "cut png": png[: len(png) // 2],
        "cut deep png": png16[: len(png16) // 2],
        "cut tiff": tiff.getvalue()[:-50],
        "tiff head": tiff.getvalue()[:12],
        "png head": png[:10],
        "gigantic": gigantic_png(),
    }[kind]


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("empty", "is empty"),
        ("text", "cannot be read as a picture"),
        ("cut png", "damaged"),
        ("cut deep png", "damaged"),
        ("cut tiff", "damaged"),
        ("tiff head", "damaged"),
        ("png head", "damaged"),
        ("gigantic", "GB of memory"),
    ],
)
def test_bad_file_is_one_line(tmp_path: Path, kind: str, says: str) -> None:
    (tmp_path / "a.png").write_bytes(broken(kind))
    with pytest.raises(InputError, match=says) as caught:
        read_image(tmp_path / "a.png")
    assert "\n" not in str(caught.value)
    assert str(tmp_path / "a.png") in str(caught.value)


def test_gigantic_tiff(tmp_path: Path) -> None:
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        shape=(20_000, 20_000, 3),
        dtype=np.uint16,
        photometric="rgb",
        compression="zlib",
        tile=(4096, 4096),
        data=(np.zeros((4096, 4096, 3), np.uint16) for _ in range(25)),
    )
    (tmp_path / "a.tif").write_bytes(file.getvalue())
    with pytest.raises(InputError, match="GB of memory"):
        read_image(tmp_path / "a.tif")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file"):
        read_image(tmp_path / "a.png")
    with pytest.raises(InputError, match="is a folder"):
        read_image(tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers(tmp_path: Path, value: float) -> None:
    pixels = RNG.random((7, 5, 3)).astype(np.float32)
    pixels[3, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="rgb")
    with pytest.raises(InputError, match="not numbers"):
        read_image(tmp_path / "a.tif")


@given(position=st.integers(0, 10**6), value=st.integers(0, 255), deep=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_byte_gives_a_picture_or_one_line(tmp_path: Path, position: int, value: int, deep: bool) -> None:
    content = bytearray(imagecodecs.png_encode(RGB16 if deep else RGB8))
    content[position % len(content)] = value
    (tmp_path / "a.png").write_bytes(content)
    try:
        pixels = read_image(tmp_path / "a.png").pixels
    except InputError:
        return
    assert pixels.shape[2] == 3
    assert pixels.dtype == np.float32


# --- masks and other files ----------------------------------------------------------------------------------------


def test_mask_of_every_kind(tmp_path: Path) -> None:
    wanted = ALPHA8 / 255
    save(tmp_path / "grey.png", ALPHA8)
    save(tmp_path / "rgb.png", np.repeat(ALPHA8[..., None], 3, 2))
    save(tmp_path / "opacity.png", np.dstack([np.full((7, 5, 3), 255, np.uint8), ALPHA8]))
    save(tmp_path / "profile.png", ALPHA8, icc_profile=imagecodecs.cms_profile("gray", gamma=1.0))
    for name in ("grey.png", "rgb.png", "opacity.png", "profile.png"):
        mask = read_mask(tmp_path / name, (7, 5))
        assert mask.dtype == np.float32
        np.testing.assert_allclose(mask, wanted, atol=1e-6)


def test_mask_of_another_size_or_without_content(tmp_path: Path) -> None:
    save(tmp_path / "a.png", ALPHA8)
    with pytest.raises(InputError, match="5×7 pixels but the picture it belongs to is 7×5"):
        read_mask(tmp_path / "a.png", (5, 7))
    save(tmp_path / "b.png", np.zeros((7, 5), np.uint8))
    with pytest.raises(InputError, match="selects nothing"):
        read_mask(tmp_path / "b.png", (7, 5))


@pytest.mark.skipif(sys.platform != "linux", reason="needs a file that may be opened and not read, even by root")
def test_file_that_cannot_be_read() -> None:
    with pytest.raises(InputError, match=r"^/proc/self/mem cannot be read \(.*\); check its permissions\.$"):
        read_image("/proc/self/mem")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes among the files there")
def test_pipes_and_devices_are_no_pictures(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", Path("/dev/zero")):
        with pytest.raises(InputError, match="not an ordinary file"):
            read_image(path)


def test_threads_leave_the_filters_of_warnings_as_they_were() -> None:
    """The one that came first leaves first, which would put the second one's state in place for good."""
    before = list(warnings.filters)
    first, second = ExitStack(), ExitStack()
    first.enter_context(QUIET)
    second.enter_context(QUIET)
    first.close()
    warnings.warn("of a picture that the second is still reading", stacklevel=1)
    second.close()
    assert list(warnings.filters) == before
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", stacklevel=1)
