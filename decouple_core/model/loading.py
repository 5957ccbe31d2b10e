"""Loading torch and what stands on it, which takes a second of processor time.

A fifth of that goes into looks for garbage among modules, which are none. Only programs of our own leave them out;
whoever imports the library decides for themselves.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Look for no garbage meanwhile, and never again among what was loaded."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
