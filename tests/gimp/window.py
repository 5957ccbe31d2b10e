"""A GIMP in a real window on a screen of its own, with hands (xdotool), eyes (scrot) and a way to ask it questions."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from gimp_under_test import GimpUnderTest, Session, of_session, uses_the_processor

SCREEN = (1400, 900)
"""Pixels of the virtual screen: about what a small laptop has."""

BUSY = 5.0
"""Seconds after which a pause ends although something still moves, such as a bar that shows progress."""


class Window(Session):
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
        self._shots = shots
        reading, writing = os.pipe()
        self._screen = subprocess.Popen(
            gimp.command(
                "Xvfb", "-displayfd", str(writing), "-screen", "0", f"{SCREEN[0]}x{SCREEN[1]}x24", "-nolisten", "tcp"
            ),
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as line:
            self._env = {"DISPLAY": f":{line.readline().strip()}", **(env or {})}
        self._manager = subprocess.Popen(
            gimp.command("openbox", env=self._env), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            super().__init__(gimp, env)
        except BaseException:
            self._close_screen()
            raise

    def _program(self) -> list[str]:
        return ["dbus-run-session", "--", "gimp", "--no-splash", "--quit"]

    def _environment(self) -> dict[str, str]:
        return self._env

    def do(self, *words: str) -> str:
        """Run xdotool."""
        return subprocess.run(
            self.gimp.command("xdotool", *words, env=self._env), capture_output=True, text=True, timeout=120
        ).stdout.strip()

    def find(self, title: str) -> str:
        """The id of a visible window whose title matches, or nothing."""
        return self.do("search", "--onlyvisible", "--name", title).split("\n")[-1]

    def place(self, title: str) -> tuple[int, int]:
        """Where the upper left corner of a window is."""
        lines = dict(line.split("=") for line in self.do("getwindowgeometry", "--shell", self.find(title)).split())
        return int(lines["X"]), int(lines["Y"])

    def wait_for(self, title: str, seconds: float = 120) -> str:
        """Wait for a window, focus it; returns its id."""
        self.wait_until(lambda: bool(self.find(title)), seconds, f"the window {title!r}")
        found = self.find(title)
        self.do("windowactivate", "--sync", found)
        return found

    def close_welcome(self) -> None:
        """Close the window that greets on the first start, if it is there."""
        if welcome := self.find("Welcome to GIMP"):
            self.do("windowclose", welcome)

    def fill_screen(self, window: str) -> None:
        """Make a window as large as the screen, and take the mouse out of its way."""
        self.do("windowsize", "--sync", window, str(SCREEN[0] - 20), str(SCREEN[1] - 50))
        self.do("windowmove", "--sync", window, "0", "0")
        self.do("mousemove", "0", "0")
        self.pause()

    def pause(self) -> None:
        """Give GTK the time to react to a key: until neither GIMP nor the screen has had anything to do for a while."""
        end, quiet = time.monotonic() + BUSY, 0
        time.sleep(0.3)
        while quiet < 4 and time.monotonic() < end:
            time.sleep(0.05)
            quiet = 0 if any(map(uses_the_processor, self._hands())) else quiet + 1

    def _hands(self) -> list[int]:
        """All processes that a key has to pass."""
        return [*of_session(self.process.pid), self._screen.pid, self._manager.pid]

    def shoot(self, name: str) -> Path:
        """Take a picture of the whole screen."""
        taken = self.gimp.folder / f"{name}.png"
        subprocess.run(self.gimp.command("scrot", "--overwrite", str(taken), env=self._env), check=True, timeout=120)
        self._shots.mkdir(parents=True, exist_ok=True)
        kept = self._shots / f"{name}.png"
        kept.write_bytes(taken.read_bytes())
        return kept

    def close(self) -> None:
        """End GIMP and the screen."""
        super().close()
        self._close_screen()

    def _close_screen(self) -> None:
        for process in (self._manager, self._screen):
            process.terminate()
            process.wait()
