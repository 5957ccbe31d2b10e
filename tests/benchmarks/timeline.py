"""Where the time goes: a cold command, a cold worker, and what is asked of a warm program, each second with a name.

    python tests/benchmarks/timeline.py [--document 700] [--size 512] [--repeats 3] [--draw timeline.png]
    python tests/benchmarks/timeline.py --parts photo --document 6000

The real commands and the real worker run under `watching.py`, which looks every two milliseconds where they are. Wall
seconds show what a user waits for; processor seconds, in brackets, change little beside other load. Of several runs the
one with the median of processor seconds is told, and these are drawn. *Interpreter* is Python's start and end; of the
worker, its own start as well. *The rest* is what has no name.

The floor of a step is what it takes at the least on this machine: a Python that does nothing, the import of torch
alone, Pillow's reading and writing of the same files, and the same convolutions one after the other with nothing
between them, at their quickest.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import machine, parser, photographs, resized, settings_from, table, timed
from limit import Calls, watched
from PIL import Image
from watching import OTHER_IMPORTS, REST, STEPS, TORCH
from worker import FAINTER, served

from decouple_contract.settings import Settings
from decouple_core.engine import Engine, Transferred
from decouple_core.model.heap import keep_freed
from decouple_core.outcomes.parts import rendered
from decouple_core.request import Input, Request

INTERPRETER = "interpreter"

ORDER = (INTERPRETER, TORCH, OTHER_IMPORTS, *STEPS, REST)

PARTS = ("command", "worker", "photo", "painting")

WATCHING = Path(__file__).with_name("watching.py")

QUALITY = 92
"""Of the JPEG files that the commands read."""

COLOURS = "tab20"

CALLS = 8
"""Of each convolution alone, after one that packs its weights."""

Spent = tuple[float, float]
"""Seconds on the wall, and of all cores."""


@dataclass
class Case:
    """What somebody waits for.

    Attributes
    ----------
    name : str
    steps, floors : dict
        Seconds by step.
    """

    name: str
    steps: dict[str, Spent]
    floors: dict[str, Spent] = field(default_factory=dict)

    @property
    def whole(self) -> Spent:
        """All steps together."""
        return _sum(self.steps.values())

    @property
    def floor(self) -> Spent:
        """All floors together."""
        return _sum(self.floors.values())


def _sum(parts: Iterable[Spent]) -> Spent:
    parts = list(parts)
    return sum(wall for wall, _ in parts), sum(cores for _, cores in parts)


def steps_between(file: Path, begin: float, end: float) -> dict[str, Spent]:
    """Seconds by step between two moments, of what `watching.py` has noted."""
    lines = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines())
    moments = [(float(wall), float(cores), step) for wall, cores, step in lines]
    found: dict[str, Spent] = {}
    if begin < moments[0][0]:
        found[INTERPRETER] = moments[0][0] - begin, moments[0][1]
    for before, now in pairwise(moments):
        overlap = min(end, now[0]) - max(begin, before[0])
        if overlap > 0:
            share = overlap / (now[0] - before[0])
            found[now[2]] = _sum([found.get(now[2], (0.0, 0.0)), (overlap, share * (now[1] - before[1]))])
    return found


def run(command: Sequence[str]) -> tuple[float, float, float]:
    """Run a program; the moments of its begin and end, and its processor seconds."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return begin, time.monotonic(), used.ru_utime + used.ru_stime


