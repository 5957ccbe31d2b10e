"""Regions that correspond, sky to sky: layers of flat colours that the user has painted over target and style."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gi.repository import Gimp

from decoupled_style.host.pixels import Reading, hand_over_labels
from decoupled_style.host.styles import LayerStyle, Mixture, Style
from decoupled_style.messages import Failure, _


@dataclass(frozen=True)
class Regions:
    """Two layers of labels, and the picture that the second one belongs to.

    Attributes
    ----------
    target, style : Gimp.Drawable
        The labels; hidden or not.
    picture : Gimp.Drawable
        The layer whose style is taken.
    """

    target: Gimp.Drawable
    style: Gimp.Drawable
    picture: Gimp.Drawable

    @classmethod
    def chosen(
        cls, target: Gimp.Drawable | None, style: Gimp.Drawable | None, image: Gimp.Image, source: Style
    ) -> Regions | None:
        """The regions for an image and the source of its style; None where no labels are chosen.

        Raises
        ------
        Failure
            Where the labels do not go with each other, the image or the style.
        """
        if target is None and style is None:
            return None
        if isinstance(source, Mixture):
            raise Failure(
                _("Regions work with a single style. Remove the others from the mixture, or choose no regions.")
            )
        if not isinstance(source, LayerStyle):
            raise Failure(_("Regions need a style that is open. Open its file as an image and choose a layer of it."))
        if target is None or style is None:
            raise Failure(_("Choose a layer of regions for both the target and the style, or for neither."))
        _check(target, style, source.drawable)
        for labels, its_image in ((target, image), (style, source.drawable.get_image())):
            if labels.get_image().get_id() != its_image.get_id():
                raise Failure(
                    _("Each layer of regions must be in its own image, the target's or the style's. Choose both again.")
                )
        return cls(target, style, source.drawable)

    @classmethod
    def found_again(cls, where: dict[str, Any], image: Gimp.Image, source: Style) -> Regions | None:
        """The regions that `where` told of; `Failure` where they are gone or belong to another image."""
        ids: Sequence[int] = where.get("regions", ())
        if not ids:
            return None
        target, style = (Gimp.Item.get_by_id(number) for number in ids)
        if not isinstance(target, Gimp.Drawable) or not isinstance(style, Gimp.Drawable):
            raise Failure(_gone())
        return cls.chosen(target, style, image, source)

    def where(self) -> dict[str, Any]:
        """Their ids, which find them again within the session."""
        return {"regions": [self.target.get_id(), self.style.get_id()]}

    def tattoos(self) -> list[int]:
        """What finds each of them again in its document, in a later session, too."""
        return [self.target.get_tattoo(), self.style.get_tattoo()]

    def hand_over(self, folder: Path, layer: Gimp.Layer) -> Reading[dict[str, Any]]:
        """Write the labels of a layer and of the style.

        Returns the fields of `jobs.Transfer` that tell of them.
        """
        _check(self.target, self.style, self.picture, layer)
        target = yield from hand_over_labels(self.target, layer, folder, "target_labels")
        style = yield from hand_over_labels(self.style, self.picture, folder, "style_labels")
        return {"target_labels": target, "style_labels": style}


def _check(*items: Gimp.Item) -> None:
    """Make sure that all are still there."""
    if not all(item.is_valid() for item in items):
        raise Failure(_gone())


def _gone() -> str:
    return _(
        "A layer of regions is no longer open. "
        "Open Filters > Artistic > Decoupled Style > Apply Style and choose it again."
    )
