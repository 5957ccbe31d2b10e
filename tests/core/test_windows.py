"""Windows: kinds of places, and what they are the means of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.matching import Matcher
from decouple_core.correspondence.moments import overview_of
from decouple_core.correspondence.windows import COUNT, LEAST_SHARE, Windows, _kinds
from decouple_core.features.deep import DeepFeatures
from decouple_core.pictures.picture import CPU, Picture

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = Path(__file__).parents[1] / "data"


def photograph(name: str) -> np.ndarray:
    return np.asarray(Image.open(DATA / f"{name}.jpg").resize((128, 84)), np.float32) / 255


@pytest.fixture(scope="module")
def matcher(weights: tuple[str, dict[str, Tensor]]) -> Matcher:
    return Matcher(DeepFeatures(*weights, CPU))


def found(matcher: Matcher, target: np.ndarray, style: np.ndarray) -> Correspondence:
    one, other = (overview_of(Picture.of(pixels, [], 256, CPU)) for pixels in (target, style))
    return matcher.match(one, [other])


def test_windows_of_a_photograph(matcher: Matcher) -> None:
    correspondence = found(matcher, photograph("pagoda"), photograph("rocket"))
    windows = Windows.of([correspondence])
    parts, of_target = windows.parts(correspondence), windows.of_target(correspondence)
    count = len(parts)
    assert 2 <= count <= COUNT
    assert of_target.shape == parts.shape == (count, len(correspondence.target.moments))
    assert windows.of_style.shape == (count, len(correspondence.styles[0].moments))
    for weights in (of_target, windows.of_style, parts):
        assert weights.isfinite().all()
        assert (weights >= 0).all()
    torch.testing.assert_close(parts.sum(0), torch.ones_like(parts[0]), rtol=0, atol=1e-4)
    assert (parts @ correspondence.plan.masses > LEAST_SHARE).all()
    # Both windows of a pair weigh what the target's part of it does.
    for weights in (of_target, windows.of_style):
        torch.testing.assert_close(weights.sum(1), parts @ correspondence.plan.masses, rtol=1e-3, atol=1e-5)


def test_windows_of_equal_targets_are_those_of_one(matcher: Matcher) -> None:
    correspondence = found(matcher, photograph("pagoda"), photograph("rocket"))
    one, three = Windows.of([correspondence]), Windows.of([correspondence] * 3)
    for name in ("of_style", "kinds", "back"):
        torch.testing.assert_close(getattr(three, name), getattr(one, name))


def test_a_window_holds_what_the_plan_takes_for_its_part(matcher: Matcher) -> None:
    """Its means over style and target are those of the conditional moments over the target's part."""
    correspondence = found(matcher, photograph("pagoda"), photograph("rocket"))
    windows = Windows.of([correspondence])
    moments = correspondence.target.moments, correspondence.styles[0].moments
    conditional = correspondence.conditional(*moments)
    over = windows.parts(correspondence) * correspondence.plan.masses
    both = windows.of_target(correspondence), windows.of_style
    for window, values, wanted in zip(both, moments, conditional, strict=True):
        torch.testing.assert_close(window @ values, over @ wanted, rtol=1e-4, atol=1e-6)


def test_a_picture_in_its_own_style_has_the_same_windows(matcher: Matcher) -> None:
    same = found(matcher, photograph("pagoda"), photograph("pagoda"))
    windows = Windows.of([same])
    torch.testing.assert_close(windows.of_target(same), windows.of_style, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("shape", [(1, 1), (8, 30), (40, 40)])
def test_one_colour_has_few_windows(matcher: Matcher, shape: tuple[int, int]) -> None:
    flat = np.full((*shape, 3), 0.4, np.float32)
    for target, style in ((flat, photograph("rocket")), (photograph("pagoda"), flat), (flat, flat)):
        correspondence = found(matcher, target, style)
        windows = Windows.of([correspondence])
        parts = windows.parts(correspondence)
        assert 1 <= len(parts) <= COUNT
        assert windows.of_style.isfinite().all()
        torch.testing.assert_close(parts.sum(0), torch.ones_like(parts[0]), rtol=0, atol=1e-4)


def test_kinds_that_lie_apart_are_told_apart() -> None:
    """As many heaps as windows are sought, of unlike sizes and masses."""
    generator = torch.Generator().manual_seed(0)
    heaps = torch.arange(COUNT).repeat_interleave(torch.arange(COUNT) + 2)
    points = 10 * torch.eye(COUNT)[heaps] + 0.1 * torch.randn(len(heaps), COUNT, generator=generator)
    masses = torch.rand(len(heaps), generator=generator)
    kinds = _kinds(points, masses / masses.sum())
    assert torch.equal(kinds.sum(1), torch.ones(len(heaps)))
    assert torch.equal(kinds @ kinds.T, (heaps[:, None] == heaps).float())


def test_kinds_are_at_rest() -> None:
    """Each place belongs to the nearest mean, as Lloyd's algorithm ends, where the heaps are plain."""
    points = torch.cat(
        [
            torch.randn(30, 2, generator=torch.Generator().manual_seed(k)) * 0.05 + torch.tensor(centre)
            for k, centre in enumerate([(0.0, 0.0), (5.0, 0.0), (0.0, 5.0)])
        ]
    )
    kinds = _kinds(points, torch.full((90,), 1 / 90))
    means = kinds.T @ points / kinds.sum(0)[:, None].clamp_min(1e-9)
    nearest = torch.cdist(points, means).masked_fill(kinds.sum(0) == 0, torch.inf).argmin(1)
    assert (nearest == kinds.argmax(1)).float().mean() > 0.95
