"""Algorithms for the network's convolutions on a processor, and the choice among them.

Which is quickest depends on the instructions that the processor has: with the weights packed for the picture's size
beforehand, oneDNN reaches a processor's peak from AVX2 on, and in bfloat16 twice that where it is multiplied natively;
with SSE4.1 torch's plain `conv2d` is quicker. oneDNN's packing is a private operator of torch's. So each algorithm is
tried once on a machine, forward and adjoint apart: one that is missing, or whose numbers are not those of the plain
convolution, is left out, and the quickest of the others is kept in the data folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from weakref import WeakSet

import torch
import torch.nn.functional as F
from torch import Tensor

from decouple_contract.errors import DiskFullError, InputError
from decouple_contract.files import write_whole
from decouple_contract.paths import data_folder
from decouple_core.features.reproducible import one_thread

Convolve = Callable[[Tensor, Tensor | None], Tensor]
"""x (B, in, H+2, W+2) and a bias or None to (B, out, H, W)."""

Adjoint = Callable[[Tensor], Tensor]
"""(B, out, H, W) to (B, in, H+2, W+2)."""


@dataclass(frozen=True)
class Algorithm:
    """One way to compute a 3×3 convolution and its adjoint.

    Attributes
    ----------
    forward, adjoint : callable
        Make the operation of a weight, shape (out, in, 3, 3).
    layout : torch.memory_format
        In which it takes and leaves its tensors.
    """

    forward: Callable[[Tensor], Convolve]
    adjoint: Callable[[Tensor], Adjoint]
    layout: torch.memory_format = torch.channels_last


def _plain(layout: torch.memory_format) -> Algorithm:
    """Torch's own convolution, in one memory layout."""

    def forward(weight: Tensor) -> Convolve:
        weight = weight.contiguous(memory_format=layout)
        return lambda x, bias: F.conv2d(x.contiguous(memory_format=layout), weight, bias)

    def adjoint(weight: Tensor) -> Adjoint:
        weight = weight.contiguous(memory_format=layout)
        return lambda gradient: F.conv_transpose2d(gradient.contiguous(memory_format=layout), weight)

    return Algorithm(forward, adjoint, layout)


MOST_PACKED = 3
"""Sizes of pictures for which a layer keeps packed weights: a target, a style, and the noise. VGG-16's take 33 MB each
in single precision; packing them again takes 20 ms."""


class _Packed:
    """oneDNN's convolution with weights packed beforehand, for each size of picture anew.

    `conv2d` reorders its weights at every call: for the 512 channels of a map of 8×6 pixels, two thirds of its time.
    Packed without a size they suit most pictures with AVX-512. With AVX2 many sizes then get a reference kernel, up to
    a hundred times as slow.

    Parameters
    ----------
    weight : Tensor
        Shape (out, in, 3, 3).
    turned : bool
        Compute the adjoint, which is a convolution with the kernels turned round and channels exchanged.
    """

    def __init__(self, weight: Tensor, *, turned: bool) -> None:
        self._weight, self._turned = weight, turned
        self._padding = [2, 2] if turned else [0, 0]
        self._packed: OrderedDict[torch.Size, Tensor] = OrderedDict()
        _ALL_PACKED.add(self)

    def let_go(self) -> None:
        """Keep nothing packed; the next call packs again."""
        self._packed.clear()

    def __call__(self, x: Tensor, bias: Tensor | None = None) -> Tensor:
        packed = self._packed.get(x.shape)
        if packed is None:
            weight = self._weight.flip(2, 3).transpose(0, 1) if self._turned else self._weight
            packed = torch.ops.mkldnn._reorder_convolution_weight(
                weight.contiguous(), self._padding, [1, 1], [1, 1], 1, list(x.shape)
            )
            self._packed[x.shape] = packed
            if len(self._packed) > MOST_PACKED:
                self._packed.popitem(last=False)
        else:
            self._packed.move_to_end(x.shape)
        return torch.ops.mkldnn._convolution_pointwise(
            x.contiguous(memory_format=torch.channels_last),
            packed,
            bias,
            self._padding,
            [1, 1],
            [1, 1],
            1,
            "none",
            [],
            "",
        )


_ALL_PACKED: WeakSet[_Packed] = WeakSet()


def let_packed_go() -> None:
    """Free the packed weights of all networks: 40 MB for each size of picture that was worked on."""
    for convolution in _ALL_PACKED:
        convolution.let_go()


PLAIN = "channels last"
"""The algorithm of accelerators, and of precisions other than those below."""

ALGORITHMS: dict[str, Algorithm] = {
    "packed": Algorithm(lambda weight: _Packed(weight, turned=False), lambda weight: _Packed(weight, turned=True)),
    PLAIN: _plain(torch.channels_last),
    "channels first": _plain(torch.contiguous_format),
}
"""By name, in the order of preference where two take about the same time."""

