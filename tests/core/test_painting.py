"""The painting: its solve against a closed form, its components against each other, and what an artist relies on."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.filters import sobel
from skimage.metrics import structural_similarity
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.colour import ColourMap
from decouple_core.features.functions import Functions
from decouple_core.features.reference import Reference, reference_gram, uniform_noise
from decouple_core.features.style import ScaleFeatures, Style
from decouple_core.flow.gauss_newton import FAR, Step, gauss_newton
from decouple_core.flow.least_norm import Spectrum
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.certificate import certificate
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.field import Field
from decouple_core.pictures.pyramid import doubling, larger, smaller
from decouple_core.pictures.resampling import shrink
from decouple_core.request import Input
from decouple_core.weights import load_weights
from tests.core.request_of_arrays import request

pytestmark = [
    pytest.mark.usefixtures("weights", "one_thread"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script"),
]  # torch's own, on the first use of its jvp

PAINTED = Settings(mode="painting", size=64, network="vgg16", device="cpu")
AS_A_WHOLE = dataclasses.replace(PAINTED, correspondence="off")
"""By place, goals are activations of places of the style, and not its means; see test_marks.py."""


def photograph(name: str, size: int) -> np.ndarray:
    pixels = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray(pixels.permute(1, 2, 0).numpy().clip(0, 1))


TARGET, STYLE = photograph("astronaut", 96)[:72], photograph("immunohistochemistry", 96)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def painted(engine: Engine, **changes: Any) -> np.ndarray:
    return engine.transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, **changes))).image


# --- the solve ----------------------------------------------------------------------------------------------------


def test_what_is_said_not_to_act_changes_nothing(engine: Engine) -> None:
    """Deep layers where places match, and what is a painting's in a photograph, but for a level that another noise
    of the reference may cost.
    """
    cat, cup = photograph("chelsea", 96), photograph("coffee", 96)
    deep = {"strength_per_layer": (1.0,) * 4 + (0.5,) * 2}
    of_painting = {"seed": 5, "size": 32, "structure": 0.1, "fill": 0.0, "style_scale": 2.0, "keep_detail": 1.0}
    for mode, correspondence, changes in (
        ("painting", "auto", deep),
        ("photo", "auto", {**deep, **of_painting}),
        ("photo", "off", {**deep, **of_painting}),
    ):
        settings = dataclasses.replace(PAINTED, mode=mode, correspondence=correspondence)
        assert len(settings.acting_layers) == 4
        assert all(settings.idle(name) for name in changes if name in of_painting)
        made = engine.transfer(request(cat, cup, settings)).image
        other = Engine().transfer(request(cat, cup, dataclasses.replace(settings, **changes))).image
        assert np.abs(made - other).max() < 1 / 255, (mode, correspondence)


def test_a_step_is_the_damped_least_norm_change() -> None:
    """X + N M Jᵀ (N J M Jᵀ + μ)⁻¹ (goal − f), by an explicit Jacobian and numpy's solver, then into the box."""
    generator = torch.Generator().manual_seed(0)
    x = (2 * torch.rand(3, 4, 5, dtype=torch.float64, generator=generator) - 0.5).clamp(0, 1)
    metric = 0.5 + torch.rand(1, 4, 5, dtype=torch.float64, generator=generator)
    functions = [lambda x: x.mean((1, 2)), lambda x: torch.stack([(x**2).mean(), (x[0] * x[1]).mean()])]
    hierarchy = Functions(functions, (3, 2))
    values = torch.cat(hierarchy.measure(x), 1)
    way = torch.tensor([[0.3, -0.2, 0.1, 0.2, -0.1]], dtype=torch.float64)
    goal, gram = values + way, torch.eye(5, dtype=torch.float64)
    j = torch.cat([torch.func.jacrev(f)(x).reshape(-1, x.numel()) for f in functions]).numpy()
    m = metric.expand_as(x).reshape(-1).numpy()
    for unit in (0.2, 1e3):  # the goal is far, and near
        damping = torch.full((1, 5), unit, dtype=torch.float64)
        restrained = unit * max(1.0, (way.square().sum().item() / unit) ** 0.5 / FAR)
        a = np.linalg.solve(x.numel() * (j * m) @ j.T + restrained * np.eye(5), way[0].numpy())
        moved = x.numpy() + (x.numel() * m * (j.T @ a)).reshape(x.shape)
        assert moved.min() < 0 < 1 < moved.max()  # the box bites
        ours, known = gauss_newton(
            hierarchy, x, goal, [Step(1.0, 5)], damping, Spectrum.of(gram, damping), metric=metric
        )
        np.testing.assert_allclose(ours, np.clip(moved, 0, 1), atol=1e-9)
        assert len(known.directions) == 5


