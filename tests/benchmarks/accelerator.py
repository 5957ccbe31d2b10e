"""All there is to say of an accelerator: its tests, seconds, memory, distance from the processor, and where it waits.

    python tests/benchmarks/accelerator.py [--parts tests,photograph,painting,processor,waits] [--seconds 220]
    python tests/benchmarks/accelerator.py --parts profile,convolutions

It ends with status 1 where a test fails, a picture lies more than 1 / 255 (median) from the processor's, a solve waits
for the device, or, on an H100, a transfer takes longer than it may. Nothing is fetched: the weights must lie in the
data folder (`DECOUPLE_HOME`), and the tests' in the one that ``tests/conftest.py`` names. What the budget of seconds
does not allow is left out and said to be. ``--set device=cpu`` tries the command itself where there is no accelerator.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from common import machine, median_seconds, parser, photographs, resized, settings_from, table, timed
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from decouple_contract.settings import Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.features.vgg import Convolution, convolutions, layer_names
from decouple_core.flow.replays import Replays
from decouple_core.model import prepared
from decouple_core.model.device import pick_device
from decouple_core.request import Input, Request
from decouple_core.weights import load_weights

PARTS = ("tests", "photograph", "painting", "processor", "waits", "profile", "convolutions")
USUAL = PARTS[:5]

WANTED = {"photograph": 1.0, 512: 1.0, 1024: 1.0, 2048: 3.0, 4096: 12.0}
"""Seconds that a new pair may take on one H100, a photograph of 24 megapixels and paintings by their size."""

FARTHEST = 1.0
"""How far the median of the differences from the processor's picture may be, in 8-bit steps."""

DOCUMENT = 6000
"""Longer side of the photograph, in pixels: 24 megapixels at 3:2."""

STEPS = ("prepare", "style", "normalise", "stylise", "finish", "render")

SOLVES = {"conjugate_gradients", "least_norm", "factor_of", "gauss_newton", "follow", "correct"}
"""Functions that solve, within which nothing may wait for a number."""

CASES = ((64, 64), (128, 128), (256, 256), (512, 512), (512, 1024))
"""Height and width of the images at which convolutions are timed alone."""


