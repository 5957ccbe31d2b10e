"""Where photographs take from: limits that hold, anchors that pull, and what is told of a plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.matching import Matcher
from decouple_core.correspondence.moments import overview_of
from decouple_core.features.deep import DeepFeatures
from decouple_core.features.overview import Overview
from decouple_core.pictures.picture import CPU, Picture

pytestmark = pytest.mark.usefixtures("one_thread")

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def matcher(weights: tuple[str, dict[str, Tensor]]) -> Matcher:
    return Matcher(DeepFeatures(*weights, CPU))


def photograph(name: str, width: int = 128) -> np.ndarray:
    picture = Image.open(DATA / f"{name}.jpg")
    return np.asarray(picture.resize((width, width * picture.height // picture.width)), np.float32) / 255


def overview(pixels: np.ndarray, *masks: np.ndarray) -> Overview:
    return overview_of(Picture.of(pixels, masks, 256, CPU))


def halves(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of a picture's left and right, with a border on that of a place."""
    left = np.zeros(pixels.shape[:2], np.float32)
    left[:, : pixels.shape[1] // 16 * 8] = 1.0
    return left, 1.0 - left


PAGODA, ROCKET = photograph("pagoda"), photograph("rocket")


@pytest.fixture(scope="module")
def found(matcher: Matcher) -> Correspondence:
    return matcher.match(overview(PAGODA), [overview(ROCKET)])


def test_rows_are_shares(found: Correspondence) -> None:
    for rows in (found.plan.forward, found.own):
        assert (rows >= 0).all()
        torch.testing.assert_close(rows.sum(1), torch.ones(len(rows)), rtol=0, atol=1e-4)
    assert 0 <= found.certainty <= 1


def test_what_is_told_of_a_plan(found: Correspondence) -> None:
    """`where`, `taken_by` and `arrays` are one plan."""
    rows, columns = found.target.grid
    (plan,) = found.arrays
    assert plan.shape == (*found.target.grid, *found.styles[0].grid)
    np.testing.assert_allclose(plan.sum((2, 3)), 1.0, atol=1e-4)
    for x, y in ((0.0, 0.0), (1.0, 1.0), (0.3, 0.7)):
        row, column = min(rows - 1, int(y * rows)), min(columns - 1, int(x * columns))
        (there,) = found.where(x, y)
        np.testing.assert_array_equal(there, plan[row, column])
    taken = found.taken_by(0.4, 0.2)
    assert taken.shape == found.target.grid
    row, column = (int(share * n) for share, n in zip((0.2, 0.4), found.styles[0].grid, strict=True))
    np.testing.assert_allclose(taken, plan[..., row, column] / plan[..., row, column].sum(), atol=1e-5)
    assert taken.sum() == pytest.approx(1.0, abs=1e-4)


def test_the_same_every_time(matcher: Matcher, found: Correspondence) -> None:
    again = matcher.match(overview(PAGODA), [overview(ROCKET)])
    assert again.identity == found.identity
    assert torch.equal(again.plan.forward, found.plan.forward)


def test_a_picture_belongs_to_itself(matcher: Matcher) -> None:
    """Most of what a place takes lies near it, and what it has is what it is to have."""
    own = overview(PAGODA)
    same = matcher.match(own, [own])
    assert same.certainty > 0.7
    rows, columns = own.grid
    places = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).float()
    near = torch.cdist(places, places) < 0.25 * columns
    assert (same.plan.forward * near).sum(1).median() > 0.6
    has, wanted = same.conditional(own.moments, own.moments)
    torch.testing.assert_close(has, wanted, rtol=0, atol=1e-5)


