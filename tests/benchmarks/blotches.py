"""Blotches: low-frequency chroma of a result that is explained neither by the target's nor by the plan.

    python tests/benchmarks/blotches.py [PAIRS] [--other NAME=FOLDER]

PAIRS holds content/N.png and style/N.png (default: the pairs of places.py). Each pair is transferred with the picture
taken as a whole (*off*) and by place (*auto*). CIELAB of the result, blurred by `WIDTH` of its longer side, is
regressed in windows of `WINDOW` on the target's, blurred alike, and on the mean colours that the plan gives each
place, along the target's surfaces; what the two chroma channels leave unexplained is a blotch. The table tells its
root mean square, in ΔE: medians and the worst pair. A row of its own is a yardstick: the target with spots of 3 ΔE,
as wide as the blur, that stand on nothing in the picture; about half of them is left, the rest the windows take for
the target's own.
"""

from __future__ import annotations

import statistics
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import places
import torch
import torch.nn.functional as F
from common import machine, numbered, parser, settings_from, table
from skimage.color import lab2rgb, rgb2lab

from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.surfaces import spread
from decouple_core.engine import Engine
from decouple_core.pictures.blurring import blurred
from decouple_core.pictures.reading import read_image
from decouple_core.request import Input, Request

WIDTH = 0.02
"""Standard deviation of the blur, as a share of the longer side: finer chroma is detail."""

WINDOW = 0.1
"""Standard deviation of a window, as a share of the longer side: some 25 independent spots for seven regressors."""

SIDE = 160
"""Longer side, in pixels, at which all is compared: the blur is 3 of them."""

RIDGE = 0.5
"""In ΔE: regressors that differ by less in a window explain nothing there."""

SPOTS = 3.0
"""Amplitude of the drawn spots, in ΔE, root mean square."""


@dataclass(frozen=True)
class Explained:
    """What may explain the chroma of a result.

    Attributes
    ----------
    regressors : ndarray
        CIELAB of the target and of the plan's mean colours, blurred, and 1, shape (7, h, w).
    """

    regressors: np.ndarray

    @classmethod
    def by(cls, target: np.ndarray, correspondence: Correspondence | None) -> Explained:
        """By a target (H, W, 3) and, where there is one, a plan."""
        small = _small(target)
        given = [small] if correspondence is None else [small, planned(small, correspondence)]
        planes = [_low_pass(rgb2lab(pixels)) for pixels in given]
        return cls(np.concatenate([*planes, np.ones_like(planes[0][:1])]))

    def blotches(self, result: np.ndarray) -> float:
        """Root mean square of what is left of a result's low-pass chroma, in ΔE."""
        chroma = _low_pass(rgb2lab(_small(result)))[1:]
        return float(np.sqrt(np.square(self.left(chroma)).sum(0).mean()))

    def left(self, chroma: np.ndarray) -> np.ndarray:
        """What regression in windows leaves of chroma (2, h, w)."""
        x, width = self.regressors, WINDOW * SIDE
        weights = _window(np.ones_like(x[:1]), width)
        means, goals = (_window(planes, width) / weights for planes in (x[:-1], chroma))
        second = _window(x[:-1, None] * x[None, :-1], width) / weights - means[:, None] * means[None]
        cross = _window(x[:-1, None] * chroma[None], width) / weights - means[:, None] * goals[None]
        ridge = RIDGE**2 * np.eye(len(means))
        slopes = np.linalg.solve(np.moveaxis(second, (0, 1), (-2, -1)) + ridge, np.moveaxis(cross, (0, 1), (-2, -1)))
        return chroma - goals - np.einsum("yxkc,kyx->cyx", slopes, x[:-1] - means)


def planned(image: np.ndarray, correspondence: Correspondence) -> np.ndarray:
    """The mean colour that the plan gives each place of an image (h, w, 3), along the image's surfaces."""
    guide = torch.from_numpy(image.transpose(2, 0, 1).copy())
    moments = torch.cat([one.moments for one in correspondence.styles])
    _, wanted = correspondence.conditional(correspondence.target.moments[:, :3], moments[:, :3])
    planes = wanted.T.unflatten(1, correspondence.target.grid)
    planes = F.interpolate(planes[None], size=guide.shape[1:], mode="bilinear")[0]
    return spread(planes, guide).permute(1, 2, 0).clamp(0, 1).numpy()


def spotted(target: np.ndarray) -> np.ndarray:
    """A target with spots of chroma of `SPOTS` that stand on nothing in it."""
    noise = np.random.default_rng(0).standard_normal((*target.shape[:2], 2))
    spots = np.moveaxis(_blur(np.moveaxis(noise, -1, 0), WIDTH * max(target.shape[:2])), 0, -1)
    lab = rgb2lab(target)
    lab[..., 1:] += spots * SPOTS / np.sqrt(np.square(spots).sum(-1).mean())
    return np.clip(lab2rgb(lab), 0, 1).astype(np.float32)


def _small(pixels: np.ndarray) -> np.ndarray:
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    given = torch.from_numpy(np.ascontiguousarray(pixels, np.float32)).permute(2, 0, 1)[None]
    small = F.interpolate(given, size=(round(height * scale), round(width * scale)), mode="area")
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy())


def _low_pass(lab: np.ndarray) -> np.ndarray:
    return _blur(np.moveaxis(lab.astype(np.float64), -1, 0), WIDTH * SIDE)


def _window(planes: np.ndarray, width: float) -> np.ndarray:
    return _blur(planes.reshape(-1, *planes.shape[-2:]), width).reshape(planes.shape)


def _blur(planes: np.ndarray, width: float) -> np.ndarray:
    return blurred(torch.from_numpy(np.ascontiguousarray(planes)), width).numpy()


def measure(pairs: Path, settings: Settings, others: dict[str, Path]) -> dict[str, list[float]]:
    """The blotches of every pair, by method."""
    engine, whole = Engine(), Settings.from_dict({**settings.as_dict(), "correspondence": "off"})
    found: dict[str, list[float]] = {}
    for path in numbered(pairs / "content"):
        target, style = (read_image(pairs / side / path.name).pixels for side in ("content", "style"))
        by_place = engine.transfer(Request(Input(target), Input(style), settings))
        explained = Explained.by(target, by_place.correspondence)
        results = {
            "drawn spots": spotted(target),
            "off": engine.transfer(Request(Input(target), Input(style), whole)).image,
            "auto": by_place.image,
        }
        for name, folder in others.items():
            results[name] = read_image(folder / path.name).pixels
        for name, result in results.items():
            found.setdefault(name, []).append(explained.blotches(result))
        print(path.stem, *(f"{name} {values[-1]:.2f}" for name, values in found.items()), sep="  ", flush=True)
    return found


def main() -> None:
    options = parser(__doc__)
    options.add_argument("pairs", type=Path, nargs="?")
    options.add_argument("--other", action="append", default=[], metavar="NAME=FOLDER", help="another method's results")
    given = options.parse_args()
    settings = settings_from(given)
    others = {name: Path(folder) for name, folder in (item.split("=", 1) for item in given.other)}
    print(machine(settings))
    with tempfile.TemporaryDirectory() as scratch:
        pairs = given.pairs or Path(scratch)
        if given.pairs is None:
            places.write_pairs(pairs)
        found = measure(pairs, settings, others)
    table(
        ("result", "pairs", "blotches, ΔE", "worst"),
        [(name, len(values), statistics.median(values), max(values)) for name, values in found.items()],
    )


if __name__ == "__main__":
    main()