class Budget:
    """Seconds that are left."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def left(self) -> float:
        return self._end - time.perf_counter()

    def allows(self, seconds: float, what: str) -> bool:
        """Whether there is as much left; says what is left out where not."""
        if seconds <= self.left():
            return True
        print(f"Left out, because the budget of seconds is used up: {what}.", flush=True)
        return False


class Pair:
    """A target and two styles of one size, of which each transfer can be made a new one to all that is kept."""

    def __init__(self, size: int) -> None:
        photos = photographs()
        self.target, self.style, self.other = (
            resized(photos[name], size) for name in ("coffee", "astronaut", "chelsea")
        )
        self.out = np.empty_like(self.target)
        self._number = 0

    def renew(self) -> None:
        """Change one pixel of each."""
        self._number += 1
        for picture in (self.target, self.style, self.other):
            picture[0, 0] = (self._number % 256) / 256


@dataclass(frozen=True)
class Timed:
    """Medians of a few transfers.

    Attributes
    ----------
    first, new, second, strength, amounts : float
        Seconds of the first ever, a new pair, a second style, another strength of the same pair, and of the rendering
        alone, as other amounts of the same components take it.
    steps : dict of str to float
        Seconds of a new pair's steps.
    memory : float
        The most that was held on the device, in MiB; NaN where it does not tell.
    size : int
        The working size that was used, smaller than wanted after a step down.
    """

    first: float
    new: float
    second: float
    strength: float
    amounts: float
    steps: dict[str, float]
    memory: float
    size: int


def measure(settings: Settings, document: int, repeats: int, budget: Budget) -> Timed:
    """Time transfers between photographs whose longer side is `document` pixels."""
    device = pick_device(settings.device)
    clock = partial(timed, device=device)
    pair, engine = Pair(document), Engine()
    weaker = replace(settings, strength=0.5)

    def transfer(style: np.ndarray, how: Settings = settings) -> tuple[float, Transferred]:
        return clock(lambda: engine.transfer(Request(Input(pair.target), Input(style), how), out=pair.out))

    first, _ = transfer(pair.style)
    _reset_peak(device)
    new, second, strength, amounts, steps = [], [], [], [], []
    size = settings.size
    for _ in range(repeats):
        pair.renew()
        seconds, result = transfer(pair.style)
        new.append(seconds)
        steps.append(result.report.seconds)
        size = result.report.settings.size
        second.append(transfer(pair.other)[0])
        strength.append(transfer(pair.style, weaker)[0])
        parts = result.components
        amounts.append(clock(lambda parts=parts: parts.render(pair.target, pair.out, lambda share: None))[0])
        if budget.left() < 4 * seconds:
            break
    medians = (statistics.median(times) for times in (new, second, strength, amounts))
    return Timed(
        first,
        *medians,
        {step: statistics.median([taken.get(step, 0.0) for taken in steps]) for step in STEPS},
        _peak(device),
        size,
    )


def photograph(settings: Settings, budget: Budget, given_document: int, repeats: int) -> list[str]:
    """Seconds of a photograph; what is off."""
    case = measure(replace(settings, mode="photo"), given_document, repeats, budget)
    print(f"## A photograph whose longer side is {given_document} px")
    _table_of_times([("photograph", case)])
    return _late([("photograph", case)], settings) if given_document == DOCUMENT else []


def paintings(settings: Settings, budget: Budget, sizes: Sequence[int], repeats: int) -> list[str]:
    """Seconds of paintings, each of a document of its own size; what is off."""
    print("## Paintings, by their size in pixels")
    rows: list[tuple[object, Timed]] = []
    for size in sizes:
        if budget.allows(6 * rows[-1][1].new if rows else 0.0, f"the painting of {size} px"):
            case = measure(replace(settings, mode="painting", size=size), size, repeats, budget)
            print(f"{size} px: {case.new:.3g} s {case.steps}", flush=True)  # should the next one not end
            rows.append((size, case))
    _table_of_times(rows)
    return [
        *_late(rows, settings),
        *(f"{size} px were painted at {case.size} px" for size, case in rows if case.size != size),
    ]


def _table_of_times(rows: Sequence[tuple[object, Timed]]) -> None:
    table(
        (
            "",
            "first ever, s",
            "new pair, s",
            "second style, s",
            "another strength, s",
            "other amounts, s",
            "peak memory of the device, MiB",
        ),
        [(name, t.first, t.new, t.second, t.strength, t.amounts, t.memory) for name, t in rows],
    )
    print("Seconds of a new pair by step:")
    table(("", *STEPS), [(name, *t.steps.values()) for name, t in rows])


def _late(rows: Sequence[tuple[object, Timed]], settings: Settings) -> list[str]:
    """What takes longer than it may, where that was said for this device."""
    if "H100" not in machine(settings):
        return []
    return [
        f"{name} took {case.new:.2f} s, wanted {WANTED[name]:g}"
        for name, case in rows
        if name in WANTED and case.new > WANTED[name]
    ]


def processor(settings: Settings, budget: Budget, sizes: Sequence[int]) -> list[str]:
    """How far pictures lie from the processor's; what is off.

    The processor takes J in single precision, as accelerators do where rounding is amplified: its own bfloat16, where
    it has that, paints other forms, an accelerator or none.
    """
    cases = [(mode, size) for size in sizes for mode in ("photo", "painting")]
    rows, off = [], []
    for mode, size in cases:
        if not budget.allows(size / 16, f"the processor's {mode} of {size} px"):
            continue
        pair = Pair(size)
        here = replace(settings, mode=mode, size=size)
        ours = Engine().transfer(Request(Input(pair.target), Input(pair.style), here)).image
        own = Engine().transfer(Request(Input(pair.target), Input(pair.style), replace(here, device="cpu"))).image
        with patch.object(prepared, "linear_precision", lambda device: None):
            theirs = (
                Engine().transfer(Request(Input(pair.target), Input(pair.style), replace(here, device="cpu"))).image
            )
        far, chosen = (
            [float(x) for x in np.quantile(np.abs(picture - theirs) * 255, (0.5, 0.99, 1.0))] for picture in (ours, own)
        )
        rows += [(f"{mode}, {size} px", *far), ("the processor's in the precision that it chooses", *chosen)]
        if not far[0] <= FARTHEST:
            off.append(f"the {mode} of {size} px lies {far[0]:.2f} / 255 from the processor's")
    print("## How far from the processor's pictures in single precision, / 255")
    table(("", "median", "99 of 100 values", "largest"), rows)
    return off


def waits(settings: Settings, budget: Budget) -> list[str]:
    """Where the program waits for the device, by CUDA's own account; what is off."""
    device = pick_device(settings.device)
    if device.type != "cuda":
        print("Where it waits can be told of CUDA alone.\n")
        return []
    off = []
    for mode, size, document in (("photo", 512, 1024), ("painting", 512, 512)):
        pair, engine, here = Pair(document), Engine(), replace(settings, mode=mode, size=size)
        engine.transfer(Request(Input(pair.target), Input(pair.style), here))
        pair.renew()
        with _counted_waits() as places:
            engine.transfer(Request(Input(pair.target), Input(pair.style), here))
        print(f"## Where a {mode} of {size} px waits: {sum(places.values())} times")
        table(("times", "where, innermost first"), [(count, place) for place, count in places.most_common()])
        within = sum(count for place, count in places.items() if SOLVES & set(re.findall(r"\w+", place)))
        if within:
            off.append(f"the {mode} waits {within} times within a solve")
    return off


