"""The arguments of the procedures, made from the one table of settings, and the way back."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping

from gi.repository import Gimp, GObject

from decouple_contract import settings as table
from decouple_contract.jobs import LARGEST_WEIGHT
from decouple_contract.settings import Settings
from decoupled_style.host.loop import ALL_IMAGES, ALL_LAYERS, SELECTED
from decoupled_style.host.styles import FileStyle, LayerStyle, Mixture
from decoupled_style.host.stylising import Output
from decoupled_style.messages import Failure, _

READ_WRITE = GObject.ParamFlags.READWRITE

STRENGTHS = {
    "colour": ("Colour", (0, 1)),
    "fine_texture": ("Fine texture", (2, 3)),
    "coarse_texture": ("Coarse texture", (4, 5)),
}
"""Three sliders for artists, each with the layers of the hierarchy whose strength it sets."""

AMOUNTS = {"forms": "Forms", "strokes": "Strokes", "grain": "Grain"}
"""A slider for each part of a painting but the first, the colour, of which there is all."""

SLIDERS = {
    **{name: ("strength_per_layer", label) for name, (label, _layers) in STRENGTHS.items()},
    **{name: ("amounts", label) for name, label in AMOUNTS.items()},
}
"""Setting and label of each argument that is one number of a setting with several."""

NOT_FOR_GIMP = ("amounts", "strength_per_layer", "activation", "integrator")
"""Settings that are no arguments: sliders stand for the first two; the others are for research on the command line."""

FIELDS = {field.name: field for field in dataclasses.fields(Settings) if field.name not in NOT_FOR_GIMP}

TIPS = {
    "mode": "A photograph keeps every detail and changes colours place by place; a painting adds the style's "
    "brushwork; automatic chooses a painting if the style looks painted",
    "strength": "How far the picture goes towards the style; 0 changes nothing",
    "colour": "How much of the style's colours to take",
    "forms": "How much large shapes and masses take on the style",
    "strokes": "How much of the style's brush strokes to add",
    "grain": "How much of the style's finest texture to add: canvas, bristles, hatching",
    "fine_texture": "How far edges, grain and small strokes follow the style",
    "coarse_texture": "How far larger patterns and shapes follow the style",
    "style_scale": "How large the style's patterns appear: more for a broad brush, less for a fine one",
    "structure": "How faithfully to keep outlines: more keeps faces and edges, less lets strokes run across them",
    "freedom": "How freely the picture may change: more is closer to the style, less to the picture",
    "fill": "How many strokes to paint on empty areas such as skies and walls",
    "keep_detail": "How much of the picture's detail finer than the strokes to keep",
    "keep_colours": "Keeps the picture's own colours; tones and texture come from the style",
    "keep_tones": "Keeps the picture's own lightness; colours come from the style",
    "correspondence": "Matched: sky takes its look from sky, skin from skin. All alike: every place takes from the "
    "whole style",
    "match": "Spots that belong together, as x,y=x,y with spaces between pairs: whatever resembles the target's spot "
    "takes its look from whatever resembles the style's; fractions of width and height from the top left",
    "allow_black": "Lets a style that is nearly black, white or flat act in full, even if little of the picture can "
    "be made out",
    "layers": "How many layers of the network to use, from fine to coarse",
    "size": "How fine a painting is, in pixels of its longer side: more takes more time and memory; 0 chooses what "
    "suits the device",
    "seed": "Another number gives another arrangement of the strokes",
    "network": "The network that looks at the pictures; the other one sees them slightly differently",
    "device": "What does the work: the processor or a graphics card",
}
"""What each control does to the picture."""

IN_DIALOG = (
    "colour",
    "forms",
    "strokes",
    "grain",
    "structure",
    "style_scale",
    "freedom",
    "keep_tones",
    "keep_colours",
    "strength",
    "fine_texture",
    "coarse_texture",
    "keep_detail",
    "fill",
    "correspondence",
    "allow_black",
    "seed",
    "network",
    "device",
)
"""What the dialog shows, in the order in which letters are given out."""

TAKEN = "hrcolsbmknpwqy"
"""Letters of the dialog's own buttons and of what is no argument."""

MIXED_IN = {"second-style": "Second style", "third-style": "Third style", "fourth-style": "Fourth style"}
"""Arguments for styles that are mixed in, each a layer: GIMP takes no array of layers that may be empty."""

