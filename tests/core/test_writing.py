"""Pictures: written whole or not at all, and read again as they were."""

from __future__ import annotations

import sys
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import skimage.color
import tifffile

from decouple_contract.errors import InputError
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import check_output, write_image, write_like

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (7, 5, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (7, 5, 3), np.uint16)


def save(path: Path, array: np.ndarray) -> Path:
    PIL.Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(
    ("ending", "depth", "alpha"),
    [
        ("png", 8, False),
        ("png", 8, True),
        ("png", 16, False),
        ("png", 16, True),
        ("tif", 8, True),
        ("tif", 16, False),
        ("TIFF", 16, True),
        ("webp", 8, True),
        ("bmp", 8, False),
    ],
)
def test_written_and_read_again(tmp_path: Path, ending: str, depth: int, alpha: bool) -> None:
    pixels = RNG.random((7, 5, 3)).astype(np.float32)
    opacity = np.where(RNG.random((7, 5)) > 0.5, 1.0, 0.5).astype(np.float32) if alpha else None
    write_image(tmp_path / f"a.{ending}", pixels, alpha=opacity, bit_depth=depth)
    image = read_image(tmp_path / f"a.{ending}")
    step = 1 / (2**depth - 1)
    np.testing.assert_allclose(image.pixels, pixels, atol=0.51 * step)
    assert image.bit_depth == depth
    assert (image.alpha is not None) == alpha
    if opacity is not None:
        np.testing.assert_allclose(image.alpha, opacity, atol=0.51 * step)


def test_jpeg_is_close_and_leaves_alpha_out(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 64, dtype=np.float32)
    pixels = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], 0.5), axis=2).astype(np.float32)
    write_image(tmp_path / "a.jpg", pixels, alpha=pixels[..., 0], bit_depth=16)
    image = read_image(tmp_path / "a.jpg")
    assert image.alpha is None
    assert np.abs(image.pixels - pixels).mean() < 0.01


def test_sixteen_bits_are_readable_elsewhere(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", RGB16 / 65535, bit_depth=16)
    np.testing.assert_array_equal(imagecodecs.png_decode((tmp_path / "a.png").read_bytes()), RGB16)
    write_image(tmp_path / "a.tif", RGB16 / 65535, bit_depth=16)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "a.tif"), RGB16)


