"""Undo and redo of the choices in the dialog, and A and B, two settings to compare."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gi.repository import Gdk, Gimp, GLib, Gtk

from decoupled_style.host import arguments
from decoupled_style.messages import _
from decoupled_style.ui.history import Comparison, State

RELEASE_MS = 40
"""How often it is looked whether the button of the mouse is up again."""

STYLE, LINES = "style", "match"
"""In a state: which style it was made with, and the lines that begin in that one."""

OF_A_RUN = ("output", "layer-name", "apply-to", "replace")
"""Arguments that are no settings."""


class Revising(Gtk.Box):
    """The buttons for all that; the keys are Ctrl+Z, Ctrl+Shift+Z or Ctrl+Y, and Ctrl+B for the other of A and B.

    Parameters
    ----------
    config
        Holds the choices.
    style
        Tells which style is chosen. Lines belong to a style: with another one, those of now stay.
    turning
        Called before the other of A and B takes the dialog.
    """

    def __init__(self, config: Gimp.ProcedureConfig, style: Callable[[], str], turning: Callable[[], None]) -> None:
        super().__init__(spacing=4)
        self._config, self._style, self._turning = config, style, turning
        there = {one.name for one in config.list_properties()}
        names = [arguments.dashed(name) for name in (*arguments.SLIDERS, *arguments.FIELDS)]
        self._names = [name for name in (*names, *OF_A_RUN) if name in there]
        self._both = Comparison(self._state())
        self._waiting = self._looking = 0
        self._undo = self._button("edit-undo", _("Undo the last change (Ctrl+Z)"), self.undo)
        self._redo = self._button("edit-redo", _("Redo (Ctrl+Shift+Z)"), self.redo)
        self.pack_start(self._two_settings(), False, False, 0)
        self._handler = config.connect("notify", lambda *_args: self._note_soon())
        self._follow()

    def close(self) -> None:
        """Note no more."""
        self._config.disconnect(self._handler)
        for timer in filter(None, (self._waiting, self._looking)):
            GLib.source_remove(timer)

    def undo(self) -> None:
        """Take the last change back."""
        self._note()
        self._take(self._both.here.undo())

    def redo(self) -> None:
        """Take back what was undone last."""
        self._note()
        self._take(self._both.here.redo())

    def turn(self, which: int) -> None:
        """Turn to A (0) or B (1)."""
        if which != self._both.which:
            self._note()
            self._turning()
            self._take(self._both.turn(which))

    def key(self, event: Gdk.EventKey) -> bool:
        """Whether a key was one of ours."""
        if not (event.state & Gdk.ModifierType.CONTROL_MASK and self.is_sensitive()):
            return False
        act: dict[str, Callable[[], None]] = {
            "z": self.undo,
            "Z": self.redo,
            "y": self.redo,
            "b": lambda: self.turn(1 - self._both.which),
        }
        found = act.get(Gdk.keyval_name(event.keyval) or "")
        if found is not None:
            found()
        return found is not None

    def _button(self, icon: str, text: str, act: Callable[[], None]) -> Gtk.Button:
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
        button.set_tooltip_text(text)
        button.get_accessible().set_name(text)
        button.connect("clicked", lambda _button: act())
        self.pack_start(button, False, False, 0)
        return button

    def _two_settings(self) -> Gtk.Widget:
        """Buttons that look like one switch."""
        box = Gtk.Box()
        box.get_style_context().add_class("linked")
        box.set_tooltip_text(
            _("Two settings to compare. B begins as a copy of A; Ctrl+B changes from one to the other")
        )
        first = Gtk.RadioButton(label="A", draw_indicator=False)
        self._switch = [first, Gtk.RadioButton(label="B", draw_indicator=False, group=first)]
        for which, button in enumerate(self._switch):
            button.connect("clicked", self._clicked, which)
            box.pack_start(button, False, False, 0)
        return box

    def _clicked(self, button: Gtk.RadioButton, which: int) -> None:
        if button.get_active():
            self.turn(which)

    def _state(self) -> dict[str, Any]:
        """What is chosen now."""
        return {**{name: self._config.get_property(name) for name in self._names}, STYLE: self._style()}

    def _note_soon(self) -> None:
        """Once all that belongs to a change has changed."""
        if not self._waiting:
            self._waiting = GLib.idle_add(self._note_in_time, priority=GLib.PRIORITY_HIGH_IDLE)

    def _note_in_time(self) -> bool:
        self._waiting = 0
        self._note()
        return False

    def _note(self) -> None:
        """Note what is chosen now."""
        state, here = self._state(), self._both.here
        if state[STYLE] != here.now[STYLE]:  # whose lines have come with it
            here.amend(state)
        else:
            held = self._button_is_down()
            here.note(state, time.monotonic(), held=held)
            if held and not self._looking:
                self._looking = GLib.timeout_add(RELEASE_MS, self._look_for_release)
        self._follow()

    def _look_for_release(self) -> bool:
        if self._button_is_down():
            return True
        self._looking = 0
        self._both.here.release(time.monotonic())
        return False

    def _button_is_down(self) -> bool:
        window, display = self.get_window(), Gdk.Display.get_default()
        pointer = display.get_default_seat().get_pointer() if display is not None else None
        if window is None or pointer is None:
            return False
        return bool(window.get_device_position(pointer)[3] & Gdk.ModifierType.BUTTON1_MASK)

    def _take(self, state: State | None) -> None:
        """Choose what a state holds."""
        if state is None:
            return
        for name in self._names:
            belongs = name != LINES or state[STYLE] == self._style()
            if belongs and self._config.get_property(name) != state[name]:
                self._config.set_property(name, state[name])
        self._both.here.amend(self._state())
        self._follow()

    def _follow(self) -> None:
        """Offer what can be done."""
        self._undo.set_sensitive(self._both.here.can_undo)
        self._redo.set_sensitive(self._both.here.can_redo)
        self._switch[self._both.which].set_active(True)
