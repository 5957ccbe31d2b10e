"""A module of this package in a Python of its own, which nothing that lies about can reach.

Python takes modules from the current folder, from ``PYTHONPATH`` and from the user's own packages, where anything may
lie that is called as one of ours or the library's. ``-I`` leaves all three out; so that the package is found all the
same, wherever it lies, this file is started as a program and fetches it from around itself.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def command(module: str, *words: str) -> list[str]:
    """The command line that runs the `main` of one of our modules, such as ``decouple_core.service.computer``."""
    return [sys.executable, "-I", str(Path(__file__).resolve()), module, *words]


def main() -> None:
    """Run what the command line names; its module sees the words after its name as its own."""
    spec = importlib.util.spec_from_file_location(PACKAGE.name, PACKAGE / "__init__.py",
                                                  submodule_search_locations=[str(PACKAGE)])
    assert spec is not None  # this file lies in it
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE.name] = package
    spec.loader.exec_module(package)
    del sys.argv[0]
    importlib.import_module(sys.argv[0]).main()


if __name__ == "__main__":
    main()
