"""Lookup tables of colours, as far as both halves know of them."""

from __future__ import annotations

CUBE, HALD = SUFFIXES = (".cube", ".png")
"""Endings of the files that hold one of ours: text by Adobe's specification, or a HaldCLUT."""

TEXT_SUFFIXES = (CUBE, ".3dl", ".csp", ".spi1d", ".spi3d", ".clf")
"""Endings that tell a table of any program's, which OpenColorIO reads. Any other file is taken as a HaldCLUT."""

LEAST_NODES, NODES, MOST_NODES = 16, 33, 65
"""Nodes along each axis: what a HaldCLUT of level 4 has, what graders usually take, and the most that they do."""
