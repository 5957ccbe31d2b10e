"""Pillow images of every mode: taken as Pillow and the colour engine mean them, given back in their mode."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import PIL.ImageCms
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_core.pictures.originals import take
from decouple_core.pictures.reading import read_image

RNG = np.random.default_rng(0)
RGBA = RNG.integers(0, 256, (7, 5, 4), np.uint8)
DEEP = RNG.integers(0, 65536, (7, 5), np.uint16)
D65 = [0.3127, 0.329, 1.0]
WIDE: bytes = imagecodecs.cms_profile(
    "rgb", whitepoint=D65, gamma=2.2, primaries=[0.64, 0.33, 1.0, 0.21, 0.71, 1.0, 0.15, 0.06, 1.0]
)
GREY_18: bytes = imagecodecs.cms_profile("gray", whitepoint=D65, gamma=1.8)

EXACT = ["1", "L", "LA", "RGB", "RGBA", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"]
"""Modes of which unchanged pixels give the same bytes."""
PALETTES = ["P", "PA"]
CONVERTED = {"La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB"}
"""Modes that Pillow converts to another and back."""


def image_of(mode: str) -> PIL.Image.Image:
    """An image in this mode with something in it."""
    if mode.startswith("I;16"):
        return PIL.Image.frombytes(mode, (5, 7), DEEP.astype(">u2" if mode == "I;16B" else "<u2").tobytes())
    if mode == "I":
        return PIL.Image.fromarray(DEEP.astype(np.int32))
    if mode == "F":
        return PIL.Image.fromarray(RNG.random((7, 5), np.float32))
    full = PIL.Image.fromarray(RGBA)
    if mode == "La":
        return full.convert("LA").convert("La")
    return full.convert("RGB").convert(mode) if mode == "P" else full.convert(mode)


def test_every_mode_is_in_these_tests() -> None:
    assert set(EXACT) | set(PALETTES) | set(CONVERTED) == set(PIL.Image.MODES)


@pytest.mark.parametrize("mode", [*EXACT, *PALETTES, *CONVERTED])
def test_mode_size_and_notes_come_back(mode: str) -> None:
    image = image_of(mode)
    image.info["dpi"] = (300, 300)
    before, notes = image.copy(), dict(image.info)
    ours = take(image)
    result = RNG.random((7, 5, 3), np.float32)
    back = ours.give_back(result)
    assert (back.mode, back.size) == (image.mode, image.size)
    assert back.info == notes
    assert image.tobytes() == before.tobytes()
    assert image.info == notes
    if "A" in mode.upper().replace("LAB", ""):
        assert back.getchannel(back.getbands()[-1]).tobytes() == image.getchannel(image.getbands()[-1]).tobytes()


@pytest.mark.parametrize("mode", EXACT)
def test_the_same_bytes_come_back(mode: str) -> None:
    image = image_of(mode)
    ours = take(image)
    assert ours.give_back(ours.pixels).tobytes() == image.tobytes()


@pytest.mark.parametrize("mode", PALETTES)
def test_the_same_colours_come_back(mode: str) -> None:
    image = image_of(mode)
    ours = take(image)
    assert ours.give_back(ours.pixels).convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", CONVERTED)
def test_what_pillow_converts_comes_back_as_it_would_convert_it(mode: str) -> None:
    image = image_of(mode)
    ours = take(image)
    assert ours.give_back(ours.pixels).tobytes() == image.convert(CONVERTED[mode]).convert(mode).tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "LAB", "RGBX"])
def test_pixels_are_what_pillow_says(mode: str) -> None:
    image = image_of(mode)
    wanted = np.asarray(image.convert("RGBA")).astype(np.float64) / 255
    ours = take(image)
    np.testing.assert_allclose(ours.pixels, wanted[..., :3], atol=1e-6)
    if ours.alpha is not None:
        np.testing.assert_allclose(ours.alpha, wanted[..., 3], atol=1e-6)
    assert (ours.alpha is not None) == (mode in ("LA", "PA", "RGBA"))


@pytest.mark.parametrize("mode", ["I", "I;16", "I;16B", "I;16L", "I;16N"])
def test_deep_grey(mode: str) -> None:
    np.testing.assert_allclose(take(image_of(mode)).pixels, np.repeat(DEEP[..., None] / 65535, 3, 2), atol=1e-7)


def test_grey_modes_take_the_luma() -> None:
    result = RNG.random((7, 5, 3), np.float32)
    luma = result.astype(np.float64) @ [0.2126, 0.7152, 0.0722]
    assert np.abs(np.asarray(take(image_of("L")).give_back(result)) - 255 * luma).max() <= 0.5 + 1e-4
    np.testing.assert_allclose(np.asarray(take(image_of("F")).give_back(result)), luma, atol=1e-6)


# --- palettes -----------------------------------------------------------------------------------------------------


def photograph(height: int = 40, width: int = 60) -> np.ndarray:
    """More colours than a palette has, smooth as those of a photograph."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.stack([rows / height, columns / width, 0.5 + 0.4 * np.sin(rows * columns / 90)], 2).astype(np.float32)