QUALITIES = {"Automatic": table.AUTOMATIC_SIZE, "Draft": 256, "Normal": 512, "Fine": 1024}
"""Names of the usual sizes of a painting, in pixels of its longer side."""

OUTPUTS = {"layer": "One new layer", "separable": "Separable layers"}

APPLY_TO = {SELECTED: "Selected layers", ALL_LAYERS: "All layers of the image", ALL_IMAGES: "All open images"}


def add_arguments(procedure: Gimp.Procedure, *, edits: bool) -> None:
    """Declare the style, the regions and every setting; of a procedure that edits a result, or one that makes some."""
    procedure.add_drawable_argument("style", _("Style"), _("The layer to take the style from"), True, READ_WRITE)
    procedure.add_file_argument(
        "style-file",
        _("Style file"),
        _("A picture or .style file to take the style from instead"),
        Gimp.FileChooserAction.OPEN,
        True,
        None,
        READ_WRITE,
    )
    for name, label in MIXED_IN.items():
        procedure.add_drawable_argument(name, _(label), _("A layer to mix in"), True, READ_WRITE)
    procedure.add_string_argument(
        "style-weights",
        _("Weights"),
        _("How much each style counts, in order, separated by commas; if empty, all count the same"),
        "",
        READ_WRITE,
    )
    for name, label, blurb in (
        ("target-labels", _("Regions of the target"), _("A layer of flat colours in the target's image")),
        (
            "style-labels",
            _("Regions of the style"),
            _("A layer of flat colours in the style's image; equal colours belong together, such as sky and sky"),
        ),
    ):
        procedure.add_drawable_argument(name, label, blurb, True, READ_WRITE)
    for name, (setting, label) in SLIDERS.items():
        of_all = Settings.__dataclass_fields__[setting].metadata
        procedure.add_double_argument(
            dashed(name), labels().get(name, _(label)), _(TIPS[name]), of_all["low"], of_all["high"], 1.0, READ_WRITE
        )
    defaults = Settings()
    for field in FIELDS.values():
        words, default = field.metadata, getattr(defaults, field.name)
        property_name, tip = dashed(field.name), _(TIPS[field.name])
        label = labels().get(field.name, _(words["label"]))
        if words["choices"]:
            choice = _choice(words["choices"])
            procedure.add_choice_argument(property_name, label, tip, choice, default, READ_WRITE)
        elif field.name == "match":
            procedure.add_string_argument(property_name, label, tip, "", READ_WRITE)
        elif isinstance(default, bool):
            procedure.add_boolean_argument(property_name, label, tip, default, READ_WRITE)
        elif isinstance(default, int):
            low, high = min(words["low"], default), words["high"]  # what is automatic lies below
            procedure.add_int_argument(property_name, label, tip, int(low), int(high), default, READ_WRITE)
        else:
            procedure.add_double_argument(property_name, label, tip, words["low"], words["high"], default, READ_WRITE)
    procedure.add_choice_argument(
        "output",
        _("Output"),
        _(
            "One new layer, or a group of layers that look the same "
            "together: colour, forms, strokes and grain, each with "
            "its own opacity and mask"
        ),
        _choice(OUTPUTS),
        "layer",
        READ_WRITE,
    )
    if edits:
        procedure.add_boolean_argument(
            "replace",
            _("Replace the layer"),
            _("Replaces the edited layer; otherwise a new one is added above it"),
            True,
            READ_WRITE,
        )
    else:
        procedure.add_choice_argument(
            "apply-to",
            _("Apply to"),
            _(
                "The selected layers, all layers of the image, or the selected layers of "
                "every open image except the style's"
            ),
            _choice(APPLY_TO),
            SELECTED,
            READ_WRITE,
        )
    procedure.add_string_argument(
        "layer-name",
        _("Name"),
        _("Name of the new layer; if empty, it is made from the names of layer and style"),
        "",
        READ_WRITE,
    )


def chosen_output(config: Gimp.ProcedureConfig, earlier: Gimp.Layer | None = None) -> Output:
    """The arguments that tell what is made of the result, in place of an earlier one, where that is edited."""
    separable, name = config.get_property("output") == "separable", config.get_property("layer-name") or ""
    replaces = earlier is not None and config.get_property("replace")
    return Output(separable, name.strip(), earlier, replaces)


