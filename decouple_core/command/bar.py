"""Progress on standard error: a bar on a terminal, lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time

from decouple_contract.messages import Message

LINE_SECONDS = 2.0
"""Least time between two progress lines where standard error is no terminal."""


class Bar:
    """The progress of one picture: elsewhere than on a terminal, a line now and then."""

    def __enter__(self) -> Bar:
        from tqdm import tqdm

        self._bar = tqdm(
            total=100,
            unit="%",
            bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}",
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
        )
        self._message: Message | None = None
        self._told = 0.0
        return self

    def __call__(self, share: float, message: Message) -> None:
        if not self._bar.disable:
            self._bar.set_description_str(str(message))
            self._bar.update(round(100 * share, 1) - self._bar.n)
        elif message != self._message or time.monotonic() - self._told > LINE_SECONDS:
            self._message, self._told = message, time.monotonic()
            with contextlib.suppress(OSError):  # nobody may be reading any more
                print(f"{100 * share:3.0f}% {message}", file=sys.stderr, flush=True)

    def __exit__(self, *error: object) -> None:
        self._bar.close()


class BatchBar:
    """Pictures done and the time left: elsewhere than on a terminal, a line for each picture."""

    def __init__(self, count: int) -> None:
        from tqdm import tqdm

        self._count, self._done = count, 0
        self._start = time.monotonic()
        self._bar = tqdm(
            total=count,
            file=sys.stderr,
            disable=not sys.stderr.isatty(),
            smoothing=0,
            bar_format="{desc} {n:.1f} of {total}|{bar}| {elapsed}, {remaining} left",
        )

    def __enter__(self) -> BatchBar:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the terminal to others; it may be called again."""
        self._bar.close()

    def solving(self, share: float, message: Message) -> None:
        """Progress of the picture that is being solved."""
        if not self._bar.disable:
            self._bar.set_description_str(str(message), refresh=False)
            self._bar.update(max(0.0, min(self._count, self._done + share) - self._bar.n))

    def finished(self, name: str, seconds: float, *, failed: bool) -> None:
        """One more is written, or has failed."""
        self._done += 1
        if not self._bar.disable:
            self._bar.update(self._done - self._bar.n)
            return
        left = (time.monotonic() - self._start) / self._done * (self._count - self._done)
        how = "failed" if failed else f"{seconds:.1f} s"
        say(f"{self._done} of {self._count}: {name}, {how}, {_clock(left)} left")


def say(line: str) -> None:
    """Write a line to standard error, whatever characters it has and whoever may have stopped reading."""
    with contextlib.suppress(OSError):
        print(
            line.encode(sys.stderr.encoding or "utf-8", "backslashreplace").decode(sys.stderr.encoding or "utf-8"),
            file=sys.stderr,
            flush=True,
        )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"
