"""One meaning for every exception, and the same sentence at every front door."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

import decouple_core as dc
from decouple_contract import errors, failures
from decouple_contract.connection import send
from decouple_contract.errors import DecoupleError, InputError
from decouple_contract.jobs import Raster, Transfer
from decouple_contract.shared_folders import pixels_file
from decouple_core.command.main import main
from decouple_core.engine import Engine
from decouple_core.service.worker import stop
from tests.core.command_line import arguments, fill
from tests.core.failing import NO_MEMORY, NO_ROOM, ROWS, TOO_MANY, Row, fail, of_system
from tests.core.test_worker import SECONDS, Guest, pixels, running, wait_until

MORE = (
    Row(torch.OutOfMemoryError("CUDA ran out of something"), NO_MEMORY),
    Row(
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried to "
            "allocate 4 bytes. Error code 12 (Cannot allocate memory)"
        ),
        NO_MEMORY,
    ),
    Row(RuntimeError("could not create a primitive"), NO_MEMORY),
    Row(RuntimeError("can't start new thread"), NO_MEMORY),
    Row(ImportError("libmkl.so.2: failed to map segment from shared object"), NO_MEMORY),
    Row(ImportError("libmkl.so.2: cannot map zero-fill pages: Cannot allocate memory"), NO_MEMORY),
    Row(SafetensorError("Cannot allocate memory (os error 12)"), NO_MEMORY),
    Row(of_system(errno.EDQUOT, "/a"), NO_ROOM),
    Row(RuntimeError("Cannot write image file. No space left on device."), NO_ROOM),
    Row(of_system(errno.ENFILE), TOO_MANY),
    Row(RuntimeError("Too many open files. Communication with the workers is no longer possible."), TOO_MANY),
    Row(ImportError("/a/b.so: cannot open shared object file: Too many open files"), TOO_MANY),
    Row(of_system(errno.EROFS, "/a"), DecoupleError("path-refused", path="/a", reason="Read-only file system")),
    Row(
        OSError(errno.ENOENT, os.strerror(errno.ENOENT), b"/a"),
        DecoupleError("path-refused", path="/a", reason="No such file or directory"),
    ),
    Row(
        OSError(errno.EBADF, os.strerror(errno.EBADF), 7), DecoupleError("system-refused", reason="Bad file descriptor")
    ),
    Row(
        SafetensorError("Input/output error (os error 5)"), DecoupleError("system-refused", reason="Input/output error")
    ),
    Row(
        ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET)),
        DecoupleError("system-refused", reason="Connection reset by peer"),
    ),
    Row(
        ImportError("libmkl.so.2: cannot allocate memory in static TLS block"),
        DecoupleError("computing-broken", reason="libmkl.so.2: cannot allocate memory in static TLS block"),
    ),
    Row(
        OSError("libcudart.so.13: cannot open shared object file: No such file or directory"),
        DecoupleError(
            "computing-broken", reason="libcudart.so.13: cannot open shared object file: No such file or directory"
        ),
    ),
    Row(OSError("broken data stream"), DecoupleError("unforeseen", reason="OSError('broken data stream')")),
    Row(
        RuntimeError("could not create a primitive descriptor for a convolution primitive"),
        DecoupleError(
            "unforeseen", reason="RuntimeError('could not create a primitive descriptor for a convolution primitive')"
        ),
    ),
    Row(ValueError("out of memory"), DecoupleError("unforeseen", reason="ValueError('out of memory')")),
)
"""What libraries make of the same, and what looks alike and is something else."""


def name(row: Row) -> str:
    return repr(row.error)[:60]


@pytest.mark.parametrize("row", [*ROWS, *MORE], ids=name)
def test_meaning(row: Row) -> None:
    found = failures.as_failure(row.error)
    assert type(found) is type(row.means)
    assert found.message == row.means.message


@pytest.mark.parametrize("row", [*ROWS, *MORE], ids=name)
def test_whoever_knows_what_a_file_was_for_says_so(row: Row) -> None:
    """Unless it is the computer that failed."""
    known = InputError("file-unreadable", path="/a", reason="x")
    found = failures.as_failure(row.error, known)
    if row.means in (NO_MEMORY, NO_ROOM, TOO_MANY) or found is row.error:
        assert found.message == row.means.message
    else:
        assert found is known


# --- the front doors ----------------------------------------------------------------------------------------------


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with a target and a style, where no transfer succeeds."""
    monkeypatch.setattr(Engine, "transfer", fail)
    monkeypatch.setenv("DECOUPLE_HOME", str(tmp_path / "home"))
    return fill(tmp_path)


