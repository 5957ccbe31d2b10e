"""Styles that are dropped on the dialog or pasted into it: files, layers, and pictures of other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gi.repository import Gdk, GdkPixbuf, Gio, Gtk

from decoupled_style.gallery.shelves import is_style, path_of
from decoupled_style.host import gallery as kept
from decoupled_style.host.styles import FileStyle, LayerStyle
from decoupled_style.messages import Failure, _

Take = Callable[[LayerStyle | FileStyle], None]
Complain = Callable[[str], None]


class Incoming:
    """Takes what is dropped on a window, or pasted while no field for text has the keys.

    Parameters
    ----------
    window
    take
        Called with the style.
    take_folder
        Called with the path of a folder.
    complain
        Called with words where nothing could be made of it.
    """

    def __init__(self, window: Gtk.Window, take: Take, take_folder: Callable[[str], None], complain: Complain) -> None:
        self._take, self._take_folder, self._complain = take, take_folder, complain
        self._window = window
        window.drag_dest_set(Gtk.DestDefaults.ALL, [], Gdk.DragAction.COPY)
        targets = Gtk.TargetList.new([Gtk.TargetEntry.new(kept.GIMP_LAYER, 0, 0)])
        targets.add_uri_targets(0)
        targets.add_image_targets(0, False)
        window.drag_dest_set_target_list(targets)
        window.connect("drag-data-received", self._dropped)
        window.connect("key-press-event", self._key)

    def paste(self) -> None:
        """Take what lies on the clipboard."""
        clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)
        uris = clipboard.wait_for_uris() or []
        picture = None if uris else clipboard.wait_for_image()
        self._receive(uris, picture, _("Clipboard"), _("There is no picture on the clipboard. Copy one and try again."))

    def _dropped(
        self,
        _window: Gtk.Window,
        context: Gdk.DragContext,
        _x: int,
        _y: int,
        data: Gtk.SelectionData,
        _info: int,
        _time: int,
    ) -> None:
        layer = kept.dragged_layer(bytes(data.get_data()))
        if layer is not None:
            self._take(layer)
            return
        self._receive(
            data.get_uris() or [],
            data.get_pixbuf(),
            _("Dropped picture"),
            _("There is no picture in what was dropped. Drop a picture's file or a layer."),
        )

    def _receive(self, uris: Sequence[str], picture: GdkPixbuf.Pixbuf | None, name: str, nothing: str) -> None:
        paths = [path for uri in uris if (path := path_of(uri)) is not None]
        files = [path for path in paths if path.is_file() and is_style(path)]
        folders = [path for path in paths if path.is_dir()]
        try:
            if files:
                self._take(FileStyle(Gio.File.new_for_path(str(files[0]))))
            elif folders:
                self._take_folder(str(folders[0]))
            elif picture is not None:
                self._take(kept.temporary_style(picture, name))
            else:
                self._complain(nothing)
        except Failure as failure:
            self._complain(str(failure))

    def _key(self, window: Gtk.Window, event: Gdk.EventKey) -> bool:
        pressed = event.state & Gtk.accelerator_get_default_mod_mask()
        pastes = event.keyval in (Gdk.KEY_v, Gdk.KEY_V) and pressed == Gdk.ModifierType.CONTROL_MASK
        if not pastes or isinstance(window.get_focus(), Gtk.Entry):
            return False
        self.paste()
        return True
