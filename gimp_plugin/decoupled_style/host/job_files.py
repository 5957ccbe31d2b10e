"""The files of the jobs on one layer: handed over once, and again as far as they have changed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gi.repository import Gimp

from decouple_contract.jobs import Parts, Raster, Table, Transfer, View
from decouple_contract.settings import Settings
from decouple_contract.shared_folders import pixels_file
from decoupled_style.client.steps import reworded
from decoupled_style.client.worker import Worker
from decoupled_style.host import pixels
from decoupled_style.host.new_layers import look
from decoupled_style.host.regions import Regions
from decoupled_style.host.styles import Style
from decoupled_style.messages import Failure, _, words

Answer = TypeVar("Answer")
Doing = Generator[tuple[float, str] | None, None, Answer]
"""Yields how far something is, in [0, 1], with what it does, and None while there is nothing new."""


@dataclass(frozen=True)
class JobInputs:
    """What lies in a job's folder.

    Attributes
    ----------
    folder : pathlib.Path
    target : Raster
    fields : dict
        Those of `jobs.Transfer` that tell of the style and the regions.
    """

    folder: Path
    target: Raster
    fields: dict[str, Any]

    def transfer(
        self, settings: Settings, view: View | None = None, parts: Parts | None = None, table: Table | None = None
    ) -> Transfer:
        """A job with these files."""
        return Transfer(self.target, settings.as_dict(), view=view, parts=parts, table=table, **self.fields)


class JobFiles:
    """Hands a layer, a style and their regions over to the worker.

    Parameters
    ----------
    worker
        Whose folder the files go to.
    image, layer
        What is to be stylised.
    earlier
        A result that is made again: its mask limits the layer, in place of the selection and the layer's own mask.
    """

    def __init__(self, worker: Worker, image: Gimp.Image, layer: Gimp.Layer, earlier: Gimp.Layer | None = None) -> None:
        self.image, self.layer, self.earlier = image, layer, earlier
        self._worker = worker
        self._inputs: JobInputs | None = None
        self._of: object = None
        self._target: Raster | None = None  # of the file that is there, while it is whole

    def work_on(self, layer: Gimp.Layer) -> None:
        """Stylise another layer of the image."""
        self.layer, self._inputs, self._target = layer, None, None

    def hand_over(
        self, style: Style, regions: Regions | None, features: dict[str, Any] | None = None, *, again: bool = True
    ) -> Doing[JobInputs]:
        """Write what is not there yet; in place of the style's pixels, its features do where they are known.

        Without `again`, what was read before of the same layers is taken for unchanged. Otherwise, and after a reading
        that broke off, all is read, and what is found as it was counts as the same for the worker.
        """
        yield from _quiet(self._worker.connect())
        of = (style.where(), regions.where() if regions else None)
        before = self._inputs if self._inputs is not None and self._there(self._inputs.folder) else None
        if not again and before is not None and self._of == of:
            return before
        folder = before.folder if before is not None else (yield from _quiet(self._worker.folder()))
        if not self.layer.is_valid():
            raise Failure(pixels.closed())
        self._of = None  # until all of it is there
        target = self._target
        if again or before is None or target is None:
            self._target = None
            with look(self.layer) as source:
                weights = self.weights()
                target = yield from _told(pixels.hand_over(source, weights, folder, "target"), _("Reading the layer"))
            self._target = target
        if features is not None:
            fields: dict[str, Any] = {"features": features}
        else:
            fields = yield from _told(style.hand_over(folder), _("Reading the style"))
        if regions is not None:
            fields |= yield from _told(regions.hand_over(folder, self.layer), _("Reading the regions"))
        self._inputs, self._of = JobInputs(folder, target, fields), of
        return self._inputs

    def weights(self) -> list[pixels.Source]:
        """What says where in the layer the style acts."""
        if self.earlier is not None and self.earlier.is_valid():
            return pixels.weights_of_result(self.earlier, self.layer)
        return pixels.weights_of(self.image, self.layer)

    def _there(self, folder: Path) -> bool:
        """Whether the files are still there: they go with the connection, and after a whole run."""
        return pixels_file(folder, "target").exists()


def _quiet(steps: Generator[Any, None, Answer]) -> Doing[Answer]:
    """Wait for something of which there is nothing to tell."""
    return reworded(steps, lambda _news: None)


def _told(reading: pixels.Reading[Answer], text: str) -> Doing[Answer]:
    """A reading with what to tell of it."""
    return reworded(reading, lambda share: (share, text))


def compute(worker: Worker, job: Transfer) -> Doing[dict[str, Any]]:
    """Have a job done; returns its ``done`` message."""
    return reworded(worker.transfer(job), lambda news: None if news is None else (news[0], words(news[1])))
