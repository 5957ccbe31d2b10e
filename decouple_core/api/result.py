"""What a transfer gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.style import Style
from decouple_core.outcomes.components import Components
from decouple_core.report import Report

Form = TypeVar("Form", covariant=True)


@dataclass(frozen=True)
class Result(Generic[Form]):
    """The outcome of a transfer.

    Attributes
    ----------
    image : ndarray, PIL.Image.Image or Tensor
        Of the target's kind, shape, depth and device, with its alpha. For the path of a file it is an array (H, W, 3),
        or with alpha (H, W, 4), of uint8 or uint16.
    components : Components
        The parts that add up to the image; they can be rendered at any size.
    style : Style
        What was measured of the style, ready for the next target or for a file. It holds decoupled features only after
        a painting as a whole; where they are missing and needed later, they are read from the style's overview.
    report : Report
        What was done, how close each layer came to the style, and how long it took.
    correspondence : Correspondence or None
        Where each place in the target takes its look from: `arrays`, and `where(x, y)` for one spot. None if the
        picture is taken as a whole; the report says why.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> target = np.random.default_rng(0).random((32, 48, 3), np.float32)
    >>> settings = dc.Settings(mode="photo", layers=1, network="vgg16", match=[((0.1, 0.1), (0.9, 0.9))])
    >>> result = dc.transfer(target, target[::-1].copy(), settings)
    >>> shares, = result.correspondence.where(0.1, 0.1)  # of the style's places, 4 down and 6 across
    >>> shares.shape, round(float(shares.sum()), 3)
    ((4, 6), 1.0)
    >>> [int(index) for index in np.unravel_index(shares.argmax(), shares.shape)]
    [3, 5]
    """

    image: Form
    components: Components
    style: Style
    report: Report
    correspondence: Correspondence | None = None
