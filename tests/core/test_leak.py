"""A picture does not decay when it is stylised again and again."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data
from skimage.metrics import peak_signal_noise_ratio

import decouple_core as dc
from decouple_core.pictures.resampling import shrink

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

GAIN, SHIFT = np.float32((0.7, 0.8, 0.6)), np.float32((0.2, 0.1, 0.15))


def test_a_photograph_graded_and_back_twice_is_itself() -> None:
    """A gain and a shift of each channel is the map between the two pictures' colour moments, and its inverse the one
    back, so that nothing is left for the style's means to correct: the result is the graded picture, then the first.
    """
    picture = shrink(skimage.data.coffee().astype(np.float32) / 255, 64).permute(1, 2, 0).numpy()
    first = np.ascontiguousarray(0.1 + 0.8 * picture)  # the box does not bite
    graded = GAIN * first + SHIFT
    session = dc.Session()
    settings = dc.Settings(mode="photo", network="vgg16", device="cpu")
    now = first
    for _ in range(2):
        there = session.transfer(now, graded, settings).image
        now = session.transfer(there, first, settings).image
    assert peak_signal_noise_ratio(graded, there, data_range=1) > 44  # 0.6 % of the range
    assert peak_signal_noise_ratio(first, now, data_range=1) > 44
