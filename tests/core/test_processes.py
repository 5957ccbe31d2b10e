"""Sessions in other processes: forked, spawned, and a loader's workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import decouple_core as dc
from decouple_contract.errors import InputError
from decouple_core.model.device import pick_device
from tests.core import other_processes
from tests.core.other_processes import SECONDS

WAYS = ["spawn-inherited", "loader-0", "loader-1"]
if hasattr(os, "fork"):
    WAYS += ["fork-inherited", "fork-fresh", "fork-in_a_thread", "forkserver-inherited"]


@pytest.fixture(scope="module")
def distances(weights: object) -> dict[str, str]:
    """What the program says of each way; a hang is a failure, of that way or of all."""
    answer = subprocess.run(
        [sys.executable, other_processes.__file__],
        capture_output=True,
        text=True,
        check=False,
        timeout=(len(WAYS) + 1) * SECONDS,
        env={**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )
    assert answer.returncode == 0, answer.stderr
    return dict(line.split() for line in answer.stdout.splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_picture_made_in_another_process(distances: dict[str, str], way: str) -> None:
    """One level of 8 bits is what another number of threads may change in so small a picture."""
    assert float(distances[way]) <= 1.0


@pytest.mark.slow
def test_every_way_is_known(distances: dict[str, str]) -> None:
    assert set(distances) == set(WAYS)
    assert {way.split("-")[0] for way in WAYS} == {*multiprocessing.get_all_start_methods(), "loader"}


def test_pickled_session_begins_afresh() -> None:
    session = dc.Session()
    other = pickle.loads(pickle.dumps(session))
    assert type(other) is dc.Session
    assert other is not session


def test_accelerator_that_a_fork_leaves_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """As torch says that it is, which no machine without one can have really happen."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "_is_in_bad_fork", lambda: True)
    with pytest.raises(InputError, match="The GPU cannot be used in a process that was forked"):
        pick_device("cuda")
    assert pick_device("auto").type != "cuda"
