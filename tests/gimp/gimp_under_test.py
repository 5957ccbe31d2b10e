"""A real GIMP 3 for the tests: where it is, how to start it, and the plug-in installed in a profile of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

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
"""Inside a private mount namespace, which vanishes with the process: lend parts of this machine to the root, enter it."""


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
        shutil.copytree(REPOSITORY / "gimp_plugin", self.plug_in, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("settings", "errors", "protocol"):
            shutil.copy(REPOSITORY / "decouple_core" / f"{name}.py", self.plug_in)
        python = self.folder / "python"  # the tests' interpreter, with this checkout in its path
        python.write_text(f'#!/bin/sh\nPYTHONPATH="{_package_path()}" exec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        (self.plug_in / "installation.json").write_text(json.dumps({"python": str(python), "home": str(self.home)}))
        # No tips, no questions: a first start like any later one.
        (self.profile / "gimprc").write_text('(check-updates no)\n(show-welcome-dialog no)\n(num-processors 2)\n')

    def command(self, *words: str, env: dict[str, str] | None = None) -> list[str]:
        """The command line that runs a program where GIMP is."""
        settings = {"HOME": str(self.folder), "GIMP3_DIRECTORY": str(self.profile), "LANG": "en_GB.UTF-8",
                    "XDG_RUNTIME_DIR": str(self.folder), "NO_AT_BRIDGE": "1", "PATH": os.environ["PATH"], **(env or {})}
        inside = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]
        if self.root is None:
            return inside
        lent = dict.fromkeys(str(path) for path in _lent(self.folder, self.home))
        return ["unshare", "--mount", "sh", "-euc", ENTER, "sh", str(self.root), *lent, "--", *inside]

    def batch(self, script: str, *, timeout: float = 120, env: dict[str, str] | None = None,
              interpreter: str = "python-fu-eval") -> subprocess.CompletedProcess[str]:
        """Run a script in a GIMP without a window; it fails the test where GIMP does not end well."""
        command = script
        if interpreter == "python-fu-eval":
            file = self.folder / "batch.py"
            file.write_text(script)
            command = f'exec(compile(open("{file}").read(), "{file}", "exec"))'
        done = subprocess.run(self.command("gimp-console", "-idf", "--quit", "--batch-interpreter", interpreter, "-b",
                                           command, env=env), capture_output=True, text=True, timeout=timeout)
        assert done.returncode == 0, f"GIMP ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
        return done


def _package_path() -> str:
    return os.environ.get("DECOUPLE_TEST_PACKAGE", str(REPOSITORY))


def _lent(folder: Path, home: Path) -> Sequence[Path]:
    """What the root borrows: scratch space, this checkout, the data folder, and the interpreter of these tests."""
    lent = [Path("/tmp"), REPOSITORY, folder, home, home.resolve(), Path(sys.prefix)]
    if Path(sys.base_prefix) == Path("/usr"):  # Debian's own Python: lend its parts, not all of /usr
        lent += [Path(sys.executable).resolve(), Path(sysconfig.get_path("stdlib"))]
    else:
        lent.append(Path(sys.base_prefix))
    return lent
