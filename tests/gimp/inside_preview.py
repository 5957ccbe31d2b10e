"""Runs inside GIMP's Python beside inside.py: previews without a dialog, and what GIMP shows of a result."""

from decouple_contract.jobs import View
from decouple_contract.settings import Settings
from decoupled_style.client.installation import Installation
from decoupled_style.client.steps import finish
from decoupled_style.client.worker import Worker
from decoupled_style.host.durations import Durations
from decoupled_style.host.job_files import JobFiles
from decoupled_style.host.styles import LayerStyle
from decoupled_style.ui.looks import LookMaker
from decoupled_style.ui.schedule import Ask, Wish


def previewed(image, layer, style, settings, path):
    """Write what the preview shows at full size, before and after, as R'G'B'A bytes."""
    worker = Worker(Installation.load())
    maker = LookMaker(worker, JobFiles(worker, image, layer), Durations())
    width, height = layer.get_width(), layer.get_height()
    wish = Wish(LayerStyle(style), None, Settings(**settings))
    ask = Ask(wish, wish.settings, View(max(width, height), 0, 0, width, height), 0, True)
    try:
        look = finish(maker.look(ask), lambda _news: None)
    finally:
        worker.close()
    with open(path, "wb") as file:
        for pixbuf in (look.before, look.after):
            file.write(pixbuf.get_pixels())


def displayed(image, layers, path):
    """Write what GIMP shows of an image while only these layers are visible, as R'G'B'A bytes."""
    screen = Gimp.Image.new(image.get_width(), image.get_height(), Gimp.ImageBaseType.RGB)  # noqa: F821
    wanted = [layer.get_id() for layer in layers]
    seen = {layer: layer.get_visible() for layer in image.get_layers()}
    for layer, visible in seen.items():
        layer.set_visible(visible and layer.get_id() in wanted)
    read(Gimp.Layer.new_from_visible(image, screen, ""), path, "R'G'B'A u8")  # noqa: F821
    for layer, visible in seen.items():
        layer.set_visible(visible)
    screen.delete()
