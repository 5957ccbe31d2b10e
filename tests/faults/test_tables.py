"""Lookup tables that promise too much, refer to other files or end their reader: refused, and nothing else happens."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

import decouple_core as dc
from decouple_contract import apart
from decouple_contract.errors import InputError
from decouple_core.pictures import table_files
from decouple_core.pictures.table_text import TABLE_BYTES
from tests.core.table_texts import CLF_CUBE, CUBE_LINES, SIZE, clf, step, text

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
ROWS = ["0 0 0"] * 8

HOSTILE = {
    "entities within entities": (".clf", clf(CLF_CUBE, head=f'<!DOCTYPE a [<!ENTITY a0 "0">{LAUGHS}]>')),
    "an entity from a file": (
        ".clf",
        clf(f"<Description>&b;</Description>{CLF_CUBE}", head='<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'),
    ),
    "an array of 4 billion": (".clf", clf(step("LUT3D", "0 0 0", "1625 1625 1625 3"))),
    "an array of 2 billion": (".clf", clf(step("LUT1D", "0 0 0", "2000000000 3"))),
    "steps within steps": (".clf", "<ProcessList>" * 100_000),
    "a curve of 2 billion": (
        ".spi1d",
        text("Version 1", "From 0 1", "Length 2000000000", "Components 3", "{", ROWS, "}"),
    ),
    "a length below 0": (".spi1d", text("Version 1", "From 0 1", "Length -5", "Components 3", "{", ROWS, "}")),
    "an array of 10¹²": (".spi3d", text("SPILUT 1.0", "3 3", "10000 10000 10000", "0 0 0 0 0 0")),
    "places beyond the array": (".spi3d", text("SPILUT 1.0", "3 3", "2 2 2", ["9 9 -9 0 0 0"] * 8)),
    "a cube of 10¹²": (".csp", text("CSPLUTV100", "3D", "", ["2", "0 1", "0 1"] * 3, "", "10000 10000 10000", ROWS)),
    "a prelut of 2 billion": (".csp", text("CSPLUTV100", "3D", "", "2000000000", "0 1", "0 1")),
    "notes without end": (".csp", text("CSPLUTV100", "3D", "", "begin Metadata", ["x"] * 9)),
    "2¹⁰⁰⁰ nodes": (".3dl", text("3DMESH", "Mesh 1000 1000", ROWS)),
    "a cube of 10¹² lines": (".cube", text("LUT_3D_SIZE 10000", ROWS)),
    "a line of 20 million letters": (".cube", text(SIZE, "0" * 20_000_000)),
    "bytes of no text": (".3dl", "\0\1\2" * 1000),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_promises_too_much_is_refused(case: str, tmp_path: Path) -> None:
    suffix, content = HOSTILE[case]
    path = tmp_path / f"look{suffix}"
    path.write_text(content)
    with pytest.raises(InputError, match=r" .+; .+\.$"):
        dc.LookupTable.load(path)


def test_no_other_file_is_opened(tmp_path: Path) -> None:
    """A sound table beside it, by its name or its whole path, is not found."""
    (tmp_path / "other.clf").write_text(clf(CLF_CUBE))
    assert dc.LookupTable.load(tmp_path / "other.clf").nodes == 5
    for other in ("other.clf", tmp_path / "other.clf", (tmp_path / "other.clf").as_uri()):
        refers = f'<Reference inBitDepth="32f" outBitDepth="32f" path="{other}"/>'
        (tmp_path / "look.clf").write_text(clf(refers))
        with pytest.raises(InputError, match="cannot be read as a lookup table"):
            dc.LookupTable.load(tmp_path / "look.clf")


def test_what_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A file with a hole takes no room on the disk."""
    for suffix in (".cube", ".clf"):
        with (tmp_path / f"look{suffix}").open("wb") as file:
            file.truncate(TABLE_BYTES + 1)
        with pytest.raises(InputError, match="too large for a lookup table"):
            dc.LookupTable.load(tmp_path / f"look{suffix}")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.cube")
    (tmp_path / "zero.3dl").symlink_to("/dev/zero")
    for name in ("pipe.cube", "zero.3dl"):
        with pytest.raises(InputError):
            dc.LookupTable.load(tmp_path / name)


def written(said: object, *arrays: np.ndarray) -> str:
    """A program that answers so."""
    answer = io.BytesIO()
    for part in (np.frombuffer(json.dumps(said).encode(), np.uint8), *arrays):
        np.lib.format.write_array(answer, part)
    return f"import sys; sys.stdout.buffer.write({answer.getvalue()!r})"


FINE = {"title": "", "remarks": []}
ANSWERS = {
    "ends": "raise SystemExit(1)",
    "crashes": "import os; os.abort()",
    "says nothing": "",
    "says nonsense": "print('x' * 999)",
    "an unknown remark": written(
        {"title": "", "remarks": [{"code": "x", "arguments": {}}]}, *[np.zeros((2, 2, 2, 3))] * 2
    ),
    "an unknown error": written({"error": {"error": "OSError"}}),
    "a list": written([]),
    "no numbers": written(FINE),
    "pickled": written(FINE, np.array([None])),
    "not a table": written(FINE, np.zeros((2, 2, 3)), np.zeros((0, 3))),
    "NaN": written(FINE, np.full((2, 2, 2, 3), np.nan), np.zeros((0, 3))),
    "odd curves": written(FINE, np.zeros((2, 2, 2, 3)), np.zeros((1, 7))),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_what_the_reader_answers_is_not_trusted(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "look.cube").write_text(text(SIZE, CUBE_LINES))
    monkeypatch.setattr(apart, "command", lambda *words: [sys.executable, "-c", ANSWERS[case]])
    assert table_files.apart is apart
    with pytest.raises(InputError):
        dc.LookupTable.load(tmp_path / "look.cube")
