"""What the computing half and the plug-in share: settings, messages, errors, paths, and how the two talk.

Standard library only, and every import is relative: the plug-in, which runs inside GIMP's own Python, carries a copy of
this whole folder. When the two halves meet they compare `__version__`.
"""

__version__ = "0.2.0"