def sentence(row: Row, log: Path) -> str:
    """What is to be said, with the log where nothing else explains it."""
    return str(failures.with_log(row.means, log))


@pytest.mark.parametrize("seed", range(len(ROWS)))
def test_command_line(failing: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    words = ["transfer", failing / "target.png", failing / "style.jpg", "-o", failing / "out.png", "--seed", seed]
    assert main(arguments(*words)) == (
        1 if isinstance(ROWS[seed].means, errors.DiskFullError) else ROWS[seed].means.exit_code
    )
    log = failing / "home" / "log" / "command-line.log"
    assert capsys.readouterr().err.splitlines()[-1] == f"decouple: {sentence(ROWS[seed], log)}"
    assert log.exists() == (ROWS[seed].means.message.code in failures.LOGGED)


@pytest.mark.parametrize("seed", range(len(ROWS)))
def test_batch(failing: Path, capsys: pytest.CaptureFixture[str], seed: int) -> None:
    words = ["batch", failing / "style.jpg", failing / "target.png", "-o", failing / "out", "--seed", seed]
    assert main(arguments(*words)) != 0
    told = sentence(ROWS[seed], failing / "home" / "log" / "command-line.log")
    assert f"decouple: {failing / 'target.png'}: {told}" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("seed", range(len(ROWS)))
def test_python(failing: Path, seed: int) -> None:
    """What nobody has foreseen stays what it is, with its traceback."""
    picture, settings = np.zeros((8, 8, 3), np.float32), dc.Settings(seed=seed)
    expected = ROWS[seed].means if failures.is_foreseen(ROWS[seed].means) else ROWS[seed].error
    with pytest.raises(type(expected)) as caught:
        dc.transfer(picture, picture, settings)
    assert type(caught.value) is type(expected)
    assert str(caught.value) == str(expected)


def test_what_a_listener_raises_arrives_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    error = of_system(errno.EPIPE)

    def tell(engine: Engine, request: object, *, progress: dc.Progress, **others: object) -> None:
        progress(0.5, dc.Message("working"))

    def listen(share: float, message: dc.Message) -> None:
        raise error

    monkeypatch.setattr(Engine, "transfer", tell)
    picture = np.zeros((8, 8, 3), np.float32)
    with pytest.raises(BrokenPipeError) as caught:
        dc.transfer(picture, picture, progress=listen)
    assert caught.value is error


def test_worker(tmp_path: Path) -> None:
    worker = subprocess.Popen(
        [sys.executable, "-c", "from tests.core.failing import *; serve()"],
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "DECOUPLE_HOME": str(tmp_path)},
    )
    try:
        wait_until(lambda: running(tmp_path))
        guest, raster = Guest(tmp_path), Raster(25, 20, 3)
        for seed, row in enumerate(ROWS):
            folder = Path(guest.ask({"kind": "open"})["path"])
            for file in ("target", "style"):
                pixels_file(folder, file).write_bytes(pixels(1, 20, 25).tobytes())
            send(guest.connection, Transfer(raster, {"seed": seed}, style=raster).to_message())
            found = errors.from_dict(guest.end())
            assert type(found) is type(row.means)
            assert str(found) == str(row.means)
            if seed == 0:
                guest.ask({"kind": "open"})
                pixels_file(folder, "target").write_bytes(pixels(1, 20, 25).tobytes())
                send(guest.connection, Transfer(raster, {}, style_path="/a\0b.style").to_message())
                assert errors.from_dict(guest.end()).message.code == "path-impossible"
    finally:
        stop(tmp_path)
        worker.wait(SECONDS)


# --- the real thing -----------------------------------------------------------------------------------------------


FEW_FILES = """
import os, resource, sys
from decouple_core.command.main import main
from decouple_core.pictures import reading, writing
import decouple_core.engine
first = os.open(os.devnull, os.O_RDONLY)
os.close(first)
usual = resource.getrlimit(resource.RLIMIT_NOFILE)
for more in range(2):
    resource.setrlimit(resource.RLIMIT_NOFILE, (first + more, usual[1]))
    code = main(sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_NOFILE, usual)
    print(code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems hand out files otherwise")
def test_no_files_left_to_open(tmp_path: Path) -> None:
    fill(tmp_path)
    words = ["transfer", tmp_path / "target.png", tmp_path / "style.jpg", "-o", tmp_path / "out.png"]
    answer = subprocess.run(
        [sys.executable, "-c", FEW_FILES, *arguments(*words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert answer.stdout.split() == [str(TOO_MANY.exit_code)] * 2, answer.stderr
    assert answer.stderr.splitlines() == [f"decouple: {TOO_MANY}"] * 2
    assert not (tmp_path / "out.png").exists()
