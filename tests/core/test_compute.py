"""When the computing process lets itself be interrupted, and how it tells of what went wrong."""

from __future__ import annotations

import errno
import importlib
import io
import sys
from pathlib import Path

import pytest

from decouple_core.contract import errors
from decouple_core.flow.meter import Meter
from decouple_core.service import computer as compute
from decouple_core.service.job import foreseen

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


@pytest.mark.parametrize(("error", "told"), [
    (errors.InputError("mask-size"), errors.InputError("mask-size")),
    (MemoryError(), errors.OutOfMemoryError("out-of-memory")),
    (OSError(errno.ENOSPC, "No space left on device", "/a"), errors.DiskFullError("disk-full")),
    (PermissionError(errno.EACCES, "Permission denied", "/a"),
     errors.DecoupleError("worker-folder", path="/a", reason="Permission denied")),
    (OSError(errno.EIO, "Input/output error"),
     errors.DecoupleError("worker-folder", path="/job", reason="Input/output error")),
    (OSError("no number"), errors.DecoupleError("unforeseen", reason="OSError('no number')")),
    (ZeroDivisionError("{braces}"), errors.DecoupleError("unforeseen", reason="ZeroDivisionError('{braces}')"))])
def test_whatever_happens_is_told_in_one_sentence(error: Exception, told: errors.DecoupleError) -> None:
    found = foreseen(error, "/job")
    assert type(found) is type(told)
    assert found.message == told.message
