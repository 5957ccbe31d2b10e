"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data

from decouple_core.command.main import main

QUICK = ["--size", "32", "--layers", "1", "--mode", "painting", "--network", "vgg16", "--device", "cpu"]
PIXELS = np.ascontiguousarray(skimage.data.astronaut()[::10, ::10])[:40]


def fill(folder: Path) -> Path:
    """The folder, with a target and a style in it."""
    PIL.Image.fromarray(PIXELS).save(folder / "target.png")
    PIL.Image.fromarray(np.ascontiguousarray(skimage.data.coffee()[::12, ::12])).save(folder / "style.jpg", quality=95)
    return folder


def picture(path: Path) -> np.ndarray:
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def arguments(*words: object) -> list[str]:
    return [str(word) for word in words]


def succeeds(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run, and return the one line of standard output."""
    code = main(arguments(*words))
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Traceback" not in err
    assert out.count("\n") == 1
    return out
