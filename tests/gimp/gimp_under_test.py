"""A real GIMP 3 for the tests: where it is, how to start it, and the plug-in installed in a profile of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from decouple_contract.connection import Endpoint, NotRunning
from decouple_core.service.worker import stop
from installer.plug_in import place_plug_in

REPOSITORY = Path(__file__).resolve().parents[2]

PROMISED_SECONDS = 2.0
"""Users are promised that nothing of a stopped run is left after this long, and tests hold us to it: 0.03 s to 0.3 s
were measured, on two processors that others used as well; up to 1.5 s where the computing process had to be killed."""


def promised_seconds() -> float:
    """How long that may take here: where several processes want each processor, each is as many times slower."""
    return PROMISED_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


PATIENCE = 480
"""Seconds for what must happen, such as a transfer with all five layers, on a machine that does other things, too."""

LENT = ("weights", "reference")
"""Parts of a data folder that are slow to make."""

ENTER = """
root=$1; shift
mount --rbind /proc "$root/proc"; mount --rbind /dev "$root/dev"
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir -p "$root$1"; else mkdir -p "$(dirname "$root$1")"; touch "$root$1"; fi
    mount --rbind "$1" "$root$1"; shift
done
shift
cd "$root" && exec chroot "$root" "$@"
"""
"""In a private mount namespace, which vanishes with the process: lend parts of this machine to the root, enter it."""


@dataclass(frozen=True)
class GimpUnderTest:
    """A GIMP 3 with our plug-in, a profile of its own and a data folder of its own.

    Attributes
    ----------
    root : pathlib.Path or None
        The Debian root that holds GIMP; None where this machine has a GIMP 3 itself.
    folder : pathlib.Path
        Holds the profile and whatever a test writes.
    home : pathlib.Path
        The data folder (DECOUPLE_HOME), weights included.
    """

    root: Path | None
    folder: Path
    home: Path

    @property
    def profile(self) -> Path:
        """GIMP's own folder for this test."""
        return self.folder / "profile"

    @property
    def plug_in(self) -> Path:
        """Where our plug-in is installed."""
        return self.profile / "plug-ins" / "decoupled-style"

    def install(self) -> None:
        """Put the plug-in in the profile, as install.py does."""
        python = self.folder / "python"  # the tests' interpreter, isolated or not, with this checkout in its path
        python.write_text(
            f'#!/bin/sh\n[ "$1" != -I ] || shift\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -s -P "$@"\n'
        )
        python.chmod(0o755)
        place_plug_in(self.plug_in, python, self.home)
        # No tips, no questions: a first start like any later one.
        (self.profile / "gimprc").write_text("(check-updates no)\n(show-welcome-dialog no)\n(num-processors 2)\n")

    def forget_last_values(self) -> None:
        """Let the next repetition take the values that it is given, and leave them to the one after it."""
        for file in (self.profile / "plug-in-settings").glob("*.last"):
            file.unlink()

    def command(self, *words: str, env: dict[str, str] | None = None) -> list[str]:
        """The command line that runs a program where GIMP is."""
        settings = {
            "HOME": str(self.folder),
            "GIMP3_DIRECTORY": str(self.profile),
            "LANG": "en_GB.UTF-8",
            "XDG_RUNTIME_DIR": str(self.folder),
            "NO_AT_BRIDGE": "1",
            "PATH": os.environ["PATH"],
            # As many threads as the core has here: paintings differ by them, in the worst place by 2/255.
            **{name: value for name, value in os.environ.items() if name == "OMP_NUM_THREADS"},
            **(env or {}),
        }
        inside = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]
        if self.root is None:
            return inside
        lent = dict.fromkeys(str(path) for path in _lent(self.folder, self.home))
        return ["unshare", "--mount", "sh", "-euc", ENTER, "sh", str(self.root), *lent, "--", *inside]

    def processes(self) -> list[int]:
        """The processes of our plug-in that run in this profile."""
        return [pid for pid, words in _processes() if str(self.plug_in / "decoupled-style.py") in words]

    def worker(self) -> int | None:
        """The process of this data folder's worker, if one runs."""
        try:
            return Endpoint.load(self.home).pid
        except NotRunning:
            return None

    def computing(self) -> list[int]:
        """The computing processes of this data folder's worker."""
        return [
            pid
            for pid, words in _processes()
            if "decouple_core.service.computer" in words and _home_of(pid) == self.home
        ]

    def job_files(self) -> list[Path]:
        """What lies in the folder of the worker's jobs."""
        return list((self.home / "run" / "jobs").glob("*"))

    def computes(self) -> bool:
        """Whether a job is under way: its turn has come, and torch is loaded."""
        return any((folder / "result.raw").exists() for folder in self.job_files())

    def all_stopped(self) -> bool:
        """Whether no job is worked on; a dialog may be open, whose preview has files."""
        return not any(uses_the_processor(pid) for pid in self.computing())

    def all_gone(self) -> bool:
        """Whether our plug-in has ended as well."""
        return self.all_stopped() and not self.job_files() and not self.processes()

    def stop_worker(self) -> None:
        """End the worker and wait until it is gone."""
        stop(self.home)


