"""Whether a picture decays when it is stylised again and again, after the leak test of An et al. 2021 (ArtFlow).

    python tests/benchmarks/leak.py [FIGURE.jpg] [--size 256] [--rounds 1,5,10,20] [--target coffee] [--style rocket]

*There and back* stylises A in B's style and the result back in A's, round after round, and compares with A. *The same
style* stylises A in B's style, the result in B's style again, and so on, and compares with what the first time gave.
Every result is rounded to 8 bits, as if it were saved and opened. The linear colour transfer, which ought to lose
nothing but what the box [0, 1] and the rounding take, goes the same ways for comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import linear_colour, machine, numbers, parser, photographs, resized, settings_from, table
from scoring import Scorer
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from decouple_contract.settings import Settings
from decouple_core.engine import Engine
from decouple_core.request import Input, Request

Transfer = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From target and style, each (H, W, 3) float32 in [0, 1], to the result in [0, 1]."""


@dataclass(frozen=True)
class Leaked:
    """What is left after some rounds.

    Attributes
    ----------
    psnr, ssim : float
        Against the picture that it ought to be.
    contrast, detail, chroma : float
        Standard deviation of the luma, of its differences between neighbours, and the mean distance from grey, as
        multiples of those of that picture: 1 where nothing fades, blurs or glows.
    means : float
        Relative error of the style's channel means, the mean of m1 … m3.
    """

    psnr: float
    ssim: float
    contrast: float
    detail: float
    chroma: float
    means: float


def there_and_back(transfer: Transfer, target: np.ndarray, style: np.ndarray) -> Iterator[np.ndarray]:
    """A after each round by way of B's style."""
    picture = target
    while True:
        picture = saved(transfer(saved(transfer(picture, style)), target))
        yield picture


def same_style(transfer: Transfer, target: np.ndarray, style: np.ndarray) -> Iterator[np.ndarray]:
    """A in B's style once, twice, …"""
    picture = target
    while True:
        picture = saved(transfer(picture, style))
        yield picture


def saved(picture: np.ndarray) -> np.ndarray:
    """A copy of the picture as eight bits hold it."""
    return np.asarray(np.round(255 * np.clip(picture, 0, 1)) / 255, np.float32)


def compare(scorer: Scorer, first: np.ndarray, picture: np.ndarray, style: np.ndarray) -> Leaked:
    """What is left of the first picture, and how far the style's means are."""
    before, after = _looks(first), _looks(picture)
    contrast, detail, chroma = (float(a / b) for a, b in zip(after, before, strict=True))
    with np.errstate(divide="ignore"):  # equal pictures: infinitely many dB
        psnr = float(peak_signal_noise_ratio(first, picture, data_range=1))
    return Leaked(
        psnr,
        float(structural_similarity(first, picture, data_range=1, channel_axis=2)),
        contrast,
        detail,
        chroma,
        float(np.mean(scorer.means(picture, style))),
    )


def _looks(picture: np.ndarray) -> tuple[np.floating, np.floating, np.floating]:
    luma = picture @ np.asarray((0.2126, 0.7152, 0.0722), np.float32)
    differences = np.concatenate([np.diff(luma, axis=axis).ravel() for axis in (0, 1)])
    return luma.std(), differences.std(), np.linalg.norm(picture - luma[..., None], axis=2).mean()


def main() -> None:
    options = parser(__doc__)
    options.add_argument("figure", type=Path, nargs="?", metavar="FIGURE.jpg")
    options.add_argument("--size", type=int, default=256, help="longer side in pixels (default: %(default)s)")
    options.add_argument("--rounds", type=numbers, default=[1, 5, 10, 20], help="when to look (default: 1,5,10,20)")
    options.add_argument("--target", default="coffee", help="photograph A (default: %(default)s)")
    options.add_argument("--style", default="rocket", help="photograph B (default: %(default)s)")
    options.add_argument("--methods", default="photo,painting,linear_colour", help="what to try (default: %(default)s)")
    given = options.parse_args()
    photos = photographs()
    target, style = (saved(resized(photos[name], given.size)) for name in (given.target, given.style))
    settings = settings_from(given)
    scorer, transfers = Scorer(settings.network), Engine()
    print(f"{machine(settings)}; {given.target} and {given.style} at {given.size} px")
    strips: dict[str, list[np.ndarray]] = {}
    rows = []
    for name in given.methods.split(","):
        transfer = linear_colour if name == "linear_colour" else stylised(transfers, settings_from(given, mode=name))
        for way, path, wears in (("there and back", there_and_back, target), ("the same style", same_style, style)):
            first = target if path is there_and_back else None
            for number, picture in zip(range(1, max(given.rounds) + 1), path(transfer, target, style), strict=False):
                first = picture if first is None else first
                if number in given.rounds:
                    rows.append((name, way, number, *vars(compare(scorer, first, picture, wears)).values()))
                    strips.setdefault(f"{name}, {way}", []).append(picture)
    table(("outcome", "way", "rounds", "PSNR, dB", "SSIM", "contrast", "detail", "chroma", "means' error"), rows)
    if given.figure:
        draw(given.figure, target, style, strips, given.rounds)


def stylised(transfers: Engine, settings: Settings) -> Transfer:
    """The program itself with these settings."""
    return lambda target, style: transfers.transfer(Request(Input(target), Input(style), settings)).image


def draw(
    path: Path, target: np.ndarray, style: np.ndarray, strips: dict[str, list[np.ndarray]], rounds: list[int]
) -> None:
    """A strip of pictures for every way."""
    from matplotlib.figure import Figure

    columns = len(rounds) + 1
    height = target.shape[0] / target.shape[1]
    figure = Figure(figsize=(2.6 * columns, (2.6 * height + 0.25) * len(strips)), layout="constrained")
    panels = np.atleast_2d(figure.subplots(len(strips), columns))
    for row, (title, pictures) in zip(panels, strips.items(), strict=True):
        begins = ("A", target) if "there and back" in title else ("B", style)
        titled = [begins, *((f"{title}, {number}", picture) for number, picture in zip(rounds, pictures, strict=True))]
        for axes, (label, picture) in zip(row, titled, strict=True):
            axes.imshow(picture)
            axes.set_title(label, fontsize=7)
            axes.axis("off")
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
