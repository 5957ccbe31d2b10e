"""The thesis's two experiments, by its own gradient descent and by this program, and then with five layers.

    python tests/benchmarks/thesis.py OUT [--size 150] [--steps 300] [--target PICTURE] [--style PICTURE]

Chapter 4 of the thesis: the style of one city's photograph on another's, and a photograph's own style on itself, both
with two layers at 150 px. Each is made three times from the same pictures: by gradient descent with the thesis's
learning rate and stopping losses, by the program's integrator on the same network (ReLU and max pooling), and by the
program as it is (smooth activations, average pooling). Then the program does both with five layers, which the thesis
names as its aim. OUT becomes a folder with ``thesis.html``, the page of all of it, and ``thesis.jpg``, its pictures.

Gradient descent takes at most so many steps for each move, of which the thesis had 50 000; what it has not reached then
is what the tables say. Losses are the
thesis's: mean squared differences of channel means of a network that is fed 0 … 255.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from common import as_pixels, machine, parser, prepared, settings_from, table, timed
from PIL import Image, ImageDraw
from torch import Tensor

from decouple_contract.settings import LAYER_NAMES, Settings
from decouple_core.engine import RoundTrip
from decouple_core.features.linearised import WorkCount
from decouple_core.flow.integrators import Integrator
from decouple_core.flow.move import Flow, Move
from decouple_core.flow.nested_normalisation import NestedNormalisation
from decouple_core.model.prepared import PreparedModel, integrator_of
from decouple_core.page import drawings
from decouple_core.page.document import Comparison, Drawings, Gallery, Section, Table, write_page
from decouple_core.page.pictures import of_tensor
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.resampling import shrink
from decouple_core.report import Journal
from decouple_core.thesis.gradient_descent import IMPOSED, NORMALISED, SCALE, GradientDescent

DATA = Path(__file__).parents[1] / "data"

READ = 1.0
"""Loss at which the thesis stops when it reads the style (annex A)."""

THESIS = {"normalise relu2_1": "2.13 after 49 995", "stylise relu1_1": "1.30 after 49 995"}
"""Losses of the moving layer at the end of the logs in annex A, and its steps of gradient descent. They are of a
self-transfer, because those of steps 1 and 2 agree in every digit; those of the other moves are not printed."""

DIFFERENCES = (
    (
        "pictures",
        "two cities, 150 × 150 px",
        "whatever is given, its longer side at that size",
        "the thesis's photographs are not published; squeezing to a square changes the channel means",
    ),
    (
        "network",
        "VGG-19, zero padding",
        "VGG-16, reflection",
        "numbers then depend on no host (--set network=vgg19 for the other); zeros draw a frame",
    ),
    (
        "steps of gradient descent",
        "50 000 a move",
        "300 unless told otherwise",
        "50 000 take hours on a processor; its own logs end there above their stopping losses",
    ),
    (
        "the layers before the one that is stylised",
        "towards the style's own values (annex A)",
        "held at the noise's (section 3.5)",
        "the style's values were measured one by one, each with the layers before it at the noise",
    ),
    (
        "the end of a stylising move in annex A",
        "the test for 0.5 is commented out",
        "0.5 (section 3.5)",
        "what the text says",
    ),
    ("learning rate", "1e-4 (section 3.1), 5e-4 (annex A)", "5e-4", "that of the logs"),
    ("dead channels", "in every sum", "left out", "section 4.4: they have no gradient"),
    (
        "ours: losses that stay",
        "",
        "one pass of the nominal flow, damped",
        "a pull to the goal would come nearer, and not come back; --set freedom=1 damps less",
    ),
)
"""What is not as in the thesis: what, there, here, why."""

SIDE = 150
"""Pixels across of one picture on the sheet."""


@dataclass(frozen=True)
class Walked:
    """One move that was made.

    Attributes
    ----------
    name : str
    loss : float
        Of the moving layer at its end.
    evaluations : int
    seconds : float
    """

    name: str
    loss: float
    evaluations: int
    seconds: float


class Recorded(Integrator):
    """Follows another integrator, and notes what each move came to."""

    def __init__(self, rule: Integrator, journal: Journal, work: WorkCount) -> None:
        self._rule, self._journal, self._work = rule, journal, work
        self.step = ""
        self.walked: list[Walked] = []

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        before = self._work.evaluations
        seconds, image = timed(lambda: self._rule.follow(flow, image, move), image.device)
        evaluations = self._work.evaluations - before
        miss = flow.hierarchy.measure(image, move.layer)[-1] - move.goal
        self.walked.append(
            Walked(
                f"{self.step} {LAYER_NAMES[move.layer]}", (SCALE * miss).square().mean().item(), evaluations, seconds
            )
        )
        return image

    def evaluations(self, layer: int) -> int:
        return self._rule.evaluations(layer)


class Descent(Integrator):
    """The thesis's gradient descent, with its stopping losses and so many steps for each move at most."""

    def __init__(self, steps: int) -> None:
        self._steps = steps
        self.reading = False

    def follow(self, flow: Flow, image: Tensor, move: Move) -> Tensor:
        rule = GradientDescent(normalised=READ if self.reading else NORMALISED, imposed=IMPOSED, steps=self._steps)
        return rule.follow(flow, image, move)

    def evaluations(self, layer: int) -> int:
        return self._steps


