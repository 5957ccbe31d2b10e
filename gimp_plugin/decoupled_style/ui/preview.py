"""What will come, made by the worker from the layer's own pixels while the dialog stays usable.

It begins as a draft where the truth takes long, and ends as what OK will make: the worker keeps what it solved for the
preview, and the run takes that.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from gi.repository import Gimp, GLib, Gtk

from decouple_contract.errors import Cancelled, DecoupleError
from decouple_contract.failures import as_failure
from decouple_contract.jobs import View
from decouple_contract.messages import Message
from decouple_contract.settings import AUTOMATIC_SIZE, OF_RENDERING, Settings
from decouple_contract.shared_folders import pixels_file
from decoupled_style.client.steps import finish, has_more, reworded
from decoupled_style.client.worker import Worker
from decoupled_style.host import pixels
from decoupled_style.host.durations import Durations
from decoupled_style.host.job_files import Doing, JobFiles, JobInputs, compute
from decoupled_style.host.on_canvas import OnCanvas
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, reason, words
from decoupled_style.ui.picture import Look, Picture, pixbuf_of
from decoupled_style.ui.remaining import Remaining

SOLVE_PAUSE_MS, LOOK_PAUSE_MS = 300, 20
"""A look is begun after this long without a change: one with a solve of its own later than one without."""

POLL_MS, SLICE_SECONDS = 10, 0.02
"""How often news is looked for, and how long at most the dialog waits for us each time."""

LOOKS, SOLVED = 24, 3
"""Looks kept here, and solves of which the worker still has the components, drafts left out."""

TOLD = ("mode", "strength", "correspondence")
"""Settings whose choice by the program can be seen in the picture."""

UNSURE = "places-unsure"
"""What the report says of a plan that is worth a word."""

DRAFT_SIDE = 128
"""Longer side, in pixels, at which a draft is painted: 3.5 s where 512 px take 9."""

THUMBNAIL = 512
"""Pixels of the layer's longer side until the worker has brought it."""

log = logging.getLogger("decouple.plug-in")


@dataclasses.dataclass(frozen=True)
class Wish:
    """What is to be shown."""

    style: Style
    regions: Regions | None
    settings: Settings

    @property
    def given(self) -> str:
        """The identity of style and regions."""
        return json.dumps([self.style.where(), self.regions.where() if self.regions else None], sort_keys=True)

    def solve(self, settings: Settings | None = None) -> str:
        """The identity of what is solved for it."""
        values = (settings or self.settings).as_dict()
        return json.dumps([self.given, {name: values[name] for name in values if name not in OF_RENDERING}])

    @property
    def identity(self) -> str:
        """Of all of it."""
        return json.dumps([self.given, self.settings.as_dict()])


