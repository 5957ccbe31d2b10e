"""What a person is told during a transfer: a share that only grows, and where it stands."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import skimage.data

from decouple_contract.errors import Cancelled
from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.flow.meter import Meter
from decouple_core.model.device import CPU
from decouple_core.model.prepared import PreparedModel, integrator_of
from decouple_core.request import Input
from tests.core.request_of_arrays import request

pytestmark = pytest.mark.usefixtures("one_thread")

SMALL = Settings(mode="photo", network="vgg16", device="cpu", size=32, layers=2)
TARGET, STYLE = (
    np.ascontiguousarray(picture[::12, ::12] / np.float32(255))
    for picture in (skimage.data.astronaut(), skimage.data.coffee())
)
PHASES = ["measuring-reference", "reading-style", "normalising", "stylising", "carrying", "rendering"]


@pytest.mark.parametrize(
    ("mode", "correspondence", "integrator"),
    [
        ("photo", "auto", "midpoint"),
        ("painting", "auto", "midpoint"),
        ("painting", "off", "reversible"),
        ("painting", "off", "euler"),
    ],
)
def test_a_transfer_tells_a_share_that_grows_to_one(
    weights: object, mode: str, correspondence: str, integrator: str
) -> None:
    engine, changes = Engine(), {"mode": mode, "correspondence": correspondence, "integrator": integrator}
    settings = Settings.from_dict({**SMALL.as_dict(), **changes})
    begun: list[str] = []
    style = engine.transfer(
        request(TARGET, STYLE, settings), progress=lambda share, message: begun.append(message.code)
    ).style
    assert ("painting" in begun) == (mode == "painting")
    for source in (STYLE, style):  # from what was kept, and from features
        told: list[tuple[float, Message]] = []
        engine.transfer(request(TARGET, source, settings), progress=lambda *news, told=told: told.append(news))
        shares = [share for share, _ in told]
        assert shares == sorted(shares)
        assert shares[0] >= 0
        assert shares[-1] == 1
        phrases = list(dict.fromkeys(message.code for _, message in told))
        assert phrases == [phrase for phrase in PHASES if phrase in phrases]
        assert {*(PHASES[2:4] if correspondence == "off" else []), *PHASES[4:]} <= set(phrases)


@pytest.fixture(scope="module")
def model(weights: object) -> PreparedModel:
    return PreparedModel.prepare(SMALL, CPU, lambda share, phrase: None)


@pytest.mark.parametrize("times", [0, 3, 10_000])
def test_more_or_fewer_evaluations_than_planned(model: PreparedModel, times: int) -> None:
    told: list[tuple[float, str]] = []
    meter = Meter(lambda share, message: told.append((share, message.code)))
    meter.plan(
        model.hierarchy, integrator_of(SMALL, model.hierarchy), SMALL.layers, reads=True, stylises=True, renders=True
    )
    for phrase in PHASES[1:4]:
        meter.phase(phrase)
        for _ in range(times):
            meter.evaluated(2)
    meter.phase(PHASES[4])
    meter.phase(PHASES[5])
    for share in (0.25, 0.5, 0.2, 1.0):
        meter.within(share)
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    starts = [min(share for share, told_phrase in told if told_phrase == phrase) for phrase in PHASES[1:]]
    ends = [max(share for share, told_phrase in told if told_phrase == phrase) for phrase in PHASES[1:]]
    assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert starts == sorted(set(starts))


def test_a_style_or_a_round_trip_alone_fills_the_bar(weights: object) -> None:
    engine, told = Engine(), []
    for work in (partial(engine.read_style, Input(TARGET)), partial(engine.round_trip, TARGET)):
        told.clear()
        work(SMALL, progress=lambda *news: told.append(news))
        assert 0.85 < told[-1][0] <= 1


def test_what_it_raises_stops_the_work(weights: object) -> None:
    def stop(share: float, message: Message) -> None:
        if message.code == "carrying":
            raise Cancelled

    engine = Engine()
    with pytest.raises(Cancelled):
        engine.transfer(request(TARGET, STYLE, SMALL), progress=stop)
    # What was kept before is whole.
    again, fresh = (e.transfer(request(TARGET, STYLE, SMALL)).image for e in (engine, Engine()))
    assert np.array_equal(again, fresh)
