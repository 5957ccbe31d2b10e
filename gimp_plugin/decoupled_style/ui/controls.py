"""The controls of the dialog, each bound to an argument of the procedure."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk, Pango

from decouple_contract.settings import AUTOMATIC_SIZE, Settings
from decoupled_style.host import arguments
from decoupled_style.host.durations import Durations
from decoupled_style.messages import _
from decoupled_style.ui.layout import column, hold, row
from decoupled_style.ui.output import output_chooser

PER_CENT = 100.0
FIRST = {
    "photo": ("strength", "colour", "fine_texture", "freedom", "keep_colours", "keep_tones"),
    "painting": ("colour", "forms", "strokes", "grain", "style_scale", "structure"),
}
"""What is seen at first in each outcome; the others that act there are under an expander, in the order of `REST`."""

REST = (
    *("strength", "keep_detail", "fill", "freedom", "fine_texture", "coarse_texture"),
    *("keep_colours", "keep_tones", "correspondence", "allow_black", "seed"),
)
PREFERENCES = ("network", "device")
"""What belongs to the machine more than to the look."""

OUTPUT = ("size", "output")
"""What belongs to the new layer."""

ON_OFF = ("keep_colours", "keep_tones", "allow_black")


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
    image
        Will hold the result.
    """

    def __init__(
        self,
        dialog: GimpUi.ProcedureDialog,
        config: Gimp.ProcedureConfig,
        learnt: Durations,
        longest: int,
        image: Gimp.Image,
    ) -> None:
        self._dialog, self._config, self._learnt, self._longest = dialog, config, learnt, longest
        self._widgets: dict[str, Gtk.Widget] = {}
        self._found: dict[str, str] = {}  # what the program has chosen of mode and correspondence
        self._first, self._rest = column([]), column([])
        sliders = {*arguments.SLIDERS, *FIRST["photo"], *FIRST["painting"], *REST} - {*ON_OFF, "correspondence", "seed"}
        for name in sliders:
            self._add(name, self._slider(name))
        for name in ON_OFF:
            self._add(name, dialog.get_widget(arguments.dashed(name), Gtk.CheckButton))
        self._exclude_each_other("keep-colours", "keep-tones")
        self._add("size", self._quality())
        self._widgets["output"] = row(_("Ma_ke"), output_chooser(config, image))
        for name in ("correspondence", *PREFERENCES):
            self._add(name, row(arguments.labels()[name], GimpUi.prop_choice_combo_box_new(config, name)))
        self._add("seed", row(arguments.labels()["seed"], GimpUi.prop_spin_button_new(config, "seed", 1, 10, 0)))
        config.connect("notify", lambda *_args: self.follow())
        self.follow()

    def main(self) -> list[Gtk.Widget]:
        """What is always seen."""
        return [self.mode_switch(), self._first]

    def more(self) -> list[Gtk.Widget]:
        """What an expander holds."""
        return [self._rest]

    def preferences(self) -> list[Gtk.Widget]:
        """What an expander holds below everything else."""
        return [self._widgets[name] for name in PREFERENCES]

    def output(self) -> list[Gtk.Widget]:
        """How fine a painting becomes, and in which form."""
        return [self._widgets[name] for name in OUTPUT]

    @property
    def acting(self) -> list[str]:
        """What acts in the outcome; while the program has yet to choose one, what acts in each that it may choose."""
        return [name for name in self._widgets if all(arguments.acts(name, one) for one in self._outcomes)]

    def found(self, mode: str, *, by_place: bool) -> None:
        """The program has chosen: this outcome, and whether places of the style belong to places of the picture."""
        for name, value in {"mode": mode, "correspondence": "auto" if by_place else "off"}.items():
            if self._config.get_property(name) == "auto":
                self._found[name] = value
        self.follow()

    def follow(self) -> None:
        """Show what acts, and nothing else."""
        acting, modes = self.acting, {one.mode for one in self._outcomes}
        first = FIRST[modes.pop() if len(modes) == 1 else "photo"]
        hold(self._first, [self._widgets[name] for name in first if name in acting])
        hold(self._rest, [self._widgets[name] for name in REST if name in acting and name not in first])
        for name in OUTPUT:
            self._widgets[name].set_visible(name in acting)

    @property
    def _outcomes(self) -> list[Settings]:
        """The settings that decide what acts, for each outcome that there may be."""
        given = {name: self._config.get_property(name) for name in ("mode", "correspondence")}
        chosen = {name: self._found.get(name, value) if value == "auto" else value for name, value in given.items()}
        modes = [one for one in FIRST if one == chosen["mode"]] or list(FIRST)
        return [Settings(mode=mode, correspondence=chosen["correspondence"]) for mode in modes]

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
        widget.set_tooltip_text(_(arguments.TIPS[name]) + ".")
        self._widgets[name] = widget

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
