"""A family of pictures that a target can be carried to, given by parameters θ: x(θ) = box(B θ), with B linear.

What the photograph's steps ask of one stands here; `bilateral_grid.BilateralGrid` is that of this project. A new one is
one more subclass, handed to `photograph.Photograph`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from decouple_core.features.colour import ColourMap


class Parametrisation(ABC):
    """B and Bᵀ at one image, or at a stripe of it.

    Parameters
    ----------
    image : Tensor
        The target, shape (3, H, W), or a stripe of it.
    shape : sequence of int, optional
        Of the parameters; by the proportions of the image if left out.
    top, bottom : float
        Where the stripe begins and ends, as shares of the whole image's height.
    """

    image: Tensor

    @abstractmethod
    def __init__(
        self, image: Tensor, shape: Sequence[int] | None = None, top: float = 0.0, bottom: float = 1.0
    ) -> None: ...

    @abstractmethod
    def apply(self, parameters: Tensor) -> Tensor:
        """B·θ, colours of the image's shape."""

    @abstractmethod
    def adjoint(self, colours: Tensor) -> Tensor:
        """Bᵀ·x, of the parameters' shape."""

    @abstractmethod
    def constant(self, colour_map: ColourMap) -> Tensor:
        """The parameters that apply one map everywhere."""

    @abstractmethod
    def smooth(self, parameters: Tensor) -> Tensor:
        """L, symmetric, up to a factor: makes the smallest change of the parameters a smooth one."""

    @classmethod
    @abstractmethod
    def followed(cls, parameters: Tensor, maps: Sequence[ColourMap], shares: Tensor) -> Tensor:
        """The parameters whose colours are then mapped, by one affine map for each of R regions.

        Parameters
        ----------
        parameters : Tensor
        maps : sequence of ColourMap
        shares : Tensor
            Shape (R, H, W), on any grid, summing to at most 1 over R: how much of each place belongs to each region.
            The rest stays as it is.
        """
