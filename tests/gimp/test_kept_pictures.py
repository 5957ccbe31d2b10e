"""The pictures in a style's features, as the plug-in reads what the core has written."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from decouple_core.features.overview import BANDS, MOMENTS, Overview, grid_of

pytestmark = pytest.mark.usefixtures("package")


def written(height: int, width: int) -> tuple[np.ndarray, dict[str, Any]]:
    """A picture of noise, (height, width, 3), and its overview as the core writes it."""
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    planes = torch.from_numpy(image).permute(2, 0, 1).float() / 255
    rows, columns = grid_of(planes)
    moments = torch.zeros(rows * columns, MOMENTS + BANDS)
    return image, Overview(planes, moments, torch.ones(1, rows * columns)).to_json()


def test_pictures_are_those_that_the_core_has_kept() -> None:
    from decoupled_style.host.kept_pictures import kept_pictures

    given = [written(20, 33), written(5, 4)]
    found = kept_pictures({"overviews": [overview for _image, overview in given]})
    for (image, _overview), (pixels, width, height) in zip(given, found, strict=True):
        read = np.frombuffer(pixels, np.uint8).reshape(height, width, 4)
        assert np.array_equal(read[..., :3], image)
        assert (read[..., 3] == 255).all()


@pytest.mark.parametrize(
    "change",
    [
        {"size": [20, 34]},
        {"size": [20]},
        {"size": [10**6, 10**6]},
        {"size": [True, 33]},
        {"image": "no base64!"},
        {"image": "AAAA"},
        {"image": None},
    ],
)
def test_what_is_no_picture_shows_none(change: dict[str, Any]) -> None:
    from decoupled_style.host.kept_pictures import kept_pictures

    _image, overview = written(20, 33)
    assert kept_pictures({"overviews": [{**overview, **change}]}) == []
    assert kept_pictures(None) == kept_pictures([]) == kept_pictures({}) == kept_pictures({"overviews": 3}) == []
