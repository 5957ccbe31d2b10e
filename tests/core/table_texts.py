"""Lookup tables as other programs write them, of functions whose values are known in closed form."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

Function = Callable[[np.ndarray], np.ndarray]

MIXED = np.array([[0.6, 0.2, 0.1], [0.05, 0.7, 0.15], [0.1, 0.25, 0.5]])
SIZES = (5, 9)
"""Nodes of the tables, and steps of the curves, in the cases."""


def mixing(colours: np.ndarray) -> np.ndarray:
    """Each channel of all three, and each in another way: interpolated linearly, it is met exactly at every colour."""
    return np.asarray(colours) @ MIXED.T + (0.02, 0.05, 0.08)


def curving(colours: np.ndarray) -> np.ndarray:
    """Each channel by itself, as straight lines; the last one falls."""
    return np.asarray(colours) * (1.0, 0.8, -1.0) + (0.0, 0.1, 1.0)


def bent(colours: np.ndarray) -> np.ndarray:
    """Down and up again; the bend is at a node."""
    return 0.1 + np.abs(1.6 * np.asarray(colours) - 0.8)


def cube_of(
    function: Function,
    nodes: int = SIZES[0],
    low: Sequence[float] = (0, 0, 0),
    high: Sequence[float] = (1, 1, 1),
    fastest: str = "red",
) -> np.ndarray:
    """The values at the nodes, (N³, 3), in a file's order."""
    places = np.array(list(itertools.product(np.linspace(0, 1, nodes), repeat=3)))
    places = places[:, ::-1] if fastest == "red" else places
    return function(np.asarray(low) + places * (np.asarray(high, float) - low))


def curve_of(function: Function, low: float = 0.0, high: float = 1.0, steps: int = SIZES[1]) -> np.ndarray:
    return function(np.linspace(low, high, steps)[:, None].repeat(3, 1))


def lines(values: np.ndarray, form: str = "%.9f", between: str = " ") -> list[str]:
    return [between.join(form % value for value in row) for row in values]


CUBE_LINES = lines(cube_of(mixing))
SIZE = f"LUT_3D_SIZE {SIZES[0]}"


def text(*parts: str | Sequence[str], end: str = "\n") -> str:
    """A file of these lines."""
    return "".join(line + end for part in parts for line in ([part] if isinstance(part, str) else part))


def both(function: Function = curving) -> Function:
    return lambda colours: mixing(function(colours))


LOW, HIGH = (-1, -0.5, 0), (1, 2, 1.5)

