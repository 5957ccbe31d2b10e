"""One new feature layer, integrator, outcome and parametrisation each, added from outside the package by one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

import decouple_core as dc
from decouple_core.features.colour import ColourMap
from decouple_core.features.functions import Functions
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import Linearisation
from decouple_core.features.reference import uniform_noise
from decouple_core.features.registry import HIERARCHIES
from decouple_core.flow.integrators import Integrator
from decouple_core.flow.move import Flow, Move
from decouple_core.flow.registry import INTEGRATORS, in_each_layer
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.outcome import Outcome, Stylisation
from decouple_core.outcomes.parametrisation import Parametrisation
from decouple_core.outcomes.photograph import Photograph
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.pictures.resampling import shrink

pytestmark = [
    pytest.mark.usefixtures("weights", "one_thread", "nothing_stays_registered"),
    pytest.mark.filterwarnings("ignore:.*torch.jit.script"),
]  # torch's own, on the first use of its jvp

SMALL = dc.Settings(size=32, layers=1, mode="painting", network="vgg16", device="cpu")


def photograph(name: str, size: int) -> np.ndarray:
    """Far from black and white, so that the box does not bite."""
    pixels = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray(0.3 + 0.4 * pixels.permute(1, 2, 0).numpy().clip(0, 1))


TARGET, STYLE = photograph("astronaut", 32)[:24], photograph("coffee", 28)


def settings(**changes: Any) -> dc.Settings:
    return dataclasses.replace(SMALL, **changes)


def transfer(**changes: Any) -> dc.Result[np.ndarray]:
    return dc.transfer(TARGET, STYLE, settings(**changes))


@pytest.fixture
def nothing_stays_registered() -> Iterator[None]:
    """What a test registers is gone after it."""
    choices = [row.metadata["choices"] for row in dataclasses.fields(dc.Settings)]
    tables: list[dict[str, Any]] = [HIERARCHIES, INTEGRATORS, OUTCOMES, *choices]
    before = [dict(table) for table in tables]
    yield
    for table, kept in zip(tables, before, strict=True):
        table.clear()
        table.update(kept)


# --- what is added ------------------------------------------------------------------------------------------------


def grey_of(image: Tensor) -> Tensor:
    return image.mean(0)


def gradients(image: Tensor) -> Tensor:
    """Mean squared differences of neighbouring pixels' grey, along both axes."""
    grey = grey_of(image)
    return torch.stack([grey.diff(dim=axis).square().mean() for axis in (0, 1)])


def curvatures(image: Tensor) -> Tensor:
    """The same of second differences, and of mixed ones."""
    grey = grey_of(image)
    return torch.stack(
        [
            grey.diff(2, dim=0).square().mean(),
            grey.diff(2, dim=1).square().mean(),
            grey.diff(dim=0).diff(dim=1).square().mean(),
        ]
    )


def statistics(network: str, weights: Mapping[str, Tensor], noise: Tensor, linear: torch.dtype | None) -> Hierarchy:
    """A hierarchy of two layers, of two and three features; it needs no network."""
    return Functions([gradients, curvatures], (2, 3))


class OfRegions(Hierarchy):
    """Features that are known in regions, but not at every place."""

    def __init__(self, inner: Hierarchy) -> None:
        super().__init__(inner.sizes, inner.names, inner.schedule)
        self._inner = inner

    def linearise(self, image: Tensor, depth: int) -> Linearisation:
        return self._inner.linearise(image, depth)

    def within(self, masks: Tensor | None) -> OfRegions:
        other = copy(self)
        other._inner = self._inner.within(masks)
        return other


class Heun(Integrator):
    """Heun's rule: the mean of the directions at both ends of an Euler step."""

    def __init__(self, steps: int) -> None:
        self._steps = steps

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        for _ in range(self._steps):
            here = flow.direction(image, move)
            there = flow.direction(image + here.change / self._steps, move, here)
            image = image + (here.change + there.change) / (2 * self._steps)
        return image

    def evaluations(self, layer: int) -> int:
        return 2 * self._steps


