"""A run as the dialog shows it: how far it is, what went wrong, and the wish to stop."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from gi.repository import Gimp, GimpUi, Gtk

from decouple_contract.errors import Cancelled
from decoupled_style.host.status_bar import StatusBar
from decoupled_style.ui.remaining import Remaining
from decoupled_style.ui.screen import MARGIN

RESET = 1
"""The response of the dialog's own button for settings."""


class RunView:
    """The bar below the choices, the message above them, and the buttons while a run is on.

    Parameters
    ----------
    dialog
        Whose buttons rest during a run, and whose Cancel stops it.
    """

    def __init__(self, dialog: GimpUi.ProcedureDialog) -> None:
        self._dialog = dialog
        self._status: StatusBar | None = None
        self._stopped = False
        self._remaining = Remaining()
        self.message = Gtk.InfoBar(message_type=Gtk.MessageType.ERROR, no_show_all=True)
        self._words = Gtk.Label(wrap=True, xalign=0, max_width_chars=80)
        self.message.get_content_area().add(self._words)
        self._words.show()
        # Its room is kept while it is not to be seen, so that nothing moves when a run begins.
        self.bar = Gtk.ProgressBar(show_text=True, text=" ", opacity=0, margin_start=MARGIN, margin_end=MARGIN)

    @contextlib.contextmanager
    def running(self, *choices: Gtk.Widget) -> Iterator[None]:
        """Watch a run: the choices rest, the bar is seen, and closing the dialog stops the run but not the dialog."""
        self._show(True, *choices)
        self.message.hide()
        self._stopped = False
        self._status = StatusBar()
        self._remaining.begin(None)
        handlers = [
            self._dialog.connect("response", self._on_response),
            self._dialog.connect("delete-event", self._on_close),
        ]
        try:
            yield
        finally:
            for handler in handlers:
                self._dialog.disconnect(handler)
            Gimp.progress_end()
            self._status = None
            self._show(False, *choices)

    @property
    def is_running(self) -> bool:
        """Whether a run is on."""
        return self._status is not None

    def told(self, news: tuple[float, str] | None) -> None:
        """Show what goes on before the run itself; `Cancelled` where the user wants no more."""
        self.notice(*(news or (None, "")))

    def notice(self, done: float | None, text: str) -> None:
        """Show how far the run is, here and in GIMP's status bar; `Cancelled` where the user wants no more."""
        assert self._status is not None, "running() comes first"
        if text and done is not None:
            text = self._remaining.told(done, text)
        self._status(done, text)
        if text:
            self.bar.set_text(text)
        if done is not None:
            self.bar.set_fraction(done)
        self.pump()
        if self._stopped:
            raise Cancelled

    def pump(self) -> None:
        """Let GTK draw and hear the user."""
        while Gtk.events_pending():
            Gtk.main_iteration_do(False)

    def complain(self, text: str) -> None:
        """Say what went wrong."""
        self._words.set_text(text)
        self.message.show()

    def _show(self, running: bool, *choices: Gtk.Widget) -> None:
        for choice in choices:
            choice.set_sensitive(not running)
        for response in (Gtk.ResponseType.OK, Gtk.ResponseType.HELP, RESET):
            self._dialog.set_response_sensitive(response, not running)
        self.bar.set_opacity(running)

    def _on_response(self, dialog: Gtk.Dialog, response: int) -> None:
        if response == Gtk.ResponseType.CANCEL:
            self._stopped = True

    def _on_close(self, *_args: object) -> bool:
        """Escape, or the window's own button: stop, but stay."""
        self._stopped = True
        return True
