"""Paths that no system takes, from wherever one comes: a sentence, and not Python's own words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import decouple_core as dc
from decouple_contract.errors import InputError
from decouple_contract.paths import possible
from decouple_core.command.main import main
from tests.core.command_line import PIXELS, arguments, fill, succeeds

NAMES = ["a\0b", "\0", "half a pair \ud800"]
SETTINGS = dc.Settings(mode="photo", size=32, layers=1, network="vgg16", device="cpu")


def refused(name: str) -> str:
    """What is said of it."""
    return f"{name!a} cannot be the name of a file because of one of its characters; correct the name."


@pytest.mark.parametrize("name", NAMES)
def test_possible(name: str) -> None:
    with pytest.raises(InputError) as caught:
        possible(name)
    assert str(caught.value) == refused(name)


def test_what_is_no_text_is_possible() -> None:
    for name in ("/a/ü", b"/a/\xff", Path("a b\n")):
        assert possible(name) == Path(name.decode(errors="surrogateescape") if isinstance(name, bytes) else name)


# --- Python -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def result(weights: object) -> dc.Result[np.ndarray]:
    """A small one."""
    return dc.transfer(PIXELS, PIXELS, SETTINGS)


TABLE = np.stack(np.meshgrid(*[np.linspace(0, 1, 17, dtype=np.float32)] * 3, indexing="ij"), -1)

PYTHON: dict[str, Callable[[str, Any], object]] = {
    "target": lambda path, result: dc.transfer(path, PIXELS),
    "style": lambda path, result: dc.transfer(PIXELS, path),
    "style file": lambda path, result: dc.transfer(PIXELS, path + ".style"),
    "target mask": lambda path, result: dc.transfer(PIXELS, PIXELS, target_mask=path),
    "style mask": lambda path, result: dc.transfer(PIXELS, PIXELS, style_mask=path),
    "target regions": lambda path, result: dc.transfer(PIXELS, PIXELS, regions=(path, PIXELS[..., 0])),
    "style regions": lambda path, result: dc.transfer(PIXELS, PIXELS, regions=(PIXELS[..., 0].astype(int), path)),
    "series": lambda path, result: list(dc.Session().transfer_alike([path], result.style)),
    "read a style": lambda path, result: dc.read_style(path),
    "its mask": lambda path, result: dc.read_style(PIXELS, mask=path),
    "table's target": lambda path, result: dc.fit_lookup_table(path, PIXELS),
    "round trip": lambda path, result: dc.round_trip(path),
    "load a style": lambda path, result: dc.Style.load(path),
    "save a style": lambda path, result: result.style.save(path),
    "load a table": lambda path, result: dc.LookupTable.load(path + ".cube"),
    "load a HaldCLUT": lambda path, result: dc.LookupTable.load(path + ".png"),
    "save a table": lambda path, result: dc.LookupTable(TABLE).save(path + ".cube"),
    "apply a table": lambda path, result: dc.LookupTable(TABLE).apply(path),
    "report": lambda path, result: result.report.save(path),
}


@pytest.mark.parametrize("use", PYTHON)
@pytest.mark.parametrize("name", NAMES)
def test_python(tmp_path: Path, result: dc.Result[np.ndarray], name: str, use: str) -> None:
    with pytest.raises(InputError) as caught:
        PYTHON[use](str(tmp_path / name), result)
    assert caught.value.message.code == "path-impossible"


# --- the command line ---------------------------------------------------------------------------------------------


COMMANDS = {
    "target": "transfer BAD.png style.jpg -o out.png",
    "style": "transfer target.png BAD.png -o out.png",
    "style file": "transfer target.png BAD.style -o out.png",
    "output": "transfer target.png style.jpg -o BAD.png",
    "target mask": "transfer target.png style.jpg -o out.png --target-mask BAD.png",
    "style mask": "transfer target.png style.jpg -o out.png --style-mask BAD.png",
    "target regions": "transfer target.png style.jpg -o out.png --regions BAD.png style.jpg",
    "style regions": "transfer target.png style.jpg -o out.png --regions target.png BAD.png",
    "components": "transfer target.png style.jpg -o out.png --components BAD",
    "report": "transfer target.png style.jpg -o out.png --report BAD",
    "look up": "transfer target.png BAD.cube -o out.png",
    "look up a picture": "transfer target.png BAD.png --lut -o out.png",
    "table": "lut target.png style.jpg -o BAD.cube",
    "table's target": "lut BAD.png style.jpg -o out.cube",
    "table's style": "lut target.png BAD.style -o out.cube",
    "batch's style": "batch BAD.png target.png -o out",
    "another style": "batch style.jpg target.png --style BAD.png -o out",
    "batch's target": "batch style.jpg target.png BAD.png -o out",
    "results": "batch style.jpg target.png -o BAD",
    "round trip": "roundtrip BAD.png",
    "round trip's output": "roundtrip target.png -o BAD.png",
    "measured": "style BAD.png -o out.style",
    "measured mask": "style style.jpg -o out.style --style-mask BAD.png",
    "style's output": "style style.jpg -o BAD.style",
    "sheet": "style style.jpg --show -o BAD.png",
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", NAMES)
def test_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, command: str
) -> None:
    fill(tmp_path)
    monkeypatch.chdir(tmp_path)
    words = [word.replace("BAD", name) for word in COMMANDS[command].split()]
    assert main(words) == 2
    said = capsys.readouterr().err.splitlines()
    assert "cannot be the name of a file" in said[-1]
    assert said[-1].startswith("decouple: ")
    assert {path.name for path in tmp_path.iterdir()} <= {"target.png", "style.jpg", "out"}


def test_a_batchs_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str], weights: object) -> None:
    """One that somebody has written so is none of ours."""
    fill(tmp_path)
    words = [
        "batch",
        tmp_path / "style.jpg",
        tmp_path / "target.png",
        "-o",
        tmp_path / "out",
        "--size",
        "32",
        "--layers",
        "1",
        "--network",
        "vgg16",
    ]
    succeeds(capsys, *words)
    kept = json.loads((tmp_path / "out" / "summary.json").read_text())
    for field in ("target", "style", "output"):
        for name in NAMES:
            odd = {**kept, "pictures": [{**kept["pictures"][0], field: name}]}
            (tmp_path / "out" / "summary.json").write_text(json.dumps(odd))
            assert main(arguments(*words)) == 2
            assert "was not written by this program" in capsys.readouterr().err
