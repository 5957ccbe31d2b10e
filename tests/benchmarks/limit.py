"""How near the limit the flow runs: its convolutions' FLOP/s as a share of what the same convolutions reach alone.

    python tests/benchmarks/limit.py [--size 128] [--repeats 5]
    python tests/benchmarks/limit.py --whole painting [--size 512]

Alone means `torch.nn.functional.conv2d` and `conv_transpose2d` at the flow's own shapes, memory layout and precision,
one after the other with nothing between them: no padding, activation, pooling, or solver. Packed is the same with the
weights packed beforehand, as the flow has them on a processor. The flow is that of a whole transfer, style, normalise
and stylise. What it does besides is shown by torch's own profiler.

With --whole it is a whole transfer, at all its scales and in all its tiles: the share of its time that its
convolutions take, and what the same calls take alone, on a processor, in processor seconds, which other load changes
little.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from common import machine, median_seconds, parser, photographs, prepared, resized, settings_from, table
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from decouple_contract.settings import LAYER_NAMES, Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.features.vgg import Convolution, convolutions, layer_names
from decouple_core.model.device import CPU
from decouple_core.model.heap import keep_freed
from decouple_core.model.prepared import linear_precision
from decouple_core.pictures.resampling import working_shape
from decouple_core.request import Input, Request
from decouple_core.weights import load_weights

KINDS = ("forward", "jvp", "vjp")

STEPS = ("style", "normalise", "stylise")
"""Steps of a transfer that are the flow's."""


@dataclass(frozen=True)
class Alone:
    """One convolution of the network timed by itself.

    Attributes
    ----------
    name : str
    shape : str
        Of its output, for people.
    depth : int
        The shallowest layer of the hierarchy that needs it, from 1.
    multiply_adds : float
    seconds : dict
        Of one call, by kind: "forward" in the features' precision, "jvp" and "vjp" in that of J; and of the same
        packed.
    """

    name: str
    shape: str
    depth: int
    multiply_adds: float
    seconds: dict[str, float] = field(default_factory=dict)


