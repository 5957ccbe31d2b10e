"""Where the private environment and the data folder are: what install.py wrote beside this file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from messages import Failure, _

FILE = Path(__file__).resolve().parent / "installation.json"


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
    def load(cls) -> Installation:
        """Read it; `Failure` where it is missing or names what is not there."""
        try:
            values = json.loads(FILE.read_text(encoding="utf-8"))
            found = cls(Path(values["python"]), Path(values["home"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Failure(_("The installation is not complete: {file} cannot be read. Run install.py again.")
                          .format(file=FILE)) from error
        if not found.python.exists():
            raise Failure(_("The private environment is missing: there is no {file}. Run install.py again.")
                          .format(file=found.python))
        return found

    @property
    def log(self) -> Path:
        """Where the worker and the plug-in write what happened."""
        return self.home / "log"
