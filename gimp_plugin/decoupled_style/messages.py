"""Words for people, in their language.

Texts of our own go through `_` where they stand. What comes as a message, from the worker or from the client's side of
the connection, is worded by the same catalogue.
"""

from __future__ import annotations

from pathlib import Path

from gi.repository import GLib

from decouple_contract.errors import DecoupleError
from decouple_contract.messages import Message

DOMAIN = "decoupled-style"
LOCALES = Path(__file__).resolve().parent / "locale"


class Failure(Exception):
    """What stops a run, in one plain sentence with the next step, in the user's language."""


def _(text: str) -> str:
    """The text in the language of the user."""
    return GLib.dgettext(DOMAIN, text)


def words(said: Message) -> str:
    """A message in the language of the user."""
    return said.words(_)


def reason(error: Failure | DecoupleError) -> str:
    """Why a run stopped, in the language of the user."""
    return words(error.message) if isinstance(error, DecoupleError) else str(error)
