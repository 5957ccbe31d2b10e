"""The arguments of the procedures, made from the one table of settings, and the way back."""

from __future__ import annotations

import dataclasses

from gi.repository import Gimp, Gio, GObject

from decoupled_style.contract import settings as table
from decoupled_style.contract.settings import Settings
from decoupled_style.messages import _

READ_WRITE = GObject.ParamFlags.READWRITE

SLIDERS = {"colour": ("Colour", "how far the colours travel", (0, 1)),
           "fine_texture": ("Fine texture", "how far edges, grain and small strokes travel", (2, 3)),
           "coarse_texture": ("Coarse texture", "how far larger patterns and shapes travel", (4, 5))}
"""Three sliders for artists, each with the layers of the hierarchy whose strength it sets."""

NOT_FOR_GIMP = ("strength_per_layer", "activation", "integrator")
"""Settings that are no arguments: the sliders stand for the first; the others are for research on the command line."""

FIELDS = {field.name: field for field in dataclasses.fields(Settings) if field.name not in NOT_FOR_GIMP}


def add_arguments(procedure: Gimp.Procedure) -> None:
    """Declare the style, the regions and every setting."""
    letters = _Letters()
    procedure.add_drawable_argument("style", _("Style"), _("The layer whose style to take"), True, READ_WRITE)
    procedure.add_file_argument("style-file", _("Style file"),
                                _("A picture or .style file whose style to take instead"),
                                Gimp.FileChooserAction.OPEN, True, None, READ_WRITE)
    for name, label, blurb in (
            ("target-labels", _("Regions of the target"), _("A layer of flat colours in the target's image")),
            ("style-labels", _("Regions of the style"),
             _("A layer of flat colours in the style's image: equal colours correspond, sky to sky"))):
        procedure.add_drawable_argument(name, label, blurb, True, READ_WRITE)
    strength = Settings.__dataclass_fields__["strength_per_layer"].metadata
    defaults = Settings()
    for field in FIELDS.values():
        words, default = field.metadata, getattr(defaults, field.name)
        property_name, help_text = dashed(field.name), sentence(_(words["help"]))
        label = letters.underlined(_(words["label"]))
        if words["choices"]:
            choice = Gimp.Choice.new()
            for number, (nick, choice_label) in enumerate(words["choices"].items()):
                choice.add(nick, number, _(choice_label), "")
            procedure.add_choice_argument(property_name, label, help_text, choice, default, READ_WRITE)
        elif isinstance(default, bool):
            procedure.add_boolean_argument(property_name, label, help_text, default, READ_WRITE)
        elif isinstance(default, int):
            procedure.add_int_argument(property_name, label, help_text, int(words["low"]), int(words["high"]),
                                       default, READ_WRITE)
        else:
            procedure.add_double_argument(property_name, label, help_text, words["low"], words["high"], default,
                                          READ_WRITE)
        if field.name == "strength":
            for name, (slider_label, slider_help, _layers) in SLIDERS.items():
                procedure.add_double_argument(dashed(name), letters.underlined(_(slider_label)),
                                              sentence(_(slider_help)), strength["low"], strength["high"], 1.0,
                                              READ_WRITE)


def chosen_settings(config: Gimp.ProcedureConfig) -> Settings:
    """The settings that the arguments hold; `InputError` where two exclude each other."""
    values = {name: config.get_property(dashed(name)) for name in FIELDS}
    per_layer = [1.0] * (table.LAYER_COUNT + 1)
    for name, (_label, _help, layers) in SLIDERS.items():
        for layer in layers:
            per_layer[layer] = config.get_property(dashed(name))
    return Settings.from_dict({**values, "strength_per_layer": per_layer})


def chosen_style(config: Gimp.ProcedureConfig) -> tuple[Gimp.Drawable | None, Gio.File | None]:
    """The arguments that name the style."""
    return config.get_property("style"), config.get_property("style-file")


def chosen_labels(config: Gimp.ProcedureConfig) -> tuple[Gimp.Drawable | None, Gimp.Drawable | None]:
    """The arguments that name the layers of regions, of target and style."""
    return config.get_property("target-labels"), config.get_property("style-labels")


def dashed(name: str) -> str:
    """A setting's name as GIMP writes it."""
    return name.replace("_", "-")


def sentence(text: str) -> str:
    """The help of the table, which is written for a command line, as GIMP shows it."""
    return text[:1].upper() + text[1:]


class _Letters:
    """Gives each label a letter to reach it by, other than those of the dialog's own buttons."""

    def __init__(self) -> None:
        self._taken = set("hrsocl")

    def underlined(self, label: str) -> str:
        """The label with an underscore before the first letter that is still free."""
        for place, letter in enumerate(label.lower()):
            if letter.isalpha() and letter not in self._taken:
                self._taken.add(letter)
                return f"{label[:place]}_{label[place:]}"
        return label
