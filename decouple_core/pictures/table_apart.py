"""Lookup tables as text, read by OpenColorIO in a process of its own.

The library, which is C++, gets the text from memory and nothing else: what a table refers to, it does not find. What
comes back are numbers: a grid of colours and, where the table has them, the curves before it.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, NamedTuple

import numpy as np
import PyOpenColorIO as ocio

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_core.pictures.decoding_apart import ROOM_BYTES, limit_memory
from decouple_core.pictures.table_text import MOST_NODES, TABLE_BYTES, Tidied, tidied
from decouple_core.pictures.transfer_curves import LINEAR, LOGARITHMIC, named

COPIES = 24
"""Bytes of memory for each of the text's: its lines as Python has them, the library's list of its bytes, numbers."""

STEPS = 2**16 + 1
"""At which curves are taken: what has 16 bits falls on one of them, or next to it."""

BRIGHTEST = 4.0
"""White is 1, and a look may go beyond it; what goes further is linear light, or counts levels."""

NEAR = 0.5 / 255
"""So far may a chain of steps be from the table that stands for it before that is said."""

PROBES = 2**14
"""Colours at which that is measured."""

MOST_NAMED = 5
"""Of the words that nobody knows."""

VIDEO = 64 / 1023, 876 / 1023
"""Black of video range, and its width (Rec. 709, 10 bits)."""


class Table(NamedTuple):
    """What was read.

    Attributes
    ----------
    colours : ndarray
        (N, N, N, 3) float32, by red, green and blue.
    curves : ndarray
        (K, 3) float32, from 0 to 1; empty for none.
    title : str
    remarks : tuple of Message
    """

    colours: np.ndarray
    curves: np.ndarray
    title: str
    remarks: tuple[Message, ...]


def main() -> None:
    """Read standard input, a table with the ending and the path that the command names, and write it as arrays."""
    content = sys.stdin.buffer.read(TABLE_BYTES + 1)
    limit_memory(ROOM_BYTES + COPIES * len(content))
    suffix, path = sys.argv[1:]
    said: dict[str, Any] = {}
    arrays = [np.empty(0, np.float32)] * 2
    try:
        table = read(content, suffix, path)
        arrays = [table.colours, table.curves]
        said = {"title": table.title, "remarks": [message.as_dict() for message in table.remarks]}
    except InputError as error:
        said = {"error": error.as_dict()}
    answer = io.BytesIO()
    np.lib.format.write_array(answer, np.frombuffer(json.dumps(said).encode(), np.uint8), allow_pickle=False)
    for part in arrays:
        np.lib.format.write_array(answer, part, allow_pickle=False)
    sys.stdout.buffer.write(answer.getbuffer())


def read(content: bytes, suffix: str, path: str) -> Table:
    """A table from its bytes.

    Raises
    ------
    InputError
        For one that is too large, or made for other colours than a picture's.
    ValueError, IndexError, OverflowError
        For what is no table, or is damaged.
    """
    if len(content) > TABLE_BYTES:
        raise InputError("table-too-large", path=path)
    text = tidied(content, suffix, path)
    for described in text.described:
        if curve := named(described):
            raise _other_curve(path, curve, Message("table-by-description"))
    chain = _Chain(text.content, suffix)
    _check_steps(path, chain)
    chain.steps = [*_video_in(text), *chain.steps, *_video_out(text)]
    colours, curves, apart_by = _sampled(chain)
    remarks = list(_remarks(path, text))
    if apart_by > NEAR:
        remarks.append(Message("table-sampled", path=path, nodes=len(colours), apart=f"{apart_by * 255:.1f}"))
    top = float(np.abs(colours).max())
    if text.most:
        colours *= np.float32(text.largest / text.most / max(top, 1e-9))
    elif text.levels and top > BRIGHTEST:
        colours /= np.float32(text.levels)
    top = float(np.abs(colours).max())
    if not top <= BRIGHTEST:  # nor for what is no number
        raise InputError("table-range", path=path, most=f"{top:g}")
    return Table(colours, curves, text.title, tuple(remarks))


def _remarks(path: str, text: Tidied) -> Sequence[Message]:
    """What was passed over, or done beside what the text says."""
    said = []
    if text.skipped:
        more = len(text.skipped) - MOST_NAMED
        said.append(
            Message(
                "table-skipped",
                path=path,
                words=", ".join(text.skipped[:MOST_NAMED]) + (f" + {more}" if more > 0 else ""),
            )
        )
    if text.levels:
        said.append(Message("table-levels", path=path, most=f"{text.levels:g}"))
    if any(text.video):
        said.append(Message("table-video", path=path))
    return said


# --- by OpenColorIO ------------------------------------------------------------------------------------------------


class _OneFile(ocio.PyConfigIOProxy):  # type: ignore[misc]  # the library is not typed
    """Everything that OpenColorIO can open: one text, in memory."""

    CONFIGURATION = (
        "ocio_profile_version: 2\nroles: {default: raw}\n"
        "displays: {d: [!<View> {name: v, colorspace: raw}]}\n"
        "colorspaces: [!<ColorSpace> {name: raw, isdata: true}]\n"
    )

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__()
        self.name, self.content = name, list(content)  # the binding takes a list alone

    def getLutData(self, name: str) -> list[int]:
        """The text's bytes; of any other file a byte that is no table, because with none or an error it is opened."""
        return self.content if name == self.name else [0]

    def getConfigData(self) -> str:
        """The least that a configuration holds."""
        return self.CONFIGURATION

    def getFastLutFileHash(self, name: str) -> str:
        """What the library keeps a text by."""
        return name


