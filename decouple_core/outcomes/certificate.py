"""What a painting's components and layers move besides themselves: what decoupling keeps, in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.style import ScaleFeatures
from decouple_core.outcomes.components import Components
from decouple_core.pictures.picture import Scale
from decouple_core.pictures.pyramid import at_side, larger


@dataclass(frozen=True)
class Movement:
    """What components do to the means at one scale.

    Attributes
    ----------
    side : int
        Longer side of the scale, in pixels.
    component : str
        "forms", "strokes" or "grain" alone, or "all" of them.
    shares : list of float
        Of each layer's way from the colour picture's means to the style's: ⟨moved, way⟩ / |way|², 1 for all of it.
    """

    side: int
    component: str
    shares: list[float]


@dataclass(frozen=True)
class Drift:
    """What stylising one layer does to the layers that are to stay at the reference meanwhile.

    Attributes
    ----------
    layer : str
        The one that moves.
    shares : list of float
        Of the layers before it, shallow to deep: |moved| / |way|, their own ways being those from the reference to the
        goal. Last the layer itself: ⟨moved, way⟩ / |way|², 1 for all of it.
    """

    layer: str
    shares: list[float]


def drift(
    hierarchy: Hierarchy, images: Sequence[Tensor], reference: Sequence[Tensor], goals: Sequence[Tensor], active: Tensor
) -> list[Drift]:
    """What stylising each layer moves.

    Parameters
    ----------
    hierarchy : Hierarchy
        Within the picture's regions.
    images : sequence of Tensor
        The normalised picture, and it after each move, the deepest layer's first.
    reference, goals : sequence of Tensor
        Features of the layers, shallow to deep.
    active : Tensor
        Which features take part, shape (M,).
    """
    alive = active.split(list(hierarchy.sizes))
    ways = [(goal.to(active) - value.to(active)) * a for goal, value, a in zip(goals, reference, alive, strict=False)]
    found = []
    for layer, before, after in zip(range(len(goals), 0, -1), images, images[1:], strict=False):
        moved = [
            (b - a) * live
            for a, b, live in zip(
                hierarchy.measure(before, layer), hierarchy.measure(after, layer), alive, strict=False
            )
        ]
        *held, own = zip(moved, ways, strict=False)
        found.append(
            Drift(
                hierarchy.names[layer - 1],
                [*(((m.norm() / w.norm().clamp_min(1e-12)).item()) for m, w in held), _share(*own)],
            )
        )
    return found


def certificate(
    hierarchy: Hierarchy, components: Components, masks: Tensor | None, wanted: Mapping[int, ScaleFeatures]
) -> list[Movement]:
    """What each component alone, and all of them, move at each scale.

    Parameters
    ----------
    hierarchy : Hierarchy
    components : Components
        Of a painting.
    masks : Tensor or None
        Of its regions at the finest scale, shape (R, H, W).
    wanted : mapping of int to ScaleFeatures
        The style at each scale, by the scale's longer side in the painting.
    """
    assert components.base is not None  # a painting has one
    base, moved = components.base, []
    added = {name: larger(d, (base.shape[1], base.shape[2])) for name, d in components.differences.items()}
    chosen = {**{name: [d] for name, d in added.items()}, "all": list(added.values())}
    for side, features in wanted.items():
        goal = features.means

        def measured(image: Tensor, side: int = side, goal: Sequence[Tensor] = goal) -> list[Tensor]:
            scale = at_side(Scale(image, masks), side)
            these = hierarchy.of_sizes([means.shape[1] for means in goal])
            return these.within(scale.masks).measure(scale.image, len(goal))

        own = measured(base)
        for name, differences in chosen.items():
            reached = measured((base + torch.stack(differences).sum(0)).clamp(0.0, 1.0))
            moved.append(
                Movement(side, name, [_share(b - o, g.to(o) - o) for o, b, g in zip(own, reached, goal, strict=False)])
            )
    return moved


def _share(moved: Tensor, way: Tensor) -> float:
    return ((moved * way).sum() / way.square().sum().clamp_min(1e-12)).item()
