#!/usr/bin/env python3
"""GIMP starts this file: once to learn which procedures there are, then once for each run of one of them.

This half runs in GIMP's own Python, with the standard library and gi alone. The computing is done by the worker
(`decouple_core.worker`), in the private environment that ``installation.json`` names.
"""

import sys

import gi

gi.require_version("Babl", "0.1")
gi.require_version("Gegl", "0.4")
gi.require_version("Gimp", "3.0")

from gi.repository import Gimp  # noqa: E402  the versions come first
from procedures import DecoupledStyle  # noqa: E402

Gimp.main(DecoupledStyle.__gtype__, sys.argv)
