"""The arguments of the procedures, made from the one table of settings, and the way back."""

from __future__ import annotations

import dataclasses

from gi.repository import Gimp, Gio, GObject

from decoupled_style.contract import settings as table
from decoupled_style.contract.settings import Settings
from decoupled_style.messages import _

READ_WRITE = GObject.ParamFlags.READWRITE

STRENGTHS = {"colour": ("Colour", "how far the colours travel", (0, 1)),
             "fine_texture": ("Fine texture", "how far edges, grain and small strokes travel", (2, 3)),
             "coarse_texture": ("Coarse texture", "how far larger patterns and shapes travel", (4, 5))}
"""Three sliders for artists, each with the layers of the hierarchy whose strength it sets."""

AMOUNTS = {"forms": ("Forms", "how much there is of a painting's large shapes"),
           "strokes": ("Strokes", "how much there is of a painting's brush strokes"),
           "grain": ("Grain", "how much there is of a painting's finest texture")}
"""A slider for each part of a painting but the first, the colour, of which there is all."""

SLIDERS = {name: (setting, label, help_text)
           for setting, table_of in (("amounts", AMOUNTS), ("strength_per_layer", STRENGTHS))
           for name, (label, help_text, *_layers) in table_of.items()}
"""Setting, label and help of each argument that is one number of a setting with several."""

NOT_FOR_GIMP = ("amounts", "strength_per_layer", "activation", "integrator")
"""Settings that are no arguments: sliders stand for the first two; the others are for research on the command line."""

FIELDS = {field.name: field for field in dataclasses.fields(Settings) if field.name not in NOT_FOR_GIMP}

IN_DIALOG = ("photo", "painting", "strength", "colour", "structure", "strokes", "keep_colours", "fine_texture",
             "coarse_texture", "forms", "grain", "freedom", "style_scale", "size", "keep_tones")
"""What the dialog shows, results by their names, in the order in which letters are given out: first to those with few
that are free."""


def add_arguments(procedure: Gimp.Procedure) -> None:
    """Declare the style, the regions and every setting."""
    labels = underlined_labels()
    procedure.add_drawable_argument("style", _("Style"), _("The layer whose style to take"), True, READ_WRITE)
    procedure.add_file_argument("style-file", _("Style file"),
                                _("A picture or .style file whose style to take instead"),
                                Gimp.FileChooserAction.OPEN, True, None, READ_WRITE)
    for name, label, blurb in (
            ("target-labels", _("Regions of the target"), _("A layer of flat colours in the target's image")),
            ("style-labels", _("Regions of the style"),
             _("A layer of flat colours in the style's image: equal colours correspond, sky to sky"))):
        procedure.add_drawable_argument(name, label, blurb, True, READ_WRITE)
    for name, (setting, label, help_text) in SLIDERS.items():
        of_all = Settings.__dataclass_fields__[setting].metadata
        procedure.add_double_argument(dashed(name), labels.get(name, _(label)), sentence(_(help_text)), of_all["low"],
                                      of_all["high"], 1.0, READ_WRITE)
    defaults = Settings()
    for field in FIELDS.values():
        words, default = field.metadata, getattr(defaults, field.name)
        property_name, help_text = dashed(field.name), sentence(_(words["help"]))
        label = labels.get(field.name, _(words["label"]))
        if words["choices"]:
            choice = Gimp.Choice.new()
            choices = words["choices"]
            names = {name: name for name in choices} | (table.OTHER_NAMES if field.name == "mode" else {})
            for number, (nick, name) in enumerate(names.items()):
                choice.add(nick, number, _(choices[name]), "")
            procedure.add_choice_argument(property_name, label, help_text, choice, default, READ_WRITE)
        elif isinstance(default, bool):
            procedure.add_boolean_argument(property_name, label, help_text, default, READ_WRITE)
        elif isinstance(default, int):
            procedure.add_int_argument(property_name, label, help_text, int(words["low"]), int(words["high"]),
                                       default, READ_WRITE)
        else:
            procedure.add_double_argument(property_name, label, help_text, words["low"], words["high"], default,
                                          READ_WRITE)


def chosen_settings(config: Gimp.ProcedureConfig) -> Settings:
    """The settings that the arguments hold; `InputError` where two exclude each other."""
    values = {name: config.get_property(dashed(name)) for name in FIELDS}
    per_layer = [1.0] * (table.LAYER_COUNT + 1)
    for name, (_label, _help, layers) in STRENGTHS.items():
        for layer in layers:
            per_layer[layer] = config.get_property(dashed(name))
    amounts = [1.0, *(config.get_property(dashed(name)) for name in AMOUNTS)]
    return Settings.from_dict({**values, "amounts": amounts, "strength_per_layer": per_layer})


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


def underlined_labels() -> dict[str, str]:
    """The label of each name `IN_DIALOG`, with an underscore before the letter that reaches it, where one is free."""
    words = {**FIELDS["mode"].metadata["choices"], **{name: field.metadata["label"] for name, field in FIELDS.items()},
             **{name: label for name, (_setting, label, _help) in SLIDERS.items()},
             "strength": "Overall"}  # under a heading that says the rest
    taken = set("hrsocl")  # by the dialog's own buttons
    return {name: _underlined(_(words[name]), taken) for name in IN_DIALOG}


def _underlined(label: str, taken: set[str]) -> str:
    """The label with an underscore before its first letter that is not taken, which then is."""
    for place, letter in enumerate(label.lower()):
        if letter.isalpha() and letter not in taken:
            taken.add(letter)
            return f"{label[:place]}_{label[place:]}"
    return label
