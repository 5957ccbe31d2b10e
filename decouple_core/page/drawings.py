"""The thesis's plots, as SVG that takes on the colours of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#010203"
"""Stands for the page's own colour of text until the plot is in it; no plot has it otherwise."""

LOOKS = {
    "svg.fonttype": "none",
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "font.size": 9.0,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}
"""Letters stay letters, in the page's own font, and the ground is the page's."""

WIDTH = 4.6
"""Inches of one plot: on a phone its letters are as large as the text."""


def losses(entries: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[str]:
    """Loss of every layer at every evaluation of the flow, one plot a step (figures 4.3 and 4.4 of the thesis).

    Parameters
    ----------
    entries : sequence of mapping
        See `Journal.losses`.
    names : sequence of str
        Of the layers.
    """
    from matplotlib.figure import Figure

    drawn = []
    with _looks():
        for step in dict.fromkeys(entry["step"] for entry in entries):
            figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
            axes = figure.add_subplot()
            of_step = [entry["loss"] for entry in entries if entry["step"] == step]
            for layer in range(max(len(loss) for loss in of_step)):
                points = [(n, loss[layer]) for n, loss in enumerate(of_step) if len(loss) > layer]
                axes.semilogy(*zip(*points, strict=True), label=names[layer], linewidth=1.2)
            axes.set(title=step, xlabel="evaluation of the flow", ylabel="mean squared distance to the goal")
            axes.legend()
            drawn.append(svg(figure))
    return drawn


def noise_means(means: Sequence[Sequence[float]], dead: Mapping[str, Sequence[int]]) -> list[str]:
    """Channel means of the noise, one plot a layer, its dead channels marked below (figure 4.5 of the thesis).

    Parameters
    ----------
    means : sequence of sequence of float
        Layer by layer.
    dead : mapping of str to sequence of int
        Channels that were left out, by layer, in the same order.
    """
    from matplotlib.figure import Figure

    drawn = []
    with _looks():
        for values, (name, channels) in zip(means, dead.items(), strict=True):
            figure = Figure(figsize=(WIDTH, 2.0), layout="constrained")
            axes = figure.add_subplot()
            axes.stairs(values, fill=True)
            below = -0.04 * max([abs(value) for value in values], default=1.0)
            axes.plot(
                [channel + 0.5 for channel in channels], [below] * len(channels), "|", color="#d62728", markersize=5
            )
            axes.set(title=f"{name}: {len(channels)} of {len(values)} channels dead", xlabel="channel")
            drawn.append(svg(figure))
    return drawn


def svg(figure: Figure) -> str:
    """A plot as an element of a page."""
    with io.StringIO() as file:
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        text = file.getvalue()
    text = re.sub(r'<g id="[^"]*"', "<g", text[text.index("<svg") :])  # the same in every plot, and used by nothing
    return text.replace(INK, "currentColor")


def _looks() -> Any:
    """Ours upon matplotlib's as they come: a ``matplotlibrc`` in the current folder could have it start LaTeX."""
    from matplotlib import style

    return style.context(["default", LOOKS])
