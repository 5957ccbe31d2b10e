"""The dialog: choose a style and settings, see what will come, watch and stop the run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from gi.repository import Gimp, GimpUi, Gtk

from decoupled_style.client.worker import Worker
from decoupled_style.contract.errors import Cancelled, DecoupleError
from decoupled_style.host import arguments
from decoupled_style.host.dressing import dress
from decoupled_style.host.recipe import remember_style, remembered_style
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import FileStyle, LayerStyle, found_again, layers_of, likely
from decoupled_style.messages import Failure, _, reason
from decoupled_style.ui import screen
from decoupled_style.ui.chooser import LabelChooser, StyleChooser
from decoupled_style.ui.controls import Controls, column, heading
from decoupled_style.ui.preview import Preview
from decoupled_style.ui.run_view import RunView


def ask_and_dress(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image,
                  layers: Sequence[Gimp.Layer], worker: Worker) -> list[Gimp.Layer]:
    """Show the dialog and do what it asks for, until a run succeeds; returns the new layers.

    Raises
    ------
    Cancelled
        When the user closes the dialog.
    """
    screen.begin()
    dialog = DressDialog(procedure, config, image, layers, worker)
    try:
        return dialog.run()
    finally:
        dialog.close()


class DressDialog:
    """The main dialog: the preview on the left, most choices on the right, the progress below."""

    def __init__(self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image,
                 layers: Sequence[Gimp.Layer], worker: Worker) -> None:
        self._config, self._image, self._layers, self._worker = config, image, layers, worker
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Decoupled Style Transfer"))
        self._preview = Preview(worker, image, layers[0])
        self._target_labels, self._style_labels = LabelChooser(self._changed), LabelChooser(self._changed)
        self._chooser = StyleChooser(self._style_changed)
        self._view = RunView(self._dialog)
        self._choices = self._build()
        self._choose_first()
        config.connect("notify", lambda *_args: self._changed())

    def run(self) -> list[Gimp.Layer]:
        """Ask and dress until it works; `Cancelled` when the user gives up."""
        while True:
            if not self._dialog.run():
                raise Cancelled
            style = self._chooser.style
            if style is None:
                self._view.complain(_("Choose a style first."))
                continue
            try:
                with self._view.running(*self._choices):
                    regions = self._regions(style)
                    remember_style({**style.where(), **(regions.where() if regions else {})})
                    self._preview.stop(lambda _news: self._view.pump())
                    return dress(self._worker, self._image, self._layers, style, regions,
                                 arguments.chosen_settings(self._config), self._view.notice)
            except Cancelled:
                self._preview.say(_("Stopped."))
            except (Failure, DecoupleError) as failure:
                if not self._image.is_valid():
                    raise  # there is nothing left to choose for
                self._view.complain(reason(failure))

    def close(self) -> None:
        """Take the dialog away and let go of what it opened."""
        style = self._chooser.style
        self._dialog.destroy()
        if style is not None:
            style.close()

    def _build(self) -> tuple[Gtk.Widget, Gtk.Widget]:
        """Arrange everything; returns the parts that rest while a run is on."""
        controls = Controls(self._dialog, self._config)
        choices = column(heading(_("Style of")), self._chooser, heading(_("Result")), controls.mode_switch(),
                         heading(_("Strength")), *controls.strengths(), controls.of_result())
        regions = column(heading(_("Regions")), self._regions_row())
        columns = Gtk.Box(spacing=24, margin=screen.MARGIN, margin_bottom=0)
        columns.pack_start(column(self._preview, regions), False, False, 0)
        columns.pack_start(choices, True, True, 0)
        area = self._dialog.get_content_area()
        for theirs in area.get_children():  # GIMP's buttons for settings, which it puts further left than its others
            if isinstance(theirs, Gtk.ButtonBox):
                theirs.set_margin_start(screen.MARGIN)
        area.pack_start(self._view.message, False, False, 0)
        area.pack_start(columns, True, True, 0)
        area.pack_start(self._view.bar, False, False, 0)
        columns.show_all()
        self._view.bar.show()
        return choices, regions

    def _regions_row(self) -> Gtk.Widget:
        """The two choosers of labels, side by side."""
        row = Gtk.Box(spacing=6, tooltip_text=_(
            "Sky to sky: paint a layer of flat colours over each of the two images, hide it, and choose both here. "
            "Equal colours correspond; what is transparent belongs to no region."))
        for words, chooser in ((_("Target"), self._target_labels), (_("Style"), self._style_labels)):
            row.pack_start(Gtk.Label(label=words), False, False, 0)
            row.pack_start(chooser, True, True, 0)
        return row

    def _choose_first(self) -> None:
        """Start from the last style and regions, or the likeliest style."""
        taken = {layer.get_id() for layer in self._layers}
        self._target_labels.offer([(i, layer) for i, layer in layers_of(self._image) if layer.get_id() not in taken])
        last = remembered_style()
        style = found_again(last)
        if style is None or style.is_one_of(self._layers):  # nobody wants a layer in its own style
            style = likely(self._image)
        if style is not None:
            self._chooser.select_style(style)
            with contextlib.suppress(Failure):  # they are gone, or another image's
                if regions := Regions.found_again(last, self._image, style):
                    self._target_labels.select(regions.target)
                    self._style_labels.select(regions.style)
        self._changed()

    def _regions(self, style: LayerStyle | FileStyle) -> Regions | None:
        """The regions chosen; `Failure` where they do not go together."""
        return Regions.chosen(self._target_labels.selected, self._style_labels.selected, self._image, style)

    def _style_changed(self) -> None:
        """Offer the layers that lie beside the style's."""
        style = self._chooser.style
        there = layers_of(style.drawable.get_image()) if isinstance(style, LayerStyle) else []
        self._style_labels.offer([(i, layer) for i, layer in there if style and not style.is_one_of([layer])])
        self._changed()

    def _changed(self) -> None:
        style = self._chooser.style
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, style is not None)
        if style is None:
            self._preview.say(_("Open a second image to take its style, or choose a file."))
            regions = None
        else:
            try:
                regions = self._regions(style)
            except Failure:  # one is chosen, the other not yet
                regions = None
        self._preview.show_style(style, regions, arguments.chosen_settings(self._config))
