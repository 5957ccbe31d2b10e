"""The chooser of presets, with the ways to keep one and to forget one."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gimp, Gtk

from decoupled_style.host import presets
from decoupled_style.messages import _

LABELS = {
    "Automatic": _("Automatic"),
    "Photo grade": _("Photo grade"),
    "Subtle": _("Subtle"),
    "Painting": _("Painting"),
    "Sketchy grain": _("Sketchy grain"),
    "Colours only": _("Colours only"),
}
"""Names of the looks that come with the plug-in, as people read them."""

CUSTOM = "decoupled-style-custom"
"""Stands in the list for controls that are at no preset."""


class PresetChooser(Gtk.Box):
    """Offers the presets; while the controls are at none of them, it says that they are the artist's own."""

    def __init__(self, config: Gimp.ProcedureConfig) -> None:
        super().__init__(spacing=6)
        self._config, self._changing = config, False
        self._is_custom = False  # whether the list ends with that row
        self._list = Gtk.ComboBoxText(hexpand=True, tooltip_text=_("A look to start from"))
        self._list.set_row_separator_func(lambda rows, row: rows[row][0] == "")
        self._keep = self._button("list-add", _("Save the current settings under a name"), self._ask_for_name)
        self._forget = self._button("list-remove", _("Delete this preset"), self._remove)
        label = Gtk.Label(label=_("_Preset"), use_underline=True, mnemonic_widget=self._list, xalign=0)
        self.pack_start(label, False, False, 0)
        self.pack_start(self._list, True, True, 0)
        self.pack_start(self._keep, False, False, 0)
        self.pack_start(self._forget, False, False, 0)
        self._list.connect("changed", self._chosen)
        config.connect("notify", lambda *_args: self._follow())
        self._fill()

    def _button(self, icon: str, text: str, act: Callable[[Gtk.Widget], None]) -> Gtk.Button:
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
        button.set_tooltip_text(text)
        button.get_accessible().set_name(text)
        button.connect("clicked", act)
        return button

    def _fill(self) -> None:
        self._changing = True
        self._list.remove_all()
        self._is_custom = False
        for name, label in LABELS.items():
            self._list.append(name, label)
        own = presets.names()
        if own:
            self._list.append(None, "")
        for name in own:
            self._list.append(name, name)
        self._changing = False
        self._follow()

    def _follow(self) -> None:
        """Show the preset that the controls are at."""
        if self._changing:
            return
        self._changing = True
        name = presets.matching(self._config)
        if self._is_custom != (name is None):
            self._is_custom = name is None
            if self._is_custom:
                self._list.append(CUSTOM, _("Custom"))
            else:
                self._list.remove(len(self._list.get_model()) - 1)
        self._list.set_active_id(name or CUSTOM)
        self._forget.set_sensitive(name is not None and name not in LABELS)
        self._changing = False

    def _chosen(self, _list: Gtk.Widget) -> None:
        name = self._list.get_active_id()
        if not self._changing and name not in (None, CUSTOM):
            self._changing = True
            presets.apply(self._config, name)
            self._changing = False
            self._follow()

    def _ask_for_name(self, _button: Gtk.Widget) -> None:
        window = self.get_toplevel()
        dialog = Gtk.Dialog(
            title=_("Save a preset"), modal=True, transient_for=window if isinstance(window, Gtk.Window) else None
        )
        dialog.add_buttons(_("_Cancel"), Gtk.ResponseType.CANCEL, _("_Save"), Gtk.ResponseType.OK)
        dialog.set_default_response(Gtk.ResponseType.OK)
        entry = Gtk.Entry(activates_default=True, margin=12, width_chars=30)
        entry.get_accessible().set_name(_("Name"))
        dialog.get_content_area().pack_start(entry, False, False, 0)
        dialog.show_all()
        name = entry.get_text().strip() if dialog.run() == Gtk.ResponseType.OK else ""
        dialog.destroy()
        if name and name not in (*LABELS, CUSTOM):
            presets.save(self._config, name)
            self._fill()

    def _remove(self, _button: Gtk.Widget) -> None:
        name = self._list.get_active_id()
        if name is not None:
            presets.remove(name)
            self._fill()
