"""Memory that torch frees and takes again, kept by the process in between.

The C library of Linux gives large blocks back to the system at once. Every tensor of a few megabytes then begins with
as many page faults, which take as long as a pass of the network in half its layers. Only programs of our own do this;
whoever imports the library decides for themselves.
"""

from __future__ import annotations

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's malloc.h

LARGE = 2**30
"""Bytes from which on a block, or what is free at the end of the heap, is given back at once."""


def keep_freed() -> None:
    """Have freed blocks kept, where the C library can be told so: glibc."""
    if (library := _glibc()) is not None:
        library.mallopt(MMAP_THRESHOLD, LARGE)
        library.mallopt(TRIM_THRESHOLD, LARGE)


def give_back() -> None:
    """Give back to the system what is free."""
    if (library := _glibc()) is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
