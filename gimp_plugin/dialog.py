"""The dialogs: choose a style and settings, see what will come, watch and stop the run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence

import arguments
from chooser import LabelChooser, LayerChooser, StyleChooser
from gi.repository import Gimp, GimpUi, GLib, Gtk
from messages import Failure, Stopped, _
from preview import Preview
from recipe import Recipe, remember_style, remembered_style
from regions import Regions
from restyle import restyle
from status_bar import StatusBar
from styles import FileStyle, LayerStyle, every_layer, found_again, layers_of, likely
from worker_client import Worker

ROLE = "decoupled-style"

MARGIN = 12
"""Pixels, as in GIMP's own dialogs."""

WATCH_MS = 200
"""How often an open dialog looks whether GIMP is still there: two seconds after its end, all must be gone."""


def ask_and_dress(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image,
                  layers: Sequence[Gimp.Layer], worker: Worker) -> list[Gimp.Layer]:
    """Show the dialog and do what it asks for, until a run succeeds; returns the new layers.

    Raises
    ------
    Stopped
        When the user closes the dialog.
    """
    GimpUi.init(ROLE)
    _watch_gimp()
    dialog = DressDialog(procedure, config, image, layers, worker)
    try:
        return dialog.run()
    finally:
        dialog.close()


def ask_for_recipe() -> Gimp.Layer:
    """Ask which layer's recipe to apply; `Stopped` when the user closes the dialog, `Failure` when there is none."""
    GimpUi.init(ROLE)
    _watch_gimp()
    dressed = [(image, layer) for image, layer in every_layer() if Recipe.of(layer) is not None]
    if not dressed:
        raise Failure(_("No open image has a layer that Decoupled Style Transfer made. Make one first."))
    dialog = GimpUi.Dialog(title=_("Re-apply Decoupled Style"), role=ROLE)
    dialog.add_button(_("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(_("_OK"), Gtk.ResponseType.OK).grab_focus()
    GimpUi.window_set_transient(dialog)
    chooser = LayerChooser(dressed, lambda: None)
    chooser.set_active(0)
    box = Gtk.Box(spacing=12, margin=MARGIN)
    box.pack_start(Gtk.Label(label=_("Dress like")), False, False, 0)
    box.pack_start(chooser, True, True, 0)
    dialog.get_content_area().pack_start(box, True, True, 0)
    box.show_all()
    try:
        if dialog.run() != Gtk.ResponseType.OK or chooser.selected is None:
            raise Stopped
        return chooser.selected
    finally:
        dialog.destroy()


class DressDialog:
    """The main dialog: the preview on the left, the choices on the right, the progress below."""

    def __init__(self, procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, image: Gimp.Image,
                 layers: Sequence[Gimp.Layer], worker: Worker) -> None:
        self._config, self._image, self._layers, self._worker = config, image, layers, worker
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, _("Decoupled Style Transfer"))
        self._status: StatusBar | None = None
        self._stopped = False
        self._preview = Preview(worker, image, layers[0])
        self._target_labels, self._style_labels = LabelChooser(self._changed), LabelChooser(self._changed)
        self._chooser = StyleChooser(self._style_changed)
        self._message = Gtk.InfoBar(message_type=Gtk.MessageType.ERROR, no_show_all=True)
        self._message_words = Gtk.Label(wrap=True, xalign=0, max_width_chars=80)
        self._message.get_content_area().add(self._message_words)
        self._message_words.show()
        # Its room is kept while it is not to be seen, so that nothing moves when a run begins.
        self._progress = Gtk.ProgressBar(show_text=True, text=" ", opacity=0, margin=MARGIN)
        self._choices = self._build()
        self._choose_first()
        config.connect("notify", lambda *_args: self._changed())

    def run(self) -> list[Gimp.Layer]:
        """Ask and dress until it works; `Stopped` when the user gives up."""
        while True:
            if not self._dialog.run():
                raise Stopped
            style = self._chooser.style
            if style is None:
                self._complain(_("Choose a style first."))
                continue
            self._working(True)
            try:
                regions = self._regions(style)
                remember_style({**style.where(), **(regions.where() if regions else {})})
                self._preview.stop(lambda _news: self._pump())
                return restyle(self._worker, self._image, self._layers, style, regions,
                               arguments.chosen_settings(self._config), self._notice)
            except Stopped:
                self._preview.say(_("Stopped."))
            except Failure as failure:
                if not self._image.is_valid():
                    raise  # there is nothing left to choose for
                self._complain(str(failure))
            finally:
                self._working(False)

    def close(self) -> None:
        """Take the dialog away and let go of what it opened."""
        style = self._chooser.style
        self._dialog.destroy()
        if style is not None:
            style.close()

    def _build(self) -> Gtk.Widget:
        """Arrange everything; returns the part that rests while a run is on."""
        columns = Gtk.Box(spacing=24, margin=MARGIN, margin_bottom=0)
        columns.pack_start(self._preview, False, False, 0)
        right = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        columns.pack_start(right, True, True, 0)
        right.pack_start(_heading(_("Style of")), False, False, 0)
        right.pack_start(self._chooser, False, False, 0)
        right.pack_start(_heading(_("Result")), False, False, 0)
        right.pack_start(self._mode_switch(), False, False, 0)
        right.pack_start(_heading(_("Strength")), False, False, 0)
        for name in ("strength", "colour", "fine-texture", "coarse-texture"):
            right.pack_start(self._slider(name, 100.0, _("O_verall") if name == "strength" else ""), False, False, 0)
        right.pack_start(_heading(_("Options")), False, False, 0)
        right.pack_start(self._slider("freedom", 100.0), False, False, 0)
        detail = self._slider("size", 1.0)
        detail.set_logarithmic(True)
        right.pack_start(detail, False, False, 0)
        keep = Gtk.Box(spacing=18)
        for name in ("keep-colours", "keep-tones"):
            keep.pack_start(self._dialog.get_widget(name, Gtk.CheckButton), False, False, 0)
        for name, other in (("keep-colours", "keep-tones"), ("keep-tones", "keep-colours")):
            self._config.connect(f"notify::{name}", lambda config, _property, name=name, other=other:
                                 config.get_property(name) and config.set_property(other, False))
        right.pack_start(keep, False, False, 0)
        right.pack_start(_heading(_("Regions")), False, False, 0)
        right.pack_start(self._regions_row(), False, False, 0)
        area = self._dialog.get_content_area()
        for theirs in area.get_children():  # GIMP's buttons for settings, which it puts further left than its others
            if isinstance(theirs, Gtk.ButtonBox):
                theirs.set_margin_start(MARGIN)
        area.pack_start(self._message, False, False, 0)
        area.pack_start(columns, True, True, 0)
        area.pack_start(self._progress, False, False, 0)
        columns.show_all()
        self._progress.show()
        return right

    def _slider(self, name: str, factor: float, label: str = "") -> Gtk.Widget:
        """A slider for an argument, under another label where its heading says the rest."""
        scale = self._dialog.get_scale_entry(name, factor)
        scale.get_label().set_width_chars(15)
        scale.get_range().set_size_request(150, -1)
        scale.get_range().set_hexpand(True)
        scale.set_digits(0)
        scale.get_spin_button().set_width_chars(4)
        if label:
            scale.get_label().set_text_with_mnemonic(label)
        return scale

    def _mode_switch(self) -> Gtk.Widget:
        """Two buttons that look like one switch, bound to the argument."""
        box = Gtk.Box(homogeneous=True)
        box.get_style_context().add_class("linked")
        buttons: dict[str, Gtk.RadioButton] = {}
        for nick, label in arguments.FIELDS["mode"].metadata["choices"].items():
            button = Gtk.RadioButton(label=_(label), draw_indicator=False, group=next(iter(buttons.values()), None))
            button.connect("toggled", lambda b, nick=nick: b.get_active() and self._config.set_property("mode", nick))
            buttons[nick] = button
            box.pack_start(button, True, True, 0)

        def follow(*_args: object) -> None:
            buttons[self._config.get_property("mode")].set_active(True)

        self._config.connect("notify::mode", follow)
        follow()
        return box

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
        self._style_labels.offer([(i, layer) for i, layer in there if not style.is_one_of([layer])])
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

    def _working(self, on: bool) -> None:
        """Change between choosing and watching a run."""
        self._choices.set_sensitive(not on)
        for response in (Gtk.ResponseType.OK, Gtk.ResponseType.HELP, 1):
            self._dialog.set_response_sensitive(response, not on)
        self._progress.set_opacity(on)
        self._stopped = False
        if on:
            self._message.hide()
            self._status = StatusBar()
            self._handlers = [self._dialog.connect("response", self._on_response),
                              self._dialog.connect("delete-event", self._on_close)]
        else:
            for handler in self._handlers:
                self._dialog.disconnect(handler)
            Gimp.progress_end()

    def _on_response(self, dialog: Gtk.Dialog, response: int) -> None:
        if response == Gtk.ResponseType.CANCEL:
            self._stopped = True

    def _on_close(self, *_args: object) -> bool:
        """Escape, or the window's own button: stop, but stay."""
        self._stopped = True
        return True

    def _notice(self, done: float | None, text: str) -> None:
        """Show how far the run is, here and in GIMP's status bar; `Stopped` where the user wants no more."""
        assert self._status is not None
        self._status(done, text)
        if text:
            self._progress.set_text(text)
        if done is not None:
            self._progress.set_fraction(done)
        self._pump()
        if self._stopped:
            raise Stopped

    def _pump(self) -> None:
        """Let GTK draw and hear the user."""
        while Gtk.events_pending():
            Gtk.main_iteration_do(False)

    def _complain(self, text: str) -> None:
        self._message_words.set_text(text)
        self._message.show()


def _heading(text: str) -> Gtk.Label:
    label = Gtk.Label(xalign=0, margin_top=6)
    label.set_markup(f"<b>{GLib.markup_escape_text(text)}</b>")
    return label


def _watch_gimp() -> None:
    """End with GIMP: an orphaned dialog could do nothing but fail."""
    parent = os.getppid()

    def look() -> bool:
        if os.getppid() != parent:
            os._exit(1)
        return True

    GLib.timeout_add(WATCH_MS, look)
