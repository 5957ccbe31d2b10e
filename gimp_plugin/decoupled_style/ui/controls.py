"""The controls of the dialog, each bound to an argument of the procedure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk, Pango

from decouple_contract.settings import AUTOMATIC_SIZE, Settings
from decoupled_style.host import arguments
from decoupled_style.host.durations import Durations
from decoupled_style.messages import _

PER_CENT = 100.0
MAIN = ("colour", "forms", "strokes", "grain", "style_scale", "structure", "freedom")
MORE = ("strength", "fine_texture", "coarse_texture", "keep_detail", "fill")
"""What is always seen, and what an expander holds; all in per cent."""

BELOW_MORE, PREFERENCES = ("correspondence", "allow_black", "seed"), ("network", "device")
"""What else the expander holds, and what belongs to the machine more than to the look."""

SETTING_OF = {**{name: setting for name, (setting, _label) in arguments.SLIDERS.items()}}
ONLY_PHOTOGRAPH = ("fine_texture", "coarse_texture")
"""These act in paintings, too, but their amounts do better."""


class Controls:
    """Makes the controls for a dialog and its arguments.

    Parameters
    ----------
    dialog
        GIMP's own dialog for the procedure, which knows widgets for its arguments.
    config
        Holds the arguments.
    learnt, longest
        What tells how long a painting takes, and the longer side of the layer.
    """

    def __init__(
        self, dialog: GimpUi.ProcedureDialog, config: Gimp.ProcedureConfig, learnt: Durations, longest: int
    ) -> None:
        self._dialog, self._config, self._learnt, self._longest = dialog, config, learnt, longest
        self._widgets: dict[str, Gtk.Widget] = {}
        self._tips: dict[str, str] = {}
        for name in (*MAIN, *MORE):
            self._add(name, self._slider(name))
        for name in ("keep_colours", "keep_tones", "allow_black"):
            self._add(name, dialog.get_widget(arguments.dashed(name), Gtk.CheckButton))
        self._exclude_each_other("keep-colours", "keep-tones")
        self._add("size", self._quality())
        for name in ("correspondence", "network", "device"):
            self._add(name, row(arguments.labels()[name], GimpUi.prop_choice_combo_box_new(config, name)))
        self._add("seed", row(arguments.labels()["seed"], GimpUi.prop_spin_button_new(config, "seed", 1, 10, 0)))
        config.connect("notify", lambda *_args: self.follow())

    def main(self) -> list[Gtk.Widget]:
        """What is always seen."""
        keep = Gtk.Box(spacing=18)
        for name in ("keep_colours", "keep_tones"):
            keep.pack_start(self._widgets[name], False, False, 0)
        return [self.mode_switch(), *(self._widgets[name] for name in MAIN), keep, self._widgets["size"]]

    def more(self) -> list[Gtk.Widget]:
        """What an expander holds."""
        return [self._widgets[name] for name in (*MORE, *BELOW_MORE)]

    def preferences(self) -> list[Gtk.Widget]:
        """What an expander holds below everything else."""
        return [self._widgets[name] for name in PREFERENCES]

    def follow(self) -> None:
        """Grey what does nothing in this state, and say why."""
        settings = Settings(mode=self._config.get_property("mode"))
        for name, widget in self._widgets.items():
            idle = settings.idle(SETTING_OF.get(name, name))
            if name in ONLY_PHOTOGRAPH and settings.mode == "painting":
                text = _("In a painting, use Forms, Strokes and Grain instead.")
            else:
                text = _("This only affects paintings. Choose Painting or Automatic.") if idle else ""
            widget.set_sensitive(not text)
            tip = self._tips[name]
            widget.set_tooltip_text(f"{tip}.\n{text}" if text else f"{tip}.")

    def mode_switch(self) -> Gtk.Widget:
        """Buttons that look like one switch."""
        box = Gtk.Box(homogeneous=True, tooltip_text=_(arguments.TIPS["mode"]))
        box.get_style_context().add_class("linked")
        buttons: dict[str, Gtk.RadioButton] = {}
        for nick, label in arguments.FIELDS["mode"].metadata["choices"].items():
            button = Gtk.RadioButton(label=_(label), draw_indicator=False, group=next(iter(buttons.values()), None))
            button.connect("toggled", self._take_mode, nick)
            buttons[nick] = button
            box.pack_start(button, True, True, 0)

        def follow(*_args: object) -> None:
            buttons[Settings(mode=self._config.get_property("mode")).mode].set_active(True)

        self._config.connect("notify::mode", follow)
        follow()
        return box

    def _take_mode(self, button: Gtk.RadioButton, nick: str) -> None:
        if button.get_active():
            self._config.set_property("mode", nick)

    def _add(self, name: str, widget: Gtk.Widget) -> None:
        self._widgets[name], self._tips[name] = widget, _(arguments.TIPS[name])

    def _slider(self, name: str) -> Gtk.Widget:
        scale = self._dialog.get_spin_scale(arguments.dashed(name), PER_CENT)
        scale.set_digits(0)
        self._reset_on_double_click(scale, arguments.dashed(name))
        return scale

    def _reset_on_double_click(self, scale: Gtk.Widget, name: str) -> None:
        doubled = False

        def pressed(_scale: Gtk.Widget, event: Gdk.EventButton) -> bool:
            nonlocal doubled
            doubled = event.type == Gdk.EventType.DOUBLE_BUTTON_PRESS
            return doubled

        def released(_scale: Gtk.Widget, _event: Gdk.EventButton) -> bool:
            if doubled:  # the slider takes the value under the pointer when the button is released: reset it after that
                GLib.idle_add(reset)
            return False

        def reset() -> bool:
            self._config.set_property(name, self._config.find_property(name).get_default_value())
            return False

        scale.connect("button-press-event", pressed)
        scale.connect("button-release-event", released)

    def _quality(self) -> Gtk.Widget:
        """Names for how fine a painting becomes, with the seconds that they take here."""
        chooser = Gtk.ComboBoxText(hexpand=True)
        for cell in chooser.get_cells():
            cell.set_property("ellipsize", Pango.EllipsizeMode.END)
        detail = GimpUi.prop_spin_button_new(self._config, "size", 16, 128, 0)
        detail.set_tooltip_text(_("Pixels of a painting's longer side; auto chooses what suits the device"))
        detail.set_numeric(False)  # or it would not show a word
        detail.connect("output", _show_automatic)
        changing = False

        def fill() -> None:
            nonlocal changing
            changing = True
            now = self._config.get_property("size")
            chooser.remove_all()
            for label, size in arguments.QUALITIES.items():
                settings = Settings(mode="painting", size=size)
                seconds = self._learnt.expected(settings, self._longest)
                text = _(label)
                if seconds is not None:
                    text = _("{quality}, {seconds} s").format(quality=text, seconds=round(seconds))
                chooser.append(str(size), text)
            if now not in arguments.QUALITIES.values():
                chooser.append(str(now), _("Your own"))
            chooser.set_active_id(str(now))
            changing = False

        def choose(_chooser: Gtk.Widget) -> None:
            if not changing and (chosen := chooser.get_active_id()):
                self._config.set_property("size", int(chosen))

        chooser.connect("changed", choose)
        self._config.connect("notify::size", lambda *_args: fill())
        self.renew_seconds = fill
        fill()
        return row(_("_Quality"), chooser, detail)

    renew_seconds: Callable[[], None]
    """Show what was learnt of how long paintings take."""

    def _exclude_each_other(self, *names: str) -> None:
        """The choice of one takes back that of the other."""

        def exclude(config: Gimp.ProcedureConfig, _property: object, name: str) -> None:
            if config.get_property(name):
                for other in names:
                    if other != name:
                        config.set_property(other, False)

        for name in names:
            self._config.connect(f"notify::{name}", exclude, name)


def _show_automatic(number: Gtk.SpinButton) -> bool:
    """Write what 0 stands for; other numbers are written as usual."""
    if number.get_value_as_int() != AUTOMATIC_SIZE:
        return False
    number.set_text(_("auto"))
    return True


def row(label: str, *widgets: Gtk.Widget) -> Gtk.Box:
    """A label with widgets beside it, the first of which takes the room."""
    words_before = Gtk.Label(label=label, xalign=0, use_underline=True, mnemonic_widget=widgets[0])
    box = Gtk.Box(spacing=6)
    box.pack_start(words_before, False, False, 0)
    for number, widget in enumerate(widgets):
        box.pack_start(widget, number == 0, True, 0)
    return box


def heading(text: str, of: Gtk.Widget | None = None) -> Gtk.Label:
    """A heading over some controls, whose underlined letter reaches one of them."""
    label = Gtk.Label(xalign=0, margin_top=4, mnemonic_widget=of)
    label.set_markup_with_mnemonic(f"<b>{GLib.markup_escape_text(text)}</b>")
    return label


def column(widgets: Sequence[Gtk.Widget], spacing: int = 3) -> Gtk.Box:
    """Widgets one below another."""
    box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=spacing)
    for widget in widgets:
        box.pack_start(widget, False, False, 0)
    return box
