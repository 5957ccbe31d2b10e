"""Regions: flat colours in label images, and the masks of what corresponds in target and style."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures.raw import unit_range
from decouple_core.pictures.reading import read_beside

Labels = tuple[np.ndarray, np.ndarray]
"""Integer labels of target and style, (H, W) each; equal labels correspond, negative ones belong to no region."""

LABEL_LEVELS = 4
"""Colours of label images are rounded to this many steps per channel. The resulting levels 0, 64, 128, 191, 255 are
the colours people pick by hand, and the roundings' borders (32, 96, 159, 223) are as far from those as can be."""
LABEL_REACH = 2
"""A region has places that are flat this many pixels around; the soft edge between two others has hardly any."""
LABEL_SHARE = 0.005
"""A label whose flat places cover less of the picture than this is no region. With a reach of 2 this keeps the edges
of a JPEG at quality 80 from becoming regions (tests/core/test_labels.py)."""
NO_REGION = -1
"""The label of what belongs to no region; any negative one says so."""
LABEL_OPACITY = 0.5
"""Alpha from which a label counts, half way: the border of a soft brush ends where it seems to."""

REGION_SHARE = 0.005
"""Less than this of what a picture shows and selects is too little to be stylised, or to take a style from: at the
working size of 128 it would be some 50 pixels."""


def read_labels(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Read a label image: every flat colour is one region.

    Equal colours give equal labels in all files, and small deviations (a lossy format, soft edges) are absorbed.

    Parameters
    ----------
    path : str or Path
    shape : (int, int)
        Height and width of the picture that the labels belong to.

    Returns
    -------
    np.ndarray, (H, W) int32
        Labels in [0, 125), not consecutive; each has flat places on at least `LABEL_SHARE` of the picture.

    Raises
    ------
    InputError
        As `read_image`, and for labels of another size or a picture without flat colours.
    """
    colours = np.broadcast_to(unit_range(read_beside(path, shape).values)[..., :3], (*shape, 3))
    return labels_of(colours, None, Message("label-image", path=str(path)))


def labels_of(colours: np.ndarray, alpha: np.ndarray | None, what: str | Message) -> np.ndarray:
    """Tell the regions of a label image apart, as `read_labels` does.

    Parameters
    ----------
    colours : np.ndarray, (H, W, 3) float
        Nominally in [0, 1].
    alpha : np.ndarray, (H, W) float, or None
        What is more transparent than opaque belongs to no region; None where all does belong to one.
    what : str or Message
        What an error calls it.

    Returns
    -------
    np.ndarray, (H, W) int32
        Labels as of `read_labels`, and `NO_REGION`.

    Raises
    ------
    InputError
        For a picture without flat colours.
    """
    base = LABEL_LEVELS + 1
    weights = (base**2, base, 1)
    labels = np.zeros(colours.shape[:2], np.int32)
    for channel, weight in enumerate(weights):
        values = np.nan_to_num(np.clip(colours[..., channel], 0.0, 1.0))  # a float image may hold anything
        labels += weight * np.rint(values * LABEL_LEVELS).astype(np.int32)
    if alpha is not None:
        labels[~(alpha >= LABEL_OPACITY)] = NO_REGION
    share = np.bincount(labels[_flat(labels) & (labels != NO_REGION)], minlength=base**3) / labels.size
    regions = np.flatnonzero(share >= LABEL_SHARE)
    if not regions.size:
        raise InputError("labels-unclear", labels=what)
    palette = np.stack([np.arange(base**3) // w % base for w in weights], axis=1)
    distances = ((palette[:, None, :] - palette[regions][None, :, :]) ** 2).sum(axis=2)
    nearest = regions[distances.argmin(axis=1)].astype(np.int32)
    return np.append(nearest, np.int32(NO_REGION))[labels]  # the last is also number -1


def region_masks(
    labels: Labels, masks: tuple[np.ndarray | None, np.ndarray | None] = (None, None)
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Masks of corresponding regions from label images of target and style, one pair for every common label.

    Parameters
    ----------
    labels : Labels
    masks : pair of ndarray or None
        What takes part of target and style, (H, W) each in [0, 1]: each region's mask is multiplied by it. Regions of
        which it leaves less than `REGION_SHARE` on either side are left out.

    Raises
    ------
    InputError
        When the two have no label in common, or labels or masks differ in size.
    """
    if any(mask is not None and mask.shape != side.shape for side, mask in zip(labels, masks, strict=True)):
        raise InputError("mask-size")
    common = np.intersect1d(_seen(labels[0], masks[0]), _seen(labels[1], masks[1]))
    if not common.size:
        raise InputError("regions-apart")
    target, style = (
        [(side == label).astype(np.float32) if mask is None else np.where(side == label, mask, 0) for label in common]
        for side, mask in zip(labels, masks, strict=True)
    )
    return target, style


def _seen(labels: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The labels of which a mask leaves enough."""
    found = np.unique(labels)
    if mask is None:
        return found[found >= 0]
    weights = np.array([mask[labels == label].sum(dtype=np.float64) for label in found])
    return found[(found >= 0) & (weights > 0) & (weights >= REGION_SHARE * weights.sum())]


def _flat(labels: np.ndarray) -> np.ndarray:
    """Where all labels within `LABEL_REACH` are equal; beyond the border, the picture goes on as it ends."""
    flat = np.ones(labels.shape, bool)
    for axis in (0, 1):
        widened = np.pad(labels, [(LABEL_REACH, LABEL_REACH) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        run = np.lib.stride_tricks.sliding_window_view(widened, 2 * LABEL_REACH + 1, axis=axis)
        flat &= run.min(axis=-1) == run.max(axis=-1)
    return flat
