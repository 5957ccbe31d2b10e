"""A disk that is soon full."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A disk in memory of `size` bytes, in the place of a folder; only root on Linux may have one."""
    folder.mkdir(exist_ok=True)
    if sys.platform != "linux":
        pytest.skip("there are no disks in memory there")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if made.returncode:
        pytest.skip(f"no disk can be mounted: {made.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def read_only(disk: Path) -> None:
    """Let a small disk be read alone, from now on."""
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
