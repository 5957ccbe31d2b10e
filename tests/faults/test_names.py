"""Files and folders whose names are no text: everything is written, and read again, as under any other name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from decouple_core.batch.summary import read_summary
from decouple_core.features.on_disk import kept_on_disk
from decouple_core.features.style import Style
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.table_files import read_table
from decouple_core.pictures.writing import ENDINGS
from decouple_core.weights.stored import read_stored, store, tensor_shapes
from tests.faults.written import WRITTEN, contents, made

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")

NO_TEXT = os.fsdecode(b"caf\xe9 \xff")  # Latin-1, and what is no letter in UTF-8 at all


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of such a name."""
    made = tmp_path / NO_TEXT
    made.mkdir()
    return made


@pytest.mark.parametrize("name", WRITTEN)
def test_written(folder: Path, name: str) -> None:
    WRITTEN[name](folder)
    assert contents(folder) == made(WRITTEN[name])


@pytest.mark.parametrize("ending", ENDINGS)
def test_pictures(folder: Path, ending: str) -> None:
    WRITTEN[ending[1:]](folder)
    plain = read_image(folder / f"a{ending}")
    (folder / f"a{ending}").rename(folder / (NO_TEXT + ending))
    np.testing.assert_array_equal(read_image(folder / (NO_TEXT + ending)).pixels, plain.pixels)


@pytest.mark.parametrize(("name", "file"), [("cube", "a.cube"), ("hald", "a.png")])
def test_tables(folder: Path, name: str, file: str) -> None:
    WRITTEN[name](folder)
    assert read_table(folder / file).colours.shape == (16, 16, 16, 3)


def test_styles_and_summaries(folder: Path) -> None:
    WRITTEN["style"](folder)
    assert Style.load(folder / "a.style").name == "name"
    WRITTEN["summary"](folder)
    assert len(read_summary(folder).entries) == 100


def test_data_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights and reference are kept in one of such a name, too, and found again."""
    tensors = {name: torch.full(shape, 0.5) for name, shape in tensor_shapes("vgg16").items()}
    store(folder, "vgg16", tensors)
    assert all(torch.equal(found, tensors[name]) for name, found in read_stored(folder, "vgg16", None).items())
    monkeypatch.setenv("DECOUPLE_HOME", str(folder))
    for make in (lambda: torch.ones(30, 40), pytest.fail):
        assert torch.equal(kept_on_disk("identity", (30, 40), make), torch.ones(30, 40))