def transparent_palette(transparency: int | bytes) -> PIL.Image.Image:
    image = PIL.Image.fromarray(RNG.integers(0, 4, (40, 60), np.uint8))
    image.putpalette([250, 10, 20, 30, 240, 50, 70, 80, 99, 90, 90, 200])
    image.info["transparency"] = transparency
    return image


@pytest.mark.parametrize("transparency", [2, bytes([255, 90, 0, 255]), bytes([10, 20, 30, 40])])
def test_palette_keeps_every_opacity(tmp_path: Path, transparency: int | bytes) -> None:
    image = transparent_palette(transparency)
    alpha = np.asarray(image.convert("RGBA"))[..., 3]
    ours = take(image)
    np.testing.assert_allclose(ours.alpha, alpha / 255, atol=1e-7)
    assert ours.give_back(ours.pixels).convert("RGBA").tobytes() == image.convert("RGBA").tobytes()
    back = ours.give_back(photograph())
    back.save(tmp_path / "a.png")
    if isinstance(transparency, int):
        back.save(tmp_path / "a.gif")
    assert back.mode == "P"
    found = np.asarray(back.convert("RGBA"))
    np.testing.assert_array_equal(found[..., 3], alpha)
    visible = alpha > 0
    assert np.abs(found[..., :3] / 255 - photograph())[visible].mean() < 0.06
    with PIL.Image.open(tmp_path / "a.png") as stored:
        np.testing.assert_array_equal(np.asarray(stored.convert("RGBA")), found)
    if isinstance(transparency, int):
        with PIL.Image.open(tmp_path / "a.gif") as stored:
            np.testing.assert_array_equal(np.asarray(stored.convert("RGBA"))[..., 3], alpha)


@pytest.mark.parametrize("transparency", [2, 9])  # 9: that no pixel takes
def test_palette_of_a_gif_stays_one(tmp_path: Path, transparency: int) -> None:
    image = transparent_palette(transparency)
    few = np.round(photograph() * 2) / 2  # no more colours than a palette has, in what is hidden too
    back = take(image).give_back(few)
    back.save(tmp_path / "a.gif")
    wanted = np.asarray(image.convert("RGBA"))[..., 3]
    with PIL.Image.open(tmp_path / "a.gif") as stored:
        found = np.asarray(stored.convert("RGBA"))
    np.testing.assert_array_equal(found[..., 3], wanted)
    np.testing.assert_array_equal(found[wanted > 0, :3], np.floor(few * 255 + 0.5)[wanted > 0])


def test_palette_with_opacity_inside() -> None:
    image = PIL.Image.fromarray(RNG.integers(0, 2, (7, 5), np.uint8))
    image.putpalette([1, 2, 3, 255, 9, 8, 7, 30], "RGBA")
    ours = take(image)
    assert ours.give_back(ours.pixels).convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_palette_is_made_for_the_result() -> None:
    image = PIL.Image.new("P", (60, 40), 0)
    image.putpalette([0, 0, 255])
    found = np.asarray(take(image).give_back(photograph()).convert("RGB")) / 255
    assert np.abs(found - photograph()).mean() < 0.03


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), opacities=st.integers(1, 256))
def test_palette_has_room_for_every_opacity(seed: int, opacities: int) -> None:
    rng = np.random.default_rng(seed)
    levels = rng.permutation(256)[:opacities].astype(np.uint8)
    image = PIL.Image.fromarray(rng.integers(0, opacities, (40, 60)).astype(np.uint8))
    image.putpalette(rng.integers(0, 256, 768, np.uint8).tobytes())
    image.info["transparency"] = levels.tobytes()
    back = take(image).give_back(photograph())
    np.testing.assert_array_equal(np.asarray(back.convert("RGBA"))[..., 3], np.asarray(image.convert("RGBA"))[..., 3])


# --- profiles -----------------------------------------------------------------------------------------------------


