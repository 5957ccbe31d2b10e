"""What a run makes, one new layer or separable ones, what they are called, and what it is applied to."""

from __future__ import annotations

from gi.repository import Gimp, GimpUi, GObject, Gtk

from decoupled_style.host.arguments import OUTPUTS
from decoupled_style.messages import _
from decoupled_style.ui.layout import row

BOTH_WAYS = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE


def output_chooser(config: Gimp.ProcedureConfig, image: Gimp.Image) -> Gtk.ComboBoxText:
    """The choice of the form that a painting in an image has."""
    chooser = Gtk.ComboBoxText(hexpand=True)
    for nick, label in OUTPUTS.items():
        chooser.append(nick, _(label))
    holds_one = image.get_base_type() == Gimp.ImageBaseType.INDEXED
    chooser.set_sensitive(not holds_one)
    chooser.set_tooltip_text(
        _("An indexed image cannot hold separable layers. Choose one new layer, or convert the image to RGB.")
        if holds_one
        else _(
            "Separable layers are a group of colour, forms, strokes and grain that add up to the one layer: hide, "
            "fade and mask each as you like"
        )
    )
    config.bind_property("output", chooser, "active-id", BOTH_WAYS)
    return chooser


def name_control(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    """The name of what is new."""
    name = Gtk.Entry(
        hexpand=True,
        placeholder_text=_("From layer and style"),
        tooltip_text=_("Name of the new layer; if empty, it is made from the names of layer and style"),
    )
    config.bind_property("layer-name", name, "text", BOTH_WAYS)
    return row(_("_Name"), name)


def replace_control(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    """Whether the edited layer is replaced."""
    button = Gtk.CheckButton(
        label=_("Replace the layer"), tooltip_text=_("Replaces the edited layer; otherwise a new one is added above it")
    )
    config.bind_property("replace", button, "active", BOTH_WAYS)
    return button


def apply_to_control(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    """The choice of what the run is applied to."""
    chooser = GimpUi.prop_choice_combo_box_new(config, "apply-to")
    chooser.set_tooltip_text(
        _("Each image keeps its own selection and masks, and one step of undo. The style's image is left out")
    )
    return row(_("Apply to"), chooser)
