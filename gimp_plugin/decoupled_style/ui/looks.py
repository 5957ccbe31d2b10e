"""The looks of a preview: asked of the worker, and turned into what GTK shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gi.repository import GdkPixbuf, Gimp, GLib

from decouple_contract.jobs import View
from decouple_contract.messages import Message
from decouple_contract.shared_folders import pixels_file
from decoupled_style.client.steps import reworded
from decoupled_style.client.worker import Worker
from decoupled_style.host.appearance import shown
from decoupled_style.host.durations import Durations
from decoupled_style.host.job_files import Doing, JobFiles, JobInputs, compute
from decoupled_style.messages import _, words
from decoupled_style.ui.remaining import Remaining
from decoupled_style.ui.schedule import Ask

TOLD = ("mode", "strength", "correspondence")
"""Settings whose choice by the program can be seen in the picture."""

UNSURE = "places-unsure"
"""What the report says of a plan that is worth a word."""


@dataclass(frozen=True)
class Look:
    """What a view shows: before and after, each as large as the view, and why it was made as it was.

    `plan` names where its places take from, for `jobs.Where`; it is None where the picture was taken as a whole.
    `outcome` is "photo" or "painting", or empty where a draft is not of the outcome that was asked for.
    """

    view: View
    before: GdkPixbuf.Pixbuf
    after: GdkPixbuf.Pixbuf
    reasons: str = ""
    plan: str | None = None
    outcome: str = ""


class LookMaker:
    """Has looks made by the worker; a `schedule.Maker`.

    Parameters
    ----------
    worker, files
        Shared with the run that may follow.
    learnt
        How long this machine takes, which looks add to.
    """

    def __init__(self, worker: Worker, files: JobFiles, learnt: Durations) -> None:
        self._worker, self._files, self._learnt = worker, files, learnt
        self._read = -1  # the version of the pixels that was handed over
        self._remaining = Remaining()

    def look(self, ask: Ask) -> Doing[Look]:
        """Have one look made."""
        given = yield from self._hand_over(ask)
        longest = max(given.target.width, given.target.height)
        job = given.transfer(ask.settings, ask.view)
        self._remaining.begin(self._learnt.expected(ask.settings, longest))
        began = time.monotonic()
        answer = yield from reworded(compute(self._worker, job), self._of_draft if ask.is_draft else self._told)
        if not ask.is_draft and not ask.solved:
            self._learnt.add(ask.settings, longest, time.monotonic() - began)
        files = (pixels_file(given.folder, name) for name in ("before", "result"))
        seen = shown(self._files, ask.view, job.result, *files)
        before, after = (pixbuf_of(data, ask.view.width, ask.view.height) for data in seen)
        outcome = answer["report"]["settings"]["mode"] if ask.settings.mode == ask.wish.settings.mode else ""
        return Look(ask.view, before, after, _reasons(answer), answer["plan"], outcome)

    def cancel(self) -> None:
        """Stop what the worker does for us."""
        self._worker.cancel()

    def _hand_over(self, ask: Ask) -> Doing[JobInputs]:
        given = yield from self._files.hand_over(ask.wish.style, ask.wish.regions, again=self._read != ask.version)
        self._read = ask.version
        Gimp.progress_end()  # of opening a style's file: GIMP's status bar would show it as long as the dialog is open
        return given

    def _told(self, news: tuple[float, str] | None) -> tuple[float, str] | None:
        """Progress, with the seconds that are left."""
        return None if news is None else (news[0], self._remaining.told(*news))

    def _of_draft(self, news: tuple[float, str] | None) -> tuple[float, str] | None:
        """Progress, said to be of a draft."""
        return None if news is None else self._told((news[0], _("Draft. {text}").format(text=news[1])))


def pixbuf_of(data: bytes, width: int, height: int) -> GdkPixbuf.Pixbuf:
    """Bytes of `appearance.SHOWN_FORMAT` as GTK takes them."""
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(data), GdkPixbuf.Colorspace.RGB, True, 8, width, height, width * 4
    )


def _reasons(answer: Mapping[str, Any]) -> str:
    """Why the worker chose the outcome and the strength as it did, where it did, and whether it had to guess."""
    report = answer["report"]
    said = [one["message"] for one in report.get("choices", ()) if one["setting"] in TOLD]
    places = report.get("correspondence")
    if places and places["message"]["code"] == UNSURE:
        said.append(places["message"])
    return "; ".join(words(Message.from_dict(one)) for one in said)
