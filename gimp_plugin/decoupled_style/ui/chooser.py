"""The chooser for styles: every layer of every open image with its name and a thumbnail, or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from gi.repository import GdkPixbuf, Gimp, GimpUi, Gio, GLib, Gtk, Pango

from decouple_contract.paths import STYLE_SUFFIX
from decoupled_style.gallery import shelves
from decoupled_style.gallery.bundled import bundled
from decoupled_style.host import folders
from decoupled_style.host import gallery as kept
from decoupled_style.host.styles import FileStyle, LayerStyle, RecipeStyle, every_layer, names_apart
from decoupled_style.messages import _
from decoupled_style.ui.gallery import style_thumbnail
from decoupled_style.ui.thumbnails import thumbnail

THUMBNAIL = 52
"""Pixels of a thumbnail's longer side: enough to tell two photographs apart, and twelve rows fit on a small screen."""

SMALL_THUMBNAIL = 20
"""Pixels, where there is room for one line: enough to know flat colours by."""

PICTURE, WORDS, ROW = range(3)
SEPARATOR, NONE, KEPT, FIRST_FILE = -1, -2, -3, 1_000_000
"""In place of a layer's index; the files are numbered from the last."""

MOST_RECENT = 5
"""Files offered without having been chosen here; the gallery has more."""

PREVIEW_SIDE = 240
"""Pixels of the picture beside the list of files."""


