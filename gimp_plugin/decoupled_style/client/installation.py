"""Where the private environment and the data folder are: what install.py wrote beside the package."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from decouple_contract.errors import DecoupleError

FILE = Path(__file__).resolve().parents[2] / "installation.json"


@dataclass(frozen=True)
class Installation:
    """The private environment of the worker.

    Attributes
    ----------
    python : pathlib.Path
        Its interpreter.
    home : pathlib.Path
        The data folder: weights, logs, the worker's address.
    """

    python: Path
    home: Path

    @classmethod
    def load(cls, file: Path = FILE) -> Installation:
        """Read it.

        Raises
        ------
        DecoupleError
            Where it is missing, or names what is not there.
        """
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            found = cls(Path(values["python"]), Path(values["home"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DecoupleError("installation-incomplete", file=str(file)) from error
        if not found.python.exists():
            raise DecoupleError("environment-missing", file=str(found.python))
        return found

    @property
    def log(self) -> Path:
        """Where the worker and the plug-in write what happened."""
        return self.home / "log"
