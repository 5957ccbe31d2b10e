"""What a style looks like by itself: its palette, and noise painted in it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import torch

from decouple_contract.progress import Progress, silent
from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.colour import ColourMoments
from decouple_core.features.style import Style
from decouple_core.request import Input, Request

SIDE, PALETTE_ROWS = 256, 48
"""Pixels: four strokes of the coarsest scale fit beside each other, and it takes seconds."""

NOISE = 0.15
"""Standard deviation of the noise around grey: nearly all of it within the box."""

LOOSE: dict[str, Any] = {
    "mode": "painting",
    "correspondence": "off",
    "size": SIDE,
    "structure": 0.0,
    "keep_detail": 0.0,
    "freedom": 0.7,
    "allow_black": True,
}
"""Noise has no edges or detail to be kept, and may bend farther than a picture."""

STEPS = ((1.3, 0.0), (0.0, 1.3), (0.0, 0.0), (0.0, -1.3), (-1.3, 0.0))
"""Colours of the palette, in standard deviations along the first two axes of the cloud: four fifths lie within."""


def swatch(engine: Engine, style: Style, settings: Settings, progress: Progress = silent) -> np.ndarray:
    """A sheet that shows a style of one region.

    Parameters
    ----------
    engine : Engine
    style : Style
        With features and scales, as `Engine.read_style` gives it.
    settings : Settings
        Of these, network, device and seed count.
    progress : Progress

    Returns
    -------
    ndarray
        Shape (SIDE + PALETTE_ROWS, SIDE, 3), float32 in [0, 1].

    Raises
    ------
    InputError
        For a style that was measured for photographs alone, or has several regions.
    """
    noise = np.random.default_rng(settings.seed).normal(0.5, NOISE, (SIDE, SIDE, 3)).clip(0, 1).astype(np.float32)
    loose = dataclasses.replace(settings, layers=max(1, len(style.features)), **LOOSE)
    painted = engine.transfer(Request(Input(noise), style, loose), progress=progress).image
    return np.vstack([painted, _stripes(palette(style.full_moments[0]))])


def palette(cloud: ColourMoments) -> np.ndarray:
    """Five colours of a cloud, (5, 3) in [0, 1], its mean in the middle."""
    variances, axes = torch.linalg.eigh(cloud.covariance)
    axes = axes * variances.sqrt() * torch.sign(axes.sum(0))  # the brighter end of each is its positive one
    colours = [cloud.mean + first * axes[:, 2] + second * axes[:, 1] for first, second in STEPS]
    return torch.stack(colours).clamp(0.0, 1.0).numpy().astype(np.float32)


def _stripes(colours: np.ndarray) -> np.ndarray:
    """The colours side by side."""
    columns = np.arange(SIDE) * len(colours) // SIDE
    return np.repeat(colours[columns][None], PALETTE_ROWS, 0)
