"""Pointing: which places of the style a place of the picture takes from, and lines that say which it should.

Rest the pointer on one picture, and the places of the other light up. Drag from the style to the picture, and it takes
from there.
"""

from __future__ import annotations

import json

from gi.repository import Gdk, GdkPixbuf, Gimp, GLib, Gtk

from decouple_contract.jobs import Where
from decouple_contract.settings import Settings, Spot
from decoupled_style.client.asking import Asking, Shares
from decoupled_style.client.worker import Worker
from decoupled_style.host.styles import Style, sources
from decoupled_style.messages import _, words
from decoupled_style.ui.layout import remark
from decoupled_style.ui.line_list import LineList
from decoupled_style.ui.lines import FIRST, Drag, Line, Lines, Mark, Pointer, Side
from decoupled_style.ui.overlay import MARK_REACH, PictureOverlay, Scene, Shown
from decoupled_style.ui.place_words import answer_words
from decoupled_style.ui.places import brightest
from decoupled_style.ui.preview import Preview
from decoupled_style.ui.style_picture import LARGEST, StylePicture, is_to_come, pictures_of

POLL_MS = 15
"""How often an answer is looked for while one is awaited: at most a frame of the screen later."""

DRAG_REACH = 4
"""Pixels that the mouse may tremble before a press becomes a drag."""

STEP, SMALL_STEP = 0.05, 0.01
"""How far an arrow key moves the mark, as shares of the picture, and how far it does with Shift."""

MOVES = {"Left": (-1, 0), "Right": (1, 0), "Up": (0, -1), "Down": (0, 1)}


