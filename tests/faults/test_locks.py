"""Each lock of the project keeps out all but one, of twenty that want it; whoever removes one holds it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="its processes are forked")
def test_never_two_at_once(tmp_path: Path) -> None:
    environ = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(
        [sys.executable, Path(__file__).with_name("stressed_lock.py"), tmp_path],
        text=True,
        capture_output=True,
        check=False,
        env=environ,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    found = {name: (int(held), int(beside)) for name, held, beside in map(str.split, ran.stdout.splitlines())}
    assert set(found) == {"batch", "weights", "worker", "installer"}
    for name, (held, beside) in found.items():
        assert held > 20, name
        assert beside == 0, name
