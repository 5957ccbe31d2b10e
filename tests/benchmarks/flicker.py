"""Flicker: sequences made of photographs, each frame by itself and all with one look, in one run.

    python tests/benchmarks/flicker.py [--frames 12] [--motion 2] [--fitted 4,12] [--sheet sheet.png] [--set NAME=VALUE]

A sequence is a pan and zoom over a photograph, slow or `--motion` times as fast, with noise and slight changes of
exposure. Where each place of a frame was in the frame before is known exactly, so the temporal error is the root mean
square of what a frame differs by from the one before, carried there (the warping error of Lai et al. 2018, without an
estimate of the motion). It is given as a multiple of the input's own, which is noise and exposure, and once more at the
input's contrast: a look of twice the contrast doubles the noise, too. The same from the first frame to the last tells
whether things keep their colours. m1 to m3 are the relative errors of the style's means.
"""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.ndimage
import torch
from common import machine, numbers, parser, photographs, prepared, settings_from, table, timed
from PIL import Image

from decouple_contract.settings import Settings
from decouple_core.engine import Engine, placing
from decouple_core.engine import series as fitting_together
from decouple_core.features.colour import ColourMoments, map_between
from decouple_core.features.mixing import laid_together, shares_of
from decouple_core.features.style import DETAIL_LAYERS, Style
from decouple_core.outcomes.bilateral_grid import BilateralGrid, LightnessGrid
from decouple_core.outcomes.field import Field
from decouple_core.outcomes.photograph import Photograph
from decouple_core.pictures import series
from decouple_core.pictures.picture import DETAIL_SIZE
from decouple_core.pictures.resampling import shrink
from decouple_core.request import Input, Request

PAIRS = (("coffee", "rocket"), ("astronaut", "coffee"), ("chelsea", "hubble"), ("coffee", "astronaut"))
"""Photographs that are panned over, and their styles."""

PAN, ZOOM = (2.3, 0.9), 0.004
"""Pixels to the right and down, and share nearer, from frame to frame, of a slow sequence."""

NOISE, EXPOSURE = 2 / 255, 0.01
"""Standard deviations of a pixel's noise, and of a frame's exposure as a share of it."""

FIRST_SHARE = 0.8
"""How much of the photograph the first frame shows."""

LINEAR = "one affine map"
"""What noise and exposure become in the style's colours, whatever the method."""

COLUMNS = ("temporal error", "at the same contrast", "first to last", "m1", "m2", "m3")

Place = tuple[float, float, float]
"""Of a frame in the photograph: pixels there for one of the frame, row and column of the centre."""


