"""The dialog that asks which layer's recipe to apply, and how much of it."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import Gimp, GimpUi, Gtk

from decouple_contract.errors import Cancelled
from decoupled_style.client.worker import Worker
from decoupled_style.host.durations import Durations
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.recipe import Recipe, settings_of
from decoupled_style.host.styles import RecipeStyle, every_layer
from decoupled_style.messages import Failure, _, reason
from decoupled_style.ui import screen
from decoupled_style.ui.chooser import LayerChooser
from decoupled_style.ui.layout import column, heading
from decoupled_style.ui.preview import Preview

SIZE = (980, 600)
"""Pixels of the window at first."""


def ask_for_recipe(
    config: Gimp.ProcedureConfig, image: Gimp.Image, layers: Sequence[Gimp.Layer], worker: Worker
) -> tuple[Gimp.Layer, JobFiles]:
    """Ask which layer's recipe to apply; how much of it goes into the arguments.

    Returns the layer, and what was handed over for the preview.

    Raises
    ------
    Cancelled
        When the user closes the dialog.
    Failure
        Where no layer carries one.
    """
    screen.begin()
    stylised = [(its, layer) for its, layer in every_layer() if Recipe.of(layer) is not None]
    if not stylised:
        raise Failure(_("No open image has a layer that Decoupled Style Transfer made. Make one first."))
    dialog = RecipeDialog(config, image, layers[0], worker, stylised)
    try:
        return dialog.run()
    finally:
        dialog.close()


class RecipeDialog:
    """The preview on the left, the choice and the strength on the right."""

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        layer: Gimp.Layer,
        worker: Worker,
        stylised: list[tuple[Gimp.Image, Gimp.Layer]],
    ) -> None:
        self._config, self._files = config, JobFiles(worker, image, layer)
        self._dialog = GimpUi.Dialog(title=_("Re-apply Style"), role=screen.ROLE)
        self._dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
        self._dialog.add_button(_("_OK"), Gtk.ResponseType.OK).grab_focus()
        self._dialog.set_default_response(Gtk.ResponseType.OK)
        GimpUi.window_set_transient(self._dialog)
        self._preview = Preview(worker, self._files, Durations(), lambda _look, _is_draft: None)
        self._chooser = LayerChooser(stylised, self._changed)
        strength = GimpUi.prop_spin_scale_new(config, "strength", 0.01, 0.1, 2)
        GimpUi.prop_widget_set_factor(strength, 100.0, 1.0, 10.0, 0)
        choices = column([heading(_("_Make it like"), self._chooser), self._chooser, strength])
        choices.set_size_request(320, -1)
        columns = Gtk.Box(spacing=screen.MARGIN, margin=screen.MARGIN)
        columns.pack_start(self._preview, True, True, 0)
        columns.pack_start(choices, False, False, 0)
        self._dialog.get_content_area().pack_start(columns, True, True, 0)
        self._dialog.set_default_size(*SIZE)
        columns.show_all()
        config.connect("notify::strength", lambda *_args: self._changed())
        self._chooser.set_active(0)

    def run(self) -> tuple[Gimp.Layer, JobFiles]:
        """Ask; `Cancelled` when the user closes it."""
        response = self._dialog.run()
        chosen = self._chooser.selected
        if response != Gtk.ResponseType.OK or chosen is None:
            raise Cancelled
        self._dialog.hide()
        self._preview.settle(lambda _news: None)
        return chosen, self._files

    def close(self) -> None:
        """Take the dialog away."""
        self._dialog.destroy()

    def _changed(self) -> None:
        chosen = self._chooser.selected
        recipe = Recipe.of(chosen) if chosen is not None else None
        if recipe is None:
            return
        try:
            settings = settings_of(recipe, self._config.get_property("strength"))
        except Failure as failure:
            self._preview.say(reason(failure))
            return
        self._preview.show_style(RecipeStyle(recipe), None, settings)
