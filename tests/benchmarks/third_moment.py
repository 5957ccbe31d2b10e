"""What the third moment of the colours would bring to layer 0, on a folder of pairs.

    python tests/benchmarks/third_moment.py PAIRS OUT --scorer SCORER [--sheet sheet.png]

Layer 0 gives the target the style's mean and covariance of colours. Here its skewness along each principal axis of the
style's cloud follows, as the next decoupled feature: along the gradient of the third moment while mean and variance
stay, dz/dt = ±(z² − s z − 1) for a standardised z of skewness s. That is done to the linear colour transfer, and to
what a photograph begins with. PAIRS and SCORER are those of ``pairs.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from common import linear_colour, machine, numbered, parser, settings_from, table
from pairs import SCORES, scores, sheet

from decouple_core.engine import Engine
from decouple_core.pictures.reading import read_image
from decouple_core.pictures.writing import write_image
from decouple_core.request import Input, Request

STEP, MOST = 0.01, 400
"""Length of a step of that flow, and how many at most: 1 % of a deviation, and farther than any pair's way."""

METHODS = ("linear", "linear, third", "photograph", "photograph of linear", "photograph of linear, third")


def standardised(pixels: np.ndarray, mean: np.ndarray, axes: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Colours (H, W, 3) along the axes of a cloud, in its deviations."""
    return (pixels - mean) @ axes / deviations


def skewed(z: np.ndarray, goal: float) -> np.ndarray:
    """A standardised sample carried along the gradient of its third moment until that is `goal`."""
    z = (z - z.mean()) / z.std()
    for _ in range(MOST):
        skewness = (z**3).mean()
        if abs(goal - skewness) < 0.01:
            break
        direction = z**2 - skewness * z - 1.0
        # The third moment changes by 3 · mean(direction²) for each unit of time.
        z = z + np.clip((goal - skewness) / (3.0 * (direction**2).mean()), -STEP, STEP) * direction
        z = (z - z.mean()) / z.std()
    return z


def third_moment(target: np.ndarray, style: np.ndarray) -> np.ndarray:
    """The linear colour transfer with the style's skewness along each axis of its cloud, clipped to [0, 1]."""
    linear = linear_colour(target, style)
    cloud = style.reshape(-1, 3)
    mean = cloud.mean(0)
    variances, axes = np.linalg.eigh(np.cov(cloud.T, bias=True))
    deviations = np.sqrt(np.maximum(variances, 1e-6))
    ours, theirs = (standardised(pixels, mean, axes, deviations) for pixels in (linear, style))
    moved = np.stack([skewed(ours[..., axis], (theirs[..., axis] ** 3).mean()) for axis in range(3)], 2)
    return np.clip((moved * deviations) @ axes.T + mean, 0.0, 1.0).astype(np.float32)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("pairs", type=Path)
    options.add_argument("out", type=Path)
    options.add_argument("--scorer", type=Path, required=True, help="the program that scores results")
    options.add_argument("--sheet", type=Path, metavar="PNG", help="contact sheet of the results")
    given = options.parse_args()
    settings = settings_from(given)
    print(machine(settings))
    folders = {method: given.out / method.replace(", ", "_").replace(" ", "_") for method in METHODS}
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    transfers = Engine()
    for path in numbered(given.pairs / "content"):
        target, style = read_image(path).pixels, read_image(given.pairs / "style" / path.name).pixels
        linear, third = linear_colour(target, style), third_moment(target, style)
        made = [
            linear,
            third,
            *(
                transfers.transfer(Request(Input(start), Input(style), settings)).image
                for start in (target, linear, third)
            ),
        ]
        for folder, result in zip(folders.values(), made, strict=True):
            write_image(folder / path.name, result)
    found = scores(given.scorer, given.pairs, list(folders.values()))
    table(("method", *SCORES), [(method, *found[folder.name].values()) for method, folder in folders.items()])
    if given.sheet:
        *others, last = folders.items()
        sheet(given.sheet, given.pairs, last[1], dict(others))


if __name__ == "__main__":
    main()