class _Chain:
    """What a text makes of colours, one step after another.

    Attributes
    ----------
    steps : list
        Transforms of the library's.
    """

    def __init__(self, content: bytes, suffix: str) -> None:
        name = hashlib.sha256(content).hexdigest() + suffix  # the library keeps what it has read, by name
        self._file = _OneFile(name, content)  # the library's configuration does not keep it
        self._config = ocio.Config.CreateFromConfigIOProxy(self._file)
        whole = ocio.FileTransform(src=name, interpolation=ocio.INTERP_LINEAR)
        try:
            self.steps = list(self._config.getProcessor(whole).createGroupTransform())
        except ocio.Exception as error:
            raise ValueError("OpenColorIO cannot read it") from error

    def made(self, steps: Sequence[Any], colours: np.ndarray) -> np.ndarray:
        """What some steps make of colours (…, 3) float32."""
        made = np.ascontiguousarray(colours, np.float32).copy()
        if steps:
            processor = self._config.getProcessor(ocio.GroupTransform(transforms=list(steps)))
            processor.getOptimizedCPUProcessor(ocio.OPTIMIZATION_LOSSLESS).applyRGB(made)
        return made


def _check_steps(path: str, chain: _Chain) -> None:
    """Refuse what begins with a logarithm or its inverse, or goes on beyond twice white: no picture is so encoded."""
    steps = chain.steps
    if steps and isinstance(steps[0], (ocio.LogTransform, ocio.LogAffineTransform, ocio.LogCameraTransform)):
        forward = steps[0].getDirection() == ocio.TRANSFORM_DIR_FORWARD
        raise _other_curve(path, LINEAR if forward else LOGARITHMIC, Message("table-by-steps"))
    looked_up = [step for step in steps if isinstance(step, (ocio.Lut1DTransform, ocio.Lut3DTransform))]
    if looked_up and not any(isinstance(step, ocio.Lut1DTransform) and step.getInputHalfDomain() for step in looked_up):
        two, four = chain.made(steps, np.array([[2.0] * 3, [4.0] * 3], np.float32))
        if np.abs(four - two).max() > 0.01:
            raise _other_curve(path, LINEAR, Message("table-by-steps"))