Shape = tuple[int, int, int, int]
"""Channels in and out, height and width of a convolution's output."""

CHECKED: tuple[Shape, ...] = ((3, 64, 9, 8), (64, 128, 3, 5), (128, 128, 16, 12))
"""The convolutions whose numbers are looked at, at every start."""

TIMED: tuple[Shape, ...] = ((64, 64, 64, 48), (128, 256, 16, 12), (512, 512, 8, 6))
"""The convolutions that are timed, once: layers of a picture of 64 px."""

ROUNDS = 6
"""Calls of each, in turns, of which the quickest counts: other load slows single ones. They take one thread, whose own
time can be told from that of other programs: one machine is to choose alike whatever else it does."""

CLOCK = time.thread_time if time.get_clock_info("thread_time").resolution < 1e-5 else time.perf_counter
"""The thread's own seconds; those on the wall on Windows, which counts the former in sixtieths."""

MARGIN = 1.15
"""How many times as quick an algorithm, or bfloat16, must be to be preferred to one before it. Nearer to each other, a
busy moment would decide; and another algorithm rounds differently."""

HOPELESS = 4.0
"""An algorithm that takes this many times as long as another is not called again."""

TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 5e-2}
"""Largest error as a share of the results' root mean square: some ten times what rounding leaves of 1152 products."""


@dataclass(frozen=True)
class Choice:
    """The algorithms of one precision.

    Attributes
    ----------
    forward, adjoint : str
        Names in `ALGORITHMS`.
    """

    forward: str
    adjoint: str


KINDS = ("forward", "adjoint")

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16}

CHOICES_BYTES = 10_000
"""Of the file; it has some 400."""

Choices = dict[torch.dtype, Choice]
"""By precision: always single; bfloat16 where J and Jᵀ are quicker in it."""


def convolution_of(weight: Tensor) -> Convolve:
    """The convolution with this weight, shape (out, in, 3, 3), by the algorithm that is best here."""
    return ALGORITHMS[_chosen(weight).forward].forward(weight)


def adjoint_of(weight: Tensor) -> Adjoint:
    """Its adjoint, likewise."""
    return _turned(weight) if _slow_transposed(weight) else ALGORITHMS[_chosen(weight).adjoint].adjoint(weight)


def _chosen(weight: Tensor) -> Choice:
    choice = Choice(PLAIN, PLAIN)
    if weight.device.type == "cpu" and weight.dtype in TOLERANCE:
        choice = choices().get(weight.dtype, choice)
    return choice


def _slow_transposed(weight: Tensor) -> bool:
    """Whether cuDNN is slow at the transposed convolution.

    In single precision it takes 6.6 ms for conv1_2 at 512×512 px instead of 0.6, and as long or less from 256
    channels on and for the image's three.
    """
    few = all(64 <= channels <= 128 for channels in weight.shape[:2])
    return weight.is_cuda and weight.dtype == torch.float32 and few


def _turned(weight: Tensor) -> Adjoint:
    """The adjoint as a convolution."""
    turned = weight.flip(2, 3).transpose(0, 1).contiguous(memory_format=torch.channels_last)
    return lambda gradient: F.conv2d(gradient, turned, padding=2)


def numerics() -> str:
    """What a processor's convolutions and sums depend on to the last bit."""
    algorithms = sorted((str(precision), *asdict(choice).items()) for precision, choice in choices().items())
    return f"{_machine()} {torch.get_num_threads()} {algorithms}"


@cache
def choices() -> Choices:
    """The best algorithms on this processor: the kept ones, if they still compute what they should."""
    with torch.inference_mode(mode=False), torch.no_grad():  # weights packed in inference mode could not leave it
        kept = _read()
        if kept is not None and all(
            _right(getattr(choice, kind), kind, dtype) for dtype, choice in kept.items() for kind in KINDS
        ):
            return kept
        made = measured()
    _keep(made)
    return made


def measured() -> Choices:
    """Try all algorithms: the quickest of those with the right numbers, in each precision."""
    with one_thread():
        return _measured()


def _measured() -> Choices:
    single, seconds = _best(torch.float32)
    chosen = {torch.float32: single}
    # Where bfloat16 has to be imitated it takes up to a hundred times as long, and one small shape shows it.
    quick = [_seconds([PLAIN], "forward", dtype, CHECKED[-1:])[PLAIN] for dtype in (torch.bfloat16, torch.float32)]
    if quick[0] < quick[1]:
        low, low_seconds = _best(torch.bfloat16)
        if MARGIN * low_seconds <= seconds:
            chosen[torch.bfloat16] = low
    return chosen


