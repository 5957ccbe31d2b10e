"""How many threads compute, and how they wait; settled before torch is loaded.

Torch shares out every operation evenly, so that the slowest thread holds up the others: one on a core that another
thread is using, one beyond what a container may use, one on a slow core of a processor that has two kinds. And threads
that spin while they wait keep other programs, and each other, from working.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path

SLOW = 0.5
"""Speed of an Intel processor's efficient core beside its others: its vector units are half as wide."""

SYSCTL_SECONDS = 2.0
"""Far more than a question to the system takes."""


def settle(environ: MutableMapping[str, str]) -> None:
    """Set what a process that loads torch is to find in its environment; what the user has set stays."""
    environ.setdefault("OMP_WAIT_POLICY", "passive")
    environ.setdefault("KMP_BLOCKTIME", "0")  # the same for the OpenMP of Intel and LLVM
    threads = best_number()
    if threads is not None:
        environ.setdefault("OMP_NUM_THREADS", str(threads))


def best_number(root: Path = Path("/")) -> int | None:
    """How many threads are quickest here; None where torch knows as well.

    Parameters
    ----------
    root : Path
        Of the file system that tells of the processor.
    """
    if sys.platform == "darwin":
        return _of_macos()
    if not hasattr(os, "sched_getaffinity"):
        return None
    speeds = _speeds(root, sorted(os.sched_getaffinity(0)))
    return max(1, min(_most_work(speeds), _quota(root)))


def _most_work(speeds: list[float]) -> int:
    """Of how many cores the slowest, times their number, is the most."""
    speeds = sorted(speeds, reverse=True)
    return max(range(1, len(speeds) + 1), key=lambda number: (number * speeds[number - 1], -number))


def _speeds(root: Path, processors: list[int]) -> list[float]:
    """Relative speed of each physical core that these logical processors belong to."""
    cores: dict[str, float] = {}
    slow = _numbers(_text(root / "sys/devices/cpu_atom/cpus"))
    for number in processors:
        folder = root / f"sys/devices/system/cpu/cpu{number}"
        capacity = _text(folder / "cpu_capacity")
        speed = float(capacity) if capacity.isdigit() else SLOW if number in slow else 1.0
        cores[_text(folder / "topology/thread_siblings_list") or str(number)] = speed
    return list(cores.values())


def _quota(root: Path) -> int:
    """How many processors' time the container may take, by version 2 of control groups, or by 1."""
    lines = _text(root / "proc/self/cgroup").splitlines()
    groups = ["", *(line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::"))]
    quotas = [_text(root / "sys/fs/cgroup" / group / "cpu.max").split() for group in groups]
    quotas.append([_text(root / f"sys/fs/cgroup/cpu/cpu.cfs_{name}_us") for name in ("quota", "period")])
    # Without a quota it is "max", or -1.
    numbers = [[int(part) for part in quota] for quota in quotas if quota and all(part.isdigit() for part in quota)]
    return min((quota // period for quota, period in numbers if period), default=sys.maxsize)


def _of_macos() -> int | None:
    """The cores of the quickest kind."""
    for name in ("hw.perflevel0.physicalcpu", "hw.physicalcpu"):
        try:
            answer = subprocess.run(
                ["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=False, timeout=SYSCTL_SECONDS
            ).stdout.strip()
        except (OSError, subprocess.TimeoutExpired):
            return None
        if answer.isdigit() and int(answer):
            return int(answer)
    return None


def _numbers(text: str) -> set[int]:
    """Those of a list such as 0-3,8."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last if last.isdigit() else first) + 1))
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
