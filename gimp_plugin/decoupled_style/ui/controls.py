"""The controls of the dialog, each bound to an argument of the procedure."""

from __future__ import annotations

from gi.repository import Gimp, GimpUi, GLib, Gtk

from decoupled_style.contract.settings import Settings
from decoupled_style.host import arguments
from decoupled_style.messages import _


class Controls:
    """Makes the controls for a dialog and its arguments.

    Parameters
    ----------
    dialog
        GIMP's own dialog for the procedure, which knows widgets for its arguments.
    config
        Holds the arguments.
    """

    def __init__(self, dialog: GimpUi.ProcedureDialog, config: Gimp.ProcedureConfig) -> None:
        self._dialog, self._config = dialog, config
        self._labels = arguments.underlined_labels()

    def mode_switch(self) -> Gtk.Widget:
        """Two buttons that look like one switch."""
        box = Gtk.Box(homogeneous=True)
        box.get_style_context().add_class("linked")
        buttons: dict[str, Gtk.RadioButton] = {}
        for nick in arguments.FIELDS["mode"].metadata["choices"]:
            button = Gtk.RadioButton(label=self._labels[nick], use_underline=True, draw_indicator=False,
                                     group=next(iter(buttons.values()), None))
            button.connect("toggled", self._take_mode, nick)
            buttons[nick] = button
            box.pack_start(button, True, True, 0)

        def follow(*_args: object) -> None:
            buttons[self._result().mode].set_active(True)

        self._config.connect("notify::mode", follow)
        follow()
        return box

    def _result(self) -> Settings:
        """The result that is wanted, all else as it usually is."""
        return Settings(mode=self._config.get_property("mode"))

    def _take_mode(self, button: Gtk.RadioButton, nick: str) -> None:
        if button.get_active():
            self._config.set_property("mode", nick)

    def strengths(self) -> list[Gtk.Widget]:
        """What acts in every result."""
        return [self._slider("strength", 100.0), self._slider("colour", 100.0), self._keep()]

    def of_result(self) -> Gtk.Widget:
        """What a photograph is made with, or a painting, whichever is wanted; as high for either."""
        detail, scale = self._slider("size", 1.0), self._slider("style_scale", 100.0)
        for logarithmic in (detail, scale):
            logarithmic.set_logarithmic(True)
        photograph = column(*(self._slider(name, 100.0) for name in ("fine_texture", "coarse_texture")),
                            heading(_("Options")), self._slider("freedom", 100.0))
        painting = column(*(self._slider(name, 100.0) for name in arguments.AMOUNTS), heading(_("Options")),
                          self._slider("structure", 100.0), scale, detail)
        stack = Gtk.Stack()
        for page in (photograph, painting):
            stack.add(page)
            page.show_all()

        def follow(*_args: object) -> None:
            stack.set_visible_child(photograph if self._result().idle("amounts") else painting)

        self._config.connect("notify::mode", follow)
        follow()
        return stack

    def _keep(self) -> Gtk.Widget:
        """The colours or the tones: the choice of one takes back that of the other."""
        keep = Gtk.Box(spacing=18)
        for name, other in (("keep-colours", "keep-tones"), ("keep-tones", "keep-colours")):
            keep.pack_start(self._dialog.get_widget(name, Gtk.CheckButton), False, False, 0)
            self._config.connect(f"notify::{name}", self._exclude, name, other)
        return keep

    def _slider(self, name: str, factor: float) -> GimpUi.ScaleEntry:
        scale = self._dialog.get_scale_entry(arguments.dashed(name), factor)
        scale.get_label().set_width_chars(15)
        scale.get_range().set_size_request(150, -1)
        scale.get_range().set_hexpand(True)
        scale.set_digits(0)
        scale.get_spin_button().set_width_chars(4)
        return scale

    def _exclude(self, config: Gimp.ProcedureConfig, _property: object, name: str, other: str) -> None:
        if config.get_property(name):
            config.set_property(other, False)


def heading(text: str) -> Gtk.Label:
    """A heading over some controls."""
    label = Gtk.Label(xalign=0, margin_top=6)
    label.set_markup(f"<b>{GLib.markup_escape_text(text)}</b>")
    return label


def column(*widgets: Gtk.Widget) -> Gtk.Box:
    """Widgets one below another."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box
