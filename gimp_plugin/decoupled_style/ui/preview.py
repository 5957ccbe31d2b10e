"""A small picture of what will come, made by the worker while the dialog stays usable."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from gi.repository import Gdk, GdkPixbuf, Gimp, GLib, Gtk

from decoupled_style.client.steps import PAUSE_SECONDS, Steps, finish
from decoupled_style.client.worker import Worker
from decoupled_style.contract import protocol
from decoupled_style.contract.errors import Cancelled, DecoupleError
from decoupled_style.contract.settings import Settings
from decoupled_style.host import pixels
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, reason, words

SIDE = 440
"""Pixels of the preview's longer side."""

PAUSE_MS = 300
"""A preview starts after this long without a change: shorter would start one for each move of a slider."""

CHECKS = (8, 0xFF999999, 0xFF666666)
"""Size and colours of the checks behind what is transparent, as GIMP draws them."""

log = logging.getLogger("decouple.plug-in")


class Preview(Gtk.Box):
    """The layer, then the layer in the chosen style; pressing the picture shows the layer as it is.

    Parameters
    ----------
    worker
        Shared with the run that may follow.
    image, layer
        What to show.
    """

    def __init__(self, worker: Worker, image: Gimp.Image, layer: Gimp.Layer) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6, valign=Gtk.Align.START)
        self._worker, self._layer = worker, layer
        self._scale = min(1.0, SIDE / max(layer.get_width(), layer.get_height()))
        self._weights = pixels.weights_of(image, layer)
        width, height, before = pixels.small_copy(layer, self._scale)
        self._before = _pixbuf(before, width, height)
        self._mask = pixels.small_weights(self._weights, width, height, self._scale) if self._weights else None
        self._after: GdkPixbuf.Pixbuf | None = None
        self._wanted: tuple[Style, Regions | None, Settings] | None = None
        self._timer = 0
        self._steps: Steps[None] | None = None

        self._picture = Gtk.Image()
        self._picture.set_size_request(SIDE, -1)
        press = Gtk.EventBox()
        press.add(self._picture)
        press.connect("button-press-event", lambda *_args: self._draw(self._before))
        press.connect("button-release-event", lambda *_args: self._draw(self._after or self._before))
        self.pack_start(press, False, False, 0)
        self._spinner = Gtk.Spinner()
        self._words = Gtk.Label(xalign=0, yalign=0, wrap=True, max_width_chars=44, lines=2, height_request=40)
        below = Gtk.Box(spacing=6)
        below.pack_start(self._words, True, True, 0)
        below.pack_start(self._spinner, False, False, 0)
        self.pack_start(below, False, False, 0)
        self._draw(self._before)

    def say(self, text: str) -> None:
        """Put words under the picture."""
        self._words.set_text(text)

    def show_style(self, style: Style | None, regions: Regions | None, settings: Settings) -> None:
        """Show the layer in this style as soon as the worker can; nothing waits for it."""
        self._wanted = (style, regions, settings) if style is not None else None
        if self._timer:
            GLib.source_remove(self._timer)
        self._timer = GLib.timeout_add(PAUSE_MS, self._begin)

    def stop(self, notice: Callable[[object], None]) -> None:
        """Have the worker free for something else; `notice` is called while that takes its time."""
        self._wanted = None
        if self._timer:
            GLib.source_remove(self._timer)
            self._timer = 0
        if self._steps is not None:
            self._worker.cancel()
            steps, self._steps = self._steps, None
            finish(steps, notice)
        self._spinner.stop()
        self.say("")

    def _begin(self) -> bool:
        self._timer = 0
        if self._steps is not None:  # of an older wish: its end begins the next
            self._worker.cancel()
        elif self._wanted is not None:
            self._steps = self._make(*self._wanted)
            self._wanted = None
            self._spinner.start()
            self.say(_("Starting..."))
            GLib.timeout_add(round(PAUSE_SECONDS * 1000), self._step)
        return False

    def _step(self) -> bool:
        """Look for news; False ends these looks."""
        if self._steps is None:
            return False
        try:
            while (news := next(self._steps)) is not None:
                share, message = news
                self.say(f"{words(message)} ({share:.0%})")
        except StopIteration:
            self._steps = None
            self._spinner.stop()
            self._begin()
            return False
        return True

    def _make(self, style: Style, regions: Regions | None, settings: Settings) -> Steps[None]:
        """Have one preview made and show it, or say why there is none."""
        try:
            yield from self._worker.connect()
            folder = yield from self._worker.folder()
            target = pixels.hand_over(self._layer, self._weights, folder, "target", _no_tick, self._scale)
            small, longest = _small(settings)
            given = style.hand_over(folder, _no_tick, longest)
            if regions is not None:
                given |= regions.hand_over(folder, self._layer, target, given["style"], _no_tick)
            yield from self._worker.transfer(protocol.Transfer(target=target, settings=small.as_dict(),
                                                               **given))
            self._show(_pixbuf(pixels.result_bytes(target, folder), target.width, target.height))
            self.say(_("Preview. Press and hold the picture to compare."))
        except Cancelled:
            pass
        except (Failure, DecoupleError) as failure:
            self.say(reason(failure))
        except Exception:  # whatever it is, the dialog goes on; the run itself will say more
            log.exception("preview")
            self.say(_("There is no preview; see the log."))

    def _show(self, result: GdkPixbuf.Pixbuf) -> None:
        if self._mask is not None:  # outside the selection, the layer stays as it is
            data = bytearray(result.get_pixels())
            data[3::4] = bytes(a * b // 255 for a, b in zip(data[3::4], self._mask, strict=True))
            layer = _pixbuf(bytes(data), result.get_width(), result.get_height())
            whole = self._before.copy()
            assert whole is not None, "it is small"
            result = whole
            layer.composite(result, 0, 0, result.get_width(), result.get_height(), 0, 0, 1, 1,
                            GdkPixbuf.InterpType.NEAREST, 255)
        self._after = result
        self._draw(result)

    def _draw(self, pixbuf: GdkPixbuf.Pixbuf) -> bool:
        size, light, dark = CHECKS
        width, height = pixbuf.get_width(), pixbuf.get_height()
        self._picture.set_from_pixbuf(pixbuf.composite_color_simple(width, height, GdkPixbuf.InterpType.NEAREST, 255,
                                                                    size, light, dark))
        return Gdk.EVENT_PROPAGATE


def _small(settings: Settings) -> tuple[Settings, int]:
    """The settings for a picture of the preview's size, and how large a style they want.

    A photograph's stay as they are. A painting takes the style's patterns as much larger as they shall become, like the
    run, so that it wants a larger picture of the style for them.
    """
    enlarged = 1.0 if settings.idle("style_scale") else max(1.0, settings.style_scale)
    return dataclasses.replace(settings, size=min(settings.size, SIDE)), round(SIDE * enlarged)


def _pixbuf(data: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    return GdkPixbuf.Pixbuf.new_from_bytes(GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, True, 8, width, height,
                                           width * 4)


def _no_tick(done: float) -> None:
    """A preview's pixels are few."""
