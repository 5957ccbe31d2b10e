"""Places, lines and what is known of them, in words."""

from __future__ import annotations

from decouple_contract.jobs import Where
from decouple_contract.settings import Spot
from decoupled_style.client.asking import Shares
from decoupled_style.messages import _
from decoupled_style.ui.lines import Line
from decoupled_style.ui.places import CLEAR, VAGUE, concentration


def answer_words(question: Where, shares: Shares | None) -> str:
    """How sure it is which places belong to a spot."""
    if shares is None:
        return _("The picture is taken as a whole here: every place takes from the whole style.")
    sure = concentration(shares)
    if question.style is None:
        if sure >= CLEAR:
            return _("This place takes mainly from the bright places of the style.")
        if sure >= VAGUE:
            return _("This place takes from the bright places of the style, and some from others.")
        return _("Unsure: this place takes from nearly all of the style. Draw a line to choose.")
    if sure >= CLEAR:
        return _("This place of the style is used mainly in the bright places.")
    if sure >= VAGUE:
        return _("This place of the style is used in the bright places, and some in others.")
    return _("Unsure: this place of the style is used nearly everywhere. Draw a line to choose.")


def line_words(number: int, line: Line) -> str:
    """A line as the list has it."""
    return _("{number}. Style {style} → picture {picture}").format(
        number=number + 1, style=spot_words(line.style), picture=spot_words(line.target)
    )


def spot_words(spot: Spot) -> str:
    """In which ninth of a picture a spot is."""
    column, row = (min(2, int(3 * at)) for at in spot)
    return (
        (_("top left"), _("top"), _("top right")),
        (_("left"), _("middle"), _("right")),
        (_("bottom left"), _("bottom"), _("bottom right")),
    )[row][column]
