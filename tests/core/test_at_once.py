"""Pieces of work side by side: that they are, with which threads, and how they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from decouple_core.model.at_once import TURN, at_once

SECONDS = 60.0
"""Patience with a busy machine."""


@pytest.fixture(autouse=True)
def four_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_pieces_run_at_the_same_time_each_with_its_share_of_the_threads() -> None:
    meeting = threading.Barrier(2)

    def piece() -> tuple[int, bool]:
        meeting.wait(SECONDS)
        return torch.get_num_threads(), torch.is_inference_mode_enabled()

    with torch.inference_mode():
        assert at_once([piece, piece]) == [(2, True), (2, True)]
    assert torch.get_num_threads() == 4
    later: list[int] = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [4]


def test_results_come_in_order_and_their_number_is_told() -> None:
    told: list[int] = []
    assert at_once([lambda n=n: n * n for n in range(20)], told.append) == [n * n for n in range(20)]
    assert told == sorted(told)
    assert told[-1] == 20


@pytest.mark.parametrize("number", [0, 3])
def test_what_failed_first_is_passed_on_and_the_rest_never_begins(number: int) -> None:
    begun, failed = threading.Event(), threading.Event()
    never = list[int]()

    def fails() -> None:
        begun.wait(SECONDS)
        failed.set()
        raise ValueError("first")

    def goes_on() -> None:
        begun.set()
        assert failed.wait(SECONDS)
        time.sleep(3 * TURN)  # it takes a while to end
        raise RuntimeError("later")

    pieces = [goes_on] * 3
    pieces.insert(number, fails)
    with pytest.raises(ValueError, match="first"):
        at_once([*pieces, lambda: never.append(1)])
    assert never == []


def test_whoever_waits_can_stop_it() -> None:
    told, never = threading.Event(), list[int]()

    def tell(_: int) -> None:
        told.set()
        raise KeyboardInterrupt

    def waits() -> None:
        assert told.wait(SECONDS)
        time.sleep(TURN)

    with pytest.raises(KeyboardInterrupt):
        at_once([*[waits] * 4, lambda: never.append(1)], tell)
    assert never == []
