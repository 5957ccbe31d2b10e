"""Whole transfers of small photographs with the real network: what an artist and a script rely on."""

from __future__ import annotations

import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
import skimage.data
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from decouple_contract.errors import Cancelled, InputError
from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.features.mixing import mix
from decouple_core.features.style import Style
from decouple_core.pictures.resampling import shrink
from decouple_core.request import Input
from tests.core.request_of_arrays import request

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

SMALL = Settings(mode="photo", size=32, layers=2, network="vgg16", device="cpu")
LUMA = np.array([0.2126, 0.7152, 0.0722])


@pytest.fixture(scope="module")
def engine() -> Engine:
    """One for all, as in the worker: what it keeps must never show in a result."""
    return Engine()


def photograph(name: str, size: int = 64) -> np.ndarray:
    pixels = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy().clip(0, 1))


TARGET, STYLE = photograph("astronaut", 56)[:40], photograph("coffee", 48)


def muted(pixels: np.ndarray) -> np.ndarray:
    """Far from black and white, so that the box does not bite."""
    return (0.35 + 0.3 * pixels).astype(np.float32)


FLOW = {"mode": "painting", "correspondence": "off"}
AS_A_WHOLE = {"photo": {"mode": "photo"}, "painting": FLOW}
"""A painting begins with the flow where it is taken as a whole."""


def settings(**changes: Any) -> Settings:
    return dataclasses.replace(SMALL, **changes)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(-10 * np.log10(np.square(np.float64(a) - b).mean() + 1e-20))


def assert_sound(result: Transferred, target: np.ndarray) -> None:
    assert result.image.shape == target.shape
    assert result.image.dtype == np.float32
    assert np.isfinite(result.image).all()
    assert result.image.min() >= -1e-6
    assert result.image.max() <= 1 + 1e-6


# --- every kind of outcome ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["photo", "painting"])
@pytest.mark.parametrize("correspondence", ["auto", "off"])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_any_number_of_layers(engine: Engine, mode: str, correspondence: str, layers: int) -> None:
    result = engine.transfer(request(TARGET, STYLE, settings(mode=mode, correspondence=correspondence, layers=layers)))
    assert_sound(result, TARGET)
    assert psnr(result.image, TARGET) < 25  # something has happened
    flows = mode == "painting" and correspondence == "off"
    assert len(result.style.features) == (layers if flows else 0)


@pytest.mark.parametrize("regions", [1, 2])
def test_style_kept_from_a_painting_by_place_serves_as_a_whole(engine: Engine, regions: int) -> None:
    """Without the picture it has the decoupled features of its overview, which are nearly the picture's own."""
    labels = None if regions == 1 else (halves(TARGET.shape), halves(STYLE.shape))
    by_place = engine.transfer(request(TARGET, STYLE, settings(mode="painting"), regions=labels)).style
    assert not by_place.features
    kept = Style.from_json(by_place.to_json())
    whole = settings(mode="painting", correspondence="off")
    from_picture = engine.transfer(request(TARGET, STYLE, whole, regions=labels))
    again = engine.transfer(request(TARGET, kept, whole, regions=labels))
    for seen, own in zip(again.style.features, from_picture.style.features, strict=True):
        assert (seen - own).norm() < 0.03 * own.norm()
    assert np.abs(again.image - from_picture.image).mean() < 2 / 255
    mixed = mix([kept, kept], [1, 2])
    assert np.abs(engine.transfer(request(TARGET, mixed, whole, regions=labels)).image - again.image).max() < 1 / 255


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_tiny_pictures_take_no_more_work(mode: str) -> None:
    """Whichever of the two is tiny."""

    def work(target: np.ndarray, style: np.ndarray) -> int:
        # No picture stops half-way, which takes a look at what it has, and none has too few places to be matched.
        alike = settings(mode=mode, allow_black=True, correspondence="off")
        return Engine().transfer(request(target, style, alike)).report.evaluations["total"]

    normal = work(TARGET, STYLE)
    tiny = TARGET[:3, :5], TARGET[:1, :1]
    for target, style in ((tiny[0], STYLE), (tiny[1], STYLE), (TARGET, tiny[0]), (TARGET, tiny[1])):
        assert work(target, style) <= normal


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_five_layers_come_nearer_to_the_style(engine: Engine, mode: str) -> None:
    result = engine.transfer(request(TARGET, STYLE, settings(layers=5, size=48, **AS_A_WHOLE[mode])))
    assert_sound(result, TARGET)
    reached = {"photo": (3, 2, 1), "painting": (5, 4, 3, 2, 1)}[mode]  # colours alone do not reach the deeper ones
    assert [entry.layer for entry in result.report.layers] == [f"relu{n}_1" for n in reached]
    for entry in result.report.layers:
        own, wanted, reached = (np.array(getattr(entry, key)) for key in ("own", "wanted", "reached"))
        assert np.linalg.norm(reached - wanted) < np.linalg.norm(own - wanted)