def alone(network: str, shape: tuple[int, int], device: torch.device, repeats: int) -> Iterator[Alone]:
    """Time every convolution of the network on an image of this shape."""
    name, weights = load_weights(network)
    exact = convolutions(name, weights, device=device)
    linear = convolutions(name, weights, device=device, dtype=linear_precision(device) or torch.float32)
    height, width = shape
    depth = 1
    for label, layer, low in zip(layer_names(name), exact, linear, strict=True):
        if layer.pooled_before:
            height, width = -(-height // 2), -(-width // 2)
        out, inputs = layer.weight.shape[:2]
        # Calls as in decouple_core.features.linearised: padded by one pixel before, folded back after.
        padded, gradient = (
            _noise(low, channels, *size)
            for channels, size in ((inputs, (height + 2, width + 2)), (out, (height, width)))
        )
        one = Alone(label, f"{out}×{height}×{width}", depth, layer.weight.numel() * height * width)
        calls = {
            "forward": partial(F.conv2d, padded.to(layer.weight), layer.weight, layer.bias),
            "jvp": partial(F.conv2d, padded, low.weight),
            "vjp": partial(F.conv_transpose2d, gradient, low.weight),
            "forward packed": partial(layer.forward, padded.to(layer.weight)),
            "jvp packed": partial(low.linear, padded),
            "vjp packed": partial(low.adjoint, gradient),
        }
        one.seconds.update({kind: median_seconds(call, repeats, device) for kind, call in calls.items()})
        yield one
        depth += layer.tap  # what follows a tap is needed from the next layer on


def _noise(layer: Convolution, channels: int, height: int, width: int) -> Tensor:
    noise = torch.rand(1, channels, height, width).to(layer.weight)
    return noise.contiguous(memory_format=torch.channels_last)


def passes(result: Transferred) -> Counter[tuple[str, int]]:
    """How often the flow passed through the network, by kind and depth.

    The two forward passes that measure the pictures for the photograph, at another size, are among them.
    """
    named = {f"{kind} {name}": (kind, depth) for kind in KINDS for depth, name in enumerate(LAYER_NAMES)}
    return Counter({named[key]: number for key, number in result.report.evaluations["by_depth"].items()})


@dataclass
class Calls:
    """The same convolution at the same size."""

    operation: Callable[..., Tensor]
    example: Tensor
    number: int = 0
    seconds: float = 0.0
    multiply_adds: float = 0.0


@contextlib.contextmanager
def watched(calls: dict[tuple[Any, ...], Calls]) -> Iterator[None]:
    """Count and time all convolutions of the network, by operation and shape."""
    plain = {kind: getattr(Convolution, kind) for kind in ("forward", "linear", "adjoint")}

    def replacement(kind: str) -> Callable[[Convolution, Tensor], Tensor]:
        def call(layer: Convolution, x: Tensor) -> Tensor:
            start = time.process_time()
            result = plain[kind](layer, x)
            taken = time.process_time() - start
            key = kind, id(layer.weight), x.shape
            if key not in calls:
                calls[key] = Calls(partial(plain[kind], layer), torch.rand_like(x))
            here = calls[key]
            places = x if kind == "adjoint" else result
            here.number, here.seconds = here.number + 1, here.seconds + taken
            here.multiply_adds += layer.weight.numel() * places[:, 0].numel()
            return result

        return call

    for kind in plain:
        setattr(Convolution, kind, replacement(kind))
    try:
        yield
    finally:
        for kind, method in plain.items():
            setattr(Convolution, kind, method)


def whole(settings: Settings, repeats: int) -> None:
    """Print which share of a transfer its convolutions take, and how near they come to the same ones alone."""
    keep_freed()
    photos = photographs()
    target, style, other = (resized(photos[name], settings.size) for name in ("coffee", "astronaut", "chelsea"))
    transfers, calls = Engine(), dict[tuple[Any, ...], Calls]()
    transfers.transfer(Request(Input(other), Input(target), settings))
    start = time.process_time()
    with watched(calls):
        transfers.transfer(Request(Input(target), Input(style), settings))
    total = time.process_time() - start
    rows, alone = [], 0.0
    for kind in ("forward", "linear", "adjoint"):
        chosen = [here for key, here in calls.items() if key[0] == kind]
        with torch.inference_mode():
            by_themselves = sum(here.number * _processor_seconds(here, repeats) for here in chosen)
        taken = sum(here.seconds for here in chosen)
        flops = 2e-9 * sum(here.multiply_adds for here in chosen)
        alone += by_themselves
        rows.append((kind, sum(here.number for here in chosen), flops, taken, flops / taken, flops / by_themselves))
    table(("convolutions", "calls", "GFLOP", "processor seconds", "GFLOP/s of a core", "alone"), rows)
    within = sum(here.seconds for here in calls.values())
    print(
        f"The transfer takes {total:.1f} processor seconds, {100 * within / total:.0f} % of them in "
        f"convolutions, which run at {100 * alone / within:.0f} % of the same ones alone."
    )


def _processor_seconds(calls: Calls, repeats: int) -> float:
    """Of one call alone, at its quickest."""
    taken = []
    for _ in range(1 + repeats):
        start = time.process_time()
        calls.operation(calls.example)
        taken.append(time.process_time() - start)
    return min(taken[1:])


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--whole", choices=("photo", "painting"), help="a whole transfer instead of the flow")
    options.add_argument("--size", type=int, default=128, help="working size in pixels (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=5, help="calls of each convolution (default: %(default)s)")
    options.add_argument("--rows", type=int, default=15, help="of the profiler's table (default: %(default)s)")
    given = options.parse_args()
    if given.whole:
        settings = settings_from(given, size=given.size, mode=given.whole)
        print(f"{machine(settings)}; {given.whole}, {given.size} px; J in {linear_precision(CPU) or torch.float32}")
        whole(settings, given.repeats)
        return
    settings = settings_from(given, size=given.size, mode="painting")
    photos = photographs()
    target, style = photos["coffee"], photos["astronaut"]
    device = prepared(settings).device
    with torch.inference_mode():
        single = list(alone(settings.network, working_shape(target.shape[:2], given.size), device, given.repeats))
    transfers = Engine()
    transfers.transfer(
        Request(Input(style), Input(photos["chelsea"]), settings)
    )  # loads and warms up; none of it is used again
    result = transfers.transfer(Request(Input(target), Input(style), settings))

    print(f"{machine(settings)}; {given.size} px; J in {linear_precision(device) or torch.float32}")
    print("\nEach convolution alone, GFLOP/s:")
    table(
        ("convolution", "output", "forward", "J", "Jᵀ", "forward packed", "J packed", "Jᵀ packed"),
        [
            (one.name, one.shape, *(2e-9 * one.multiply_adds / seconds for seconds in one.seconds.values()))
            for one in single
        ],
    )
    done = passes(result)
    print("Passes of the flow, by the deepest layer that each reaches:")
    table(
        ("layer", "forward", "J", "Jᵀ"),
        [(LAYER_NAMES[depth], *(done[kind, depth] for kind in KINDS)) for depth in range(1, settings.layers + 1)],
    )
    within = [(count, one, kind) for (kind, depth), count in done.items() for one in single if one.depth <= depth]
    multiply_adds = sum(count * one.multiply_adds for count, one, _ in within)
    limit, packed = (sum(count * one.seconds[kind + how] for count, one, kind in within) for how in ("", " packed"))
    taken = sum(result.report.seconds[step] for step in STEPS)
    counted = result.report.evaluations
    table(
        ("", "convolutions, GFLOP", "seconds", "GFLOP/s"),
        [
            (name, 2e-9 * multiply_adds, seconds, 2e-9 * multiply_adds / seconds)
            for name, seconds in (("alone", limit), ("alone, packed", packed), ("in the flow", taken))
        ],
    )
    print(
        f"The flow runs at {100 * limit / taken:.0f} % of its convolutions alone, and at "
        f"{100 * packed / taken:.0f} % of the packed ones. The whole transfer counted "
        f"{counted['total']} network evaluations and {2e-9 * counted['multiply_adds']:.0f} GFLOP.\n"
    )
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    with profile(activities=activities) as watched:
        transfers.transfer(Request(Input(photos["chelsea"]), Input(photos["rocket"]), settings))
    sort = "self_cpu_time_total" if device.type == "cpu" else "self_device_time_total"
    print("```\n" + watched.key_averages().table(sort_by=sort, row_limit=given.rows, max_name_column_width=40) + "```")


if __name__ == "__main__":
    main()