@dataclass(frozen=True)
class Done:
    """One experiment, made one way.

    Attributes
    ----------
    way : str
    normalised, result : Tensor
    walked : list of Walked
    losses : list of dict
        See `Journal.losses`, on the thesis's scale.
    """

    way: str
    normalised: Tensor
    result: Tensor
    walked: list[Walked]
    losses: list[dict[str, object]]


def experiment(
    way: str, model: PreparedModel, settings: Settings, target: Tensor, style: Tensor | None, rule: Integrator
) -> Done:
    """The style of one picture on another, or without a style the target's own on itself."""
    live = model.active(target, None) * (1.0 if style is None else model.active(style, None))
    journal = Journal()
    flow = model.flow(None, live, settings, lambda move, values: journal.loss(move, values, model.hierarchy.sizes))
    reference = [v * alive for v, alive in zip(model.reference.values, live.split(model.reference.sizes), strict=True)]
    recorded = Recorded(rule, journal, model.hierarchy.work)
    nested = NestedNormalisation(flow, recorded, reference)

    def step(name: str) -> None:
        recorded.step = name
        if isinstance(rule, Descent):
            rule.reading = name == "read the style"

    wanted: Sequence[Tensor] | None = None
    if style is not None:
        step("read the style")
        with journal.step(recorded.step):
            wanted = nested.normalise(style, settings.layers)[0]
    step("normalise")
    with journal.step(recorded.step):
        own, normalised = nested.normalise(target, settings.layers)
    step("stylise")
    with journal.step(recorded.step):
        *_, (_, result, _) = nested.impose(normalised, own if wanted is None else wanted)
    losses = [{**entry, "loss": [SCALE**2 * value for value in entry["loss"]]} for entry in journal.losses]
    return Done(way, normalised, result, recorded.walked, losses)


def quality(target: Tensor, done: Done) -> str:
    """How well a self-transfer came back."""
    return f"{RoundTrip(target, done.result).psnr:.1f} dB"


def rows(two: Sequence[Done], logged: Mapping[str, str]) -> list[tuple[str, ...]]:
    """A row for every move: its loss in the thesis, and loss, evaluations and seconds of each way."""
    return [
        (
            moves[0].name,
            logged.get(moves[0].name, ""),
            *(text for move in moves for text in (f"{move.loss:.3g}", str(move.evaluations), f"{move.seconds:.1f}")),
        )
        for moves in zip(*(done.walked for done in two), strict=True)
    ]


