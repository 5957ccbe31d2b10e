"""The page of one transfer, from what ``report.json`` holds and the pictures of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from decouple_contract.errors import InputError
from decouple_core.outcomes.components import Components
from decouple_core.page import drawings
from decouple_core.page.document import Comparison, Drawings, Gallery, Section, Share, Table, write_page
from decouple_core.page.pictures import Image, of_difference, of_picture, of_tensor

COMPONENT_SIDE = 512
"""Pixels along the longer side of a component's picture: four of them stand beside each other."""


@dataclass(frozen=True, eq=False)
class PagePictures:
    """What went into a transfer and came out of it.

    Attributes
    ----------
    target, result : ndarray, PIL.Image.Image, Tensor or path
        In any form that `pictures.originals.take` knows.
    style : the same, or None
        None where only features were given.
    target_name, style_name : str
        For people; may be empty.
    components : Components
    """

    target: Any
    style: Any
    result: Any
    target_name: str
    style_name: str
    components: Components


def write_transfer_page(
    path: Path,
    facts: Mapping[str, Any],
    images: Mapping[str, Tensor],
    shown: PagePictures | None,
    places: Mapping[str, Tensor] | None = None,
) -> None:
    """Write the page of one transfer.

    Parameters
    ----------
    path : Path
    facts : mapping
        What ``report.json`` holds; see `Report`.
    images : mapping of str to Tensor
        The image after each step of the flow.
    shown : PagePictures, optional
        Without it the page has no pictures but those of the steps and of the places.
    places : mapping of str to Tensor, optional
        The pictures of `of_correspondence`, by what they show.
    """
    mode = facts["settings"]["mode"]
    named = [name for name in (shown.target_name, shown.style_name) if name] if shown else []
    lead = (
        f"{mode}, {facts['network']}, {facts['device']}: {sum(facts['seconds'].values()):.1f} s, "
        f"{facts['evaluations'].get('total', 0)} network evaluations"
    )
    sections = [
        *_pictures(shown),
        *_choices(facts),
        *_places(facts, places or {}),
        *_components(shown),
        *_layers(facts),
        *_certificate(facts),
        *_steps(images),
        *_losses(facts),
        *_noise(facts),
        *_seconds(facts),
        *_settings(facts),
    ]
    write_page(path, " in the style of ".join(named) if len(named) == 2 else "Style transfer", lead, sections)


def _pictures(shown: PagePictures | None) -> Iterator[Section]:
    if shown is None:
        return
    target, result = _picture(shown.target, "target"), _picture(shown.result, "result")
    if target and result:
        yield Comparison("Target and result", target, result, "Drag the divider, or move it with the arrow keys.")
    style = _picture(shown.style, shown.style_name or "style")
    if style:
        yield Gallery("Style", [style])
    elif shown.style_name:
        yield Table("Style", ("saved style",), [(shown.style_name,)])


def _picture(picture: Any, caption: str) -> Image | None:
    """A picture, or none where there is none any more: its file may have gone or changed since."""
    try:
        return None if picture is None else of_picture(picture, caption)
    except InputError:
        return None


def _choices(facts: Mapping[str, Any]) -> Iterator[Section]:
    if choices := facts.get("choices"):
        yield Table(
            "What was chosen",
            ("setting", "value", "why"),
            [(str(choice["setting"]), str(choice["value"]), str(choice["why"])) for choice in choices],
        )


def _places(facts: Mapping[str, Any], places: Mapping[str, Tensor]) -> Iterator[Section]:
    if places:
        sure = facts["correspondence"]
        yield Gallery(
            "Where each place takes from",
            [of_tensor(image, name) for name, image in places.items()],
            f"Each place in the style has a colour of its own. Each place in the target shows the "
            f"mean colour of the places that it takes its look from. Certainty "
            f"{sure['certainty']:.2f}: {sure['words']}.",
        )


def _components(shown: PagePictures | None) -> Iterator[Section]:
    if shown is None or shown.components.base is None or not shown.components.differences:
        return
    made = shown.components
    assert made.base is not None
    yield Gallery(
        "The parts that add up to the result",
        [
            of_tensor(made.base, "colour", COMPONENT_SIDE),
            *(of_difference(difference, name, COMPONENT_SIDE) for name, difference in made.differences.items()),
        ],
        "The colours, and what is added to them: grey changes nothing, lighter adds, darker subtracts.",
    )


def _layers(facts: Mapping[str, Any]) -> Iterator[Section]:
    if facts["layers"]:
        yield Table(
            "What each layer reached",
            ("layer", "of the way to the style", "relative error"),
            [
                (layer["layer"], _part(layer["share_of_the_way"]), f"{layer['relative_error']:.3f}")
                for layer in facts["layers"]
            ],
            "From the target's own features towards the style's, in the order in which the layers were moved.",
        )


def _certificate(facts: Mapping[str, Any]) -> Iterator[Section]:
    """How far layers and components move themselves and the others."""
    names = list(facts["dead_channels"])
    if facts.get("drift"):
        yield Table(
            "What moving one layer does to the others",
            ("layer that moves", *names),
            [
                (
                    entry["layer"],
                    *(_part(share) for share in entry["shares"]),
                    *[""] * (len(names) - len(entry["shares"])),
                )
                for entry in facts["drift"]
            ],
            "For the layer itself, the share of its way from the noise to the style. For the layers before it, "
            "which should stay, the shift as a share of the way they still have to go.",
        )
    if facts["certificate"]:
        most = max(len(entry["shares"]) for entry in facts["certificate"])
        yield Table(
            "What each component moves",
            ("scale, component", *names[:most]),
            [
                (
                    f"{entry['side']} px, {entry['component']}",
                    *(_part(share) for share in entry["shares"]),
                    *[""] * (most - len(entry["shares"])),
                )
                for entry in facts["certificate"]
            ],
            "Shares of the way from the photograph's means to the style's, at each scale.",
        )


def _part(share: float) -> Share:
    return Share(f"{share:.1%}".replace("-", "−"), share)


def _steps(images: Mapping[str, Tensor]) -> Iterator[Section]:
    if len(images) > 1:  # a photograph's only one is the target
        yield Gallery(
            "The picture after every step of the flow",
            [of_tensor(image, name.replace("_", " ", 1), COMPONENT_SIDE) for name, image in images.items()],
        )


def _losses(facts: Mapping[str, Any]) -> Iterator[Section]:
    if facts["losses"]:
        yield Drawings(
            "Loss of each layer",
            drawings.losses(facts["losses"], list(facts["dead_channels"])),
            "As in figures 4.3 and 4.4 of the thesis. The moving layer approaches its goal; the layers "
            "before it stay at theirs.",
        )


def _noise(facts: Mapping[str, Any]) -> Iterator[Section]:
    if facts["reference"]:
        yield Drawings(
            "Channel means of the noise",
            drawings.noise_means(facts["reference"], facts["dead_channels"]),
            "As in figure 4.5 of the thesis, for every layer. Red marks are dead channels: 0 on the noise, "
            "the target or the style, and left out.",
        )


def _seconds(facts: Mapping[str, Any]) -> Iterator[Section]:
    longest = max(facts["seconds"].values(), default=0.0) or 1.0
    yield Table(
        "Time",
        ("step", "seconds"),
        [(name, Share(f"{seconds:.2f} s", seconds / longest)) for name, seconds in facts["seconds"].items()],
    )


def _settings(facts: Mapping[str, Any]) -> Iterator[Section]:
    yield Table("Settings", ("setting", "value"), [(name, _word(value)) for name, value in facts["settings"].items()])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_word, value)) or "–"
    return str(value)