@contextmanager
def _counted_waits() -> Iterator[Counter[str]]:
    """Count every call that synchronises, by the lines of the program that made it."""
    places: Counter[str] = Counter()

    def note(message: Warning | str, *_: object, **__: object) -> None:
        if "synchroniz" in str(message):
            frames = [f for f in traceback.extract_stack() if "decouple_core" in f.filename]
            places[
                " < ".join(f"{f.filename.split('decouple_core/')[-1]}:{f.lineno} {f.name}" for f in frames[:-7:-1])
            ] += 1

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = note  # type: ignore[assignment]
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield places
        finally:
            torch.cuda.set_sync_debug_mode("default")


def profiled(settings: Settings, budget: Budget, given_document: int, rows: int) -> list[str]:
    """What a photograph and a painting of 1024 px spend their time on."""
    device = pick_device(settings.device)
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    size = 1024 if device.type != "cpu" else 64
    for mode, document in (("photo", given_document), ("painting", size)):
        if not budget.allows(15.0, f"the profile of a {mode}"):
            continue
        pair, engine, here = Pair(document), Engine(), replace(settings, mode=mode, size=size)
        engine.transfer(Request(Input(pair.target), Input(pair.style), here), out=pair.out)
        pair.renew()
        with profile(activities=activities) as watched:
            seconds, _ = timed(
                lambda pair=pair, engine=engine, here=here: engine.transfer(
                    Request(Input(pair.target), Input(pair.style), here), out=pair.out
                ),
                device,
            )
        print(f"## What a {mode} of {document} px does in {seconds:.2f} s, profiled")
        _print_profile(watched, seconds, rows)
    return []


