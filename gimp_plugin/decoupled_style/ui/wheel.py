"""The wheel over a column of controls scrolls the column, and changes none of them on the way."""

from __future__ import annotations

from gi.repository import Gdk, GObject, Gtk

TURNED_BY_IT = (Gtk.SpinButton, Gtk.Scale, Gtk.ComboBox)
"""What GTK changes by the wheel as soon as the pointer is over it."""


def leave_wheel_to_parents(widget: Gtk.Widget) -> None:
    """Have the wheel pass by a widget and whatever lies in it now or later."""
    if isinstance(widget, TURNED_BY_IT):
        widget.connect("scroll-event", _pass_on)
    elif isinstance(widget, Gtk.Container):
        widget.forall(leave_wheel_to_parents)
        widget.connect("add", lambda _container, child: leave_wheel_to_parents(child))


def _pass_on(widget: Gtk.Widget, _event: Gdk.EventScroll) -> bool:
    GObject.signal_stop_emission_by_name(widget, "scroll-event")
    return False
