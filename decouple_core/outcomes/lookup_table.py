"""A look as a table of colours, for other programs and for other pictures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.tables import MOST_NODES
from decouple_core.pictures.originals import take
from decouple_core.pictures.table_files import read_table, stored_nodes, write_table

LEAST_READ, MOST_READ = 2, 256
"""Nodes along each axis: the least that makes a table, and a HaldCLUT's that has one for each level of 8 bits."""

STRIPE_PIXELS = 2**20
"""Pixels looked up at once: their places and colours take some 30 MB."""


@dataclass(frozen=True)
class Nearness:
    """How far what a table makes of a picture lies from what it was fitted to, as ΔE₀₀.

    Attributes
    ----------
    mean, p95 : float
        The mean, and what 95 % of the pixels stay below.
    """

    mean: float
    p95: float


@dataclass(frozen=True, eq=False)
class LookupTable:
    """What becomes of each colour, at the nodes of a grid; between them it is interpolated linearly along each axis.

    Attributes
    ----------
    colours : ndarray
        Shape (N, N, N, 3), float32, sRGB-encoded: by red, green and blue of the input, from 0 to 1 along each axis.
    title : str
        For people; in a ``.cube`` file.
    nearness : Nearness or None
        How near the table comes to the look that it was fitted to; None for one from a file.
    curves : ndarray or None
        Shape (K, 3), float32: what becomes of each channel before it is looked up, at K places from 0 to 1, as some
        files have it. Between the places it is interpolated linearly.

    Raises
    ------
    InputError
        For colours of another shape, or that are no numbers.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> import pathlib, tempfile
    >>> ramp = np.linspace(0, 1, 17, dtype=np.float32)
    >>> inverse = dc.LookupTable(1 - np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), -1), "inverse")
    >>> inverse.apply(np.array([[[0, 100, 255]]], np.uint8))
    array([[[255, 155,   0]]], dtype=uint8)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder) / "inverse.cube"
    ...     inverse.save(file)
    ...     again = dc.LookupTable.load(file)
    >>> again.title, again.nodes
    ('inverse', 17)
    """

    colours: np.ndarray
    title: str = ""
    nearness: Nearness | None = None
    curves: np.ndarray | None = None

    def __post_init__(self) -> None:
        colours = np.asarray(self.colours)
        nodes = len(colours) if colours.ndim else 0
        if colours.shape != (nodes, nodes, nodes, 3) or not LEAST_READ <= nodes <= MOST_READ or not _numbers(colours):
            raise InputError("table-shape", shape=str(colours.shape), least=LEAST_READ, most=MOST_READ)
        object.__setattr__(self, "colours", np.ascontiguousarray(colours, np.float32))
        if self.curves is not None:
            curves = np.asarray(self.curves)
            if curves.ndim != 2 or curves.shape[1] != 3 or len(curves) < 2 or not _numbers(curves):
                raise InputError("curves-shape", shape=str(curves.shape))
            object.__setattr__(self, "curves", np.ascontiguousarray(curves, np.float32))

    @property
    def nodes(self) -> int:
        """N, along each axis."""
        return len(self.colours)

    @overload
    def apply(self, picture: np.ndarray | str | os.PathLike[str]) -> np.ndarray: ...
    @overload
    def apply(self, picture: PIL.Image.Image) -> PIL.Image.Image: ...
    @overload
    def apply(self, picture: Tensor) -> Tensor: ...

    def apply(self, picture: Any) -> Any:
        """A picture with its colours looked up.

        Parameters
        ----------
        picture : ndarray, PIL.Image.Image, Tensor or path
            As the target of `Session.transfer`.

        Returns
        -------
        ndarray, PIL.Image.Image or Tensor
            As `Result.image`: what the picture was, with its alpha.

        Raises
        ------
        InputError
            For a picture that cannot be used.
        """
        given = take(picture)
        return given.give_back(self.looked_up(given.pixels))

    def looked_up(self, pixels: np.ndarray) -> np.ndarray:
        """What becomes of pixels (…, 3) in [0, 1]; what is outside is clipped."""
        if self.curves is not None:
            pixels = curved(self.curves, pixels)
        return looked_up(self.colours, pixels)

    def save(self, path: str | Path) -> None:
        """Write a ``.cube`` file or, as ``.png``, a HaldCLUT of 16 bits, beside first and then renamed.

        Neither holds curves: a table with them is written as one of 65 nodes, or of 64.

        Raises
        ------
        InputError
            When the file cannot be written, or cannot hold so many nodes: ``.cube`` has 129 at most, a HaldCLUT the
            square of 2 to 16.
        """
        colours = self.colours
        if self.curves is not None:
            colours = self.looked_up(identity(stored_nodes(Path(path).suffix, MOST_NODES)))
        write_table(path, colours, self.title)

    @classmethod
    def load(cls, path: str | Path) -> LookupTable:
        """Read a file: ``.cube``, ``.3dl``, ``.csp``, ``.spi1d``, ``.spi3d``, ``.clf`` or a HaldCLUT.

        Warns
        -----
        Remark
            Of what was passed over in it.

        Raises
        ------
        InputError
            When it is missing, unreadable, no lookup table, or one for other colours than sRGB.
        """
        table = read_table(path)
        return cls(table.colours, table.title, curves=table.curves)


def _numbers(colours: np.ndarray) -> bool:
    return colours.dtype.kind in "fiu" and bool(np.isfinite(colours).all())


def identity(nodes: int) -> np.ndarray:
    """The table that changes nothing, (N, N, N, 3) by red, green and blue."""
    ramp = np.linspace(0.0, 1.0, nodes, dtype=np.float32)
    return np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), -1)


def curved(curves: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """What curves (K, 3), from 0 to 1, make of the channels of pixels (…, 3); float32."""
    places = np.linspace(0.0, 1.0, len(curves))
    return np.stack(
        [np.interp(pixels[..., channel], places, curves[:, channel]).astype(np.float32) for channel in range(3)], -1
    )


def looked_up(colours: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """What a table makes of pixels, interpolated linearly along each axis.

    Parameters
    ----------
    colours : ndarray
        The table, (N, N, N, 3) float32, by red, green and blue.
    pixels : ndarray
        Shape (…, 3); what is outside [0, 1] is clipped.

    Returns
    -------
    ndarray
        Shape (…, 3), float32.
    """
    table = torch.from_numpy(np.ascontiguousarray(colours.T, np.float32))[None]  # (1, 3, blue, green, red)
    flat, out = pixels.reshape(-1, 3), np.empty((pixels.size // 3, 3), np.float32)
    for first in range(0, len(flat), STRIPE_PIXELS):
        places = places_of(torch.from_numpy(np.array(flat[first : first + STRIPE_PIXELS], np.float32)))
        out[first : first + STRIPE_PIXELS] = interpolated(table, places).T.numpy()
    return out.reshape(pixels.shape)


def places_of(colours: Tensor) -> Tensor:
    """Colours (K, 3) as places in a table whose axes are blue, green and red, (1, K, 1, 1, 3)."""
    return (colours.clamp(0.0, 1.0) * 2.0 - 1.0)[None, :, None, None]


def interpolated(table: Tensor, places: Tensor) -> Tensor:
    """Values (3, K) of a table (1, 3, N, N, N)."""
    return F.grid_sample(table, places, mode="bilinear", padding_mode="border", align_corners=True)[0, :, :, 0, 0]
