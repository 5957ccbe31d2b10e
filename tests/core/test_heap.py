"""Freed memory that is kept, by the page faults that taking it again costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import numpy as np
from decouple_core.model import heap

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        np.ones(6 * 2**20)  # 48 MB: up to 32 the library learns by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

if heap._glibc() is None:
    sys.exit("another C library")
anew = faults()
heap.keep_freed()
faults()
kept = faults()
heap.give_back()
print(anew, kept, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of Linux")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    if "another C library" in done.stderr:
        pytest.skip(done.stderr)
    anew, kept, again = (int(number) for number in done.stdout.split())
    assert kept < anew / 10
    assert again > anew / 10  # once instead of five times
