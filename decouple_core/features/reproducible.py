"""Numbers that come out the same however many threads torch has: a painting's steps amplify any other rounding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch take one thread meanwhile."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def place_sums(values: Tensor) -> Tensor:
    """Sums over the last two axes. Torch splits a sum of everything by the number of threads, but not one of rows."""
    return values.sum(-1).sum(-1)


def place_means(values: Tensor) -> Tensor:
    """Means over the last two axes, likewise."""
    return values.mean(-1).mean(-1)
