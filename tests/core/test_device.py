"""The choice of a device and the way down when memory runs out, with errors that torch really raises."""

from __future__ import annotations

import pytest
import torch

from decouple_contract.errors import InputError, OutOfMemoryError
from decouple_contract.failures import is_out_of_memory
from decouple_contract.messages import Message
from decouple_core.model.device import CPU, describe, pick_device, run_with_step_down

FAKE = torch.device("cuda")
"""Stands for an accelerator that is full: the work below raises for it before anything touches a device."""


def test_auto_takes_what_works() -> None:
    device = pick_device("auto")
    assert torch.ones(3, device=device).sum().item() == 3.0
    if torch.cuda.is_available():
        assert device.type == "cuda"


def test_cpu_can_always_be_had() -> None:
    assert pick_device("cpu") == CPU
    assert "processor" in describe(CPU)


@pytest.mark.parametrize("name", ["cuda", "xpu", "mps"])
def test_named_device_is_taken_or_missed_in_one_sentence(name: str) -> None:
    present = {"cuda": torch.cuda, "xpu": torch.xpu, "mps": torch.backends.mps}[name].is_available()
    if present:
        assert pick_device(name).type == name
        assert describe(pick_device(name))
    else:
        with pytest.raises(InputError, match=f"'{name}' that torch .*--device auto"):
            pick_device(name)


def test_unknown_device() -> None:
    with pytest.raises(InputError, match="choose auto, cuda, xpu, mps, cpu"):
        pick_device("tpu")


def test_out_of_memory_is_told_from_other_errors() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(10**15)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(torch.cuda.OutOfMemoryError("CUDA out of memory."))
    assert is_out_of_memory(RuntimeError("CUDNN_STATUS_ALLOC_FAILED"))
    assert is_out_of_memory(RuntimeError("unable to mmap 1638576 bytes from file <x>: Cannot allocate memory (12)"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_work_that_fits_is_done_once() -> None:
    said: list[Message] = []
    assert run_with_step_down(lambda device, size: (device, size), FAKE, 512, said.append) == (FAKE, 512)
    assert said == []


@pytest.mark.parametrize("fits", [512, 256, 128, 64])
def test_accelerator_steps_down_to_what_fits(fits: int) -> None:
    tried: list[tuple[str, int]] = []
    said: list[Message] = []

    def work(device: torch.device, size: int) -> int:
        tried.append((device.type, size))
        if size > fits:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return size

    assert run_with_step_down(work, FAKE, 512, said.append) == fits
    assert tried == [("cuda", size) for size in (512, 256, 128, 64) if size >= fits]
    assert len(said) == len(tried) - 1
    assert all("memory is full" in str(message) for message in said)


def test_then_the_cpu_at_the_size_that_was_asked_for() -> None:
    said: list[Message] = []

    def work(device: torch.device, size: int) -> tuple[str, int]:
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return device.type, size

    assert run_with_step_down(work, FAKE, 200, said.append) == ("cpu", 200)
    assert "continuing on the processor" in str(said[-1])


def test_no_room_anywhere_is_one_sentence() -> None:
    def work(device: torch.device, size: int) -> torch.Tensor:
        return torch.empty(10**15)

    for device in (FAKE, CPU):
        with pytest.raises(OutOfMemoryError, match="not enough memory to work at 256 pixels") as caught:
            run_with_step_down(work, device, 256, lambda phrase: None)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_failed_attempts_are_freed_before_the_next() -> None:
    class Held:
        count = 0

        def __init__(self) -> None:
            Held.count += 1

        def __del__(self) -> None:
            Held.count -= 1

    def work(device: torch.device, size: int) -> int:
        held_before = Held.count
        held = Held()
        if device.type != "cpu":
            raise torch.OutOfMemoryError("CUDA out of memory.")
        del held
        return held_before

    assert run_with_step_down(work, FAKE, 256, lambda phrase: None) == 0


def test_other_errors_pass_through() -> None:
    def work(device: torch.device, size: int) -> None:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        run_with_step_down(work, FAKE, 256, lambda phrase: None)


@pytest.mark.gpu
def test_real_accelerator_steps_down() -> None:
    """Work that wants more than any accelerator has ends on the CPU, and the accelerator is free again."""
    device = pick_device("auto")

    def work(place: torch.device, size: int) -> str:
        if place.type != "cpu":
            torch.empty(2**44, device=place)
        return place.type

    said: list[Message] = []
    assert run_with_step_down(work, device, 128, said.append) == "cpu"
    assert len(said) == 2
    assert torch.ones(1 << 20, device=device).sum().item() == 1 << 20
