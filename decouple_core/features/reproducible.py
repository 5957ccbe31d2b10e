"""Numbers that come out the same however many threads torch has: a painting's steps amplify any other rounding."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch take so many threads meanwhile."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def one_thread() -> AbstractContextManager[None]:
    """Let torch take one thread meanwhile."""
    return threads(1)


def place_sums(values: Tensor) -> Tensor:
    """Sums over the last two axes. Torch splits a sum of everything by the number of threads, but not one of rows."""
    return values.sum(-1).sum(-1)


def place_means(values: Tensor) -> Tensor:
    """Means over the last two axes, likewise."""
    return values.mean(-1).mean(-1)