@pytest.mark.parametrize("integrator", ["midpoint", "rk4", "reversible", "euler"])
def test_every_integrator_leads_to_the_same_place(engine: Engine, integrator: str) -> None:
    """To what their steps leave: Euler's are coarse, and it corrects towards the goal."""
    converged = "reversible" if integrator == "rk4" else "rk4"
    reference = engine.transfer(request(TARGET, STYLE, settings(layers=1, integrator=converged, **FLOW)))
    result = engine.transfer(request(TARGET, STYLE, settings(layers=1, integrator=integrator, **FLOW)))
    assert_sound(result, TARGET)
    assert result.report.settings.integrator == integrator
    assert psnr(result.image, reference.image) > 25


def test_rectified_network_names_its_dead_channels(engine: Engine) -> None:
    result = engine.transfer(request(TARGET, STYLE, settings(activation="relu", layers=2, **FLOW)))
    assert_sound(result, TARGET)
    dead, reference = result.report.dead_channels, result.report.reference
    assert list(dead) == [f"relu{n}_1" for n in range(1, 6)]
    for layer, values in zip(dead, reference, strict=True):
        assert {n for n, v in enumerate(values) if v == 0} <= set(dead[layer])  # those dead on the noise, and more
    assert len(dead["relu5_1"]) > 100
    for entry in result.report.layers:  # never a start and never a goal
        for key in ("own", "wanted", "reached"):
            assert not np.array(getattr(entry, key))[0, dead[entry.layer]].any()


# --- repeating ----------------------------------------------------------------------------------------------------


def test_seed_repeats_bit_for_bit() -> None:
    images = [Engine().transfer(request(TARGET, STYLE, settings(seed=seed))).image for seed in (7, 7, 8)]
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


def test_second_transfer_uses_what_was_kept() -> None:
    engine, painting = Engine(), settings(mode="painting")
    first, second = (engine.transfer(request(TARGET, STYLE, painting)) for _ in range(2))
    assert np.array_equal(first.image, second.image)
    evaluations = [r.report.evaluations["total"] for r in (first, second)]
    assert evaluations[1] < 0.6 * evaluations[0]
    # Another strength needs the same two, and components of its own; another target the style alone.
    third = engine.transfer(request(TARGET, STYLE, settings(mode="painting", strength=0.5)))
    fourth = engine.transfer(request(photograph("rocket"), STYLE, painting))
    for other in (third, fourth):
        assert evaluations[1] < other.report.evaluations["total"] < evaluations[0]
    assert np.array_equal(fourth.image, Engine().transfer(request(photograph("rocket"), STYLE, painting)).image)


def test_kept_states_are_not_mistaken(engine: Engine) -> None:
    """Everything a result depends on tells it apart; each of these differs from the plain one."""
    quick = {"layers": 1, **FLOW}
    plain = engine.transfer(request(TARGET, STYLE, settings(**quick))).image
    for change in ({"size": 40}, {"freedom": 0.9}, {"seed": 3}, {"integrator": "rk4"}):
        changed = settings(**quick, **change)
        ours = engine.transfer(request(TARGET, STYLE, changed)).image
        assert not np.array_equal(ours, plain)
        assert np.array_equal(ours, Engine().transfer(request(TARGET, STYLE, changed)).image)


def test_input_is_left_alone(engine: Engine) -> None:
    target, style = TARGET.copy(), STYLE.copy()
    result = engine.transfer(request(target, style, SMALL))
    assert np.array_equal(target, TARGET)
    assert np.array_equal(style, STYLE)
    assert not np.shares_memory(result.image, target)


