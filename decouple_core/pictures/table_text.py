"""Lookup tables as text, tidied for OpenColorIO: what it refuses and people have, and what it takes and should not.

It refuses other encodings than ASCII's like, line ends of old Macs, comments behind a line's words and words after its
size; and it takes a number's beginning for the number. So each line of numbers is checked here, and a ``.cube`` file is
put into one form; what the numbers mean is the library's matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from decouple_contract.errors import InputError
from decouple_contract.tables import CUBE

LEAST_NODES, MOST_NODES = 2, 129
"""Along each axis: the least by the specification, and the most of those that cameras and graders write (2⁷+1), which
OpenColorIO takes, too."""

MOST_STEPS = 2**16
"""Of a curve: one for each value of 16 bits."""

TABLE_BYTES = 2**27
"""129³ lines of 60 letters."""

MOST_LETTERS = 200
"""Of a line of numbers: three with all their digits take some 80."""

LONGEST_WORD, MOST_WORDS = 40, 100
"""Of those that nobody knows: letters that are kept, and different ones; text has more of both."""

LOWEST, HIGHEST = -1.0, 2.0
"""Ends of the domain at most; with others a table is for linear light, of which white is no end."""

CODE_VALUES = (255.0, 1023.0, 4095.0, 65535.0)
"""Ends of a domain that count levels instead."""

ROUNDING = 1e-4
"""So far from 0 and 1 lie the ends of a domain that is meant to be that."""

VIDEO = "LUT_IN_VIDEO_RANGE", "LUT_OUT_VIDEO_RANGE"
"""Resolve's keywords for what goes in and what comes out."""

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:[ \t]+{_NUMBER})*", re.ASCII)
_STARTS_NUMBER = re.compile(r"(?![13]D)[-+.\d]|(?i:nan|inf)\b", re.ASCII)

Range = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Tidied:
    """A table's text in the form that OpenColorIO reads without doubt.

    Attributes
    ----------
    content : bytes
    title : str
        As it was written; empty where there is none.
    skipped : tuple of str
        Words that stand in it and that nobody knows.
    levels : float
        What its domain counts to, where it counts levels and was scaled; 0 elsewhere.
    video : tuple of bool
        Whether what goes in, and what comes out, is in video range: by Resolve's keywords.
    most : float
        What its integers mean with 1, where it says so; 0 elsewhere.
    largest : float
        Of its integers, where it says what they mean.
    described : tuple of str
        What it says of the colours that go in.
    """

    content: bytes
    title: str = ""
    skipped: tuple[str, ...] = ()
    levels: float = 0.0
    video: tuple[bool, bool] = (False, False)
    most: float = 0.0
    largest: float = 0.0
    described: tuple[str, ...] = ()


def tidied(content: bytes, suffix: str, path: str) -> Tidied:
    """A file's bytes, tidied.

    Parameters
    ----------
    content : bytes
    suffix : str
        The file's ending, in small letters.
    path : str
        For the sentence of an error.

    Raises
    ------
    InputError
        For a table of other sizes or for another domain than those that are read.
    ValueError
        For anything that is no such table.
    """
    text = _decoded(content).rstrip("\0\x1a")  # the end of a file, as DOS wrote it
    if suffix == ".clf":
        return _xml(text)
    lines = re.split(r"\r\n|\r|\n", text)
    return _Cube(path).tidied(lines) if suffix == CUBE else _others(lines)


