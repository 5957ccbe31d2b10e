"""A style's picture, small and whole, on which places can be pointed at."""

from __future__ import annotations

import json
from typing import Any

from gi.repository import Gdk, GdkPixbuf, Gimp, GLib, Gtk

from decoupled_style.host.kept_pictures import kept_pictures
from decoupled_style.host.styles import FileStyle, LayerStyle, Style
from decoupled_style.ui.geometry import Geometry
from decoupled_style.ui.looks import pixbuf_of
from decoupled_style.ui.thumbnails import thumbnail

LARGEST = (300, 150)
"""Pixels of the picture's sides at most: its places can be told apart, and the preview keeps most of the window."""

ROOM = 600
"""Pixels that several have together."""


class StylePicture(Gtk.EventBox):
    """Shows a picture, and takes the keyboard and the mouse for whoever listens.

    Parameters
    ----------
    pixbuf
    beside
        How many there are beside it.

    Attributes
    ----------
    geometry : Geometry
        Where the picture lies in the widget.
    """

    def __init__(self, pixbuf: GdkPixbuf.Pixbuf, beside: int = 0) -> None:
        super().__init__(can_focus=True, halign=Gtk.Align.START, valign=Gtk.Align.START)
        self.add_events(
            Gdk.EventMask.POINTER_MOTION_MASK
            | Gdk.EventMask.LEAVE_NOTIFY_MASK
            | Gdk.EventMask.BUTTON_PRESS_MASK
            | Gdk.EventMask.BUTTON_RELEASE_MASK
            | Gdk.EventMask.KEY_PRESS_MASK
            | Gdk.EventMask.FOCUS_CHANGE_MASK
        )
        room = (min(LARGEST[0], ROOM // (beside + 1)), LARGEST[1])
        share = min(1.0, *(most / side for most, side in zip(room, _sides(pixbuf), strict=True)))
        width, height = (max(1, round(side * share)) for side in _sides(pixbuf))
        small = pixbuf.scale_simple(width, height, GdkPixbuf.InterpType.BILINEAR)
        self.geometry = Geometry(width, height)
        self.geometry.resize(width, height)
        self.add(Gtk.Image.new_from_pixbuf(small))
        self.set_size_request(width, height)
        self.connect("size-allocate", lambda _self, room: self.geometry.resize(room.width, room.height))


def is_to_come(style: Style) -> bool:
    """Whether a style that shows no picture has one: its file is opened for the first look, and shown with it."""
    return isinstance(style, FileStyle) and not style.is_features


def _sides(pixbuf: GdkPixbuf.Pixbuf) -> tuple[int, int]:
    return pixbuf.get_width(), pixbuf.get_height()


def pictures_of(style: Style) -> list[GdkPixbuf.Pixbuf]:
    """A style's own picture, small, or those of all that its features were made of; none while it is not opened."""
    if isinstance(style, LayerStyle):
        return _thumbnail(style.drawable) if style.is_open else []
    if isinstance(style, FileStyle) and not style.is_features:
        return _thumbnail(style.drawable()) if style.image is not None else []
    features = _features(style) if isinstance(style, FileStyle) else style.where().get("recipe")
    return [pixbuf_of(*picture) for picture in kept_pictures(features)]


def _features(style: FileStyle) -> Any:
    """What a ``.style`` file holds; None where it cannot be read, as whoever runs with it will say."""
    try:
        return json.loads(style.file.load_contents(None)[1])
    except (GLib.Error, ValueError, RecursionError):
        return None


def _thumbnail(drawable: Gimp.Drawable) -> list[GdkPixbuf.Pixbuf]:
    small = thumbnail(drawable, *LARGEST)
    return [small] if small is not None else []
