"""One style of several: the decoupled features of some pictures, averaged with weights.

A mixture is what one picture would have that shows them all, each on a share of its area. For means over the picture
that is exact: the channel means are averaged, and so are the first and second moments of the colours. The covariance of
the mixture therefore holds what separates the pictures' mean colours, too: red and blue give both, not purple. The
decoupled features have no such picture; averaging them is what decoupling allows (Martinez-Enriquez, González &
Portilla 2022): each may be set without the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.features.colour import ColourMoments
from decouple_core.features.overview import Overview
from decouple_core.features.style import ScaleFeatures, Style


def mix(styles: Sequence[Style], weights: Sequence[float] | None = None, *, name: str = "") -> Style:
    """Mix styles into one.

    Parameters
    ----------
    styles : sequence of Style
        Measured with the same network and activation, of as many regions each. Of layers that not all have, none is
        kept, and scales are kept where all have some.
    weights : sequence of float, optional
        One for each, not negative and not all 0; what counts is their ratio. Equal ones if not given.
    name : str
        What the mixture is called, for people; the names of its styles with "+" between them if empty.

    Returns
    -------
    Style

    Raises
    ------
    InputError
        Where they do not go together, or the weights are unusable.

    Examples
    --------
    >>> import decouple_core as dc
    >>> import numpy as np
    >>> settings = dc.Settings(size=32, layers=1, network="vgg16")
    >>> black, white = (dc.read_style(np.full((20, 20), level), settings, name=name)
    ...                 for level, name in ((0.0, "black"), (1.0, "white")))
    >>> grey = dc.mix([black, white], [1, 3])
    >>> grey.name, [round(value, 2) for value in grey.full_moments[0].mean.tolist()]
    ('black + white', [0.75, 0.75, 0.75])
    """
    shares = shares_of(len(styles), weights)
    first = styles[0]
    for other in styles[1:]:
        if (other.network, other.activation) != (first.network, first.activation):
            raise InputError("mixture-networks", first=first.network, other=other.network)
        if len(other.colours) != len(first.colours):
            raise InputError("mixture-regions")
    if len(styles) == 1:
        return first
    return Style(
        first.network,
        first.activation,
        _clouds([style.colours for style in styles], shares),
        _clouds([style.full_moments for style in styles], shares),
        averaged([style.features for style in styles], shares),
        averaged([style.coupled_means for style in styles], shares),
        name or " + ".join(style.name for style in styles if style.name),
        _scales(styles, shares),
        _painted(styles, shares),
        _overviews(styles, shares),
    )


def shares_of(count: int, weights: Sequence[float] | None) -> list[float]:
    """The weights of so many styles as shares of 1; `InputError` where they are none."""
    given = [1.0] * count if weights is None else [float(weight) for weight in weights]
    total = sum(given)
    if not count or len(given) != count or not all(weight >= 0 for weight in given) or not 0 < total < float("inf"):
        raise InputError("mixture-weights", count=count)
    return [weight / total for weight in given]


def laid_together(clouds: Sequence[ColourMoments], shares: Sequence[float]) -> ColourMoments:
    """Moments of clouds laid into each other, each with a share of 1."""
    mean = _mean([cloud.mean for cloud in clouds], shares)
    spread = [torch.outer(cloud.mean - mean, cloud.mean - mean) for cloud in clouds]
    return ColourMoments(mean, _mean([cloud.covariance + s for cloud, s in zip(clouds, spread, strict=True)], shares))


def _painted(styles: Sequence[Style], shares: Sequence[float]) -> bool | None:
    """Whether most of it is painted; None where it is not known of all."""
    if any(style.painted is None for style in styles):
        return None
    return sum(share for style, share in zip(styles, shares, strict=True) if style.painted) >= 0.5


def _overviews(styles: Sequence[Style], shares: Sequence[float]) -> tuple[Overview, ...]:
    """Those of all, each with its share; none where one has none."""
    if not all(style.overviews for style in styles):
        return ()
    return tuple(
        replace(overview, weight=share * overview.weight / sum(one.weight for one in style.overviews))
        for style, share in zip(styles, shares, strict=True)
        if share
        for overview in style.overviews
    )


def averaged(layers: Sequence[Sequence[Tensor]], shares: Sequence[float]) -> tuple[Tensor, ...]:
    """The features of several styles, layer by layer, each with a share of 1."""
    return tuple(_mean(of_layer, shares) for of_layer in zip(*layers, strict=False))  # of those that all have


def _mean(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    mean = torch.zeros_like(values[0])
    for value, share in zip(values, shares, strict=True):
        mean = mean + share * value.to(mean)
    return mean


def _clouds(moments: Sequence[Sequence[ColourMoments]], shares: Sequence[float]) -> tuple[ColourMoments, ...]:
    return tuple(laid_together(of_region, shares) for of_region in zip(*moments, strict=True))


def _scales(styles: Sequence[Style], shares: Sequence[float]) -> tuple[ScaleFeatures, ...]:
    """At each side at which one of them was measured, what all have there or nearest to it.

    Not where some have the sharper features and others not: those do not go together.
    """
    if not all(style.scales for style in styles):
        return ()
    sides = sorted({scale.side for style in styles for scale in style.scales})

    def at(side: int) -> ScaleFeatures | None:
        there = [style.at_sides([side])[0] for style in styles]
        if len({scale.means[0].shape for scale in there}) > 1:
            return None
        variance = _mean([scale.detail.square() for scale in there], shares)
        return ScaleFeatures(side, averaged([scale.means for scale in there], shares), variance.sqrt())

    return tuple(scale for scale in map(at, sides) if scale)
