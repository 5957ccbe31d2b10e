"""What an artist has made of the gallery: favourites, folders and what was used last."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace

MOST_RECENT = 12
"""Files remembered as used: three rows of the gallery."""


@dataclass(frozen=True)
class Collection:
    """Never changed; each change gives another one.

    Attributes
    ----------
    favourites, recent : tuple of str
        Addresses of pictures (URIs); the recent ones latest first.
    folders : tuple of str
        Paths, in the order in which they were added.
    """

    favourites: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    recent: tuple[str, ...] = ()

    def toggled(self, uri: str) -> Collection:
        """With a favourite more or less."""
        if uri in self.favourites:
            return replace(self, favourites=_without(self.favourites, uri))
        return replace(self, favourites=(*self.favourites, uri))

    def with_folder(self, path: str) -> Collection:
        """With a folder more."""
        return self if path in self.folders else replace(self, folders=(*self.folders, path))

    def without_folder(self, path: str) -> Collection:
        """With a folder less; the folder itself is left alone."""
        return replace(self, folders=_without(self.folders, path))

    def used(self, uri: str) -> Collection:
        """With a file as the latest."""
        return replace(self, recent=(uri, *_without(self.recent, uri))[:MOST_RECENT])

    def as_text(self) -> str:
        """As `from_text` reads it."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str | bytes) -> Collection:
        """What was kept; of what is damaged, the rest."""
        try:
            kept = json.loads(text)
        except (ValueError, RecursionError):
            return cls()
        if not isinstance(kept, dict):
            return cls()
        return cls(**{field.name: _texts(kept.get(field.name)) for field in fields(cls)})


def _without(texts: Iterable[str], text: str) -> tuple[str, ...]:
    return tuple(other for other in texts if other != text)


def _texts(values: object) -> tuple[str, ...]:
    """The texts among some values, each once."""
    found = values if isinstance(values, list) else ()
    return tuple(dict.fromkeys(value for value in found if isinstance(value, str)))
