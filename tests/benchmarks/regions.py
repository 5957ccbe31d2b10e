"""Whether the style comes to the right places, and what each part of the correspondence brings.

    python tests/benchmarks/regions.py OUT [--only auto,off] [--pairs PAIRS]

The pairs are those of places.py, or of a folder with content/N.png, style/N.png and the label pictures
content_regions/N.png and style_regions/N.png. No method sees the regions. The methods are: the target itself, the
linear map of all colours, the program with the picture taken as a whole (*off*) and by place (*auto*), and by place
with one part left out. OUT gets the pairs and every method's results. The last columns are a picture in its own
style, saved and read, on the picture with one pixel changed: how nearly it gives itself back, in dB.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import places
from common import linear_colour, machine, numbered, parser, settings_from, table
from peers import Method
from scoring import IN_REGIONS, Scorer, edges_kept

from decouple_contract.settings import Settings
from decouple_core.correspondence import correspondence
from decouple_core.engine import Engine
from decouple_core.features.style import Style
from decouple_core.outcomes import colour_by_place, correction_by_place
from decouple_core.pictures.labels import read_labels
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image
from decouple_core.request import Input, Request

WITHOUT: dict[str, list[tuple[ModuleType, str, Any]]] = {
    "no plan": [(correspondence, "NO_PLAN", 2.0), (correspondence, "GOOD_PLAN", 3.0)],
    "no surfaces": [(colour_by_place, "spread", lambda planes, guide: planes)],
    "no bands": [(colour_by_place, "LEAST_GAIN", 1.0), (colour_by_place, "LARGEST_GAIN", 1.0)],
    "no map of all": [(colour_by_place, "REPAINTINGS", 0)],
    "no correction": [(correction_by_place, "STEPS", 0)],
}
"""The parts of the correspondence, each with what leaves it out. Without a plan every place takes from everywhere."""

METHODS = ("target", "linear colour", "off", "auto", *WITHOUT)


@contextmanager
def method(name: str, settings: Settings) -> Iterator[Method]:
    """A method by its name; its parts are left out while it is held."""
    own: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
        "target": lambda target, style: target,
        "linear colour": linear_colour,
    }
    with ExitStack() as held:
        for module, constant, value in WITHOUT.get(name, []):
            held.enter_context(patch.object(module, constant, value))
        engine, chosen = Engine(), settings
        if name == "off":
            chosen = Settings.from_dict({**settings.as_dict(), "correspondence": "off"})
        yield own.get(name, lambda target, style: engine.transfer(Request(Input(target), Input(style), chosen)).image)


def measure(
    out: Path, pairs: Path, name: str, settings: Settings, scorer: Scorer, nowhere: int
) -> list[dict[str, float]]:
    """Run a method on all pairs, write its results, and score them; `nowhere` is the label of what has no say."""
    rows = []
    (out / name).mkdir(parents=True, exist_ok=True)
    with method(name, settings) as transfer:
        for path in numbered(pairs / "content"):
            target, style = (read_image(pairs / side / path.name).pixels for side in ("content", "style"))
            write_image(out / name / path.name, np.ascontiguousarray(transfer(target, style)))
            result = read_image(out / name / path.name).pixels
            labels = (
                read_labels(pairs / f"{side}_regions" / path.name, pixels.shape[:2])
                for side, pixels in (("content", target), ("style", style))
            )
            labels = (np.where(one == nowhere, -1, one) for one in labels)
            rows.append({**scorer.in_regions(style, result, *labels), "edges": edges_kept(target, result)})
    return rows


def own_styles(pairs: Path, name: str, settings: Settings) -> list[float]:
    """PSNR, in dB, of each target in its own saved style, with one of its pixels changed."""
    found = []
    with method(name, settings), tempfile.TemporaryDirectory() as scratch:
        engine, chosen, kept = Engine(), settings, Path(scratch) / "style.json"
        if name == "off":
            chosen = Settings.from_dict({**settings.as_dict(), "correspondence": "off"})
        for path in numbered(pairs / "content"):
            picture = read_image(pairs / "content" / path.name).pixels
            engine.read_style(Input(picture), chosen, for_any=False).save(kept)
            changed = picture.copy()
            changed[0, 0] = 1.0 - changed[0, 0]
            result = engine.transfer(Request(Input(changed), Style.load(kept), chosen)).image
            found.append(-10 * float(np.log10(np.square(result - changed, dtype=np.float64).mean())))
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--pairs", type=Path)
    options.add_argument("--only", default=",".join(METHODS), help="methods (default: %(default)s)")
    given = options.parse_args()
    settings, names = settings_from(given), given.only.split(",")
    pairs = given.pairs or given.out / "pairs"
    if given.pairs is None:
        places.write_pairs(pairs)
    scorer, columns = Scorer(settings.network), (*IN_REGIONS, "edges")
    print(f"{machine(settings)}; {len(numbered(pairs / 'content'))} pairs, medians")
    nowhere = places.NOWHERE if given.pairs is None else -1
    scored = {name: measure(given.out, pairs, name, settings, scorer, nowhere) for name in names}
    own = {name: own_styles(pairs, name, settings) for name in names if name in ("off", "auto")}
    table(
        ("method", *columns, "own style, dB", "least"),
        [
            (
                name,
                *(statistics.median(row[column] for row in rows) for column in columns),
                *((statistics.median(own[name]), min(own[name])) if name in own else ("", "")),
            )
            for name, rows in scored.items()
        ],
    )
    print("CIELAB distance, pair by pair:")
    table(
        ("pair", *names),
        [
            (path.stem, *(scored[name][n]["lab"] for name in names))
            for n, path in enumerate(numbered(pairs / "content"))
        ],
    )


if __name__ == "__main__":
    main()
