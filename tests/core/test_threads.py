"""How many threads compute, on processors and in containers that are made of files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from decouple_core.model import threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of its processor in files")


def machine(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def core(number: int, name: str, text: str) -> dict[str, str]:
    return {f"sys/devices/system/cpu/cpu{number}/{name}": text}


def siblings(number: int, of: str) -> dict[str, str]:
    return core(number, "topology/thread_siblings_list", of)


FOUR = {**siblings(0, "0-1"), **siblings(1, "0-1"), **siblings(2, "2-3"), **siblings(3, "2-3")}
PLAIN = {**siblings(0, "0"), **siblings(1, "1"), **siblings(2, "2"), **siblings(3, "3")}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({}, 4),  # nothing is known
        (FOUR, 2),  # two threads a core
        ({**PLAIN, "sys/devices/cpu_atom/cpus": "1-3"}, 4),  # four at half speed do more than one alone
        ({**PLAIN, "sys/devices/cpu_atom/cpus": "3"}, 3),  # three at full speed, more than four at half
        (
            {
                **PLAIN,
                **core(0, "cpu_capacity", "1024"),
                **core(1, "cpu_capacity", "1024"),
                **core(2, "cpu_capacity", "400"),
                **core(3, "cpu_capacity", "400"),
            },
            2,
        ),
        ({**PLAIN, "sys/fs/cgroup/cpu.max": "max 100000"}, 4),
        ({**PLAIN, "sys/fs/cgroup/cpu.max": "250000 100000"}, 2),  # two and a half processors
        ({**PLAIN, "sys/fs/cgroup/cpu.max": "50000 100000"}, 1),
        ({**PLAIN, "proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/b/cpu.max": "300000 100000"}, 3),
        ({**PLAIN, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 2),
        ({**PLAIN, "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000"}, 4),
    ],
)
def test_best_number(files: dict[str, str], wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda _: {0, 1, 2, 3})
    assert threads.best_number(machine(tmp_path, files)) == wanted


def test_what_the_user_has_set_stays() -> None:
    environ = {"OMP_NUM_THREADS": "7", "OMP_WAIT_POLICY": "active"}
    threads.settle(environ)
    assert environ == {"OMP_NUM_THREADS": "7", "OMP_WAIT_POLICY": "active", "KMP_BLOCKTIME": "0"}
