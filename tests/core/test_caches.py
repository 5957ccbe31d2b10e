"""What a key holds: every setting that is read while its value is made, so that no two values share one."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import skimage

from decouple_contract.settings import OF_RENDERING, Settings
from decouple_core.engine import Engine
from decouple_core.engine.caches import Cache
from decouple_core.outcomes.registry import OUTCOMES
from tests.core.request_of_arrays import request

PIXELS = np.random.default_rng(0)
TARGET, STYLE = (PIXELS.random((6, 8, 3), np.float32).repeat(8, 0).repeat(8, 1) for _ in range(2))
SMALL: dict[str, Any] = {"layers": 1, "strength": 0.9, "network": "vgg16", "device": "cpu", "size": 32}
NAMES = {row.name for row in dataclasses.fields(Settings)}


class Reads:
    """Which settings each cache's values were made with, as the program ran."""

    def __init__(self) -> None:
        self.of = defaultdict[Cache[Any], set[str]](set)
        self.cache: Cache[Any] | None = None
        self.settings = Settings()

    def get(
        self, cache: Cache[Any], settings: Settings, sources: Sequence[Any], make: Callable[[], Any], *ignores: Any
    ) -> Any:
        """`Cache.get`, noting what is read meanwhile."""

        def noting() -> Any:
            self.cache, outer, self.settings = cache, self.cache, settings
            self.of[cache]  # made, even if nothing is read
            value = make()
            self.cache = outer
            return value

        return GET(cache, settings, sources, noting, *ignores)


GET, READS = Cache.get, Reads()


class Watched(Settings):
    """Settings that say who reads them."""

    def __post_init__(self) -> None:
        cache, READS.cache = READS.cache, None  # checking them is not reading
        super().__post_init__()
        READS.cache = cache

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        copying = sys._getframe(1).f_globals["__name__"] == "dataclasses"
        if name not in NAMES or READS.cache is None or copying:
            return value
        if value == object.__getattribute__(READS.settings, name):  # otherwise a copy has been given another
            READS.of[READS.cache].add(name)
        return value


@pytest.fixture(scope="module")
def engine() -> Engine:
    """An engine that has filled all of its caches."""
    engine = Engine()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cache, "get", lambda *given: READS.get(*given))
        for mode, correspondence in itertools.product(("photo", "painting"), ("auto", "off")):
            changes = {"mode": mode, "correspondence": correspondence}
            engine.transfer(request(TARGET, STYLE, Watched(**SMALL, **changes)))
    return engine


def caches(engine: Engine) -> dict[str, Cache[Any]]:
    """Those whose keys hold settings, by name."""
    return {name: cache for name, cache in vars(engine.caches).items() if isinstance(cache, Cache)}


def test_a_key_holds_what_is_read_and_no_more(engine: Engine) -> None:
    for name, cache in caches(engine).items():
        read = READS.of[cache]
        held = set(Settings().of_components()) if cache.reads is None else set(cache.reads)
        assert read - set(OF_RENDERING) <= held, name
        assert cache.reads is None or read == held, name


def test_an_outcome_ignores_only_what_it_does_not_read(engine: Engine) -> None:
    engine.forget()
    READS.of.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Cache, "get", lambda *given: READS.get(*given))
        settings = Watched(**SMALL, mode="photo", correspondence="off")
        engine.transfer(request(TARGET, STYLE, settings))
    assert not READS.of[engine.caches.components] & set(OUTCOMES["photo"].ignores)
    assert not OUTCOMES["painting"].ignores


def test_equal_settings_and_sources_make_a_value_once() -> None:
    cache, made = Cache[int](2, ("layers",)), list[int]()

    def make() -> int:
        made.append(len(made))
        return made[-1]

    kept = [
        cache.get(settings, sources, make)
        for settings, sources in (
            (Settings(), ["a"]),
            (Settings(freedom=0.1), ["a"]),
            (Settings(layers=2), ["a"]),
            (Settings(layers=2), ["b"]),
            (Settings(layers=2), ["a"]),
        )
    ]
    assert kept == [0, 0, 1, 2, 1]


@pytest.mark.usefixtures("weights")
def test_a_painting_after_a_photograph_is_that_of_a_new_engine() -> None:
    """To the last bit: what a painting takes over from a photograph is what it would have made itself."""
    target, style = (
        skimage.data.chelsea()[::6, ::6] / np.float32(255),
        skimage.data.coffee()[::10, ::10] / np.float32(255),
    )
    chosen = {"size": 32, "layers": 1, "network": "vgg16", "device": "cpu"}
    photograph, painting = (
        request(target, style, Settings.from_dict({**chosen, "mode": mode})) for mode in ("photo", "painting")
    )
    engine = Engine()
    engine.transfer(photograph)
    np.testing.assert_array_equal(engine.transfer(painting).image, Engine().transfer(painting).image)
