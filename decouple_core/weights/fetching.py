"""Weights that are not kept yet: fetched, converted, and kept from then on. A start with kept ones does without."""

from __future__ import annotations

import pickle
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import filelock

from decouple_contract.errors import WeightsError
from decouple_contract.failures import reason
from decouple_contract.messages import Message
from decouple_contract.networks import NETWORKS
from decouple_contract.progress import Progress, silent
from decouple_core.weights.download import OutOfReachError, fetch
from decouple_core.weights.sources import Source
from decouple_core.weights.stored import Tensors, checked, read_stored, store, stored_file


def first_fetched(
    networks: Sequence[str], sources: Mapping[str, Source], folder: Path, progress: Progress
) -> tuple[str, Tensors]:
    """The weights of the first of these networks whose host is in reach, and its name.

    Raises
    ------
    WeightsError
        When none can be had.
    """
    *others, last = networks
    for name in others:
        try:
            return name, _fetched(name, sources[name], folder, progress)
        except OutOfReachError as error:
            progress(0.0, Message("network-instead", problem=error.message, network=NETWORKS[last].label))
    return last, _fetched(last, sources[last], folder, progress)


def _fetched(network: str, source: Source, folder: Path, progress: Progress) -> Tensors:
    fetch_network(network, source, folder, progress)
    return read_stored(folder, network, source.fingerprint)


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
