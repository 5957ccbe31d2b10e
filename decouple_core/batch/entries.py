"""What a batch knows of one picture: of which target and style it is, what was made, and what it was made of."""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from decouple_contract.paths import possible

OUTCOMES = ("waiting", "placing", "done", "failed")
"""Of a picture in the last run; "placing" while a file is given its place, and where a batch was killed at that."""


@dataclass(frozen=True)
class Stamp:
    """What a file was like.

    Attributes
    ----------
    size : int
        Bytes.
    modified, changed : int
        When its content, and when anything about it was changed last, in nanoseconds. No program can set the second (on
        Windows it is the time of its making); 0 where nobody has noted it.
    sha256 : str
        Of its content, if known.
    """

    size: int
    modified: int
    sha256: str = ""
    changed: int = 0

    @classmethod
    def of(cls, path: Path, *, digest: bool = False) -> Stamp:
        """The stamp of a file as it is now; OSError where there is none."""
        found = path.stat()
        return cls(found.st_size, found.st_mtime_ns, digest_of(path) if digest else "", found.st_ctime_ns)

    def fits(self, path: Path) -> bool:
        """Whether a file is still what it was: nobody has touched it, or else its content is the same."""
        try:
            now = Stamp.of(path)
            untouched = (now.size, now.modified) == (self.size, self.modified) and self.changed in (0, now.changed)
            return untouched or self._has_content(path, now)
        except OSError:
            return False

    def proves(self, path: Path) -> bool:
        """Whether a file is this one beyond doubt, so that it may be replaced: an ordinary file of this content."""
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                return False
            now = Stamp.of(path)
            if self.sha256:
                return self._has_content(path, now)
            return (now.size, now.modified) == (self.size, self.modified)  # all that version 1 noted of results
        except OSError:
            return False

    def _has_content(self, path: Path, now: Stamp) -> bool:
        return now.size == self.size and bool(self.sha256) and digest_of(path) == self.sha256


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
        One of `OUTCOMES`, of the last run.
    seconds : float
        Reading, solving and writing it.
    problem : str
        Why it failed.
    recipe : str
        Digest of the settings and of the style's content that the result was made with.
    made_of, made : Stamp or None
        The target as it was, and the result. Before one is put in its place it is noted here, so that a batch knows its
        own, however it ends.
    replaces : Stamp or None
        While a result is given its place, the earlier one that lies there.
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
    replaces: Stamp | None = None

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Entry:
        """An entry from plain values; TypeError or ValueError for any that is none."""
        stamps = {name: Stamp(**values[name]) if values.get(name) else None for name in ("made_of", "made", "replaces")}
        entry = cls(**{**values, **stamps})
        texts = (entry.target, entry.style, entry.output, entry.outcome, entry.problem, entry.recipe)
        if not all(isinstance(text, str) for text in texts) or not isinstance(entry.seconds, (int, float)):
            raise TypeError("not an entry")
        for stamp in filter(None, stamps.values()):
            if {type(stamp.size), type(stamp.modified), type(stamp.changed)} != {int} or type(stamp.sha256) is not str:
                raise TypeError("not a stamp")
        for path in texts[:3]:
            possible(path)
        if entry.outcome not in OUTCOMES or Path(entry.output).name != entry.output:  # no way out of the folder
            raise ValueError("not an entry")
        return entry

    def settled(self, folder: Path) -> Entry:
        """The entry as the files say: what was being placed lies there or does not."""
        if self.outcome != "placing":
            return self
        if self.made is not None and self.made.proves(folder / self.output):
            return self.placed(folder)
        return replace(self, outcome="waiting", seconds=0.0, recipe="", made_of=None, made=self.replaces, replaces=None)

    def placed(self, folder: Path) -> Entry:
        """The entry when its result has got its place."""
        assert self.made is not None  # it was noted before
        return replace(
            self, outcome="done", replaces=None, made=replace(Stamp.of(folder / self.output), sha256=self.made.sha256)
        )
