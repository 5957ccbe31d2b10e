"""Which libraries read lookup tables as people have them: the cases of the tests, by each library alone, and by us.

    python tests/benchmarks/table_libraries.py

Needs ``pip install '.[benchmark]'``. A case is right when each of 500 colours is what a closed form says; Pillow, which
computes with 8 bits, may be off by two steps, and ``.3dl`` by the rounding of its numbers.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from common import table

import decouple_core as dc
from tests.core.table_texts import CUBES, DARK, DARK_3DL, OTHERS, THREEDLS, Function, mixing

COLOURS = np.random.default_rng(0).random((500, 3)).astype(np.float32)
NEAR, NEAR_3DL, NEAR_PILLOW = 1e-4, 0.0015, 2 / 255


def opencolorio(path: Path) -> np.ndarray:
    """By the field's own library."""
    import PyOpenColorIO as ocio

    transform = ocio.FileTransform(src=str(path), interpolation=ocio.INTERP_LINEAR)
    found = COLOURS.copy()
    ocio.Config.CreateRaw().getProcessor(transform).getDefaultCPUProcessor().applyRGB(found)
    return found


def colour_science(path: Path) -> np.ndarray:
    """By colour-science, which interpolates as we do unless it is told otherwise."""
    import colour

    return np.asarray(colour.read_LUT(str(path)).apply(COLOURS.astype(float)))


def pillow_lut(path: Path) -> np.ndarray:
    """By pillow-lut, which knows ``.cube`` alone."""
    import PIL.Image
    import pillow_lut as library

    image = PIL.Image.fromarray(np.rint(COLOURS * 255).astype(np.uint8)[None])
    return np.asarray(image.filter(library.load_cube_file(str(path))))[0] / 255


def ours(path: Path) -> np.ndarray:
    """As the program has it."""
    return dc.LookupTable.load(path).looked_up(COLOURS)


READERS: dict[str, Callable[[Path], np.ndarray]] = {
    "OpenColorIO": opencolorio,
    "colour-science": colour_science,
    "pillow-lut": pillow_lut,
    "ours": ours,
}


def cases() -> Iterator[tuple[str, str, str | bytes, Function]]:
    """Each with its ending, its content and what has to come of it."""
    for case, (content, function) in CUBES.items():
        yield f".cube: {case}", ".cube", content, function
    for case, text in {**THREEDLS, "dark": DARK_3DL}.items():
        yield f".3dl: {case}", ".3dl", text, DARK if case == "dark" else mixing
    for case, (suffix, content, function) in OTHERS.items():
        yield case, suffix, content, function


def judged(read: Callable[[Path], np.ndarray], path: Path, function: Function) -> str:
    """What a library makes of a file."""
    try:
        found = read(path)
    except Exception:  # they raise nearly anything
        return "refused"
    near = NEAR_PILLOW if read is pillow_lut else NEAR_3DL if path.suffix == ".3dl" else NEAR
    apart = float(np.abs(found - function(COLOURS)).max())
    return "right" if apart < near else f"wrong by {apart:.2f}"


def main() -> None:
    """Print the table, and how many each has right."""
    warnings.simplefilter("ignore")
    rows: list[list[object]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (case, suffix, content, function) in enumerate(cases()):
            path = Path(folder) / f"{number}{suffix}"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            rows.append([case, *(judged(read, path, function) for read in READERS.values())])
    right = [f"{sum(row[place] == 'right' for row in rows)} of {len(rows)}" for place in range(1, len(READERS) + 1)]
    table(["case", *READERS], [*rows, ["right", *right]])


if __name__ == "__main__":
    main()
