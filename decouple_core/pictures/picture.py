"""An image as the core works on it: small for the flow, larger for what needs detail, with its regions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.features.colour import ColourMap, ColourMoments
from decouple_core.features.identity import identity_of
from decouple_core.pictures.resampling import shrink, shrink_mask

CPU = torch.device("cpu")

MOMENTS_SIZE = 512
"""Longer side, in pixels, at which colour moments are measured: the working size would lose the detail's share."""

DETAIL_SIZE = 256
"""Longer side, in pixels, at which the photograph's field is corrected: relu3_1 sees detail that the flow does not."""


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
    def of(
        cls,
        pixels: np.ndarray,
        masks: Sequence[np.ndarray],
        size: int,
        device: torch.device,
        seen: np.ndarray | None = None,
    ) -> Scale:
        """Shrink pixels (H, W, 3) and masks (H, W); what no mask takes in does not count beside what one does.

        See `resampling.shrink` for what is `seen`, (H, W).
        """
        weights = np.clip(sum(masks), 0.0, 1.0) if masks and masks[0] is not seen else None
        image = shrink(pixels, size, weights, seen)
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
    """An image at the flow's size, at `DETAIL_SIZE`, at `MOMENTS_SIZE`, and where it is painted at the finest scale.

    Attributes
    ----------
    small, detail, medium : Scale
    finest : Scale or None
    identity : str
        Of all that a transfer takes from it, but for the finest scale.
    finest_identity : str
        Of the finest scale.
    """

    small: Scale
    detail: Scale
    medium: Scale
    finest: Scale | None
    identity: str
    finest_identity: str

    @classmethod
    def of(
        cls,
        pixels: np.ndarray,
        masks: Sequence[np.ndarray],
        size: int,
        device: torch.device,
        finest: int = 0,
        seen: np.ndarray | None = None,
    ) -> Picture:
        """Shrink pixels, shape (H, W, 3), and the masks of its regions, each (H, W), to all sizes.

        Parameters
        ----------
        pixels : ndarray
        masks : sequence of ndarray
        size : int
            Longer side, in pixels, for the flow.
        device : torch.device
        finest : int
            Longer side, in pixels, for the finest scale of a painting; 0 for none.
        seen : ndarray, optional
            Shape (H, W), 0 where the pixels' colours are to have no part in anything, as under holes of the opacity.

        Raises
        ------
        InputError
            For pixels without area, values that are no numbers, a mask of another size or an empty one.
        """
        if pixels.ndim != 3 or pixels.shape[2] != 3 or 0 in pixels.shape:
            raise InputError("image-empty")
        if any(mask.shape != pixels.shape[:2] for mask in masks):
            raise InputError("mask-size")
        medium = Scale.of(pixels, masks, max(size, MOMENTS_SIZE), CPU, seen)
        scales = medium.shrunk(size), medium.shrunk(max(size, DETAIL_SIZE)), medium
        most = Scale.of(pixels, masks, finest, CPU, seen) if finest else None
        # Taken here, where the numbers are: an accelerator would have to hand them over.
        identities = (
            identity_of(*((scale.image, scale.masks) for scale in parts if scale)) for parts in (scales, (most,))
        )
        return cls(*scales, most, *identities).to(device)

    def to(self, device: torch.device) -> Picture:
        """The same on another device."""
        return replace(
            self,
            small=self.small.to(device),
            detail=self.detail.to(device),
            medium=self.medium.to(device),
            finest=self.finest.to(device) if self.finest else None,
        )

    @property
    def regions(self) -> int:
        """R, at least 1."""
        return 1 if self.small.masks is None else self.small.masks.shape[0]
