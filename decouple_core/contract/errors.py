"""Every failure a user can meet: one plain sentence that ends with the next step.

Standard library only, because the command line reports these errors before torch is imported.
"""

from __future__ import annotations


class DecoupleError(Exception):
    """A failure to show to the user as it is, without a traceback.

    Attributes
    ----------
    exit_code : int
        What the command line exits with.
    """

    exit_code = 1


class InputError(DecoupleError):
    """An image, mask, style file or setting that cannot be used."""

    exit_code = 2


class WeightsError(DecoupleError):
    """Network weights that are missing, damaged or not the expected ones."""

    exit_code = 3


class OutOfMemoryError(DecoupleError):
    """Neither the accelerator nor the CPU has room for the work."""

    exit_code = 4


class Cancelled(DecoupleError):
    """The user, or the program that asked for the work, stopped it."""

    exit_code = 130
