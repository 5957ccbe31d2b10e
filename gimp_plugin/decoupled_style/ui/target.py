"""The layer that the dialog works on: shown above the preview, to be changed there."""

from __future__ import annotations

from collections.abc import Callable
from html import escape

from gi.repository import Gimp, Gtk

from decoupled_style.host.styles import layers_of
from decoupled_style.messages import _
from decoupled_style.ui.chooser import SMALL_THUMBNAIL, LayerChooser, depth
from decoupled_style.ui.layout import row


class TargetChooser(LayerChooser):
    """Offers an image's layers; `selected` is the one to work on.

    Parameters
    ----------
    image, layer
        The image, and the layer to begin with.
    changed
        Called with another layer when that is chosen.
    """

    def __init__(self, image: Gimp.Image, layer: Gimp.Layer, changed: Callable[[Gimp.Layer], None]) -> None:
        self._image, self._chosen, self._tell = image, layer, changed
        super().__init__(list(layers_of(image)), self._take, SMALL_THUMBNAIL, 24)
        self.select(layer)

    def labelled(self) -> Gtk.Widget:
        """It, with the words before it."""
        return row(_("_Work on"), self)

    def renew(self) -> None:
        """Offer what there is now; what was chosen stays chosen."""
        if self._image.is_valid():
            self._layers = []  # so that other names are seen, too
            self.offer(list(layers_of(self._image)))
            self.select(self._chosen)

    def _take(self) -> None:
        layer = self.selected
        if layer is not None and layer.get_id() != self._chosen.get_id():
            self._chosen = layer
            self._tell(layer)

    def _words(self, image: Gimp.Image, layer: Gimp.Layer) -> str:
        return escape("    " * depth(layer) + layer.get_name())
