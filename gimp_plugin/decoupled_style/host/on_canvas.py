"""The preview on the canvas: a temporary layer, in no step of undo, that goes when the dialog does."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from gi.repository import Gimp

from decouple_contract.jobs import Raster
from decoupled_style.host import pixels
from decoupled_style.host.new_layers import empty_layer
from decoupled_style.host.recipe import PREVIEW
from decoupled_style.messages import _


class OnCanvas:
    """Shows results above a layer.

    Parameters
    ----------
    image, layer
        The layer that is being stylised.
    """

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer) -> None:
        self._image, self._source = image, layer
        self._shown: Gimp.Layer | None = None

    def show(self, raster: Raster, file: Path) -> None:
        """Show a result of the layer's size, in place of the one before."""
        self.remove()
        if not self._source.is_valid():
            return
        with self._unseen_by_undo():
            new = empty_layer(self._image, self._source, _("Preview"), raster)
            new.attach_parasite(Gimp.Parasite.new(PREVIEW, 0, b"1"))
            pixels.take_back(new, None, raster, file, lambda _done: None)
            place = self._image.get_item_position(self._source)
            self._image.insert_layer(new, self._source.get_parent(), place)
            self._shown = new

    def remove(self) -> None:
        """Take it away."""
        if self._shown is not None and self._shown.is_valid():
            with self._unseen_by_undo():
                self._image.remove_layer(self._shown)
        self._shown = None

    @contextlib.contextmanager
    def _unseen_by_undo(self) -> Iterator[None]:
        """Leave the image's history, its selected layers, and whether it was changed, as they are."""
        selected, changed = self._image.get_selected_layers(), self._image.is_dirty()
        self._image.undo_freeze()
        try:
            yield
        finally:
            self._image.undo_thaw()
            if not changed:
                self._image.clean_all()
            self._image.set_selected_layers([layer for layer in selected if layer.is_valid()])
            Gimp.displays_flush()
