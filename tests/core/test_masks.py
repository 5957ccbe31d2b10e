"""Masks and labels in any form: taken as they are meant, or refused."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_core.pictures import masks
from decouple_core.pictures.labels import read_labels
from decouple_core.pictures.masks import take_labels, take_mask
from decouple_core.pictures.reading import read_mask

RNG = np.random.default_rng(0)
RGBA8 = RNG.integers(0, 256, (7, 5, 4), np.uint8)

# --- masks --------------------------------------------------------------------------------------------------------


def test_mask_of_every_kind() -> None:
    levels = RNG.integers(0, 256, (4, 5), np.uint8)
    wanted = levels / 255
    masks = [
        levels,
        levels[..., None],
        levels.astype(np.uint16) * 257,
        (levels / 255),
        (levels / 255).astype(">f4"),
        torch.from_numpy(levels),
        torch.from_numpy(levels)[None],
        torch.from_numpy(levels / 255),
        PIL.Image.fromarray(levels),
        PIL.Image.fromarray(levels).convert("RGB"),
        PIL.Image.merge("LA", [PIL.Image.new("L", (5, 4), 255), PIL.Image.fromarray(levels)]),
        PIL.Image.fromarray((levels / 255).astype(np.float32)),
    ]
    for mask in masks:
        ours = take_mask(mask, (4, 5))
        assert (ours.dtype, ours.shape) == (np.float32, (4, 5))
        np.testing.assert_allclose(ours, wanted, atol=1e-6)
    yes = levels > 100
    for mask in (yes, torch.from_numpy(yes), PIL.Image.fromarray(yes), yes[::-1][::-1]):
        np.testing.assert_array_equal(take_mask(mask, (4, 5)), yes)
    np.testing.assert_array_equal(take_mask(np.array([[-1e-4, 1 + 1e-4]]), (1, 2)), [[0, 1]])


def test_mask_is_not_changed_or_shared() -> None:
    mask = np.array([[0.25, 1.0]], np.float32)
    ours = take_mask(mask, (1, 2))
    ours[:] = 0
    np.testing.assert_array_equal(mask, [[0.25, 1.0]])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_mask_of_pillow_is_that_of_its_file(tmp_path: Path, mode: str) -> None:
    image = PIL.Image.fromarray(RGBA8).convert(mode)
    image.save(tmp_path / "a.png")
    np.testing.assert_allclose(take_mask(image, (7, 5)), read_mask(tmp_path / "a.png", (7, 5)), atol=1e-6)
    np.testing.assert_array_equal(take_mask(str(tmp_path / "a.png"), (7, 5)), read_mask(tmp_path / "a.png", (7, 5)))


REFUSED_MASKS: dict[str, tuple[Any, str]] = {
    "list": ([[0, 1]], "is of type list"),
    "integers": (np.ones((4, 5), np.int64), "type int64; make it boolean"),
    "size": (np.ones((5, 4), bool), "4×5 pixels but the picture it belongs to is 5×4"),
    "size of an image": (PIL.Image.new("L", (4, 5), 255), "4×5 pixels"),
    "colours": (np.ones((4, 5, 3), np.uint8), r"\(4, 5, 3\); give one number for each pixel"),
    "tensor with channels last": (torch.ones(4, 5, 1), "one number for each pixel"),
    "ones of 255": (np.eye(4, 5, dtype=np.uint8), "no value above 1, but in its type uint8 full strength is 255"),
    "ones of 65535": (np.eye(4, 5, dtype=np.uint16), "multiply it by 65535"),
    "levels": (np.full((4, 5), 255.0), "from 255 to 255, but a mask in floats goes from 0 to 1"),
    "negative": (np.full((4, 5), -0.1), "from -0.1"),
    "no number": (np.full((4, 5), np.nan), "not numbers"),
    "empty": (np.zeros((4, 5), bool), "mask or selection is empty"),
    "no file": ("there/is/no such file.png", "no such file"),
}


@pytest.mark.parametrize("name", REFUSED_MASKS)
def test_mask_that_says_nothing_clear_is_refused(name: str) -> None:
    mask, words = REFUSED_MASKS[name]
    with pytest.raises(InputError, match=words):
        take_mask(mask, (4, 5), "target mask")


# --- labels -------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(dtype=st.sampled_from(["i1", "u1", "<i2", ">i4", "u4", "i8", "u8"]), seed=st.integers(0, 2**31))
def test_labels_stay_as_they_are(dtype: str, seed: int) -> None:
    least = -5 if np.dtype(dtype).kind == "i" else 0
    labels = np.random.default_rng(seed).integers(least, 100, (4, 5)).astype(dtype)
    for ours in (
        take_labels(labels, (4, 5)),
        take_labels(labels[..., None], (4, 5)),
        take_labels(torch.from_numpy(labels.astype(np.dtype(dtype).newbyteorder("="))), (4, 5)),
    ):
        assert ours.dtype == np.int32
        np.testing.assert_array_equal(ours, labels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_labels_of_pillow_are_those_of_the_file(tmp_path: Path, mode: str) -> None:
    colours = np.zeros((20, 30, 3), np.uint8)
    colours[:, 10:20], colours[:, 20:] = (255, 0, 0), (0, 128, 255)
    image = PIL.Image.fromarray(colours).convert(mode)
    image.save(tmp_path / "a.png")
    ours = take_labels(image, (20, 30))
    assert len(np.unique(ours)) == 3
    np.testing.assert_array_equal(ours, read_labels(tmp_path / "a.png", (20, 30)))
    np.testing.assert_array_equal(ours, take_labels(tmp_path / "a.png", (20, 30)))


REFUSED_LABELS: dict[str, tuple[Any, str]] = {
    "list": ([[0, 1]], "is of type list"),
    "floats": (np.ones((4, 5)), "type float64; give integers"),
    "boolean": (torch.ones(4, 5, dtype=torch.bool), "type bool; give integers"),
    "size": (np.ones((5, 4), np.uint8), "4×5 pixels"),
    "colours": (np.ones((4, 5, 3), np.uint8), "one number for each pixel"),
    "large": (np.full((4, 5), 2**31), "beyond 32 bits"),
    "larger": (np.full((4, 5), 2**63, np.uint64), "beyond 32 bits"),
    "noise": (PIL.Image.fromarray(RNG.integers(0, 256, (4, 5, 3), np.uint8)), "^The label image has no flat colours"),
}


@pytest.mark.parametrize("name", REFUSED_LABELS)
def test_labels_that_say_nothing_clear_are_refused(name: str) -> None:
    labels, words = REFUSED_LABELS[name]
    with pytest.raises(InputError, match=words):
        take_labels(labels, (4, 5))


def test_examples() -> None:
    results = doctest.testmod(masks)
    assert results.attempted
    assert not results.failed
