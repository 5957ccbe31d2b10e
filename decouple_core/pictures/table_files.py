"""Lookup tables of colours in files: ``.cube`` (Adobe, Cube LUT Specification 1.0) and HaldCLUT in PNG (E. Bernoulli).

Inside the program a table is (N, N, N, 3) float32, by red, green and blue of the input. Files come from anywhere: their
size is looked at before they are read, each number is checked, and what would have to be guessed is refused.
"""

from __future__ import annotations

from pathlib import Path
from typing import TextIO

import numpy as np
from imagecodecs import png_encode

from decouple_core.contract.errors import InputError
from decouple_core.contract.files import check_file, check_regular, reason, replacing
from decouple_core.contract.tables import CUBE, HALD, SUFFIXES
from decouple_core.pictures.decoding import decode, unit_range

LEAST_READ, MOST_READ = 2, 129
"""Nodes along each axis: the least by the specification, and the most of those that cameras and graders write (2⁷+1);
the specification's own 256 would be 0.5 GB of text."""

LEAST_HALD, MOST_HALD = 2, 11
"""Levels of a HaldCLUT: its nodes are the level's square, its sides the level's cube."""

LINE_BYTES = 200
"""Of a line at most: three numbers with all their digits take some 80, a title the rest."""

OTHER_LINES = 1000
"""Lines at most that hold no colour: keywords and comments."""

LARGEST = 1e4
"""Beyond it no colour is meant, whatever the numbers are scaled to."""


def read_table(path: str | Path) -> tuple[np.ndarray, str]:
    """A table, (N, N, N, 3), and its title.

    Raises
    ------
    InputError
        For a file that is missing, unreadable, no lookup table of three dimensions, damaged or too large.
    """
    path = Path(path)
    return _read_cube(path) if path.suffix.lower() == CUBE else (_read_hald(path), path.stem)


def write_table(path: str | Path, colours: np.ndarray, title: str) -> None:
    """Write a table, (N, N, N, 3) in [0, 1], in the format that the path's ending names.

    Raises
    ------
    InputError
        As `check_table`, and when the disk refuses the file.
    """
    path, nodes = Path(path), len(colours)
    check_table(path)
    if path.suffix.lower() == HALD and stored_nodes(HALD, nodes) != nodes:
        raise InputError("table-hald-nodes", nodes=nodes, nearest=stored_nodes(HALD, nodes))
    lines = colours.transpose(2, 1, 0, 3).reshape(-1, 3)  # red fastest, in both formats
    with replacing(path) as file:
        if path.suffix.lower() == CUBE:
            head = f'TITLE "{_plain(title)}"\nLUT_3D_SIZE {nodes}\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n'
            file.write(head.encode("ascii"))
            np.savetxt(file, lines, "%.6f")
        else:
            side = round(nodes**1.5)
            levels = (np.clip(lines, 0.0, 1.0) * 65535 + 0.5).astype(np.uint16).reshape(side, side, 3)
            file.write(png_encode(levels))


def check_table(path: str | Path) -> None:
    """Refuse, before any work is done, a path that `write_table` would refuse after it.

    Raises
    ------
    InputError
        For another ending, or a place that takes no files.
    """
    path = Path(path)
    if path.suffix.lower() not in SUFFIXES:
        raise InputError("table-format", name=repr(path.name), endings=" or ".join(SUFFIXES))
    check_file(path)


def stored_nodes(suffix: str, nodes: int) -> int:
    """How many nodes a file with this ending holds that is nearest to so many; a HaldCLUT has a square of them."""
    if suffix.lower() != HALD:
        return nodes
    return min((level**2 for level in range(LEAST_HALD, MOST_HALD + 1)), key=lambda found: abs(found - nodes))


def _read_cube(path: Path) -> tuple[np.ndarray, str]:
    try:
        check_regular(path)
        with path.open(encoding="utf-8", errors="strict") as file:
            return _cube(path, file)
    except FileNotFoundError:
        raise InputError("file-missing", path=str(path)) from None
    except OSError as error:
        raise InputError("file-unreadable", path=str(path), reason=reason(error)) from error
    except (ValueError, IndexError, OverflowError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("table-damaged", path=str(path)) from error


def _cube(path: Path, file: TextIO) -> tuple[np.ndarray, str]:
    """The table and title of a file; ValueError or IndexError where it is none."""
    title, nodes, low, high = "", 0, np.zeros(3), np.ones(3)
    for _ in range(OTHER_LINES):
        place = file.tell()
        line = _line(file)
        keyword, _, rest = line.strip().partition(" ")
        if not keyword or keyword.startswith("#"):
            if not line:
                raise ValueError("it ends before its colours")
        elif keyword == "TITLE":
            title = _plain(rest.strip().strip('"'))
        elif keyword == "LUT_1D_SIZE":
            raise InputError("table-curves", path=str(path))
        elif keyword == "LUT_3D_SIZE":
            nodes = int(rest)
        elif keyword in ("DOMAIN_MIN", "DOMAIN_MAX"):
            bound = _numbers([rest], 1)[0]
            low, high = (bound, high) if keyword == "DOMAIN_MIN" else (low, bound)
        elif keyword == "LUT_3D_INPUT_RANGE":  # the same of another maker's
            low, high = (np.full(3, float(number)) for number in rest.split())
        elif keyword[0] in "+-.0123456789":
            break
        else:
            raise ValueError("an unknown keyword")
    if not LEAST_READ <= nodes <= MOST_READ:
        raise InputError("table-nodes", path=str(path), nodes=nodes, least=LEAST_READ, most=MOST_READ)
    if not (np.array_equal(low, np.zeros(3)) and np.array_equal(high, np.ones(3))):
        raise InputError("table-domain", path=str(path))
    file.seek(place)
    lines: list[str] = []
    other = 0
    while line := _line(file):
        if line.strip() and not line.startswith("#"):
            lines.append(line)
        else:
            other += 1
        if len(lines) > nodes**3 or other > OTHER_LINES:
            raise ValueError("it goes on after its colours")
    return _numbers(lines, nodes**3).reshape(nodes, nodes, nodes, 3).transpose(2, 1, 0, 3), title


def _line(file: TextIO) -> str:
    """The next line, empty at the end; ValueError for one that is too long."""
    line = file.readline(LINE_BYTES + 1)
    if len(line) > LINE_BYTES:
        raise ValueError("a line is too long")
    return line


def _numbers(lines: list[str], count: int) -> np.ndarray:
    """Three numbers a line, (count, 3) float32; ValueError where they are not."""
    if len(lines) != count:
        raise ValueError("lines are missing")
    values = np.loadtxt(lines, np.float32, comments=None, ndmin=2)
    if values.shape != (count, 3) or not (np.abs(values) <= LARGEST).all():  # also refuses NaN
        raise ValueError("not three numbers a line")
    return values


def _read_hald(path: Path) -> np.ndarray:
    raw = decode(path)
    height, width, channels = raw.values.shape
    level = round(width ** (1 / 3))
    if height != width or level**3 != width or channels != 3 or not LEAST_HALD <= level <= MOST_HALD:
        raise InputError("table-no-hald", path=str(path), width=width, height=height)
    nodes = level**2
    return unit_range(raw.values).reshape(nodes, nodes, nodes, 3).transpose(2, 1, 0, 3)


def _plain(title: str) -> str:
    """What a title may hold: printable ASCII without quotation marks, on one line."""
    return "".join(letter if " " <= letter <= "~" and letter != '"' else "?" for letter in title)[: LINE_BYTES // 2]
