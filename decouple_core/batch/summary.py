"""``summary.json`` beside the results: what a batch has made, for people and for the next run.

It is written when a batch begins and when it ends. In between, what becomes of each picture is noted in a journal,
whose name stands in the summary: the two together are what is known of a folder, at any moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import put, refused, write_whole
from decouple_core.batch.entries import Entry

NAME = "summary.json"
FORMAT = "decoupled-style-batch"
VERSION = 2
READ = (1, VERSION)
"""Version 1 had no journal, no digests of results and no times of change."""

SUMMARY_BYTES = 2**28
"""Of a summary that is read: some 300 000 pictures."""

JOURNAL = re.compile(r"[0-9a-f]{16}\.jsonl")
"""Names of journals; none leads out of their folder."""


@dataclass
class Summary:
    """What a summary says.

    Attributes
    ----------
    entries : dict of Entry
        By the names of the results.
    journal : str
        The name of the journal that goes on where it ends; empty when the batch has ended.
    facts : dict
        About the last run as a whole.
    """

    entries: dict[str, Entry] = field(default_factory=dict)
    journal: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_summary(folder: Path) -> Summary:
    """What is remembered of a folder; nothing where it has no summary.

    Raises
    ------
    InputError
        For a file in its place that is none of ours.
    """
    path = folder / NAME
    try:
        with path.open("rb") as file:
            values = json.loads(file.read(SUMMARY_BYTES))
        if values["format"] != FORMAT or values["version"] not in READ:
            raise ValueError("another format")
        journal = values.get("journal", "")
        if journal and not JOURNAL.fullmatch(journal):
            raise ValueError("no journal's name")
        return Summary(by_name(Entry.from_dict(dict(entry)) for entry in values["pictures"]), journal)
    except FileNotFoundError:
        return Summary()
    except OSError as error:
        raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError("batch-summary", path=str(path)) from error


def write_summary(folder: Path, workshop: Path, summary: Summary) -> None:
    """Write the file anew, in the workshop, and put it in its place."""
    values = {
        "format": FORMAT,
        "version": VERSION,
        "journal": summary.journal,
        **summary.facts,
        "pictures": [vars(entry) for entry in summary.entries.values()],
    }
    part = workshop / NAME
    write_whole(part, json.dumps(values, indent=1, default=vars).encode())
    try:
        put(part, folder / NAME, replaces=True)
    except OSError as error:
        raise refused(folder / NAME, error) from error


def by_name(entries: Iterable[Entry]) -> dict[str, Entry]:
    """The entries by the names of their results."""
    return {entry.output: entry for entry in entries}
