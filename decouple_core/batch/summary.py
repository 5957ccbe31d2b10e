"""What a batch has made: ``summary.json`` beside the pictures, for people and for the next run.

It is written anew, as a whole, after every picture, so that a run that is stopped or killed loses what was under way
and no more. The next run in the same folder finds in it which file is of which target and style, and what it was made
of: a target that was edited has another digest, and is made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import reason, write_whole

NAME = "summary.json"
FORMAT = "decoupled-style-batch"
VERSION = 1

MOST_BYTES = 2**28
"""Of a summary that is read: half a million pictures."""

OUTCOMES = ("waiting", "done", "failed")


@dataclass(frozen=True)
class Stamp:
    """What a file was like: bytes, time of its last change in nanoseconds, and the digest of its content, if known."""

    size: int
    modified: int
    sha256: str = ""

    @classmethod
    def of(cls, path: Path, *, digest: bool = False) -> Stamp:
        """The stamp of a file as it is now; OSError where there is none."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, digest_of(path) if digest else "")

    def fits(self, path: Path) -> bool:
        """Whether a file is still what it was: by size and time, or else by its content."""
        try:
            now = Stamp.of(path)
            return (now.size, now.modified) == (self.size, self.modified) or (
                now.size == self.size and bool(self.sha256) and digest_of(path) == self.sha256)
        except OSError:
            return False


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Entry:
    """One picture of a batch.

    Attributes
    ----------
    target, style : str
        Absolute paths.
    output : str
        Name within the folder of results.
    outcome : str
        One of `OUTCOMES`.
    seconds : float
        Reading, solving and writing it.
    problem : str
        Why it failed.
    recipe : str
        Digest of the settings and of the style's content.
    made_of, made : Stamp or None
        The target as it was, and the result.
    """

    target: str
    style: str
    output: str
    outcome: str = "waiting"
    seconds: float = 0.0
    problem: str = ""
    recipe: str = ""
    made_of: Stamp | None = None
    made: Stamp | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Entry:
        """An entry from plain values; TypeError or ValueError for any that is none."""
        stamps = {name: Stamp(**values[name]) if values.get(name) else None for name in ("made_of", "made")}
        entry = cls(**{**values, **stamps})
        texts = (entry.target, entry.style, entry.output, entry.outcome, entry.problem, entry.recipe)
        if not all(isinstance(text, str) for text in texts) or not isinstance(entry.seconds, (int, float)):
            raise TypeError("not an entry")
        for stamp in stamps.values():
            if stamp and not (type(stamp.size) is type(stamp.modified) is int and isinstance(stamp.sha256, str)):
                raise TypeError("not a stamp")
        if entry.outcome not in OUTCOMES or Path(entry.output).name != entry.output:  # no way out of the folder
            raise ValueError("not an entry")
        return entry


class Summary:
    """The entries of a folder of results, by the names of these.

    Parameters
    ----------
    folder : Path
        Where the pictures go.
    entries : iterable of Entry
        What earlier runs have left there.
    """

    def __init__(self, folder: Path, entries: Iterable[Entry] = ()) -> None:
        self.folder = folder
        self.entries = {entry.output: entry for entry in entries}
        self.facts: dict[str, Any] = {}

    @property
    def path(self) -> Path:
        """Of its file."""
        return self.folder / NAME

    @classmethod
    def read(cls, folder: Path) -> Summary:
        """What is remembered of a folder; nothing where it has no summary.

        Raises
        ------
        InputError
            For a file in its place that is none of ours.
        """
        path = folder / NAME
        try:
            with path.open("rb") as file:
                content = file.read(MOST_BYTES)
            values = json.loads(content)
            if values["format"] != FORMAT or values["version"] != VERSION:
                raise ValueError("another format")
            return cls(folder, [Entry.from_dict(dict(entry)) for entry in values["pictures"]])
        except FileNotFoundError:
            return cls(folder)
        except OSError as error:
            raise InputError("file-unreadable", path=str(path), reason=reason(error)) from error
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InputError("batch-summary", path=str(path)) from error

    def write(self) -> None:
        """Write the file anew."""
        values = {"format": FORMAT, "version": VERSION, **self.facts,
                  "pictures": [asdict(entry) for entry in self.entries.values()]}
        write_whole(self.path, json.dumps(values, indent=1).encode())