def profiled(image: PIL.Image.Image, profile: bytes) -> PIL.Image.Image:
    image.info["icc_profile"] = profile
    return image


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX", "P"])
def test_profile_is_applied_both_ways(mode: str) -> None:
    muted = (100 + RGBA // 4).astype(np.uint8)  # inside sRGB whatever the profile
    muted[..., 3] = RGBA[..., 3] if mode == "RGBA" else 255
    image = profiled(PIL.Image.fromarray(muted).convert(mode), WIDE)
    colours = np.asarray(image.convert("RGB"))
    ours = take(image)
    # Gamma 2.2 and the primaries of Adobe RGB, by the definitions (red's and blue's are those of sRGB, so its matrix
    # to sRGB is known), against the colour engine.
    linear = (colours / 255.0) ** 2.2
    matrix = np.linalg.inv(_to_xyz([0.64, 0.33], [0.3, 0.6], [0.15, 0.06])) @ _to_xyz(
        [0.64, 0.33], [0.21, 0.71], [0.15, 0.06]
    )
    linear = (linear @ matrix.T).clip(0, 1)
    wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(ours.pixels, wanted, atol=2e-3)
    assert np.abs(ours.pixels - colours / 255).max() > 0.02  # the profile is felt
    back = ours.give_back(ours.pixels)
    assert back.info["icc_profile"] == WIDE
    np.testing.assert_array_equal(np.asarray(back.convert("RGBA")), np.asarray(image.convert("RGBA")))


def _to_xyz(*primaries: list[float]) -> np.ndarray:
    """Linear RGB to XYZ with white D65, from chromaticities (SMPTE RP 177)."""
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    white = np.array([0.3127 / 0.329, 1.0, (1 - 0.3127 - 0.329) / 0.329])
    return columns * np.linalg.solve(columns, white)


@pytest.mark.parametrize("mode", ["L", "LA", "I;16", "I"])
def test_grey_profile_is_applied_both_ways(mode: str) -> None:
    image = profiled(image_of(mode), GREY_18)
    stored = np.atleast_3d(np.asarray(image))[..., 0].astype(np.float64)
    top = 65535 if mode.startswith("I") else 255
    linear = (stored / top) ** 1.8
    wanted = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    ours = take(image)
    np.testing.assert_allclose(ours.pixels, np.repeat(wanted[..., None], 3, 2), atol=5e-3)
    back = ours.give_back(ours.pixels)
    assert (back.mode, back.info["icc_profile"]) == (mode, GREY_18)
    found = np.atleast_3d(np.asarray(back)).astype(np.float64)
    assert np.abs(found[..., 0] - stored).max() <= top * 0.005
    if mode == "LA":
        np.testing.assert_array_equal(found[..., 1], np.asarray(image)[..., 1])


def test_profile_means_the_same_as_in_a_file(tmp_path: Path) -> None:
    image = profiled(PIL.Image.fromarray(RGBA), WIDE)
    image.save(tmp_path / "a.png", icc_profile=WIDE)
    with PIL.Image.open(tmp_path / "a.png") as opened:
        ours = take(opened)
    read = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(ours.pixels, read.pixels)
    np.testing.assert_array_equal(ours.alpha, read.alpha)


@pytest.mark.parametrize("profile", [b"rubbish", GREY_18])
def test_profile_that_cannot_be_used_is_passed_over(profile: bytes) -> None:
    image = profiled(PIL.Image.fromarray(RGBA), profile)
    ours = take(image)
    np.testing.assert_allclose(ours.pixels, RGBA[..., :3] / 255, atol=1e-7)
    back = ours.give_back(ours.pixels)
    assert back.tobytes() == image.tobytes()
    assert back.info["icc_profile"] == profile


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "key"), [("RGB", (1, 2, 3)), ("L", 7), ("1", 0)])
def test_one_transparent_colour_is_refused(mode: str, key: object) -> None:
    image = image_of(mode)
    image.info["transparency"] = key
    with pytest.raises(InputError, match="a colour that means transparent; convert it to RGBA"):
        take(image)
    assert take(image.convert("RGBA")).alpha is not None


def test_image_of_a_damaged_file_is_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.tile(RGBA, (40, 40, 1))).save(tmp_path / "a.png")
    whole = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(whole[: len(whole) // 2])
    with PIL.Image.open(tmp_path / "a.png") as opened, pytest.raises(InputError, match=r"file of the target.*damaged"):
        take(opened, "target")


def test_frames_and_lazy_files(tmp_path: Path) -> None:
    frames = [PIL.Image.new("RGB", (5, 7), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    with PIL.Image.open(tmp_path / "a.webp") as opened:
        opened.seek(1)
        np.testing.assert_allclose(take(opened).pixels[0, 0], [0, 0, 1])
        assert type(take(opened).give_back(take(opened).pixels)) is PIL.Image.Image


@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 9), width=st.integers(1, 9), mode=st.sampled_from([*EXACT, *PALETTES, *CONVERTED]))
def test_any_size(height: int, width: int, mode: str) -> None:
    image = image_of(mode).resize((width, height), PIL.Image.Resampling.NEAREST)
    ours = take(image)
    assert ours.shape == (height, width)
    assert ours.give_back(ours.pixels).size == (width, height)
