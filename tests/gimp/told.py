"""Runs inside the plug-in's own process, beside its installed copy: tells what happened when, and where widgets are.

`half_hour.py` puts it there. Each line of the file ``told`` is a time and a name.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("HALF_HOUR", "."))

LOOK_MS = 50
"""How often an open dialog looks whether it is asked where its widgets are."""


def tell(name: str) -> None:
    """Write down that something has happened now."""
    with open(FOLDER / "told", "a") as file:
        file.write(f"{time.time()} {name}\n")


def told(name: str, steps: Callable[..., Generator[Any, None, Any]]) -> Callable[..., Generator[Any, None, Any]]:
    """Steps that tell when they begin and when they have ended."""

    def telling(*words: Any, **more: Any) -> Generator[Any, None, Any]:
        tell(f"{name} begins")
        result = yield from steps(*words, **more)
        tell(f"{name} ends")
        return result

    return telling


def watch(dialog_class: Any) -> None:
    """Have dialogs tell of themselves."""
    from gi.repository import GLib

    from decoupled_style.client.worker import Worker
    from decoupled_style.host.job_files import JobFiles
    from decoupled_style.ui.preview import Preview

    build, show_look = dialog_class.__init__, Preview.show_look

    def built(dialog: Any, *words: Any, **more: Any) -> None:
        tell("dialog begins")
        build(dialog, *words, **more)
        tell("dialog built")
        dialog._dialog.connect("map-event", lambda *_args: tell("dialog shown"))

        def answer() -> bool:
            if (FOLDER / "where").exists():
                (FOLDER / "places.new").write_text(json.dumps(dict(places(dialog))))
                (FOLDER / "places.new").rename(FOLDER / "places")
                (FOLDER / "where").unlink()
            return True

        answering = GLib.timeout_add(LOOK_MS, answer)
        dialog._dialog.connect("destroy", lambda _dialog: GLib.source_remove(answering))

    def shown(preview: Any, number: int, look: Any, is_draft: bool) -> None:
        show_look(preview, number, look, is_draft)
        tell(f"{'draft' if is_draft else 'finished'} {look.outcome}".strip())

    dialog_class.__init__, Preview.show_look = built, shown
    Worker.connect = told("connecting", Worker.connect)
    Worker.transfer = told("computing", Worker.transfer)
    JobFiles.hand_over = told("handing over", JobFiles.hand_over)


def places(dialog: Any) -> Generator[tuple[str, list[int]], None, None]:
    """Where widgets are on the screen: x, y, width and height, by their argument, their label or their style's name."""
    from gi.repository import Gtk

    for name, widget in dialog._controls._widgets.items():
        if widget.get_mapped():
            yield f"control {name}", _place(widget)
    for widget in _inside(dialog._dialog):
        if isinstance(widget, Gtk.IconView):
            for row in widget.get_model():
                _ok, cell = widget.get_cell_rect(row.path, None)
                x, y = _place(widget)[:2]
                yield f"style {row[1]}", [x + cell.x, y + cell.y, cell.width, cell.height]
        elif isinstance(widget, Gtk.Button) and widget.get_label():
            yield f"button {widget.get_label()}", _place(widget)


def _inside(widget: Any) -> Generator[Any, None, None]:
    """A widget and all in it that is on the screen."""
    from gi.repository import Gtk

    if widget.get_mapped():
        yield widget
        inner: list[Any] = []
        if isinstance(widget, Gtk.Container):
            widget.forall(inner.append)
        for one in inner:
            yield from _inside(one)


def _place(widget: Any) -> list[int]:
    _ok, x, y = widget.get_window().get_origin()
    room = widget.get_allocation()
    if not widget.get_has_window():
        x, y = x + room.x, y + room.y
    return [x, y, room.width, room.height]
