"""What the installer says: the step that it takes, what it found, and why it stopped."""

from __future__ import annotations


class InstallError(Exception):
    """Something that keeps the installation from going on, in one plain sentence with the next step."""


def step(number: int, title: str) -> None:
    """Announce one of the four steps."""
    print(f"\n[{number}/4] {title}", flush=True)


def report(works: bool, part: str, words: str) -> None:
    """One line of `check`."""
    print(f"{'works' if works else 'FAILS':6} {part}: {words}", flush=True)


def gigabytes(size: float) -> str:
    """A number of bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"