def test_a_goal_far_away_is_neared(weights: tuple[str, dict[str, Tensor]]) -> None:
    """The features of noise in the place of a ramp's, in three layers: unrestrained, they end farther off."""
    hierarchy = ChannelMeans("vgg16", weights[1], uniform_noise(0)).first(3)
    ramp = torch.linspace(0.2, 0.8, 48).expand(3, 48, 48)
    goal = torch.cat(hierarchy.measure(uniform_noise(1, 48)), 1)
    gram = reference_gram(hierarchy, uniform_noise(0, 32))
    damping = Reference([], gram, hierarchy.sizes).damping(1.0)

    def distance(image: Tensor) -> float:
        return ((goal - torch.cat(hierarchy.measure(image), 1)).square() / damping).sum().sqrt().item()

    image, _ = gauss_newton(
        hierarchy, ramp, goal, [Step(0.5, 6)] * 3, damping, Spectrum.of(gram, damping), metric=torch.ones(1, 48, 48)
    )
    assert FAR < distance(image) < 0.9 * distance(ramp)


@pytest.mark.parametrize("regions", [1, 2])
def test_a_spectrum_inverts_any_damping(regions: int) -> None:
    """In each region: (G + s D) / φ, by numpy."""
    generator = torch.Generator().manual_seed(0)
    half = torch.rand(6, 6, dtype=torch.float64, generator=generator)
    gram, damping = half @ half.T, 0.1 + torch.rand(1, 6, dtype=torch.float64, generator=generator)
    right = torch.rand(regions, 6, dtype=torch.float64, generator=generator)
    shares = torch.tensor([[0.3], [0.7]], dtype=torch.float64)[:regions]
    ours = Spectrum.of(gram, damping).inverse(damping / shares, torch.tensor(0.4))(right)
    for share, r, a in zip(shares, right, ours, strict=True):
        np.testing.assert_allclose((gram + 0.4 * torch.diag(damping[0])) / share @ a, r, atol=1e-12)


def test_a_spectrum_is_the_same_with_any_number_of_threads() -> None:
    root = torch.randn(600, 400, generator=torch.Generator().manual_seed(0))
    found = []
    for threads in (1, 2, 3):
        torch.set_num_threads(threads)
        found.append(Spectrum.of(root @ root.T / 400, torch.ones(1, 600)))
    torch.set_num_threads(1)
    for other in found[1:]:
        assert torch.equal(other.values, found[0].values)
        assert torch.equal(other.vectors, found[0].vectors)


def test_the_certificate_says_how_far_each_component_goes() -> None:
    """Means of colours, half of whose way a constant goes, none of it a noise without a mean, and all of it both."""
    hierarchy = Functions([lambda x: x.mean((1, 2))], (3,))
    base = torch.full((3, 16, 24), 0.4)
    noise = 0.1 * torch.randn(3, 8, 12, generator=torch.Generator().manual_seed(0))
    way = torch.tensor([[0.2, -0.1, 0.3]])
    differences = {"forms": 0.5 * way[0, :, None, None].expand(3, 4, 6), "strokes": noise - noise.mean((1, 2), True)}
    identity = Field(BilateralGrid, BilateralGrid(base).constant(ColourMap(torch.eye(3), torch.zeros(3))))
    wanted = {side: ScaleFeatures(side, (0.4 + way,), torch.zeros(1)) for side in (12, 24)}
    rows = certificate(hierarchy, Components(identity, differences, base=base), None, wanted)
    assert [(row.side, row.component) for row in rows] == [
        (side, name) for side in (12, 24) for name in ("forms", "strokes", "all")
    ]
    np.testing.assert_allclose([row.shares[0] for row in rows], [0.5, 0.0, 0.5] * 2, atol=0.03)


