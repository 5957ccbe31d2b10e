"""One name for everything that something kept depends on, so that two different things never share it."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from torch import Tensor


def identity_of(*parts: Any) -> str:
    """A digest of values: the same for equal ones, another for any other.

    Parameters
    ----------
    *parts : Tensor, ndarray, str, bytes, number, None, or a sequence or mapping of these
        Kind, shape and order count, too.
    """
    digest = hashlib.sha256()
    for part in parts:
        _add(digest, part)
    return digest.hexdigest()


def _add(digest: Any, part: Any) -> None:
    if isinstance(part, Tensor):
        part = part.detach().cpu().numpy()
    if isinstance(part, np.ndarray):
        digest.update(f"array {part.dtype.str} {part.shape};".encode())
        digest.update(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)
    elif isinstance(part, dict):
        digest.update(f"mapping {len(part)};".encode())
        for name in sorted(part):
            _add(digest, name)
            _add(digest, part[name])
    elif isinstance(part, (list, tuple)):
        digest.update(f"sequence {len(part)};".encode())
        for one in part:
            _add(digest, one)
    elif isinstance(part, (str, bytes, bool, int, float, type(None))):
        words = repr(part).encode()
        digest.update(f"{type(part).__name__} {len(words)};".encode() + words)
    else:
        raise TypeError(f"{type(part).__name__} has no identity")
