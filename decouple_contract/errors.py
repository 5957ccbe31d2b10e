"""Every failure a user can meet, as a code with arguments: one plain sentence that ends with the next step.

Standard library only, because the command line reports these errors before torch is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from decouple_contract.messages import Argument, Message


class DecoupleError(Exception):
    """A failure to show to the user as it is, without a traceback.

    Parameters
    ----------
    code : str
        A key of `messages.SENTENCES`.
    **arguments : str, int, float or Message
        What fills the sentence.

    Attributes
    ----------
    message : Message
        To be worded in any language; ``str(error)`` is its English.
    exit_code : int
        What the command line exits with.
    """

    exit_code = 1

    def __init__(self, code: str, /, **arguments: Argument) -> None:
        self.message = Message(code, **arguments)
        super().__init__(self.message.words())

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (type(self), self.message)

    def as_dict(self) -> dict[str, Any]:
        """Plain values for the other half: the message and the class, or that of `KINDS` which it derives from."""
        kind = next(kind.__name__ for kind in type(self).__mro__ if kind in KINDS.values())
        return {"error": kind, "message": self.message.as_dict()}


class InputError(DecoupleError, ValueError):
    """An image, mask, style file or setting that cannot be used."""

    exit_code = 2


class WeightsError(DecoupleError):
    """Network weights that are missing, damaged or not the expected ones."""

    exit_code = 3


class OutOfMemoryError(DecoupleError, MemoryError):
    """Neither the accelerator nor the processor has room for the work."""

    exit_code = 4


class DiskFullError(DecoupleError):
    """The disk has no room for the work."""


class Cancelled(DecoupleError):
    """The user, or the program that asked for the work, stopped it."""

    exit_code = 130

    def __init__(self) -> None:
        super().__init__("stopped")


KINDS = {
    kind.__name__: kind
    for kind in (DecoupleError, InputError, WeightsError, OutOfMemoryError, DiskFullError, Cancelled)
}
"""What `DecoupleError.as_dict` and `from_dict` tell apart."""


def from_dict(values: Mapping[str, Any]) -> DecoupleError:
    """The error that `DecoupleError.as_dict` told of; one of an unknown class is a plain `DecoupleError`.

    Raises
    ------
    ValueError
        For anything else.
    """
    try:
        return _again(KINDS.get(values["error"], DecoupleError), Message.from_dict(values["message"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"no error: {error!r}") from error


def _again(kind: type[DecoupleError], message: Message) -> DecoupleError:
    """An error of this kind with this message."""
    return kind() if issubclass(kind, Cancelled) else kind(message.code, **message.arguments)


class ProtocolError(Exception):
    """The other side said something that no well-meaning partner says."""
