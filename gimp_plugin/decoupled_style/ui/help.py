"""The page that the Help button opens, in the user's language where there is one."""

from __future__ import annotations

import contextlib
from pathlib import Path

from gi.repository import Gdk, Gimp, Gio, GLib, Gtk

PAGES = Path(__file__).resolve().parents[1] / "help"


def offer_help(dialog: Gtk.Dialog) -> None:
    """Have the dialog's Help button and F1 open our page: GIMP's own help knows the pages of its manual alone."""
    theirs = dialog.get_widget_for_response(Gtk.ResponseType.HELP)
    place = theirs.get_parent() if theirs is not None else None
    if isinstance(theirs, Gtk.Button) and isinstance(place, Gtk.ButtonBox):
        ours = Gtk.Button(label=theirs.get_label(), use_underline=True, visible=True)
        ours.connect("clicked", lambda _button: show_help())
        place.remove(theirs)
        place.pack_end(ours, False, False, 0)
        place.set_child_secondary(ours, True)
    dialog.connect("key-press-event", _pressed)


def show_help() -> None:
    """Open the page with GIMP's own plug-in for that, or in whatever shows such pages."""
    browser = Gimp.get_pdb().lookup_procedure("plug-in-web-browser")
    if browser is None:
        with contextlib.suppress(GLib.Error):  # there is no browser
            Gio.AppInfo.launch_default_for_uri(page().as_uri(), None)
        return
    config = browser.create_config()
    config.set_property("url", page().as_uri())
    browser.run(config)


def page() -> Path:
    """The page in the user's language, or in English."""
    for language in GLib.get_language_names():
        found = PAGES / f"{language}.html"
        if found.exists():
            return found
    return PAGES / "en.html"


def _pressed(_dialog: Gtk.Widget, event: Gdk.EventKey) -> bool:
    if event.keyval != Gdk.KEY_F1:
        return False
    show_help()
    return True