# --- scales -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 4096))
def test_scales_double_up_to_the_finest(finest: int) -> None:
    sides = doubling(finest, 64)
    assert sides[-1] == finest
    assert all(fine // 2 == coarse for coarse, fine in itertools.pairwise(sides))
    assert sides[0] < 128
    assert sides[0] >= 64 or len(sides) == 1


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 3))
def test_scaling_keeps_one_colour_and_the_mean(height: int, width: int, factor: int) -> None:
    image = torch.rand(3, height * factor, width * factor, generator=torch.Generator().manual_seed(height))
    small = smaller(image, (height, width))
    torch.testing.assert_close(small.mean((1, 2)), image.mean((1, 2)), rtol=1e-4, atol=1e-5)
    flat = torch.full((3, height, width), 0.3)
    torch.testing.assert_close(larger(flat, (2 * height, 3 * width)), torch.full((3, 2 * height, 3 * width), 0.3))


# --- components ---------------------------------------------------------------------------------------------------


def test_colour_alone_is_the_photograph(engine: Engine) -> None:
    photo = engine.transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, mode="photo"))).image
    np.testing.assert_array_equal(painted(engine, amounts=(1.0, 0.0, 0.0, 0.0)), photo)
    assert np.abs(painted(engine) - photo).mean() > 0.02
    target = painted(engine, amounts=(0.0, 0.0, 0.0, 0.0))
    np.testing.assert_allclose(target, TARGET, atol=0.006)  # but for the rounded corners of the box


def test_amounts_are_linear_and_cost_no_solve(engine: Engine) -> None:
    whole = engine.transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, size=96)))
    other = engine.transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, size=96, amounts=(1.0, 0.5, 1.2, 0.3))))
    assert other.components.amounts == (1.0, 0.5, 1.2, 0.3)
    for name, difference in whole.components.differences.items():
        assert torch.equal(difference, other.components.differences[name])
    again = engine.transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, size=96)))
    assert other.report.evaluations["total"] == again.report.evaluations["total"] < whole.report.evaluations["total"]
    half, none = (painted(engine, size=96, amounts=(1.0, share, share, share), keep_detail=1.0) for share in (0.5, 0.0))
    full = painted(engine, size=96, keep_detail=1.0)
    inside = (np.minimum(full, none) > 0.03) & (np.maximum(full, none) < 0.97)  # where the box does not bite
    assert inside.mean() > 0.3
    np.testing.assert_allclose(half[inside], (full + none)[inside] / 2, atol=0.004)


def test_a_painting_comes_nearer_to_the_means_than_the_photograph(engine: Engine) -> None:
    model = next(iter(engine.caches.models.kept._values.values()))
    wanted = model.hierarchy.measure(shrink(STYLE, 64), 3)

    def misses(image: np.ndarray) -> list[float]:
        means = model.hierarchy.measure(shrink(image, 64), 3)
        return [((a - b).norm() / b.norm()).item() for a, b in zip(means, wanted, strict=True)]

    photo = misses(painted(engine, correspondence="off", amounts=(1.0, 0.0, 0.0, 0.0)))
    assert all(
        ours < 0.75 * theirs for ours, theirs in zip(misses(painted(engine, correspondence="off")), photo, strict=True)
    )


