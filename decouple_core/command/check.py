"""``check``: whether there is all that computing takes."""

from __future__ import annotations

import argparse

from decouple_core.command.bar import Bar
from decouple_core.command.parser import add_settings
from decouple_core.model.loading import uncollected


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    add_settings(parser, only=("network", "device"))


def run(options: argparse.Namespace) -> str:
    """Report which torch, device and network are used."""
    with uncollected():
        import torch

        from decouple_core.model.device import describe, pick_device
        from decouple_core.weights import load_weights

    device = pick_device(options.device)
    with Bar() as bar:
        network, _ = load_weights(options.network, bar)
    return f"ready: torch {torch.__version__}, {describe(device)}, {network}"
