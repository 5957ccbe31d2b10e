"""Runs inside GIMP's Python, as a batch command: answers what a test asks, and holds what tests use there.

A test writes an expression or statements to the file ``question``; the answer is JSON. Pixels travel as raw files.
"""

import json
import os
import time
import traceback

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gegl, Gimp, Gio, GLib  # noqa: E402, F401  the versions come first; questions use them

FORMAT = "R'G'B'A float"


def new_image(width, height, precision="U8_NON_LINEAR", base="RGB"):
    """An image without layers."""
    return Gimp.Image.new_with_precision(
        width, height, getattr(Gimp.ImageBaseType, base), getattr(Gimp.Precision, precision)
    )


def new_layer(image, path, width, height, name="layer", x=0, y=0, parent=None, position=0, alpha=True):
    """A layer with the pixels of a raw file, R'G'B'A float."""
    kind = {"RGB": ("RGB_IMAGE", "RGBA_IMAGE"), "GRAY": ("GRAY_IMAGE", "GRAYA_IMAGE")}[
        image.get_base_type().value_nick.upper()
    ][alpha]
    layer = Gimp.Layer.new(image, name, width, height, getattr(Gimp.ImageType, kind), 100, Gimp.LayerMode.NORMAL)
    image.insert_layer(layer, parent, position)
    layer.set_offsets(x, y)
    write(layer, path)
    return layer


def write(drawable, path, pixel_format=FORMAT):
    """Fill a drawable from a raw file."""
    buffer = drawable.get_buffer()
    with open(path, "rb") as file:
        buffer.set(Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height()), pixel_format, file.read())
    buffer.flush()
    drawable.update(0, 0, drawable.get_width(), drawable.get_height())


def read(drawable, path, pixel_format=FORMAT):
    """Write a drawable's pixels to a raw file; with None as the format, as they are stored."""
    whole = Gegl.Rectangle.new(0, 0, drawable.get_width(), drawable.get_height())
    with open(path, "wb") as file:
        file.write(drawable.get_buffer().get(whole, 1.0, pixel_format, Gegl.AbyssPolicy.NONE))
    return [drawable.get_width(), drawable.get_height()]


def call(procedure, image, drawables, **arguments):
    """Run a procedure of ours non-interactively; [status, id of the layer or None, error message]."""
    found = Gimp.get_pdb().lookup_procedure(procedure)
    config = found.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", drawables)
    for name, value in arguments.items():
        config.set_property(name.replace("_", "-"), value)
    values = found.run(config)
    layer = values.index(1) if values.length() > 1 and isinstance(values.index(1), Gimp.Layer) else None
    return [values.index(0).value_nick, layer and layer.get_id(), Gimp.get_pdb().get_last_error()]


QUICK = {"network": "vgg16", "size": 32, "layers": 1, "mode": "painting", "device": "cpu"}


def stylise(image, drawables, **arguments):
    """Run the main procedure at a size that is quick."""
    return call("plug-in-decoupled-style", image, drawables, **{**QUICK, **arguments})


def edit(image, layer, **arguments):
    """Edit a layer of ours at a size that is quick."""
    return call("plug-in-decoupled-style-edit", image, [layer], **{**QUICK, **arguments})


def item(number):
    """An item by its id."""
    return Gimp.Item.get_by_id(number)


def serve(folder, tests):
    """Answer questions until there is a file ``stop``, or GIMP or the process of the tests is gone."""
    space, gimp = globals(), os.getppid()
    open(folder + "/ready", "w").close()
    while not os.path.exists(folder + "/stop") and os.getppid() == gimp and os.path.exists(f"/proc/{tests}"):
        time.sleep(0.02)
        try:
            with open(folder + "/question") as file:
                question = file.read()
        except FileNotFoundError:
            continue
        os.unlink(folder + "/question")
        try:
            try:
                answer = {"value": eval(question, space)}
            except SyntaxError:
                exec(question, space)
                answer = {"value": None}
        except Exception:
            answer = {"error": traceback.format_exc()}
        with open(folder + "/answer.new", "w") as file:
            json.dump(answer, file)
        os.rename(folder + "/answer.new", folder + "/answer")
