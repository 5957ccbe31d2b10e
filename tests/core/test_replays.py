"""Recorded solves, by recordings that pretend to be a device's graphs: they compute with what their inputs hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from decouple_contract.progress import silent
from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.linearised import WorkCount
from decouple_core.features.reference import uniform_noise
from decouple_core.flow.gauss_newton import Step, gauss_newton
from decouple_core.flow.move import Move
from decouple_core.flow.replays import Function, Recording, Replays
from decouple_core.model.device import CPU
from decouple_core.model.prepared import PreparedModel
from tests.core.request_of_arrays import request

pytestmark = pytest.mark.usefixtures("one_thread")


class Recorder:
    """Counts recordings and replays; fails from the moment that it is told to.

    Parameters
    ----------
    work : WorkCount
        In which a replay counts nothing, as no line of the function is run.
    """

    def __init__(self, work: WorkCount) -> None:
        self.recorded = self.replayed = 0
        self.fails = False
        self._work = work

    def __call__(self, function: Function, inputs: Sequence[Tensor]) -> Recording:
        there = [x.clone() for x in inputs]
        outputs = list(function(*there))
        if self.fails:
            raise RuntimeError("operation not permitted when stream is capturing")
        self.recorded += 1

        def replay() -> None:
            self.replayed += 1
            before = self._work.copy()
            for place, value in zip(outputs, function(*there), strict=True):
                place.copy_(value)
            self._work.passes, self._work.multiply_adds = before.passes, before.multiply_adds

        for place in outputs:
            place.fill_(float("nan"))  # a recording computes nothing
        return Recording(there, outputs, replay)


def test_a_function_is_recorded_the_second_time_and_replayed_from_then_on() -> None:
    work = WorkCount()
    recorder = Recorder(work)
    replays = Replays(recorder)

    def doubled(x: Tensor) -> list[Tensor]:
        work.passes["forward", 1] += 1
        return [2 * x]

    results = [replays("double", doubled, [torch.full((2,), float(n))], work)[0] for n in range(4)]
    assert [r[0].item() for r in results] == [0.0, 2.0, 4.0, 6.0]  # each its own, though the outputs are one place
    assert (recorder.recorded, recorder.replayed) == (1, 3)
    assert work.passes["forward", 1] == 4
    replays("double", doubled, [torch.ones(3)], work)  # another shape is another function
    assert recorder.recorded == 1


def test_where_recording_fails_functions_are_called_as_they_are() -> None:
    work = WorkCount()
    recorder = Recorder(work)
    replays, counted = Replays(recorder), []
    recorder.fails = True

    def doubled(x: Tensor) -> list[Tensor]:
        work.passes["forward", 1] += 1
        counted.append(x)
        return [2 * x]

    for n in range(4):
        assert replays("double", doubled, [torch.full((2,), float(n))], work)[0][0] == 2 * n
    assert recorder.replayed == 0
    assert len(counted) == 5  # once for the attempt, which is not tried again
    assert work.passes["forward", 1] == 4


@pytest.fixture(scope="module")
def model() -> PreparedModel:
    return PreparedModel.prepare(Settings(network="vgg16"), CPU, silent)


def test_the_flow_is_the_same_recorded(model: PreparedModel) -> None:
    image, recorder = uniform_noise(1, 24), Recorder(model.hierarchy.work)
    own, *_ = model.hierarchy.measure(image, 1)
    move = Move(1, own, model.reference.values[0], own[:, :0])
    flow = model.flow(None, model.active(image, None), Settings(), lambda move, values: None)
    recorded = model.flow(None, model.active(image, None), Settings(), lambda move, values: None)
    recorded.replays = Replays(recorder)
    found = []
    for each in (flow, recorded):
        before, direction, images = model.hierarchy.work.copy(), None, []
        for number in range(5):
            direction = each.direction(image + 0.01 * number, move, direction)
            images.append(direction.change)
        found.append((images, model.hierarchy.work.since(before)))
    assert recorder.replayed == 3  # the first was from zero, the second warmed up
    assert found[0][1].passes == found[1][1].passes
    for ours, theirs in zip(found[1][0], found[0][0], strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)


def test_a_photograph_is_the_same_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(WorkCount())
    settings = Settings(mode="photo", network="vgg16", device="cpu", correspondence="off")
    target, style = (uniform_noise(seed, 40).permute(1, 2, 0).contiguous().numpy() for seed in (1, 2))
    wanted = Engine().transfer(request(target, style, settings)).image
    monkeypatch.setattr(Replays, "on", lambda device: Replays(recorder))
    result = Engine().transfer(request(target, style, settings)).image
    assert recorder.replayed == 2  # of three steps
    np.testing.assert_allclose(result, wanted, atol=1e-5)


@pytest.mark.parametrize("side", [48, 208])  # as a whole, and in a sample
def test_steps_are_the_same_recorded(model: PreparedModel, side: int) -> None:
    hierarchy = model.hierarchy.first(2)
    calibration = model.calibration(hierarchy)
    start, recorder = uniform_noise(1, side) / 2, Recorder(model.hierarchy.work)
    goal = 1.1 * torch.cat(hierarchy.measure(start), 1)
    replays, found = Replays(recorder), []
    for used in (None, replays, replays):
        before = hierarchy.work.copy()
        image, known = gauss_newton(
            hierarchy,
            start,
            goal,
            [Step(0.3, 2), Step(0.1, 2)],
            calibration.damping,
            calibration.spectrum,
            metric=torch.ones(1, side, side),
            replays=used,
        )
        found.append((image, torch.stack(known.directions), hierarchy.work.since(before).passes))
    assert recorder.replayed == 2
    for image, directions, passes in found[1:]:
        torch.testing.assert_close(image, found[0][0])
        torch.testing.assert_close(directions, found[0][1])
        assert passes == found[0][2]


def test_a_masked_painting_is_not_another_masks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded does not know of masks, so that with one nothing is."""
    settings = Settings(mode="painting", size=32, layers=1, network="vgg16", device="cpu")
    target, style = (uniform_noise(seed, 40).permute(1, 2, 0).contiguous().numpy() for seed in (1, 2))
    left = (np.mgrid[:40, :40][1] < 20).astype(np.float32)

    def last(engine: Engine) -> np.ndarray:
        return [
            engine.transfer(request(target, style, settings, target_seen=mask)).image for mask in (left, left, 1 - left)
        ][-1]

    wanted = last(Engine())
    monkeypatch.setattr(Replays, "on", lambda device: Replays(Recorder(WorkCount())))
    np.testing.assert_allclose(last(Engine()), wanted, atol=1e-4)
