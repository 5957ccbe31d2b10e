"""Where to compute: the choice of a device, and what to do when it has no room."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from decouple_contract.errors import InputError, OutOfMemoryError
from decouple_contract.failures import is_out_of_memory
from decouple_contract.messages import Message

T = TypeVar("T")

CPU = torch.device("cpu")

NAMES = {"cuda": "GPU", "xpu": "Intel GPU", "mps": "Apple GPU", "cpu": "processor"}
"""Devices in the order of preference; AMD's ROCm goes by the name of cuda in torch."""

SMALLEST_SIZE = 64
"""Working sizes below this, in pixels, are not tried: the deepest layer would see 4 pixels a side."""


def pick_device(name: str = "auto") -> torch.device:
    """The device of this name; "auto" takes the first of CUDA or ROCm, XPU, MPS and CPU that works.

    Raises
    ------
    InputError
        When the device is unknown, or named but absent, or beyond the reach of a process that was forked.
    """
    if name == "auto":
        return next(torch.device(kind) for kind in NAMES if _works(kind))
    if name not in NAMES:
        raise InputError("device-unknown", name=name, choices=", ".join(["auto", *NAMES]))
    if not _works(name):
        if _left_behind(name):
            raise InputError("device-forked", device=NAMES[name])
        raise InputError("device-absent", name=name, torch=torch.__version__)
    return torch.device(name)


def describe(device: torch.device) -> str:
    """The device in a user's words, such as "NVIDIA H100 (cuda)" or "processor, 8 threads"."""
    if device.type == "cpu":
        return f"{NAMES['cpu']}, {torch.get_num_threads()} threads"
    if device.type == "cuda":
        return f"{torch.cuda.get_device_name(device)} ({'ROCm' if torch.version.hip else 'cuda'})"
    if device.type == "xpu":
        return f"{torch.xpu.get_device_name(device)} (xpu)"
    return f"{NAMES.get(device.type, device.type)} ({device.type})"


@contextmanager
def single_precision() -> Iterator[None]:
    """Convolutions in single precision where that is asked for: cuDNN else rounds their factors to TF32's 10 bits.

    The features' errors would be some 10⁻⁴ then, which a painting's steps amplify to another painting. Convolutions in
    bfloat16, which the photograph takes for J and Jᵀ, stay as quick.
    """
    before = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.backends.cudnn.allow_tf32 = before


def run_with_step_down(
    work: Callable[[torch.device, int], T],
    device: torch.device,
    size: int,
    say: Callable[[Message], None],
    forget: Callable[[], None] = lambda: None,
) -> T:
    """Do `work`, and where memory runs out do less of it.

    An accelerator that is full gets the work again at half the size, down to `SMALLEST_SIZE`; then the CPU gets it at
    the size that was asked for, because it usually has more memory.

    Parameters
    ----------
    work : callable
        Called with a device and a working size in pixels; keeps nothing on the device when it fails.
    device : torch.device
        Where to begin.
    size : int
        Working size to begin with, in pixels.
    say : callable
        Told of every step down.
    forget : callable
        Drops what is kept in memory to save time, before the next attempt.

    Returns
    -------
    T
        What `work` returned.

    Raises
    ------
    OutOfMemoryError
        When the CPU has no room either. Any other error of `work` is passed on.
    """
    attempts = [(CPU, size)]
    if device.type != "cpu":
        attempts = [(device, smaller) for smaller in _halvings(size)] + attempts
    for number, (place, smaller) in enumerate(attempts):
        if number:
            say(
                Message("memory-full-smaller", device=NAMES[device.type], size=smaller)
                if place != CPU
                else Message("memory-full-processor", device=NAMES[device.type])
            )
        try:
            return work(place, smaller)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        # Outside the handler, because the exception's traceback keeps the failed attempt's tensors alive.
        forget()
        _release(place)
    raise OutOfMemoryError("out-of-memory-at-size", size=size)


def _works(kind: str) -> bool:
    """Whether torch can use a device of this kind here and now; a driver that is present but broken does not count."""
    available: dict[str, Callable[[], bool]] = {
        "cuda": torch.cuda.is_available,
        "xpu": torch.xpu.is_available,
        "mps": torch.backends.mps.is_available,
        "cpu": lambda: True,
    }
    try:
        return available[kind]() and torch.ones(2, device=kind).sum().item() == 2.0
    except Exception as error:  # drivers fail in many ways; a full device works, and steps down later
        return is_out_of_memory(error)


def _left_behind(kind: str) -> bool:
    """Whether this process was forked after its parent had used a device of this kind, which cannot be shared so."""
    return bool(getattr(getattr(torch, kind), "_is_in_bad_fork", bool)())


def _halvings(size: int) -> list[int]:
    """`size`, then half of it and so on, not below `SMALLEST_SIZE` (but `size` itself always)."""
    sizes = [size]
    while sizes[-1] // 2 >= SMALLEST_SIZE:
        sizes.append(sizes[-1] // 2)
    return sizes


def _release(device: torch.device) -> None:
    """Give cached memory back before the next attempt."""
    gc.collect()
    if device.type in ("cuda", "xpu", "mps"):
        getattr(torch, device.type).empty_cache()
