"""Weights for whoever needs them: those that are kept, or else fetched, converted and kept from then on."""

from __future__ import annotations

from decouple_contract.errors import InputError
from decouple_contract.networks import NETWORKS
from decouple_contract.paths import data_folder
from decouple_contract.progress import Progress, silent
from decouple_core.weights.sources import SOURCES
from decouple_core.weights.stored import Tensors, read_stored, stored_file


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
    candidates = _candidates(network)
    if not set(candidates) <= set(NETWORKS):
        raise InputError(
            "setting-choice", setting="network", value=repr(network), choices=", ".join(["auto", *NETWORKS])
        )
    folder = data_folder() / "weights"
    name = next((name for name in candidates if stored_file(folder, name).exists()), None)
    if name is not None:
        return name, read_stored(folder, name, SOURCES[name].fingerprint)
    from decouple_core.weights.fetching import first_fetched

    return first_fetched(candidates, SOURCES, folder, progress)


def are_kept(network: str) -> bool:
    """Whether `load_weights` would fetch nothing."""
    folder = data_folder() / "weights"
    return any(stored_file(folder, name).exists() for name in _candidates(network))


def _candidates(network: str) -> tuple[str, ...]:
    return tuple(NETWORKS) if network == "auto" else (network,)
