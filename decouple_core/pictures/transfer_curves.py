"""Transfer curves other than sRGB's, told by how cameras' tables are called."""

from __future__ import annotations

import re

from decouple_contract.messages import Message

LINEAR, LOGARITHMIC = Message("table-curve-linear"), Message("table-curve-logarithmic")

_CURVES: tuple[tuple[str | Message, str], ...] = (
    ("S-Log", r"s[-_]?log(?![a-z]*ing)(?=[23]|[^a-z]|$)"),
    ("LogC", r"log[-_ ]?c(?=[234]|[^a-z0-9]|$)"),
    ("V-Log", r"v[-_]log|vlog(?=l?[\s._-]*to$)"),
    ("Canon Log", r"canon[-_ ]?log(?![a-z])|c[-_]log|clog[23]"),
    ("F-Log", r"f[-_]log|flog2|flog(?=[\s._-]*to$)"),
    ("N-Log", r"n[-_]log|nlog(?=[\s._-]*to$)"),
    ("D-Log", r"d[-_]log|dlog[-_ ]?m|dlog(?=[\s._-]*to$)"),
    ("L-Log", r"l[-_]log"),
    ("Log3G10", r"log3g1[02]"),
    ("REDLogFilm", r"red[-_ ]?log(?=film|[^a-z]|$)"),
    ("Apple Log", r"apple[-_ ]?log(?![a-z])"),
    ("Cineon", r"cineon"),
    ("ACEScct", r"acescct"),
    ("ACEScc", r"acescc"),
    ("Blackmagic Film", r"(?:bmd?|blackmagic)[-_ ]?(?:design)?[-_ ]?(?:[0-9.]+k)?[-_ ]?film.*\bto$"),
    ("HLG", r"hlg(?![a-z])"),
    ("PQ", r"(?:pq|st[-_ ]?2084)(?![a-z])"),
    (LINEAR, r"aces[-_ ]?2065|acescg|scene[-_ ]?linear"),
    (LOGARITHMIC, r"log[\s._-]*to$"),
)
_KNOWN = [(name, re.compile(rf"(?<![a-z]){pattern}", re.IGNORECASE)) for name, pattern in _CURVES]
_TO = re.compile(r"(?<=.)(?:[\s._-]+(?i:to)[\s._-]+|(?<=[a-z0-9])To(?=[A-Z])|\s*(?:->|→)\s*|(?<=[A-Za-z])2(?=[A-Z]))")


def named(words: str) -> str | Message | None:
    """The curve that a table takes colours in by its name or title; None where that names none.

    Of a table from one curve to another, as in "S-Log3 to Rec. 709", the first counts.
    """
    before, *after = _TO.split(words, maxsplit=1)
    if after:
        before += " to"
    return next((name for name, pattern in _KNOWN if pattern.search(before)), None)
