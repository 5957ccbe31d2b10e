"""The chooser for styles: every layer of every open image with its name and a thumbnail, or a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from gi.repository import GdkPixbuf, Gimp, GimpUi, Gio, GLib, Gtk, Pango

from decoupled_style.contract.paths import STYLE_SUFFIX
from decoupled_style.host.styles import FileStyle, LayerStyle, every_layer
from decoupled_style.messages import _

THUMBNAIL = 48
"""Pixels of a thumbnail's longer side: enough to tell two photographs apart, and 12 rows fit on a small screen."""

SMALL_THUMBNAIL = 20
"""Pixels, where there is room for one line: enough to know flat colours by."""

NO_FLAGS = Gtk.IconLookupFlags(0)

PICTURE, WORDS, ROW = range(3)
SEPARATOR, ASK_FOR_FILE, NONE = -1, -2, -3
"""In place of a row's index."""


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

    def __init__(self, layers: list[tuple[Gimp.Image, Gimp.Layer]], changed: Callable[[], None],
                 thumbnail: int = THUMBNAIL, width: int = 28) -> None:
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
        """The layer chosen."""
        row = self._row()
        return self._layers[row] if row is not None and row >= 0 else None

    def select(self, layer: Gimp.Drawable) -> None:
        """Choose a layer, if it is there."""
        for number, known in enumerate(self._layers):
            if known.get_id() == layer.get_id():
                self.set_active(self._place(number))

    def _fill(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        """Add a row for each layer; the pictures come later."""
        self._layers = [layer for _image, layer in layers]
        for number, (image, layer) in enumerate(layers):
            self._rows.append([None, self._words(image, layer), number])
        self._without_picture = iter(range(len(layers)))
        GLib.idle_add(self._next_picture)

    def _words(self, image: Gimp.Image, layer: Gimp.Layer) -> str:
        depth = "    " * _depth(layer)
        return f"{depth}{escape(layer.get_name())}\n{depth}{_faint(image.get_name())}"

    def _place(self, number: int) -> int:
        """The position of a row by its index."""
        return next(place for place in range(len(self._rows)) if self._rows[place][ROW] == number)

    def _row(self) -> int | None:
        chosen = self.get_active_iter()
        return self._rows[chosen][ROW] if chosen is not None else None

    def _next_picture(self) -> bool:
        """Draw one more thumbnail when there is nothing else to do: the dialog must not wait for a hundred of them."""
        number = next(self._without_picture, None)
        if number is None:
            return False
        if self._layers[number].is_valid():
            self._rows[self._place(number)][PICTURE] = self._layers[number].get_thumbnail(
                self._thumbnail, self._thumbnail, Gimp.PixbufTransparency.SMALL_CHECKS)
        return True


class LabelChooser(LayerChooser):
    """Offers one image's layers by their names alone, and none of them."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__([], changed, SMALL_THUMBNAIL, 6)

    def offer(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        """Offer other layers than before, and choose none; the same ones change nothing."""
        if [layer.get_id() for _image, layer in layers] != [layer.get_id() for layer in self._layers]:
            self._fill(layers)

    def _fill(self, layers: list[tuple[Gimp.Image, Gimp.Layer]]) -> None:
        self._rows.clear()
        self._rows.append([None, _("None"), NONE])
        super()._fill(layers)
        self.set_active(0)
        self.set_sensitive(bool(layers))

    def _words(self, image: Gimp.Image, layer: Gimp.Layer) -> str:
        return escape(layer.get_name())


class StyleChooser(LayerChooser):
    """Also offers to take a file; `style` is what was chosen."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._file: FileStyle | None = None
        self._kept: int | None = None
        super().__init__(list(every_layer()), self._chosen)
        if len(self._rows):
            self._rows.append([None, "", SEPARATOR])
        icon = Gtk.IconTheme.get_default().load_icon("document-open", 24, NO_FLAGS)
        self._rows.append([icon, _("Choose a file..."), ASK_FOR_FILE])

    @property
    def style(self) -> LayerStyle | FileStyle | None:
        """What was chosen."""
        if self._row() == len(self._layers):
            return self._file
        return LayerStyle(self.selected) if self.selected is not None else None

    def select_style(self, style: LayerStyle | FileStyle) -> None:
        """Choose a style."""
        if isinstance(style, FileStyle):
            self._take(style)
        else:
            self.select(style.drawable)

    def _chosen(self) -> None:
        if self._row() == ASK_FOR_FILE:
            file = self._ask_for_file()
            if file is None:
                self.set_active(-1 if self._kept is None else self._kept)
                return
            self._take(FileStyle(file))
        else:
            self._kept = self.get_active()
            self._changed()

    def _take(self, style: FileStyle) -> None:
        """Give a file a row of its own, below the layers, and choose it."""
        number = len(self._layers)
        if self._file is None:
            place = number + 1 if number else 0
            self._rows.insert(place, [None, "", number])
        else:
            self._file.close()
            place = self._place(number)
        self._file = style
        self._rows[place][PICTURE] = _thumbnail(style)
        self._rows[place][WORDS] = f"{escape(style.name)}\n{_faint(style.file_name)}"
        if self.get_active() == place:
            self._chosen()
        else:
            self.set_active(place)

    def _ask_for_file(self) -> Gio.File | None:
        dialog = Gtk.FileChooserDialog(title=_("Take the style of a file"), action=Gtk.FileChooserAction.OPEN)
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
        GimpUi.window_set_transient(dialog)
        try:
            return dialog.get_file() if dialog.run() == Gtk.ResponseType.ACCEPT else None
        finally:
            dialog.destroy()


def _thumbnail(style: FileStyle) -> GdkPixbuf.Pixbuf | None:
    path = style.file.get_path()
    if path is not None and Path(path).suffix.lower() != STYLE_SUFFIX:
        try:
            return GdkPixbuf.Pixbuf.new_from_file_at_size(path, THUMBNAIL, THUMBNAIL)
        except GLib.Error:  # a format of GIMP's own: it has a name, if no picture
            pass
    return Gtk.IconTheme.get_default().load_icon("text-x-generic", 24, NO_FLAGS)


def _faint(text: str) -> str:
    return f'<span size="small" alpha="60%">{escape(text)}</span>'


def _depth(layer: Gimp.Layer) -> int:
    depth, parent = 0, layer.get_parent()
    while parent is not None:
        depth, parent = depth + 1, parent.get_parent()
    return depth
