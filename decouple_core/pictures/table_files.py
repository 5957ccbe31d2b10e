"""Lookup tables of colours in files: text of several kinds, and HaldCLUT (E. Bernoulli).

Inside the program a table is (N, N, N, 3) float32, by red, green and blue of the input, maybe with curves before it.
Written are ``.cube`` (Adobe, Cube LUT Specification 1.0) and HaldCLUT in PNG. Files come from anywhere: text is read in
a process of its own (`table_apart`), its size is looked at before, and each number is checked.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
from imagecodecs import png_encode

from decouple_contract import apart
from decouple_contract.errors import InputError, from_dict
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import check_file, check_regular, replacing
from decouple_contract.messages import Message
from decouple_contract.remarks import remark
from decouple_contract.tables import CUBE, HALD, SUFFIXES, TEXT_SUFFIXES
from decouple_core.pictures.decoding import decode, unit_range
from decouple_core.pictures.decoding_apart import answered
from decouple_core.pictures.table_text import MOST_NODES, TABLE_BYTES
from decouple_core.pictures.transfer_curves import named

LEAST_HALD, MOST_HALD = 2, 16
"""Levels of a HaldCLUT: its nodes are the level's square, its sides the level's cube. The largest is one of 4096 pixels
a side, which has a node for each level of 8 bits."""

READER = "decouple_core.pictures.table_apart"
"""What reads the others, in a process of its own."""

MOST_ANSWER = 2**25
"""Bytes of 129³ colours in float32, and some more."""

LONGEST_TITLE = 100
"""Letters."""


class Table(NamedTuple):
    """What a file holds: colours (N, N, N, 3), a title, and the curves (K, 3) before the colours, or None."""

    colours: np.ndarray
    title: str
    curves: np.ndarray | None = None


def read_table(path: str | Path) -> Table:
    """A table, be it text or a picture; what was passed over is said (`decouple_contract.remarks`).

    Raises
    ------
    InputError
        For a file that is missing, unreadable, no lookup table, damaged, too large, or for other colours than sRGB.
    """
    path = Path(path)
    table = _read_text(path) if path.suffix.lower() in TEXT_SUFFIXES else Table(_read_hald(path), path.stem)
    _check_name(path, table.title)
    return table


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
    if path.suffix.lower() == CUBE and nodes > MOST_NODES:
        raise InputError("table-cube-nodes", nodes=nodes, most=MOST_NODES)
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


def _read_text(path: Path) -> Table:
    try:
        check_regular(path)
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > TABLE_BYTES:
                raise InputError("table-too-large", path=str(path))
            _, answer = answered(apart.command(READER, path.suffix.lower(), str(path)), file, MOST_ANSWER)
    except FileNotFoundError:
        raise InputError("file-missing", path=str(path)) from None
    except OSError as error:
        raise as_failure(error, InputError("file-unreadable", path=str(path), reason=reason(error))) from error
    try:
        said = json.loads(np.lib.format.read_array(answer, allow_pickle=False).tobytes())
        problem = from_dict(said["error"]) if "error" in said else None
        if problem is None:
            colours, curves = (np.lib.format.read_array(answer, allow_pickle=False) for _ in range(2))
            title, remarks = str(said["title"]), [Message.from_dict(each) for each in said["remarks"]]
    except (ValueError, KeyError, TypeError, EOFError) as error:  # its process ended, or was made to
        raise InputError("table-damaged", path=str(path)) from error
    if problem is not None:
        raise problem
    for message in remarks:
        remark(message)
    shown = "".join(letter for letter in title if letter.isprintable())
    return Table(colours, shown[:LONGEST_TITLE], curves if len(curves) else None)


def _read_hald(path: Path) -> np.ndarray:
    """The colours of a HaldCLUT; a grey one gives all channels the same, and opacity is passed over."""
    raw = decode(path)
    height, width, channels = raw.values.shape
    level = round(width ** (1 / 3))
    if height != width or level**3 != width or channels not in (1, 3) or not LEAST_HALD <= level <= MOST_HALD:
        raise InputError("table-no-hald", path=str(path), width=width, height=height)
    if raw.alpha is not None and unit_range(raw.alpha).min() < 1:
        remark(Message("table-opacity", path=str(path)))
    nodes = level**2
    lines = np.broadcast_to(unit_range(raw.values), (height, width, 3))
    return lines.reshape(nodes, nodes, nodes, 3).transpose(2, 1, 0, 3)


def _check_name(path: Path, title: str) -> None:
    """Refuse a table that is called one for other colours than a picture's."""
    for words, where in ((path.stem, Message("table-by-name")), (title, Message("table-by-title"))):
        if curve := named(words):
            raise InputError("table-curve", path=str(path), curve=curve, where=where)


def _plain(title: str) -> str:
    """What a title may hold: printable ASCII without quotation marks, on one line, and no other curve's name."""
    if named(title):
        return ""
    return "".join(letter if " " <= letter <= "~" and letter != '"' else "?" for letter in title)[:LONGEST_TITLE]
