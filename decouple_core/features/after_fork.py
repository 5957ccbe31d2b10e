"""What becomes of torch in a process that was forked, as `multiprocessing` does on Linux.

GNU's OpenMP, with which torch shares out its work, keeps its threads between two pieces of work. A fork takes none of
them along, and the child would wait for them for ever. With one thread there is nobody to wait for.
"""

from __future__ import annotations

import sys


def compute_alone() -> None:
    """Have torch, where it is loaded, compute with one thread from now on."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
