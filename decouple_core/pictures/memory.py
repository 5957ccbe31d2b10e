"""What a picture will take in memory, known from its header: refused before a byte is decoded."""

from __future__ import annotations

from pathlib import Path

from decouple_contract.errors import InputError, OutOfMemoryError

PICTURE_BYTES = 3 * 2**30
"""A picture that would take more is refused: 214 million pixels with 8 bits a channel, 178 million with 16."""

COLOURS, OPACITY = 3 * 4, 4
"""Bytes of a pixel's colours and of its opacity as the program has them, in float32."""

BY_A_PROFILE = 3 * 2
"""Bytes of a pixel that is brought from a profile to sRGB, before it is float32."""


def check_size(path: Path, width: int, height: int, stored: int, *, alpha: bool = False, profiled: bool = False) -> int:
    """Bytes that a picture takes where it takes the most: as stored, or brought to sRGB, and as float32.

    Parameters
    ----------
    path : Path
        For the sentence.
    width, height : int
        In pixels, of all that is decoded together.
    stored : int
        Bytes of all samples of one pixel.
    alpha : bool
        Whether some of them are opacity.
    profiled : bool
        Whether it has a colour profile.

    Raises
    ------
    InputError
        For a picture without pixels, and one that takes more than `PICTURE_BYTES`.
    OutOfMemoryError
        For one that takes more than this computer has free.
    """
    if width < 1 or height < 1:
        raise InputError("image-empty")
    needed = width * height * ((max(stored, BY_A_PROFILE) if profiled else stored) + COLOURS + OPACITY * alpha)
    if needed > PICTURE_BYTES:
        raise _too_large(path, needed)
    free = free_bytes()
    if free is not None and needed > free:
        raise OutOfMemoryError("picture-memory", path=str(path), needed=_gigabytes(needed), free=_gigabytes(free))
    return needed


def _too_large(path: Path, needed: int) -> InputError:
    """The refusal of a picture that would take this many bytes."""
    return InputError("picture-too-large", path=str(path), needed=_gigabytes(needed), most=_gigabytes(PICTURE_BYTES))


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f}"


def free_bytes() -> int | None:
    """Memory that may still be taken, by the system and by the group of processes that we are in; None: not known."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):  # no Linux
        return None
    try:
        group = Path("/sys/fs/cgroup")  # version 2, as containers see their own
        most, taken = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        kept = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        return min(free, most - taken + int(kept["inactive_file"]))  # files that are only cached make room
    except (OSError, ValueError, KeyError):  # no such group, or "max": no limit
        return free
