"""What a picture is the sum of, part by part, as it is once the box and the kept colours have had their say.

The components are linear, but the box is not. So each part is what the picture gains by one more of them, and the parts
add up to the picture exactly.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np

from decouple_contract.settings import COMPONENTS, Settings
from decouple_core.features.colour import LUMA
from decouple_core.outcomes.components import Components, Layers, keep_chroma_or_luma
from decouple_core.outcomes.registry import OUTCOMES
from decouple_core.pictures.visibility import blend

Share = Callable[[float], None]


def rendered(
    components: Components,
    settings: Settings,
    target: np.ndarray,
    out: np.ndarray,
    progress: Share,
    top: float = 0.0,
    bottom: float = 1.0,
    laid: Layers | None = None,
) -> None:
    """The picture of components in the amounts of the settings, into `out`; see `Components.render`."""
    OUTCOMES[settings.mode].in_amounts(components, settings).render(target, out, progress, top, bottom, laid)
    if settings.keep_colours or settings.keep_tones:
        keep_chroma_or_luma(target, out, LUMA, chroma=settings.keep_colours)


def stages(settings: Settings) -> list[Settings]:
    """The same settings with the first one, two, three and all of the components."""
    amounts, count = settings.all_amounts, len(COMPONENTS)
    return [
        dataclasses.replace(settings, amounts=(*amounts[:number], *[0.0] * (count - number)))
        for number in range(1, count + 1)
    ]


def parts(
    components: Components, settings: Settings, target: np.ndarray, mask: np.ndarray | None = None
) -> dict[str, np.ndarray]:
    """Each component's part of the picture, shape (H, W, 3) like the target; their sum is the picture.

    The first is the colour with the target under it. A photograph has no other. With a mask, (H, W) in [0, 1], the
    picture is the target's own where the mask leaves it.
    """
    made, before = {}, np.zeros(target.shape, np.float32)
    for name, stage in zip(COMPONENTS, stages(settings)[: 1 + len(components.differences)], strict=False):
        picture = np.empty(target.shape, np.float32)
        rendered(components, stage, target, picture, lambda share: None)
        if mask is not None:
            blend(picture, target, mask)
        made[name] = picture - before
        before = picture
    return made
