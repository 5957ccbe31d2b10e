"""A GIMP in a real window on a screen of its own, with hands (xdotool), eyes (scrot) and a way to ask it questions."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gimp_under_test import GimpUnderTest

PROBE = '''
import json, os, time, gi
gi.require_version("Gimp", "3.0"); gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio
folder = "{folder}"
space = dict(globals())
open(folder + "/ready", "w").close()
while not os.path.exists(folder + "/stop"):
    time.sleep(0.05)
    try:
        question = open(folder + "/question").read()
    except FileNotFoundError:
        continue
    os.unlink(folder + "/question")
    try:
        answer = dict(value=eval(question, space))
    except SyntaxError:
        try:
            exec(question, space)
            answer = dict(value=None)
        except Exception as error:
            answer = dict(error=repr(error))
    except Exception as error:
        answer = dict(error=repr(error))
    with open(folder + "/answer.new", "w") as file:
        json.dump(answer, file)
    os.rename(folder + "/answer.new", folder + "/answer")
'''
"""Runs inside GIMP as a batch command while its windows live: evaluates what a test writes, answers as JSON."""


class Window:
    """GIMP on a virtual screen.

    Parameters
    ----------
    gimp
        With the plug-in installed.
    shots
        Where the screenshots go.
    env
        Added to GIMP's environment.
    """

    def __init__(self, gimp: GimpUnderTest, shots: Path, env: dict[str, str] | None = None) -> None:
        self._gimp, self._shots = gimp, shots
        self._probe = gimp.folder / "probe"
        self._probe.mkdir(parents=True, exist_ok=True)
        for left_over in self._probe.iterdir():
            left_over.unlink()
        reading, writing = os.pipe()
        self._screen = subprocess.Popen(
            gimp.command("Xvfb", "-displayfd", str(writing), "-screen", "0", "1400x900x24", "-nolisten", "tcp"),
            pass_fds=[writing], stderr=subprocess.DEVNULL)
        os.close(writing)
        with os.fdopen(reading) as line:
            self._env = {"DISPLAY": f":{line.readline().strip()}", **(env or {})}
        self._manager = subprocess.Popen(gimp.command("openbox", env=self._env), stderr=subprocess.DEVNULL)
        script = gimp.folder / "probe.py"
        script.write_text(PROBE.format(folder=self._probe))
        self.log = open(gimp.folder / "gimp.log", "w")
        self.process = subprocess.Popen(
            gimp.command("dbus-run-session", "--", "gimp", "--no-splash", "--batch-interpreter", "python-fu-eval",
                         "-b", f'exec(open("{script}").read())', env=self._env),
            stdout=self.log, stderr=subprocess.STDOUT, start_new_session=True)
        self.wait_until(lambda: (self._probe / "ready").exists(), 90, "GIMP to start")

    def ask(self, question: str) -> Any:
        """The value of a Python expression (or nothing, of statements) inside GIMP."""
        (self._probe / "question.new").write_text(question)
        (self._probe / "question.new").rename(self._probe / "question")
        answer = self._probe / "answer"
        self.wait_until(answer.exists, 30, f"an answer to {question}")
        found = json.loads(answer.read_text())
        answer.unlink()
        assert "error" not in found, f"{question}: {found['error']}"
        return found["value"]

    def do(self, *words: str) -> str:
        """Run xdotool."""
        return subprocess.run(self._gimp.command("xdotool", *words, env=self._env), capture_output=True, text=True,
                              timeout=30).stdout.strip()

    def find(self, title: str) -> str:
        """The id of a visible window whose title matches, or nothing."""
        return self.do("search", "--onlyvisible", "--name", title).split("\n")[-1]

    def wait_for(self, title: str, seconds: float = 30) -> str:
        """Wait for a window, focus it; returns its id."""
        self.wait_until(lambda: bool(self.find(title)), seconds, f"the window {title!r}")
        found = self.find(title)
        self.do("windowactivate", "--sync", found)
        return found

    def wait_until(self, condition: Callable[[], Any], seconds: float, what: str) -> None:
        """Wait for something that must happen."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.shoot("failed-waiting")
                raise AssertionError(f"waited {seconds} s in vain for {what}")
            time.sleep(0.1)

    def shoot(self, name: str) -> Path:
        """Take a picture of the whole screen."""
        taken = self._gimp.folder / f"{name}.png"
        subprocess.run(self._gimp.command("scrot", "--overwrite", str(taken), env=self._env), check=True, timeout=30)
        self._shots.mkdir(parents=True, exist_ok=True)
        kept = self._shots / f"{name}.png"
        kept.write_bytes(taken.read_bytes())
        return kept

    def close(self) -> None:
        """End GIMP and the screen."""
        (self._probe / "stop").touch()
        for process in (self.process, self._manager, self._screen):
            if process is self.process:
                os.killpg(process.pid, signal.SIGTERM)
            else:
                process.terminate()
        for process in (self.process, self._manager, self._screen):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.log.close()