def test_a_picture_mirrored_takes_from_the_other_side(matcher: Matcher) -> None:
    """Two photographs side by side."""
    height = min(len(PAGODA), len(ROCKET)) // 16 * 16
    both = np.concatenate([PAGODA[:height], ROCKET[:height]], 1)
    found = matcher.match(overview(both), [overview(both[:, ::-1].copy())])
    columns = found.target.grid[1]
    sides = (torch.arange(columns).repeat(found.target.grid[0]) >= columns // 2).float()
    to_the_right = found.plan.forward @ sides
    assert to_the_right[sides == 0].mean() > 0.8
    assert to_the_right[sides == 1].mean() < 0.2


# --- limits -------------------------------------------------------------------------------------------------------


def test_regions_are_limits(matcher: Matcher) -> None:
    target, style = overview(PAGODA, *halves(PAGODA)), overview(ROCKET, *halves(ROCKET)[::-1])
    found = matcher.match(target, [style])
    for region in range(2):
        ours, theirs = target.shares[region] == 1, style.shares[region] == 1
        assert ours.any()
        assert not found.plan.forward[ours][:, style.shares[region] == 0].any()
        torch.testing.assert_close(
            found.plan.forward[ours][:, theirs].sum(1), torch.ones(int(ours.sum())), rtol=0, atol=1e-4
        )


def test_selections_are_limits_on_both_sides(matcher: Matcher) -> None:
    """Nothing is taken from outside the style's; and outside the target's nothing changes what is taken within."""
    target, style = overview(PAGODA, halves(PAGODA)[0]), overview(ROCKET, halves(ROCKET)[1])
    found = matcher.match(target, [style])
    assert not found.plan.forward[:, style.present == 0].any()
    torch.testing.assert_close(found.plan.forward.sum(1), torch.ones(len(target.moments)), rtol=0, atol=1e-4)
    assert found.plan.masses[target.present == 0].sum() < 1e-3
    assert (found.plan.masses @ found.plan.forward)[style.present == 1].sum() > 0.9


def test_a_region_that_the_style_lacks_takes_from_the_rest(matcher: Matcher) -> None:
    target, style = overview(PAGODA, *halves(PAGODA)), overview(ROCKET, *halves(ROCKET))
    style = replace(style, shares=torch.stack([style.shares[0], torch.zeros_like(style.shares[1])]))
    found = matcher.match(target, [style])
    torch.testing.assert_close(found.plan.forward.sum(1), torch.ones(len(target.moments)), rtol=0, atol=1e-4)
    assert not found.plan.forward[:, style.shares[0] == 0].any()


def test_regions_must_be_as_many(matcher: Matcher) -> None:
    with pytest.raises(InputError) as caught:
        matcher.match(overview(PAGODA, *halves(PAGODA)), [overview(ROCKET)])
    assert caught.value.message.code == "style-regions"


# --- anchors ------------------------------------------------------------------------------------------------------


def below(there: list[np.ndarray]) -> float:
    """The share that is taken from the lowest third."""
    return float(there[0][-(len(there[0]) // 3) :].sum())


def test_an_anchor_pulls_what_is_like_it(matcher: Matcher, found: Correspondence) -> None:
    """The sky above a temple, told to take from the ground; what is on the ground still does as it did."""
    target, style = overview(PAGODA), overview(PAGODA[:, ::-1].copy())
    free, pulled = (matcher.match(target, [style], anchors) for anchors in ([], [(0.1, 0.05, 0.5, 0.95)]))
    assert pulled.identity != free.identity
    for spot in ((0.1, 0.05), (0.15, 0.1)):
        assert below(free.where(*spot)) < 0.1
        assert below(pulled.where(*spot)) > 0.6
    assert below(pulled.where(0.5, 0.95)) > 0.6


# --- mixtures -----------------------------------------------------------------------------------------------------


def test_a_mixture_is_the_union_of_its_places(matcher: Matcher) -> None:
    one, other = replace(overview(ROCKET), weight=0.75), replace(overview(photograph("coffee", 96)), weight=0.25)
    found = matcher.match(overview(PAGODA), [one, other])
    parts = found.arrays
    assert [part.shape[2:] for part in parts] == [one.grid, other.grid]
    np.testing.assert_allclose(sum(part.sum((2, 3)) for part in parts), 1.0, atol=1e-4)
    first, second = found.where(0.5, 0.5)
    assert first.sum() + second.sum() == pytest.approx(1.0, abs=1e-4)
    assert found.taken_by(0.5, 0.5, 1).sum() == pytest.approx(1.0, abs=1e-3)


def test_weights_are_masses(matcher: Matcher) -> None:
    """Of two equal styles each place takes as their weights are; what counts is their ratio."""
    rocket, target = overview(ROCKET), overview(PAGODA)
    alone = matcher.match(target, [rocket])
    for weights in ((0.75, 0.25), (0.3, 0.1), (3e-200, 1e-200)):
        first, second = matcher.match(target, [replace(rocket, weight=w) for w in weights]).arrays
        share = first.sum((2, 3))
        assert 0.6 < share.mean() < 0.95
        np.testing.assert_allclose(share, share.mean(), atol=0.02)
        if weights[0] == 0.75:
            wanted = share
        np.testing.assert_allclose(share, wanted, atol=1e-3)
    np.testing.assert_allclose(first + second, alone.arrays[0], atol=0.05)


# --- pictures that say little -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pixels",
    [
        np.full((1, 1, 3), 0.5),
        np.full((40, 60, 3), 0.2),
        np.zeros((1, 90, 3)),
        np.random.default_rng(0).random((48, 64, 3)),
    ],
    ids=["one pixel", "one colour", "one black row", "noise"],
)
def test_pictures_that_say_little(matcher: Matcher, pixels: np.ndarray) -> None:
    little = overview(pixels.astype(np.float32))
    for target, style in ((little, overview(ROCKET)), (overview(PAGODA), little), (little, little)):
        found = matcher.match(target, [style])
        assert found.plan.forward.isfinite().all()
        torch.testing.assert_close(found.plan.forward.sum(1), torch.ones(len(target.moments)), rtol=0, atol=1e-4)
        assert 0 <= found.certainty <= 1
