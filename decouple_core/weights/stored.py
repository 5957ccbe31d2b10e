"""Converted weights as they are kept: one safetensors file a network, verified whenever it is read.

A network whose weights' fingerprint is not known in advance has that of the first conversion recorded beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch

from decouple_contract.errors import DiskFullError, InputError, WeightsError
from decouple_contract.failures import reason
from decouple_contract.files import write_whole
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS, WIDTHS

Tensors = dict[str, torch.Tensor]

WEIGHTS_BYTES = 2**28
"""Of a file that is read; VGG-19's takes 52 million."""


def read_stored(folder: Path, network: str, known: str | None) -> Tensors:
    """The converted weights in `folder`, verified; a file that is not what it should be is removed.

    Parameters
    ----------
    folder : Path
    network : str
    known : str or None
        Their fingerprint; None takes the one that was recorded.

    Raises
    ------
    WeightsError
        For a missing, damaged or foreign file.
    """
    path, label = stored_file(folder, network), NETWORKS[network].label
    record = path.with_suffix(".sha256")
    try:
        if path.exists() and not path.is_file():  # a pipe would be waited for, a device read without end
            raise ValueError("no file")
        with path.open("rb") as file:  # by the library, a path that is no valid text could not be
            content = file.read(WEIGHTS_BYTES)
        return checked(network, safetensors.torch.load(content), known or _recorded(record))
    except (safetensors.SafetensorError, FileNotFoundError, ValueError) as error:
        try:
            path.unlink(missing_ok=True)
            record.unlink(missing_ok=True)
        except OSError:  # another user's folder, or a read-only disk
            raise WeightsError("weights-stuck", path=str(path), network=label) from error
        raise WeightsError("weights-damaged", path=str(path), network=label) from error
    except OSError as error:  # they may be sound
        raise WeightsError("weights-unreadable", path=str(path), reason=reason(error)) from error


def _recorded(record: Path) -> str:
    """The fingerprint that was recorded; ValueError where there is none."""
    if not record.is_file():
        raise ValueError("no record")
    return record.read_text()


def store(folder: Path, network: str, tensors: Tensors) -> None:
    """Write the converted weights and their fingerprint; both get their names only when complete.

    Raises
    ------
    WeightsError
        When the disk refuses them.
    """
    path = stored_file(folder, network)
    contents = {path.with_suffix(".sha256"): fingerprint(tensors).encode(), path: safetensors.torch.save(tensors)}
    for target, data in contents.items():
        try:
            write_whole(target, data)
        except (InputError, DiskFullError) as error:
            raise WeightsError(
                "not-stored",
                what=Message("weights-of", network=NETWORKS[network].label),
                folder=str(folder),
                reason=str(error.message.arguments.get("reason", error)),
            ) from error


def stored_file(folder: Path, network: str) -> Path:
    """Where the converted weights of `network` are kept."""
    return folder / f"{network}.safetensors"


def checked(network: str, tensors: Mapping[str, torch.Tensor], known: str | None) -> Tensors:
    """`tensors` as contiguous float32, after a look at their names, shapes and, where it is known, fingerprint.

    Raises
    ------
    ValueError
        When they are not those of `network`.
    """
    expected = tensor_shapes(network)
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != expected:
        raise ValueError("other layers")
    if any(tensor.dtype != torch.float32 for tensor in tensors.values()):
        raise ValueError("other numbers than those of 32 bits")
    plain = {name: tensors[name].contiguous() for name in expected}
    if known is not None and fingerprint(plain) != known:
        raise ValueError("other values")
    return plain


def tensor_shapes(network: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that is kept of `network`."""
    shapes: dict[str, tuple[int, ...]] = {}
    incoming = 3
    for name in NETWORKS[network].names:
        outgoing = WIDTHS[int(name[4]) - 1]
        shapes[f"{name}.weight"] = (outgoing, incoming, 3, 3)
        shapes[f"{name}.bias"] = (outgoing,)
        incoming = outgoing
    return shapes


def fingerprint(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 over names, shapes and values: of what the file says, not of how a library's version lays it out."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)}\n".encode())
        digest.update(np.ascontiguousarray(tensors[name].numpy(), "<f4").reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
