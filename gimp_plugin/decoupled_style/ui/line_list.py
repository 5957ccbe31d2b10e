"""The list of lines: each in words, to be looked at and removed."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gdk, Gtk

from decoupled_style.messages import _
from decoupled_style.ui.lines import Line, Lines
from decoupled_style.ui.place_words import line_words


class LineList(Gtk.Box):
    """Shows lines.

    Parameters
    ----------
    removed
        Called with the number of a line that is to go.
    looked_at
        Called when another line is chosen, or none.
    """

    def __init__(self, removed: Callable[[int], None], looked_at: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        self._removed = removed
        self._list = Gtk.ListBox(selection_mode=Gtk.SelectionMode.SINGLE)
        self._list.get_accessible().set_name(_("Lines"))
        self._list.connect("row-selected", lambda *_args: looked_at())
        self._list.connect("key-press-event", self._key)
        self._list.show()
        self._scrolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, no_show_all=True)
        self._scrolled.add(self._list)
        self.pack_start(self._scrolled, True, True, 0)

    @property
    def chosen(self) -> int | None:
        """The number of the line that is looked at."""
        row = self._list.get_selected_row()
        return row.get_index() if row is not None else None

    def show_lines(self, lines: Lines) -> None:
        """Show these."""
        for row in self._list.get_children():
            row.destroy()
        for number, line in enumerate(lines):
            self._list.add(self._row(number, line))
        self._list.show_all()
        self._scrolled.set_visible(len(lines) > 0)

    def _row(self, number: int, line: Line) -> Gtk.Widget:
        box = Gtk.Box(spacing=6)
        box.pack_start(Gtk.Label(label=line_words(number, line), xalign=0), True, True, 0)
        gone = Gtk.Button.new_from_icon_name("list-remove", Gtk.IconSize.MENU)
        gone.set_relief(Gtk.ReliefStyle.NONE)
        gone.set_tooltip_text(_("Remove this line"))
        gone.get_accessible().set_name(_("Remove this line"))
        gone.connect("clicked", lambda _button: self._removed(number))
        box.pack_start(gone, False, False, 0)
        return box

    def _key(self, _list: Gtk.Widget, event: Gdk.EventKey) -> bool:
        number = self.chosen
        if number is None or Gdk.keyval_name(event.keyval) not in ("Delete", "KP_Delete", "BackSpace"):
            return False
        self._removed(number)
        return True
