"""Pictures for the tests in GIMP: real photographs, small, and the way of pixels into and out of GIMP."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
import skimage.transform
from gimp_under_test import Session

from decouple_contract.settings import Settings

QUICK = {"network": "vgg16", "size": 32, "layers": 1, "mode": "painting", "device": "cpu"}
"""The settings that `inside.stylise` takes unless told otherwise."""

AS_A_WHOLE = 'correspondence="off"'
"""For comparing what was read: GIMP's floats may differ in the last bit, which decides between marks by place."""


class Pictures:
    """Puts pictures where GIMP finds them.

    Parameters
    ----------
    folder
        That both sides see.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def cat(self, width: int = 72, height: int = 48, alpha: bool = True) -> np.ndarray:
        """A cat: (height, width, 4) float32, its alpha a slope with holes."""
        slope = np.linspace(0, 1, width, dtype=np.float32)[None, :].repeat(height, 0)
        slope[:8, :8] = 0
        return _sized(skimage.data.chelsea(), width, height, slope if alpha else None)

    def coffee(self, width: int = 60, height: int = 40) -> np.ndarray:
        """A cup: (height, width, 4) float32, opaque."""
        return _sized(skimage.data.coffee(), width, height, None)

    def put(self, name: str, pixels: np.ndarray) -> Path:
        """Write pixels, as float32, where GIMP can read them."""
        return self.put_bytes(name, np.ascontiguousarray(pixels, np.float32).tobytes())

    def put_bytes(self, name: str, data: bytes) -> Path:
        """Write pixels in whatever form where GIMP can read them."""
        path = self._folder / f"{name}.raw"
        path.write_bytes(data)
        return path

    def get(
        self, console: Session, expression: str, pixel_format: str = "R'G'B'A float", channels: int = 4
    ) -> np.ndarray:
        """The pixels of a drawable inside GIMP, (height, width, channels) float32."""
        path = self._folder / "out.raw"
        width, height = console.ask(f'read({expression}, "{path}", "{pixel_format}")')
        return np.frombuffer(path.read_bytes(), np.float32).reshape(height, width, channels).squeeze()

    def stored(self, console: Session, expression: str) -> tuple[int, int, bytes]:
        """Width, height and the bytes of a drawable as GIMP stores them."""
        path = self._folder / "out.raw"
        width, height = console.ask(f'read({expression}, "{path}", None)')
        return width, height, path.read_bytes()


def alike(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two readings are of the same pixels: GIMP's floats of 8 bits may differ in the last bit."""
    return one.shape == other.shape and bool(np.abs(one - other).max() < 1e-6)


def stylised(
    target: np.ndarray,
    style: np.ndarray,
    target_mask: np.ndarray | None = None,
    style_mask: np.ndarray | None = None,
    regions: tuple[np.ndarray, np.ndarray] | None = None,
    **settings: object,
) -> np.ndarray:
    """What the core makes of the same pixels, without GIMP or the worker: (height, width, 3)."""
    from decouple_core.engine import Engine
    from decouple_core.request import Input, Request

    wanted = Settings.from_dict({**QUICK, **settings})
    return (
        Engine()
        .transfer(
            Request(
                Input(np.ascontiguousarray(target[..., :3]), target_mask),
                Input(np.ascontiguousarray(style[..., :3]), style_mask),
                wanted,
                regions=regions,
            )
        )
        .image
    )


def _sized(photograph: np.ndarray, width: int, height: int, alpha: np.ndarray | None) -> np.ndarray:
    small = skimage.transform.resize(photograph, (height, width), anti_aliasing=True)
    # Values that 8 bits hold exactly, so that the document's precision changes nothing.
    small = np.round(small * 255) / 255
    opaque = np.ones((height, width), np.float32)
    return np.dstack([small, opaque if alpha is None else np.round(alpha * 255) / 255]).astype(np.float32)
