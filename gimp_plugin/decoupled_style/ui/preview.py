"""What will come, made by the worker from the layer's own pixels while the dialog stays usable.

It begins as a draft where the truth takes long, and ends as what OK will make: the worker keeps what it solved for the
preview, and the run takes that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gi.repository import GLib, Gtk

from decouple_contract.errors import DecoupleError
from decouple_contract.failures import as_failure
from decouple_contract.jobs import View
from decouple_contract.settings import Settings
from decoupled_style.client.worker import Worker
from decoupled_style.host.durations import Durations
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, reason
from decoupled_style.ui.layout import column, remark
from decoupled_style.ui.looks import Look, LookMaker
from decoupled_style.ui.picture import Picture
from decoupled_style.ui.schedule import Schedule, Wish
from decoupled_style.ui.thumbnails import thumbnail

POLL_MS, SLICE_SECONDS = 10, 0.02
"""How often news is looked for, and how long at most the dialog waits for us each time."""

THUMBNAIL = 512
"""Pixels of the layer's longer side until the worker has brought it."""

DETAIL = 1
"""The number of the detail among the views."""

log = logging.getLogger("decouple.plug-in")


class Preview(Gtk.Box):
    """The layer in the chosen style, with what it was beside it on demand; a `schedule.Viewer`.

    Parameters
    ----------
    worker, files
        Shared with the run that may follow.
    learnt
        How long this machine takes, which true looks add to.
    came
        Called when a look has come, and with whether it is a draft.

    Attributes
    ----------
    shown : Look or None
        The last that the worker has made.
    """

    def __init__(self, worker: Worker, files: JobFiles, learnt: Durations, came: Callable[[Look, bool], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._files, self._came = files, came
        self.shown: Look | None = None
        self._timer = 0
        self._maker = LookMaker(worker, files, learnt)
        self._schedule = Schedule(self._maker, self)
        self._build()

    def _build(self) -> None:
        layer = self._files.layer
        self.picture = Picture(layer.get_width(), layer.get_height(), self._moved)
        self.picture.set_size_request(320, 240)
        self.pack_start(self.picture, True, True, 0)
        self._bar = Gtk.ProgressBar(opacity=0)
        self.pack_start(self._bar, False, False, 0)
        below = Gtk.Box(spacing=6)
        self._words = remark(2, width_chars=10)
        below.pack_start(self._words, True, True, 0)
        self._scale = Gtk.Label(width_chars=6, xalign=1)
        below.pack_end(_zoom_buttons(self.picture), False, False, 0)
        below.pack_end(self._build_pause(), False, False, 0)
        below.pack_end(self._scale, False, False, 0)
        self.split = Gtk.CheckButton(
            label=_("_Split view"),
            use_underline=True,
            tooltip_text=_("Shows the original on the left and the result on the right. Drag the line between them."),
        )
        self.split.connect("toggled", lambda button: self.picture.split(button.get_active()))
        self.detail = Gtk.CheckButton(
            label=_("F_ull-size detail"),
            use_underline=True,
            tooltip_text=_(
                "Shows a part at full size in a corner. Click in the preview to choose the part, or move it with Shift "
                "and the arrow keys."
            ),
        )
        self.detail.connect("toggled", lambda button: self.picture.with_detail(button.get_active()))
        below.pack_end(column([self.split, self.detail], 0), False, False, 0)
        self.pack_start(below, False, False, 0)
        self._show_thumbnail()

    def _build_pause(self) -> Gtk.Widget:
        text = _("Pause the preview: nothing is computed for it until you click again")
        self.pause = Gtk.ToggleButton(
            image=Gtk.Image.new_from_icon_name("media-playback-pause", Gtk.IconSize.BUTTON),
            tooltip_text=text,
            valign=Gtk.Align.CENTER,
        )
        self.pause.get_accessible().set_name(text)
        self.pause.connect("toggled", lambda _button: self._pause_or_go_on())
        return self.pause

    def _pause_or_go_on(self) -> None:
        self._schedule.pause(self.pause.get_active())
        self._begin_soon()

    def _show_thumbnail(self) -> None:
        """The layer as GIMP has it at hand, until the worker has it."""
        layer = self._files.layer
        small = thumbnail(layer, THUMBNAIL, THUMBNAIL)
        if small is not None and not small.get_has_alpha():
            small = small.add_alpha(False, 0, 0, 0)
        if small is not None:
            view = View(max(small.get_width(), small.get_height()), 0, 0, small.get_width(), small.get_height())
            self.picture.show_look(Look(view, small, small))

    def say(self, text: str, more: str = "") -> None:
        """Put words under the picture, with more to be read when the pointer rests on them."""
        self._words.set_text(text)
        self._words.set_tooltip_text(more or text)

    def show_style(self, style: Style | None, regions: Regions | None, settings: Settings) -> None:
        """Show the layer in this style as soon as the worker can; nothing waits for it."""
        self.picture.plain(style is None)
        self._schedule.want(Wish(style, regions, settings) if style is not None else None)
        self._begin_soon()

    def pin(self) -> None:
        """Keep what is shown now for when it is wanted again."""
        self._schedule.pin()

    @property
    def wish(self) -> Wish | None:
        """What it is to show."""
        return self._schedule.wish

    def lend(self) -> LookMaker:
        """Make nothing until `take_back`; what makes our looks is free once nothing `is_making`."""
        self._schedule.pause(True)
        return self._maker

    def take_back(self) -> None:
        """Go on with what is wanted now, unless the artist has paused."""
        self._pause_or_go_on()

    @property
    def is_making(self) -> bool:
        """Whether something is being made."""
        return self._schedule.is_making

    @property
    def version(self) -> int:
        """Of the pixels."""
        return self._schedule.version

    def pixels_changed(self) -> None:
        """The layer, the style, a selection or a mask is not what it was."""
        self._schedule.pixels_changed()
        layer = self._files.layer
        if layer.is_valid():
            self.picture.renew(layer.get_width(), layer.get_height())
        self._moved()

    def settle(self, notice: Callable[[tuple[float, str] | None], None]) -> None:
        """Have the worker free for a run: what it solves now is waited for where the run needs it, else stopped."""
        self._cancel_timer()
        self._bar.set_opacity(0)
        self._schedule.settle(notice)

    def resume(self) -> None:
        """Go on after a run that ended in nothing."""
        self._schedule.resume()
        self._begin_soon()

    def show_look(self, number: int, look: Look, is_draft: bool) -> None:
        """Show what has come."""
        if number == DETAIL:
            self.picture.show_detail(look)
            self._dim()
            return
        self.shown = look
        self.picture.show_look(look)
        self.picture.dim(False, detail=self._detail_is_old)
        self._came(look, is_draft)
        if is_draft:
            return
        if look.reasons:
            self.say(_("The finished preview: exactly what OK produces ({reasons}).").format(reasons=look.reasons))
        else:
            self.say(_("The finished preview: exactly what OK produces."))

    def _dim(self) -> None:
        """Have what is not what is wanted look old; all of it, or the detail alone."""
        old = self._schedule.stale
        self.picture.dim(old, detail=self._detail_is_old and not old)

    @property
    def _detail_is_old(self) -> bool:
        return self.wish is not None and self.picture.detail is not None and not self._schedule.shows(DETAIL)

    def show_progress(self, share: float, text: str) -> None:
        """Say how far it is."""
        self._bar.set_opacity(1)
        self._bar.set_fraction(share)
        if not self._schedule.shows(0):  # else it is for a detail, and the words are about what is shown
            self.say(text)

    def show_failure(self, error: Exception) -> None:
        """Say why there is no preview; the dialog goes on, and the run itself will say more."""
        if isinstance(error, (OSError, MemoryError)):
            error = as_failure(error)
        if isinstance(error, (Failure, DecoupleError)):
            self.say(reason(error))
        else:
            log.error("preview", exc_info=error)
            self.say(_("The preview failed; see the log."))
        self.rest()

    def rest(self) -> None:
        """Nothing is under way."""
        self._bar.set_opacity(0)

    def _moved(self) -> None:
        self._scale.set_text(f"{self.picture.geometry.scale:.0%}")
        detail = self.picture.detail
        self._schedule.look_at(self.picture.geometry.view, *([detail.view] if detail is not None else []))
        self.detail.set_sensitive(self.picture.geometry.scale < 1)
        self._begin_soon()

    def _begin_soon(self) -> None:
        """Begin when the artist has paused; what is shown meanwhile is seen to be old."""
        self._dim()
        if self.pause.get_active() and self._schedule.stale:
            self.say(_("The preview is paused."))
        self._cancel_timer()
        self._timer = GLib.timeout_add(self._schedule.pause_ms, self._begin)

    def _cancel_timer(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _begin(self) -> bool:
        self._timer = 0
        if self._schedule.begin():
            GLib.timeout_add(POLL_MS, self._schedule.step, SLICE_SECONDS)
        return False


def _zoom_buttons(picture: Picture) -> Gtk.Widget:
    box = Gtk.Box()
    box.get_style_context().add_class("linked")
    step = 2**0.5
    for icon, text, act in (
        ("zoom-out", _("Smaller"), lambda: picture.zoom(picture.geometry.scale / step)),
        ("zoom-in", _("Larger"), lambda: picture.zoom(picture.geometry.scale * step)),
        ("zoom-original", _("Full size: one layer pixel per screen pixel"), lambda: picture.zoom(1.0)),
        ("zoom-fit-best", _("Fit in the window"), picture.fit),
    ):
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
        button.set_tooltip_text(text)
        button.get_accessible().set_name(text)
        button.connect("clicked", lambda _button, act=act: act())
        box.pack_start(button, False, False, 0)
    return box
