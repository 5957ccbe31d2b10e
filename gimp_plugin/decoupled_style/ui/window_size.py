"""How large the dialog is: as the screen has room for, or as the artist left it; larger while more is to be seen."""

from __future__ import annotations

from gi.repository import Gdk, GLib, Gtk

from decoupled_style.host.kept import keep, kept

WINDOW = "decoupled-style-window"
"""Name of the parasite on GIMP itself."""

USUAL, LEAST_ROOM = (1600, 1000), (40, 180)
"""Pixels of the window at first, and those that a screen needs beside it: GIMP's status bar shows and stops a run."""


class WindowSize:
    """Remembers a window's size and whether more is seen, and enlarges the window for that.

    Parameters
    ----------
    window
        Not shown yet.
    more
        Holds what is not always seen.
    column
        What scrolls where the window is too small for all of that.
    """

    def __init__(self, window: Gtk.Window, more: Gtk.Expander, column: Gtk.ScrolledWindow) -> None:
        self._window, self._more, self._column = window, more, column
        self._added = 0
        last, room = kept(WINDOW), self._room()
        sides = [last.get(name) for name in ("width", "height")]
        wanted = [side if isinstance(side, int) else usual for side, usual in zip(sides, USUAL, strict=True)]
        window.set_default_size(*(max(1, min(pair)) for pair in zip(wanted, room, strict=True)))
        more.set_expanded(last.get("more") is True)
        for widget, signal in ((more, "notify::expanded"), (window, "map")):
            widget.connect(signal, lambda *_args: GLib.idle_add(self._follow))

    def remember(self) -> None:
        """Keep it for the next time, without what was added for more."""
        width, height = self._sides()
        keep(WINDOW, {"width": width, "height": height - self._added, "more": self._more.get_expanded()})

    def _follow(self) -> bool:
        """Make room for more, or take it back."""
        width, height = self._sides()
        if self._more.get_expanded():
            seen = self._column.get_vadjustment()
            lacking = min(round(seen.get_upper() - seen.get_page_size()), self._room()[1] - height)
            added = max(0, lacking)
            self._added += added
        else:
            added, self._added = -self._added, 0
        if added:
            self._window.resize(width, height + added)
        return False

    def _sides(self) -> tuple[int, int]:
        width, height = self._window.get_size()
        return width or 1, height or 1

    def _room(self) -> tuple[int, int]:
        """What the screen has for a window."""
        display, below = Gdk.Display.get_default(), self._window.get_window()
        monitor = None
        if display is not None and below is not None:
            monitor = display.get_monitor_at_window(below)
        elif display is not None:
            monitor = display.get_primary_monitor() or display.get_monitor(0)
        if monitor is None:
            return USUAL
        room = monitor.get_workarea()
        return room.width - LEAST_ROOM[0], room.height - LEAST_ROOM[1]
