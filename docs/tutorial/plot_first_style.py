"""
From a first style to features of your own
===========================================

This page is a program: every picture below was made by the code above it. It uses photographs that come with
`scikit-image <https://scikit-image.org>`_, so you can run it as it is:

.. code-block:: console

   pip install ".[docs]"
   python docs/tutorial/plot_first_style.py

The pictures are small to keep it quick. Everything works the same way at full size.
"""

import matplotlib.pyplot as plt
import numpy as np
import skimage.data
from PIL import Image

import decouple_core as dc


def photograph(name, side=128):
    """One of scikit-image's photographs, with a longer side of `side` pixels."""
    picture = Image.fromarray(getattr(skimage.data, name)())
    picture.thumbnail((side, side))
    return picture


def show(**pictures):
    """Draw pictures in a row, each under its name."""
    _, axes = plt.subplots(1, len(pictures), figsize=(3.2 * len(pictures), 2.9), layout="constrained")
    for axis, (name, picture) in zip(np.atleast_1d(axes), pictures.items(), strict=True):
        axis.imshow(picture)
        axis.set_title(name.replace("_", " "))
        axis.axis("off")


# %%
# A first style
# -------------
#
# The *target* is the picture to change, the *style* is the one whose look you want. A session keeps the network in
# memory, so that the next transfer is quicker.

session = dc.Session()
target, style = photograph("coffee"), photograph("rocket")
result = session.transfer(target, style, dc.Settings(mode="photo"))
show(target=target, style=style, photograph=result.image)

# %%
# A *photograph* keeps every detail and changes the colours, place by place. The result is what the target was: here a
# Pillow image of the same size.

print(type(result.image).__name__, result.image.size)

# %%
# Less of it
# ----------
#
# ``strength`` says how far the picture goes towards the style, and ``keep_colours`` leaves the hues alone and takes the
# tones only. :class:`~decouple_core.Settings` lists everything you can choose.

half = session.transfer(target, style, dc.Settings(mode="photo", strength=0.5)).image
tones = session.transfer(target, style, dc.Settings(mode="photo", keep_colours=True)).image
show(half_strength=half, full_strength=result.image, tones_only=tones)

# %%
# Where the colours come from
# ---------------------------
#
# Each place of the target takes its colours from the places of the style that show the same kind of thing.
# ``correspondence`` tells which. Where two pictures have little in common this is a guess, and it says so.

found = result.correspondence
print(f"{found.certainty:.0%}: {found.how_sure}")

(shares,) = found.where(0.5, 0.5)
show(style=style, the_middle_takes_from=shares)

# %%
# A painting
# ----------
#
# A *painting* adds the style's forms, strokes and grain to the photograph. You can turn each part up or down afterwards
# without computing anything again: change the amounts and render the sum.

import dataclasses

cloth = photograph("immunohistochemistry")
painting = session.transfer(target, cloth, dc.Settings(mode="painting", size=96))

pixels = np.asarray(target, np.float32) / 255
no_strokes = np.empty_like(pixels)
parts = dataclasses.replace(painting.components, amounts=(1.0, 1.0, 0.0, 0.0))
parts.render(pixels, no_strokes, lambda share: None)
show(style=cloth, painting=painting.image, colour_and_forms=no_strokes.clip(0, 1))

# %%
# Keeping a style
# ---------------
#
# A style can be saved as numbers and used again without its picture.

import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
session.read_style(style, name="launch at dusk").save(folder / "dusk.style")
again = session.transfer(photograph("chelsea"), folder / "dusk.style", dc.Settings(mode="photo"))
show(target=photograph("chelsea"), photograph=again.image)

# %%
# A folder in one look
# --------------------
#
# One by one, each picture would be matched to the style on its own: a darker frame would come out as light as its
# neighbours. With one look for the whole series, differences between the pictures stay. Here are three frames, of which
# the last is darker:

for number, light in enumerate((1.0, 0.8, 0.6)):
    frame = Image.fromarray((light * np.asarray(photograph("astronaut"))).astype(np.uint8))
    frame.save(folder / f"frame {number}.png")

# %%
# On the command line this is ``python -m decouple_core batch STYLE FOLDER -o RESULTS --same-look``. If you stop it, the
# same command goes on where it was. We run the same command here from Python:

import subprocess
import sys

frames = sorted(folder.glob("frame *.png"))
command = [
    sys.executable,
    "-m",
    "decouple_core",
    "batch",
    folder / "dusk.style",
    *frames,
    "-o",
    "results",
    "--same-look",
    "--mode",
    "photo",
]
print(subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout)
show(**{path.stem.replace(" ", "_"): Image.open(path) for path in sorted((folder / "results").glob("*.png"))})

# %%
# A feature layer of your own
# ---------------------------
#
# The style is described by *features*: numbers that are measured on a picture, layer after layer. They do not have to
# come from a network. Here are two layers of our own: how much neighbouring pixels differ across and down, and how
# much those differences change. Derivatives are found automatically.

import torch

from decouple_core.features.functions import Functions


def gradients(image):
    """Mean squared differences of neighbouring pixels, down and across; image (3, H, W)."""
    grey = image.mean(0)
    return torch.stack([grey.diff(dim=axis).square().mean() for axis in (0, 1)])


def curvatures(image):
    """The same of the differences themselves."""
    grey = image.mean(0)
    return torch.stack([grey.diff(2, dim=axis).square().mean() for axis in (0, 1)])


def build(network, weights, noise, linear_dtype):
    """The hierarchy, shallow to deep; it has no use for a network."""
    return Functions([gradients, curvatures], sizes=(2, 2))


dc.register_hierarchy("gradients", "Gradients of the grey", build)

# %%
# From now on ``"gradients"`` is a value of the setting ``activation``, in Python and on the command line alike. Masks,
# strengths and reports work with it. A painting is carried to the style's two layers:

small, texture = photograph("coffee", 64), photograph("immunohistochemistry", 64)
own = dc.Settings(activation="gradients", mode="painting", layers=2, size=64)
painted = session.transfer(small, texture, own)
show(target=small, style=texture, painted_with_our_features=painted.image)

# %%
for layer in painted.report.layers:
    print(f"{layer.layer}: {layer.share_of_the_way:.0%} of the way to the style")

# %%
# How to add integrators and outcomes in the same way is in :doc:`/extending`.
