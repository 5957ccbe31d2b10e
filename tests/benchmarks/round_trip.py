"""How exactly a picture comes back from the reference, and from another picture's style, for every integrator.

    python tests/benchmarks/round_trip.py [--size 256] [--layers 2,5]
    python tests/benchmarks/round_trip.py --steps 1,2,3,4,6 --plot cost.png

There and back is A stylised in its own style again. A→B→A is A stylised in B's style, and that raw result, neither
clipped nor rounded, stylised in A's own style. Both are the flow's, layer 0 included, at the working size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from common import as_pixels, machine, numbers, parser, photographs, resized, settings_from, table

from decouple_contract.settings import Settings
from decouple_core.engine import Engine, RoundTrip, Transferred
from decouple_core.features.channel_means import SCHEDULE
from decouple_core.flow.registry import INTEGRATORS, register_integrator
from decouple_core.request import Input, Request

SHALLOW_STEPS = (4, 2, 1, 1, 1)
"""Steps of layers 1 … 5 as multiples of the deep layers': about what the program's own are."""


@dataclass(frozen=True)
class Trip:
    """One integrator's round trips with some layers.

    Attributes
    ----------
    integrator : str
    steps : int or None
        Of the deep layers, see `SHALLOW_STEPS`; None for the program's own.
    layers : int
    evaluations : int
        Of the network, from A to the reference and back.
    seconds : float
        Of the same.
    own : RoundTrip
        There and back.
    between : RoundTrip
        A→B→A.
    """

    integrator: str
    steps: int | None
    layers: int
    evaluations: int
    seconds: float
    own: RoundTrip
    between: RoundTrip


def trips(settings: Settings, layers: list[int], steps: list[int], picture: str, other: str) -> Iterator[Trip]:
    """Round trips of every integrator with its own step count, or with each of `steps`."""
    photos = photographs()
    a, b = (resized(photos[name], settings.size) for name in (picture, other))
    for count in layers:
        for name in SCHEDULE.steps:
            for number in steps or (None,):
                chosen = Settings.from_dict(
                    {
                        **settings.as_dict(),
                        "layers": count,
                        "integrator": name if number is None else with_steps(name, number),
                    }
                )
                transfers = Engine()  # so that each normalises A itself
                own = transfers.read_style(Input(a), chosen)
                back = transfers.transfer(Request(Input(a), own, chosen))
                stylised = transfers.transfer(Request(Input(a), Input(b), chosen))
                again = transfers.transfer(Request(Input(as_pixels(stylised.report.images["stylised"])), own, chosen))
                cost = back.report.seconds["normalise"] + back.report.seconds["stylise"]
                yield Trip(
                    name, number, count, back.report.evaluations["total"], cost, _trip(back, back), _trip(back, again)
                )


def with_steps(name: str, number: int) -> str:
    """The name of that integrator with so many steps through the deep layers."""
    other = f"{name}, {number} steps"
    if other not in INTEGRATORS:
        kind = INTEGRATORS[name]
        register_integrator(
            other, other, lambda own: kind.make([number * factor for factor in SHALLOW_STEPS]), converged=kind.converged
        )
    return other


def _trip(start: Transferred, end: Transferred) -> RoundTrip:
    return RoundTrip(start.report.images["target"], end.report.images["stylised"])


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--size", type=int, default=256, help="working size in pixels (default: %(default)s)")
    options.add_argument("--layers", type=numbers, default=[2, 5], help="how many layers (default: 2,5)")
    options.add_argument(
        "--steps",
        type=numbers,
        default=[],
        help="steps of the deep layers to try; layer 1 takes "
        "four times as many and layer 2 twice (default: the program's own)",
    )
    options.add_argument("--picture", default="astronaut", help="photograph A (default: %(default)s)")
    options.add_argument("--other", default="coffee", help="photograph B (default: %(default)s)")
    options.add_argument("--plot", type=Path, metavar="PNG", help="PSNR against cost")
    given = options.parse_args()
    settings = settings_from(given, size=given.size, mode="painting")
    print(f"{machine(settings)}; {given.picture} at {given.size} px, by way of {given.other}")
    done = list(trips(settings, given.layers, given.steps, given.picture, given.other))
    table(
        (
            "layers",
            "integrator",
            "steps",
            "network evaluations",
            "seconds",
            "there and back, dB",
            "equal bytes, %",
            "A→B→A, dB",
        ),
        [
            (
                trip.layers,
                trip.integrator,
                trip.steps or "own",
                trip.evaluations,
                trip.seconds,
                trip.own.psnr,
                100 * trip.own.equal_bytes,
                trip.between.psnr,
            )
            for trip in done
        ],
    )
    if given.plot:
        plot(given.plot, done)


def plot(path: Path, done: list[Trip]) -> None:
    """PSNR against network evaluations: there and back drawn solid, A→B→A dashed."""
    from matplotlib.figure import Figure

    counts = sorted({trip.layers for trip in done})
    figure = Figure(figsize=(5 * len(counts), 4), layout="constrained")
    for column, count in enumerate(counts, 1):
        axes = figure.add_subplot(1, len(counts), column)
        for number, name in enumerate(SCHEDULE.steps):
            here = sorted((t for t in done if (t.layers, t.integrator) == (count, name)), key=lambda t: t.evaluations)
            cost = [trip.evaluations for trip in here]
            axes.plot(cost, [trip.own.psnr for trip in here], "o-", color=f"C{number}", label=name)
            axes.plot(cost, [trip.between.psnr for trip in here], "s--", color=f"C{number}")
        axes.set(title=f"{count} layers", xscale="log", xlabel="network evaluations, there and back", ylabel="PSNR, dB")
        axes.legend(title="solid: own style\ndashed: A→B→A")
    figure.savefig(path)


if __name__ == "__main__":
    main()
