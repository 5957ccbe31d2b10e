"""The gallery: every style at hand as a picture large enough to judge, on shelves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path

from gi.repository import GdkPixbuf, Gimp, Gio, GLib, Gtk, Pango

from decouple_contract.paths import STYLE_SUFFIX
from decoupled_style.gallery import shelves
from decoupled_style.gallery.bundled import DRAWING, PAINTING, PHOTOGRAPH, bundled
from decoupled_style.gallery.collection import Collection
from decoupled_style.host import gallery as kept
from decoupled_style.host.styles import FileStyle, LayerStyle, every_layer, name_of
from decoupled_style.messages import _
from decoupled_style.ui.layout import remark
from decoupled_style.ui.thumbnails import thumbnail

SIDE = 120
"""Pixels of a thumbnail's longer side: brushwork can be told from flat colour, and three stand in a row."""

FEW, MANY, GAP = 2, 3, 6
"""Thumbnails in a row where the window is narrow and where it is not, and pixels between them."""

ROOMY = 1360
"""Pixels of a window's width from which it is not narrow: the preview keeps as much as the gallery takes."""

AT_ONCE = 24
"""Thumbnails drawn where it is not known yet what can be seen: a screenful."""

PICTURE, WORDS, PLACE = range(3)

NO_FLAGS = Gtk.IconLookupFlags(0)

SHELF_NAMES = {
    shelves.ALL: _("All styles"),
    shelves.OPEN: _("Open images"),
    shelves.FAVOURITES: _("Favourites"),
    shelves.RECENT: _("Recent"),
    PAINTING: _("Paintings"),
    DRAWING: _("Drawings and prints"),
    PHOTOGRAPH: _("Photographs"),
}

Taken = Callable[[LayerStyle | FileStyle], None]


