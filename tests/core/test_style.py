"""Style files: whole and small when written, and refused in one line when they are anything else."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_contract.networks import WIDTHS
from decouple_core.features.colour import ColourMoments
from decouple_core.features.style import MOST_REGIONS, STYLE_BYTES, Style


def example(layers: int = 5, regions: int = 1, name: str = "Ocaso") -> Style:
    generator = torch.Generator().manual_seed(layers + regions)

    def moments() -> tuple[ColourMoments, ...]:
        roots = [torch.randn(3, 3, generator=generator, dtype=torch.float64) for _ in range(regions)]
        return tuple(
            ColourMoments(
                torch.rand(3, generator=generator, dtype=torch.float64),
                0.05 * r @ r.T + 1e-4 * torch.eye(3, dtype=torch.float64),
            )
            for r in roots
        )

    def features(sizes: tuple[int, ...]) -> tuple[torch.Tensor, ...]:
        return tuple(torch.randn(regions, n, generator=generator) for n in sizes)

    return Style("vgg16", "smooth", moments(), moments(), features(WIDTHS[:layers]), features(WIDTHS[:3]), name)


def assert_same(ours: Style, wanted: Style) -> None:
    assert (ours.network, ours.activation, ours.name) == (wanted.network, wanted.activation, wanted.name)
    for kept, given_ in ((ours.features, wanted.features), (ours.coupled_means, wanted.coupled_means)):
        for a, b in zip(kept, given_, strict=True):
            assert a.dtype == torch.float32
            torch.testing.assert_close(a, b, rtol=6e-6, atol=0)  # six significant digits
    for colours, others in zip(ours.colours + ours.full_moments, wanted.colours + wanted.full_moments, strict=True):
        assert torch.equal(colours.mean, others.mean)
        assert torch.equal(colours.covariance, others.covariance)


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("regions", [1, 3])
def test_round_trip(tmp_path: Path, layers: int, regions: int) -> None:
    style, path = example(layers, regions, "Añil «夜»"), tmp_path / "a.style"
    style.save(path)
    assert_same(Style.load(path), style)
    assert [p.name for p in tmp_path.iterdir()] == ["a.style"]


def test_a_style_is_a_few_kilobytes(tmp_path: Path) -> None:
    example().save(tmp_path / "a.style")
    assert (tmp_path / "a.style").stat().st_size < 60_000


def test_a_saved_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.style"
    example(5).save(path)
    example(1).save(path)
    assert len(Style.load(path).features) == 1


# --- places that refuse -------------------------------------------------------------------------------------------


def test_folder_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot be written \(.*\); .* choose another place"):
        example().save(tmp_path / "no" / "a.style")


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="choose another place"):
        example().save(tmp_path / "file" / "a.style")


def test_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    """It is not replaced, and nothing half-written stays."""
    (tmp_path / "a.style").mkdir()
    with pytest.raises(InputError, match="is a folder; give the name of a file"):
        example().save(tmp_path / "a.style")
    assert [p.name for p in tmp_path.iterdir()] == ["a.style"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(tmp_path: Path) -> None:
    example(1).save(tmp_path / "a.style")
    before = (tmp_path / "a.style").read_bytes()
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="choose another place"):
            example(2).save(tmp_path / "a.style")
        assert (tmp_path / "a.style").read_bytes() == before
    finally:
        tmp_path.chmod(0o700)


# --- files that are no styles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"{",
        b"null",
        b"[]",
        b"3",
        b'"decoupled-style"',
        b"\xff\xfe\x00",
        b"\x80\x04\x95",
        b"{}",
        b'{"format": "decoupled-style"}',
        b'{"format": ["decoupled-style"]}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format": "decoupled-style", "colours": ' + b"[" * 500 + b"]" * 500 + b"}",
        b"1" * 10_000,
    ],
    ids=lambda c: repr(c[:24]),
)
def test_anything_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.style"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"^[^\n]+$"):
        Style.load(path)


def test_missing_folder_and_gigantic_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Style.load(tmp_path / "a.style")
    with pytest.raises(InputError, match="cannot be read"):
        Style.load(tmp_path)
    with (tmp_path / "a.style").open("wb") as file:
        file.truncate(STYLE_BYTES + 1)
    with pytest.raises(InputError, match="too large"):
        Style.load(tmp_path / "a.style")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to the values inside a JSON value; of long lists, the first and the last."""
    found = [path]
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list) and value:
        items = [(0, value[0]), (len(value) - 1, value[-1])]
    else:
        items = []
    for key, inner in items:
        found += places(inner, (*path, key))
    return found


