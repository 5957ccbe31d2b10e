"""A user of the installer, as far as it can tell one from another: a folder of their own, GIMPs, a clone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from installer.files import SOURCE as REPOSITORY


class User:
    """A user with a folder of their own, two GIMPs, and a clone of this checkout."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home, self.clone = folder, folder / "data", folder / "clone"
        self.gimps = [folder / ".config" / "GIMP" / version for version in ("3.0", "3.2")]
        for gimp in self.gimps:
            gimp.mkdir(parents=True)
        self.clone.mkdir()
        for name in ("decouple_contract", "decouple_core", "installer", "gimp_plugin", "tests/data", "release/lock"):
            shutil.copytree(REPOSITORY / name, self.clone / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("install.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(REPOSITORY / name, self.clone)
        self.answer = ""  # what the installer said
        self.python = sys.executable
        kept = {
            name: value
            for name, value in os.environ.items()
            if name not in {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "DECOUPLE_HOME", "GIMP3_DIRECTORY"}
        }
        self.environ = {**kept, "HOME": str(folder)}

    @property
    def installer(self) -> list[str]:
        """The command that starts the installer."""
        return [self.python, str(self.clone / "install.py"), "--home", str(self.home)]

    @property
    def environments(self) -> list[str]:
        """The names of the private environments."""
        return sorted(path.name for path in self.home.glob("env*"))

    def install(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the installer to its end."""
        return self.run(*self.installer, *words, **environ)

    def run(self, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in their folder."""
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**self.environ, **environ},
            stdin=subprocess.DEVNULL,
        )


def interpreter(version: str) -> str | None:
    """A Python of this version, from the path or from pyenv."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for candidate in (shutil.which(f"python{version}"), *sorted(root.glob(f"versions/{version}.*/bin/python"))):
        if candidate and subprocess.run([candidate, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(candidate)
    return None


def one_line(answer: subprocess.CompletedProcess[str]) -> str:
    """The sentence with which the installer gave up; nothing else may be of its own making."""
    assert answer.returncode != 0
    assert "Traceback" not in answer.stderr
    lines = answer.stderr.strip().splitlines()
    assert lines[-1].startswith("install.py: ")
    return lines[-1]
