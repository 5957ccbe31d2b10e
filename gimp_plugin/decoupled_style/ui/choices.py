"""The column of choices: the style, the look, what is seen of it at first and what is under More, and the output."""

from __future__ import annotations

from gi.repository import Gimp, GObject, Gtk

from decoupled_style.messages import _
from decoupled_style.ui.chooser import LabelChooser
from decoupled_style.ui.controls import Controls
from decoupled_style.ui.layout import column, heading
from decoupled_style.ui.output import apply_to_control, name_control, replace_control
from decoupled_style.ui.presets import PresetChooser
from decoupled_style.ui.style_strip import StyleStrip
from decoupled_style.ui.wheel import leave_wheel_to_parents

WIDTH = 340
"""Pixels of the column, a third of the window or less."""


class Choices(Gtk.ScrolledWindow):
    """Holds all choices but that of the layer.

    Parameters
    ----------
    config
        Holds the arguments.
    controls, strip, target_labels, style_labels
        What has been made of the settings, the style and the regions.
    edits
        Whether an earlier result is edited.

    Attributes
    ----------
    all : Gtk.Widget
        What rests while a run is on.
    more : Gtk.Expander
    presets : PresetChooser
    show_gallery : Gtk.ToggleButton
    missing, applies : Gtk.Label
        Words about a style or a layer that is gone, and about what a run applies to.
    """

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        controls: Controls,
        strip: StyleStrip,
        target_labels: LabelChooser,
        style_labels: LabelChooser,
        *,
        edits: bool,
    ) -> None:
        super().__init__(hscrollbar_policy=Gtk.PolicyType.NEVER, width_request=WIDTH, hexpand=False)
        self._strip = strip
        self.applies = Gtk.Label(xalign=0, no_show_all=True)
        self.missing = Gtk.Label(xalign=0, wrap=True, max_width_chars=40, no_show_all=True)
        self.more = Gtk.Expander(label=_("_More"), use_underline=True)
        under = column(
            [
                *([] if edits else [apply_to_control(config)]),
                *controls.more(),
                heading(_("Regions")),
                _regions(target_labels, style_labels),
                heading(_("Preferences")),
                *controls.preferences(),
            ]
        )
        under.show_all()
        under.set_no_show_all(True)
        # What GTK keeps in a closed expander can still be under the mouse, where it was before it came there.
        self.more.bind_property("expanded", under, "visible", GObject.BindingFlags.SYNC_CREATE)
        self.more.add(under)
        self.presets = PresetChooser(config)
        self.all = column(
            [
                self._above(),
                strip,
                self.missing,
                self.presets,
                *controls.main(),
                self.applies,
                *controls.output(),
                name_control(config),
                *([replace_control(config)] if edits else []),
                self.more,
            ]
        )
        self.add(self.all)
        leave_wheel_to_parents(self.all)

    def _above(self) -> Gtk.Widget:
        """The heading of the style, and the ways to others than those in the list."""
        browse = Gtk.Button(
            label=_("_Browse..."),
            use_underline=True,
            tooltip_text=_("Take the style from a picture or .style file that is not open"),
        )
        browse.connect("clicked", lambda _button: self._strip.browse())
        self.show_gallery = Gtk.ToggleButton(
            label=_("G_allery"),
            use_underline=True,
            tooltip_text=_(
                "Styles to choose by eye. You can also drop a picture or a layer on this window, or paste one (Ctrl+V)"
            ),
        )
        mix = Gtk.Button.new_from_icon_name("list-add", Gtk.IconSize.BUTTON)
        mix.set_tooltip_text(_("Mix in another style"))
        mix.get_accessible().set_name(_("Mix in another style"))
        mix.connect("clicked", lambda _button: self._strip.add_row())
        above = Gtk.Box(spacing=4)
        above.pack_start(heading(_("St_yle of"), self._strip.first), True, True, 0)
        for button in (mix, self.show_gallery, browse):
            above.pack_start(button, False, False, 0)
        return above


def _regions(target: LabelChooser, style: LabelChooser) -> Gtk.Widget:
    """The two choosers of labels, with a short guide."""
    guide = Gtk.Label(
        xalign=0,
        wrap=True,
        max_width_chars=40,
        label=_(
            "To match sky with sky, paint a layer of flat colours over each of the two images, hide both layers "
            "and choose them here. Equal colours belong together; transparent parts belong to no region."
        ),
    )
    rows: list[Gtk.Widget] = [guide]
    for words, chooser in ((_("Target"), target), (_("Style"), style)):
        box = Gtk.Box(spacing=6)
        box.pack_start(Gtk.Label(label=words, width_chars=8, xalign=0), False, False, 0)
        box.pack_start(chooser, True, True, 0)
        rows.append(box)
    return column(rows)
