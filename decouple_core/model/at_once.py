"""Pieces of work side by side on the processor, each in a thread of its own with its share of torch's threads.

Torch shares out one operation after another, and at the end of each all threads wait for the slowest. Operations of
less than a millisecond gain little by that; pieces of work that need not wait for each other gain more, as long as each
operation takes much longer than the interpreter's lock, for which they do wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")

TURN = 0.05
"""Seconds between two looks at work that has not ended: a progress bar shows no more."""


def at_once(work: Sequence[Callable[[], T]], meanwhile: Callable[[int], None] = lambda ended: None) -> list[T]:
    """Do pieces of work side by side, as many at a time as torch has threads.

    Parameters
    ----------
    work : sequence of callable
    meanwhile : callable
        Called in this thread again and again, with how many pieces have ended, counted from the first. An exception of
        it stops the work, and so does one of a piece: what has not begun then never does.

    Returns
    -------
    list
        What each piece returned. The exception of one is passed on, once nothing runs any more.
    """
    threads, stop, failures = torch.get_num_threads(), threading.Event(), list[BaseException]()
    workers, results = min(len(work), threads), list[T]()
    if workers < 2:
        for piece in work:
            results.append(piece())
            meanwhile(len(results))
        return results
    inference = torch.is_inference_mode_enabled()  # which is each thread's own

    def begin() -> None:
        torch.get_num_threads()  # when it first asks, a thread takes over the number that was set last
        torch.set_num_threads(threads // workers)

    def run(piece: Callable[[], T]) -> T:
        try:
            if stop.is_set():
                raise CancelledError
            with torch.inference_mode(inference):
                return piece()
        except BaseException as error:
            failures.append(error)
            stop.set()
            raise

    pool, pieces = ThreadPoolExecutor(workers, initializer=begin), list[Future[T]]()
    try:
        pieces.extend(pool.submit(run, piece) for piece in work)
        while len(results) < len(pieces):
            try:
                results.append(pieces[len(results)].result(TURN))
            except TimeoutError:
                if failures:
                    raise failures[0] from None
            meanwhile(len(results))
    except BaseException as error:
        stop.set()
        pool.shutdown(cancel_futures=True)
        if error in failures:  # what failed first, not what then stopped
            raise failures[0] from None
        raise
    finally:
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # for threads to come
        pieces.clear()  # an exception holds this frame, and they would hold the exception and all that it saw
        failures.clear()
    return results