class Gallery(Gtk.Box):
    """Shows styles; a click or the Enter key takes one.

    Parameters
    ----------
    target
        The image to be stylised.
    taken
        Called with the style that was taken.
    paste
        Called when what lies on the clipboard is to be taken.
    """

    def __init__(self, target: Gimp.Image, taken: Taken, paste: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._target, self._taken = target, taken
        self._collection = kept.collection()
        self._styles: list[LayerStyle | FileStyle] = []
        self._without_picture: set[int] = set()
        self._drawing, self._listening = 0, True
        self._rows = Gtk.ListStore(GdkPixbuf.Pixbuf, str, int)
        self._view = self._icons()
        scrolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, shadow_type=Gtk.ShadowType.IN)
        scrolled.add(self._view)
        self._scrolled = scrolled
        scrolled.get_vadjustment().connect("value-changed", lambda _at: self._draw_soon())
        self._shelf = Gtk.ComboBoxText(hexpand=True, tooltip_text=_("Which styles are shown"))
        self._shelf.set_row_separator_func(lambda rows, row: rows[row][0] == "")
        self._shelf.connect("changed", lambda _list: self._fill())
        self._add_folder = _button("folder-new", _("Show a folder of your own"), self._ask_for_folder)
        self._remove_folder = _button("list-remove", _("Remove this folder from the gallery"), self._forget_folder)
        self._about = remark(3, max_width_chars=24)
        self._favourite = Gtk.ToggleButton(
            image=Gtk.Image.new_from_icon_name("starred", Gtk.IconSize.BUTTON),
            valign=Gtk.Align.CENTER,
            tooltip_text=_("Keep among the favourites"),
        )
        self._favourite.get_accessible().set_name(_("Keep among the favourites"))
        self._favourite.connect("toggled", self._toggle_favourite)
        above, below = Gtk.Box(spacing=4), Gtk.Box(spacing=6)
        above.pack_start(self._shelf, True, True, 0)
        pasting = _button("edit-paste", _("Take the picture on the clipboard"), paste)
        for button in (pasting, self._add_folder, self._remove_folder):
            above.pack_start(button, False, False, 0)
        below.pack_start(self._about, True, True, 0)
        below.pack_start(self._favourite, False, False, 0)
        self.pack_start(above, False, False, 0)
        self.pack_start(scrolled, True, True, 0)
        self.pack_start(below, False, False, 0)
        self._name_shelves(shelves.ALL)
        self.fit_into(ROOMY)
        self.connect("map", lambda _self: self._draw_soon())

    def fit_into(self, width: int) -> None:
        """Take as much room as a window of this width has."""
        columns = MANY if width >= ROOMY else FEW
        self._view.set_columns(columns)
        self._scrolled.set_size_request(columns * (SIDE + 2 * GAP) + 3 * GAP, 3 * SIDE)

    @property
    def shelf(self) -> str:
        """The one that is shown."""
        return self._shelf.get_active_id() or shelves.ALL

    def show_shelf(self, shelf: str) -> None:
        """Show another one."""
        self._shelf.set_active_id(shelf)

    def renew(self) -> None:
        """Layers have come, gone or been renamed, or files been used."""
        self._collection = kept.collection()
        self._fill()

    def redraw(self) -> None:
        """The pixels of some layer have changed."""
        self._without_picture |= {n for n, style in enumerate(self._styles) if isinstance(style, LayerStyle)}
        self._draw_soon()

    def look_at(self, style: object) -> None:
        """Show which style is chosen, if it stands on this shelf."""
        where = style.where() if isinstance(style, LayerStyle | FileStyle) else None
        if where == self._looked_at():
            return
        self._view.unselect_all()
        for number, one in enumerate(self._styles):
            if one.where() == where:
                self._select(number)

    def _icons(self) -> Gtk.IconView:
        view = Gtk.IconView(
            model=self._rows,
            item_width=SIDE,
            item_padding=GAP // 2,
            margin=GAP,
            row_spacing=GAP,
            column_spacing=GAP,
            activate_on_single_click=True,
        )
        picture = Gtk.CellRendererPixbuf(width=SIDE, height=SIDE)
        words = Gtk.CellRendererText(
            ellipsize=Pango.EllipsizeMode.END, width=SIDE, xalign=0.5, alignment=Pango.Alignment.CENTER, scale=0.85
        )
        for cell, kind, column in ((picture, "pixbuf", PICTURE), (words, "text", WORDS)):
            view.pack_start(cell, False)
            view.add_attribute(cell, kind, column)
        view.get_accessible().set_name(_("Styles"))
        view.connect("item-activated", lambda _view, path: self._taken(self._styles[path.get_indices()[0]]))
        view.connect("selection-changed", lambda _view: self._tell())
        view.connect("size-allocate", lambda *_args: self._draw_soon())
        return view

    def _name_shelves(self, chosen: str) -> None:
        self._listening = False
        self._shelf.remove_all()
        for shelf, name in SHELF_NAMES.items():
            self._shelf.append(shelf, name)
        if self._collection.folders:
            self._shelf.append(None, "")
        for folder in self._collection.folders:
            self._shelf.append(folder, Path(folder).name)
        self._listening = True
        self._shelf.set_active_id(chosen)

    def _fill(self) -> None:
        """Put the styles of the shelf in their rows; the pictures come later."""
        if not self._listening:
            return
        before, shelf = self._looked_at(), self.shelf
        self._remove_folder.set_sensitive(shelf in self._collection.folders)
        self._rows.clear()
        self._styles = list(self._on(shelf))
        for number, style in enumerate(self._styles):
            self._rows.append([None, self._words(style), number])
        self._without_picture = set(range(len(self._styles)))
        self._draw_soon()
        for number, style in enumerate(self._styles):
            if style.where() == before:
                self._select(number)
        self._tell()

    def _on(self, shelf: str) -> Iterator[LayerStyle | FileStyle]:
        if shelf in (shelves.ALL, shelves.OPEN):
            for image, layer in every_layer(self._target):
                if image.get_id() != self._target.get_id() or shelf == shelves.OPEN:
                    yield LayerStyle(layer)
        for uri in shelves.files_on(shelf, self._collection):
            yield FileStyle(Gio.File.new_for_uri(uri))

    def _words(self, style: LayerStyle | FileStyle) -> str:
        return f"★ {style.name}" if self._is_favourite(style) else style.name

    def _is_favourite(self, style: LayerStyle | FileStyle | None) -> bool:
        return isinstance(style, FileStyle) and style.file.get_uri() in self._collection.favourites

    def _selected(self) -> int | None:
        found = self._view.get_selected_items()
        return found[0].get_indices()[0] if found else None

    def _looked_at(self) -> dict[str, object] | None:
        """What tells the selected style from others."""
        number = self._selected()
        return self._styles[number].where() if number is not None and number < len(self._styles) else None

    def _select(self, number: int) -> None:
        path = Gtk.TreePath.new_from_indices([number])
        self._view.select_path(path)
        self._view.set_cursor(path, None, False)
        self._view.scroll_to_path(path, False, 0, 0)

    def _tell(self) -> None:
        """Say what the selected style is."""
        number = self._selected()
        style = self._styles[number] if number is not None and number < len(self._styles) else None
        self._listening = False
        self._favourite.set_sensitive(isinstance(style, FileStyle))
        self._favourite.set_active(self._is_favourite(style))
        self._listening = True
        if style is not None:
            self._about.set_markup(about(style))
        elif self._styles:
            self._about.set_text("")
        else:
            self._about.set_text(_("Nothing is here yet."))

    def _toggle_favourite(self, _button: Gtk.Widget) -> None:
        number = self._selected()
        style = self._styles[number] if number is not None else None
        if not self._listening or number is None or not isinstance(style, FileStyle):
            return
        self._keep(kept.collection().toggled(style.file.get_uri()))
        if self.shelf == shelves.FAVOURITES:
            self._fill()
        else:
            self._rows[number][WORDS] = self._words(style)

    def _keep(self, collection: Collection) -> None:
        self._collection = collection
        kept.keep(collection)

    def _ask_for_folder(self) -> None:
        window = self.get_toplevel()
        dialog = Gtk.FileChooserDialog(
            title=_("Show a folder in the gallery"),
            action=Gtk.FileChooserAction.SELECT_FOLDER,
            transient_for=window if isinstance(window, Gtk.Window) else None,
        )
        dialog.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Open"), Gtk.ResponseType.ACCEPT)
        dialog.set_default_response(Gtk.ResponseType.ACCEPT)
        folder = dialog.get_filename() if dialog.run() == Gtk.ResponseType.ACCEPT else None
        dialog.destroy()
        if folder is not None:
            self.add_folder(folder)

    def add_folder(self, folder: str) -> None:
        """Give a folder a shelf of its own, and show it."""
        self._keep(kept.collection().with_folder(folder))
        self._name_shelves(folder)

    def _forget_folder(self) -> None:
        self._keep(kept.collection().without_folder(self.shelf))
        self._name_shelves(shelves.ALL)

    def _draw_soon(self) -> None:
        """Begin to draw, unless that is under way or nobody sees it."""
        if not self._drawing and self.get_mapped():
            self._drawing = GLib.idle_add(self._draw_next)

    def _draw_next(self) -> bool:
        """Draw one more thumbnail that can be seen, when there is nothing else to do."""
        seen = self._view.get_visible_range()
        first, last = (path.get_indices()[0] for path in seen) if seen else (0, AT_ONCE - 1)
        wanted = sorted(number for number in self._without_picture if first <= number <= last)
        if not wanted:
            self._drawing = 0
            return False
        self._without_picture.discard(wanted[0])
        self._rows[wanted[0]][PICTURE] = style_thumbnail(self._styles[wanted[0]], SIDE)
        return True


