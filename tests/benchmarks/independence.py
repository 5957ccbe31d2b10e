"""What an artist's choices leave alone in a painting: components, held layers, and the size.

    python tests/benchmarks/independence.py [--size 512] [--held 256] [--pairs coffee:tissue,astronaut:tissue]

Three tables, means over the pairs. *Components*: how far forms, strokes and grain alone, and all of them, move the
means of each layer at each scale, as a share of their way to the style's. *Held layers*: the same of all components
where some layers are left at the target's own. *Sizes*: paintings of --size and of half of it, shrunk to the scales of
both.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from common import machine, parser, photographs, resized, settings_from, stained_tissue, table

from decouple_contract.settings import LAYER_COUNT, Settings
from decouple_core.engine import Engine
from decouple_core.outcomes.certificate import Movement
from decouple_core.outcomes.painting import COARSEST
from decouple_core.pictures.pyramid import doubling, smaller
from decouple_core.pictures.resampling import working_shape
from decouple_core.request import Input, Request

Pair = tuple[np.ndarray, np.ndarray]

HELD = ((4, 5), (1, 2), (3,))
"""Layers that are left at the target's own: the deep ones, the shallow ones, and one between others."""


def certificates(pairs: Sequence[Pair], settings: Settings) -> dict[tuple[int, str], list[str]]:
    """The mean share of each layer's way, by scale and component."""
    found: dict[tuple[int, str], list[list[float]]] = {}
    for target, style in pairs:
        rows: list[Movement] = (
            Engine().transfer(Request(Input(target), Input(style), settings), certify=True).report.certificate
        )
        for row in rows:
            found.setdefault((row.side, row.component), []).append(row.shares)
    return {
        key: [f"{statistics.fmean(values):.2f}" for values in zip(*shares, strict=True)]
        for key, shares in found.items()
    }


def padded(cells: Sequence[str]) -> list[str]:
    """As many cells as there are layers."""
    return [*cells, *[""] * (LAYER_COUNT - len(cells))]


def held(pairs: Sequence[Pair], settings: Settings) -> Iterator[list[object]]:
    """Rows of what the layers of a painting move where some are held."""
    for layers in HELD:
        strengths = [1.0] + [0.0 if layer in layers else 1.0 for layer in range(1, LAYER_COUNT + 1)]
        for (side, component), shares in certificates(pairs, replace(settings, strength_per_layer=strengths)).items():
            if component == "all":
                marked = [f"**{share}**" if layer in layers else share for layer, share in enumerate(shares, 1)]
                yield [", ".join(map(str, layers)), side, *padded(marked)]


def sizes(pairs: Sequence[Pair], settings: Settings) -> Iterator[list[object]]:
    """Rows of how alike paintings of two sizes are at the scales that both have."""
    alike: dict[int, list[tuple[float, float]]] = {}
    for target, style in pairs:
        plain = torch.from_numpy(target).permute(2, 0, 1)
        both = [replace(settings, keep_detail=0.0, size=size) for size in (settings.size, settings.size // 2)]
        fine, coarse = (
            torch.from_numpy(Engine().transfer(Request(Input(target), Input(style), one)).image).permute(2, 0, 1)
            for one in both
        )
        for side in doubling(settings.size // 2, COARSEST):
            shape = working_shape((plain.shape[1], plain.shape[2]), side)
            one, other, before = (smaller(image, shape) for image in (fine, coarse, plain))
            changes = torch.stack([(one - before).flatten(), (other - before).flatten()])
            alike.setdefault(side, []).append(
                (255 * (one - other).abs().median().item(), torch.corrcoef(changes)[0, 1].item())
            )
    for side, found in alike.items():
        yield [side, *map(statistics.fmean, zip(*found, strict=True))]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--size", type=int, default=512, help="longer side in pixels (default: %(default)s)")
    options.add_argument("--held", type=int, default=256, help="the same for held layers (default: %(default)s)")
    options.add_argument(
        "--pairs",
        default="coffee:tissue,astronaut:tissue",
        help="photographs and whose style they take (default: %(default)s)",
    )
    given = options.parse_args()
    settings = settings_from(given, mode="painting", size=given.size)
    pictures = {**photographs(), "tissue": stained_tissue()}
    pairs = [
        (resized(pictures[target], given.size), resized(pictures[style], given.size))
        for target, style in (pair.split(":") for pair in given.pairs.split(","))
    ]
    small = [(resized(target, given.held), style) for target, style in pairs]
    print(f"{machine(settings)}; means over {given.pairs}")
    layers = [f"layer {number}" for number in range(1, LAYER_COUNT + 1)]
    print("\nComponents")
    table(
        ("scale", "component", *layers),
        [[side, name, *padded(shares)] for (side, name), shares in certificates(pairs, settings).items()],
    )
    print("Held layers")
    table(("held", "scale", *layers), held(small, replace(settings, size=given.held)))
    print("Sizes")
    table(("scale", "median difference / 255", "correlation of what they change"), sizes(pairs, settings))


if __name__ == "__main__":
    main()
