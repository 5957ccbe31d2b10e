"""The dialog: choose a style and settings, see what will come, watch and stop the run."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

from gi.repository import Gimp, GimpUi, GLib, Gtk

from decouple_contract.errors import Cancelled, DecoupleError
from decouple_contract.settings import Settings
from decoupled_style.client.worker import Worker
from decoupled_style.host import appearance, arguments, watching
from decoupled_style.host.durations import Durations
from decoupled_style.host.earlier import Earlier, originals
from decoupled_style.host.gallery import add_used, others_to_try
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.look import save_look
from decoupled_style.host.loop import SELECTED, stylise_all, works
from decoupled_style.host.recipe import remember_style, remembered_style, settings_of, was_last
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import FileStyle, LayerStyle, Style, found_again, layers_of, likely, sources
from decoupled_style.host.stylising import Request
from decoupled_style.messages import Failure, _, reason
from decoupled_style.ui import screen
from decoupled_style.ui.choices import Choices
from decoupled_style.ui.chooser import LabelChooser
from decoupled_style.ui.controls import Controls
from decoupled_style.ui.gallery import Gallery
from decoupled_style.ui.help import offer_help
from decoupled_style.ui.incoming import Incoming
from decoupled_style.ui.look import ask_where, offer_to_save
from decoupled_style.ui.looks import Look
from decoupled_style.ui.pointing import Pointing
from decoupled_style.ui.preview import Preview
from decoupled_style.ui.revising import Revising
from decoupled_style.ui.run_view import RunView
from decoupled_style.ui.schedule import Wish
from decoupled_style.ui.style_strip import StyleStrip
from decoupled_style.ui.target import TargetChooser
from decoupled_style.ui.variations import Variations, offer_variations
from decoupled_style.ui.window_size import WindowSize

LOOK_SECONDS = 1
"""How often an open dialog looks what has changed in GIMP."""


def ask_and_stylise(
    procedure: Gimp.Procedure,
    config: Gimp.ProcedureConfig,
    image: Gimp.Image,
    layers: Sequence[Gimp.Layer],
    worker: Worker,
    earlier: Earlier | None = None,
) -> list[Gimp.Layer]:
    """Show the dialog and do what it asks for, until a run succeeds; returns the new layers.

    With an `earlier` result the dialog is about that one: it begins with its recipe, and the new one takes its place.

    Raises
    ------
    Cancelled
        When the user closes the dialog.
    """
    screen.begin()
    dialog = StyleDialog(procedure, config, image, layers, worker, earlier)
    try:
        return dialog.run()
    finally:
        dialog.close()


class StyleDialog:
    """The main dialog: the preview on the left, the choices on the right, the progress below."""

    def __init__(
        self,
        procedure: Gimp.Procedure,
        config: Gimp.ProcedureConfig,
        image: Gimp.Image,
        layers: Sequence[Gimp.Layer],
        worker: Worker,
        earlier: Earlier | None = None,
    ) -> None:
        self._config, self._image, self._worker, self._earlier = config, image, worker, earlier
        self._layers = originals(layers)
        config.set_property("layer-name", "")  # of the last run alone, as is the next
        if earlier is None:
            config.set_property("apply-to", SELECTED)
        else:
            arguments.set_settings(config, settings_of(earlier.recipe))
            config.set_property("output", "separable" if earlier.layer.is_group() else "layer")
            config.set_property("replace", True)
        title = _("Apply Style") if earlier is None else _("Edit Style")
        self._dialog = GimpUi.ProcedureDialog.new(procedure, config, title)
        self._view = RunView(self._dialog)
        self._files = JobFiles(worker, image, self._layers[0], earlier.layer if earlier is not None else None)
        self._target = TargetChooser(image, self._layers[0], self._target_changed)
        learnt = Durations()
        longest = max(self._layers[0].get_width(), self._layers[0].get_height())
        self._controls = Controls(self._dialog, config, learnt, longest, image)
        self._preview = Preview(worker, self._files, learnt, self._looked)
        self._pointing = Pointing(self._preview, worker, config)
        self._revising = Revising(config, lambda: self._pointing.style_identity, self._preview.pin)
        self._dialog.connect("key-press-event", lambda _dialog, event: self._revising.key(event))
        self._target_labels, self._style_labels = LabelChooser(self._changed), LabelChooser(self._changed)
        self._chooser = StyleStrip(image, self._style_changed)
        self._gallery = Gallery(image, self._take, lambda: self._incoming.paste())
        self._incoming = Incoming(self._dialog, self._take, self._show_folder, self._view.complain)
        self._target_is_there = True
        self._look_file: Path | None = None  # where the look is to be saved, in place of a run
        self._save_look = offer_to_save(self._dialog, self._ask_for_look)
        self._vary = offer_variations(self._dialog, self._show_variations)
        self._choices = Choices(
            config, self._controls, self._chooser, self._target_labels, self._style_labels, edits=earlier is not None
        )
        self._choices.show_gallery.connect("toggled", self._toggle_gallery)
        self._resting = self._build()
        self._size = WindowSize(self._dialog, self._choices.more, self._choices)
        self._choose_first()
        config.connect("notify", lambda *_args: self._changed())
        self._layers_now, self._pixels_now = watching.layers_now(), self._pixels()
        self._watch = GLib.timeout_add_seconds(LOOK_SECONDS, self._look_around)
        self._dialog.connect("focus-in-event", lambda *_args: self._look_around() and False)

    def run(self) -> list[Gimp.Layer]:
        """Ask and stylise until it works; `Cancelled` when the user gives up."""
        while True:
            if not self._dialog.run():
                raise Cancelled
            look_file, self._look_file = self._look_file, None
            style = self._chooser.style
            if style is None:
                self._view.complain(_("Choose a style first."))
                continue
            try:
                with self._view.running(*self._resting):
                    if look_file is None:
                        return self._stylise(style)
                    said = self._save(style, look_file)
            except Cancelled:
                said = (_("Stopped."), "")
            except (Failure, DecoupleError) as failure:
                if not self._image.is_valid():
                    raise  # there is nothing left to choose for
                said = ("", "")
                self._view.complain(reason(failure))
            self._preview.resume()
            self._changed()
            if said[0]:
                self._preview.say(*said)

    def _stylise(self, style: Style) -> list[Gimp.Layer]:
        """Make the new layers."""
        request = self._request(style)
        return stylise_all(
            self._worker, self._apply_to, self._image, self._layers, request, self._view.notice, self._files
        )

    def _save(self, style: Style, file: Path) -> tuple[str, str]:
        """Save the look; returns what there is to say of it, and its tooltip."""
        return save_look(self._worker, self._files, self._request(style), file, self._view.told)

    def _request(self, style: Style) -> Request:
        """What is chosen, kept for the next time, once the preview lets the worker go."""
        regions = self._regions(style)
        if self._earlier is None:
            remember_style({**style.where(), **(regions.where() if regions else {})}, self._image)
        for one in sources(style):
            if isinstance(one, FileStyle):
                add_used(one)
        self._preview.settle(self._view.told)
        output = arguments.chosen_output(self._config, self._files.earlier)
        return Request(style, regions, arguments.chosen_settings(self._config), output)

    def close(self) -> None:
        """Take the dialog away and let go of what it opened."""
        GLib.source_remove(self._watch)
        self._size.remember()
        self._revising.close()
        self._pointing.close()
        self._dialog.destroy()
        self._chooser.close()
        appearance.forget()

    def _build(self) -> list[Gtk.Widget]:
        """Arrange everything; returns the parts that rest while a run is on."""
        columns = Gtk.Box(spacing=screen.MARGIN, margin=screen.MARGIN, margin_bottom=0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        above = Gtk.Box(spacing=12)
        above.pack_start(self._target.labelled(), True, True, 0)
        above.pack_start(self._revising, False, False, 0)
        left.pack_start(above, False, False, 0)
        left.pack_start(self._pointing, True, True, 0)
        columns.pack_start(left, True, True, 0)
        columns.pack_start(self._gallery, False, False, 0)
        columns.pack_start(self._choices, False, False, 0)
        area = self._dialog.get_content_area()
        theirs = [child for child in area.get_children() if isinstance(child, Gtk.ButtonBox)]
        for box in theirs:  # GIMP's place for one set of values, which the presets do better
            area.remove(box)
        area.pack_start(self._view.message, False, False, 0)
        area.pack_start(columns, True, True, 0)
        area.pack_start(self._view.bar, False, False, 0)
        columns.show_all()
        self._gallery.hide()
        self._view.bar.show()
        self._controls.follow()
        offer_help(self._dialog)
        return [
            self._choices.all,
            self._gallery,
            self._target,
            self._revising,
            self._pointing.strip,
            self._save_look,
            self._vary,
        ]

    def _choose_first(self) -> None:
        """Start from the last style and regions, or the likeliest style; from its own, where a result is edited."""
        self._offer_labels()
        if self._earlier is not None:
            own = self._earlier.style()
            self._chooser.select_style(own)
            self._choose_regions(self._earlier.regions(own))
            self._changed()
            return
        last = remembered_style()
        style = found_again(last)
        again = style is not None and not style.is_one_of(self._layers)
        if not again:  # nobody wants a layer in its own style
            style = likely(self._image)
        if not (again and was_last(self._image)):
            self._pointing.forget()
        if style is not None:
            self._chooser.select_style(style)
            with contextlib.suppress(Failure):  # they are gone, or another image's
                self._choose_regions(Regions.found_again(last, self._image, style))
        else:
            self._choices.show_gallery.set_active(True)
        self._changed()

    def _choose_regions(self, regions: Regions | None) -> None:
        if regions is not None:
            self._target_labels.select(regions.target)
            self._style_labels.select(regions.style)
            self._choices.more.set_expanded(True)  # they are not to act unseen

    @property
    def _apply_to(self) -> str:
        """What a run is applied to; a result is edited by itself."""
        return self._config.get_property("apply-to") if self._earlier is None else SELECTED

    def _target_changed(self, layer: Gimp.Layer) -> None:
        """Work on another layer, and on that one alone."""
        self._layers = [layer]
        self._files.work_on(layer)
        self._pixels_now = self._pixels()
        self._preview.pixels_changed()
        self._offer_labels()
        self._changed()

    def _offer_labels(self) -> None:
        """Offer the layers that lie beside the target's and the style's."""
        taken = {layer.get_id() for layer in self._layers}
        self._target_labels.offer([(i, layer) for i, layer in layers_of(self._image) if layer.get_id() not in taken])
        style = self._chooser.style
        there = layers_of(style.drawable.get_image()) if isinstance(style, LayerStyle) else []
        self._style_labels.offer([(i, layer) for i, layer in there if style and not style.is_one_of([layer])])

    def _ask_for_look(self) -> None:
        """Ask where the look is to be saved, and have `run` do that."""
        style = self._chooser.style
        self._look_file = ask_where(self._dialog, style.name, self._image) if style is not None else None
        if self._look_file is not None:
            self._dialog.response(Gtk.ResponseType.OK)

    def _regions(self, style: Style) -> Regions | None:
        """The regions chosen; `Failure` where they do not go together."""
        return Regions.chosen(self._target_labels.selected, self._style_labels.selected, self._image, style)

    def _take(self, style: LayerStyle | FileStyle) -> None:
        """Choose what was clicked, dropped or pasted; a run keeps the style that it began with."""
        if not self._view.is_running:
            self._chooser.take(style)

    def _show_variations(self) -> None:
        """Show nine small results to choose from."""
        wish = self._preview.wish
        if wish is not None:
            others = others_to_try(self._image, wish.style) if wish.regions is None else []
            take = self._take_variation
            self._variations = Variations(self._dialog, self._preview, self._files.layer, wish, others, take)
            self._variations.show()

    def _take_variation(self, wish: Wish) -> None:
        """Choose the settings of a variation, and its style."""
        chosen = self._chooser.style
        if chosen is None or wish.style.where() != chosen.where():
            self._chooser.select_style(wish.style)
        arguments.set_settings(self._config, wish.settings)

    def _toggle_gallery(self, button: Gtk.ToggleButton) -> None:
        self._gallery.fit_into(self._dialog.get_allocated_width())
        self._gallery.set_visible(button.get_active())

    def _show_folder(self, folder: str) -> None:
        """Show a folder that was dropped."""
        self._choices.show_gallery.set_active(True)
        self._gallery.add_folder(folder)

    def _style_changed(self) -> None:
        self._gallery.look_at(self._chooser.last)
        self._offer_labels()
        self._changed()

    def _changed(self) -> None:
        style = self._chooser.style if self._target_is_there else None
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, style is not None)
        for button in (self._save_look, self._vary):
            button.set_sensitive(style is not None)
        regions = None
        if not self._target_is_there:
            self._preview.show_style(None, None, Settings())
            return
        if style is None:
            self._preview.say(_("Choose a style from the gallery, a file or a second image."))
        else:
            with contextlib.suppress(Failure):  # one is chosen, the other not yet
                regions = self._regions(style)
        self._say_what_is_missing()
        self._say_what_it_applies_to()
        self._pointing.show_style(style)
        with contextlib.suppress(DecoupleError):  # between the two of a change
            self._preview.show_style(style, regions, arguments.chosen_settings(self._config))

    def _say_what_is_missing(self) -> None:
        """What a result was made with and from may be gone."""
        if self._earlier is None:
            return
        words = [self._earlier.missing(self._chooser.style)]
        if self._earlier.original is None and self._layers[0].get_id() == self._earlier.layer.get_id():
            words.append(_("The layer that this one was made from is gone. Choose the one to work on."))
        self._choices.missing.set_text("\n".join(filter(None, words)))
        self._choices.missing.set_visible(any(words))

    def _say_what_it_applies_to(self) -> None:
        """Always seen where it is more than the layer in the preview."""
        found = works(
            self._apply_to,
            self._image,
            self._layers,
            self._chooser.style,
            (self._target_labels.selected, self._style_labels.selected),
        )
        counts = [len(layers) for _image, layers in found if layers]
        self._choices.applies.set_text(applies_to(sum(counts), len(counts)))
        self._choices.applies.set_visible(sum(counts) != 1 or len(found) > 1)

    def _looked(self, look: Look, is_draft: bool) -> None:
        """A look has come; with a true one, what went wrong before is over."""
        if look.outcome:
            self._controls.found(look.outcome, by_place=look.plan is not None)
        self._pointing.renew(is_draft=is_draft)
        if is_draft:
            return
        self._view.message.hide()
        self._controls.renew_seconds()

    def _follow_target(self) -> bool:
        """Whether the layer is still there; without it there is nothing to be done but to close the dialog."""
        there = self._layers[0].is_valid()
        if there != self._target_is_there:
            self._target_is_there = there
            if there:
                self._view.message.hide()
            else:
                self._view.complain(
                    _("The layer is no longer open. Undo its removal, or close this dialog and choose another layer.")
                )
            self._changed()
        return there

    def _pixels(self) -> tuple[object, ...]:
        styles = [style.drawable for style in sources(self._chooser.style) if isinstance(style, LayerStyle)]
        return watching.pixels_now(self._layers[0], *styles, self._target_labels.selected, self._style_labels.selected)

    def _look_around(self) -> bool:
        """Follow what has come, gone or changed in GIMP; nothing during a run, which has its own eyes."""
        if self._view.is_running or not self._follow_target():
            return True
        layers = watching.layers_now()
        if layers != self._layers_now:
            self._layers_now = layers
            chosen = self._chooser.has_choice
            self._target.renew()
            self._chooser.renew()
            self._gallery.renew()
            self._offer_labels()
            self._changed()
            if chosen and self._chooser.style is None:
                self._preview.say(_("The style's image was closed. Choose another style."))
        seen = self._pixels()
        if seen != self._pixels_now:
            if seen[:1] != self._pixels_now[:1] or len(seen) == len(self._pixels_now):
                self._chooser.redraw()
                self._pointing.redraw()
                self._gallery.redraw()
                self._preview.pixels_changed()
            self._pixels_now = seen
        return True


def applies_to(layers: int, images: int) -> str:
    """What a run applies to, in words; without layers there are no images."""
    if images > 1:  # each with a layer at least
        return _("Applies to {count} layers of {images} images").format(count=layers, images=images)
    return (
        (_("Applies to no layer"), _("Applies to one layer"))[layers]
        if layers < 2
        else _("Applies to {count} layers").format(count=layers)
    )
