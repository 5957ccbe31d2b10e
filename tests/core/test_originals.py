"""Pictures in any form: taken as they are meant, given back as they were, or refused."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.functional import to_tensor

from decouple_contract.errors import InputError
from decouple_contract.messages import SENTENCES
from decouple_core.pictures import originals
from decouple_core.pictures.originals import FLOAT_RANGE, take
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image

RNG = np.random.default_rng(0)
RGB8 = RNG.integers(0, 256, (7, 5, 3), np.uint8)
RGBA8 = RNG.integers(0, 256, (7, 5, 4), np.uint8)

ARRAY_TYPES = ["uint8", "<u2", ">u2", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8"]
TENSOR_TYPES = [torch.uint8, torch.uint16, torch.float16, torch.bfloat16, torch.float32, torch.float64]
ORDERS = ["as it is", "upside down", "every other", "transposed", "channels apart", "read-only"]


def random_array(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Any values that a picture of this type may have."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "u":
        return rng.integers(0, np.iinfo(dtype).max, shape, endpoint=True).astype(dtype)
    return rng.uniform(*FLOAT_RANGE, shape).clip(-0.499, 1.499).astype(np.float32).astype(dtype)


def laid_out(array: np.ndarray, order: str) -> np.ndarray:
    """The same values with other strides."""
    match order:
        case "upside down":
            return np.ascontiguousarray(array[::-1, ::-1])[::-1, ::-1]
        case "every other":
            return np.repeat(np.repeat(array, 2, 0), 3, 1)[::2, ::3]
        case "transposed":
            return np.ascontiguousarray(array.swapaxes(0, 1)).swapaxes(0, 1)
        case "channels apart":
            return np.moveaxis(np.ascontiguousarray(np.moveaxis(array, -1, 0)), 0, -1)
        case "read-only":
            array.flags.writeable = False
    return array


def same_bits(ours: np.ndarray, theirs: np.ndarray) -> None:
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    assert ours.tobytes() == theirs.tobytes()  # tells −0 from 0, too


sides = st.integers(1, 6)
channels = st.sampled_from([None, 1, 2, 3, 4])


# --- arrays -------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(
    dtype=st.sampled_from(ARRAY_TYPES),
    height=sides,
    width=sides,
    channels=channels,
    order=st.sampled_from(ORDERS),
    seed=st.integers(0, 2**31),
)
def test_array_comes_back_as_it_was(
    dtype: str, height: int, width: int, channels: int | None, order: str, seed: int
) -> None:
    shape = (height, width) if channels is None else (height, width, channels)
    original = random_array(dtype, shape, seed)
    array = laid_out(original.copy(), order)
    ours = take(array)
    assert ours.shape == (height, width)
    assert ours.pixels.shape == (height, width, 3)
    assert ours.pixels.dtype == np.float32
    assert (ours.alpha is not None) == (channels in (2, 4))

    top = np.iinfo(dtype).max if np.dtype(dtype).kind == "u" else 1.0
    floats = original.reshape(height, width, -1).astype(np.float64) / top
    wanted = floats[..., :3] if channels in (3, 4) else floats[..., [0, 0, 0]]
    np.testing.assert_allclose(ours.pixels, wanted, atol=1e-7)
    if ours.alpha is not None:
        np.testing.assert_allclose(ours.alpha, floats[..., -1].clip(0.0, 1.0), atol=1e-7)

    same_bits(ours.give_back(ours.pixels), original)  # values of float64 here are those of float32
    same_bits(array, original)


@settings(max_examples=100, deadline=None)
@given(dtype=st.sampled_from(ARRAY_TYPES), channels=channels, seed=st.integers(0, 2**31))
def test_a_result_is_rounded_to_the_nearest_and_alpha_stays(dtype: str, channels: int | None, seed: int) -> None:
    array = random_array(dtype, (4, 6) if channels is None else (4, 6, channels), seed)
    result = np.random.default_rng(seed + 1).uniform(-0.2, 1.2, (4, 6, 3)).astype(np.float32)
    ours = take(array).give_back(result)
    assert (ours.dtype, ours.shape) == (array.dtype, array.shape)
    given_channels, our_channels = array.reshape(4, 6, -1), ours.reshape(4, 6, -1)
    if channels in (2, 4):
        same_bits(our_channels[..., -1].copy(), given_channels[..., -1].copy())
    colours = 3 if channels in (3, 4) else 1
    exact = result.astype(np.float64)
    if colours == 1:
        exact = exact @ np.array([[0.2126], [0.7152], [0.0722]])
    found = our_channels[..., :colours].astype(np.float64)
    if np.dtype(dtype).kind == "u":
        top = np.iinfo(dtype).max
        assert np.abs(found - exact.clip(0.0, 1.0) * top).max() <= 0.5 + 0.02 * (top > 255)  # float32 has 24 bits
    else:
        np.testing.assert_allclose(found, exact, rtol=1e-3 if dtype[1:] == "f2" else 1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_level_comes_back(dtype: str) -> None:
    levels = np.arange(np.iinfo(dtype).max + 1, dtype=dtype).reshape(-1, 64)
    for array in (levels, np.stack([levels, levels[::-1], levels[:, ::-1]], 2)):
        ours = take(array)
        same_bits(ours.give_back(ours.pixels), array)


def test_float64_keeps_what_float32_holds() -> None:
    array = np.random.default_rng(3).random((5, 4, 4))
    back = take(array).give_back(take(array).pixels)
    np.testing.assert_allclose(back[..., :3], array[..., :3], rtol=2**-24)
    same_bits(back[..., 3].copy(), array[..., 3].copy())


def test_nothing_is_copied_that_is_right_already() -> None:
    array = np.zeros((3, 4, 4), np.float32)
    for picture in (array[..., :3], array, np.zeros((3, 4), np.float32), torch.zeros(3, 3, 4)):
        memory = picture.numpy() if isinstance(picture, torch.Tensor) else picture
        assert np.shares_memory(take(picture).pixels, memory)
    with pytest.raises(ValueError, match="read-only"):
        take(array).pixels[0] = 1.0
    array[0, 0] = 0.5  # still the user's


def test_alpha_is_that_of_when_it_was_taken() -> None:
    array = RGBA8.copy()
    ours = take(array)
    array[:] = 0
    np.testing.assert_array_equal(ours.give_back(ours.pixels), RGBA8)


def test_memory_map(tmp_path: Path) -> None:
    RGB8.tofile(tmp_path / "raw")
    array = np.memmap(tmp_path / "raw", np.uint8, "r", shape=RGB8.shape)
    ours = take(array)
    back = ours.give_back(ours.pixels)
    same_bits(back, RGB8)
    assert type(back) is np.ndarray


def test_floats_may_overshoot() -> None:
    array = np.array([[FLOAT_RANGE]], np.float32).reshape(1, 2)
    same_bits(take(array).give_back(take(array).pixels), array)


# --- tensors ------------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(
    dtype=st.sampled_from(TENSOR_TYPES),
    height=sides,
    width=sides,
    channels=channels,
    channels_last=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_tensor_comes_back_as_it_was(
    dtype: torch.dtype, height: int, width: int, channels: int | None, channels_last: bool, seed: int
) -> None:
    shape = (height, width) if channels is None else (height, width, channels)
    kind = "uint8" if dtype == torch.uint8 else "uint16" if dtype == torch.uint16 else "float32"
    array = random_array(kind, shape, seed)
    tensor = torch.from_numpy(array).to(dtype)
    if channels is not None:
        tensor = tensor.permute(2, 0, 1)
    if not channels_last:
        tensor = tensor.contiguous()
    before = tensor.clone()
    ours = take(tensor)
    assert ours.shape == (height, width)
    back = ours.give_back(ours.pixels)
    assert (back.dtype, back.device, back.shape) == (tensor.dtype, tensor.device, tensor.shape)
    assert torch.equal(back, before)
    assert torch.equal(tensor, before)
    # The same picture as an array is taken as the same pixels.
    if dtype != torch.bfloat16:
        same = take(tensor.numpy() if channels is None else tensor.permute(1, 2, 0).numpy())
        np.testing.assert_array_equal(ours.pixels, same.pixels)


def test_tensor_means_what_torchvision_means() -> None:
    for image in (PIL.Image.fromarray(RGB8), PIL.Image.fromarray(RGBA8), PIL.Image.fromarray(RGB8[..., 0])):
        from_tensor, from_image = take(to_tensor(image)), take(image)
        np.testing.assert_allclose(from_tensor.pixels, from_image.pixels, atol=1e-7)
        assert (from_tensor.alpha is None) == (from_image.alpha is None)


def test_tensor_with_gradient_and_lazy_sign() -> None:
    tensor = torch.rand(3, 4, 5, requires_grad=True)
    back = take(tensor).give_back(take(tensor).pixels)
    assert not back.requires_grad
    assert torch.equal(back, tensor.detach())
    negated = torch.imag(torch.complex(torch.zeros(3, 4, 5), -torch.rand(3, 4, 5)).conj())
    assert negated.is_neg()
    np.testing.assert_array_equal(take(negated).pixels, negated.resolve_neg().permute(1, 2, 0))


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", TENSOR_TYPES, ids=str)
def test_tensor_comes_back_to_its_accelerator(dtype: torch.dtype) -> None:
    from decouple_core.model.device import pick_device

    device = pick_device("auto")
    if device.type == "mps" and dtype == torch.float64:
        pytest.skip("this accelerator has no float64")
    tensor = (torch.rand(4, 5, 6) * (200 if not dtype.is_floating_point else 1)).to(dtype).to(device)
    ours = take(tensor)
    back = ours.give_back(ours.pixels)
    assert (back.dtype, back.device) == (tensor.dtype, tensor.device)
    assert torch.equal(back.cpu(), tensor.cpu())


# --- files --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("transparent", [False, True])
def test_a_file_gives_an_array_of_its_depth(tmp_path: Path, depth: int, kind: type, transparent: bool) -> None:
    stored = random_array("uint8" if depth == 8 else "uint16", (7, 5, 4 if transparent else 3), 5)
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(stored))
    ours = take(kind(tmp_path / "a.png"))
    same_bits(ours.give_back(ours.pixels), stored)
    assert not ours.pixels.flags.writeable
    read = read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(ours.pixels, read.pixels)
    assert (ours.alpha is None) == (read.alpha is None)


def test_a_grey_file_gives_colours(tmp_path: Path) -> None:
    PIL.Image.fromarray(RGB8[..., 0]).save(tmp_path / "a.png")
    np.testing.assert_array_equal(take(tmp_path / "a.png").give_back(RGB8 / np.float32(255)), RGB8)


def test_an_array_holds_the_levels_that_a_file_would(tmp_path: Path) -> None:
    result = RNG.uniform(-0.1, 1.1, (64, 64, 3)).astype(np.float32)
    for depth, dtype in ((8, np.uint8), (16, np.uint16)):
        write_image(tmp_path / "a.png", result, bit_depth=depth)
        stored = imagecodecs.png_decode((tmp_path / "a.png").read_bytes())
        np.testing.assert_array_equal(take(np.zeros(result.shape, dtype)).give_back(result), stored)


# --- what is refused ----------------------------------------------------------------------------------------------

COMPLEX = np.zeros((4, 5), np.complex64)
REFUSED: dict[str, tuple[Any, str]] = {
    "list": ([[0, 1], [1, 0]], "is of type list; give a NumPy array"),
    "nothing": (None, "NoneType"),
    "bytes": (b"picture.png", "is of type bytes"),
    "number": (np.float32(1), "is of type float32"),
    "integers": (np.zeros((4, 5, 3), np.int64), "type int64; convert it to uint8"),
    "bytes with a sign": (np.zeros((4, 5, 3), np.int8), "type int8"),
    "boolean": (np.zeros((4, 5), bool), "type bool"),
    "complex": (COMPLEX, "type complex64"),
    "objects": (np.zeros((4, 5), object), "type object"),
    "text": (np.full((4, 5), "a"), "type str"),
    "record": (np.zeros((4, 5), [("r", "u1"), ("g", "u1")]), "type void"),
    "times": (np.zeros((4, 5), "M8[s]"), "type datetime64"),
    "long double": (np.zeros((4, 5), np.longdouble), "numbers of type"),
    "masked": (np.ma.masked_less(RGB8, 9), "masked array"),
    "matrix of one dimension": (np.zeros(5, np.uint8), r"dimensions \(1\).*\(height, width, channels\)"),
    "scalar": (np.array(1, np.uint8), r"dimensions \(0\)"),
    "batch": (np.zeros((1, 4, 5, 3), np.uint8), r"dimensions \(4\)"),
    "channels first": (np.zeros((3, 40, 50), np.uint8), r"\(3, 40, 50\).*channels first.*moveaxis\(array, 0, -1\)"),
    "no channel": (np.zeros((40, 50, 0), np.uint8), r"\(40, 50, 0\); give 1 channel"),
    "five channels": (np.zeros((40, 50, 5), np.uint8), r"\(40, 50, 5\); give 1 channel"),
    "no row": (np.zeros((0, 5, 3), np.uint8), "no pixels"),
    "no column": (np.zeros((5, 0), np.float32), "no pixels"),
    "levels": (np.array([[0.0, 127.5, 254.9]]), "from 0 to 254.9 and looks like levels; divide it by 255"),
    "deep levels": (np.array([[0.0, 60000.0]]), "divide it by 65535"),
    "signed": (np.array([[-1.0, 1.0]]), r"from -1 to 1, but in floats black is 0 and white is 1, with -0.5 to 1.5"),
    "in deviations": (np.array([[-2.1, 2.6]]), r"from -2.1 to 2.6"),
    "bright": (np.array([[0.0, 4.0]]), "from 0 to 4, but in floats"),
    "huge": (np.array([[0.0, 1e300]]), r"1e\+300"),
    "no number": (np.array([[0.5, np.nan]], np.float16), "not numbers"),
    "infinite": (np.array([[0.5, -np.inf]]), "not numbers"),
    "no number in alpha": (np.full((2, 2, 4), [0, 0, 0, np.nan]), "not numbers"),
    "integer tensor": (torch.zeros(3, 4, 5, dtype=torch.int64), "type int64"),
    "boolean tensor": (torch.zeros(4, 5, dtype=torch.bool), "type bool"),
    "complex tensor": (torch.zeros(4, 5, dtype=torch.complex64), "type complex64"),
    "tensor of 8-bit floats": (torch.zeros(4, 5, dtype=torch.float8_e4m3fn), "type float8_e4m3fn"),
    "channels last": (torch.zeros(40, 50, 3), r"\(40, 50, 3\).*channels last.*permute\(2, 0, 1\)"),
    "tensor of five channels": (torch.zeros(5, 40, 50), r"\(5, 40, 50\); give 1 channel"),
    "tensor of a batch": (torch.zeros(1, 3, 40, 50), r"dimensions \(4\).*\(channels, height, width\)"),
    "tensor without pixels": (torch.zeros(3, 0, 50), "no pixels"),
    "tensor of levels": (torch.full((3, 4, 5), 200.0), "divide it by 255"),
    "tensor with no number": (torch.full((3, 4, 5), torch.nan, dtype=torch.bfloat16), "not numbers"),
    "sparse": (torch.zeros(4, 5).to_sparse(), "sparse, quantised or without values"),
    "without values": (torch.zeros(3, 4, 5, device="meta"), "sparse, quantised or without values"),
    "Pillow's floats as levels": (PIL.Image.fromarray(RGB8[..., 0]).convert("F"), "divide it by 255"),
    "Pillow's integers": (PIL.Image.new("I", (5, 4), 70000), "mode I mean 0 to 65535"),
    "Pillow's negative integers": (PIL.Image.new("I", (5, 4), -1), "from -1 to -1"),
    "no file": ("there/is/no such file.png", "no such file"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_have_to_be_guessed_is_refused(name: str) -> None:
    picture, words = REFUSED[name]
    with pytest.raises(InputError, match=words) as refusal:
        take(picture, "style picture")
    sentence = str(refusal.value)
    assert sentence.endswith(".")
    assert refusal.value.message.code in SENTENCES
    if refusal.value.message.code.startswith("given-"):
        assert sentence.startswith("The style picture ")


# --- words --------------------------------------------------------------------------------------------------------


def test_examples() -> None:
    results = doctest.testmod(originals)
    assert results.attempted
    assert not results.failed
