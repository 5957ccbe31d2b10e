"""Nine small results side by side: a click takes one, another click on it shows nine more like it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gi.repository import GdkPixbuf, Gimp, GLib, Gtk, Pango

from decouple_contract.errors import Cancelled, DecoupleError
from decouple_contract.jobs import Raster, View
from decoupled_style.client.steps import has_more
from decoupled_style.host.job_files import Doing
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, reason
from decoupled_style.ui import variants
from decoupled_style.ui.looks import Look
from decoupled_style.ui.preview import Preview
from decoupled_style.ui.schedule import Ask, Wish
from decoupled_style.ui.screen import MARGIN
from decoupled_style.ui.thumbnails import thumbnail
from decoupled_style.ui.variants import Variant

SHOWN_SIDES = (240, 150)
"""Pixels across and down that a small result fits in: three rows of them in a window on a small laptop's screen."""

COLUMNS, MIDDLE = 3, 4
"""The present look is in the middle."""

WAITING = 0.3
"""Opacity of the layer as it is, where its variation is yet to come."""

POLL_MS, SLICE_SECONDS = 10, 0.02
"""How often news is looked for, and how long at most the window waits for us each time."""

MORE, BACK = 1, 2
"""Answers of the window's own buttons."""

WORDS = {
    "present": _("Current"),
    variants.PHOTO: _("Photograph"),
    variants.PAINTING: _("Painting"),
    "softer": _("Softer"),
    "stronger": _("Stronger"),
    "less-variation": _("Calmer colours"),
    "more-variation": _("Freer colours"),
    "less-colour": _("Less colour"),
    "more-colour": _("More colour"),
    "lighter": _("Lighter strokes"),
    "bolder": _("Bolder strokes"),
    "weaker-forms": _("Weaker forms"),
    "stronger-forms": _("Stronger forms"),
    "less-grain": _("Less grain"),
    "more-grain": _("More grain"),
    "less-detail": _("Less detail"),
    "more-detail": _("More detail"),
    "looser": _("Looser"),
    "more-faithful": _("More faithful"),
    "keep-colours": _("Keep colours"),
    "style-colours": _("Style's colours"),
    "keep-tones": _("Keep tones"),
    "style-tones": _("Style's tones"),
    "all-alike": _("Style as a whole"),
    "matched": _("Places matched"),
}
"""What differs, by the kinds of `variants`; another style goes by its own name."""

Take = Callable[[Wish], None]

log = logging.getLogger("decouple.plug-in")


def offer_variations(dialog: Gtk.Dialog, clicked: Callable[[], None]) -> Gtk.Button:
    """A button beside the dialog's Help."""
    button = Gtk.Button(
        label=_("_Variations..."),
        use_underline=True,
        visible=True,
        tooltip_text=_("Shows nine variations of these settings side by side, to choose by eye"),
    )
    button.connect("clicked", lambda _button: clicked())
    beside = dialog.get_widget_for_response(Gtk.ResponseType.OK)
    place = beside.get_parent() if beside is not None else None
    if isinstance(place, Gtk.ButtonBox):
        place.pack_end(button, False, False, 0)
        place.set_child_secondary(button, True)
    return button


@dataclass
class Round:
    """Nine variations around one look.

    Attributes
    ----------
    wish : Wish
        What it is around.
    width : float
        How far apart they are.
    variants : list of Variant
        None but the present one until that has told its outcome.
    taken : int
        The number of the last that was taken.
    outcome : str
        Of the present one, "photo" or "painting", once that is known.
    looks, failed
        What has come of them, and why others did not come, by their numbers.
    """

    wish: Wish
    width: float
    variants: list[Variant]
    taken: int = 0
    outcome: str = ""
    looks: dict[int, Look] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)