def sequence(photograph: np.ndarray, count: int, side: int, motion: float) -> tuple[list[np.ndarray], list[Place]]:
    """Frames of 4 : 3 with this longer side, and where they are."""
    random = np.random.default_rng(0)
    shape = (side * 3 // 4, side)
    scale = FIRST_SHARE * min(photograph.shape[0] / shape[0], photograph.shape[1] / shape[1])
    sharp = scipy.ndimage.gaussian_filter(photograph, (scale / 3, scale / 3, 0)) if scale > 1 else photograph
    frames, places = [], list[Place]()
    row, column = (scale * length / 2 for length in shape)
    for number in range(count):
        here = scale * (1 - ZOOM) ** (motion * number)
        place = (here, row + PAN[1] * here * motion * number, column + PAN[0] * here * motion * number)
        exposed = looked_at(sharp, *coordinates(shape, place)) * (1 + random.normal(0, EXPOSURE))
        frames.append(np.clip(exposed + random.normal(0, NOISE, exposed.shape), 0, 1).astype(np.float32))
        places.append(place)
    return frames, places


def coordinates(shape: tuple[int, ...], place: Place) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns in the photograph of a frame's pixels."""
    scale, row, column = place
    rows, columns = ((np.arange(length) + 0.5 - length / 2) * scale for length in shape[:2])
    return rows + row - 0.5, columns + column - 0.5


def looked_at(picture: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The picture at a grid of places, linearly between its pixels."""
    grid = np.meshgrid(rows, columns, indexing="ij")
    return np.stack(
        [
            scipy.ndimage.map_coordinates(channel, grid, order=1, mode="nearest")
            for channel in np.moveaxis(picture, 2, 0)
        ],
        2,
    )


def temporal_error(frames: list[np.ndarray], places: list[Place], apart: int = 1) -> float:
    """Mean over the frames of the root mean square difference from one before, carried to the same place."""
    errors, shape = [], frames[0].shape
    for number in range(apart, len(frames)):
        scale, *centre = places[number - apart]
        before = [
            (of_photograph + 0.5 - middle) / scale + length / 2 - 0.5
            for of_photograph, middle, length in zip(coordinates(shape, places[number]), centre, shape, strict=False)
        ]
        seen = np.ix_(*((there >= 0) & (there <= length - 1) for there, length in zip(before, shape, strict=False)))
        change = (frames[number] - looked_at(frames[number - apart], *before))[seen]
        errors.append(float(np.sqrt(np.square(change).mean())))
    return statistics.fmean(errors)


def results(
    frames: list[np.ndarray], style: Style, settings: Settings, transfers: Engine, colour: placing.Shared | None
) -> list[np.ndarray]:
    """Each frame, with a colour part that all share or one of its own."""
    return [transfers.transfer(Request(Input(frame), style, settings, colour=colour)).image for frame in frames]


def linear(frames: list[np.ndarray], style: Style) -> Field:
    """The one affine map that gives all frames taken together the style's colour moments."""
    first, *_others = images = [torch.from_numpy(frame.transpose(2, 0, 1).copy()) for frame in frames]
    clouds = [ColourMoments.of(image) for image in images]
    colour_map = map_between(laid_together(clouds, shares_of(len(clouds), None)), style.full_moments[0])
    return Field(LightnessGrid, LightnessGrid(first).constant(colour_map))


def sheet(path: Path, rows: list[list[np.ndarray]]) -> None:
    """Every third frame of each way, one way a row."""
    pictures = [np.concatenate(row[::3], 1) for row in rows]
    Image.fromarray((np.concatenate(pictures) * 255).round().astype(np.uint8)).save(path)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--frames", type=int, default=12, help="of each sequence (default: %(default)s)")
    options.add_argument("--side", type=int, default=384, help="longer side of a frame (default: %(default)s px)")
    options.add_argument("--motion", type=float, default=2.0, help="how fast the camera moves (default: %(default)s)")
    options.add_argument(
        "--fitted",
        type=numbers,
        default=[series.FITTED],
        metavar="N,N,…",
        help="how many frames the one look is fitted on (default: the program's own number)",
    )
    options.add_argument("--pairs", type=int, default=len(PAIRS), help="how many of the pairs (default: all)")
    options.add_argument("--sheet", type=Path, metavar="PNG", help="contact sheet of the last pair")
    given = options.parse_args()
    settings, transfers = settings_from(given, mode="photo"), Engine()
    hierarchy, pictures, common = (
        prepared(settings).hierarchy.first(DETAIL_LAYERS),
        photographs(),
        fitting_together.IN_COMMON,
    )
    print(
        f"{machine(settings)}; mode {settings.mode}, sequences of {given.frames} frames of {given.side} px, "
        f"motion {given.motion:g}"
    )
    whole = replace(settings, correspondence="off")
    ways: dict[str, tuple[int, Photograph, Settings] | None] = {"frame by frame": None, LINEAR: None}
    ways |= {f"one look, fitted on {count}": (count, common, settings) for count in given.fitted}
    ways |= {
        "one look, as a whole": (series.FITTED, common, whole),
        "as a whole with a grid in space": (series.FITTED, Photograph(BilateralGrid), whole),
    }
    rows: dict[str, list[list[float]]] = {way: [] for way in ways}
    for target, source in PAIRS[: given.pairs]:
        frames, places = sequence(pictures[target], given.frames, given.side, given.motion)
        style = transfers.read_style(Input(pictures[source]), settings, for_any=False)
        own, shown = [temporal_error(frames, places, apart) for apart in (1, given.frames - 1)], [frames]
        for way, fit in ways.items():
            colour: placing.Shared | None = None
            fitting = 0.0
            if fit is not None:
                series.FITTED, fitting_together.IN_COMMON, of_way = fit
                some = [(frames[number], None) for number in series.spread(len(frames))]
                fitting, colour = timed(
                    lambda some=some, style=style, of_way=of_way: transfers.fit_together(some, style, of_way)
                )
            elif way == LINEAR:
                colour = linear(frames, style)
            taken, made = timed(
                lambda frames=frames, style=style, colour=colour: results(frames, style, settings, transfers, colour)
            )
            error, drift = (
                temporal_error(made, places, apart) / of_input
                for apart, of_input in zip((1, given.frames - 1), own, strict=True)
            )
            contrast = np.std(made) / np.std(frames)
            means = [hierarchy.measure(shrink(one, DETAIL_SIZE)) for one in made]
            misses = [
                statistics.median(((ours[layer] - wanted).norm() / wanted.norm()).item() for ours in means)
                for layer, wanted in enumerate(style.coupled_means)
            ]
            rows[way].append([error, error / float(contrast), drift, *misses, fitting, taken / len(frames)])
            shown.append(made)
        fitting_together.IN_COMMON = common
        print(f"\n{target} in the style of {source}: temporal error {255 * own[0]:.2f} / 255", flush=True)
        table(("way", *COLUMNS), [(way, *of_way[-1][:6]) for way, of_way in rows.items()])
    print("Medians of all pairs, and the most:")
    table(
        ("way", COLUMNS[0], "most", *COLUMNS[1:], "fitting, s", "a frame, s"),
        [
            (way, medians[0], max(row[0] for row in of_way), *medians[1:])
            for way, of_way in rows.items()
            for medians in [[statistics.median(column) for column in zip(*of_way, strict=True)]]
        ],
    )
    if given.sheet:
        sheet(given.sheet, shown)


if __name__ == "__main__":
    main()