class Pointing(PictureOverlay):
    """The preview with the style's pictures and the lines below it, and all that is drawn over them.

    Parameters
    ----------
    preview
    worker
        Knows which places belong together.
    config
        Holds the lines, as its argument `match`.

    Attributes
    ----------
    strip : Gtk.Widget
        What lies below the preview.
    """

    def __init__(self, preview: Preview, worker: Worker, config: Gimp.ProcedureConfig) -> None:
        self._preview, self._config, self._asking = preview, config, Asking(worker)
        self._styles: list[StylePicture] = []
        self._style: Style | None = None
        self._identity = ""
        self._kept: dict[str, Lines] = {}  # of the styles that were chosen before
        self._lines = Lines(config.get_property("match") or "")
        self._mark = Mark()
        self._pointer: Pointer | None = None
        self._drag: Drag | None = None
        self._answer: tuple[Where, Shares | None] | None = None
        self._timer = 0
        self._target = Shown(preview.picture, preview.picture.geometry)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        column.pack_start(preview, True, True, 0)
        self.strip = self._build()
        column.pack_start(self.strip, False, False, 0)
        super().__init__(column)
        preview.picture.pointed = self._over_picture
        preview.picture.drawn = self._show
        self._handlers = [
            config.connect(f"notify::{name}", self._set_elsewhere) for name in ("match", "correspondence")
        ]
        self._show_lines()

    @property
    def style_identity(self) -> str:
        """What tells the style that the lines begin in from others."""
        return self._identity

    def show_style(self, style: Style | None) -> None:
        """Take from this style; the lines of each come back with it, and while there is none they stay."""
        had, self._style = self._style, style
        identity = json.dumps(style.where(), sort_keys=True) if style is not None else self._identity
        if identity == self._identity:
            if (had is None) != (style is None):
                self._show_pictures()
            return
        before, self._identity = self._identity, identity
        if before:  # else they were there first
            self._kept[before] = self._lines
            self._lines = self._kept.get(identity, Lines())
            self._lines_changed()
        self._show_pictures()

    def forget(self) -> None:
        """Have no lines: those of the last run were of other pictures."""
        self._lines = Lines()
        self._lines_changed()

    def renew(self, *, is_draft: bool) -> None:
        """A look has come: files are open that were not; with a true one, what is known of places may have changed."""
        if not self._styles:
            self._show_pictures()
        if not is_draft:
            self._ask(self._pointer or self._marked())

    def redraw(self) -> None:
        """The styles' pixels have changed."""
        if self._drag is None:
            self._show_pictures()

    def close(self) -> None:
        """Ask no more."""
        self._asking.ask(None)
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        for handler in self._handlers:
            self._config.disconnect(handler)

    def _build(self) -> Gtk.Widget:
        """What lies below the preview."""
        self._pictures = Gtk.Box(spacing=6)
        self._says = remark(2, width_chars=24)
        self._list = LineList(self._remove, self._show)
        beside = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=4)
        beside.pack_start(self._says, False, False, 0)
        beside.pack_start(self._list, True, True, 0)
        strip = Gtk.Box(spacing=12)
        strip.set_size_request(-1, LARGEST[1])
        strip.pack_start(self._pictures, False, False, 0)
        strip.pack_start(beside, True, True, 0)
        return strip

    def _show_pictures(self) -> None:
        """Show the styles' pictures, as far as they are there."""
        focused = next((number for number, one in enumerate(self._styles) if one.has_focus()), None)
        for old in self._pictures.get_children():
            old.destroy()
        found = [pictures_of(one) for one in sources(self._style)]
        there = [picture for pictures in found for picture in pictures] if all(found) else []  # numbers are to be right
        self._styles = [self._style_picture(number, one, len(there) - 1) for number, one in enumerate(there)]
        for one in self._styles:
            self._pictures.pack_start(one, False, False, 0)
        self._pictures.show_all()
        if focused is not None and focused < len(self._styles):
            self._styles[focused].grab_focus()
        self._show()

    def _style_picture(self, number: int, pixbuf: GdkPixbuf.Pixbuf, beside: int) -> StylePicture:
        made = StylePicture(pixbuf, beside)
        made.set_tooltip_text(
            _(
                "Drag from here to the preview to say: take it from here. Keys: the arrows move the mark, Enter begins "
                "and ends a line, the space bar changes to the other picture, Delete removes the line at the mark."
            )
        )
        made.get_accessible().set_name(_("Picture of the style"))
        for signal, handler in (
            ("motion-notify-event", self._motion),
            ("leave-notify-event", self._left),
            ("button-press-event", self._pressed),
            ("button-release-event", self._released),
            ("key-press-event", self._key),
            ("focus-in-event", self._focus_changed),
            ("focus-out-event", self._focus_changed),
        ):
            made.connect(signal, handler, number)
        made.connect("size-allocate", lambda *_args: GLib.idle_add(self._show_soon))
        return made

    # What is pointed at.

    def _over_picture(self, spot: Spot | None) -> None:
        self._point(Pointer(Side.TARGET, spot) if spot is not None else None)

    def _point(self, pointer: Pointer | None) -> None:
        self._pointer = pointer
        for shown in (self._target.widget, *self._styles):  # whose words would lie over what lights up
            shown.set_has_tooltip(pointer is None)
        self._ask(pointer or self._marked())

    def _marked(self) -> Pointer | None:
        """Where the keyboard points, while it does."""
        for number, one in enumerate(self._styles):
            if one.has_focus():
                return Pointer(self._mark.side, self._mark.spot, number)
        return None

    def _ask(self, pointer: Pointer | None) -> None:
        look = self._preview.shown
        question = pointer.question(look.plan) if pointer is not None and look is not None else None
        self._asking.ask(question if question is not None and question.plan is not None else None)
        if question is None:
            self._answer = None
        elif question.plan is None:
            self._answer = question, None
        if not self._timer and not self._asking.is_over:
            self._timer = GLib.timeout_add(POLL_MS, self._listen)
        self._show()

    def _listen(self) -> bool:
        """Look for an answer; False ends these looks."""
        while not self._asking.is_over:
            answer = self._asking.step()
            if answer is None:
                return True
            if answer[1] is not None and (self._pointer is not None or self._marked() is not None):
                self._answer = answer
        self._timer = 0
        self._show()
        return False

    # Lines.

    def _add(self, line: Line) -> None:
        self._lines.add(line)
        self._lines_changed()

    def _remove(self, number: int) -> None:
        self._lines.remove(number)
        self._lines_changed()

    def _lines_changed(self) -> None:
        self._config.set_property("match", self._lines.text)
        self._show_lines()

    def _set_elsewhere(self, config: Gimp.ProcedureConfig, _property: object) -> None:
        """A preset, a recipe or another step back has set the lines, or whether they act."""
        self._lines.take(config.get_property("match") or "")
        self._show_lines()

    def _show_lines(self) -> None:
        self._list.show_lines(self._lines)
        self._show()

    def _line_at(self, pointer: Pointer | None) -> int | None:
        """The line whose end is pointed at."""
        if pointer is None or pointer.style != FIRST:
            return None
        shown = self._shown(pointer)
        width, height = shown.geometry.full
        return self._lines.at(pointer.side, pointer.spot, (MARK_REACH / width, MARK_REACH / height))

    def _shown(self, pointer: Pointer) -> Shown:
        if pointer.side is Side.TARGET:
            return self._target
        widget = self._styles[pointer.style]
        return Shown(widget, widget.geometry)

    # The mouse.

    def _motion(self, widget: StylePicture, event: Gdk.EventMotion, number: int) -> bool:
        drag = self._drag
        if drag is None:
            spot = widget.geometry.fraction_at(event.x, event.y)
            self._point(Pointer(Side.STYLE, spot, number) if spot is not None else None)
            return True
        moves = drag.moves or max(abs(event.x - drag.pressed[0]), abs(event.y - drag.pressed[1])) > DRAG_REACH
        now = widget.translate_coordinates(self, round(event.x), round(event.y)) or (0, 0)
        self._drag = drag._replace(moves=moves, now=(float(now[0]), float(now[1])))
        self._over_picture(self._target.spot_at(self, self._drag.now))
        return True

    def _left(self, _widget: StylePicture, _event: Gdk.EventCrossing, _number: int) -> bool:
        if self._drag is None and (self._pointer is None or self._pointer.side is Side.STYLE):
            self._point(None)
        return False

    def _pressed(self, widget: StylePicture, event: Gdk.EventButton, number: int) -> bool:
        if event.type != Gdk.EventType.BUTTON_PRESS or event.button != 1:
            return False
        widget.grab_focus()
        spot = widget.geometry.nearest_fraction(event.x, event.y)
        self._mark.put(Side.STYLE, spot)
        if number != FIRST:
            self._says.set_text(_("Lines begin in the first style."))
            return True
        line = self._line_at(Pointer(Side.STYLE, spot))
        begin = spot if line is None else self._lines[line].style
        self._drag = Drag(begin, line, (event.x, event.y), (event.x, event.y))
        return True

    def _released(self, _widget: StylePicture, _event: Gdk.EventButton, _number: int) -> bool:
        drag, self._drag = self._drag, None
        if drag is None:
            return False
        end = self._target.spot_at(self, drag.now) if drag.moves else None
        if end is not None and drag.number is None:
            self._add(Line(end, drag.begin))
        elif end is not None and drag.number is not None and drag.number < len(self._lines):
            self._lines.move(drag.number, Side.TARGET, end)
            self._lines_changed()
        self._over_picture(end)
        return True

    # The keyboard.

    def _key(self, _widget: StylePicture, event: Gdk.EventKey, number: int) -> bool:
        name = Gdk.keyval_name(event.keyval) or ""
        if name in MOVES:
            step = SMALL_STEP if event.state & Gdk.ModifierType.SHIFT_MASK else STEP
            self._mark.move(*(step * along for along in MOVES[name]))
        elif name in ("Return", "KP_Enter"):
            self._take(number)
        elif name in ("space", "KP_Space"):
            self._mark.switch()
        elif name == "Escape":
            if not self._mark.give_up():
                return False  # closes the dialog
        elif name in ("Delete", "KP_Delete", "BackSpace"):
            line = self._line_at(self._marked())
            if line is not None:
                self._remove(line)
        else:
            return False
        self._point(None)
        return True

    def _take(self, number: int) -> None:
        """Begin a line at the mark, going on at the place that fits best now; or end one."""
        if number != FIRST:
            self._says.set_text(_("Lines begin in the first style."))
            return
        question, shares = self._answer or (None, None)
        here = question is not None and (question.x, question.y) == self._mark.spot
        line = self._mark.take(brightest(shares[FIRST]) if here and shares is not None else None)
        if line is not None:
            self._add(line)

    def _focus_changed(self, _widget: StylePicture, _event: Gdk.EventFocus, _number: int) -> bool:
        GLib.idle_add(lambda: self._point(self._pointer))  # once it has the focus, or has it no more
        return False

    # What is seen.

    def _show(self) -> None:
        """Show all of it."""
        if self._drag is None or not self._drag.moves:
            self._says.set_text(self._words())
        self.draw_scene(self._scene())

    def _show_soon(self) -> bool:
        """As one of GTK's idle tasks, which False ends."""
        self._show()
        return False

    def _scene(self) -> Scene:
        scene, chosen = Scene(), self._looked_at()
        question, shares = self._answer or (None, None)
        if question is not None and shares is not None and (self._drag is None or not self._drag.moves):
            lit = [self._target] if question.style is not None else [Shown(one, one.geometry) for one in self._styles]
            if len(lit) == len(shares):
                scene.shades.extend(zip(lit, shares, strict=True))
        for number, line in enumerate(self._lines):
            for side in Side if self._styles else (Side.TARGET,):
                shown = self._shown(Pointer(side, line.end(side)))
                if shown.sees(line.end(side)):
                    names = ["decoupled-end", *(["chosen"] if number == chosen else [])]
                    scene.marks.append((shown.point_of(self, line.end(side)), str(number + 1), names))
            if number == chosen and self._styles:
                ends = [self._shown(Pointer(side, line.end(side))).point_of(self, line.end(side)) for side in Side]
                scene.lines.append((ends[0], ends[1]))
        if self._drag is not None and self._drag.moves:
            scene.lines.append(
                (self._shown(Pointer(Side.STYLE, self._drag.begin)).point_of(self, self._drag.begin), self._drag.now)
            )
        if self._pointer is None and (marked := self._marked()) is not None:
            point = self._shown(marked).point_of(self, marked.spot)
            scene.marks.append((point, "", ["decoupled-spot"]))
            if self._mark.begun is not None:
                begun = self._shown(Pointer(marked.side.other, self._mark.begun)).point_of(self, self._mark.begun)
                scene.lines.append((begun, point))
        return scene

    def _looked_at(self) -> int | None:
        """The line that is pointed at, or chosen in the list."""
        pointed = self._line_at(self._pointer) if self._styles else None
        chosen = pointed if pointed is not None else self._list.chosen
        return chosen if chosen is not None and chosen < len(self._lines) else None

    def _words(self) -> str:
        """What there is to say."""
        if self._mark.begun is not None:
            return _("Arrow keys: choose where it goes. Enter draws the line, Escape gives it up.")
        if self._answer is not None:
            return answer_words(*self._answer)
        if self._style is None:
            return ""
        if not self._styles:
            if any(map(is_to_come, sources(self._style))):
                return _("You can point at the style once its picture is open.")
            return _("This style has no picture to point at.")
        idle = Settings(correspondence=self._config.get_property("correspondence")).idle("match")
        if idle is not None and len(self._lines):
            return words(idle)
        return _(
            "Point at the preview to see which places of the style it takes from. "
            "Drag from the style to the preview to say: take it from here."
        )