def _print_profile(watched: profile, seconds: float, rows: int) -> None:
    """Kernels by time, how busy the device is, and operators by the processor's own time."""
    events = watched.profiler.kineto_results.events() if watched.profiler else []
    on_device = [e for e in events if str(e.device_type()).endswith("CUDA") and e.duration_ns()]
    busy, end = 0, 0
    for event in sorted(on_device, key=lambda e: e.start_ns()):
        stop = event.start_ns() + event.duration_ns()
        busy += max(0, stop - max(end, event.start_ns()))
        end = max(end, stop)
    launches = Counter(e.name() for e in events if e.name().startswith(("cudaLaunch", "cudaGraphLaunch", "cuLaunch")))
    print(
        f"{len(on_device)} kernels and copies, {dict(launches)}; the device is busy {busy / 1e9:.3f} s, "
        f"{100 * busy / 1e9 / seconds:.0f} % of the time."
    )
    taken: dict[str, list[int]] = {}
    for event in on_device:
        taken.setdefault(event.name()[:90], []).append(event.duration_ns())
    table(
        ("kernel", "ms", "calls", "µs each"),
        [
            (name.replace("|", "/"), sum(times) / 1e6, len(times), sum(times) / 1e3 / len(times))
            for name, times in sorted(taken.items(), key=lambda row: -sum(row[1]))[:rows]
        ],
    )
    averages = sorted(watched.key_averages(), key=lambda row: -row.self_cpu_time_total)[:rows]
    table(
        ("operator", "own ms of the processor", "calls", "µs each"),
        [
            (row.key[:60], row.self_cpu_time_total / 1e3, row.count, row.self_cpu_time_total / row.count)
            for row in averages
        ],
    )


def alone(settings: Settings, budget: Budget, repeats: int) -> list[str]:
    """Every convolution by itself, in each precision and layout, forward and adjoint two ways: µs, and the error."""
    device = pick_device(settings.device)
    name, weights = load_weights(settings.network)
    layers = convolutions(name, weights)
    for height, width in CASES if device.type != "cpu" else CASES[:1]:
        if not budget.allows(10.0, f"convolutions at {width} px"):
            continue
        print(f"## Convolutions alone at {height}×{width} px, µs and relative error of J and of Jᵀ two ways")
        table(
            ("", *(f"{how}, {what}" for how in _PRECISIONS for what in ("J", "Jᵀ", "Jᵀ as J", "error"))),
            [(label, *cells) for label, cells in _each(layers, layer_names(name), height, width, device, repeats)],
        )
    return []


_PRECISIONS: dict[str, tuple[torch.dtype, bool, torch.memory_format]] = {
    "float32": (torch.float32, False, torch.channels_last),
    "TF32": (torch.float32, True, torch.channels_last),
    "TF32, plain layout": (torch.float32, True, torch.contiguous_format),
    "bfloat16": (torch.bfloat16, True, torch.channels_last),
    "float16": (torch.float16, True, torch.channels_last),
}


