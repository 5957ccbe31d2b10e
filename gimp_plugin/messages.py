"""Words for people, in their language.

Texts of our own go through `_` where they stand. Sentences that arrive from the worker are English; `translated` finds
their translation in the same catalogue.
"""

from __future__ import annotations

import re
from pathlib import Path

from gi.repository import GLib
from worker_sentences import SENTENCES

DOMAIN = "decoupled-style"
LOCALES = Path(__file__).resolve().parent / "locale"


def _(text: str) -> str:
    """The text in the language of the user."""
    return GLib.dgettext(DOMAIN, text)


def translated(sentence: str) -> str:
    """A sentence of the worker in the language of the user; as it is where the catalogue lacks it."""
    known = _(sentence)
    if known != sentence:
        return known
    for template in SENTENCES:
        if found := re.fullmatch(re.escape(template).replace(r"\{\}", "(.+?)"), sentence):
            return _(template).format(*map(translated, found.groups()))  # a part may be a sentence in itself
    return sentence


class Failure(Exception):
    """What stops a run, in one plain sentence with the next step, in the user's language."""


class Stopped(Exception):
    """The user stopped the run."""
