"""How a transfer's cost grows: with the pixels of a photograph and of a painting, with styles, layers and a batch.

    python tests/benchmarks/growth.py [--parts photo,painting,styles,layers,batch] [--repeats 3] [--draw growth.png]

Each point is the median of several new pairs in a warm process of its own: seconds on the wall, processor seconds,
which change little beside other load, and the most memory beyond what the process holds once it is warm. What a cost
grows with, to which power, is the least-squares slope of the logarithms; sides of pictures count as pixels.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from batch import made, measure
from common import (
    in_child,
    machine,
    parser,
    peak_memory,
    photographs,
    processor_seconds,
    resized,
    settings_from,
    table,
    timed,
)

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.features.mixing import mix
from decouple_core.model.heap import keep_freed
from decouple_core.request import Input, Request

PAINTED = 512
"""Size of the paintings whose styles and layers grow: the default on a processor."""

DOCUMENT = 1500
"""Longer side, in pixels, of pictures whose size does not grow: larger than any painting here."""


@dataclass(frozen=True)
class Cost:
    """Medians of new pairs.

    Attributes
    ----------
    wall, processor : float
        Seconds on the wall, and of all cores.
    memory : float
        The most, in MiB, beyond that of the warm process.
    """

    wall: float
    processor: float
    memory: float


@dataclass(frozen=True)
class Part:
    """One thing that grows.

    Attributes
    ----------
    label : str
    counts : tuple of int
        How much there is of it.
    cost : callable
        Of the settings, a count and the repeats; called in a process of its own.
    mode : str
    power : float
        To which a count is raised to be what the work is compared with: sides give pixels.
    """

    label: str
    counts: tuple[int, ...]
    cost: Callable[[Settings, int, int], Cost]
    mode: str
    power: float = 1.0


class Warm:
    """An engine that has prepared its network, in a process whose memory is known."""

    def __init__(self, settings: Settings) -> None:
        keep_freed()
        self.engine = Engine()
        self.engine.warm_up(settings)
        self._held = peak_memory()

    def cost(self, work: Callable[[], object], repeats: int, pictures: Sequence[np.ndarray] = ()) -> Cost:
        """Of work that is done once before; one changed pixel makes pictures new to what the engine keeps."""
        work()
        walls, processors = [], []
        for number in range(repeats):
            for pixels in pictures:
                pixels[0, 0] = (number + 1) / (repeats + 1)
            before = processor_seconds()
            walls.append(timed(work)[0])
            processors.append(processor_seconds() - before)
        return Cost(statistics.median(walls), statistics.median(processors), peak_memory() - self._held)


def of_pair(settings: Settings, document: int, repeats: int) -> Cost:
    """A new pair of pictures of this longer side."""
    warm = Warm(settings)
    target, style = (resized(photographs()[name], document) for name in ("coffee", "astronaut"))
    request, result = Request(Input(target), Input(style), settings), np.empty_like(target)
    return warm.cost(lambda: warm.engine.transfer(request, out=result), repeats, (target, style))


def of_size(settings: Settings, size: int, repeats: int) -> Cost:
    """A painting of this size."""
    return of_pair(replace(settings, size=size), DOCUMENT, repeats)


def of_layers(settings: Settings, layers: int, repeats: int) -> Cost:
    """A painting of so many layers, as a whole: with the flow."""
    return of_pair(replace(settings, layers=layers, correspondence="off"), DOCUMENT, repeats)


def of_styles(settings: Settings, styles: int, repeats: int) -> Cost:
    """A photograph in a mixture of so many styles, all of which are measured."""
    warm, photos = Warm(settings), list(photographs().values())
    target, *given = (
        np.roll(resized(photos[number % len(photos)], DOCUMENT), 101 * number, 1) for number in range(styles + 1)
    )
    result = np.empty_like(target)

    def work() -> None:
        mixture = mix([warm.engine.read_style(Input(one), settings, for_any=False) for one in given])
        warm.engine.transfer(Request(Input(target), mixture, settings), out=result)

    return warm.cost(work, repeats, (target, *given))


def of_batch(settings: Settings, count: int, repeats: int) -> Cost:
    """So many photographs in one style, read ahead and written behind by one job."""
    warm = Warm(settings)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        *targets, style = made(folder, count + 1, DOCUMENT, "jpg")

        def work() -> None:
            warm.engine.forget()
            warm.engine.warm_up(settings)
            measure(targets, style, folder / "out", settings, 1, warm.engine)

        return warm.cost(work, repeats)


PARTS = {
    "photo": Part("a photograph's longer side, pixels", (750, 1500, 3000, 6000), of_pair, "photo", 2.0),
    "painting": Part("a painting's size", (128, 256, 512, 1024), of_size, "painting", 2.0),
    "styles": Part("a photograph's styles", (1, 2, 4, 8), of_styles, "photo"),
    "layers": Part("a painting's layers, as a whole", (1, 2, 3, 4, 5), of_layers, "painting"),
    "batch": Part("a batch's photographs", (1, 2, 4, 8, 16), of_batch, "photo"),
}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--parts", default=",".join(PARTS), help="which (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=3)
    options.add_argument("--draw", type=Path, metavar="PNG")
    given = options.parse_args()
    print(f"{machine(settings_from(given))}; medians of {given.repeats}")
    costs: dict[str, list[Cost]] = {}
    for name in given.parts.split(","):
        part = PARTS[name]
        settings = settings_from(given, mode=part.mode, size=PAINTED)
        costs[name] = [in_child(part.cost, settings, count, given.repeats)[0] for count in part.counts]
        table(
            (part.label, "seconds", "processor seconds", "memory, MiB"),
            [(count, at.wall, at.processor, at.memory) for count, at in zip(part.counts, costs[name], strict=True)],
        )
        print(f"Processor seconds grow with the power {exponent(part, costs[name]):.2f}.")
    if given.draw:
        draw(costs, given.draw)


def exponent(part: Part, costs: Sequence[Cost]) -> float:
    """The slope of the processor seconds' logarithms over those of what grows."""
    return float(np.polyfit(part.power * np.log(part.counts), np.log([at.processor for at in costs]), 1)[0])


def draw(costs: dict[str, list[Cost]], path: Path) -> None:
    """One panel for each part."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.2 * len(costs), 3.4), layout="constrained")
    for axes, (name, found) in zip(np.atleast_1d(figure.subplots(1, len(costs))), costs.items(), strict=True):
        part = PARTS[name]
        power = exponent(part, found)
        axes.loglog(part.counts, [at.processor for at in found], "o-", label=f"processor seconds, power {power:.2f}")
        axes.loglog(part.counts, [at.memory / 1024 for at in found], "s--", label="memory, GiB")
        axes.set_xticks(part.counts, [str(count) for count in part.counts])
        axes.minorticks_off()
        axes.set(xlabel=part.label)
        axes.legend(fontsize="small")
    figure.savefig(path)


if __name__ == "__main__":
    main()
