"""Weights for whoever needs them: those that are kept, or else fetched, converted and kept from then on."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from contextlib import AbstractContextManager
from pathlib import Path

import filelock

from decouple_contract.errors import InputError, WeightsError
from decouple_contract.failures import reason
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS
from decouple_contract.paths import data_folder
from decouple_contract.progress import Progress, silent
from decouple_core.weights.download import OutOfReachError, fetch
from decouple_core.weights.sources import SOURCES, Source
from decouple_core.weights.stored import Tensors, checked, read_stored, store, stored_file


def load_weights(network: str, progress: Progress = silent) -> tuple[str, Tensors]:
    """Weights of `network`, fetched when they are not in the data folder yet.

    Parameters
    ----------
    network : {"auto", "vgg19", "vgg16"}
        "auto" takes what the data folder holds, VGG-19 first; with neither there, it fetches VGG-19 or, where that
        host is out of reach, VGG-16. So the choice does not change from one day to the next.
    progress : Progress

    Returns
    -------
    name : str
        "vgg19" or "vgg16".
    tensors : dict of torch.Tensor
        ``conv1_1.weight`` (O, I, 3, 3) and ``conv1_1.bias`` (O,) … up to conv5_1: float32, on the CPU, in
        torchvision's convention (RGB in [0, 1], normalised by ImageNet's mean and standard deviation).

    Raises
    ------
    InputError
        For a network that is not in the table.
    WeightsError
        When the weights cannot be fetched, or a stored file is damaged; that file is then removed, so that the next
        call fetches it anew.
    """
    candidates = tuple(NETWORKS) if network == "auto" else (network,)
    if not set(candidates) <= set(NETWORKS):
        raise InputError(
            "setting-choice", setting="network", value=repr(network), choices=", ".join(["auto", *NETWORKS])
        )
    folder = data_folder() / "weights"
    for name in candidates:
        if stored_file(folder, name).exists():
            return name, read_stored(folder, name, SOURCES[name].fingerprint)
    *others, last = candidates
    for name in others:
        try:
            return name, _fetched(name, folder, progress)
        except OutOfReachError as error:
            progress(0.0, Message("network-instead", problem=error.message, network=NETWORKS[last].label))
    return last, _fetched(last, folder, progress)


def _fetched(network: str, folder: Path, progress: Progress) -> Tensors:
    fetch_network(network, SOURCES[network], folder, progress)
    return read_stored(folder, network, SOURCES[network].fingerprint)


def fetch_network(network: str, source: Source, folder: Path, progress: Progress = silent) -> None:
    """Fetch, convert and store one network's weights in `folder`.

    Raises
    ------
    OutOfReachError
        When the download cannot be had.
    WeightsError
        When it is not what it should be; nothing is stored then.
    """
    label = NETWORKS[network].label
    what = Message("weights-of", network=label)
    with alone(folder, what, progress):
        if stored_file(folder, network).exists():  # another process was quicker
            return
        archive = folder / source.file_name
        fetch(source.locate, archive, source.sha256, what, progress)
        progress(1.0, Message("converting", what=what))
        try:
            tensors = checked(network, source.read(archive), source.fingerprint)
        except (
            pickle.UnpicklingError,
            tarfile.TarError,
            zipfile.BadZipFile,
            OSError,
            EOFError,
            KeyError,
            AttributeError,
            TypeError,
            ValueError,
            RuntimeError,
        ) as error:
            archive.unlink(missing_ok=True)
            raise WeightsError("download-foreign", network=label) from error
        store(folder, network, tensors)
        archive.unlink()


def alone(folder: Path, what: Message, progress: Progress) -> AbstractContextManager[object]:
    """A lock that lets one process at a time fetch into `folder`; it ends with its holder, however that ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / ".lock")
        while True:
            try:
                return lock.acquire(timeout=1.0)
            except filelock.Timeout:
                progress(0.0, Message("weights-awaited"))
    except OSError as error:
        raise WeightsError("not-stored", what=what, folder=str(folder), reason=reason(error)) from error