class GlobalMap(Parametrisation):
    """One affine map of colours, the same everywhere: a matrix (3, 4)."""

    def __init__(
        self, image: Tensor, shape: Sequence[int] | None = None, top: float = 0.0, bottom: float = 1.0
    ) -> None:
        self.image = image
        self._arguments = torch.cat([image, torch.ones_like(image[:1])])

    def apply(self, parameters: Tensor) -> Tensor:
        return torch.einsum("ij,jhw->ihw", parameters, self._arguments)

    def adjoint(self, colours: Tensor) -> Tensor:
        return torch.einsum("ihw,jhw->ij", colours, self._arguments)

    def constant(self, colour_map: ColourMap) -> Tensor:
        return torch.cat([colour_map.matrix, colour_map.offset[:, None]], 1).to(self.image)

    def smooth(self, parameters: Tensor) -> Tensor:
        return parameters

    @classmethod
    def followed(cls, parameters: Tensor, maps: Sequence[ColourMap], shares: Tensor) -> Tensor:
        (colour_map,) = maps
        mapped = colour_map.matrix.to(parameters) @ parameters
        mapped[:, 3] += colour_map.offset.to(parameters)
        return mapped


class Negative(Outcome):
    """What the flow makes of the target as a negative: the target, and a difference laid over it."""

    def components(
        self, model: PreparedModel, stylisation: Stylisation, settings: dc.Settings, progress: dc.Progress
    ) -> Components:
        small = stylisation.picture.small.image
        nothing = ColourMap(torch.eye(3), torch.zeros(3))
        return Components(
            Field(GlobalMap, GlobalMap(small).constant(nothing)), {"negative": 1 - stylisation.image - small}
        )


# --- a transfer with each -----------------------------------------------------------------------------------------


def distance_left(result: np.ndarray) -> np.ndarray:
    """Of each feature of the toy hierarchy, by numpy: what is left of the way to the style's, in logarithms."""

    def features(pixels: np.ndarray) -> np.ndarray:
        grey = pixels.astype(np.float64).mean(2)
        return np.log(
            [
                np.square(d).mean()
                for d in (
                    np.diff(grey, axis=0),
                    np.diff(grey, axis=1),
                    np.diff(grey, 2, axis=0),
                    np.diff(grey, 2, axis=1),
                    np.diff(np.diff(grey, axis=0), axis=1),
                )
            ]
        )

    own, wanted = features(TARGET), features(STYLE)
    left: np.ndarray = np.abs(features(result) - wanted) / np.abs(own - wanted)
    return left


def distance_from_an_affine_map(result: np.ndarray) -> float:
    """Root mean square of what no affine map of the target's colours gives."""
    arguments = np.concatenate([TARGET.reshape(-1, 3), np.ones((TARGET[..., 0].size, 1))], 1)
    colours = result.reshape(-1, 3).astype(np.float64)
    return float(np.sqrt(np.square(arguments @ np.linalg.lstsq(arguments, colours, rcond=None)[0] - colours).mean()))


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_a_hierarchy_of_ones_own(layers: int) -> None:
    """Its layers are fewer than VGG's, and as many take part as there are."""
    dc.register_hierarchy("statistics", "Gradients", statistics)
    result = transfer(activation="statistics", layers=layers, size=32)
    there = min(layers, 2)
    assert [layer.layer for layer in result.report.layers] == ["layer2", "layer1"][2 - there :]
    assert [tuple(layer.shape) for layer in result.style.features] == [(1, 2), (1, 3)][:there]
    flow = result.report.images["stylised"].permute(1, 2, 0).numpy()
    assert distance_left(flow)[: 2 if there == 1 else 5].max() < 0.6
    assert not np.array_equal(result.image, transfer(layers=there, size=32).image)  # VGG's


def test_a_style_of_such_a_hierarchy(tmp_path: Path) -> None:
    dc.register_hierarchy("statistics", "Gradients", statistics)
    chosen = settings(activation="statistics", layers=5)
    file = tmp_path / "coffee.style"
    style = dc.read_style(STYLE, chosen, name="coffee")
    style.save(file)
    assert dc.Style.load(file).name == "coffee"
    wanted = dc.transfer(TARGET, STYLE, chosen).image
    assert np.abs(dc.transfer(TARGET, file, chosen).image - wanted).max() < 1e-3  # it keeps six digits
    with pytest.raises(dc.errors.InputError, match="activation statistics"):
        dc.transfer(TARGET, file, SMALL)
    with pytest.raises(dc.errors.InputError, match="whole images"):
        dc.transfer(TARGET, STYLE, chosen, target_mask=np.tri(*TARGET.shape[:2]) > 0)


