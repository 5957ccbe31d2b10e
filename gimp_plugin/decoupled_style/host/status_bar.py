"""GIMP's own progress bar."""

from __future__ import annotations

import os

from gi.repository import Gimp

from decoupled_style.messages import _


class StatusBar:
    """GIMP's own progress bar. Its Cancel button kills this process: there is nothing to ask for."""

    def __init__(self) -> None:
        self._parent = os.getppid()
        self._text = ""
        Gimp.progress_init(_("Decoupled Style Transfer"))

    def __call__(self, done: float | None, text: str) -> None:
        """Show how far the run is; ends the process where GIMP is gone."""
        if os.getppid() != self._parent:
            os._exit(1)
        if text and text != self._text:
            self._text = text
            Gimp.progress_set_text(text)
        if done is not None:
            Gimp.progress_update(done)
