"""Self-transfer by the raw flow: how exactly a picture comes back from the reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from decouple_core.engine.decoupling import Decoupling
from decouple_core.engine.preparing import active_in
from decouple_core.engine.run import Run
from decouple_core.pictures.picture import Picture


@dataclass(frozen=True)
class RoundTrip:
    """How well an image comes back from the reference.

    Attributes
    ----------
    before, after : Tensor
        Shape (3, h, w), at the working size; `after` is neither clipped nor rounded.
    """

    before: Tensor
    after: Tensor

    @property
    def psnr(self) -> float:
        """Peak signal-to-noise ratio in dB, the peak being 1."""
        return -10.0 * (self.after - self.before).cpu().double().square().mean().log10().item()

    @property
    def equal_bytes(self) -> float:
        """Share of the 8-bit values that come back the same."""
        before, after = ((x.clamp(0, 1) * 255).round() for x in (self.before, self.after))
        return (before == after).cpu().double().mean().item()


def there_and_back(run: Run, image: np.ndarray) -> RoundTrip:
    """Normalise an image (H, W, 3) and give it its own features again, layer 0 included, without clipping."""
    model = run.model()
    picture = Picture.of(image, [], run.settings.size, run.device)
    run.plan(model.hierarchy, reads=False, stylises=True, renders=False)
    decoupling = Decoupling(run, model, active_in(run, model, picture))
    target = decoupling.normalised(picture)
    returned, _ = decoupling.stylised(picture, target, target.own)
    return RoundTrip(picture.small.image, returned)
