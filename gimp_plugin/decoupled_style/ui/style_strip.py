"""The style strip: the chooser of a style and, below it, those of the styles that are mixed in, a weight for each."""

from __future__ import annotations

from collections.abc import Callable

from gi.repository import Gimp, Gtk

from decoupled_style.host.arguments import MIXED_IN
from decoupled_style.host.styles import FileStyle, LayerStyle, Mixture, RecipeStyle
from decoupled_style.messages import _
from decoupled_style.ui.chooser import StyleChooser

EQUAL, LARGEST = 50, 100
"""Weights: what counts is their ratio."""

MIXED_THUMBNAIL = 32
"""Pixels of the thumbnails of what is mixed in."""


class StyleStrip(Gtk.Box):
    """Chooses one style or several; `style` is what was chosen.

    Parameters
    ----------
    target
        The image to be stylised.
    changed
        Called after each choice, and when what was chosen is gone.
    """

    def __init__(self, target: Gimp.Image, changed: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        self._target, self._changed = target, changed
        self._rows: list[_Row] = []
        self.add_row()

    @property
    def first(self) -> Gtk.Widget:
        """What a label over the strip leads to."""
        return self._rows[0].chooser

    @property
    def style(self) -> LayerStyle | FileStyle | RecipeStyle | Mixture | None:
        """What was chosen, while it is there."""
        chosen = [(row.chooser.style, row.weight.get_value()) for row in self._rows]
        there = [(style, weight) for style, weight in chosen if style is not None]
        return Mixture(there) if len(there) > 1 else there[0][0] if there else None

    @property
    def has_choice(self) -> bool:
        """Whether something was chosen, be it there or gone."""
        return any(row.chooser.get_active_iter() is not None for row in self._rows)

    @property
    def is_full(self) -> bool:
        """Whether no more can be mixed in."""
        return len(self._rows) > len(MIXED_IN)

    def select_style(self, style: LayerStyle | FileStyle | RecipeStyle | Mixture) -> None:
        """Choose a style, or several with their weights."""
        parts = style.parts if isinstance(style, Mixture) else [(style, EQUAL)]
        for number, (one, weight) in enumerate(parts):
            if number == len(self._rows):
                self.add_row()
            self._rows[number].chooser.select_style(one)
            self._rows[number].weight.set_value(weight)

    def add_row(self) -> None:
        """Make room for one more style; it is chosen by the user."""
        if self.is_full:
            return
        row = _Row(self._target, self._changed, self._remove, first=not self._rows)
        self._rows.append(row)
        self.pack_start(row, False, False, 0)
        row.show_all()
        self._follow()

    def renew(self) -> None:
        """Offer what is open now."""
        for row in self._rows:
            row.chooser.renew()

    def redraw(self) -> None:
        """The pixels of some layer have changed."""
        for row in self._rows:
            row.chooser.redraw()

    def take(self, style: LayerStyle | FileStyle) -> None:
        """Choose a style, for what was added last."""
        self._rows[-1].chooser.select_style(style)

    @property
    def last(self) -> LayerStyle | FileStyle | RecipeStyle | None:
        """What `take` would replace."""
        return self._rows[-1].chooser.style

    def browse(self) -> None:
        """Ask for a file, for what was added last."""
        self._rows[-1].chooser.browse()

    def close(self) -> None:
        """Let go of the files that were opened."""
        for row in self._rows:
            row.chooser.close()

    def _remove(self, row: _Row) -> None:
        self._rows.remove(row)
        row.chooser.close()
        row.destroy()
        self._follow()
        self._changed()

    def _follow(self) -> None:
        """Weights are there where there is something to weigh."""
        for row in self._rows:
            row.weight.set_visible(len(self._rows) > 1)


class _Row(Gtk.Box):
    """One style of the strip."""

    def __init__(
        self, target: Gimp.Image, changed: Callable[[], None], remove: Callable[[_Row], None], *, first: bool
    ) -> None:
        super().__init__(spacing=4)
        self.chooser = StyleChooser(target, changed) if first else StyleChooser(target, changed, MIXED_THUMBNAIL, 14)
        self.weight = Gtk.SpinButton.new_with_range(1, LARGEST, 5)
        self.weight.set_value(EQUAL)
        self.weight.set_valign(Gtk.Align.CENTER)
        self.weight.set_no_show_all(True)
        words = _("How much this style counts compared with the others")
        self.weight.set_tooltip_text(words)
        self.weight.get_accessible().set_name(words)
        self.weight.connect("value-changed", lambda _button: changed())
        self.pack_start(self.chooser, True, True, 0)
        self.pack_start(self.weight, False, False, 0)
        if not first:
            gone = Gtk.Button.new_from_icon_name("list-remove", Gtk.IconSize.BUTTON)
            gone.set_valign(Gtk.Align.CENTER)
            gone.set_tooltip_text(_("Remove this style from the mixture"))
            gone.get_accessible().set_name(_("Remove this style from the mixture"))
            gone.connect("clicked", lambda _button: remove(self))
            self.pack_start(gone, False, False, 0)
