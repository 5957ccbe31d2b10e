"""Small pictures of layers, for every precision: of those above 8 bits GIMP 3.0 gives none itself."""

from __future__ import annotations

from gi.repository import GdkPixbuf, Gegl, Gimp

from decoupled_style.host.pixels import held
from decoupled_style.ui.looks import pixbuf_of

CHECK, LIGHT, DARK = 8, 0x999999, 0x666666
"""Size and colours of the checks behind what is transparent, as GIMP draws them."""


def thumbnail(drawable: Gimp.Drawable, width: int, height: int) -> GdkPixbuf.Pixbuf | None:
    """A layer within these sides, not enlarged, over checks where it is transparent."""
    if drawable.get_image().get_precision().value_nick.startswith("u8"):
        return drawable.get_thumbnail(width, height, Gimp.PixbufTransparency.SMALL_CHECKS)
    share = min(1.0, width / drawable.get_width(), height / drawable.get_height())
    across, down = (max(1, round(side * share)) for side in (drawable.get_width(), drawable.get_height()))
    with held(drawable) as buffer:
        data = buffer.get(Gegl.Rectangle.new(0, 0, across, down), share, "R'G'B'A u8", Gegl.AbyssPolicy.CLAMP)
    return pixbuf_of(bytes(data), across, down).composite_color_simple(
        across, down, GdkPixbuf.InterpType.NEAREST, 255, CHECK, LIGHT, DARK
    )
