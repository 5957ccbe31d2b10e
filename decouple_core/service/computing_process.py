"""The worker's end of the child process that computes (`computer`)."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from decouple_contract import apart
from decouple_contract.errors import DecoupleError, OutOfMemoryError
from decouple_contract.failures import as_failure, reason
from decouple_contract.jobs import Where, failure_message, places_message, progress_message
from decouple_contract.messages import Message
from decouple_core.model.threads import settle
from decouple_core.service.job import Job, log
from decouple_core.service.questions import Questions, Tell

GRACE_SECONDS = 1.2
"""A cancelled job has this long to stop by itself, which keeps the network warm; then its process is killed. Users are
promised two seconds in all."""

CRASHES = (-signal.SIGSEGV, -signal.SIGABRT, 0xC0000005)
"""Ends of a process that used memory it did not get, as oneDNN does at times, or gave up for lack of it; the last one
is Windows' access violation."""


class ComputingProcess:
    """Started when first wanted, and again after it had to be killed or ran out of memory."""

    def __init__(self) -> None:
        self.busy = False
        self._number = 0  # of the last job
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def start(self) -> _Child:
        """The child, begun unless it runs; it loads torch while its first job is still being prepared."""
        with self._lock:
            if self._child is None or not self._child.runs():
                self._child = _Child()
            return self._child

    def kill(self) -> None:
        """End the child at once."""
        with self._lock:
            if self._child is not None:
                self._child.kill()
                self._child = None

    def ask(self, question: Where, folder: str, tell: Tell) -> None:
        """Put a client's question about the last job of this folder; the answer goes to the client when it comes."""
        with self._lock:
            child = self._child
        if child is None or not child.runs():
            tell(places_message(None))
        else:
            child.ask(question, folder, tell)

    def run(self, job: Job) -> dict[str, Any]:
        """Have one job done; returns how it ended: ``done``, ``failed`` or ``cancelled``."""
        self.busy = True
        try:
            self._number += 1
            try:
                return self.start().run(job, self._number)
            except _EndedBefore:
                return self.start().run(job, self._number)
        except (OSError, RuntimeError) as error:  # it could not be started, for lack of files or threads
            log.exception("the computing process failed")
            return failure_message(as_failure(error, DecoupleError("computing-broken", reason=reason(error))))
        finally:
            self.busy = False


class _EndedBefore(Exception):
    """A child had ended between two jobs, which is noticed only now: the job is for the next one."""


class _Child:
    """One child and what is on its way to and from it; another that takes its place has its own."""

    def __init__(self) -> None:
        self._ready = False
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._questions = Questions()
        self._writing = threading.Lock()
        environ = dict(os.environ)
        settle(environ)
        self._process = subprocess.Popen(
            apart.command("decouple_core.service.computer"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=environ,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        log.info("computing process %d started", self._process.pid)
        threading.Thread(target=self._collect, daemon=True).start()
        assert self._process.stderr is not None
        threading.Thread(target=_log_lines, args=(self._process.stderr,), daemon=True).start()

    def runs(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def ask(self, question: Where, folder: str, tell: Tell) -> None:
        """Put a question, whose answer goes to a client when it comes."""
        number = self._questions.add(tell)
        if number is not None:
            self._send({**question.to_message(), "folder": folder, "number": number})

    def run(self, job: Job, number: int) -> dict[str, Any]:
        """Have one job done; returns how it ended.

        Raises
        ------
        _EndedBefore
            Where the child was ready and did not take the job.
        """
        waited, taken = self._ready, False
        self._send({**job.request, "number": number})
        if not self._ready:  # it says nothing while it loads torch
            job.progress(progress_message(number, 0.0, Message("starting")))
        give_up: float | None = None
        while True:
            try:
                answer = self._answers.get(timeout=0.05)
            except queue.Empty:
                answer = {}
            if answer is None:
                ended = self._died()
                if waited and not taken:
                    raise _EndedBefore
                return ended
            if not answer and self._is_stopped():
                log.error("the computing process was stopped: killing it")
                self.kill()
                return failure_message(DecoupleError("computing-ended"))
            if answer.get("kind") == "ready":
                self._ready = True
            elif answer.get("number") != number:
                pass  # none, or about an earlier job, which was given up before it began
            elif answer["kind"] == "taken":
                taken = True
            elif answer["kind"] == "progress":
                job.progress(answer)
            else:
                if answer.get("error") == OutOfMemoryError.__name__:
                    # What it has freed lies in pieces, among which a smaller job may find no room.
                    log.info("there was not enough memory: ending the computing process")
                    self.kill()
                return answer
            if job.cancelled.is_set():
                if give_up is None:
                    give_up = time.monotonic() + GRACE_SECONDS
                    self._send({"kind": "cancel", "number": number})
                if not self._ready:  # it still loads torch, for whoever comes next, and will not begin this job
                    return {"kind": "cancelled"}
                if time.monotonic() > give_up:
                    log.info("the job did not stop in %g s: killing its process", GRACE_SECONDS)
                    self.kill()
                    return {"kind": "cancelled"}

    def _died(self) -> dict[str, Any]:
        code = None
        try:
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:  # it lives, and says what is no message
            self.kill()
        log.error("the computing process ended by itself with %s", code)
        if code == -getattr(signal, "SIGKILL", 9):  # on Linux, what the system does when memory runs out
            return failure_message(OutOfMemoryError("out-of-memory"))
        return failure_message(DecoupleError("computing-crashed" if code in CRASHES else "computing-ended"))

    def _is_stopped(self) -> bool:
        """Whether somebody has stopped the child (SIGSTOP), which would not end by itself."""
        if not hasattr(os, "waitid"):
            return False
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
        except ChildProcessError:  # it has ended
            return False

    def _send(self, message: dict[str, Any]) -> None:
        """Send a message, in a thread of its own: a child that is stopped takes no long one."""
        threading.Thread(target=self._write, args=(json.dumps(message) + "\n",), daemon=True).start()

    def _write(self, line: str) -> None:
        """Write a line to the child; one that has ended is noticed where its answers are read."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError, ValueError), self._writing:
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _collect(self) -> None:
        """Queue what the child says of its job, and None when it ends or says what is none; pass on what was asked."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError, ValueError), self._process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                if said["kind"] == "places":
                    self._questions.answer(said.pop("number"), said)
                else:
                    if said["kind"] == "ready":
                        log.info("torch and the network are loaded")
                    self._answers.put(said)
        self._answers.put(None)
        self._questions.give_up()
        with contextlib.suppress(OSError), self._writing:
            self._process.stdin.close()


def _log_lines(lines: IO[str], write: Callable[..., None] = log.info) -> None:
    """What a child prints on its error channel goes to the log."""
    with contextlib.suppress(OSError, ValueError), lines:
        for line in lines:
            write("| %s", line.rstrip())