def test_every_eight_bit_value_survives(tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(16, 16, 3)
    write_image(tmp_path / "a.png", read_image(save(tmp_path / "b.png", levels)).pixels)
    np.testing.assert_array_equal(np.asarray(PIL.Image.open(tmp_path / "a.png")), levels)


def test_values_outside_the_range_are_clipped(tmp_path: Path) -> None:
    pixels = np.array([[[-0.5, 0.5, 1.5]]], np.float32)
    write_image(tmp_path / "a.png", pixels)
    assert np.asarray(PIL.Image.open(tmp_path / "a.png")).tolist() == [[[0, 128, 255]]]


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("a.xyz", "cannot be written as 'a.xyz'"),
        ("a", "cannot be written"),
        ("missing/a.png", "does not exist"),
        ("folder.png", "is a folder"),
    ],
)
def test_output_that_cannot_be(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.png").mkdir()
    for refuse in (check_output, lambda path: write_image(path, RGB8 / 255)):
        with pytest.raises(InputError, match=says):
            refuse(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_refused_picture_leaves_the_old_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", RGB8)
    before = path.read_bytes()
    with pytest.raises(InputError, match="not numbers"):
        write_image(path, np.full((4, 4, 3), np.nan, np.float32))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_disk_that_takes_no_files() -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write_image("/proc/a.png", RGB8 / 255)


@pytest.mark.parametrize(("ending", "longest"), [("jpg", 65500), ("jpeg", 65500), ("webp", 16383)])
def test_formats_with_limits(tmp_path: Path, ending: str, longest: int) -> None:
    path = tmp_path / f"a.{ending}"
    write_image(path, np.zeros((1, longest, 3), np.float32))
    assert read_image(path).pixels.shape == (1, longest, 3)
    with pytest.raises(InputError, match=r"choose \.png or \.tif"):
        write_image(path, np.zeros((longest + 1, 1, 3), np.float32))


def test_link_keeps_pointing_to_its_file(tmp_path: Path) -> None:
    real = save(tmp_path / "real.png", RGB8)
    (tmp_path / "link.png").symlink_to(real)
    write_image(tmp_path / "link.png", np.zeros((3, 3, 3)))
    assert (tmp_path / "link.png").is_symlink()
    assert read_image(real).pixels.shape == (3, 3, 3)


# --- what a target's file tells beside its pixels -----------------------------------------------------------------


def photograph(path: Path, depth: int = 8) -> Path:
    """A smooth picture with rotation, Exif and GPS data, and a profile that is not sRGB."""
    exif = PIL.Image.Exif()
    exif[271], exif[272], exif[274], exif[33432] = "Maker", "Model 1", 6, "somebody"
    exif[34665] = {33434: 0.004, 34855: 400, 36867: "2024:01:02 03:04:05", 37500: b"maker's own" * 9, 40962: 40}
    exif[34853] = {1: "N", 2: (40.0, 26.0, 46.0)}
    ramp = np.linspace(0.4, 0.6, 40)  # within sRGB
    shares = np.stack(np.broadcast_arrays(ramp[:24, None], ramp[None, :], 0.5), axis=2)
    if depth == 8:
        PIL.Image.fromarray((255 * shares).astype(np.uint8)).save(path, "PNG", exif=exif, icc_profile=PROFILE)
    else:
        content = imagecodecs.png_encode((65535 * shares).astype(np.uint16))
        PIL.Image.new("RGB", (1, 1)).save(path, "PNG", exif=exif, icc_profile=PROFILE)
        chunks = path.read_bytes()
        path.write_bytes(content[:33] + chunks[33 : chunks.index(b"IDAT") - 4] + content[33:])
    return path


PROFILE = imagecodecs.cms_profile("adobergb")


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("ending", ["png", "tif", "jpg", "webp", "avif", "jxl"])
def test_notes_profile_and_depth_are_kept(tmp_path: Path, ending: str, depth: int) -> None:
    """As Pillow reads them, which has its own reader of each format."""
    if ending == "jxl":
        pytest.importorskip("pillow_jxl")
    target = read_image(photograph(tmp_path / "a.png", depth))
    path = tmp_path / f"b.{ending}"
    write_like(path, target.pixels, target)
    image = read_image(path)
    np.testing.assert_allclose(image.pixels, target.pixels, atol=0.03 if ending in ("jpg", "avif") else 1.5 / 255)
    assert image.bit_depth == (depth if ending in ("png", "tif", "jxl") else 8)
    if image.bit_depth == 16:
        np.testing.assert_allclose(image.pixels, target.pixels, atol=0.0005)
    if ending != "jxl":  # its library writes no profile
        assert image.icc == PROFILE
    with PIL.Image.open(path) as opened:
        exif = opened.getexif()
        assert opened.size == (24, 40), "it was turned"
        assert (exif[271], exif[272], exif[33432], exif.get(274, 1)) == ("Maker", "Model 1", "somebody", 1)
        camera = exif.get_ifd(34665)
        assert (camera[34855], camera[36867], camera[37500]) == (400, "2024:01:02 03:04:05", b"maker's own" * 9)
        assert float(camera[33434]) == pytest.approx(0.004)
        assert 40962 not in camera, "the size before it was turned"
        assert exif.get_ifd(34853)[2] == (40.0, 26.0, 46.0)


def test_colours_are_brought_to_the_profile_exactly(tmp_path: Path) -> None:
    """Where sRGB ends Little CMS's own tables are wrong by far; in floats it computes each colour."""
    levels = RNG.integers(0, 65536, (64, 64, 3), np.uint16)
    write_image(tmp_path / "a.tif", levels / 65535, bit_depth=16, icc=PROFILE)
    wanted = imagecodecs.cms_transform(
        (levels / 65535).astype(np.float32),
        imagecodecs.cms_profile("srgb"),
        PROFILE,
        colorspace="rgb",
        outcolorspace="rgb",
        outdtype=np.float32,
    )
    np.testing.assert_allclose(tifffile.imread(tmp_path / "a.tif") / 65535, wanted, atol=2e-5)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif").pixels, levels / 65535, atol=2e-4)


def test_maker_notes_that_are_too_long_for_a_jpeg(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[271] = "Maker"
    exif[34665] = {34855: 400, 37500: bytes(70_000)}
    write_image(tmp_path / "a.jpg", RGB8 / 255, notes=exif.tobytes())
    write_image(tmp_path / "a.webp", RGB8 / 255, notes=exif.tobytes())
    for name, kept in (("a.jpg", False), ("a.webp", True)):
        with PIL.Image.open(tmp_path / name) as opened:
            assert opened.getexif()[271] == "Maker"
            assert (37500 in opened.getexif().get_ifd(34665)) == kept


@pytest.mark.parametrize("ending", ["jxl", "exr"])
def test_alpha_where_few_formats_have_it(tmp_path: Path, ending: str) -> None:
    pytest.importorskip({"jxl": "pillow_jxl", "exr": "OpenEXR"}[ending])
    pixels = RNG.random((7, 5, 3)).astype(np.float32)
    opacity = np.where(RNG.random((7, 5)) > 0.5, 1.0, 0.5).astype(np.float32)
    write_image(tmp_path / f"a.{ending}", pixels, alpha=opacity, bit_depth=16)
    image = read_image(tmp_path / f"a.{ending}")
    np.testing.assert_allclose(image.alpha, opacity, atol=1e-5)
    np.testing.assert_allclose(image.pixels, pixels, atol=1e-3)


def test_openexr_keeps_what_is_brighter_than_white(tmp_path: Path) -> None:
    """Linear light of any brightness, there and back; below white it is what sRGB encodes (scikit-image's inverse)."""
    exr = pytest.importorskip("OpenEXR")
    linear = np.exp(RNG.uniform(-6, 4, (9, 7, 3))).astype(np.float32)
    linear[0] = np.clip(linear[0], 0, 1)
    exr.File({"type": exr.scanlineimage}, {"RGB": linear}).write(str(tmp_path / "a.exr"))
    image = read_image(tmp_path / "a.exr")
    assert (image.bit_depth, image.pixels.max() <= 1.0) == (32, True)
    from_xyz = np.linalg.inv(skimage.color.rgb2xyz(np.eye(3)).T)
    np.testing.assert_allclose(skimage.color.rgb2xyz(image.pixels[0]) @ from_xyz.T, linear[0], atol=1e-5)
    write_like(tmp_path / "b.exr", image.pixels, image)
    back = exr.File(str(tmp_path / "b.exr")).channels()["RGB"].pixels
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, linear, rtol=1e-5, atol=1e-7)
    write_like(tmp_path / "b.png", image.pixels, image)  # ends at white, with the same hue
    np.testing.assert_allclose(read_image(tmp_path / "b.png").pixels, image.pixels, atol=1e-4)


def test_openexr_in_other_primaries(tmp_path: Path) -> None:
    """ACES 2065-1's white and its red, by the matrices that the Academy publishes (to their four digits)."""
    exr = pytest.importorskip("OpenEXR")
    aces = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
    colours = np.array([[[1, 1, 1], [0.4, 0.4, 0.4], [0.5, 0.4, 0.3]]], np.float32)
    exr.File({"type": exr.scanlineimage, "chromaticities": aces}, {"RGB": colours}).write(str(tmp_path / "a.exr"))
    image = read_image(tmp_path / "a.exr")
    matrix = np.array([[2.5216, -1.1341, -0.3876], [-0.2765, 1.3727, -0.0962], [-0.0154, -0.1530, 1.1684]])
    wanted = colours @ matrix.T
    write_like(tmp_path / "b.exr", image.pixels, image)
    np.testing.assert_allclose(exr.File(str(tmp_path / "b.exr")).channels()["RGB"].pixels, wanted, atol=2e-3)


def test_formats_whose_library_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(InputError, match=r"OpenEXR needs the package OpenEXR; .* pip install OpenEXR"):
        check_output(tmp_path / "a.exr")
