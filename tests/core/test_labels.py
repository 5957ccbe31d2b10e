"""Regions: told by their colours, and matched between target and style."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_core.pictures.labels import NO_REGION, labels_of, read_labels, region_masks

RNG = np.random.default_rng(0)


def save(path: Path, array: np.ndarray, **options: object) -> Path:
    PIL.Image.fromarray(array).save(path, **options)
    return path


def test_labels_survive_a_lossy_format_and_soft_edges(tmp_path: Path) -> None:
    regions = np.zeros((64, 96, 3), np.uint8)
    regions[:, 32:64] = 0, 255, 0
    regions[:, 64:] = 255, 255, 255
    exact = read_labels(save(tmp_path / "a.png", regions), (64, 96))
    assert len(np.unique(exact)) == 3
    for column in (0, 40, 80):
        assert len(np.unique(exact[:, column])) == 1
    lossy = read_labels(save(tmp_path / "a.jpg", regions, quality=80), (64, 96))
    assert set(np.unique(lossy)) == set(np.unique(exact))
    assert (lossy == exact).mean() > 0.97
    # The same colours in another picture have the same labels.
    other = read_labels(save(tmp_path / "b.png", regions[:, 64:]), (64, 32))
    assert (other == exact[0, 80]).all()


def test_labels_without_flat_colours(tmp_path: Path) -> None:
    noise = RNG.integers(0, 256, (256, 256, 3), np.uint8)
    with pytest.raises(InputError, match="has no flat colours"):
        read_labels(save(tmp_path / "a.png", noise), (256, 256))


def test_labels_end_where_their_layer_does() -> None:
    colours = np.zeros((40, 60, 3), np.float32)
    colours[:, 30:] = 1.0, 0.0, 0.5
    alpha = np.ones((40, 60), np.float32)
    alpha[:10], alpha[10:20] = 0.0, 0.49
    colours[:10] = np.nan  # nobody sees it
    colours[30, 5] = 7.0, -3.0, np.inf  # a float image may hold anything
    labels = labels_of(colours, alpha, "The layer")
    assert (labels[:20] == NO_REGION).all()
    assert len(np.unique(labels[20:])) == 2
    right = np.arange(60)[None, :].repeat(20, 0) >= 30
    right[10, 5] = True  # the nearest colour that is a region's
    assert (labels[20:] == np.where(right, labels[20, -1], labels[20, 0])).all()
    with pytest.raises(InputError, match="The layer has no flat colours"):
        labels_of(colours, 0.4 * alpha, "The layer")


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**31), labels=st.integers(1, 5))
def test_masks_from_labels(seed: int, labels: int) -> None:
    rng = np.random.default_rng(seed)
    target, style = rng.integers(0, labels, (6, 7)), rng.integers(0, labels + 2, (5, 4))
    common = set(target.flat) & set(style.flat)
    if not common:
        with pytest.raises(InputError, match="no colour in common"):
            region_masks((target, style))
        return
    ours = region_masks((target, style))
    assert len(ours[0]) == len(ours[1]) == len(common)
    for label, t, s in zip(sorted(common), *ours, strict=True):
        np.testing.assert_array_equal(t, target == label)
        np.testing.assert_array_equal(s, style == label)
        assert t.dtype == s.dtype == np.float32


def test_masks_limit_regions_and_leave_out_what_they_leave_too_little_of() -> None:
    labels = np.repeat(np.array([[-1, 0, 1, 2]], np.int32), 100, 0).repeat(25, 1)
    mask = np.full(labels.shape, 0.5, np.float32)
    mask[:, 50:75] = 0.0
    mask[0, 50] = 1.0  # one pixel of region 1 can be seen, out of 2500
    target, style = region_masks((labels, labels), (mask, None))
    assert len(target) == len(style) == 2
    for label, t, s in zip((0, 2), target, style, strict=True):
        np.testing.assert_array_equal(t, 0.5 * (labels == label))
        np.testing.assert_array_equal(s, labels == label)
    # The other way round, the same regions are left.
    assert [m.sum() for m in region_masks((labels, labels), (None, mask))[0]] == [2500, 2500]
    with pytest.raises(InputError, match="no colour in common"):
        region_masks((labels, labels), ((labels == 0).astype(np.float32), (labels == 2).astype(np.float32)))
    with pytest.raises(InputError, match="no colour in common"):
        region_masks((np.full((3, 3), -1), np.full((3, 3), -1)))
    with pytest.raises(InputError, match="differ in size"):
        region_masks((labels, labels), (mask.T[:50], None))
