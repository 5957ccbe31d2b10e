"""All pairs of a folder: results to score, seconds, the trade-off of the freedom setting, and a contact sheet.

    python tests/benchmarks/pairs.py PAIRS OUT [--regions] [--mode photo|painting] [--set freedom=0.6]
    python tests/benchmarks/pairs.py PAIRS OUT --curve curve.png --scorer SCORER [--values 0.2,0.4,0.6,0.8]
    python tests/benchmarks/pairs.py PAIRS OUT --sheet sheet.png [--other NAME=FOLDER]

PAIRS holds content/N.png and style/N.png, and for --regions content_regions/N.png and style_regions/N.png. The scorer
is a program that is called with PAIRS, folders of results and ``--json FILE``, into which it writes, by folder name and
pair, the scores of scoring.py: `edges`, `m1` … `m3`, `g1` … `g3`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from common import linear_colour, machine, numbered, parser, settings_from, table, timed
from PIL import Image, ImageDraw
from scoring import SCORES

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.pictures.labels import read_labels
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image
from decouple_core.request import Input, Request

WIDTH, HEIGHT = 240, 164
"""Of a picture's place on the contact sheet, in pixels."""


def run_pairs(pairs: Path, out: Path, settings: Settings, transfers: Engine, *, regions: bool) -> list[float]:
    """Transfer every pair, write N.png, and return the seconds of each, files left out."""
    out.mkdir(parents=True, exist_ok=True)
    taken = []
    for path in numbered(pairs / "content"):
        target, style = read_image(path).pixels, read_image(pairs / "style" / path.name).pixels
        labels = (
            (
                read_labels(pairs / "content_regions" / path.name, target.shape[:2]),
                read_labels(pairs / "style_regions" / path.name, style.shape[:2]),
            )
            if regions
            else None
        )
        result = np.empty_like(target)
        request = Request(Input(target), Input(style), settings, labels)
        taken.append(timed(partial(transfers.transfer, request, out=result))[0])
        write_image(out / path.name, result)
        print(f"{path.stem}: {taken[-1]:.1f} s", file=sys.stderr, flush=True)
    return taken


def scores(scorer: Path, pairs: Path, folders: list[Path]) -> dict[str, dict[str, float]]:
    """Medians over the pairs of each score, by folder name."""
    with tempfile.TemporaryDirectory() as scratch:
        found = Path(scratch) / "scores.json"
        subprocess.run(
            [sys.executable, str(scorer), str(pairs), *map(str, folders), "--json", str(found)],
            check=True,
            stdout=sys.stderr,
        )
        by_folder = json.loads(found.read_text(encoding="utf-8"))
    return {
        name: {score: statistics.median(row[score] for row in rows.values()) for score in SCORES}
        for name, rows in by_folder.items()
    }


def curve(path: Path, freedoms: list[float], by_folder: dict[str, dict[str, float]]) -> None:
    """Print and plot structure against style error for every freedom, beside what else the scorer knows."""
    from matplotlib.figure import Figure

    table(
        ("freedom or method", *SCORES),
        [(name.removeprefix("freedom_"), *row.values()) for name, row in by_folder.items()],
    )
    figure = Figure(figsize=(6, 5), layout="constrained")
    axes = figure.add_subplot()
    ours = [by_folder[f"freedom_{value:g}"] for value in freedoms]
    axes.plot([row["m3"] for row in ours], [row["edges"] for row in ours], "o-", label="freedom")
    for value, row in zip(freedoms, ours, strict=True):
        axes.annotate(f"{value:g}", (row["m3"], row["edges"]), textcoords="offset points", xytext=(5, 5))
    for name, row in by_folder.items():
        if not name.startswith("freedom_"):
            axes.plot(row["m3"], row["edges"], "s", label=name)
    axes.set(xlabel="m3: relative error of relu3_1's means (style)", ylabel="edges: SSIM of Sobel maps (structure)")
    axes.legend()
    figure.savefig(path)


def sheet(path: Path, pairs: Path, results: Path, others: dict[str, Path]) -> None:
    """A row for every pair: target, style, linear colour transfer, other methods' results, ours."""
    names = ["target", "style", "linear colour", *others, "ours"]
    rows = numbered(pairs / "content")
    canvas = Image.new("RGB", (WIDTH * len(names), 20 + HEIGHT * len(rows)), "white")
    draw = ImageDraw.Draw(canvas)
    for column, name in enumerate(names):
        draw.text((WIDTH * column + 5, 5), name, "black")
    for row, content in enumerate(rows):
        target, style = (read_image(pairs / side / content.name).pixels for side in ("content", "style"))
        pictures = [target, style, linear_colour(target, style)]
        pictures += [read_image(folder / content.name).pixels for folder in (*others.values(), results)]
        for column, pixels in enumerate(pictures):
            thumbnail = Image.fromarray((pixels * 255).round().astype(np.uint8))
            thumbnail.thumbnail((WIDTH - 4, HEIGHT - 4), Image.Resampling.LANCZOS)
            canvas.paste(thumbnail, (WIDTH * column + 2, 22 + HEIGHT * row))
    canvas.save(path)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("pairs", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--regions", action="store_true", help="transfer between the regions of the label pictures")
    options.add_argument("--mode", default="photo", help="photo or painting (default: %(default)s)")
    options.add_argument("--curve", type=Path, metavar="PNG", help="run several freedoms and plot edges against m3")
    options.add_argument(
        "--values",
        type=lambda text: [float(part) for part in text.split(",")],
        default=[0.2, 0.35, 0.5, 0.65, 0.8],
        help="freedoms of the curve (default: 0.2,0.35,…,0.8)",
    )
    options.add_argument("--scorer", type=Path, help="the program that scores results")
    options.add_argument("--sheet", type=Path, metavar="PNG", help="contact sheet of the results")
    options.add_argument(
        "--other", action="append", default=[], metavar="NAME=FOLDER", help="another method's results for the sheet"
    )
    given = options.parse_args()
    if given.curve and not given.scorer:
        options.error("--curve needs --scorer")
    settings = settings_from(given, mode=given.mode)
    print(
        f"{machine(settings)}; mode {settings.mode}, working size {settings.size}, "
        f"{'with' if given.regions else 'without'} regions"
    )
    transfers = Engine()
    if given.curve:
        runs = {
            given.out / f"freedom_{value:g}": settings_from(given, mode=given.mode, freedom=value)
            for value in given.values
        }
    else:
        runs = {given.out: settings}
    taken = {
        folder: run_pairs(given.pairs, folder, chosen, transfers, regions=given.regions)
        for folder, chosen in runs.items()
    }
    table(
        ("results", "pairs", "median seconds a pair", "all, s"),
        [(folder.name, len(times), statistics.median(times), sum(times)) for folder, times in taken.items()],
    )
    if given.scorer:
        by_folder = scores(given.scorer, given.pairs, list(runs))
        if given.curve:
            curve(given.curve, given.values, by_folder)
        else:
            table(("method", *SCORES), [(name, *row.values()) for name, row in by_folder.items()])
    if given.sheet:
        others = dict(item.split("=", 1) for item in given.other)
        sheet(given.sheet, given.pairs, list(runs)[-1], {name: Path(folder) for name, folder in others.items()})


if __name__ == "__main__":
    main()
