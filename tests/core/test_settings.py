"""The one table of settings: ranges, kinds, and what follows from them."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_contract.networks import NETWORKS
from decouple_contract.settings import (
    LAYER_COUNT,
    LAYER_NAMES,
    Settings,
    option,
    read_matches,
    register_choice,
    written_matches,
)

NUMBERS = [f for f in dataclasses.fields(Settings) if f.metadata["low"] is not None]


def changed(name: str, value: Any) -> Settings:
    """The defaults with one setting changed."""
    return dataclasses.replace(Settings(), **{name: value})


def test_defaults_are_allowed_and_survive_json() -> None:
    assert Settings.from_dict(json.loads(json.dumps(Settings().as_dict()))) == Settings()


@given(
    mode=st.sampled_from(["photo", "painting"]),
    layers=st.integers(1, 5),
    strength=st.floats(0, 1),
    per_layer=st.lists(st.floats(0, 1), max_size=6),
    freedom=st.floats(0, 1),
    size=st.integers(32, 4096),
    seed=st.integers(0, 2**31 - 1),
)
def test_any_allowed_settings_survive_json(
    mode: str, layers: int, strength: float, per_layer: list[float], freedom: float, size: int, seed: int
) -> None:
    chosen = Settings(
        mode=mode,
        layers=layers,
        strength=strength,
        strength_per_layer=tuple(per_layer),
        freedom=freedom,
        size=size,
        seed=seed,
    )
    assert Settings.from_dict(json.loads(json.dumps(chosen.as_dict()))) == chosen
    assert len(chosen.strengths) == layers + 1
    assert all(0 <= s <= 1 for s in chosen.strengths)
    for n, s in enumerate(chosen.strengths):
        assert s == pytest.approx(strength * (per_layer[n] if n < len(per_layer) else 1.0))
    assert 0.0099 < chosen.damping < 10.1


@pytest.mark.parametrize("row", NUMBERS, ids=lambda f: f.name)
def test_numbers_out_of_range_are_refused_by_name_and_range(row: dataclasses.Field[Any]) -> None:
    low, high, several = row.metadata["low"], row.metadata["high"], isinstance(row.default, tuple)
    for value in (low - 1, high + 1, *([] if isinstance(row.default, int) else [float("nan"), float("inf")])):
        with pytest.raises(InputError, match=rf"^{row.name} is .*; choose {low:g} to {high:g}\.$".replace("+", r"\+")):
            changed(row.name, (value,) * 4 if several else value)
    for value in (low, high):
        assert changed(row.name, (value,) * 4 if several else value)


@pytest.mark.parametrize(
    "row", [f for f in dataclasses.fields(Settings) if f.metadata["choices"]], ids=lambda f: f.name
)
def test_choices(row: dataclasses.Field[Any]) -> None:
    assert row.default in row.metadata["choices"]
    for choice in row.metadata["choices"]:
        assert getattr(changed(row.name, choice), row.name) == choice
    with pytest.raises(InputError, match=f"{row.name} is 'nonsense'; choose one of"):
        changed(row.name, "nonsense")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"colour": 1}, "There is no setting 'colour'"),
        ({"layers": 3.0}, "layers is 3.0; it must be of type int"),
        ({"layers": True}, "layers is True"),
        ({"strength": "1"}, "strength is '1'; it must be of type float"),
        ({"strength": True}, "strength is True"),
        ({"keep_tones": 1}, "keep_tones is 1"),
        ({"mode": None}, "mode is None"),
        ({"layers": 9}, "layers is 9; choose 1 to 5"),
        ({"strength_per_layer": [2.0]}, "strength_per_layer is 2.0; choose 0 to 1"),
        ({"match": [0.5, 0.5, 0.5]}, "match has 3 numbers; give four"),
        ({"match": [[[0.5, 0.5], [0.5, 1.5]]]}, "match is 1.5; choose 0 to 1"),
        ({"match": [[[0.5, 0.5], [0.5]]]}, "match is .*; it must be of type tuple"),
        ({"match": [[0.5, 0.5, 0.5, 0.5]]}, "match is .*; it must be of type tuple"),
        ({"match": [[[0.5, "x"], [0.5, 0.5]]]}, "match is .*; it must be of type tuple"),
        ({"strength_per_layer": [0.5] * 7}, "strength_per_layer has 7 values; give at most 6"),
        ({"strength_per_layer": ["x"]}, "strength_per_layer"),
        ({"strength_per_layer": [None]}, "strength_per_layer"),
        ({"strength_per_layer": ("x",)}, "strength_per_layer is .*; it must be of type tuple"),
        ({"strength_per_layer": 0.5}, "strength_per_layer is 0.5; it must be of type tuple"),
        ({"keep_tones": True, "keep_colours": True}, "leave nothing to transfer"),
    ],
)
def test_values_from_outside_are_checked(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Settings.from_dict(values)
    if "colour" not in values:
        with pytest.raises(InputError, match=message):
            Settings(**values)


def test_whole_numbers_do_for_strengths() -> None:
    assert Settings.from_dict({"strength": 1, "strength_per_layer": [0, 1]}).strength_per_layer == (0.0, 1.0)


spots = st.tuples(st.floats(0, 1), st.floats(0, 1))


@given(st.lists(st.tuples(spots, spots), max_size=5))
@settings(deadline=None)
def test_matches_are_pairs_of_points_in_any_form(pairs: list[tuple[tuple[float, float], tuple[float, float]]]) -> None:
    flat = [(*here, *there) for here, there in pairs]
    numbers = [number for pair in flat for number in pair]
    text = " ".join(f"{tx!r},{ty!r}={sx!r},{sy!r}" for tx, ty, sx, sy in flat)
    assert written_matches(numbers) == text
    for given_as in (pairs, [[list(spot) for spot in pair] for pair in pairs], numbers, read_matches(text)):
        chosen = Settings.from_dict({"match": given_as})
        assert chosen.matches == flat
        assert chosen == Settings.from_dict(json.loads(json.dumps(chosen.as_dict())))


@given(st.text(alphabet="0123456789.,=; -+einfa", max_size=20))
@settings(deadline=None)
def test_words_of_matches_are_some_or_refused(text: str) -> None:
    numbers, refused = tuple[float, ...](), None
    try:
        numbers = read_matches(text)
    except InputError as error:
        refused = str(error)
    pairs = re.split("[; ]+", text.strip("; ")) if text.strip("; ") else []
    assert refused is None or refused.endswith(
        "is not a pair of spots; write TX,TY=SX,SY, each from 0 to 1, such as 0.5,0.2=0.3,0.1."
    )
    assert refused is not None or len(numbers) == 4 * len(pairs)


def test_freedom_is_damping_backwards() -> None:
    dampings = [Settings(freedom=f).damping for f in (0.0, 0.5, 1.0)]
    assert dampings == pytest.approx([10.0, 10**-0.5, 0.01])


def test_every_setting_has_words_for_people() -> None:
    assert len(LAYER_NAMES) == LAYER_COUNT + 1
    for row in dataclasses.fields(Settings):
        assert row.metadata["label"]
        assert row.metadata["help"]


@dataclasses.dataclass(frozen=True)
class Painting(Settings):
    """Settings with one that acts in paintings alone."""

    grain: float = option(
        1.0, "Grain", "how strong the grain is", low=0.0, high=1.5, unit="times", only_with={"mode": ("painting",)}
    )


def test_a_setting_says_where_it_acts() -> None:
    assert Painting(mode="painting").idle("grain") is None
    assert str(Painting().idle("grain")) == "This only has an effect when Result is Painting."
    assert Painting().idle("strength") is None
    assert {row.name: row.metadata["unit"] for row in dataclasses.fields(Painting)}["grain"] == "times"


def test_dependences_name_settings_and_their_values() -> None:
    rows = {row.name: row for row in dataclasses.fields(Settings)}
    for row in rows.values():
        for other, values in row.metadata["only_with"].items():
            assert other != row.name
            for value in values:
                changed(other, value)  # is allowed


def test_a_choice_can_be_added_from_outside() -> None:
    choices = Settings.__dataclass_fields__["integrator"].metadata["choices"]
    with pytest.raises(InputError, match="integrator is 'toy'"):
        Settings(integrator="toy")
    try:
        register_choice("integrator", "toy", "A toy")
        assert Settings.from_dict({"integrator": "toy"}).integrator == "toy"
        with pytest.raises(InputError, match="integrator already has a choice 'toy'"):
            register_choice("integrator", "toy", "Another toy")
    finally:
        choices.pop("toy", None)


@pytest.mark.parametrize("setting", ["size", "strength_per_layer", "no such setting"])
def test_choices_are_added_to_settings_with_choices_alone(setting: str) -> None:
    with pytest.raises(InputError, match=f"No setting called {setting} has choices"):
        register_choice(setting, "toy", "A toy")


def test_networks_are_those_of_the_table() -> None:
    choices = Settings.__dataclass_fields__["network"].metadata["choices"]
    assert choices == {"auto": "Automatic", **{name: network.label for name, network in NETWORKS.items()}}


def test_standard_library_alone(tmp_path: Path) -> None:
    """The plug-in carries a copy of the whole folder into GIMP's own Python."""
    import decouple_contract

    shutil.copytree(
        Path(str(decouple_contract.__file__)).parent,
        tmp_path / "elsewhere" / "decouple_contract",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    program = (
        "import importlib, pathlib, sys; before = set(sys.modules); sys.path.insert(0, sys.argv[1])\n"
        "for file in pathlib.Path(sys.argv[1], 'decouple_contract').glob('*.py'):\n"
        "    importlib.import_module(f'decouple_contract.{file.stem}')\n"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before} - sys.stdlib_module_names "
        "- {'__mp_main__'})"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path / "elsewhere")], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["decouple_contract"]