def middle(cases: Sequence[Case]) -> Case:
    """The case with the median of processor seconds."""
    return sorted(cases, key=lambda case: case.whole[1])[len(cases) // 2]


def command(name: str, words: Sequence[str], pictures: Sequence[Path], folder: Path, repeats: int) -> Case:
    """A whole process of the command line, cold but for the system's file caches."""
    file, cases = folder / "moments", []
    words = [*map(str, pictures), "-o", str(folder / "result.jpg"), *words]
    for _ in range(1 + repeats):  # the first fills the caches
        begin, end, cores = run([sys.executable, str(WATCHING), str(file), "decouple_core", "transfer", *words])
        case = Case(name, steps_between(file, begin, end))
        wall, of_cores = case.whole
        case.steps[INTERPRETER] = _sum([case.steps[INTERPRETER], (end - begin - wall, cores - of_cores)])
        cases.append(case)
    return middle(cases[1:])


def worker(name: str, settings: Settings, pictures: Sequence[np.ndarray], folder: Path, repeats: int) -> Case:
    """From the start of a worker to the whole picture that it was asked for at once; of its computing process."""
    file, cases = folder / "moments of the worker", []
    for _ in range(1 + repeats):
        begin = time.monotonic()
        with served([str(WATCHING), str(file), "decouple_core", "serve"]) as guest:
            guest.pictures(*pictures)
            guest.job(settings)
            end = time.monotonic()
        cases.append(Case(name, steps_between(file, begin, end)))
    return middle(cases[1:])


def warm(settings: Settings, document: int, folder: Path, repeats: int) -> list[Case]:
    """Transfers in a process that has done others before."""
    file = folder / "moments of warm"
    asked = json.dumps([settings.as_dict(), document, repeats])
    told = subprocess.run(
        [sys.executable, str(WATCHING), str(file), __file__, "--inner", asked],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    runs = [json.loads(line) for line in told.splitlines()]
    names = dict.fromkeys(one["name"] for one in runs)
    of = {name: [one for one in runs if one["name"] == name] for name in names}
    cases = []
    for name, ones in of.items():
        case = middle([Case(name, steps_between(file, *one["between"])) for one in ones if "between" in one])
        case.floors = {"convolutions": _sum(one["floor"] for one in ones if "floor" in one)}
        cases.append(case)
    return cases


def warmed(settings: Settings, document: int, repeats: int) -> Iterator[dict[str, Any]]:
    """What `warm` asks for, in the process that is watched: when each transfer ran, then the convolutions' floor."""
    keep_freed()
    photos = photographs()
    target, style, other = (resized(photos[name], document) for name in ("coffee", "astronaut", "chelsea"))
    result, engine = np.empty_like(target), Engine()
    weaker = replace(settings, strength=0.5)
    last: Transferred | None = None

    def transfer(from_style: np.ndarray, under: Settings) -> Transferred:
        return engine.transfer(Request(Input(target), Input(from_style), under), out=result)

    def fainter() -> None:  # as the worker does it
        assert last is not None  # there has been a pair
        under = replace(last.report.settings, amounts=FAINTER[settings.mode])
        rendered(last.components, under, target, result, lambda _: None)

    asked: dict[str, Callable[[], Transferred | None]] = {
        "a new pair": lambda: transfer(style, settings),
        "other amounts": fainter,
        "another strength": lambda: transfer(style, weaker),
        "a second style": lambda: transfer(other, settings),
    }
    for number in range(1 + repeats + 1):
        # One changed pixel is a new picture to everything that is kept, and the same work.
        target[0, 0] = style[0, 0] = other[0, 0] = number / (2 + repeats)
        for name, work in asked.items():
            calls = dict[tuple[Any, ...], Calls]()
            begin = time.monotonic()
            with watched(calls) if number > repeats else nullcontext():
                last = work() or last
            if number > repeats:
                yield {"name": name, "floor": _sum(_alone(call) for call in calls.values())}
            elif number:  # what the first loads is no part of a warm one
                yield {"name": name, "between": (begin, time.monotonic())}


def _alone(calls: Calls) -> Spent:
    """Seconds of the same convolution as often, at its quickest."""
    walls, cores = [], []
    with torch.inference_mode():
        for _ in range(1 + CALLS):
            begin = time.process_time()
            walls.append(timed(lambda: calls.operation(calls.example))[0])
            cores.append(time.process_time() - begin)
    return calls.number * min(walls[1:]), calls.number * min(cores[1:])


def floors(pictures: Sequence[Path], folder: Path) -> dict[str, Spent]:
    """What a cold command takes at the least, its convolutions left out."""

    def quickest(*words: str) -> Spent:
        runs = [run([sys.executable, "-I", "-c", *words]) for _ in range(4)][1:]
        return min(end - begin for begin, end, _ in runs), min(cores for _, _, cores in runs)

    def pillow(work: Callable[[], object]) -> Spent:
        begin = time.process_time()
        wall, _ = timed(work)
        return wall, time.process_time() - begin

    python, with_torch = quickest("pass"), quickest("import torch")
    result = Image.open(pictures[0]).copy()
    return {
        INTERPRETER: python,
        TORCH: (with_torch[0] - python[0], with_torch[1] - python[1]),
        "reading": pillow(lambda: [Image.open(path).load() for path in pictures]),
        "writing": pillow(lambda: result.save(folder / "floor.jpg", quality=95)),
    }


def tell(cases: Sequence[Case]) -> None:
    """Print what each case spends on each step, and the floors."""
    names = [case.name for case in cases]
    steps = [step for step in ORDER if any(step in case.steps for case in cases)]
    rows: list[tuple[str, ...]] = [(step, *(_cell(case.steps.get(step)) for case in cases)) for step in steps]
    table(("seconds", *names), [*rows, ("**whole**", *(_cell(case.whole) for case in cases))])
    steps = [step for step in ORDER if any(step in case.floors for case in cases)]
    rows = [(step, *(_cell(case.floors.get(step)) for case in cases)) for step in steps]
    share = [f"{case.whole[1] / case.floor[1]:.1f}" if case.floor[1] else "" for case in cases]
    table(
        ("floor", *names),
        [*rows, ("**whole**", *(_cell(case.floor) for case in cases)), ("times as many processor seconds", *share)],
    )


def _cell(spent: Spent | None) -> str:
    return "" if spent is None or max(spent) < 0.0005 else f"{spent[0]:.3f} ({spent[1]:.3f})"


def draw(path: Path, groups: Mapping[str, Sequence[Case]]) -> None:
    """Draw a bar for every case, a colour for every step, and a mark at the floor."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    groups = {title: cases for title, cases in groups.items() if cases}
    heights = [1 + len(cases) for cases in groups.values()]
    figure = Figure(figsize=(9, 1.2 + 0.33 * sum(heights)), layout="constrained")
    panels = figure.subplots(len(groups), 1, squeeze=False, gridspec_kw={"height_ratios": heights})[:, 0]
    steps = [step for step in ORDER if any(step in case.steps for cases in groups.values() for case in cases)]
    colours = dict(zip(ORDER, colormaps[COLOURS].colors, strict=False))
    for axes, (title, cases) in zip(panels, groups.items(), strict=True):
        left = np.zeros(len(cases))
        for step in steps:
            widths = np.array([case.steps.get(step, (0.0, 0.0))[1] for case in cases])
            axes.barh(range(len(cases)), widths, left=left, color=colours[step], label=step)
            left += widths
        marked = [(number, case.floor[1]) for number, case in enumerate(cases) if case.floor[1]]
        axes.plot([x for _, x in marked], [y for y, _ in marked], "k|", markersize=14, mew=2, label="floor")
        axes.set_yticks(range(len(cases)), [case.name for case in cases])
        axes.invert_yaxis()
        axes.set_title(title, loc="left", fontsize="medium")
    panels[-1].set_xlabel("processor seconds")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize="small")
    figure.savefig(path, dpi=90)


def measure(given: argparse.Namespace, folder: Path) -> dict[str, list[Case]]:
    """All cases that were asked for, by the title of their panel."""
    photo, painting = settings_from(given, mode="photo"), settings_from(given, mode="painting", size=given.size)
    photos = photographs()
    pixels = [resized(photos[name], given.document) for name in ("coffee", "astronaut")]
    paths = [folder / "target.jpg", folder / "style.jpg"]
    for path, picture in zip(paths, pixels, strict=True):
        Image.fromarray((255 * picture).round().astype(np.uint8)).save(path, quality=QUALITY)
    of_photo, of_painting = list[Case](), list[Case]()
    if "photo" in given.parts:
        of_photo += warm(photo, given.document, folder, given.repeats)
    if "painting" in given.parts:
        of_painting += warm(painting, max(given.document, given.size), folder, given.repeats)
    cold = floors(paths, folder)
    if "worker" in given.parts:
        case = worker("a cold worker", photo, pixels, folder, given.repeats)
        case.floors = {**{step: cold[step] for step in (INTERPRETER, TORCH)}, **_first_floors(of_photo)}
        of_photo.insert(0, case)
    if "command" in given.parts:
        for cases, settings in ((of_photo, photo), (of_painting, painting)):
            words = ["--mode", settings.mode, "--network", settings.network, "--size", str(given.size)]
            case = command("a cold command", words, paths, folder, given.repeats)
            case.floors = {**cold, **_first_floors(cases)}
            cases.insert(0, case)
    return {f"photograph of {given.document} px": of_photo, f"painting of {given.size} px": of_painting}


def _first_floors(cases: Sequence[Case]) -> dict[str, Spent]:
    """Those of the convolutions of a new pair, which a cold one takes as well."""
    return next((case.floors for case in cases if case.name == "a new pair"), {})


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--document", type=int, default=700, help="longer side of both pictures (default: %(default)s)"
    )
    options.add_argument("--size", type=int, default=512, help="finest scale of the painting (default: %(default)s)")
    options.add_argument("--repeats", type=int, default=3, help="runs of each (default: %(default)s)")
    options.add_argument("--parts", default=",".join(PARTS), help="which of them (default: %(default)s)")
    options.add_argument("--draw", type=Path, metavar="PNG", help="draw the bars there")
    options.add_argument("--inner", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.inner:
        settings, document, repeats = json.loads(given.inner)
        for one in warmed(Settings.from_dict(settings), document, repeats):
            print(json.dumps(one), flush=True)
        return
    print(f"{machine(settings_from(given))}; pictures of {given.document} px, median of {given.repeats}")
    with tempfile.TemporaryDirectory() as folder:
        groups = measure(given, Path(folder))
    for title, cases in groups.items():
        if cases:
            print(f"\n{title}:")
            tell(cases)
    if given.draw:
        draw(given.draw, groups)


if __name__ == "__main__":
    main()
