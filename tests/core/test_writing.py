"""Pictures: written whole or not at all, and read again as they were."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from decouple_core.contract.errors import InputError
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import check_output, write_image

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (7, 5, 3), np.uint8)
RGB16 = RNG.integers(0, 65536, (7, 5, 3), np.uint16)


def save(path: Path, array: np.ndarray) -> Path:
    PIL.Image.fromarray(array).save(path)
    return path


@pytest.mark.parametrize(("ending", "depth", "alpha"), [
    ("png", 8, False), ("png", 8, True), ("png", 16, False), ("png", 16, True), ("tif", 8, True), ("tif", 16, False),
    ("TIFF", 16, True), ("webp", 8, True), ("bmp", 8, False)])
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


@pytest.mark.parametrize(("name", "says"), [
    ("a.xyz", "cannot be written as 'a.xyz'"), ("a", "cannot be written"), ("missing/a.png", "does not exist"),
    ("folder.png", "is a folder")])
def test_output_that_cannot_be(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "folder.png").mkdir()
    for refuse in (check_output, lambda path: write_image(path, RGB8 / 255)):
        with pytest.raises(InputError, match=says):
            refuse(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_refused_picture_leaves_the_old_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", RGB8)
    before = path.read_bytes()
    with pytest.raises(InputError, match="no numbers"):
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
