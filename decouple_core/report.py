"""What happened during a transfer, for people and for programs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from decouple_contract.errors import InputError
from decouple_contract.failures import as_failure, reason
from decouple_contract.files import write_whole
from decouple_contract.paths import possible
from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.features.hierarchy import Hierarchy
from decouple_core.features.linearised import WorkCount
from decouple_core.flow.move import Move
from decouple_core.outcomes.certificate import Drift, Movement
from decouple_core.outcomes.strategy import Choice
from decouple_core.page.of_correspondence import tinted
from decouple_core.page.of_transfer import PagePictures, write_transfer_page
from decouple_core.pictures.writing import write_image


@dataclass
class Journal:
    """Collects what a transfer's steps have to say.

    Attributes
    ----------
    seconds : dict
        Wall-clock seconds of each step.
    images : dict
        The image after each step, shape (3, h, w) at the working size.
    certificate : list of Movement
    drift : list of Drift
        Both of a painting, where they were asked for.
    choices : list of Choice
        What was not said by the settings.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    images: dict[str, Tensor] = field(default_factory=dict)
    certificate: list[Movement] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    _step: str = ""
    _distances: list[tuple[str, int, list[Tensor]]] = field(default_factory=list)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time one step, of which there may be several parts, and name what is noted within it."""
        self._step, start = name, time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)

    def loss(self, move: Move, values: Tensor, sizes: Sequence[int]) -> None:
        """Note how far the features of each layer, of these sizes, are from the move's goals."""
        distances = (values - move.goals).square().mean(0).split(list(sizes[: move.layer]))
        # Left where they are until somebody asks: an accelerator would stand still at every evaluation.
        self._distances.append((self._step, move.layer, [layer.mean() for layer in distances]))

    @property
    def losses(self) -> list[dict[str, Any]]:
        """One entry per evaluation of the flow: ``step``, ``layer`` that moved, and ``loss``, the mean squared distance
        of every layer so far from where it is to be.
        """
        means = [mean for _, _, layers in self._distances for mean in layers]
        values = iter(torch.stack(means).cpu().tolist() if means else [])
        return [
            {"step": step, "layer": layer, "loss": [next(values) for _ in layers]}
            for step, layer, layers in self._distances
        ]


@dataclass(frozen=True)
class LayerReport:
    """One layer's certificate: its features before, wanted and reached, region by region.

    A painting's are the decoupled ones, at the flow's working size; a photograph's the coupled ones that its field is
    corrected towards.

    Attributes
    ----------
    layer : str
    own, wanted, reached : list of list of float
        Shape (R, features).
    relative_error : float
        ``|reached − wanted| / |wanted|``.
    share_of_the_way : float
        ``1 − |reached − wanted| / |wanted − own|``; 1 where there was no way to go.
    """

    layer: str
    own: list[list[float]]
    wanted: list[list[float]]
    reached: list[list[float]]
    relative_error: float
    share_of_the_way: float

    @classmethod
    def of(cls, layer: str, own: Tensor, wanted: Tensor, reached: Tensor) -> LayerReport:
        """From features of shape (R, m)."""
        own, wanted, reached = own.cpu(), wanted.cpu(), reached.cpu()
        way, miss = (wanted - own).norm().item(), (reached - wanted).norm().item()
        return cls(
            layer,
            own.tolist(),
            wanted.tolist(),
            reached.tolist(),
            ((reached - wanted).norm() / wanted.norm().clamp_min(1e-12)).item(),
            1.0 - miss / way if way > 0 else 1.0,
        )


