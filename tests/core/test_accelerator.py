"""What holds on an accelerator: on a pretended one everywhere, on a real one with ``tests/run -m gpu``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import skimage.data
import torch

from decouple_contract.settings import Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.engine import engine as transfer
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.reference import uniform_noise
from decouple_core.flow.move import Move
from decouple_core.flow.replays import Replays
from decouple_core.model.device import NAMES, pick_device
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes import painting
from decouple_core.pictures.resampling import shrink
from tests.core.elsewhere import NAME, Elsewhere
from tests.core.request_of_arrays import request

pytestmark = pytest.mark.usefixtures("one_thread")


def photograph(name: str, size: int) -> np.ndarray:
    small = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray(small.permute(1, 2, 0).numpy())


TARGET, STYLE = photograph("astronaut", 64), photograph("coffee", 56)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Elsewhere]:
    """A pretended accelerator, which the program picks."""
    monkeypatch.setattr(transfer, "pick_device", lambda name: NAME)
    with Elsewhere() as device:
        yield device


@contextmanager
def as_here() -> Iterator[None]:
    """The processor, with J in the precision that it has elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "pick_device", pick_device)
        patch.setattr("decouple_core.model.prepared.linear_precision", lambda device: None)
        yield


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference, in 8-bit steps."""
    return float(np.abs(a - b).max()) * 255


def apart(ours: Transferred, wanted: Transferred) -> float:
    """The largest difference of two transfers, in 8-bit steps.

    A painting's steps amplify any rounding, so that its strokes are others: it is held to the colours of the whole, and
    to the flow's result where it begins with that.
    """
    if ours.report.settings.mode == "photo":
        return difference(ours.image, wanted.image)
    begun = "target" if ours.correspondence else "stylised"
    looks = ([result.report.images[begun].cpu().numpy(), result.image.mean((0, 1))] for result in (ours, wanted))
    return max(difference(a, b) for a, b in zip(*looks, strict=True))


CASES = {
    "photograph": Settings(size=48),
    "painting": Settings(size=48, mode="painting"),
    "as a whole": Settings(size=48, mode="painting", correspondence="off"),
    "there and back": Settings(size=32, mode="painting", integrator="reversible", layers=2, correspondence="off"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_transfer_elsewhere_is_the_one_here(case: str, elsewhere: Elsewhere) -> None:
    result = Engine().transfer(request(TARGET, STYLE, CASES[case]))
    assert elsewhere.reads > 0
    with as_here():
        assert apart(result, Engine().transfer(request(TARGET, STYLE, CASES[case]))) < 1


def test_masks_and_regions_elsewhere_are_those_here(elsewhere: Elsewhere) -> None:
    labels = [np.arange(x.shape[1]) // (x.shape[1] // 2 + 1) * np.ones(x.shape[:2], int) for x in (TARGET, STYLE)]
    mask = np.linspace(0.2, 1.0, TARGET.shape[1], dtype=np.float32) * np.ones(TARGET.shape[:2], np.float32)
    settings = Settings(mode="photo", size=64, layers=2)

    def picture() -> np.ndarray:
        return (
            Engine().transfer(request(TARGET, STYLE, settings, target_seen=mask, regions=(labels[0], labels[1]))).image
        )

    result = picture()
    assert elsewhere.reads > 0
    with as_here():
        assert difference(result, picture()) < 1


def test_a_painting_too_large_for_the_device_is_painted_smaller_and_says_so(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, said = painting.gauss_newton, list[str]()

    def with_little_room(hierarchy: Hierarchy, image: torch.Tensor, *others: Any, **named: Any) -> Any:
        if max(image.shape) > 64:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return whole(hierarchy, image, *others, **named)

    monkeypatch.setattr(painting, "gauss_newton", with_little_room)
    monkeypatch.setitem(NAMES, "meta", "GPU")
    engine, target = Engine(), photograph("astronaut", 128)
    result = engine.transfer(
        request(target, STYLE, Settings(size=128, mode="painting", layers=1)),
        progress=lambda share, message: said.append(str(message)),
    )
    assert result.image.shape == target.shape
    assert result.report.settings.size == 64
    assert "meta" in result.report.device
    assert sum("memory is full" in words for words in said) == 1


def test_round_trip_elsewhere(elsewhere: Elsewhere) -> None:
    assert Engine().round_trip(TARGET, Settings(size=32, layers=2, integrator="reversible")).psnr > 60


@pytest.mark.parametrize("integrator", ["midpoint", "reversible"])
def test_a_transfers_solve_waits_for_nothing(integrator: str, elsewhere: Elsewhere) -> None:
    """The program only queues work: an accelerator that had to hand over numbers would stand still meanwhile.

    One that stops where it has converged looks once before every iteration.
    """
    settings = Settings(mode="photo", integrator=integrator)
    model = PreparedModel.prepare(settings, NAME, lambda share, phrase: None)
    image = uniform_noise(1, 32).to(NAME)
    flow = model.flow(None, model.active(image, None), settings, lambda move, values: None)
    *_, start = model.hierarchy.measure(image, 5)
    held = torch.cat(model.hierarchy.measure(image, 4), 1)
    move = Move(5, start, model.reference.values[4], held)
    before = elsewhere.reads
    first = flow.direction(image, move)
    second = flow.direction(image + 0.01 * first.change, move, first)
    looks = {"midpoint": 0, "reversible": first.iterations + second.iterations + 2}[integrator]
    assert elsewhere.reads - before == looks


@pytest.mark.gpu
@pytest.mark.parametrize("case", CASES)
def test_a_real_accelerator_gives_what_the_processor_gives(case: str) -> None:
    settings = CASES[case].as_dict()
    ours = Engine().transfer(request(TARGET, STYLE, Settings.from_dict(settings)))
    with as_here():
        wanted = Engine().transfer(request(TARGET, STYLE, Settings.from_dict({**settings, "device": "cpu"})))
    assert apart(ours, wanted) < 1


@pytest.mark.gpu
def test_a_transfer_is_the_same_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The third is replayed from end to end."""
    made: list[Replays | None] = []
    on = Replays.on
    monkeypatch.setattr(Replays, "on", lambda device: made.append(on(device)) or made[-1])
    engine, settings = Engine(), Settings(size=200, mode="painting")
    pictures = []
    for number in range(3):
        target = TARGET.copy()
        target[0, 0] = number / 255  # a new one to all that is kept
        pictures.append(engine.transfer(request(target, STYLE, settings)).image)
    if made == [None]:
        pytest.skip("this accelerator has no graphs")
    (replays,) = made
    assert replays is not None
    assert replays.recorded > 10
    assert float(np.median(np.abs(pictures[2] - pictures[0]))) * 255 < 1


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore:Synchronization debug mode")  # which is said once, when it is first set
def test_a_solve_never_synchronises_cuda() -> None:
    """By CUDA's own account."""
    device = pick_device("auto")
    if device.type != "cuda":
        pytest.skip("only CUDA tells")
    settings = Settings(mode="photo")
    model = PreparedModel.prepare(settings, device, lambda share, phrase: None)
    image = uniform_noise(1, 64).to(device)
    flow = model.flow(None, model.active(image, None), settings, lambda move, values: None)
    flow.replays = None  # every kernel by itself
    start, goal = model.hierarchy.measure(image, 1)[0], model.reference.values[0]
    move = Move(1, start, goal, start[:, :0])
    flow.direction(image, move)
    torch.cuda.set_sync_debug_mode("error")
    try:
        flow.direction(image, move)
    finally:
        torch.cuda.set_sync_debug_mode("default")