class Variations(Gtk.Dialog):
    """The window with the nine.

    Parameters
    ----------
    parent
        The dialog over which it stands.
    preview
        Whose maker makes them: what was solved for it serves them, and what was solved for them serves it.
    layer
        What is to be stylised.
    wish
        What they are around at first.
    others
        Other styles to be tried; their pictures are closed with the window.
    take
        Called with what was clicked.
    """

    def __init__(
        self, parent: Gtk.Window, preview: Preview, layer: Gimp.Layer, wish: Wish, others: Sequence[Style], take: Take
    ) -> None:
        super().__init__(title=_("Variations"), transient_for=parent, modal=True, destroy_with_parent=True)
        self._take, self._others = take, list(others)
        self._preview, self._layer = preview, layer
        self._rounds = [_first_round(wish)]
        self._kept: dict[str, Look] = {}
        self._steps: Doing[None] | None = None
        self._closed = False
        self._view = self._whole()
        self._cells = [Cell(self._choose, number) for number in range(variants.NINE)]
        self._build()
        self.connect("response", self._answer)
        self.connect("destroy", lambda _self: self._close())
        self._maker = preview.lend()
        self._show_round()

    def _whole(self) -> View:
        """The layer as large as a small result is."""
        width, height = self._layer.get_width(), self._layer.get_height()
        share = min(1.0, SHOWN_SIDES[0] / width, SHOWN_SIDES[1] / height)
        longest = max(1, round(max(width, height) * share))
        return View(longest, 0, 0, *View(longest, 0, 0, 1, 1).sides(Raster(width, height, 3)))

    def _build(self) -> None:
        self._more = self.add_button(_("_More like this"), MORE)
        self._back = self.add_button(_("_Back"), BACK)
        self.add_button(_("_Close"), Gtk.ResponseType.CLOSE)
        grid = Gtk.Grid(row_spacing=6, column_spacing=6, row_homogeneous=True, column_homogeneous=True)
        for number, cell in enumerate(self._cells):
            place = _place(number)
            grid.attach(cell, place % COLUMNS, place // COLUMNS, 1, 1)
        self._hint = Gtk.Label(xalign=0, wrap=True, max_width_chars=60)
        self._bar = Gtk.ProgressBar()
        area = self.get_content_area()
        area.set_spacing(6)
        inside = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, margin=MARGIN, margin_bottom=0)
        for widget in (self._hint, grid, self._bar):
            inside.pack_start(widget, False, False, 0)
        area.pack_start(inside, True, True, 0)
        inside.show_all()
        self._cells[0].grab_focus()

    @property
    def _round(self) -> Round:
        return self._rounds[-1]

    def _show_round(self) -> None:
        """Begin with this round's nine: those that were made before are there at once."""
        waiting = thumbnail(self._layer, self._view.width, self._view.height)
        for cell in self._cells:
            cell.wait(waiting)
        self._follow()
        self._stop()  # what is not wanted any more
        if self._steps is None:
            self._steps = self._make()
            GLib.timeout_add(POLL_MS, self._step)

    def _follow(self) -> None:
        """Show what is known of the nine, and which of them was taken."""
        now = self._round
        for number, variant in enumerate(now.variants):
            cell = self._cells[number]
            cell.name(self._words(variant), taken=number == now.taken)
            if number in now.looks:
                cell.show_look(now.looks[number])
            elif number in now.failed:
                cell.fail(now.failed[number])
        self._hint.set_text(now.failed.get(0) or _("Click a variation to use it, and click it again for more like it."))
        self._more.set_sensitive(now.taken in now.looks)
        self._back.set_sensitive(len(self._rounds) > 1)
        self._bar.set_opacity(self._lacking() is not None)
        self._bar.set_fraction((len(now.looks) + len(now.failed)) / variants.NINE)

    def _words(self, variant: Variant) -> str:
        if variant.style is not None:
            return self._others[variant.style].name
        words = WORDS[variant.kind]
        return words if variant.value is None else f"{words} ({variant.value:.0%})"

    def _step(self) -> bool:
        """Look for news; whether there may be more."""
        if self._steps is not None and has_more(self._steps, SLICE_SECONDS, lambda _news: None):
            return True
        self._steps = None
        if self._closed:
            self._give_back()
        return False

    def _make(self) -> Doing[None]:
        """Have made what is not there yet, until the nine are complete or the window is closed."""
        while not self._closed and (number := self._lacking()) is not None:
            if self._preview.is_making:  # what it has begun comes to its end
                yield None
                continue
            now = self._round
            try:
                look = yield from self._look(now.wish, now.variants[number])
            except Cancelled:
                continue
            except Exception as error:  # whatever it is, the others may do better
                if self._closed:
                    return
                now.failed[number] = _why(error)
            else:
                now.looks[number] = look
                if number == 0:
                    now.outcome = look.outcome
                    now.variants = variants.around(now.wish.settings, look.outcome, len(self._others), now.width)
            if now is self._round and not self._closed:
                self._follow()

    def _lacking(self) -> int | None:
        """Whose turn it is."""
        now = self._round
        if 0 in now.failed:  # what the others would be hangs on it
            return None
        missing = (n for n in variants.in_turn(now.variants) if n not in now.looks and n not in now.failed)
        return next(missing, None)

    def _look(self, wish: Wish, variant: Variant) -> Doing[Look]:
        """One small result, made or kept."""
        settings = variants.draft(variant, wish.settings, self._round.outcome)
        draft = Wish(self._wish(wish, variant).style, wish.regions, settings)
        if draft.identity not in self._kept:
            ask = Ask(draft, draft.settings, self._view, self._preview.version, solved=True)
            self._kept[draft.identity] = yield from self._maker.look(ask)
        return self._kept[draft.identity]

    def _wish(self, around: Wish, variant: Variant) -> Wish:
        """What a variation is in full."""
        style = around.style if variant.style is None else self._others[variant.style]
        return Wish(style, around.regions, variant.settings)

    def _choose(self, number: int) -> None:
        """Take what was clicked, or show more like it where it has been taken."""
        now = self._round
        if number not in now.looks:
            self._follow()
        elif number == now.taken:
            self._go_on()
        else:
            now.taken = number
            self._take(self._wish(now.wish, now.variants[number]))
            self._follow()

    def _go_on(self) -> None:
        """Show nine around the one that was taken."""
        now = self._round
        wish = self._wish(now.wish, now.variants[now.taken])
        self._rounds.append(_first_round(wish, variants.narrower(now.width)))
        self._show_round()
        self._cells[0].grab_focus()

    def _go_back(self) -> None:
        """Show the nine before these; what was taken of them is taken again."""
        self._rounds.pop()
        now = self._round
        self._take(self._wish(now.wish, now.variants[now.taken]))
        self._show_round()

    def _answer(self, _self: Gtk.Dialog, response: int) -> None:
        if response == MORE:
            self._go_on()
        elif response == BACK:
            self._go_back()
        else:
            self.destroy()

    def _close(self) -> None:
        """Stop what is being made, and let go of the styles that nobody took."""
        if self._closed:
            return
        self._closed = True
        self._stop()
        if self._steps is None:
            self._give_back()

    def _stop(self) -> None:
        """Stop what is being made for us."""
        if self._steps is not None and not self._preview.is_making:
            self._maker.cancel()

    def _give_back(self) -> None:
        """Let the preview go on, and let go of the styles."""
        for style in self._others:
            style.close()
        self._preview.take_back()


