"""The preview is what GIMP shows of the layer with the new one above it, whatever the document."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from gimp_under_test import Session
from pictures import Pictures

SETTINGS = {"network": "vgg16", "size": 32, "layers": 1, "mode": "photo", "device": "cpu"}

WIDTH, HEIGHT = 72, 48

MASK = "mask = layer.create_mask(Gimp.AddMaskType.WHITE); layer.add_mask(mask); write(mask, '{slope}', 'Y float')"
SELECTION = "image.select_ellipse(Gimp.ChannelOps.REPLACE, 10, 5, 40, 30)"
INDEXED = "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, '')"
ADOBE = "image.set_color_profile(Gimp.ColorProfile.new_rgb_adobe())"

CASES = {
    "colour": ("RGB", "U8_NON_LINEAR", ""),
    "grey": ("GRAY", "U8_NON_LINEAR", ""),
    "grey in linear floats, under a mask": ("GRAY", "FLOAT_LINEAR", MASK),
    "indexed": ("RGB", "U8_NON_LINEAR", INDEXED),
    "indexed, in a selection": ("RGB", "U8_NON_LINEAR", f"{INDEXED}; {SELECTION}"),
    "16 bits, under a mask": ("RGB", "U16_NON_LINEAR", MASK),
    "linear half floats, in a selection and under a mask": ("RGB", "HALF_LINEAR", f"{SELECTION}; {MASK}"),
    "half transparent": ("RGB", "U8_LINEAR", "layer.set_opacity(40)"),
    "multiplied, under a mask": ("RGB", "U8_NON_LINEAR", f"layer.set_mode(Gimp.LayerMode.MULTIPLY); {MASK}"),
    "hidden, in a selection, with an offset": (
        "RGB",
        "U32_NON_LINEAR",
        f"layer.set_visible(False); layer.set_offsets(0, 7); {SELECTION}",
    ),
    "another profile": ("RGB", "U8_NON_LINEAR", ADOBE),
}
"""Base type and precision of the document, and what is done to it and to the layer."""


@pytest.fixture
def cup(console: Session, pictures: Pictures) -> Iterator[None]:
    """The style, as `cup`, and the way to preview it."""
    helpers = Path(__file__).with_name("inside_preview.py").read_text()
    console.ask(
        f'import sys; sys.path.append("{console.gimp.plug_in}")\nexec({helpers!r}, globals())\n'
        f'cup_image = new_image(60, 40); cup = new_layer(cup_image, "{pictures.put("cup", pictures.coffee())}", 60, 40)'
    )
    yield
    console.ask("cup_image.delete()")


@pytest.mark.parametrize("case", CASES)
def test_preview_is_what_gimp_shows(console: Session, pictures: Pictures, cup: None, case: str) -> None:
    base, precision, change = CASES[case]
    seen = Path(console.gimp.folder, "seen.raw")
    slope = np.linspace(0, 1, WIDTH, dtype=np.float32)[None].repeat(HEIGHT, 0)
    path = pictures.put("target", pictures.cat(WIDTH, HEIGHT))
    console.ask(
        f"image = new_image({WIDTH}, {HEIGHT}, '{precision}', '{base}')\n"
        f"layer = new_layer(image, '{path}', {WIDTH}, {HEIGHT})\n"
        f"below = new_layer(image, '{path}', {WIDTH}, {HEIGHT}, position=1)\n"
        + change.format(slope=pictures.put("slope", slope))
    )
    console.ask(f"previewed(image, layer, cup, {SETTINGS}, '{seen}')")
    before, after = np.frombuffer(seen.read_bytes(), np.uint8).reshape(2, HEIGHT, WIDTH, 4)
    if "hidden" not in case:
        console.ask(f"displayed(image, [layer], '{seen}')")
        assert apart(before, on_screen(seen)) <= 1
    status, new, message = console.ask(f"stylise(image, [layer], style=cup, **{SETTINGS})")
    assert status == "success", message
    console.ask(f"displayed(image, [layer, item({new})], '{seen}'); offset = layer.get_offsets()[2]")
    found = np.roll(on_screen(seen), -console.ask("offset"), 0)
    console.ask("image.delete()")
    inside = slice(0, HEIGHT - 7) if "offset" in case else slice(None)
    assert apart(after[inside], found[inside]) <= 1
    assert apart(after, before) > 20, "the style changed little; the comparison says little"


def on_screen(path: Path) -> np.ndarray:
    return np.frombuffer(path.read_bytes(), np.uint8).reshape(HEIGHT, WIDTH, 4)


def apart(one: np.ndarray, other: np.ndarray) -> float:
    """How far two pictures are apart where they are most, in 255ths; what cannot be seen does not count."""
    one, other = (np.dstack([x[..., :3] * (x[..., 3:] / 255), x[..., 3]]) for x in (one, other))
    return float(np.abs(one - other).max())