# --- strength -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_no_strength_gives_the_target_back(engine: Engine, mode: str) -> None:
    result = engine.transfer(request(TARGET, STYLE, settings(strength=0.0, mode=mode)))
    assert np.median(np.abs(result.image - TARGET)) < 1 / 255
    assert psnr(result.image, TARGET) > 35


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_style_equal_to_the_target_gives_it_back(engine: Engine, mode: str) -> None:
    result = engine.transfer(request(TARGET, TARGET, settings(mode=mode)))
    assert psnr(result.image, TARGET) > 35
    assert all(entry.share_of_the_way == 1.0 for entry in result.report.layers)


def test_more_strength_goes_further(engine: Engine) -> None:
    distances = [
        np.abs(engine.transfer(request(TARGET, STYLE, settings(strength=s))).image - TARGET).mean()
        for s in (0.0, 0.3, 0.6, 1.0)
    ]
    assert distances == sorted(distances)


def test_a_layers_own_strength_leaves_the_shallower_ones_where_they_were(engine: Engine) -> None:
    """What decoupled means to the artist: moving layer 2 shifts layer 1 by less than 1 %."""
    reached = {}
    for share in (0.0, 1.0):
        report = engine.transfer(request(TARGET, STYLE, settings(strength_per_layer=(1.0, 1.0, share), **FLOW))).report
        reached[share] = {entry.layer: np.array(entry.reached) for entry in report.layers}
    shift = {
        layer: np.linalg.norm(reached[1.0][layer] - reached[0.0][layer]) / np.linalg.norm(reached[0.0][layer])
        for layer in ("relu1_1", "relu2_1")
    }
    assert shift["relu1_1"] < 0.01
    assert shift["relu2_1"] > 2 * shift["relu1_1"]


def test_wanted_features_are_a_share_of_the_way(engine: Engine) -> None:
    report = engine.transfer(request(TARGET, STYLE, settings(strength=0.5, strength_per_layer=(1.0, 0.5)))).report
    full = {e.layer: np.array(e.wanted) for e in engine.transfer(request(TARGET, STYLE, SMALL)).report.layers}
    for entry in report.layers:
        share = {"relu1_1": 0.25, "relu2_1": 0.5}[entry.layer]
        own, wanted = np.array(entry.own), np.array(entry.wanted)
        np.testing.assert_allclose(wanted, own + share * (full[entry.layer] - own), rtol=1e-5, atol=1e-6)


# --- colours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_result_has_the_styles_colours(engine: Engine, mode: str) -> None:
    """Mean and covariance within 1 % where the box does not bite; texture is laid over the photograph's field."""
    style = muted(STYLE)
    result = engine.transfer(request(muted(TARGET), style, settings(mode=mode, correspondence="off"))).image
    assert result.min() > 0.02
    assert result.max() < 0.98
    ours, wanted = (x.reshape(-1, 3).astype(np.float64) for x in (result, style))
    np.testing.assert_allclose(ours.mean(0), wanted.mean(0), rtol=0.01)
    if mode == "photo":
        covariance = np.cov(wanted.T)
        assert np.linalg.norm(np.cov(ours.T) - covariance) < 0.01 * np.linalg.norm(covariance)


def test_colour_strength_alone_moves_the_colours_alone(engine: Engine) -> None:
    moved = engine.transfer(request(TARGET, STYLE, settings(strength_per_layer=(1.0, 0.0, 0.0)))).image
    kept = engine.transfer(request(TARGET, STYLE, settings(strength_per_layer=(0.0, 0.0, 0.0)))).image
    distances = [np.linalg.norm(x.mean((0, 1)) - STYLE.mean((0, 1))) for x in (moved, kept)]
    assert distances[0] < 0.2 * distances[1]