def sheet(path: Path, lines: Sequence[Sequence[tuple[str, Tensor]]]) -> None:
    """Rows of pictures with their names."""
    height = 20 + max(round(SIDE * image.shape[1] / image.shape[2]) for line in lines for _, image in line)
    canvas = Image.new("RGB", (SIDE * max(map(len, lines)), height * len(lines)), "white")
    draw = ImageDraw.Draw(canvas)
    for row, line in enumerate(lines):
        for column, (name, image) in enumerate(line):
            picture = Image.fromarray((as_pixels(image).clip(0, 1) * 255).round().astype(np.uint8))
            wide = SIDE - 4
            picture = picture.resize((wide, round(wide * picture.height / picture.width)), Image.Resampling.LANCZOS)
            canvas.paste(picture, (SIDE * column + 2, height * row + 16))
            draw.text((SIDE * column + 3, height * row + 2), name, "black")
    canvas.save(path, quality=88)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("out", type=Path)
    options.add_argument("--size", type=int, default=150, help="longer side in pixels (default: %(default)s)")
    options.add_argument(
        "--steps",
        type=int,
        default=300,
        help="the most that gradient descent may take for each of its ten moves (default: %(default)s)",
    )
    options.add_argument("--target", type=Path, default=DATA / "pagoda.jpg", help="default: tests/data/pagoda.jpg")
    options.add_argument("--style", type=Path, default=DATA / "rocket.jpg", help="default: tests/data/rocket.jpg")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    thesis = settings_from(given, size=given.size, layers=2, activation="relu")
    ours = settings_from(given, size=given.size, layers=2)
    five = settings_from(given, size=given.size, layers=5)
    with torch.inference_mode():
        relu, smooth = prepared(thesis), prepared(ours)
        target, style = (
            shrink(read_image(path).pixels, given.size).to(relu.device) for path in (given.target, given.style)
        )
        headers = (
            "move",
            "the thesis's loss and steps",
            *(
                f"{way}: {what}"
                for way in ("descent", "ours, its network", "ours")
                for what in ("loss", "evaluations", "seconds")
            ),
        )
        where = (
            f"{machine(ours)}; {given.size} px, {ours.integrator}, freedom {ours.freedom:g}; at most "
            f"{given.steps} steps of gradient descent a move"
        )
        print(where, flush=True)
        sections, lines = list[Section](), list[list[tuple[str, Tensor]]]()
        for name, of in (("Transfer, two layers", style), ("Self-transfer, two layers", None)):
            made = [
                experiment("gradient descent", relu, thesis, target, of, Descent(given.steps)),
                experiment("ours, its network", relu, thesis, target, of, integrator_of(thesis, relu.hierarchy)),
                experiment("ours", smooth, ours, target, of, integrator_of(ours, smooth.hierarchy)),
            ]
            deep = experiment("ours, five layers", smooth, five, target, of, integrator_of(five, smooth.hierarchy))
            print(
                f"{name}: " + ", ".join(f"{one.way} {quality(target, one)}" for one in (*made, deep))
                if of is None
                else name
            )
            table(headers, rows(made, THESIS if of is None else {}))
            table(
                ("move, five layers", "loss", "evaluations", "seconds"),
                [(move.name, move.loss, move.evaluations, move.seconds) for move in deep.walked],
            )
            line = [
                ("target", target),
                *([] if of is None else [("style", of)]),
                *((f"normalised, {one.way}", one.normalised) for one in made),
                *((one.way, one.result) for one in (*made, deep)),
            ]
            lines.append(line)
            sections += parts(name, target, of, made, deep, headers, line)
        reference = [values.flatten().tolist() for values in relu.reference.values]
        dead = {
            LAYER_NAMES[number + 1]: [k for k, value in enumerate(values) if value == 0]
            for number, values in enumerate(reference)
        }
        sections.insert(
            0, Table("Where this differs from the thesis, and why", ("what", "the thesis", "here", "why"), DIFFERENCES)
        )
        sections.append(
            Drawings(
                "Channel means of the noise",
                drawings.noise_means(reference, dead),
                "Figure 4.5, on the thesis's kind of network; red marks are channels that are 0.",
            )
        )
    print("dead on the noise: " + ", ".join(f"{name} {len(channels)}" for name, channels in dead.items()))
    write_page(given.out / "thesis.html", "The thesis, reproduced", where, sections)
    sheet(given.out / "thesis.jpg", lines)


def parts(
    name: str,
    target: Tensor,
    style: Tensor | None,
    made: Sequence[Done],
    deep: Done,
    headers: Sequence[str],
    line: Sequence[tuple[str, Tensor]],
) -> list[Section]:
    """What the page shows of one experiment."""
    back = (
        ""
        if style is not None
        else "There and back: " + ", ".join(f"{one.way} {quality(target, one)}" for one in (*made, deep)) + "."
    )
    return [
        Gallery(name, [of_tensor(image, caption) for caption, image in line], back),
        Comparison(
            f"{name}: target and ours with five layers",
            of_tensor(target, "target"),
            of_tensor(deep.result, "ours, five layers"),
        ),
        Table(
            f"{name}: every move",
            headers,
            rows(made, {} if style is not None else THESIS),
            "Losses of the moving layer at the end of its move, as the thesis measures them.",
        ),
        Table(
            f"{name.replace('two', 'five')}: every move",
            ("move", "loss", "evaluations", "seconds"),
            [(move.name, f"{move.loss:.3g}", str(move.evaluations), f"{move.seconds:.1f}") for move in deep.walked],
        ),
        *(
            Drawings(
                f"{name}: losses, {one.way}",
                drawings.losses(one.losses, LAYER_NAMES[1:]),
                "Figure 4.3." if style is not None else "Figure 4.4.",
            )
            for one in (*made, deep)
        ),
    ]


if __name__ == "__main__":
    main()