def _decoded(content: bytes) -> str:
    """A file's text; what is neither marked nor UTF-8 is one of those that have a letter in each byte."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _xml(text: str) -> Tidied:
    """XML as UTF-8; a document that defines entities is none of ours."""
    if "<!DOCTYPE" in text:
        raise ValueError("no table needs one")
    text = re.sub(r"^\s*<\?xml[^>]{0,200}\?>", "", text)  # it may name another encoding
    described = re.findall(r"<InputDescriptor>([^<]{0,200})</InputDescriptor>", text)
    title = re.search(r"<ProcessList\b[^>]{0,500}?\bname=\"([^\"]{0,200})\"", text)
    return Tidied(text.encode(), title[1] if title else "", described=tuple(described))


def _others(lines: Iterable[str]) -> Tidied:
    """Every other format: its lines, with their numbers checked; notes in between are left out."""
    kept: list[str] = []
    noted, most, largest = False, 0.0, 0.0
    for line in lines:
        words = _plain(line).strip()
        capitals = words.upper()
        if noted or capitals.startswith("BEGIN"):  # the notes of .csp, for whose end OpenColorIO would look for ever
            noted = not capitals.startswith("END")
        elif _is_numbers(words):
            kept.append(words)
            if most and len(words.split()) == 3:
                largest = max(largest, *map(float, words.split()))
        elif capitals.startswith("MESH "):  # of .3dl: nodes and depth, as powers of 2
            most = 2.0 ** min(int(words.split()[2]), 17) - 1
            if not 255 <= most <= 65535:
                raise ValueError("no such depth")
        else:
            kept.append(words)
    if noted:
        raise ValueError("its notes do not end")
    return Tidied("\n".join([*kept, ""]).encode("ascii"), most=most, largest=largest)


class _Cube:
    """A ``.cube`` file, keyword by keyword, in capitals or small letters: Adobe's, Iridas's and Resolve's."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.title = ""
        self.sizes = {1: 0, 3: 0}
        self.ranges: dict[int, Range] = {}
        self.ends: dict[str, tuple[float, ...]] = {}
        self.flags: set[str] = set()
        self.skipped: dict[str, None] = {}  # in their order
        self.rows: list[str] = []

    def tidied(self, lines: Iterable[str]) -> Tidied:
        """What was said, in one form."""
        for line in lines:
            words = line.partition("#")[0].strip()
            if _is_numbers(words):
                self.rows.append(words)
            elif re.match(r"title\b", words, re.IGNORECASE):
                self.title = _title(line)
            elif words:
                self._said(*words.split())
        curve, cube = self.sizes[1], self.sizes[3]
        self._check_sizes(curve, cube)
        if len(self.rows) != curve + cube**3 or any(len(row.split()) != 3 for row in self.rows):
            raise ValueError("not as many lines as were promised, or not three numbers each")
        outer, levels = self._domain(self._range_of(1 if curve else 3))
        return Tidied(
            "\n".join([*_head(curve, cube, outer, self._range_of(3)), *self.rows, ""]).encode("ascii"),
            self.title,
            tuple(self.skipped),
            levels,
            (VIDEO[0] in self.flags, VIDEO[1] in self.flags),
        )

    def _said(self, keyword: str, *values: str) -> None:
        """One line of words."""
        keyword = keyword.upper()
        if keyword in ("LUT_1D_SIZE", "LUT_3D_SIZE"):
            self.sizes[int(keyword[4])] = int(float(values[0]))
        elif keyword in ("LUT_1D_INPUT_RANGE", "LUT_3D_INPUT_RANGE"):
            low, high = map(float, values)
            self.ranges[int(keyword[4])] = (low,) * 3, (high,) * 3
        elif keyword in ("DOMAIN_MIN", "DOMAIN_MAX"):
            self.ends[keyword] = tuple(map(float, values))
            if len(values) != 3:
                raise ValueError("not one number a channel")
        elif keyword in VIDEO:
            self.flags.add(keyword)
        else:
            self.skipped[_plain(keyword)[:LONGEST_WORD]] = None
            if len(self.skipped) > MOST_WORDS:
                raise ValueError("no table has so many words")

    def _range_of(self, dimensions: int) -> Range:
        """The domain of the curves, or of the table: its own, or the file's, which is that of what comes first."""
        whole = (self.ends.get("DOMAIN_MIN", (0.0,) * 3), self.ends.get("DOMAIN_MAX", (1.0,) * 3))
        first = not (dimensions == 3 and self.sizes[1])
        low, high = self.ranges.get(dimensions, whole if first else ((0.0,) * 3, (1.0,) * 3))
        if not all(-1e6 < one < other < 1e6 for one, other in zip(low, high, strict=True)):
            raise ValueError("a domain without width")
        if all(abs(one) < ROUNDING and abs(other - 1) < ROUNDING for one, other in zip(low, high, strict=True)):
            return (0.0,) * 3, (1.0,) * 3
        return low, high

    def _domain(self, domain: Range) -> tuple[Range, float]:
        """The domain of what comes first, where it counts levels scaled to 1; and how many these are."""
        low, high = domain
        if low == (0.0,) * 3 and high[0] in CODE_VALUES and len(set(high)) == 1:
            return (low, (1.0,) * 3), high[0]
        if min(low) < LOWEST or max(high) > HIGHEST:
            raise InputError("table-domain", path=self.path, least=f"{min(low):g}", most=f"{max(high):g}")
        return domain, 0.0

    def _check_sizes(self, curve: int, cube: int) -> None:
        if (cube or not curve) and not LEAST_NODES <= cube <= MOST_NODES:
            raise InputError("table-nodes", path=self.path, nodes=cube, least=LEAST_NODES, most=MOST_NODES)
        if curve and not 2 <= curve <= MOST_STEPS:
            raise ValueError("no such curve")


def _head(curve: int, cube: int, outer: Range, inner: Range) -> list[str]:
    """The keywords, as OpenColorIO's two readers of such files want them: with both parts, or with one."""
    if curve and cube:
        if any(len(set(ends)) > 1 for ends in (*outer, *inner)):
            raise ValueError("no such range")
        return [
            f"LUT_1D_SIZE {curve}",
            f"LUT_1D_INPUT_RANGE {outer[0][0]!r} {outer[1][0]!r}",
            f"LUT_3D_SIZE {cube}",
            f"LUT_3D_INPUT_RANGE {inner[0][0]!r} {inner[1][0]!r}",
        ]
    ends = [f"{name} {' '.join(map(repr, end))}" for name, end in zip(("DOMAIN_MIN", "DOMAIN_MAX"), outer, strict=True)]
    return [f"LUT_1D_SIZE {curve}" if curve else f"LUT_3D_SIZE {cube}", *ends]


def _title(line: str) -> str:
    """What a line of a title says, with quotation marks or without, a comment behind it left out."""
    rest = line.strip()[len("TITLE") :].strip()
    quoted = re.match(r'"([^"]*)"', rest)
    return (quoted[1] if quoted else rest.partition("#")[0]).strip(' "')


def _is_numbers(words: str) -> bool:
    """Whether a line is one of numbers; ValueError for one that only begins so."""
    if not _STARTS_NUMBER.match(words):
        return False
    if len(words) > MOST_LETTERS and not _long(words.split()):
        raise ValueError("a line is too long")
    if not _NUMBERS.fullmatch(words):
        raise ValueError("no number")
    return True


def _long(words: Sequence[str]) -> bool:
    """Whether a long line may be one of many short numbers: the first of ``.3dl``, the curves of ``.csp``."""
    return len(words) <= MOST_STEPS and max(map(len, words)) <= MOST_LETTERS // 3


def _plain(text: str) -> str:
    """Text in ASCII."""
    return text.encode("ascii", "replace").decode()