def _best(dtype: torch.dtype) -> tuple[Choice, float]:
    """The best algorithms in one precision, forward and adjoint apart, and the seconds that both take together."""
    names = list(ALGORITHMS)
    there, back = (
        _seconds([name for name in names if _right(name, kind, dtype)], kind, dtype, TIMED) for kind in KINDS
    )
    forward = _preferred(names, there)
    # The forward pass's own before the others: from one memory layout to another is a copy.
    adjoint = _preferred([forward, *names], back)
    return Choice(forward, adjoint), there[forward] + back[adjoint]


def _preferred(names: list[str], seconds: Mapping[str, float]) -> str:
    """The first that is nearly as quick as the quickest."""
    return next(name for name in names if name in seconds and seconds[name] <= MARGIN * min(seconds.values()))


def _seconds(names: Sequence[str], kind: str, dtype: torch.dtype, shapes: Sequence[Shape]) -> dict[str, float]:
    """The seconds that each of these algorithms takes for one call of each shape, at its quickest."""
    total = dict.fromkeys(names, 0.0)
    for shape in shapes:
        weight, x = _example(shape, kind, dtype)
        calls = {
            name: (_operation(name, kind, weight), x.contiguous(memory_format=ALGORITHMS[name].layout))
            for name in names
        }
        quickest = dict.fromkeys(names, float("inf"))
        for operation, given in calls.values():
            operation(given)  # plans and packs
        for turn in range(ROUNDS):
            for name, (operation, given) in calls.items():
                if turn == 0 or quickest[name] <= HOPELESS * min(quickest.values()):
                    start = CLOCK()
                    operation(given)
                    quickest[name] = min(quickest[name], CLOCK() - start)
        total = {name: total[name] + quickest[name] for name in names}
    return total


def _right(name: str, kind: str, dtype: torch.dtype) -> bool:
    """Whether an algorithm is there and computes what torch's plain convolution does; the plain one always is."""
    if name == PLAIN:
        return True
    for shape in CHECKED:
        weight, x = _example(shape, kind, dtype)
        wanted = (F.conv2d if kind == "forward" else F.conv_transpose2d)(x.float(), weight.float())
        try:
            found = _operation(name, kind, weight)(x).float()
        except Exception:  # missing or broken, in whatever way
            return False
        if found.shape != wanted.shape:
            return False
        error = (found - wanted).abs().max() / wanted.square().mean().sqrt()
        if not error <= TOLERANCE[dtype]:  # NaN neither
            return False
    return True


def _example(shape: Shape, kind: str, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """A weight, and what its convolution or the adjoint of that takes."""
    channels, out, height, width = shape
    generator = torch.Generator().manual_seed(0)
    size = (1, channels, height + 2, width + 2) if kind == "forward" else (1, out, height, width)
    weight, x = (torch.rand(size, generator=generator).sub_(0.5).to(dtype) for size in ((out, channels, 3, 3), size))
    return weight, x.contiguous(memory_format=torch.channels_last)


def _operation(name: str, kind: str, weight: Tensor) -> Adjoint:
    if kind == "adjoint":
        return ALGORITHMS[name].adjoint(weight)
    forward = ALGORITHMS[name].forward(weight)
    return lambda x: forward(x, None)


def _file() -> Path:
    return data_folder() / "reference" / "convolution.json"


def _machine() -> str:
    """What the choice depends on."""
    limits = [os.environ.get(name, "") for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")]
    return " ".join(
        [torch.__version__, platform.machine(), _processor(), torch.backends.cpu.get_cpu_capability(), *limits]
    )


def _processor() -> str:
    """The processor's name; Linux tells it in a file alone."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _read() -> Choices | None:
    """The kept choices; None where there are none, or they are damaged or another machine's."""
    try:
        path = _file()
        if not path.is_file() or path.stat().st_size > CHOICES_BYTES:  # a pipe would be waited for
            return None
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["machine"] != _machine():
            return None
        read = {
            precision: Choice(**found["choices"][name])
            for name, precision in PRECISIONS.items()
            if name in found["choices"]
        }
        sound = torch.float32 in read and all(
            getattr(choice, kind) in ALGORITHMS for choice in read.values() for kind in KINDS
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, InputError):
        return None
    return read if sound else None


def _keep(made: Choices) -> None:
    names = {precision: name for name, precision in PRECISIONS.items()}
    content = {"machine": _machine(), "choices": {names[dtype]: asdict(choice) for dtype, choice in made.items()}}
    # A full or read-only disk costs the next start a second, no more.
    with contextlib.suppress(OSError, InputError, DiskFullError):
        path = _file()
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(content, indent=1).encode())