class LayerChooser(Gtk.ComboBox):
    """Shows some layers; `selected` is the one chosen, or None.

    Parameters
    ----------
    layers
        What to offer.
    changed
        Called after each choice.
    thumbnail, width
        Pixels of a thumbnail's longer side, and characters beside it.
    """

    def __init__(
        self,
        layers: list[tuple[Gimp.Image, Gimp.Layer]],
        changed: Callable[[], None],
        thumbnail: int = THUMBNAIL,
        width: int = 28,
    ) -> None:
        self._rows = Gtk.ListStore(GdkPixbuf.Pixbuf, str, int)
        super().__init__(model=self._rows, hexpand=True)
        self._thumbnail = thumbnail
        picture = Gtk.CellRendererPixbuf(width=thumbnail + 8, height=thumbnail + 4)
        words = Gtk.CellRendererText(ellipsize=Pango.EllipsizeMode.END, width_chars=width, max_width_chars=width)
        for cell, kind, column in ((picture, "pixbuf", PICTURE), (words, "markup", WORDS)):
            self.pack_start(cell, cell is words)
            self.add_attribute(cell, kind, column)
        self.set_row_separator_func(lambda rows, row: rows[row][ROW] == SEPARATOR)
        self._layers: list[Gimp.Layer] = []
        self._without_picture: Iterator[int] = iter(())
        self._fill(layers)
        self.connect("changed", lambda _self: changed())

    @property
    def selected(self) -> Gimp.Layer | None:
        """The layer chosen, while it is there."""
        row = self._row()
        layer = self._layers[row] if row is not None and 0 <= row < len(self._layers) else None
        return layer if layer is not None and layer.is_valid() else None

    def select(self, layer: Gimp.Drawable) -> None:
        """Choose a layer, if it is there."""
        for number, known in enumerate(self._layers):
            if known.get_id() == layer.get_id():
                self.set_active(self._place(number))

    def _fill(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        """Add a row for each layer; the pictures come later."""
        self._layers = [layer for _image, layer in layers]
        self._names = names_apart([image for image, _layer in layers])
        for number, (image, layer) in enumerate(layers):
            self._rows.append([None, self._words(image, layer), number])
        self._draw_pictures()

    def offer(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        """Offer other layers than before, and choose none; the same ones change nothing."""
        if [layer.get_id() for _image, layer in layers] != [layer.get_id() for layer in self._layers]:
            self._without_picture = iter(())
            self._rows.clear()
            self._fill(layers)

    def _draw_pictures(self) -> None:
        waiting = self._without_picture = iter(range(len(self._layers)))
        GLib.idle_add(self._next_picture, waiting)

    def _words(self, image: Gimp.Image, layer: Gimp.Layer) -> str:
        return f"{escape(self._names[image.get_id()])}\n{_faint('    ' * depth(layer) + layer.get_name())}"

    def _place(self, number: int) -> int:
        """The position of a row by its index."""
        return next(place for place in range(len(self._rows)) if self._rows[place][ROW] == number)

    def _row(self) -> int | None:
        chosen = self.get_active_iter()
        return self._rows[chosen][ROW] if chosen is not None else None

    def _next_picture(self, waiting: Iterator[int]) -> bool:
        """Draw one more thumbnail when there is nothing else to do: the dialog must not wait for a hundred of them."""
        number = next(waiting, None) if waiting is self._without_picture else None
        if number is None:
            return False
        if self._layers[number].is_valid():
            self._rows[self._place(number)][PICTURE] = thumbnail(self._layers[number], self._thumbnail, self._thumbnail)
        return True


class LabelChooser(LayerChooser):
    """Offers one image's layers by their names alone, and none of them."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__([], changed, SMALL_THUMBNAIL, 6)

    def _fill(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        self._rows.clear()
        self._rows.append([None, _("None"), NONE])
        super()._fill(layers)
        self.set_active(0)
        self.set_sensitive(bool(layers))

    def _words(self, image: Gimp.Image, layer: Gimp.Layer) -> str:
        return escape(layer.get_name())


class StyleChooser(LayerChooser):
    """Offers every open layer, the files that styles were last taken from, and any other; `style` is what was chosen.

    Parameters
    ----------
    target
        The image to be stylised: its own layers come after those of others, and those that were stylised last.
    changed
        Called after each choice, and when the one that was chosen is gone.
    thumbnail, width
        As of any chooser.
    """

    def __init__(
        self, target: Gimp.Image, changed: Callable[[], None], thumbnail: int = THUMBNAIL, width: int = 28
    ) -> None:
        self._target, self._changed = target, changed
        recent = shelves.files_on(shelves.RECENT, kept.collection())[:MOST_RECENT]
        self._files = [FileStyle(Gio.File.new_for_uri(uri)) for uri in recent]
        self._kept: RecipeStyle | None = None
        self._listening = True
        super().__init__([], self._chosen, thumbnail, width)
        self.renew()

    @property
    def style(self) -> LayerStyle | FileStyle | RecipeStyle | None:
        """What was chosen, while it is there."""
        row = self._row()
        if row == KEPT:
            return self._kept
        if row is not None and row >= FIRST_FILE:
            return self._files[row - FIRST_FILE]
        return LayerStyle(self.selected) if self.selected is not None else None

    def select_style(self, style: LayerStyle | FileStyle | RecipeStyle) -> None:
        """Choose a style; one that a layer keeps is offered from then on."""
        if isinstance(style, RecipeStyle):
            self._kept = style
            self.renew()
            self.set_active(self._place(KEPT))
        elif isinstance(style, FileStyle):
            self._take(style)
        else:
            self.select(style.drawable)

    def renew(self) -> None:
        """Offer what is open now; the choice stays as long as it is there."""
        chosen = self.style
        self._listening = False
        self._without_picture = iter(())
        self._rows.clear()
        if self._kept is not None:
            self._rows.append([None, f"{escape(self._kept.name)}\n{_faint(_('Kept with the layer'))}", KEPT])
        self._fill(every_layer(self._target))
        if len(self._rows) and self._files:
            self._rows.append([None, "", SEPARATOR])
        for number, file in enumerate(self._files):
            words = f"{escape(file.name)}\n{_faint(_below(file))}"
            self._rows.append([style_thumbnail(file, self._thumbnail), words, FIRST_FILE + number])
        if isinstance(chosen, FileStyle):
            self.set_active(self._place(FIRST_FILE + self._files.index(chosen)))
        elif isinstance(chosen, RecipeStyle):
            self.set_active(self._place(KEPT))
        elif chosen is not None:
            self.select(chosen.drawable)
        self._listening = True

    def redraw(self) -> None:
        """The pixels of some layer have changed."""
        self._draw_pictures()

    def browse(self) -> None:
        """Ask for a file."""
        file = self._ask_for_file()
        if file is not None:
            self._take(FileStyle(file))

    def close(self) -> None:
        """Let go of the files that were opened."""
        for file in self._files:
            file.close()

    def _chosen(self) -> None:
        if self._listening:
            self._changed()

    def _take(self, style: FileStyle) -> None:
        """Give a file a row of its own, and choose it."""
        known = [file.file.get_uri() for file in self._files]
        if style.file.get_uri() not in known:
            known.append(style.file.get_uri())
            self._files.append(style)
            self.renew()
        number = known.index(style.file.get_uri())
        self.set_active(self._place(FIRST_FILE + number))

    def _ask_for_file(self) -> Gio.File | None:
        dialog = Gtk.FileChooserDialog(title=_("Take the style from a file"), action=Gtk.FileChooserAction.OPEN)
        window = self.get_toplevel()
        if isinstance(window, Gtk.Window):
            dialog.set_transient_for(window)
        dialog.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Open"), Gtk.ResponseType.ACCEPT)
        dialog.set_default_response(Gtk.ResponseType.ACCEPT)
        pictures, everything = Gtk.FileFilter(), Gtk.FileFilter()
        pictures.set_name(_("Pictures and styles"))
        pictures.add_mime_type("image/*")
        pictures.add_pattern("*" + STYLE_SUFFIX)
        everything.set_name(_("All files"))
        everything.add_pattern("*")
        dialog.add_filter(pictures)
        dialog.add_filter(everything)
        picture = Gtk.Image(width_request=PREVIEW_SIDE)
        dialog.set_preview_widget(picture)
        dialog.set_use_preview_label(False)
        dialog.connect("update-preview", lambda _dialog: dialog.set_preview_widget_active(_previewed(dialog, picture)))
        GimpUi.window_set_transient(dialog)
        folder = folders.folder_for(folders.STYLES, self._target)
        if folder is not None:
            dialog.set_current_folder(str(folder))
        try:
            if dialog.run() != Gtk.ResponseType.ACCEPT:
                return None
            folders.remember_folder(folders.STYLES, dialog.get_filename())
            return dialog.get_file()
        finally:
            dialog.destroy()


def _previewed(dialog: Gtk.FileChooserDialog, picture: Gtk.Image) -> bool:
    """Show the file that is looked at, if it can be shown."""
    path = dialog.get_preview_filename()
    if path is None or not Path(path).is_file():
        return False
    try:
        picture.set_from_pixbuf(GdkPixbuf.Pixbuf.new_from_file_at_size(path, PREVIEW_SIDE, PREVIEW_SIDE))
    except GLib.Error:
        return False
    return True


def _below(file: FileStyle) -> str:
    """What tells a file from others of its name."""
    ours = bundled(file.file.get_path())
    return _(ours.by) if ours else "" if file.is_temporary else file.file_name


def _faint(text: str) -> str:
    return f'<span size="small" alpha="60%">{escape(text)}</span>'


def depth(layer: Gimp.Layer) -> int:
    """How many groups a layer is in."""
    depth, parent = 0, layer.get_parent()
    while parent is not None:
        depth, parent = depth + 1, parent.get_parent()
    return depth