def test_a_style_of_a_hierarchy_that_has_changed_since() -> None:
    dc.register_hierarchy("statistics", "Gradients", statistics)
    chosen = settings(activation="statistics", layers=2)
    style = dc.read_style(STYLE, chosen)
    HIERARCHIES["statistics"] = lambda *parts: Functions([gradients, gradients], (2, 2))
    with pytest.raises(dc.errors.InputError, match="damaged; make it again"):
        dc.transfer(TARGET, style, chosen)
    kept = style.to_json()
    kept["means"] = [*kept["means"][:1], [[0.0] * 4]]  # of other sizes than the layers
    with pytest.raises(dc.errors.InputError, match="damaged; make it again"):
        dc.Style.from_json(kept)


def test_an_integrator_of_ones_own() -> None:
    """Heun's rule and that of Runge and Kutta follow one flow to its end; Euler's corrections leave it."""
    dc.register_integrator("heun", "Heun's rule", in_each_layer(Heun), converged=True)
    ours, wanted, other = (transfer(integrator=name).image for name in ("heun", "rk4", "euler"))
    assert np.abs(ours - wanted).max() < 2e-3
    assert np.abs(other - wanted).max() > 1e-2


def test_an_outcome_of_ones_own() -> None:
    dc.register_outcome("negative", "Negative", Negative())
    result = transfer(mode="negative")
    flow = result.report.images["stylised"].permute(1, 2, 0).numpy()
    assert list(result.components.differences) == ["negative"]
    np.testing.assert_allclose(result.image, 1 - flow, atol=1e-4)
    assert np.abs(flow - TARGET).max() > 0.1


def test_a_parametrisation_of_ones_own() -> None:
    """One map is an affine function of the target's colours, as the bilateral grid is not; the moments are met."""
    dc.register_outcome("global", "One map", Photograph(GlobalMap))
    result = transfer(mode="global", size=64).image
    assert distance_from_an_affine_map(result) < 1e-4
    assert distance_from_an_affine_map(transfer(mode="photo", size=64).image) > 1e-3
    ours, wanted = (x.reshape(-1, 3).astype(np.float64) for x in (result, STYLE))
    np.testing.assert_allclose(ours.mean(0), wanted.mean(0), rtol=0.01)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(wanted.T), rtol=0.05)


def test_all_of_them_at_once() -> None:
    dc.register_hierarchy("statistics", "Gradients", statistics)
    dc.register_integrator("heun", "Heun's rule", in_each_layer(Heun), converged=True)
    dc.register_outcome("global", "One map", Photograph(GlobalMap))
    chosen = {"activation": "statistics", "integrator": "heun", "mode": "global", "layers": 2, "size": 64}
    result = transfer(**chosen)
    assert distance_from_an_affine_map(result.image) < 1e-4
    assert result.report.settings == settings(**chosen)
    assert list(result.report.dead_channels) == ["layer1", "layer2"]
    reference = [np.square(np.diff(uniform_noise(0).numpy().mean(0), axis=axis)).mean() for axis in (0, 1)]
    np.testing.assert_allclose(result.report.reference[0], reference, rtol=1e-4)


@pytest.mark.parametrize(
    ("register", "table", "names"),
    [
        (lambda name: dc.register_hierarchy(name, "", statistics), HIERARCHIES, ("smooth", "relu", "new")),
        (lambda name: dc.register_integrator(name, "", in_each_layer(Heun)), INTEGRATORS, ("midpoint", "sgd", "new")),
        (lambda name: dc.register_outcome(name, "", Negative()), OUTCOMES, ("photo", "painting", "new")),
    ],
    ids=["hierarchy", "integrator", "outcome"],
)
def test_names_that_are_taken(register: Callable[[str], None], table: dict[str, Any], names: tuple[str, ...]) -> None:
    register("new")
    before = dict(table)
    for name in names:
        with pytest.raises(dc.errors.InputError, match=f"already has a choice '{name}'; choose another name"):
            register(name)
    assert table == before


def test_what_nobody_registered_is_no_choice() -> None:
    for setting in ("activation", "integrator", "mode"):
        with pytest.raises(dc.errors.InputError, match=f"{setting} is 'new'; choose one of"):
            settings(**{setting: "new"})


@pytest.mark.usefixtures("nothing_stays_registered")
def test_features_of_regions_alone_paint_as_a_whole() -> None:
    """Colours find their places; marks need activations at every one."""
    build = HIERARCHIES["smooth"]
    dc.register_hierarchy("regional", "Regional", lambda *given: OfRegions(build(*given)))
    target, style = photograph("astronaut", 64), photograph("coffee", 64)
    result = dc.transfer(target, style, settings(activation="regional", mode="painting", size=64))
    assert result.correspondence is not None
    assert "stylised" in result.report.images, "it begins with the flow"
    assert np.abs(result.image - target).mean() > 0.01
