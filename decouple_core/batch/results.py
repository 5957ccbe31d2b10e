"""A folder of results: whoever holds it alone, what is remembered of it, and how a result gets its place there.

A batch replaces nothing but what it can prove to be its own. So every result is noted, with the digest of its content,
before it is put in its place in one step. A batch may be killed at any moment: the next one finds in the files which of
the two states an entry is in, and goes on as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from decouple_contract.errors import DecoupleError, InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import put, refused
from decouple_core.batch.entries import Entry
from decouple_core.batch.journal import Journal, lines_of
from decouple_core.batch.summary import NAME, Summary, by_name, read_summary, write_summary

if TYPE_CHECKING:
    from decouple_core.batch.work import TaskResult

WORKSHOP = ".decouple-batch"
"""A folder in that of the results, on the same disk, for what is under way: results that have no place yet, the
journal, and the lock, which stays: if it were removed, two could each hold one of the same name."""

LOCK = "lock"


class Results:
    """The results of a folder, held alone.

    Attributes
    ----------
    folder : Path
    workshop : Path
        Where results are made.
    entries : dict of Entry
        What is known of each, by its name.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.workshop = folder / WORKSHOP
        summary = read_summary(folder)
        self.entries = summary.entries
        if summary.journal:
            self.entries |= _told(self.workshop / summary.journal)
        self._settle()
        self._sweep(summary.journal)
        self._facts: Mapping[str, Any] = {}
        self._journal: Journal | None = None

    @property
    def summary(self) -> Path:
        """The file for people."""
        return self.folder / NAME

    def begin(self, facts: Mapping[str, Any]) -> None:
        """Have what is known now in the summary, and note from here on what becomes of it.

        Parameters
        ----------
        facts : mapping
            About this run, for the summary.
        """
        name = f"{secrets.token_hex(8)}.jsonl"
        self._facts = facts
        write_summary(self.folder, self.workshop, Summary(self.entries, name, facts))
        with _refused(self.workshop / name):
            self._journal = Journal(self.workshop / name)
        self._sweep(name)

    def place(self, entry: Entry, done: TaskResult, recipe: str) -> None:
        """Give what was made its place.

        Raises
        ------
        InputError
            Where something lies there that this folder's batches have not put there, or that was changed since.
        DiskFullError
        """
        assert done.part is not None
        assert self._journal is not None  # it has begun
        path = self.folder / entry.output
        earlier = entry.made if os.path.lexists(path) else None
        if os.path.lexists(path) and not (earlier and earlier.proves(path)):
            raise InputError("batch-taken", path=str(path))
        entry = replace(
            entry,
            outcome="placing",
            seconds=round(done.seconds, 3),
            problem="",
            recipe=recipe,
            made_of=done.made_of,
            made=done.part.stamp,
            replaces=earlier,
        )
        self._note(entry)
        with _refused(path):
            self._journal.sync()
            put(Path(done.part.path), path, replaces=earlier is not None)
            self._note(entry.placed(self.folder))

    def fail(self, entry: Entry, problem: DecoupleError, seconds: float) -> None:
        """Note why there is no result; an earlier one stays what it is."""
        entry = self.entries[entry.output].settled(self.folder)
        if problem.message.code == "batch-taken":  # not ours: the next run gives another name
            entry = replace(entry, made=None)
        self._note(replace(entry, outcome="failed", problem=str(problem), seconds=round(seconds, 3)))

    def end(self) -> None:
        """Write the summary of what was begun."""
        if self._journal is None:
            return
        self._settle()
        self._journal.close()
        write_summary(self.folder, self.workshop, Summary(self.entries, "", self._facts))
        self._sweep("")

    def _note(self, entry: Entry) -> None:
        assert self._journal is not None  # it has begun
        with _refused(self.summary):
            self._journal.add(vars(entry))
        self.entries[entry.output] = entry

    def _settle(self) -> None:
        for name, entry in self.entries.items():
            self.entries[name] = entry.settled(self.folder)

    def _sweep(self, journal: str) -> None:
        """Remove what a batch that was killed has left in the workshop: all but the lock and the journal in use."""
        with contextlib.suppress(OSError):
            for found in list(os.scandir(self.workshop)):
                if found.name not in (LOCK, journal) and not found.is_dir(follow_symlinks=False):
                    os.unlink(found.path)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Results]:
    """The results of a folder while no other batch writes there; at the end, however it ends, there is a summary.

    Raises
    ------
    InputError
        Where another batch does, or the folder cannot be written to.
    """
    with _alone(folder):
        results = Results(folder)
        try:
            yield results
        finally:
            results.end()


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / WORKSHOP / LOCK, timeout=0)
    try:
        (folder / WORKSHOP).mkdir(exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError("batch-busy", path=str(folder)) from None
    except OSError as error:
        raise as_failure(error, InputError("folder-unwritable", path=str(folder), reason=reason(error))) from error
    try:
        yield
    finally:
        lock.release()


def _told(path: Path) -> dict[str, Entry]:
    """What a journal says last of each entry; nothing after a line that was cut short."""
    try:
        return by_name(Entry.from_dict(values) for values in lines_of(path))
    except OSError as error:
        raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
    except (ValueError, TypeError) as error:
        raise InputError("batch-summary", path=str(path)) from error


@contextlib.contextmanager
def _refused(path: Path) -> Iterator[None]:
    """What the disk refuses, in our words."""
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error
