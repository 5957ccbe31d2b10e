"""A module of the library in a Python of its own, which nothing that lies about can reach.

Python takes modules from the current folder, from ``PYTHONPATH`` and from the user's own packages, where anything may
lie that is called as one of ours or the library's. ``-I`` leaves all three out; so that our packages are found
all the same, wherever they lie, this file is started as a program and fetches them from around itself.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1]
"""Where our packages lie."""


def command(module: str, *words: str) -> list[str]:
    """The command line that runs the `main` of one of our modules, such as ``decouple_core.service.computer``."""
    return [sys.executable, "-I", str(Path(__file__).resolve()), module, *words]


def main() -> None:
    """Run what the command line names; its module sees the words after its name as its own."""
    del sys.argv[0]
    sys.path.insert(0, str(FOLDER))
    for package in ("decouple_contract", sys.argv[0].partition(".")[0]):  # neither imports anything, so nothing else
        importlib.import_module(package)  # is taken from there
    del sys.path[0]
    importlib.import_module(sys.argv[0]).main()


if __name__ == "__main__":
    main()
