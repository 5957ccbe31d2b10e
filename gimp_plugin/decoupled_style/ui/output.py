"""What a run makes, one new layer or separable ones, what they are called, and what it is applied to."""

from __future__ import annotations

from gi.repository import Gimp, GimpUi, GObject, Gtk

from decouple_contract.settings import Settings
from decoupled_style.host.arguments import OUTPUTS
from decoupled_style.messages import _
from decoupled_style.ui.controls import column, row


def output_controls(config: Gimp.ProcedureConfig, image: Gimp.Image) -> Gtk.Widget:
    """The choice of the output, and the name."""
    chooser = Gtk.ComboBoxText(hexpand=True)
    for nick, label in OUTPUTS.items():
        chooser.append(nick, _(label))
    name = Gtk.Entry(
        hexpand=True,
        placeholder_text=_("From layer and style"),
        tooltip_text=_("Name of the new layer; if empty, it is made from the names of layer and style"),
    )
    changing = False

    def follow(*_args: object) -> None:
        nonlocal changing
        changing = True
        chooser.set_active_id(config.get_property("output"))
        if name.get_text() != (config.get_property("layer-name") or ""):
            name.set_text(config.get_property("layer-name") or "")
        why_not = ""
        if Settings(mode=config.get_property("mode")).mode == "photo":
            why_not = _("A photograph is colour only. Choose Painting to get separable layers.")
        elif image.get_base_type() == Gimp.ImageBaseType.INDEXED:
            why_not = _(
                "An indexed image cannot hold separable layers. Choose one new layer, or convert the image to RGB."
            )
        chooser.set_sensitive(not why_not)
        chooser.set_tooltip_text(
            why_not
            or _(
                "Separable layers are a group of colour, forms, strokes and grain that add up to the one layer: hide, "
                "fade and mask each as you like"
            )
        )
        changing = False

    def take(*_args: object) -> None:
        if not changing:
            config.set_property("output", chooser.get_active_id())
            config.set_property("layer-name", name.get_text())

    chooser.connect("changed", take)
    name.connect("changed", take)
    config.connect("notify", follow)
    follow()
    return column([row(_("Ma_ke"), chooser), row(_("_Name"), name)])


def replace_control(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    """Whether the edited layer is replaced."""
    button = Gtk.CheckButton(
        label=_("Replace the layer"), tooltip_text=_("Replaces the edited layer; otherwise a new one is added above it")
    )
    flags = GObject.BindingFlags.BIDIRECTIONAL | GObject.BindingFlags.SYNC_CREATE
    config.bind_property("replace", button, "active", flags)
    return button


def apply_to_control(config: Gimp.ProcedureConfig) -> Gtk.Widget:
    """The choice of what the run is applied to."""
    chooser = GimpUi.prop_choice_combo_box_new(config, "apply-to")
    chooser.set_tooltip_text(
        _("Each image keeps its own selection and masks, and one step of undo. The style's image is left out")
    )
    return row(_("Apply to"), chooser)
