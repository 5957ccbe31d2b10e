"""What takes seconds to compute and never changes, kept on the disk between runs, and verified when it is read."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from decouple_contract.errors import DiskFullError, InputError
from decouple_contract.files import write_whole
from decouple_contract.paths import data_folder

DIGEST = "sha256"
"""Under this name each file carries the digest of its tensor: wrong values cannot be told from right ones by sight."""

HEADER_BYTES = 4096
"""More than a file holds beside its tensor."""

MOST_FILES = 24
"""Tensors kept on the disk: three for each of two networks with two activations, and a few seeds, some 9 MB in all for
each of these. The oldest make room."""


def kept_on_disk(identity: str, shape: tuple[int, ...], make: Callable[[], Tensor]) -> Tensor:
    """A tensor of single precision in the data folder's ``reference``, or a new one, kept there from now on.

    Parameters
    ----------
    identity : str
        Of everything it depends on.
    shape : tuple of int
        What a sound one has.
    make : callable
        Computes it, on the CPU.
    """
    folder = data_folder() / "reference"
    path = folder / f"{identity}.safetensors"
    found = _read(path, 4 * math.prod(shape) + HEADER_BYTES)
    if found is not None and found.shape == shape:
        return found
    made = make()
    # A full or read-only disk costs the next start these seconds again, no more.
    with contextlib.suppress(OSError, InputError, DiskFullError, SafetensorError):
        folder.mkdir(parents=True, exist_ok=True)
        _make_room(folder)
        write_whole(path, safetensors.torch.save({"values": made}, {DIGEST: _digest(made)}))
    return made


def _read(path: Path, most: int) -> Tensor | None:
    """The kept tensor, of so many bytes at most; None where there is none, or not the one that was put there."""
    try:
        if not path.is_file():  # a pipe would be waited for
            return None
        with path.open("rb") as file:  # by the library, a path that is no valid text could not be
            content = file.read(most)
        found = safetensors.torch.load(content)["values"]
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        sound = str(found.dtype) == "torch.float32" and header["__metadata__"][DIGEST] == _digest(found)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError):
        return None
    return found if sound else None


def _digest(values: Tensor) -> str:
    """SHA-256 of the numbers."""
    return hashlib.sha256(np.ascontiguousarray(values.numpy(), "<f4").reshape(-1).view(np.uint8).data).hexdigest()


def _make_room(folder: Path) -> None:
    """Remove the oldest files that we have kept, so that one more may come."""
    files = sorted(folder.glob("*.safetensors"), key=lambda path: path.stat().st_mtime)
    for old in files[: max(0, len(files) - MOST_FILES + 1)]:
        old.unlink(missing_ok=True)