WHOLE = example(3, 2).to_json()
HOSTILE: list[Any] = [
    None,
    True,
    "x",
    "1.0",
    -1,
    [],
    {},
    [[]],
    {"mean": 1},
    math.nan,
    math.inf,
    1e400,
    10**400,
    [0.0] * 3,
    [[0.0] * 3] * 3,
    [[0.0] * 64] * 2,
    [[1.0] * 64] * 100,
]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    place=st.sampled_from([p for p in places(WHOLE) if p and p != ("name",)]),
    change=st.sampled_from(["remove", "repeat", "nest", *range(len(HOSTILE))]),
)
def test_one_thing_wrong_is_enough(place: tuple[Any, ...], change: str | int) -> None:
    """Each mutation gives a style that is sound in itself, or the one error; never another exception."""
    values = copy.deepcopy(WHOLE)
    inside: Any = values
    for key in place[:-1]:
        inside = inside[key]
    last = place[-1]
    if change == "remove":
        del inside[last]
    elif change == "repeat":
        inside[last] = [inside[last], inside[last]]
    elif change == "nest":
        inside[last] = [inside[last]]
    else:
        inside[last] = HOSTILE[int(change)]
    if values == WHOLE:
        return
    try:
        style = Style.from_json(values)
    except InputError:
        return
    # What was let through: another number, or a list of layers that is shorter
    assert all(f.isfinite().all() for f in style.features + style.coupled_means)
    assert [f.shape for f in style.features] == [(2, n) for n in WIDTHS[: len(style.features)]]
    assert len(style.colours) == len(style.full_moments) == 2
    for moments in style.colours + style.full_moments:
        assert moments.mean.isfinite().all()
        torch.testing.assert_close(moments.covariance, moments.covariance.T)
        assert torch.linalg.eigvalsh(moments.covariance).min() > 0


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["network", "activation", "name", "colours", "palette", "features", "means"]),
                inner,
                max_size=7,
            )
        ),
        max_leaves=20,
    )
)
def test_any_json(value: Any) -> None:
    content = {**value, "format": "decoupled-style"} if isinstance(value, dict) else value
    with pytest.raises(InputError):
        Style.from_json(content)


@pytest.mark.parametrize("key", ["network", "activation", "colours", "palette", "features", "means"])
def test_every_part_is_needed(key: str) -> None:
    values = copy.deepcopy(WHOLE)
    del values[key]
    with pytest.raises(InputError, match="damaged; make it again"):
        Style.from_json(values)


def test_lopsided_covariance() -> None:
    values = copy.deepcopy(WHOLE)
    values["colours"][0]["covariance"][0][1] += 0.5
    with pytest.raises(InputError, match="damaged"):
        Style.from_json(values)


def test_too_many_regions() -> None:
    with pytest.raises(InputError, match="damaged"):
        Style.from_json(example(1, MOST_REGIONS + 1).to_json())
    assert len(Style.from_json(example(1, MOST_REGIONS).to_json()).colours) == MOST_REGIONS


def test_numbers_too_large_for_single_precision() -> None:
    values = copy.deepcopy(WHOLE)
    values["features"][0][0][0] = 1e300
    with pytest.raises(InputError, match="damaged"):
        Style.from_json(values)


def test_json_is_plain_and_finite() -> None:
    style = dataclasses.replace(example(2), name="")
    assert_same(Style.from_json(json.loads(json.dumps(style.to_json(), allow_nan=False))), style)
