"""The button that saves the look as a lookup table, and the question where to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from gi.repository import Gimp, Gtk

from decouple_contract.tables import CUBE, HALD
from decoupled_style.host import folders
from decoupled_style.messages import _


def offer_to_save(dialog: Gtk.Dialog, clicked: Callable[[], None]) -> Gtk.Button:
    """A button beside the dialog's Help."""
    button = Gtk.Button(
        label=_("Save _look..."),
        use_underline=True,
        visible=True,
        tooltip_text=_(
            "Saves the colours of the photograph as a lookup table, to use in other programs and on other pictures"
        ),
    )
    button.connect("clicked", lambda _button: clicked())
    beside = dialog.get_widget_for_response(Gtk.ResponseType.OK)
    place = beside.get_parent() if beside is not None else None
    if isinstance(place, Gtk.ButtonBox):
        place.pack_end(button, False, False, 0)
        place.set_child_secondary(button, True)
    return button


def ask_where(dialog: Gtk.Window, name: str, image: Gimp.Image) -> Path | None:
    """Where the table of an image goes, by default under a name like that; None where the artist wants none."""
    chooser = Gtk.FileChooserDialog(
        title=_("Save the look"),
        action=Gtk.FileChooserAction.SAVE,
        transient_for=dialog,
        do_overwrite_confirmation=True,
    )
    chooser.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Save"), Gtk.ResponseType.ACCEPT)
    chooser.set_default_response(Gtk.ResponseType.ACCEPT)
    for label, ending in ((_("Lookup table (.cube)"), CUBE), (_("HaldCLUT (.png)"), HALD)):
        kind = Gtk.FileFilter()
        kind.set_name(label)
        kind.add_pattern("*" + ending)
        chooser.add_filter(kind)

    def suffix() -> str:
        chosen = chooser.get_filter()
        return HALD if chosen is not None and chosen.get_name() == _("HaldCLUT (.png)") else CUBE

    def rename(*_args: object) -> None:
        written = Path(chooser.get_current_name() or name)
        if written.suffix.lower() in (CUBE, HALD):
            written = written.with_suffix("")
        chooser.set_current_name(f"{written}{suffix()}")

    chooser.set_current_name(name.replace("/", "-") + CUBE)
    chooser.connect("notify::filter", rename)
    folder = folders.folder_for(folders.LOOKS, image)
    if folder is not None:
        chooser.set_current_folder(str(folder))
    try:
        while chooser.run() == Gtk.ResponseType.ACCEPT:
            path = Path(chooser.get_filename() or name)
            folders.remember_folder(folders.LOOKS, str(path))
            if path.suffix.lower() in (CUBE, HALD):
                return path
            path = path.with_name(path.name + suffix())
            if not path.exists():
                return path
            chooser.set_current_name(path.name)  # to be asked about, as any file that is there
        return None
    finally:
        chooser.destroy()