def test_held_layers_stay(engine: Engine) -> None:
    """With the goals of some layers left at the target's own, the others go a good part of their way without them."""
    held = dataclasses.replace(AS_A_WHOLE, size=128, strength_per_layer=(1.0, 0.0, 0.0))
    target = photograph("astronaut", 128)
    rows = engine.transfer(request(target, STYLE, held), certify=True).report.certificate
    free = engine.transfer(request(target, STYLE, dataclasses.replace(held, strength_per_layer=())), certify=True)
    shares = {row.side: row.shares for row in rows if row.component == "all"}
    others = {row.side: row.shares for row in free.report.certificate if row.component == "all"}
    for side in (64, 128):
        assert max(abs(share) for share in shares[side][:2]) < 0.25
        assert min(others[side][:2]) > 0.5
        assert min(shares[side][3:]) > 0.4


def test_grain_leaves_coarser_scales_alone(engine: Engine) -> None:
    """Shrunk to the scale of the strokes, nothing of it is left; the sum is tested elsewhere."""
    differences = engine.transfer(
        request(photograph("astronaut", 128), STYLE, dataclasses.replace(AS_A_WHOLE, size=128)), render=False
    ).components.differences
    grain, forms = differences["grain"], differences["forms"]
    assert grain.shape[1] > forms.shape[1]
    left = smaller(grain, (forms.shape[1], forms.shape[2]))
    assert left.std() < 0.1 * forms.std()
    assert grain.std() > 1.5 * left.std()


def test_nothing_to_transfer_paints_nothing(engine: Engine) -> None:
    for style, changes in ((TARGET, {}), (STYLE, {"strength": 0.0})):
        result = engine.transfer(request(TARGET, style, dataclasses.replace(PAINTED, **changes))).image
        assert np.median(np.abs(result - TARGET)) < 1 / 255


# --- controls -----------------------------------------------------------------------------------------------------


def kept_edges(image: np.ndarray) -> float:
    """The structural similarity of the edges, by scikit-image's own measure."""
    return structural_similarity(*(sobel(x.mean(2)) for x in (TARGET, image)), data_range=1.0)


def test_structure_keeps_edges(engine: Engine) -> None:
    edges = [kept_edges(painted(engine, structure=share)) for share in (0.0, 0.5, 1.0)]
    assert edges == sorted(edges)
    assert edges[-1] > edges[0] + 0.01


def test_fill_paints_flat_areas(engine: Engine) -> None:
    """The least change strengthens what is there already; what is flat needs a seed."""
    target = TARGET.copy()
    target[:, :40] = 0.5
    rough = [
        float(
            np.diff(
                engine.transfer(request(target, STYLE, dataclasses.replace(AS_A_WHOLE, fill=share)))
                .image[:, 4:36]
                .mean(2)
            ).std()
        )
        for share in (0.0, 1.0, 2.0)
    ]
    assert rough == sorted(rough)
    assert rough[2] > 1.15 * rough[0]


def test_style_scale_makes_patterns_larger(engine: Engine) -> None:
    """Stripes of 4 pixels painted on grey: at twice the scale their power moves to lower frequencies."""
    stripes = np.where(np.arange(96)[:, None, None] % 8 < 4, 0.2, 0.8) * np.ones((96, 96, 3))
    flat = np.full((96, 96, 3), 0.5, np.float32)

    def middle(scale: float) -> float:
        """The mean frequency, weighted by power."""
        chosen = dataclasses.replace(PAINTED, size=96, style_scale=scale)
        image = engine.transfer(request(flat, stripes.astype(np.float32), chosen)).image.mean(2)
        power = np.abs(np.fft.rfft2(image - image.mean())) ** 2
        rows, columns = np.meshgrid(np.fft.fftfreq(96), np.fft.rfftfreq(96), indexing="ij")
        return float((np.hypot(rows, columns) * power).sum() / power.sum())

    assert middle(2.0) < 0.9 * middle(1.0)


def test_keep_detail_decides_what_stays_beyond_the_finest_scale(engine: Engine) -> None:
    target = photograph("astronaut", 256)

    def fine(share: float) -> float:
        chosen = dataclasses.replace(PAINTED, keep_detail=share)
        image = engine.transfer(request(target, STYLE, chosen)).image
        return float(np.diff(image.mean(2), axis=1).std())

    assert fine(0.0) < 0.8 * fine(1.0)


# --- kept styles, masks and regions ------------------------------------------------------------------------------


