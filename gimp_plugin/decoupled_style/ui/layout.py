"""Widgets beside and below each other, with their words."""

from __future__ import annotations

from collections.abc import Sequence

from gi.repository import GLib, Gtk, Pango


def row(label: str, *widgets: Gtk.Widget) -> Gtk.Box:
    """A label with widgets beside it, the first of which takes the room."""
    words_before = Gtk.Label(label=label, xalign=0, use_underline=True, mnemonic_widget=widgets[0])
    box = Gtk.Box(spacing=6)
    box.pack_start(words_before, False, False, 0)
    for number, widget in enumerate(widgets):
        box.pack_start(widget, number == 0, True, 0)
    return box


def heading(text: str, of: Gtk.Widget | None = None) -> Gtk.Label:
    """A heading over some controls, whose underlined letter reaches one of them."""
    label = Gtk.Label(xalign=0, margin_top=4, mnemonic_widget=of)
    label.set_markup_with_mnemonic(f"<b>{GLib.markup_escape_text(text)}</b>")
    return label


def remark(lines: int, width_chars: int = -1, max_width_chars: int = 60) -> Gtk.Label:
    """Words that come and go in a room of some lines, so that nothing around them moves."""
    label = Gtk.Label(
        xalign=0,
        wrap=True,
        lines=lines,
        ellipsize=Pango.EllipsizeMode.END,
        width_chars=width_chars,
        max_width_chars=max_width_chars,
    )
    label.set_size_request(-1, label.create_pango_layout("\n" * (lines - 1)).get_pixel_size()[1])
    return label


def hold(box: Gtk.Box, widgets: Sequence[Gtk.Widget]) -> None:
    """Have a box hold these and no others; what stays in it keeps the keyboard."""
    for gone in [one for one in box.get_children() if one not in widgets]:
        box.remove(gone)
    for place, widget in enumerate(widgets):
        holder = widget.get_parent()
        if holder is not box:
            if isinstance(holder, Gtk.Container):
                holder.remove(widget)
            box.add(widget)
            widget.show_all()
        box.reorder_child(widget, place)


def column(widgets: Sequence[Gtk.Widget], spacing: int = 3) -> Gtk.Box:
    """Widgets one below another."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box
