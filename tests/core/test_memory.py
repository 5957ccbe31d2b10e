"""Memory that a picture's header promises, beside what reading it takes."""

from __future__ import annotations

import sys

import pytest

from tests.benchmarks.memory import KINDS, measured

SIDE = 1500
"""Pixels: 2 MB are a byte of each, far more than what else a process moves."""


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells the peak of a process")
def test_pictures_take_what_their_headers_promise() -> None:
    """Within a tenth, over formats, modes and depths."""
    for name, (promised, taken) in measured(KINDS, SIDE).items():
        assert taken == pytest.approx(promised, rel=0.1), name