def test_a_kept_style_paints(engine: Engine, tmp_path: Path) -> None:
    style = engine.read_style(Input(STYLE), PAINTED)
    style.save(tmp_path / "a.style")
    assert (tmp_path / "a.style").stat().st_size < 100_000
    kept = Style.load(tmp_path / "a.style")
    assert [scale.side for scale in kept.scales] == [scale.side for scale in style.scales]
    from_file = engine.transfer(request(TARGET, kept, PAINTED)).image
    assert np.median(np.abs(from_file - painted(engine))) < 1 / 255


def test_a_style_kept_before_there_were_sharper_features_is_painted_with(engine: Engine) -> None:
    """And meets the features that it has, as one kept today meets its own."""
    chosen = dataclasses.replace(AS_A_WHOLE, size=192)
    target, picture = photograph("rocket", 192), photograph("coffee", 192)
    style = engine.read_style(Input(picture), chosen)
    plain = ChannelMeans("vgg16", load_weights("vgg16")[1], uniform_noise(0))
    whole = torch.from_numpy(picture).permute(2, 0, 1)
    finest = tuple(plain.measure(whole, 3))
    assert finest[0].shape != style.scales[-1].means[0].shape
    scales = (*style.scales[:-1], dataclasses.replace(style.scales[-1], means=finest))
    earlier = Style.from_json(dataclasses.replace(style, scales=scales).to_json())
    for kept, features in ((style, plain.sharper()), (earlier, plain)):
        image = torch.from_numpy(engine.transfer(request(target, kept, chosen)).image).permute(2, 0, 1)
        own, got, wanted = (
            torch.cat(features.measure(x, 3), 1) for x in (torch.from_numpy(target).permute(2, 0, 1), image, whole)
        )
        assert (got - wanted).norm() < 0.3 * (own - wanted).norm()


def test_a_style_of_an_earlier_version_makes_photographs_alone(engine: Engine) -> None:
    values = engine.read_style(Input(STYLE), PAINTED).to_json()
    del values["scales"]
    earlier = Style.from_json(values)
    assert np.isfinite(
        engine.transfer(request(TARGET, earlier, dataclasses.replace(PAINTED, mode="photo"))).image
    ).all()
    with pytest.raises(InputError, match="for photographs only"):
        engine.transfer(request(TARGET, earlier, PAINTED))


def test_regions_are_painted_with_like(engine: Engine) -> None:
    """A style that is calm on the left and striped on the right gives each half of a grey target its own."""
    style = np.full((64, 64, 3), 0.5, np.float32)
    style[:, 32:] += 0.4 * (np.arange(64)[:, None, None] % 4 < 2) - 0.2
    labels = np.repeat(np.arange(64)[None] // 32, 64, 0).astype(np.int32)
    flat = np.full((64, 64, 3), 0.5, np.float32) + 0.01 * photograph("coffee", 64)[:1, :64].mean()
    image = engine.transfer(request(flat, style, PAINTED, regions=(labels, labels))).image.mean(2)
    assert image[:, 40:].std() > 3 * image[:, :24].std()


def test_threads_do_not_change_a_painting() -> None:
    """Their number decides how sums are split; what that rounds otherwise, a painting's steps would show."""
    images = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        images.append(painted(Engine()))
    torch.set_num_threads(1)
    assert np.abs(images[1] - images[0]).max() <= 2 / 255


def test_one_seed_gives_one_painting(engine: Engine) -> None:
    first, again, other = (
        Engine().transfer(request(TARGET, STYLE, dataclasses.replace(PAINTED, seed=seed))).image for seed in (3, 3, 4)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1), (3, 5), (70, 9)])
def test_tiny_and_narrow_pictures(engine: Engine, shape: tuple[int, int]) -> None:
    target: Tensor = torch.rand(*shape, 3, generator=torch.Generator().manual_seed(0))
    image = engine.transfer(request(target.numpy(), STYLE, dataclasses.replace(PAINTED, layers=2))).image
    assert image.shape == (*shape, 3)
    assert np.isfinite(image).all()