@dataclass(frozen=True)
class Report:
    """What was done and reached.

    Attributes
    ----------
    settings : Settings
        As they were used, with nothing automatic left and the working size after any step down.
    choices : list of Choice
        Which of them were chosen by the program, and why.
    network : str
    device : str
        In a user's words.
    seconds : dict of str to float
        Wall-clock time of each step.
    evaluations : dict
        Passes through the network: of each kind, ``total``, ``multiply_adds`` of their convolutions, and ``by_depth``.
    layers : list of LayerReport
        Deep to shallow, as they were imposed.
    certificate : list of Movement
        How far each component of a painting moves the means at each scale; empty where it was not asked for.
    drift : list of Drift
        How far each layer moved itself and the layers before it; empty where it was not asked for.
    dead_channels : dict of str to list of int
        Features that are 0 on the noise, the target or the style, and were left out.
    reference : list of list of float
        Features of the noise, layer by layer.
    losses : list of dict
        See `Journal`.
    images : dict of str to Tensor
        See `Journal`.
    shown : PagePictures or None
        The pictures for the page, if there are any; they are read when it is written.
    correspondence : Correspondence or None
        Where each place of the target takes from; None where the picture is taken as a whole.
    """

    settings: Settings
    choices: list[Choice]
    network: str
    device: str
    seconds: dict[str, float]
    evaluations: dict[str, Any]
    layers: list[LayerReport]
    certificate: list[Movement]
    drift: list[Drift]
    dead_channels: dict[str, list[int]]
    reference: list[list[float]]
    losses: list[dict[str, Any]] = field(repr=False)
    images: Mapping[str, Tensor] = field(repr=False)
    shown: PagePictures | None = field(default=None, repr=False)
    correspondence: Correspondence | None = field(default=None, repr=False)

    @classmethod
    def of(
        cls,
        settings: Settings,
        network: str,
        device: str,
        journal: Journal,
        layers: list[LayerReport],
        hierarchy: Hierarchy,
        work: WorkCount,
        active: Tensor,
        reference: Sequence[Tensor],
        correspondence: Correspondence | None = None,
    ) -> Report:
        """Put together what a transfer knows at its end."""
        names = hierarchy.names
        evaluations = {
            **{kind: work.of(kind) for kind in ("forward", "jvp", "vjp")},
            "total": work.evaluations,
            "multiply_adds": work.multiply_adds,
            "by_depth": {f"{kind} {names[depth - 1]}": number for (kind, depth), number in sorted(work.passes.items())},
        }
        dead = {
            name: (alive == 0).nonzero().flatten().tolist()
            for name, alive in zip(names, active.cpu().split(list(hierarchy.sizes)), strict=True)
        }
        noise = [values.flatten().cpu().tolist() for values in reference]
        return cls(
            settings,
            journal.choices,
            network,
            device,
            journal.seconds,
            evaluations,
            layers,
            journal.certificate,
            journal.drift,
            dead,
            noise,
            journal.losses,
            journal.images,
            correspondence=correspondence,
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON; without the losses and images, which are long."""
        choices = [
            {"setting": one.setting, "value": one.value, "why": str(one.why), "message": one.why.as_dict()}
            for one in self.choices
        ]
        return {
            "reference": self.reference,
            "settings": self.settings.as_dict(),
            "choices": choices,
            "network": self.network,
            "device": self.device,
            "seconds": self.seconds,
            "correspondence": _told(self.correspondence),
            "evaluations": self.evaluations,
            "layers": [asdict(layer) for layer in self.layers],
            "certificate": [asdict(moved) for moved in self.certificate],
            "drift": [asdict(drift) for drift in self.drift],
            "dead_channels": self.dead_channels,
        }

    def save(self, folder: str | Path) -> None:
        """Write ``report.json``, ``report.html`` and the images of every step into a folder, made if missing.

        Of a correspondence there is the target in the colours of the places that it takes from
        (``correspondence_target.png``) and each style in the colours of its places (``correspondence_style.png``;
        of a mixture ``correspondence_style_1.png`` …).

        Raises
        ------
        InputError
            When the folder cannot be written.
        DiskFullError
            When the disk has no room for it; what was written until then is whole.
        """
        folder = possible(folder)
        facts = {**self.as_dict(), "losses": self.losses}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_whole(folder / "report.json", json.dumps(facts, indent=1).encode())
            for number, (name, image) in enumerate(self.images.items()):
                write_image(folder / f"step_{number}_{name}.png", image.permute(1, 2, 0).cpu().numpy())
            places = self._places()
            for name, image in places.items():
                write_image(
                    folder / f"correspondence_{name.replace(' ', '_')}.png", image.permute(1, 2, 0).cpu().numpy()
                )
            write_transfer_page(folder / "report.html", facts, self.images, self.shown, places)
        except OSError as error:
            raise as_failure(error, InputError("folder-unwritable", path=str(folder), reason=reason(error))) from error

    def _places(self) -> dict[str, Tensor]:
        """The pictures of the correspondence, by what they show."""
        if self.correspondence is None:
            return {}
        styles, target = tinted(self.correspondence)
        names = ["style"] if len(styles) == 1 else [f"style {number}" for number in range(1, len(styles) + 1)]
        return {**dict(zip(names, styles, strict=True)), "target": target}


def _told(correspondence: Correspondence | None) -> dict[str, Any] | None:
    """How sure a correspondence is, as plain values."""
    if correspondence is None:
        return None
    words = correspondence.how_sure
    return {"certainty": round(correspondence.certainty, 3), "words": str(words), "message": words.as_dict()}