def about(style: LayerStyle | FileStyle) -> str:
    """What a style is, in three lines of markup: title, by whom and when, licence; or where it is from."""
    if isinstance(style, LayerStyle):
        image = name_of(style.drawable.get_image()) if style.is_open else ""
        return _lines(style.name, _("Layer of {image}").format(image=image))
    ours = bundled(style.file.get_path())
    if ours is None:
        return _lines(style.name, "" if style.is_temporary else style.file.get_path() or style.file.get_uri())
    by = _(ours.by)
    return _lines(
        _(ours.title),
        f"{by}, {_(ours.year)}" if ours.year else by,
        _("Licence: {licence}").format(licence=_(ours.licence)),
    )


def _lines(title: str, *below: str) -> str:
    return "\n".join([f"<b>{escape(title)}</b>", *(f"<small>{escape(line)}</small>" for line in below)])


def style_thumbnail(style: LayerStyle | FileStyle, side: int) -> GdkPixbuf.Pixbuf | None:
    """A small picture of a style; of one that cannot be drawn, the icon of a file."""
    if isinstance(style, LayerStyle):
        return thumbnail(style.drawable, side, side) if style.is_open else None
    path = style.file.get_path()
    if path is not None and Path(path).suffix.lower() != STYLE_SUFFIX:
        try:
            return GdkPixbuf.Pixbuf.new_from_file_at_size(path, side, side)
        except GLib.Error:  # a format of GIMP's own: it has a name, if no picture
            pass
    return Gtk.IconTheme.get_default().load_icon("text-x-generic", min(side, 48), NO_FLAGS)


def _button(icon: str, text: str, act: Callable[[], None]) -> Gtk.Button:
    button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
    button.set_tooltip_text(text)
    button.get_accessible().set_name(text)
    button.connect("clicked", lambda _button: act())
    return button
