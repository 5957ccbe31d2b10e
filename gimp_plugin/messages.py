"""Words for people, in their language.

Texts of our own go through `_` where they stand. Phrases that arrive from the worker are English; `translated` finds
their translation in the same catalogue, numbers aside.
"""

from __future__ import annotations

import re
from pathlib import Path

from gi.repository import GLib

DOMAIN = "decoupled-style"
LOCALES = Path(__file__).resolve().parent / "locale"

_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def _(text: str) -> str:
    """The text in the language of the user."""
    return GLib.dgettext(DOMAIN, text)


def translated(phrase: str) -> str:
    """A phrase of the worker in the language of the user; as it is where the catalogue lacks it.

    The catalogue holds "layer {} of {}" for "layer 3 of 5".
    """
    numbers = _NUMBER.findall(phrase)
    template = _(_NUMBER.sub("{}", phrase))
    return template.format(*numbers) if template.count("{}") == len(numbers) else phrase


class Failure(Exception):
    """What stops a run, in one plain sentence with the next step, in the user's language."""


class Stopped(Exception):
    """The user stopped the run."""