class Session:
    """A GIMP that runs, headless, and can be asked questions.

    Parameters
    ----------
    gimp
        With the plug-in installed.
    env
        Added to GIMP's environment.
    """

    def __init__(self, gimp: GimpUnderTest, env: dict[str, str] | None = None) -> None:
        self.gimp = gimp
        self._folder = Path(tempfile.mkdtemp(prefix="talk-", dir=gimp.folder))
        inside = Path(__file__).with_name("inside.py")
        self._log = open(self._folder / "gimp.log", "w")  # noqa: SIM115  closed in close()
        self.process = subprocess.Popen(
            gimp.command(
                *self._program(),
                "--batch-interpreter",
                "python-fu-eval",
                "-b",
                f'exec(compile(open("{inside}").read(), "{inside}", "exec"))\nserve("{self._folder}", {os.getpid()})',
                env={**self._environment(), **(env or {})},
            ),
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.wait_until((self._folder / "ready").exists, PATIENCE, "GIMP to start")

    def _program(self) -> list[str]:
        return ["gimp-console", "-idf", "--quit"]

    def _environment(self) -> dict[str, str]:
        return {}

    def ask(self, question: str, seconds: float = PATIENCE) -> Any:
        """The value of a Python expression (nothing, of statements) inside GIMP."""
        self.begin(question)
        return self.answer(seconds)

    def begin(self, question: str) -> None:
        """Ask without waiting for the answer."""
        (self._folder / "question.new").write_text(question)
        (self._folder / "question.new").rename(self._folder / "question")

    def answer(self, seconds: float = PATIENCE) -> Any:
        """Wait for the answer to what `begin` asked."""
        answer = self._folder / "answer"
        self.wait_until(lambda: answer.exists() or self.process.poll() is not None, seconds, "an answer")
        assert answer.exists(), f"GIMP has ended; it said:\n{self.log()[-3000:]}"
        found = json.loads(answer.read_text())
        answer.unlink()
        assert "error" not in found, found["error"]
        return found["value"]

    def wait_until(self, condition: Callable[[], Any], seconds: float, what: str) -> None:
        """Wait for something that must happen."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                log = (self._folder / "gimp.log").read_text()[-3000:]
                raise AssertionError(f"waited {seconds} s in vain for {what}; GIMP said:\n{log}")
            time.sleep(0.03)

    def comes_to(self, question: str, wanted: Any, seconds: float = 60) -> None:
        """Ask until the answer is this; a dialog that lives inside GIMP goes on meanwhile if it is let to `settle`."""
        end = time.monotonic() + seconds
        while (found := self.ask(question)) != wanted and time.monotonic() < end:
            pass
        assert found == wanted, f"after {seconds} s {question} is still {found}"

    def log(self) -> str:
        """What GIMP and its plug-ins have said."""
        return (self._folder / "gimp.log").read_text()

    @contextlib.contextmanager
    def in_time(self, gone: Callable[[], bool]) -> Iterator[None]:
        """Whatever stops a run within: what is said to be gone is gone as soon as users are promised, and for good."""
        start = time.monotonic()
        yield
        self.wait_until(gone, start + promised_seconds() - time.monotonic(), "the end of the run")
        print(f"gone after {time.monotonic() - start:.2f} s")  # pytest -s shows it
        time.sleep(0.3)
        assert gone(), "it has come back"

    def end_with(self, question: str) -> str:
        """Ask for the last time: GIMP ends as soon as it has the answer. Returns what it has said."""
        self.begin(f"open({str(self._folder / 'stop')!r}, 'w').close() or {question}")
        self.process.wait(120)
        return self.log()

    def close(self) -> None:
        """End GIMP."""
        (self._folder / "stop").touch()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):  # GIMP's own helpers, where it did not end well
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._log.close()


def _processes() -> Iterator[tuple[int, list[str]]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                yield int(entry.name), (entry / "cmdline").read_text(errors="replace").split("\0")


def of_session(number: int) -> list[int]:
    """The processes of a session, as Linux means it: GIMP and whatever it started."""
    found = []
    for pid, _words in _processes():
        with contextlib.suppress(OSError):
            found += [pid] if os.getsid(pid) == number else []
    return found


def uses_the_processor(pid: int) -> bool:
    """Whether any thread of a process runs."""
    try:
        states = [
            (task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()
        ]
    except OSError:
        return False
    return "R" in states


def _home_of(pid: int) -> Path | None:
    """The data folder in a process's environment."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/environ").read_text(errors="replace").split("\0"):
            if line.startswith("DECOUPLE_HOME="):
                return Path(line.partition("=")[2])
    return None


def lend_weights(owner: Path, home: Path) -> None:
    """Let a data folder use what another has fetched and measured."""
    for name in LENT:
        (owner / name).mkdir(parents=True, exist_ok=True)
        (home / name).symlink_to((owner / name).resolve())


def _lent(folder: Path, home: Path) -> Sequence[Path]:
    """What the root borrows: scratch space, this checkout, the data folder, and the interpreter of these tests."""
    lent = [
        Path("/tmp"),
        REPOSITORY,
        folder,
        home,
        Path(sys.prefix),
        *((home / name).resolve() for name in LENT if (home / name).exists()),
    ]
    if Path(sys.base_prefix) == Path("/usr"):  # Debian's own Python: lend its parts, not all of /usr
        lent += [Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))]
    else:
        lent.append(Path(sys.base_prefix))
    return lent
