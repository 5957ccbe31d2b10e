"""The dialog that asks which layer's recipe to apply."""

from __future__ import annotations

from gi.repository import Gimp, GimpUi, Gtk

from decoupled_style.contract.errors import Cancelled
from decoupled_style.host.recipe import Recipe
from decoupled_style.host.styles import every_layer
from decoupled_style.messages import Failure, _
from decoupled_style.ui import screen
from decoupled_style.ui.chooser import LayerChooser


def ask_for_recipe() -> Gimp.Layer:
    """Ask which layer's recipe to apply.

    Raises
    ------
    Cancelled
        When the user closes the dialog.
    Failure
        Where no layer carries one.
    """
    screen.begin()
    dressed = [(image, layer) for image, layer in every_layer() if Recipe.of(layer) is not None]
    if not dressed:
        raise Failure(_("No open image has a layer that Decoupled Style Transfer made. Make one first."))
    dialog = GimpUi.Dialog(title=_("Re-apply Decoupled Style"), role=screen.ROLE)
    dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("_OK"), Gtk.ResponseType.OK).grab_focus()
    GimpUi.window_set_transient(dialog)
    chooser = LayerChooser(dressed, lambda: None)
    chooser.set_active(0)
    box = Gtk.Box(spacing=12, margin=screen.MARGIN)
    box.pack_start(Gtk.Label(label=_("Dress like")), False, False, 0)
    box.pack_start(chooser, True, True, 0)
    dialog.get_content_area().pack_start(box, True, True, 0)
    box.show_all()
    try:
        if dialog.run() != Gtk.ResponseType.OK or chooser.selected is None:
            raise Cancelled
        return chooser.selected
    finally:
        dialog.destroy()
