#!/usr/bin/env python3
"""GIMP starts this file: once to learn which procedures there are, then once for each run of one of them.

This half, the package `decoupled_style` beside it, runs in GIMP's own Python, with the standard library and gi alone.
The computing is done by the worker (`decouple_core.service`), in the private environment that ``installation.json``
names.
"""

import os
import sys

import gi

# Babl would try a table of 350 MB for the first conversion from 8 bits to floats, and be no faster for it (GIMP 3.0.4).
os.environ.setdefault("BABL_LUT", "0")

for name, version in (
    ("Babl", "0.1"),
    ("Gegl", "0.4"),
    ("Gimp", "3.0"),
    ("GimpUi", "3.0"),
    ("Gdk", "3.0"),
    ("Gtk", "3.0"),
):
    gi.require_version(name, version)

from gi.repository import Gimp  # noqa: E402

from decoupled_style.plug_in import DecoupledStyle  # noqa: E402  the versions come first

status = Gimp.main(DecoupledStyle.__gtype__, sys.argv)
# Whatever Python would still tidy away goes with the process; GIMP 3.2 calls one that takes its time a zombie.
sys.stdout.flush()
sys.stderr.flush()
os._exit(status)
