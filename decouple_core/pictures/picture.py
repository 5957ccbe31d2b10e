"""An image as the core works on it: small for the flow, larger for what needs detail, with its regions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from decouple_core.contract.errors import InputError
from decouple_core.features.colour import ColourMap, ColourMoments
from decouple_core.pictures.resampling import shrink, shrink_mask

MOMENTS_SIZE = 512
"""Longer side, in pixels, at which colour moments are measured: the working size would lose the detail's share."""

DETAIL_SIZE = 256
"""Longer side, in pixels, at which the photograph's field is corrected: relu3_1 sees detail that the flow does not."""

REGION_SHARE = 0.005
"""Less than this of what a picture shows and selects is too little to be dressed, or to take a style from: at the
working size of 128 it would be some 50 pixels."""


@dataclass(frozen=True)
class Scale:
    """An image at one size.

    Attributes
    ----------
    image : Tensor
        Shape (3, h, w).
    masks : Tensor or None
        Soft masks of R regions, shape (R, h, w) in [0, 1].
    """

    image: Tensor
    masks: Tensor | None

    @classmethod
    def of(cls, pixels: np.ndarray, masks: Sequence[np.ndarray], size: int, device: torch.device) -> Scale:
        """Shrink pixels (H, W, 3) and masks (H, W); what no mask takes in does not count beside what one does."""
        image = shrink(pixels, size, np.clip(sum(masks), 0.0, 1.0) if masks else None)
        grid = (image.shape[1], image.shape[2])
        small = torch.stack([shrink_mask(m, grid) for m in masks]).to(device) if masks else None
        return cls(image.to(device), small)

    def shrunk(self, size: int) -> Scale:
        """The same at a smaller size, in a fraction of the time that it takes from the full one."""
        if size >= max(self.image.shape[1:]):
            return self
        pixels = self.image.permute(1, 2, 0).cpu().numpy()
        masks = [] if self.masks is None else list(self.masks.cpu().numpy())
        return Scale.of(pixels, masks, size, self.image.device)

    def to(self, device: torch.device) -> Scale:
        """The same on another device."""
        return Scale(self.image.to(device), None if self.masks is None else self.masks.to(device))

    @property
    def shares(self) -> Tensor:
        """How much of each pixel belongs to each region, (R, h, w), summing to at most 1."""
        if self.masks is None:
            return torch.ones_like(self.image[:1])
        return self.masks / self.masks.sum(0).clamp_min(1.0)

    def colours(self, image: Tensor | None = None) -> tuple[ColourMoments, ...]:
        """Colour moments of each region, of this image or of another one on the same grid."""
        image = self.image if image is None else image
        if self.masks is None:
            return (ColourMoments.of(image),)
        return tuple(ColourMoments.of(image, mask) for mask in self.masks)

    def recoloured(self, image: Tensor, maps: Sequence[ColourMap]) -> Tensor:
        """An image (3, h, w) on this grid with the colours of each region mapped by its own map."""
        shares = self.shares
        mapped = image * (1.0 - shares.sum(0))
        for colour_map, share in zip(maps, shares, strict=True):
            mapped = mapped + colour_map(image) * share
        return mapped


@dataclass(frozen=True)
class Picture:
    """An image at the working size, at `DETAIL_SIZE` and at `MOMENTS_SIZE`."""

    small: Scale
    detail: Scale
    medium: Scale

    @classmethod
    def of(cls, pixels: np.ndarray, masks: Sequence[np.ndarray], size: int, device: torch.device) -> Picture:
        """Shrink pixels, shape (H, W, 3), and the masks of its regions, each (H, W), to all sizes.

        Raises
        ------
        InputError
            For pixels without area, values that are no numbers, a mask of another size or an empty one.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise InputError("The image has no pixels; choose one with content.")
        if any(mask.shape != pixels.shape[:2] for mask in masks):
            raise InputError("The mask and its image differ in size; give a mask of the image's own size.")
        medium = Scale.of(pixels, masks, max(size, MOMENTS_SIZE), device)
        return cls(medium.shrunk(size), medium.shrunk(max(size, DETAIL_SIZE)), medium)

    def to(self, device: torch.device) -> Picture:
        """The same on another device."""
        return Picture(self.small.to(device), self.detail.to(device), self.medium.to(device))

    @property
    def regions(self) -> int:
        """R, at least 1."""
        return 1 if self.small.masks is None else self.small.masks.shape[0]

    def key(self) -> str:
        """A fingerprint of all that a transfer takes from it."""
        digest = hashlib.sha256()
        for scale in (self.small, self.detail, self.medium):
            for tensor in (scale.image, scale.masks):
                if tensor is not None:
                    digest.update(repr(tuple(tensor.shape)).encode())
                    digest.update(tensor.cpu().numpy().tobytes())
        return digest.hexdigest()


def region_masks(labels: tuple[np.ndarray, np.ndarray],
                 masks: tuple[np.ndarray | None, np.ndarray | None] = (None, None),
                 ) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Masks of corresponding regions from label images of target and style, one pair for every common label.

    Parameters
    ----------
    labels : pair of ndarray
        Integers, (H, W) each; a negative one corresponds to nothing.
    masks : pair of ndarray or None
        What takes part of target and style, (H, W) each in [0, 1]: each region's mask is multiplied by it. Regions of
        which it leaves less than `REGION_SHARE` on either side are left out.

    Raises
    ------
    InputError
        When the two have no label in common, or labels or masks differ in size.
    """
    if any(mask is not None and mask.shape != side.shape for side, mask in zip(labels, masks, strict=True)):
        raise InputError("The mask and its image differ in size; give a mask of the image's own size.")
    common = np.intersect1d(_seen(labels[0], masks[0]), _seen(labels[1], masks[1]))
    if not common.size:
        raise InputError("The regions have no colour in common where target and style are visible and selected; paint "
                         "matching regions in the same colour.")
    target, style = ([(side == label).astype(np.float32) if mask is None else np.where(side == label, mask, 0)
                      for label in common] for side, mask in zip(labels, masks, strict=True))
    return target, style


def _seen(labels: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The labels of which a mask leaves enough."""
    found = np.unique(labels)
    if mask is None:
        return found[found >= 0]
    weights = np.array([mask[labels == label].sum(dtype=np.float64) for label in found])
    return found[(found >= 0) & (weights > 0) & (weights >= REGION_SHARE * weights.sum())]
