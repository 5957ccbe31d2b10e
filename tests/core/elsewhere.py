"""A device that only pretends to be elsewhere: it computes as the CPU does, and is as strict as an accelerator.

Tensors on it live under torch's name "meta" and hold an ordinary tensor. As on an accelerator, an operation that is
given tensors here and there fails; as on Apple's, there is no double precision; and every number that the program waits
for is counted.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = torch.device("meta")

aten = torch.ops.aten


class _There(Tensor):
    """A tensor on the pretended device."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> _There:
        if inner.dtype == torch.float64:
            raise TypeError("There is no double precision on this device.")
        there = Tensor._make_wrapper_subclass(
            cls,
            inner.shape,
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            device=NAME,
        )
        there.inner = inner
        return there

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        raise RuntimeError("A tensor of the pretended device was used after it was left.")


class Elsewhere(TorchDispatchMode):
    """While entered, ``torch.device("meta")`` computes.

    Attributes
    ----------
    reads : int
        How often the program has waited for a value from the device.
    """

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = tree_flatten((args, kwargs or {}))[0]
        there = [x for x in given if isinstance(x, _There)]
        here = [x for x in given if isinstance(x, Tensor) and not isinstance(x, _There)]
        named = [x for x in given if isinstance(x, torch.device)]
        if func is aten.copy_.default:  # which carries values across
            stays = isinstance(args[0], _There)
        elif func is aten.to.other:
            stays = isinstance(args[1], _There)
        elif there and any(x.dim() for x in here):
            raise RuntimeError(f"{func} was given tensors of two devices.")
        else:
            stays = named[0] == NAME if named else bool(there)
        if there and (not stays or func is aten._local_scalar_dense.default):
            self.reads += 1
        args, kwargs = tree_map(_as_here, (args, kwargs or {}))
        result = func(*args, **kwargs)
        return tree_map(lambda x: _There(x) if isinstance(x, Tensor) else x, result) if stays else result


def _as_here(x: Any) -> Any:
    """An argument as the CPU understands it."""
    if isinstance(x, torch.device):
        return torch.device("cpu")
    return x.inner if isinstance(x, _There) else x