def _other_curve(path: str, curve: str | Message, where: Message) -> InputError:
    return InputError("table-curve", path=path, curve=curve, where=where)


def _video_in(text: Tidied) -> list[Any]:
    """The step that brings a picture's range to that of video, where the table wants it."""
    black, width = VIDEO
    return [_scaled(width, black)] if text.video[0] else []


def _video_out(text: Tidied) -> list[Any]:
    black, width = VIDEO
    return [_scaled(1 / width, -black / width)] if text.video[1] else []


def _scaled(factor: float, offset: float) -> Any:
    return ocio.MatrixTransform(matrix=np.diag([factor] * 3 + [1.0]).ravel().tolist(), offset=[offset] * 3 + [0.0])


def _sampled(chain: _Chain) -> tuple[np.ndarray, np.ndarray, float]:
    """Colours and curves that do what steps do, and how far these are from it.

    Curves, or curves and then a grid, are taken as they are. Any other chain is taken at the nodes of a fine grid.
    """
    head = list(takewhile(_by_channel, chain.steps))
    tail = chain.steps[len(head) :]
    none = np.empty((0, 3), np.float32)
    if not tail:
        curves = chain.made(head, _ramp(STEPS))
        low, high = curves.min(), curves.max()
        width = max(high - low, np.float32(1e-6))
        return low + width * _grid(2), (curves - low) / width, 0.0
    if isinstance(tail[0], ocio.Lut3DTransform):
        curves = chain.made(head, _ramp(STEPS))
        exact = all(isinstance(step, ocio.MatrixTransform) for step in tail[1:])
        nodes = tail[0].getGridSize()
        if not exact:
            nodes = (nodes - 1) * max(1, (MOST_NODES - 1) // (nodes - 1)) + 1  # its own nodes, and others between
        colours = chain.made(tail, _grid(nodes))
        if np.abs(curves - _ramp(STEPS)).max() < 1e-6:
            curves = none
    else:
        colours, curves, exact = chain.made(chain.steps, _grid(MOST_NODES)), none, False
    return colours, curves, 0.0 if exact else _apart(chain, colours, curves)


def _apart(chain: _Chain, colours: np.ndarray, curves: np.ndarray) -> float:
    """How far what stands for steps is from them at most, on colours all over."""
    cube = ocio.Lut3DTransform(len(colours))
    cube.setData(colours.ravel())
    cube.setInterpolation(ocio.INTERP_LINEAR)
    stand_in = [cube]
    if len(curves):
        curve = ocio.Lut1DTransform(len(curves), False)
        curve.setData(curves.ravel())
        stand_in.insert(0, curve)
    probes = np.random.default_rng(0).random((PROBES, 3), np.float32)
    return float(np.abs(chain.made(chain.steps, probes) - chain.made(stand_in, probes)).max())


def _by_channel(step: Any) -> bool:
    """Whether a step knows each channel alone."""
    if isinstance(step, ocio.Lut1DTransform):
        return bool(step.getHueAdjust() == ocio.HUE_NONE)
    if isinstance(step, ocio.CDLTransform):
        return bool(step.getSat() == 1)
    if isinstance(step, ocio.MatrixTransform):
        matrix = np.reshape(step.getMatrix(), (4, 4))
        return bool((matrix == np.diag(np.diag(matrix))).all())
    return isinstance(
        step,
        (
            ocio.RangeTransform,
            ocio.ExponentTransform,
            ocio.ExponentWithLinearTransform,
            ocio.LogTransform,
            ocio.LogAffineTransform,
            ocio.LogCameraTransform,
        ),
    )


def _ramp(steps: int) -> np.ndarray:
    return np.linspace(0, 1, steps, dtype=np.float32)[:, None].repeat(3, 1)


def _grid(nodes: int) -> np.ndarray:
    ramp = np.linspace(0, 1, nodes, dtype=np.float32)
    return np.stack(np.meshgrid(ramp, ramp, ramp, indexing="ij"), -1)
