"""When the computing process lets itself be interrupted."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path

import pytest

from decouple_contract import errors
from decouple_core.flow.meter import Meter
from decouple_core.service import computer as compute

JOB = 7


@pytest.fixture
def computer() -> compute._Computer:
    """At work on a job that has just been cancelled."""
    computer = compute._Computer(io.StringIO())
    computer._number = computer._stopped = JOB
    return computer


def interrupt_our_code(computer: compute._Computer) -> None:
    """Interrupt in the middle of a function of this package."""
    meter = Meter(lambda share, phrase: computer.interrupt(2, sys._getframe(1)))
    meter._starts = {"Here": 0.5}
    meter.phase("Here")


def test_stops_in_its_own_code_once(computer: compute._Computer) -> None:
    with pytest.raises(errors.Cancelled):
        interrupt_our_code(computer)
    interrupt_our_code(computer)


def test_goes_on_inside_libraries(computer: compute._Computer) -> None:
    computer.interrupt(2, sys._getframe())
    computer.interrupt(2, None)


def test_goes_on_during_an_import(computer: compute._Computer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module broken off in the middle stays half there, for every job to come."""
    (tmp_path / "half_a_module.py").write_text("import __main__\n__main__.interrupt()\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys.modules["__main__"], "interrupt", lambda: interrupt_our_code(computer), raising=False)
    importlib.import_module("half_a_module")
    with pytest.raises(errors.Cancelled):
        interrupt_our_code(computer)


@pytest.mark.parametrize(("number", "stopped"), [(0, JOB), (JOB + 1, JOB), (0, 0)])
def test_goes_on_with_what_was_not_cancelled(computer: compute._Computer, number: int, stopped: int) -> None:
    computer._number, computer._stopped = number, stopped
    interrupt_our_code(computer)
