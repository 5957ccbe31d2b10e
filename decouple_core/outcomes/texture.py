"""The painterly texture: the flow's own result, laid over the photograph's field."""

from __future__ import annotations

from decouple_core.contract.settings import Settings
from decouple_core.model.prepared import PreparedModel
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.outcome import Dressed, Outcome
from decouple_core.outcomes.photograph import Photograph, repainted


class Texture(Outcome):
    """The picture bends as far as the flow took it."""

    def flow_size(self, size: int) -> int:
        """The working size itself."""
        return size

    def components(self, model: PreparedModel, dressed: Dressed, settings: Settings) -> Components:
        small, inside = dressed.picture.small.image, dressed.image.clamp(0.0, 1.0)
        field = repainted(Photograph().carried(small, inside), dressed.picture.medium, dressed.goal)
        return Components(field, {"texture": inside - field.picture(small)})
