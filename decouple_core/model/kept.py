"""What is worth keeping in memory between transfers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The most recently used values, up to a number, each under an identity of everything it depends on.

    Parameters
    ----------
    most : int
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[str, T] = OrderedDict()

    def get(self, identity: str, make: Callable[[], T]) -> T:
        """The kept value, or a new one, kept from now on."""
        if identity not in self._values:
            self._values[identity] = make()
        self._values.move_to_end(identity)
        while len(self._values) > self._most:
            self._values.popitem(last=False)
        return self._values[identity]