class Cell(Gtk.ToggleButton):
    """One of the nine: a picture over a word; pressed where it was taken."""

    def __init__(self, clicked: Callable[[int], None], number: int) -> None:
        super().__init__(no_show_all=False)
        self._listening = True
        self._picture = Gtk.Image()
        self._picture.set_size_request(*SHOWN_SIDES)
        self._label = Gtk.Label(ellipsize=Pango.EllipsizeMode.END, max_width_chars=30)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        box.pack_start(self._picture, True, True, 0)
        box.pack_start(self._label, False, False, 0)
        self.add(box)
        self._number, self._clicked = number, clicked
        self.connect("toggled", self._toggled)

    def _toggled(self, _self: Gtk.ToggleButton) -> None:
        if self._listening:
            self._clicked(self._number)

    def wait(self, picture: GdkPixbuf.Pixbuf | None) -> None:
        """Show that a variation is to come."""
        self._picture.set_from_pixbuf(picture)
        self._picture.set_opacity(WAITING)
        self.name("", taken=False)

    def name(self, words: str, *, taken: bool) -> None:
        """Say what differs."""
        shown = GLib.markup_escape_text(words)
        self._label.set_markup(f"<b>{shown}</b>" if taken else shown)
        self.set_tooltip_text(None)
        self.get_accessible().set_name(words or _("Not ready yet"))
        self._listening = False
        self.set_active(taken)
        self._listening = True

    def show_look(self, look: Look) -> None:
        """Show what has come."""
        self._picture.set_from_pixbuf(look.after)
        self._picture.set_opacity(1.0)

    def fail(self, text: str) -> None:
        """Show that nothing has come, and why."""
        self._picture.set_from_icon_name("dialog-warning", Gtk.IconSize.DIALOG)
        self._picture.set_opacity(1.0)
        self.set_tooltip_text(text)


def _first_round(wish: Wish, width: float = variants.WIDEST) -> Round:
    return Round(wish, width, [Variant("present", wish.settings)])


def _why(error: Exception) -> str:
    """Why a small result is not there."""
    if isinstance(error, (Failure, DecoupleError)):
        return reason(error)
    log.error("variations", exc_info=error)
    return _("The preview failed; see the log.")


def _place(number: int) -> int:
    """Where the `number`th variation stands, row by row."""
    return MIDDLE if number == 0 else number - 1 if number <= MIDDLE else number
