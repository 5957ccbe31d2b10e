"""What happened during a transfer, for people and for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import replacing
from decouple_core.contract.settings import LAYER_NAMES
from decouple_core.pictures.images import write_image


@dataclass
class Journal:
    """Collects what a transfer's steps have to say.

    Attributes
    ----------
    seconds : dict
        Wall-clock seconds of each step.
    losses : list of dict
        One entry per evaluation of the flow: ``step``, ``layer`` that moved, and ``loss``, the mean squared distance
        of every layer so far from where it is to be.
    images : dict
        The image after each step, shape (3, h, w) at the working size.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    losses: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, Tensor] = field(default_factory=dict)
    _step: str = ""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step and name what is noted within it."""
        self._step, start = name, time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)

    def loss(self, layer: int, per_layer: Sequence[float]) -> None:
        """Note the losses of layers 1 … `layer` at one evaluation."""
        self.losses.append({"step": self._step, "layer": layer, "loss": list(per_layer)})


def write_report(folder: str | Path, report: dict[str, Any], journal: Journal) -> None:
    """Write ``report.json``, the images of every step and the thesis's plots into a folder, made if missing.

    Parameters
    ----------
    folder : path
    report : dict
        Plain values.
    journal : Journal

    Raises
    ------
    InputError
        When the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(folder / "report.json") as beside:
            beside.write_text(json.dumps({**report, "losses": journal.losses}, indent=1), encoding="utf-8")
        for number, (name, image) in enumerate(journal.images.items()):
            write_image(folder / f"step_{number}_{name}.png", image.permute(1, 2, 0).cpu().numpy())
        _plot_losses(folder / "losses.png", journal.losses)
        _plot_noise_means(folder / "noise_means.png", report["reference"])
    except OSError as error:
        raise InputError(f"The report cannot be written to {folder} ({error.strerror}); choose another folder.") \
            from error


def _plot_losses(path: Path, losses: Sequence[dict[str, Any]]) -> None:
    """Loss of every layer at every evaluation of the flow (figures 4.3 and 4.4 of the thesis)."""
    from matplotlib.figure import Figure

    steps = list(dict.fromkeys(entry["step"] for entry in losses)) or [""]
    figure = Figure(figsize=(5 * len(steps), 4), layout="constrained")
    for column, step in enumerate(steps):
        axes = figure.add_subplot(1, len(steps), column + 1)
        entries = [entry for entry in losses if entry["step"] == step]
        for layer in range(1, max((len(e["loss"]) for e in entries), default=0) + 1):
            points = [(n, e["loss"][layer - 1]) for n, e in enumerate(entries) if len(e["loss"]) >= layer]
            axes.semilogy(*zip(*points, strict=True), label=LAYER_NAMES[layer])
        axes.set(title=step, xlabel="evaluation of the flow", ylabel="mean squared distance to the goal")
        if entries:
            axes.legend()
    figure.savefig(path)


def _plot_noise_means(path: Path, means: Sequence[Sequence[float]]) -> None:
    """Channel means of the noise (figure 4.5 of the thesis)."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 2 * len(means)), layout="constrained")
    for row, values in enumerate(means):
        axes = figure.add_subplot(len(means), 1, row + 1)
        axes.bar(range(len(values)), values, width=1.0)
        axes.set(ylabel=LAYER_NAMES[row + 1])
    figure.savefig(path)