def _each(
    layers: Sequence[Convolution], names: Sequence[str], height: int, width: int, device: torch.device, repeats: int
) -> Iterator[tuple[str, list[str]]]:
    """Rows of the table of one size."""
    before = torch.backends.cudnn.allow_tf32
    for name, layer in zip(names, layers, strict=True):
        if layer.pooled_before:
            height, width = -(-height // 2), -(-width // 2)
        out, inputs = layer.weight.shape[:2]
        padded, gradient = torch.rand(1, inputs, height + 2, width + 2), torch.rand(1, out, height, width)
        exact = F.conv2d(padded.double(), layer.weight.double())
        cells = []
        for dtype, tf32, layout in _PRECISIONS.values():
            torch.backends.cudnn.allow_tf32 = tf32

            def there(x: Tensor, dtype: torch.dtype = dtype, layout: torch.memory_format = layout) -> Tensor:
                return x.to(device, dtype).contiguous(memory_format=layout)

            x, g, w = there(padded), there(gradient), there(layer.weight)
            turned = there(layer.weight.flip(2, 3).transpose(0, 1))
            calls: list[Callable[[], Tensor]] = [
                partial(F.conv2d, x, w),
                partial(F.conv_transpose2d, g, w),
                partial(F.conv2d, g, turned, padding=2),
            ]
            error = (calls[0]().double().cpu() - exact).norm() / exact.norm()
            cells += [f"{1e6 * _seconds_each(call, repeats, device):.0f}" for call in calls] + [f"{error:.1e}"]
        yield name, cells
    torch.backends.cudnn.allow_tf32 = before


def _seconds_each(call: Callable[[], Tensor], repeats: int, device: torch.device) -> float:
    """Seconds of one of many calls in a row, which hide the time of their launches."""
    number = 20 if device.type != "cpu" else 1

    def several() -> None:
        for _ in range(number):
            call()

    return median_seconds(several, repeats, device) / number


def _reset_peak(device: torch.device) -> None:
    if device.type in ("cuda", "xpu"):
        getattr(torch, device.type).reset_peak_memory_stats()


def _peak(device: torch.device) -> float:
    """The most that was held on the device since it was reset, in MiB."""
    if device.type in ("cuda", "xpu"):
        return float(getattr(torch, device.type).max_memory_allocated()) / 2**20
    return torch.mps.driver_allocated_memory() / 2**20 if device.type == "mps" else float("nan")


def run_tests(budget: Budget) -> list[str]:
    """The tests that need an accelerator; what is off."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/core", "-p", "no:cacheprovider"]
    try:
        done = subprocess.run(
            command,
            cwd=Path(__file__).parents[2],
            timeout=max(1.0, budget.left()),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except subprocess.TimeoutExpired as error:
        print(error.stdout)
        return ["the tests took too long"]
    print("## Tests\n\n```\n" + "\n".join(done.stdout.splitlines()[-60:]) + "\n```\n", flush=True)
    return [] if done.returncode == 0 else [f"the tests ended with status {done.returncode}"]


def _sizes(text: str) -> list[int]:
    return [int(part) for part in text.split(",") if part]


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--parts",
        type=lambda text: text.split(","),
        default=USUAL,
        help=f"of {', '.join(PARTS)}, with commas between (default: {','.join(USUAL)})",
    )
    options.add_argument("--profile", action="store_true", help="the part profile, besides")
    options.add_argument(
        "--sizes",
        type=_sizes,
        default=[512, 1024, 2048, 4096],
        help="of the paintings, in pixels (default: 512,1024,2048,4096)",
    )
    options.add_argument(
        "--compared",
        type=_sizes,
        default=[256, 512],
        help="sizes at which pictures are compared with the processor's (default: 256,512)",
    )
    options.add_argument(
        "--document", type=int, default=DOCUMENT, help="longer side of the photograph, in pixels (default: %(default)s)"
    )
    options.add_argument("--repeats", type=int, default=3, help="transfers of which the median is told")
    options.add_argument("--rows", type=int, default=25, help="of the profile's tables (default: %(default)s)")
    options.add_argument("--seconds", type=float, default=220.0, help="budget (default: %(default)s)")
    options.add_argument("--without-graphs", action="store_true", help="launch every kernel by itself")
    options.add_argument("--tuned", action="store_true", help="let cuDNN try its algorithms on every new shape")
    given = options.parse_args()
    torch.backends.cudnn.benchmark = given.tuned
    if given.without_graphs:
        Replays.on = classmethod(lambda cls, device: None)  # type: ignore[method-assign, assignment]
    parts = [*given.parts, *["profile"] * given.profile]
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; choose among {', '.join(PARTS)}.")
    settings, budget = settings_from(given), Budget(given.seconds)
    print(
        f"{machine(settings)}; python {sys.version.split()[0]}, numpy {np.__version__}, "
        f"{torch.get_num_threads()} threads\n",
        flush=True,
    )
    doing: dict[str, Callable[[], list[str]]] = {
        "tests": lambda: run_tests(budget),
        "photograph": lambda: photograph(settings, budget, given.document, given.repeats),
        "painting": lambda: paintings(settings, budget, given.sizes, given.repeats),
        "processor": lambda: processor(settings, budget, given.compared),
        "waits": lambda: waits(settings, budget),
        "profile": lambda: profiled(settings, budget, given.document, given.rows),
        "convolutions": lambda: alone(settings, budget, given.repeats),
    }
    off: list[str] = []
    for part in parts:
        start = time.perf_counter()
        try:
            off += doing[part]()
        except Exception:  # one part must not take the device's time from the others
            traceback.print_exc()
            off.append(f"{part} failed")
        print(f"({part}: {time.perf_counter() - start:.1f} s)\n", flush=True)
    if off:
        sys.exit("Off: " + "; ".join(off) + ".")
    print("Nothing is off.")


if __name__ == "__main__":
    main()