CUBES: dict[str, tuple[str | bytes, Function]] = {
    "plain": (text(SIZE, CUBE_LINES), mixing),
    "tab after the keyword": (
        text('TITLE\t"look"', SIZE.replace(" ", "\t"), "DOMAIN_MAX\t1\t1\t1", CUBE_LINES),
        mixing,
    ),
    "byte order mark": ("\ufeff" + text('TITLE "look"', SIZE, CUBE_LINES), mixing),
    "Latin-1": (text('TITLE "café"', SIZE, CUBE_LINES).encode("latin-1"), mixing),
    "Shift-JIS": (text('TITLE "映画"', SIZE, CUBE_LINES).encode("shift-jis"), mixing),
    "UTF-16": (text('TITLE "café"', SIZE, CUBE_LINES).encode("utf-16"), mixing),
    "indented comments": (text("  # a", "\t#b", SIZE, [f" # c\n{line}" for line in CUBE_LINES]), mixing),
    "trailing comments": (text(f"{SIZE} # nodes", [f"{line} # here" for line in CUBE_LINES]), mixing),
    "long comments": (text("# " + "x" * 10_000, SIZE, CUBE_LINES), mixing),
    "long title": (text(f'TITLE "{"x" * 10_000}"', SIZE, CUBE_LINES), mixing),
    "title without quotation marks": (text("TITLE my look", SIZE, CUBE_LINES), mixing),
    "no title": (text("TITLE", SIZE, CUBE_LINES), mixing),
    "keywords that nobody knows": (text("CREATOR me", SIZE, "SHAPER 3", CUBE_LINES, "END"), mixing),
    "small letters": (text('title "x"', SIZE.lower(), CUBE_LINES), mixing),
    "size as a fraction": (text(f"{SIZE}.0", CUBE_LINES), mixing),
    "range of 0 to 1": (text(SIZE, "LUT_3D_INPUT_RANGE 0.0 1.0", CUBE_LINES), mixing),
    "range by rounding": (text(SIZE, "LUT_3D_INPUT_RANGE -0.00000001 0.99999994", CUBE_LINES), mixing),
    "another range": (
        text(SIZE, "LUT_3D_INPUT_RANGE -0.5 2", lines(cube_of(mixing, low=(-0.5,) * 3, high=(2,) * 3))),
        mixing,
    ),
    "another domain": (
        text("DOMAIN_MIN -1 -0.5 0", "DOMAIN_MAX 1 2 1.5", SIZE, lines(cube_of(mixing, low=LOW, high=HIGH))),
        mixing,
    ),
    "a domain within": (
        text(
            "DOMAIN_MIN .25 .25 .25",
            "DOMAIN_MAX .75 .75 .75",
            SIZE,
            lines(cube_of(mixing, low=(0.25,) * 3, high=(0.75,) * 3)),
        ),
        lambda colours: mixing(np.clip(colours, 0.25, 0.75)),
    ),
    "levels": (text("DOMAIN_MIN 0 0 0", "DOMAIN_MAX 255 255 255", SIZE, CUBE_LINES), mixing),
    "levels on both sides": (text("DOMAIN_MAX 1023 1023 1023", SIZE, lines(1023 * cube_of(mixing))), mixing),
    "curves": (text("LUT_1D_SIZE 9", lines(curve_of(curving))), curving),
    "curves beyond white": (
        text("LUT_1D_SIZE 9", lines(curve_of(lambda colours: 3 * colours - 1))),
        lambda colours: 3 * colours - 1,
    ),
    "curves of another domain": (text("DOMAIN_MAX 2 2 2", "LUT_1D_SIZE 9", lines(curve_of(curving, high=2))), curving),
    "curves of another range": (
        text("LUT_1D_SIZE 9", "LUT_1D_INPUT_RANGE 0 2", lines(curve_of(curving, high=2))),
        curving,
    ),
    "curves and a table": (
        text(
            "LUT_1D_SIZE 9",
            "LUT_1D_INPUT_RANGE 0 1",
            SIZE,
            "LUT_3D_INPUT_RANGE 0 1",
            lines(curve_of(curving)),
            CUBE_LINES,
        ),
        both(),
    ),
    "ranges of both": (
        text(
            "LUT_1D_SIZE 9",
            "LUT_1D_INPUT_RANGE 0 2",
            SIZE,
            "LUT_3D_INPUT_RANGE -1 2",
            lines(curve_of(curving, high=2)),
            lines(cube_of(mixing, low=(-1,) * 3, high=(2,) * 3)),
        ),
        both(),
    ),
    "video range": (
        text("LUT_IN_VIDEO_RANGE", "LUT_OUT_VIDEO_RANGE", SIZE, lines(cube_of(bent))),
        lambda colours: (bent((64 + 876 * np.asarray(colours)) / 1023) * 1023 - 64) / 876,
    ),
    "video range on one side": (
        text("LUT_IN_VIDEO_RANGE", SIZE, lines(cube_of(bent))),
        lambda colours: bent((64 + 876 * np.asarray(colours)) / 1023),
    ),
    "blank lines": (text("", SIZE, "", "  \t", [line + "\n" for line in CUBE_LINES], [""] * 5000), mixing),
    "Windows' line ends": (text(SIZE, CUBE_LINES, end="\r\n"), mixing),
    "old Macs' line ends": (text('TITLE "x"', SIZE, CUBE_LINES, end="\r"), mixing),
    "no last line end": (text(SIZE, CUBE_LINES).rstrip(), mixing),
    "end of file of DOS": (text(SIZE, CUBE_LINES) + "\x1a", mixing),
    "tabs and signs": (text(SIZE, lines(cube_of(mixing), "%+.8e", "\t")), mixing),
}
"""What people have in ``.cube`` files, and what has to come of it."""


def threedl(
    head: Sequence[str] = (),
    nodes: int = SIZES[0],
    most: int = 4095,
    function: Function = mixing,
    tail: Sequence[str] = (),
    between: str = " ",
    end: str = "\n",
) -> str:
    """A ``.3dl`` file: whole numbers, blue fastest."""
    levels = np.rint(cube_of(function, nodes, fastest="blue") * most)
    return text(head, lines(levels, "%d", between), tail, end=end)


STEPS_3DL = "0 256 512 767 1023"
LUSTRE = ["3DMESH", "Mesh 2 12", STEPS_3DL]
KODAK = "#Tokens required by applications - do not edit"

THREEDLS: dict[str, str | bytes] = {
    "Autodesk, 12 bits": threedl([STEPS_3DL]),
    "10 bits": threedl([STEPS_3DL], most=1023),
    "16 bits": threedl([STEPS_3DL], most=65535),
    "without steps": threedl(),
    "17 nodes": threedl([" ".join(str(min(1023, 64 * step)) for step in range(17))], 17),
    "comments": threedl(["# by hand", "#", STEPS_3DL]),
    "tabs": threedl([STEPS_3DL.replace(" ", "\t")], between="\t"),
    "Lustre": threedl(LUSTRE, tail=["", "LUT8", "gamma 1.0"]),
    "Lustre with Kodak's marks": threedl([KODAK, "", *LUSTRE, ""], tail=["", KODAK, "", "LUT8", "gamma 1.0"]),
    "Windows' line ends": threedl([STEPS_3DL], end="\r\n"),
    "old Macs' line ends": threedl([STEPS_3DL], end="\r"),
    "byte order mark": b"\xef\xbb\xbf" + threedl([STEPS_3DL]).encode(),
}

