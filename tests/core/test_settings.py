"""The one table of settings: ranges, kinds, and what follows from them."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decouple_core.contract.settings import LAYER_COUNT, LAYER_NAMES, Settings

NUMBERS = [f for f in dataclasses.fields(Settings) if f.metadata["low"] is not None]


def changed(name: str, value: Any) -> Settings:
    """The defaults with one setting changed."""
    return dataclasses.replace(Settings(), **{name: value})


def test_defaults_are_allowed_and_survive_json() -> None:
    assert Settings.from_dict(json.loads(json.dumps(Settings().as_dict()))) == Settings()


@given(mode=st.sampled_from(["photo", "texture"]), layers=st.integers(1, 5), strength=st.floats(0, 1),
       per_layer=st.lists(st.floats(0, 1), max_size=6), freedom=st.floats(0, 1), size=st.integers(32, 2048),
       seed=st.integers(0, 2**31 - 1))
def test_any_allowed_settings_survive_json(mode: str, layers: int, strength: float, per_layer: list[float],
                                           freedom: float, size: int, seed: int) -> None:
    chosen = Settings(mode=mode, layers=layers, strength=strength, strength_per_layer=tuple(per_layer),
                      freedom=freedom, size=size, seed=seed)
    assert Settings.from_dict(json.loads(json.dumps(chosen.as_dict()))) == chosen
    assert len(chosen.strengths) == layers + 1
    assert all(0 <= s <= 1 for s in chosen.strengths)
    for n, s in enumerate(chosen.strengths):
        assert s == pytest.approx(strength * (per_layer[n] if n < len(per_layer) else 1.0))
    assert 0.0099 < chosen.damping < 10.1


@pytest.mark.parametrize("row", NUMBERS, ids=lambda f: f.name)
def test_numbers_out_of_range_are_refused_by_name_and_range(row: dataclasses.Field[Any]) -> None:
    low, high, several = row.metadata["low"], row.metadata["high"], isinstance(row.default, tuple)
    for value in (low - 1, high + 1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=rf"^{row.name} is .*; choose {low:g} to {high:g}\.$".replace("+", r"\+")):
            changed(row.name, (value,) if several else value)
    for value in (low, high):
        assert changed(row.name, (value,) if several else value)


@pytest.mark.parametrize("row", [f for f in dataclasses.fields(Settings) if f.metadata["choices"]],
                         ids=lambda f: f.name)
def test_choices(row: dataclasses.Field[Any]) -> None:
    assert row.default in row.metadata["choices"]
    for choice in row.metadata["choices"]:
        assert getattr(changed(row.name, choice), row.name) == choice
    with pytest.raises(ValueError, match=f"{row.name} is 'nonsense'; choose one of"):
        changed(row.name, "nonsense")


@pytest.mark.parametrize(("values", "message"), [
    ({"colour": 1}, "There is no setting 'colour'"),
    ({"layers": 3.0}, "layers is 3.0; it must be of type int"),
    ({"layers": True}, "layers is True"),
    ({"strength": "1"}, "strength is '1'; it must be of type float"),
    ({"strength": True}, "strength is True"),
    ({"keep_tones": 1}, "keep_tones is 1"),
    ({"mode": None}, "mode is None"),
    ({"layers": 9}, "layers is 9; choose 1 to 5"),
    ({"strength_per_layer": [2.0]}, "strength_per_layer is 2.0; choose 0 to 1"),
    ({"strength_per_layer": [0.5] * 7}, "strength_per_layer has 7 values; give 6 at most"),
    ({"strength_per_layer": ["x"]}, "strength_per_layer"),
    ({"strength_per_layer": [None]}, "strength_per_layer"),
    ({"strength_per_layer": 0.5}, "strength_per_layer is 0.5; it must be of type tuple"),
    ({"keep_tones": True, "keep_colours": True}, "leave nothing to transfer"),
])
def test_values_from_outside_are_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.from_dict(values)


def test_whole_numbers_do_for_strengths() -> None:
    assert Settings.from_dict({"strength": 1, "strength_per_layer": [0, 1]}).strength_per_layer == (0.0, 1.0)


def test_freedom_is_damping_backwards() -> None:
    dampings = [Settings(freedom=f).damping for f in (0.0, 0.5, 1.0)]
    assert dampings == pytest.approx([10.0, 10**-0.5, 0.01])


def test_every_setting_has_words_for_people() -> None:
    assert len(LAYER_NAMES) == LAYER_COUNT + 1
    for row in dataclasses.fields(Settings):
        assert row.metadata["label"]
        assert row.metadata["help"]


def test_standard_library_alone() -> None:
    """The plug-in carries a copy of the file into GIMP's own Python."""
    import decouple_core.contract.settings as module

    program = ("import runpy, sys; before = set(sys.modules); runpy.run_path(sys.argv[1]);"
               "print(*{name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names)")
    done = subprocess.run([sys.executable, "-c", program, str(module.__file__)], capture_output=True, text=True,
                          check=True)
    assert done.stdout.strip() == ""
