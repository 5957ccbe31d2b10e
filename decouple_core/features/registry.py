"""The hierarchies that a transfer can be made with, by the value of the setting `activation` that chooses them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from decouple_contract.settings import register_choice
from decouple_core.features.channel_means import ChannelMeans
from decouple_core.features.hierarchy import Hierarchy

Build = Callable[[str, Mapping[str, Tensor], Tensor, "torch.dtype | None"], Hierarchy]
"""Makes a hierarchy from the network's name and weights, the reference noise, shape (3, H, W), on the device where it
is to compute, and the precision that J and Jᵀ may have if not that of the noise."""

HIERARCHIES: dict[str, Build] = {
    "smooth": lambda network, weights, noise, linear: ChannelMeans(
        network, weights, noise, linear_dtype=linear, kept=True
    )
}


def register_hierarchy(name: str, label: str, build: Build) -> None:
    """Offer a new hierarchy of features as a value of the setting `activation`.

    Parameters
    ----------
    name, label : str
        The setting's value, and the words for it.
    build : callable
        See `Build`; it need not use the network.

    Raises
    ------
    InputError
        When the name is taken.
    """
    register_choice("activation", name, label, taken=HIERARCHIES)
    HIERARCHIES[name] = build
