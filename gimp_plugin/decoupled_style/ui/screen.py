"""What every dialog of ours begins with."""

from __future__ import annotations

import os

from gi.repository import GimpUi, GLib

ROLE = "decoupled-style"

MARGIN = 12
"""Pixels around a dialog's contents, as in GIMP's own."""

WATCH_MS = 200
"""How often an open dialog looks whether GIMP is still there: two seconds after its end, all must be gone."""


def begin() -> None:
    """Have GTK ready, and end with GIMP: an orphaned dialog could do nothing but fail."""
    GimpUi.init(ROLE)
    parent = os.getppid()

    def look() -> bool:
        if os.getppid() != parent:
            os._exit(1)
        return True

    GLib.timeout_add(WATCH_MS, look)
