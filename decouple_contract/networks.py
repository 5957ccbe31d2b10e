"""The one table of networks: what they are called, how they are built and where their weights come from.

Simonyan & Zisserman 2014 (arXiv 1409.1556), table 1, columns D and E. Up to block5_conv1 the two share the widths of
their layers and differ in how many convolutions lie between those.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    """A network up to block5_conv1.

    Attributes
    ----------
    label : str
        For people.
    convolutions : tuple of int
        How many each block has, the fifth cut after its first.
    """

    label: str
    convolutions: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """``conv1_1``, ``conv1_2`` … ``conv5_1``, in the network's order."""
        return tuple(
            f"conv{block}_{number}"
            for block, count in enumerate(self.convolutions, 1)
            for number in range(1, count + 1)
        )


NETWORKS = {"vgg19": Network("VGG-19", (2, 2, 4, 4, 1)), "vgg16": Network("VGG-16", (2, 2, 3, 3, 1))}
"""By name, in the order of preference."""

WIDTHS = (64, 128, 256, 512, 512)
"""Output channels of the convolutions of each block, in both."""

SHARPER_WIDTHS = (128, 256, 256, 512, 512)
"""Features of each layer where those of conv1_2 and conv2_2 are among them, too."""
