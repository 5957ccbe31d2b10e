"""Memory that runs out, at each stage from the start of the program to the writing of its result."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from tests.core.command_line import QUICK, fill, picture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no other system keeps to limits on memory")

STAGED = """
import resource, sys
sys.path.insert(0, sys.argv[1])
stage, more = sys.argv[2], int(sys.argv[3])


def limit(*_):
    pages = int(open("/proc/self/statm").read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + more, resource.RLIM_INFINITY))


def before(module, name):
    function = getattr(module, name)

    def limited(*args, **kwargs):
        limit()
        return function(*args, **kwargs)

    setattr(module, name, limited)


from decouple_core.command.main import main

if stage == "pictures":
    from decouple_core.pictures import reading
    before(reading, "read_image")
elif stage == "weights":
    from decouple_core.weights import loading, stored
    from decouple_core.model import prepared
    before(prepared, "load_weights")
elif stage == "flow":
    from decouple_core import engine
    before(engine.Engine, "transfer")
elif stage == "writing":
    from decouple_core.pictures import writing
    before(writing, "write_image")
elif stage == "report":
    from decouple_core.report import Report
    before(Report, "save")
sys.exit(main(sys.argv[4:]))
"""
"""The command line, with so many bytes left from one of its stages on."""


@pytest.mark.parametrize(
    ("stage", "more"),
    [("pictures", 2**20), ("weights", 2**22), ("flow", 2**20), ("flow", 2**24), ("writing", 0), ("report", 2**20)],
)
def test_each_stage(tmp_path: Path, weights: object, stage: str, more: int) -> None:
    """A sentence and the code of a lack of memory; an older result stays, a new one is whole; the next run works."""
    fill(tmp_path)
    target = picture(tmp_path / "target.png")
    PIL.Image.fromarray(np.tile(target, (12, 12, 1))).save(tmp_path / "target.png")
    out = tmp_path / "out.png"
    out.write_bytes(b"an older result")
    words = [
        "transfer",
        tmp_path / "target.png",
        tmp_path / "style.jpg",
        "-o",
        out,
        "--report",
        tmp_path / "report",
        *QUICK,
    ]
    answer = subprocess.run(
        [sys.executable, "-c", STAGED, Path(__file__).resolve().parents[2], stage, str(more), *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert "Traceback" not in answer.stderr
    if answer.returncode in (0, 1):  # enough for the picture, and perhaps not for its report
        assert stage in ("writing", "report"), answer.stderr
        assert picture(out).shape == (12 * target.shape[0], 12 * target.shape[1], 3)
        assert answer.returncode == 0 or "was written and is complete" in answer.stderr
    else:
        assert answer.returncode == 4, answer.stderr
        assert answer.stderr.splitlines()[-1].startswith("decouple: There is not enough memory")
        assert out.read_bytes() == b"an older result"
    assert not list(tmp_path.glob("*.part"))