DARK: Function = lambda colours: 0.2 * mixing(colours)  # noqa: E731
DARK_3DL = threedl(LUSTRE, function=DARK)
"""Whose largest number is one of 10 bits."""

PRELUT = ["2", "0.0 1.0", "0.0 1.0"] * 3
HALVING = ["3", "0 .5 2", "0 .25 1"] * 3
NOTES = ["BEGIN METADATA", "1 note", "END METADATA", ""]
FIVE = " ".join(["5"] * 3)


def spi3d() -> str:
    places = list(itertools.product(range(5), repeat=3))
    return text(
        "SPILUT 1.0",
        "3 3",
        FIVE,
        [
            f"{r} {g} {b} {value}"
            for (r, g, b), value in zip(places, lines(cube_of(mixing, fastest="blue")), strict=True)
        ],
    )


def clf(*steps: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>', before: str = "") -> str:
    return f'{head}\n<ProcessList id="a" name="look" compCLFversion="3">{before}{"".join(steps)}</ProcessList>\n'


def step(kind: str, array: str = "", dim: str = "", more: str = "") -> str:
    """One step of a ``.clf`` file."""
    inner = f'<Array dim="{dim}">{array}</Array>' if array else ""
    return f'<{kind} inBitDepth="32f" outBitDepth="32f"{more}>{inner}</{kind}>'


CLF_CUBE = step("LUT3D", "\n".join(lines(cube_of(mixing, fastest="blue"))), "5 5 5 3")
CLF_CURVES = step("LUT1D", "\n".join(lines(curve_of(curving))), "9 3")
CLF_MATRIX = step(
    "Matrix",
    " ".join(f"{a:g} {b:g} {c:g} {more:g}" for (a, b, c), more in zip(MIXED, (0.02, 0.05, 0.08), strict=True)),
    "3 4",
)

OTHERS: dict[str, tuple[str, str | bytes, Function]] = {
    ".csp": (".csp", text("CSPLUTV100", "3D", "", NOTES, PRELUT, "", FIVE, CUBE_LINES), mixing),
    ".csp without notes": (".csp", text("CSPLUTV100", "3D", "", PRELUT, "", FIVE, CUBE_LINES), mixing),
    ".csp with curves": (
        ".csp",
        text("CSPLUTV100", "3D", NOTES, HALVING, "", FIVE, lines(cube_of(mixing, high=(2,) * 3))),
        mixing,
    ),
    ".csp of curves": (".csp", text("CSPLUTV100", "1D", "", NOTES, PRELUT, "", "9", lines(curve_of(curving))), curving),
    ".spi1d": (
        ".spi1d",
        text("Version 1", "From 0.0 1.0", "Length 9", "Components 3", "{", lines(curve_of(curving)), "}"),
        curving,
    ),
    ".spi1d of one": (
        ".spi1d",
        text("Version 1", "From 0.0 1.0", "Length 3", "Components 1", "{", "0.1", "0.5", "0.9", "}"),
        lambda colours: 0.1 + 0.8 * np.asarray(colours),
    ),
    ".spi1d of another range": (
        ".spi1d",
        text("Version 1", "From 0.0 2.0", "Length 9", "Components 3", "{", lines(curve_of(curving, high=2)), "}"),
        curving,
    ),
    ".spi3d": (".spi3d", spi3d(), mixing),
    ".clf": (".clf", clf(CLF_CUBE), mixing),
    ".clf in UTF-16": (".clf", clf(CLF_CUBE, head='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"), mixing),
    ".clf in Latin-1": (
        ".clf",
        clf("<Description>café</Description>", CLF_CUBE, head='<?xml version="1.0" encoding="ISO-8859-1"?>').encode(
            "latin-1"
        ),
        mixing,
    ),
    ".clf of curves and a table": (".clf", clf(CLF_CURVES, CLF_CUBE), both()),
    ".clf of a matrix": (".clf", clf(CLF_MATRIX), mixing),
    ".clf of a matrix behind a table": (".clf", clf(CLF_CUBE, CLF_MATRIX), lambda colours: mixing(mixing(colours))),
    ".clf of a table behind a matrix": (".clf", clf(CLF_MATRIX, CLF_CUBE), lambda colours: mixing(mixing(colours))),
}


def all_texts() -> list[tuple[str, bytes]]:
    """Each with its ending; those of matrices take a hundred times as long as the others, and are left out."""
    found = [(".cube", content) for content, _ in CUBES.values()] + [(".3dl", content) for content in THREEDLS.values()]
    found += [(suffix, content) for case, (suffix, content, _) in OTHERS.items() if "matrix" not in case]
    return [(suffix, content if isinstance(content, bytes) else content.encode()) for suffix, content in found]