class Preview(Gtk.Box):
    """The layer in the chosen style, with what it was beside it on demand.

    Parameters
    ----------
    worker, files
        Shared with the run that may follow.
    learnt
        How long this machine takes, which true looks add to.
    came
        Called when a true look has come.
    """

    def __init__(self, worker: Worker, files: JobFiles, learnt: Durations, came: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._worker, self._files, self._learnt, self._came = worker, files, learnt, came
        self._wish: Wish | None = None
        self._version = 0  # of the pixels
        self._read = -1  # the version that was handed over
        self._done: tuple[object, ...] = ()  # what was shown or failed last
        self._looks: OrderedDict[object, Look] = OrderedDict()
        self._solved: OrderedDict[object, None] = OrderedDict()
        self._drafted: set[object] = set()
        self._under_way = ""  # the solve that a job is about, or a draft of it
        self._drafting = False
        self._closing = False
        self._timer = 0
        self._steps: Doing[None] | None = None
        self._remaining = Remaining()
        self._canvas = OnCanvas(files.image, files.layer)
        self._canvas_shows: object = None  # None where nothing is to be shown there
        self._build()

    def _build(self) -> None:
        layer = self._files.layer
        self.picture = Picture(layer.get_width(), layer.get_height(), self._moved)
        self.picture.set_size_request(320, 240)
        self.pack_start(self.picture, True, True, 0)
        self._bar = Gtk.ProgressBar(opacity=0)
        self.pack_start(self._bar, False, False, 0)
        below = Gtk.Box(spacing=6)
        self._words = Gtk.Label(xalign=0, wrap=True, lines=2, width_chars=24, max_width_chars=60)
        below.pack_start(self._words, True, True, 0)
        self._scale = Gtk.Label(width_chars=6, xalign=1)
        below.pack_end(_zoom_buttons(self.picture), False, False, 0)
        below.pack_end(self._scale, False, False, 0)
        split = Gtk.CheckButton(
            label=_("_Split view"),
            use_underline=True,
            tooltip_text=_("Shows the original on the left and the result on the right. Drag the line between them."),
        )
        split.connect("toggled", lambda button: self.picture.split(button.get_active()))
        canvas = Gtk.CheckButton(
            label=_("On can_vas"),
            use_underline=True,
            tooltip_text=_("Shows the preview in the image itself, until this dialog closes"),
        )
        canvas.connect("toggled", self._toggle_canvas)
        for button in (canvas, split):
            below.pack_end(button, False, False, 0)
        self.pack_start(below, False, False, 0)
        self._show_thumbnail()

    def _show_thumbnail(self) -> None:
        """The layer as GIMP has it at hand, until the worker has it."""
        layer = self._files.layer
        small = layer.get_thumbnail(THUMBNAIL, THUMBNAIL, Gimp.PixbufTransparency.KEEP_ALPHA)
        if small is not None and not small.get_has_alpha():
            small = small.add_alpha(False, 0, 0, 0)
        if small is not None:
            view = View(max(small.get_width(), small.get_height()), 0, 0, small.get_width(), small.get_height())
            self.picture.show_look(Look(view, small, small))

    def say(self, text: str) -> None:
        """Put words under the picture."""
        self._words.set_text(text)

    def show_style(self, style: Style | None, regions: Regions | None, settings: Settings) -> None:
        """Show the layer in this style as soon as the worker can; nothing waits for it."""
        self._wish = Wish(style, regions, settings) if style is not None else None
        self.picture.plain(style is None)
        self._begin_soon()

    def pixels_changed(self) -> None:
        """The layer, the style, a selection or a mask is not what it was."""
        self._version += 1
        layer = self._files.layer
        if layer.is_valid():
            self.picture.renew(layer.get_width(), layer.get_height())
        self._begin_soon()

    def clear_canvas(self) -> None:
        """Take away what was shown on the canvas."""
        self._canvas.remove()

    def settle(self, notice: Callable[[tuple[float, str] | None], None]) -> None:
        """Have the worker free for the run: what it solves now is waited for where the run needs it, else stopped."""
        self._cancel_timer()
        self._closing = True
        self._bar.set_opacity(0)
        steps, self._steps = self._steps, None
        try:
            if steps is not None:
                if self._drafting or self._wish is None or self._under_way != self._wish.solve():
                    self._worker.cancel()
                try:
                    finish(steps, notice)
                except Cancelled:
                    self._worker.cancel()
                    finish(steps, lambda _news: None)
                    raise
        finally:
            self._closing = False
            self._idle()

    def _toggle_canvas(self, button: Gtk.CheckButton) -> None:
        self._canvas_shows = () if button.get_active() else None
        if not button.get_active():
            self._canvas.remove()
        self._begin_soon()

    def _canvas_lacks(self) -> bool:
        """Whether the canvas is to show something else."""
        return self._canvas_shows is not None and self._canvas_shows != self._wanted()[:2]

    def _moved(self) -> None:
        self._scale.set_text(f"{self.picture.scale:.0%}")
        self._begin_soon()

    def _wanted(self) -> tuple[object, ...]:
        """The identity of what is to be seen now."""
        return (self._wish.identity if self._wish else "", self._version, self.picture.view)

    def _begin_soon(self) -> None:
        """Begin when the artist has paused; what is shown meanwhile is seen to be old."""
        wanted = self._wanted()
        self.picture.dim(self._wish is not None and wanted[:2] != self._done[:2])
        if self._wish is not None and wanted in self._looks:
            self._show(wanted, self._looks[wanted])
        self._cancel_timer()
        known = self._wish is not None and (self._wish.solve(), self._version) in self._solved
        self._timer = GLib.timeout_add(LOOK_PAUSE_MS if known else SOLVE_PAUSE_MS, self._begin)

    def _cancel_timer(self) -> None:
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0

    def _begin(self) -> bool:
        self._timer = 0
        if self._steps is not None:  # its end begins the next
            if self._under_way and (self._wish is None or self._under_way != self._wish.solve()):
                self._worker.cancel()
        elif self._wish is not None and (self._done != self._wanted() or self._canvas_lacks()):
            self._steps = self._make()
            GLib.timeout_add(POLL_MS, self._step)
        return False

    def _step(self) -> bool:
        """Look for news; False ends these looks."""
        if self._steps is None:
            return False
        if has_more(self._steps, SLICE_SECONDS, lambda news: self._tell(*news)):
            return True
        self._steps = None
        self._idle()
        self._begin()
        return False

    def _tell(self, share: float, text: str) -> None:
        self._bar.set_opacity(1)
        self._bar.set_fraction(share)
        self.say(self._remaining.told(share, text))

    def _idle(self) -> None:
        self._bar.set_opacity(0)
        self._under_way, self._drafting = "", False

    def _make(self) -> Doing[None]:
        """Make looks until what is wanted is there, or say why there is none."""
        while (wish := self._wish) is not None and not self._closing:
            wanted = self._wanted()
            try:
                if wanted != self._done:
                    yield from self._look(wish, wanted)
                elif self._canvas_lacks():
                    yield from self._show_on_canvas(wish, wanted)
                else:
                    return
            except Cancelled:
                if self._closing:
                    return
            except (Failure, DecoupleError) as failure:
                self._fail(wanted, reason(failure))
            except (OSError, MemoryError) as error:
                self._fail(wanted, reason(as_failure(error)))
            except Exception:  # whatever it is, the dialog goes on; the run itself will say more
                log.exception("preview")
                self._fail(wanted, _("The preview failed; see the log."))

    def _fail(self, wanted: tuple[object, ...], text: str) -> None:
        self._done = wanted
        if self._canvas_shows is not None:
            self._canvas_shows = wanted[:2]
        self._idle()
        self.say(text)

    def _look(self, wish: Wish, wanted: tuple[object, ...]) -> Doing[None]:
        version = self._version
        given = yield from self._files.hand_over(wish.style, wish.regions, again=self._read != version)
        self._read = version
        solve = (wish.solve(), version)
        if solve not in self._solved:
            for draft in self._drafts(wish, version):
                look = yield from self._looked(given, wish, draft)
                self._drafted.add(wish.solve(draft))
                self.picture.show_look(look)
                self.picture.dim(False)
        began = time.monotonic()
        look = yield from self._looked(given, wish, wish.settings)
        if solve not in self._solved and self._under_way:
            self._learnt.add(wish.settings, max(given.target.width, given.target.height), time.monotonic() - began)
        self._solved[solve] = None
        while len(self._solved) > SOLVED:
            self._solved.popitem(last=False)
        self._looks[wanted] = look
        while len(self._looks) > LOOKS:
            self._looks.popitem(last=False)
        self._show(wanted, look)

    def _show_on_canvas(self, wish: Wish, wanted: tuple[object, ...]) -> Doing[None]:
        """Have the whole result made, and put it above the layer."""
        given = yield from self._files.hand_over(wish.style, wish.regions, again=self._read != self._version)
        width, height = given.target.width, given.target.height
        job = given.transfer(wish.settings, View(max(width, height), 0, 0, width, height))
        yield from compute(self._worker, job)
        if self._canvas_shows is not None and wanted == self._wanted():
            self._canvas.show(job.result, pixels_file(given.folder, "result"))
            self._canvas_shows = wanted[:2]

    def _show(self, wanted: tuple[object, ...], look: Look) -> None:
        """Show a true look, if it is still what is wanted."""
        if wanted != self._wanted():
            return
        self._done = wanted
        self.picture.show_look(look)
        self.picture.dim(False)
        if look.reasons:
            self.say(_("The finished preview: exactly what OK produces ({reasons}).").format(reasons=look.reasons))
        else:
            self.say(_("The finished preview: exactly what OK produces."))
        self._came()

    def _drafts(self, wish: Wish, version: int) -> list[Settings]:
        """The settings of what is shown first, from the quickest."""
        settings, drafts = wish.settings, []
        if (wish.given, version) not in self._drafted:
            self._drafted.add((wish.given, version))
            drafts.append(dataclasses.replace(settings, mode="photo", layers=1))
        if not settings.idle("size") and (settings.size == AUTOMATIC_SIZE or settings.size > DRAFT_SIDE):
            drafts.append(dataclasses.replace(settings, size=DRAFT_SIDE))
        return drafts

    def _looked(self, given: JobInputs, wish: Wish, settings: Settings) -> Doing[Look]:
        """Have one look made."""
        view, true = self.picture.view, settings == wish.settings
        job = given.transfer(settings, view)
        self._under_way, self._drafting = wish.solve(), not true
        self._remaining.begin(self._learnt.expected(settings, max(given.target.width, given.target.height)))
        steps = compute(self._worker, job)
        answer = yield from (steps if true else reworded(steps, _of_draft))
        before, after = (
            pixbuf_of(pixels.result_bytes(job.result, pixels_file(given.folder, name)), view.width, view.height)
            for name in ("before", "result")
        )
        return Look(view, before, after, _reasons(answer))


def _of_draft(news: tuple[float, str] | None) -> tuple[float, str] | None:
    """Progress, said to be of a draft."""
    return None if news is None else (news[0], _("Draft. {text}").format(text=news[1]))


def _reasons(answer: Mapping[str, Any]) -> str:
    """Why the worker chose the outcome and the strength as it did, where it did, and whether it had to guess."""
    report = answer["report"]
    said = [one["message"] for one in report.get("choices", ()) if one["setting"] in TOLD]
    places = report.get("correspondence")
    if places and places["message"]["code"] == UNSURE:
        said.append(places["message"])
    return "; ".join(words(Message.from_dict(one)) for one in said)


def _zoom_buttons(picture: Picture) -> Gtk.Widget:
    box = Gtk.Box()
    box.get_style_context().add_class("linked")
    step = 2**0.5
    for icon, text, act in (
        ("zoom-out", _("Smaller"), lambda: picture.zoom(picture.scale / step)),
        ("zoom-in", _("Larger"), lambda: picture.zoom(picture.scale * step)),
        ("zoom-original", _("Full size: one layer pixel per screen pixel"), lambda: picture.zoom(1.0)),
        ("zoom-fit-best", _("Fit in the window"), picture.fit),
    ):
        button = Gtk.Button.new_from_icon_name(icon, Gtk.IconSize.BUTTON)
        button.set_tooltip_text(text)
        button.get_accessible().set_name(text)
        button.connect("clicked", lambda _button, act=act: act())
        box.pack_start(button, False, False, 0)
    return box
