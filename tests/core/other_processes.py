"""A program of somebody's with a warm session, whose other processes use it too; each has `SECONDS`.

It prints, for each way of starting a process, how far the picture made there lies from the one made here, in levels of
8 bits, or that nothing came.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext

import numpy as np
import torch

import decouple_core as dc

SECONDS = 100.0
SETTINGS = dc.Settings(size=64, layers=1, network="vgg16", mode="painting", device="cpu")
PICTURES = np.random.default_rng(0).random((3, 48, 64, 3), np.float32)
Work = Callable[[dc.Session], np.ndarray]


def inherited(session: dc.Session) -> np.ndarray:
    """By the session that was handed over."""
    return session.transfer(PICTURES[1], PICTURES[0], SETTINGS).image


def fresh(session: dc.Session) -> np.ndarray:
    """By one of its own, with a style that crosses the processes' border."""
    return dc.transfer(PICTURES[1], dc.read_style(PICTURES[0], SETTINGS), SETTINGS).image


def in_a_thread(session: dc.Session) -> np.ndarray:
    """By the session, in a thread of the process."""
    made: list[np.ndarray] = []
    thread = threading.Thread(target=lambda: made.append(inherited(session)))
    thread.start()
    thread.join()
    return made[0]


def child(work: Work, session: dc.Session, answer: Connection) -> None:
    """What the other process does."""
    answer.send(work(session))


def elsewhere(context: BaseContext, work: Work, session: dc.Session) -> np.ndarray | None:
    """What another process makes; None where it makes nothing in time."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(work, session, theirs))  # type: ignore[attr-defined]
    process.start()
    theirs.close()
    try:
        return ours.recv() if ours.poll(SECONDS) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()


class Stylisation(torch.utils.data.Dataset[torch.Tensor]):
    """Pictures that a loader's workers stylise."""

    def __init__(self, session: dc.Session) -> None:
        self.session = session

    def __len__(self) -> int:
        return 2

    def __getitem__(self, number: int) -> torch.Tensor:
        return torch.from_numpy(inherited(self.session))


def main() -> None:
    """Warm a session, and use it in processes of every kind."""
    session = dc.Session()
    session.transfer(PICTURES[2], PICTURES[0], SETTINGS)
    assert torch.get_num_threads() > 1
    here = inherited(session)

    def tell(name: str, image: np.ndarray | None) -> None:
        print(name, "hangs" if image is None else round(255 * float(np.abs(image - here).max()), 2), flush=True)

    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        for work in (inherited, fresh, in_a_thread) if method == "fork" else (inherited,):
            tell(f"{method}-{work.__name__}", elsewhere(context, work, session))
    loader = torch.utils.data.DataLoader(
        Stylisation(session),
        num_workers=2,
        timeout=SECONDS,
        multiprocessing_context="fork" if hasattr(os, "fork") else "spawn",
    )
    for number, image in enumerate(loader):
        tell(f"loader-{number}", image[0].numpy())
    assert torch.get_num_threads() > 1, "the parent keeps its own"


if __name__ == "__main__":
    main()
