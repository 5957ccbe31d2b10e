"""Functions of tensors, recorded once as CUDA graphs and replayed with one launch.

At the flow's size a solve is some thousand kernels of a few microseconds each. To launch them one by one takes the
processor several times as long as they take the device, which stands still for most of it.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.linearised import WorkCount

Function = Callable[..., Sequence[Tensor]]
"""From tensors on a device to tensors there, without a look at their numbers."""

MOST_PIXELS = 512 * 512
"""Pixels of the largest images whose solves are recorded: the memory of a recording is not given back, and with more of
them the kernels take longer than their launches."""

MOST = 64
"""Recordings kept: a painting of 4096 px has some 40 different solves."""


@dataclass(frozen=True)
class Recording:
    """A function recorded with inputs and outputs that stay where they are.

    Attributes
    ----------
    inputs, outputs : list of Tensor
    replay : callable
        Computes the outputs anew from what the inputs hold.
    """

    inputs: list[Tensor]
    outputs: list[Tensor]
    replay: Callable[[], None]


class Replays:
    """Calls functions, from the third time on by replaying what was recorded the second time.

    The first call warms up what is set up once. A function that cannot be recorded is called as it is, from then on.

    Parameters
    ----------
    record : callable
        Makes a recording of a function for inputs like these, and computes nothing yet.
    """

    def __init__(self, record: Callable[[Function, Sequence[Tensor]], Recording]) -> None:
        self._record = record
        self._known: OrderedDict[Hashable, tuple[Recording, WorkCount] | None] = OrderedDict()
        self._failed: set[Hashable] = set()

    @classmethod
    def on(cls, device: torch.device) -> Replays | None:
        """Those of a device that has graphs; None for any other."""
        return cls(CudaRecorder()) if device.type == "cuda" else None

    def __call__(self, key: Hashable, function: Function, inputs: Sequence[Tensor], work: WorkCount) -> list[Tensor]:
        """The function's outputs.

        Parameters
        ----------
        key : hashable
            Tells the function from all others, with everything that it holds besides its inputs.
        function : callable
        inputs : sequence of Tensor
        work : WorkCount
            Where the function counts its passes: those of a replay are counted here.
        """
        identity = (key, torch.is_inference_mode_enabled(), *((x.shape, x.dtype) for x in inputs))
        if key in self._failed:
            return list(function(*inputs))
        if identity not in self._known:
            self._remember(identity, None)
            return list(function(*inputs))
        known = self._known[identity]
        if known is None:
            before = work.copy()
            try:
                known = self._record(function, inputs), work.since(before)
            except Exception:  # in whatever way a driver may fail
                self._failed.add(key)
                self._known.clear()  # gives their memory back, in case that was missing
            work.passes, work.multiply_adds = before.passes, before.multiply_adds
            if known is None:
                return list(function(*inputs))
        self._remember(identity, known)
        recording, passes = known
        for place, given in zip(recording.inputs, inputs, strict=True):
            place.copy_(given)
        recording.replay()
        work.passes += passes.passes
        work.multiply_adds += passes.multiply_adds
        return [output.clone() for output in recording.outputs]

    @property
    def recorded(self) -> int:
        """How many functions are recorded now."""
        return sum(known is not None for known in self._known.values())

    def _remember(self, identity: Hashable, known: tuple[Recording, WorkCount] | None) -> None:
        self._known[identity] = known
        self._known.move_to_end(identity)
        while len(self._known) > MOST:
            self._known.popitem(last=False)


class CudaRecorder:
    """Records CUDA graphs in one pool of memory: what is neither input nor output they take in turns."""

    def __init__(self) -> None:
        self._stream = torch.cuda.Stream()
        self._pool = torch.cuda.graph_pool_handle()

    def __call__(self, function: Function, inputs: Sequence[Tensor]) -> Recording:
        there = [x.clone() for x in inputs]
        graph = torch.cuda.CUDAGraph()
        # Not `torch.cuda.graph`, which gives all of torch's memory back to the driver before each recording.
        self._stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(self._stream):
            graph.capture_begin(pool=self._pool, capture_error_mode="thread_local")
            try:
                outputs = list(function(*there))
            except BaseException:
                with contextlib.suppress(Exception):
                    graph.capture_end()
                raise
            graph.capture_end()
        torch.cuda.current_stream().wait_stream(self._stream)
        return Recording(there, outputs, graph.replay)