def chosen_settings(config: Gimp.ProcedureConfig) -> Settings:
    """The settings that the arguments hold; `InputError` where two exclude each other, or a match is none."""
    values = {name: config.get_property(dashed(name)) for name in FIELDS}
    values["match"] = table.read_matches(values["match"] or "")
    per_layer = [1.0] * (table.LAYER_COUNT + 1)
    for name, (_label, layers) in STRENGTHS.items():
        for layer in layers:
            per_layer[layer] = config.get_property(dashed(name))
    amounts = [1.0, *(config.get_property(dashed(name)) for name in AMOUNTS)]
    return Settings.from_dict({**values, "amounts": amounts, "strength_per_layer": per_layer})


def set_settings(config: Gimp.ProcedureConfig, settings: Settings) -> None:
    """Have the arguments hold some settings; the device stays, for it is that of a machine."""
    for name in FIELDS:
        if name == "match":
            config.set_property("match", table.written_matches(settings.as_dict()["match"]))
        elif name != "device":
            config.set_property(dashed(name), getattr(settings, name))
    per_layer = settings.strength_per_layer + (1.0,) * (table.LAYER_COUNT + 1)
    for name, (_label, layers) in STRENGTHS.items():
        config.set_property(dashed(name), per_layer[layers[0]])
    for name, amount in zip(AMOUNTS, settings.all_amounts[1:], strict=True):
        config.set_property(name, amount)


def chosen_style(config: Gimp.ProcedureConfig) -> LayerStyle | FileStyle | Mixture | None:
    """The style that the arguments name; None where they name none."""
    drawable, file = config.get_property("style"), config.get_property("style-file")
    first = [LayerStyle(drawable)] if drawable is not None else [FileStyle(file)] if file is not None else []
    mixed_in = [drawable for drawable in map(config.get_property, MIXED_IN) if drawable is not None]
    styles = [*first, *map(LayerStyle, mixed_in)]
    if not styles:  # weights of the last run may be there
        return None
    text = config.get_property("style-weights") or ""
    try:
        weights = [float(number) for number in text.split(",")] if text.strip() else [1.0] * len(styles)
    except ValueError:
        weights = []
    if len(weights) != len(styles) or not all(0 < weight <= LARGEST_WEIGHT for weight in weights):
        raise Failure(_("Give one weight above 0 for each style, separated by commas, or none at all."))
    return Mixture(list(zip(styles, weights, strict=True))) if len(styles) > 1 else styles[0]


def chosen_labels(config: Gimp.ProcedureConfig) -> tuple[Gimp.Drawable | None, Gimp.Drawable | None]:
    """The arguments that name the layers of regions, of target and style."""
    return config.get_property("target-labels"), config.get_property("style-labels")


def acts(name: str, settings: Settings) -> bool:
    """Whether a slider, another setting or the form of the output makes a difference under these settings."""
    setting, _label = SLIDERS.get(name, ("amounts" if name == "output" else name, ""))  # its parts have amounts
    _words, layers = STRENGTHS.get(name, ("", ()))
    return settings.idle(setting) is None and (not layers or bool(set(layers) & set(settings.acting_layers)))


def dashed(name: str) -> str:
    """A setting's name as GIMP writes it."""
    return name.replace("_", "-")


@functools.cache
def labels() -> dict[str, str]:
    """The label of each name `IN_DIALOG`, with an underscore before the letter that reaches it, where one is free."""
    words = {
        **{name: field.metadata["label"] for name, field in FIELDS.items()},
        **{name: label for name, (_setting, label) in SLIDERS.items()},
    }
    taken = set(TAKEN)
    return {name: _underlined(_(words[name]), taken) for name in IN_DIALOG}


def _underlined(label: str, taken: set[str]) -> str:
    """The label with an underscore before its first letter that is not taken, which then is."""
    for place, letter in enumerate(label.lower()):
        if letter.isalpha() and letter not in taken:
            taken.add(letter)
            return f"{label[:place]}_{label[place:]}"
    return label


def _choice(labels: Mapping[str, str]) -> Gimp.Choice:
    """A choice from some nicks with their labels."""
    choice = Gimp.Choice.new()
    for number, (nick, label) in enumerate(labels.items()):
        choice.add(nick, number, _(label), "")
    return choice