def test_keeping_colours_and_keeping_tones(engine: Engine) -> None:
    style = muted(STYLE)
    target = muted(TARGET)
    free = engine.transfer(request(target, style, SMALL)).image
    colours = engine.transfer(request(target, style, settings(keep_colours=True))).image
    tones = engine.transfer(request(target, style, settings(keep_tones=True))).image
    change = colours - target  # the same in every channel: chroma is the target's own
    np.testing.assert_allclose(change, np.repeat(change[..., :1], 3, 2), atol=1e-6)
    np.testing.assert_allclose(colours @ LUMA, free @ LUMA, atol=1e-5)
    np.testing.assert_allclose(tones @ LUMA, target @ LUMA, atol=1e-5)
    difference = tones - free
    np.testing.assert_allclose(difference, np.repeat(difference[..., :1], 3, 2), atol=1e-6)


# --- masks and regions --------------------------------------------------------------------------------------------


def halves(shape: tuple[int, ...]) -> np.ndarray:
    labels = np.zeros(shape[:2], np.int32)
    labels[:, shape[1] // 2 :] = 1
    return labels


def test_style_mask_takes_the_style_from_there(engine: Engine) -> None:
    labels = halves(STYLE.shape)
    red_right = np.where(labels[..., None] == 1, np.array([0.9, 0.1, 0.1], np.float32), STYLE).astype(np.float32)
    left = (labels == 0).astype(np.float32)
    masked = engine.transfer(request(TARGET, red_right, SMALL, style_seen=left))
    assert_sound(masked, TARGET)
    wanted = STYLE[labels == 0].mean(0)
    np.testing.assert_allclose(masked.style.full_moments[0].mean, wanted, atol=0.02)
    whole = engine.transfer(request(TARGET, red_right, SMALL))
    assert np.abs(masked.image.mean((0, 1)) - wanted).max() < 0.5 * np.abs(whole.image.mean((0, 1)) - wanted).max()


def test_target_mask_is_where_the_colours_are_met(engine: Engine) -> None:
    target, style = muted(TARGET), muted(STYLE)
    labels = halves(target.shape)
    result = engine.transfer(request(target, style, SMALL, target_seen=(labels == 0).astype(np.float32)))
    assert_sound(result, target)
    inside, whole = result.image[labels == 0].mean(0), style.mean((0, 1))
    np.testing.assert_allclose(inside, whole, atol=0.03)


def test_regions_dress_like_with_like(engine: Engine) -> None:
    """Left takes from left and right from right: a style that is dark on one side and light on the other."""
    ramp = np.linspace(0.0, 0.1, 48, dtype=np.float32)[None, :, None]
    style = (0.1 * STYLE + ramp + np.where(halves(STYLE.shape)[..., None] == 0, 0.15, 0.65)).astype(np.float32)
    regions = (halves(TARGET.shape), halves(STYLE.shape))
    result = engine.transfer(request(TARGET, style, SMALL, regions=regions))
    assert_sound(result, TARGET)
    assert len(result.style.colours) == 2
    for label in (0, 1):
        away = np.zeros(TARGET.shape[:2], bool)  # from the soft seam between the two
        away[:, :12] = label == 0
        away[:, -12:] |= label == 1
        mean = style[regions[1] == label].mean(0)
        np.testing.assert_allclose(result.image[away].mean(0), mean, atol=0.12)
    swapped = engine.transfer(request(TARGET, style, SMALL, regions=(1 - regions[0], regions[1]))).image
    assert swapped[:, :12].mean() > result.image[:, :12].mean() + 0.3


def test_masks_limit_regions(engine: Engine) -> None:
    """Each region of the style is measured inside its mask alone: what lies outside may be of any colour."""
    style = (0.1 * STYLE + np.where(halves(STYLE.shape)[..., None] == 0, 0.2, 0.7)).astype(np.float32)
    spoilt, top = style.copy(), np.ones(STYLE.shape[:2], np.float32)
    half = len(STYLE) // 2
    top[half:], spoilt[half:] = 0.0, (0.9, 0.0, 0.0)
    regions = (halves(TARGET.shape), halves(STYLE.shape))
    masked = engine.transfer(request(TARGET, spoilt, SMALL, style_seen=top, regions=regions))
    assert_sound(masked, TARGET)
    for label, moments in enumerate(masked.style.full_moments):
        np.testing.assert_allclose(moments.mean, style[:half][regions[1][:half] == label].mean(0), atol=0.02)
    whole = engine.transfer(request(TARGET, spoilt, SMALL, regions=regions))
    assert np.abs(whole.image - masked.image).mean() > 0.05


def test_unfit_masks_and_regions(engine: Engine) -> None:
    mask = np.ones(TARGET.shape[:2], np.float32)
    with pytest.raises(InputError, match="differ in size"):
        engine.transfer(request(TARGET, STYLE, SMALL, target_seen=mask.T / 2))
    with pytest.raises(InputError, match="completely transparent"):
        engine.transfer(request(TARGET, STYLE, SMALL, target_seen=0 * mask))
    with pytest.raises(InputError, match="no colour in common"):
        engine.transfer(
            request(TARGET, STYLE, SMALL, regions=(np.zeros(TARGET.shape[:2], int), np.ones(STYLE.shape[:2], int)))
        )


def test_a_few_pixels_of_mask(engine: Engine) -> None:
    """They take the style's colours, and what is far from them stays."""
    target, style = muted(TARGET), muted(STYLE)
    mask = np.zeros(target.shape[:2], np.float32)
    mask[3:5, 4:6] = 1.0
    result = engine.transfer(request(target, style, SMALL, target_seen=mask))
    assert_sound(result, target)
    before, after = (np.abs(x[mask > 0].mean(0) - style.mean((0, 1))).max() for x in (target, result.image))
    assert after < 0.25 * before
    assert np.abs(result.image - target)[20:, 28:].max() < 3 / 255


@pytest.mark.parametrize("mode", ["photo", "painting"])
@pytest.mark.parametrize("with_regions", [False, True])
def test_hidden_colours_leave_no_halo(mode: str, with_regions: bool) -> None:
    """What is seen of a result does not depend on the colours under holes of target and style, at any scale of it."""
    seen = [np.ones(image.shape[:2], np.float32) for image in (TARGET, STYLE)]
    for alpha in seen:
        alpha[9:23, 11:30] = alpha[:, -3:] = 0.0
        alpha[5, 5] = 0.5
    regions = (halves(TARGET.shape), halves(STYLE.shape)) if with_regions else None

    def result(hidden: float) -> np.ndarray:
        target, style = (
            np.where(alpha[..., None] > 0, image, np.float32(hidden))
            for image, alpha in zip((TARGET, STYLE), seen, strict=True)
        )
        return (
            Engine()
            .transfer(
                request(target, style, settings(mode=mode), target_seen=seen[0], style_seen=seen[1], regions=regions)
            )
            .image
        )

    black, white = result(0.0), result(1.0)
    np.testing.assert_array_equal(black[seen[0] > 0], white[seen[0] > 0])


# --- kept styles --------------------------------------------------------------------------------------------------


def test_style_file_does_what_its_image_does(engine: Engine, tmp_path: Path) -> None:
    features = engine.read_style(Input(STYLE), SMALL, name="coffee")
    features.save(tmp_path / "a.style")
    from_file = engine.transfer(request(TARGET, Style.load(tmp_path / "a.style"), SMALL))
    from_image = engine.transfer(request(TARGET, STYLE, SMALL))
    # The file keeps six digits; where J is taken in bfloat16, what is lost shows as its rounding does.
    difference = np.abs(from_file.image - from_image.image)
    assert difference.mean() < 0.5 / 255
    assert np.percentile(difference, 99) < 3 / 255
    precise = settings(integrator="reversible", **FLOW)
    engine.read_style(Input(STYLE), precise).save(tmp_path / "b.style")
    from_file, from_image = (
        engine.transfer(request(TARGET, style, precise)) for style in (Style.load(tmp_path / "b.style"), STYLE)
    )
    flowed = [result.report.images["stylised"] for result in (from_file, from_image)]
    assert (flowed[0] - flowed[1]).abs().max() < 0.1 / 255
    assert np.abs(from_file.image - from_image.image).max() < 0.5 / 255
    assert features.name == "coffee"


def test_a_photographs_own_style_is_for_photographs(engine: Engine, tmp_path: Path) -> None:
    made = engine.transfer(request(TARGET, STYLE, SMALL))
    made.style.save(tmp_path / "coffee.style")
    kept = Style.load(tmp_path / "coffee.style")
    assert (
        np.abs(engine.transfer(request(TARGET, kept, SMALL)).image - made.image).max() < 1 / 255
    )  # it keeps six digits
    with pytest.raises(InputError, match="photographs"):
        engine.transfer(request(TARGET, kept, settings(mode="painting")))


def test_style_that_does_not_fit(engine: Engine) -> None:
    features = engine.read_style(Input(STYLE), SMALL)
    for change, message in (
        ({"layers": 3, "mode": "painting"}, "holds 2 layers; choose --layers 2"),
        ({"network": "vgg19"}, "vgg16"),
        ({"activation": "relu"}, "--activation smooth"),
    ):
        with pytest.raises(InputError, match=message):
            engine.transfer(request(TARGET, features, settings(**change)))
    labels = halves(TARGET.shape)
    two = engine.transfer(request(TARGET, STYLE, SMALL, regions=(labels, halves(STYLE.shape)))).style
    with pytest.raises(InputError, match="2 regions and the target has 1"):
        engine.transfer(request(TARGET, two, SMALL))


# --- unusual pictures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("height", [37, 40, 43, 46, 49])
def test_shapes_that_round_differently_at_each_size(engine: Engine, height: int) -> None:
    """The field is fitted at one size and corrected at another; its cells are the same ones at both.

    So the colours are met, and one more row of the target leaves the others as they are.
    """
    whole, style = muted(photograph("chelsea", 100)), muted(STYLE)
    whole_picture = settings(layers=3, correspondence="off")
    ours, taller = (
        engine.transfer(request(np.ascontiguousarray(whole[:rows, :56]), style, whole_picture)).image
        for rows in (height, height + 1)
    )
    assert psnr(ours, taller[:height]) > 40
    colours, wanted = (x.reshape(-1, 3).astype(np.float64) for x in (ours, style))
    np.testing.assert_allclose(colours.mean(0), wanted.mean(0), rtol=0.01)
    assert np.linalg.norm(np.cov(colours.T) - np.cov(wanted.T)) < 0.01 * np.linalg.norm(np.cov(wanted.T))


@pytest.mark.parametrize("mode", ["photo", "painting"])
@pytest.mark.parametrize(
    ("target", "style"),
    [
        (np.repeat(TARGET.mean(2, keepdims=True), 3, 2), STYLE),
        (TARGET, np.repeat(STYLE.mean(2, keepdims=True), 3, 2)),
        (np.full((20, 30, 3), 0.5, np.float32), STYLE),
        (TARGET, np.full((20, 30, 3), 0.5, np.float32)),
        (np.zeros((20, 30, 3), np.float32), np.ones((9, 9, 3), np.float32)),
        (TARGET[:, :1], STYLE),
        (TARGET[:1], STYLE),
        (TARGET, STYLE[:1, :1]),
        (TARGET[:1, :1], STYLE[:, :1]),
    ],
    ids=[
        "grey target",
        "grey style",
        "flat target",
        "flat style",
        "black to white",
        "one column",
        "one row",
        "one pixel of style",
        "one pixel",
    ],
)
def test_unusual_pictures(engine: Engine, target: np.ndarray, style: np.ndarray, mode: str) -> None:
    result = engine.transfer(
        request(
            np.ascontiguousarray(target), np.ascontiguousarray(style), settings(layers=1, mode=mode, allow_black=True)
        )
    )
    assert_sound(result, target)
    if mode == "photo":
        np.testing.assert_allclose(result.image.mean((0, 1)), style.mean((0, 1)), atol=0.05)


# --- colours that fill no space -----------------------------------------------------------------------------------


def thinned(pixels: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """The picture with what its colours have along these axes (3, K) alone."""
    mean = pixels.mean((0, 1))
    return np.clip(mean + (pixels - mean) @ axes @ axes.T, 0, 1).astype(np.float32)


def shown(result: np.ndarray, target: np.ndarray) -> float:
    """How much of the target's fine detail an 8-bit result lets one see: the share that its colours explain."""
    picture, given = (
        image.astype(np.float64) - gaussian_filter(image.astype(np.float64), (2, 2, 0))
        for image in (np.round(result * 255) / 255, target)
    )
    picture, given = picture.reshape(-1, 3), given.reshape(-1, 3)
    given = given @ np.linalg.eigh(given.T @ given)[1][:, -1]
    explained = picture @ np.linalg.lstsq(picture, given, rcond=None)[0]
    return float(1 - np.square(given - explained).sum() / np.square(given).sum())


def contrast(image: np.ndarray) -> float:
    return float(np.sqrt(image.reshape(-1, 3).var(0).sum()))


RED, BLUE, VIOLET = (np.eye(3)[:, channels] for channels in ([0], [2], [0, 2]))
GREY = np.full((3, 1), 3**-0.5)


def only(pixels: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """The picture with zeros in the channels that are not among these axes, or of one colour where there are none."""
    return (pixels @ axes @ axes.T).astype(np.float32) if axes.size else np.full_like(pixels, 0.6)


@pytest.mark.parametrize("mode", ["photo", "painting"])
@pytest.mark.parametrize("style_axes", [np.eye(3), BLUE, np.empty((3, 0))], ids=["full", "blue", "flat"])
@pytest.mark.parametrize("axes", [RED, VIOLET, GREY], ids=["red", "violet", "grey"])
def test_pictures_of_few_colours_keep_their_detail(
    engine: Engine, mode: str, axes: np.ndarray, style_axes: np.ndarray
) -> None:
    target, style = only(TARGET, axes), only(STYLE, style_axes)
    result = engine.transfer(request(target, style, settings(mode=mode, allow_black=True))).image
    assert shown(result, target) > 0.5
    assert contrast(result) > max(contrast(style) / 2, contrast(target) / 20)


@hypothesis.settings(max_examples=5, deadline=None)
@hypothesis.given(st.integers(0, 2**31), st.integers(1, 3), st.integers(0, 3), st.booleans())
def test_clouds_of_any_rank_keep_their_detail(
    engine: Engine, seed: int, rank: int, style_rank: int, in_one_region: bool
) -> None:
    """In the whole picture, and in one region beside another that has all its colours."""
    axes, style_axes = (
        np.linalg.qr(np.random.default_rng(seed + number).standard_normal((3, 3)))[0] for number in range(2)
    )
    target, style = thinned(TARGET, axes[:, :rank]), thinned(STYLE, style_axes[:, :style_rank])
    regions = None
    if in_one_region:
        target[:, 28:], style[:, 24:] = TARGET[:, 28:], STYLE[:, 24:]
        regions = tuple(
            np.repeat(np.arange(image.shape[1])[None] >= image.shape[1] / 2, len(image), 0).astype(int)
            for image in (target, style)
        )
    result = engine.transfer(request(target, style, settings(allow_black=True, mode="photo"), regions=regions)).image
    part, own = result[:, :24], target[:, :24]
    assert shown(part, own) > 0.4
    assert contrast(part) > contrast(own) / 16


def test_values_that_are_no_numbers(engine: Engine) -> None:
    broken = TARGET.copy()
    broken[5, 5, 0] = np.nan
    for pair in ((broken, STYLE), (TARGET, broken)):
        with pytest.raises(InputError, match="not numbers"):
            engine.transfer(request(*pair, SMALL))


def test_values_outside_the_unit_range(engine: Engine) -> None:
    """Layer 0 takes out what is the same affine change of every channel; a style keeps it as its colours alone."""
    whole = settings(size=64, integrator="reversible", **FLOW)
    plain, wide = (engine.transfer(request(target, STYLE, whole)) for target in (TARGET, 3 * TARGET - 1))
    assert_sound(wide, TARGET)
    difference = np.abs(np.subtract(*(result.report.images["stylised"].numpy() for result in (plain, wide))))
    assert difference.mean() < 0.1 / 255
    assert difference.max() < 8 / 255  # where a steep colour map meets the box
    once, twice = (engine.read_style(Input(style), whole) for style in (STYLE, 2 * STYLE))
    for ours, theirs in zip(once.features, twice.features, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3)
    np.testing.assert_allclose(twice.full_moments[0].mean, 2 * once.full_moments[0].mean, rtol=1e-4)
    np.testing.assert_allclose(twice.full_moments[0].covariance, 4 * once.full_moments[0].covariance, rtol=1e-3)


# --- files and progress -------------------------------------------------------------------------------------------


def test_result_goes_where_it_is_wanted(engine: Engine, tmp_path: Path) -> None:
    out = np.memmap(tmp_path / "out.raw", np.float32, "w+", shape=TARGET.shape)
    target = np.memmap(tmp_path / "in.raw", np.float32, "w+", shape=TARGET.shape)
    target[:] = TARGET
    result = engine.transfer(request(target, STYLE, SMALL), out=out)
    assert result.image is out
    out.flush()
    written = np.fromfile(tmp_path / "out.raw", np.float32).reshape(TARGET.shape)
    assert np.array_equal(written, engine.transfer(request(TARGET, STYLE, SMALL)).image)


def test_progress_grows_from_nothing_to_all() -> None:
    engine = Engine()
    said: list[tuple[float, str]] = []
    for _ in range(2):  # cold, then with style and target kept
        said.clear()
        engine.transfer(
            request(TARGET, STYLE, SMALL), progress=lambda share, message: said.append((share, str(message)))
        )
        shares = [share for share, _ in said]
        assert all(0 <= share <= 1 for share in shares)
        assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(shares))
        assert shares[-1] == 1.0
        assert all(phrase for _, phrase in said)
    assert len({phrase for _, phrase in said}) >= 3


@pytest.mark.parametrize("after", [0.0, 0.3, 0.6, 0.95])
def test_work_stops_where_progress_says_so(after: float) -> None:
    engine = Engine()

    def stop(share: float, message: Message) -> None:
        if share >= after:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine.transfer(request(TARGET, STYLE, settings(layers=1)), progress=stop)
    # and nothing half-done is kept
    again = engine.transfer(request(TARGET, STYLE, settings(layers=1))).image
    assert np.array_equal(again, Engine().transfer(request(TARGET, STYLE, settings(layers=1))).image)


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_report_is_plain_and_complete(mode: str) -> None:
    flows, made = {"normalise", "stylise"} if mode == "painting" else set(), settings(**AS_A_WHOLE[mode])
    report = json.loads(json.dumps(Engine().transfer(request(TARGET, STYLE, made)).report.as_dict(), allow_nan=False))
    assert report["settings"] == made.as_dict()
    assert report["network"] == "vgg16"
    assert "processor" in report["device"]
    assert set(report["seconds"]) == {"prepare", "style", "match", "finish", "render"} | flows
    counts = report["evaluations"]
    assert counts["total"] == counts["forward"] + counts["jvp"] + counts["vjp"] > 0
    assert [len(values) for values in report["reference"]] == [64, 128, 256, 512, 512]
    assert [entry["layer"] for entry in report["layers"]] == ["relu2_1", "relu1_1"]
    for entry in report["layers"]:
        own, wanted, reached = (np.array(entry[key]) for key in ("own", "wanted", "reached"))
        assert entry["relative_error"] == pytest.approx(np.linalg.norm(reached - wanted) / np.linalg.norm(wanted))
        assert 0 < entry["share_of_the_way"] <= 1
        assert entry["share_of_the_way"] == pytest.approx(
            1 - np.linalg.norm(reached - wanted) / np.linalg.norm(wanted - own), rel=1e-4
        )
    assert report["dead_channels"] == {f"relu{n}_1": [] for n in range(1, 6)}


# --- round trip ---------------------------------------------------------------------------------------------------


def test_round_trip_by_the_raw_flow(engine: Engine) -> None:
    trip = engine.round_trip(TARGET, SMALL)
    assert trip.psnr > 45
    assert trip.psnr == pytest.approx(psnr(trip.after.numpy(), trip.before.numpy()), abs=1e-3)
    levels = [np.round(np.clip(x.numpy(), 0, 1) * 255) for x in (trip.before, trip.after)]
    assert trip.equal_bytes == pytest.approx((levels[0] == levels[1]).mean())


@pytest.mark.slow
def test_round_trip_through_five_layers(engine: Engine) -> None:
    """An 8-bit photograph comes back with its own bytes, by either rule whose solves converge."""
    image = np.round(TARGET * 255).astype(np.float32) / 255
    for integrator, layers in (("reversible", 5), ("rk4", 3)):
        trip = engine.round_trip(image, settings(layers=layers, size=64, integrator=integrator))
        assert trip.before.shape == (3, *image.shape[:2])  # not resized
        assert trip.psnr > 70
        assert trip.equal_bytes > 0.999
