"""New layers: where they go, what they are called, the sum that they can be, and layers of unusual kinds."""

from __future__ import annotations

import numpy as np
import pytest
from gimp_under_test import GimpUnderTest, Session
from pictures import AS_A_WHOLE, Pictures, stylised

COMPONENTS = ["Grain", "Strokes", "Forms", "Colour"]
"""From above."""

PAINTED = "size=256, layers=1, structure=0.2"
"""A painting with something in each of its parts."""


@pytest.fixture(scope="module", autouse=True)
def cup(console: Session, gimp: GimpUnderTest) -> np.ndarray:
    """A cup of coffee, open in GIMP as `cup_image` and `cup`."""
    pictures = Pictures(gimp.folder)
    pixels = pictures.coffee()
    path = pictures.put("cup", pixels)
    console.ask(
        f'cup_image = new_image(60, 40, "FLOAT_NON_LINEAR")\ncup = new_layer(cup_image, "{path}", 60, 40, "cup")'
    )
    return pixels


def opened(
    console: Session, pictures: Pictures, pixels: np.ndarray, precision: str = "FLOAT_NON_LINEAR", base: str = "RGB"
) -> None:
    """Open pixels in GIMP as `image` and `layer`."""
    height, width = pixels.shape[:2]
    path = pictures.put("target", pixels)
    console.ask(
        f'image = new_image({width}, {height}, "{precision}", "{base}")\n'
        f'layer = new_layer(image, "{path}", {width}, {height}, "cat")'
    )


def succeeded(console: Session, question: str) -> int:
    """Stylise; returns the new layer's id."""
    status, layer, message = console.ask(question)
    assert status == "success", message
    return layer


def names(console: Session) -> list[str]:
    """The image's layers from above."""
    return console.ask("[x.get_name() for x in image.get_layers()]")


def test_stylised_again_lies_on_top_of_the_earlier_result(console: Session, pictures: Pictures) -> None:
    opened(console, pictures, pictures.cat())
    first = succeeded(console, "stylise(image, [layer], style=cup)")
    second = succeeded(console, "stylise(image, [layer], style=cup, forms=0.5)")
    assert console.ask("[x.get_id() for x in image.get_layers()]")[:2] == [second, first]


def test_names_do_not_nest(console: Session, pictures: Pictures) -> None:
    opened(console, pictures, pictures.cat())
    first = succeeded(console, "stylise(image, [layer], style=cup)")
    succeeded(console, f"stylise(image, [item({first})], style=cup)")
    assert len(names(console)) == 3
    assert [name.count("style of") for name in names(console)] == [1, 1, 0]


def test_name_of_ones_own(console: Session, pictures: Pictures) -> None:
    opened(console, pictures, pictures.cat())
    succeeded(console, 'stylise(image, [layer], style=cup, layer_name="evening")')
    assert names(console) == ["evening", "cat"]


@pytest.mark.parametrize(
    ("precision", "base", "bound"),
    [
        ("FLOAT_NON_LINEAR", "RGB", 1e-4),
        ("U8_NON_LINEAR", "RGB", 2 / 255),
        ("U8_LINEAR", "RGB", 13 / 255),
        ("FLOAT_LINEAR", "RGB", 1e-4),
        ("U16_PERCEPTUAL", "RGB", 1e-3),
        ("HALF_NON_LINEAR", "RGB", 2e-3),
        ("FLOAT_NON_LINEAR", "GRAY", 1e-4),
        ("U8_NON_LINEAR", "GRAY", 2 / 255),
    ],
)
def test_separable_layers_show_the_one_layer(
    console: Session, pictures: Pictures, precision: str, base: str, bound: float
) -> None:
    """In linear light of eight bits one step is up to 13/255 of what is seen: nothing there is nearer."""
    cat = pictures.cat(264, 176)
    opened(console, pictures, cat, precision, base)
    single = succeeded(console, f"stylise(image, [layer], style=cup, {PAINTED}, {AS_A_WHOLE})")
    expected = pictures.get(console, f"item({single})")
    console.ask(f"image.remove_layer(item({single})); layer.set_visible(False)")
    group = succeeded(console, f'stylise(image, [layer], style=cup, output="separable", {PAINTED}, {AS_A_WHOLE})')
    assert console.ask(f"[x.get_name() for x in item({group}).get_children()]") == COMPONENTS
    assert names(console) == ["cat (style of [Untitled])", "cat"]
    shown = pictures.get(console, 'Gimp.Layer.new_from_visible(image, image, "seen")')
    seen = cat[..., 3] > 0.02
    *added, lowest = [pictures.get(console, f"item({group}).get_children()[{place}]")[..., :3] for place in range(4)]
    assert np.abs(shown[..., :3] - lowest - sum(part - 0.5 for part in added))[seen].max() < bound, "GIMP adds them up"
    # Two runs are two solves, whose last bits differ now and then beside other load.
    assert np.abs(shown - expected)[seen][:, :3].max() < max(bound, 2 / 255)
    assert np.abs(shown[..., 3] - cat[..., 3]).max() < 2 / 255
    for name, part in zip(COMPONENTS, added, strict=False):
        assert np.abs(part - 0.5).mean() > 0.5 / 255, f"{name} adds nothing"


def test_separable_layers_are_the_amounts(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    """Without the grain's layer, one sees the painting without grain; one undo takes all away."""
    cat = pictures.cat(264, 176, alpha=False)
    opened(console, pictures, cat)
    console.ask("image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 132, 176)")
    group = succeeded(console, f'stylise(image, [layer], style=cup, output="separable", keep_detail=1.0, {PAINTED})')
    assert console.ask(f"item({group}).get_mask() is not None")
    console.ask(f"item({group}).get_children()[0].set_visible(False)")
    shown = pictures.get(console, 'Gimp.Layer.new_from_visible(image, image, "seen")')
    selection = np.zeros((176, 264), np.float32)
    selection[:, :132] = 1
    expected = stylised(
        cat, cup, target_mask=selection, size=256, layers=1, structure=0.2, keep_detail=1.0, amounts=[1, 1, 1, 0]
    )
    assert np.abs(shown[:, :132, :3] - expected[:, :132]).max() < 1e-3
    assert np.abs(shown[:, 132:, :3] - cat[:, 132:, :3]).max() < 1e-3
    recipe = console.ask(f'item({group}).get_parasite("decoupled-style-recipe") is not None')
    assert recipe


def test_separable_layers_of_an_indexed_image_are_refused(console: Session, pictures: Pictures) -> None:
    opened(console, pictures, pictures.cat(alpha=False), "U8_NON_LINEAR")
    console.ask(
        "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, '')"
    )
    message = console.ask('stylise(image, [layer], style=cup, output="separable")')[2]
    assert "An indexed image cannot hold separable layers." in message
    assert names(console) == ["cat"]


@pytest.mark.parametrize("sides", [(1, 1), (1, 60), (60, 1), (2, 3)])
@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_smallest_layers(console: Session, pictures: Pictures, sides: tuple[int, int], mode: str) -> None:
    opened(console, pictures, pictures.cat(60, 60, alpha=False)[: sides[1], : sides[0]])
    new = succeeded(console, f'stylise(image, [layer], style=cup, mode="{mode}")')
    got = pictures.get(console, f"item({new})")
    assert np.isfinite(got).all()
    assert got.size == sides[0] * sides[1] * 4
    new = succeeded(console, "stylise(cup_image, [cup], style=layer)")  # and as a style
    console.ask(f"cup_image.remove_layer(item({new}))")


def test_floating_selection_says_what_to_do(console: Session, pictures: Pictures) -> None:
    opened(console, pictures, pictures.cat())
    console.ask(
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 30, 30)\nGimp.Selection.float(image, [layer], 3, 3)"
    )
    message = console.ask("stylise(image, image.get_selected_layers() or [layer], style=cup)")[2]
    assert "There is a floating selection. Anchor it" in message


def test_repetition_takes_style_and_settings_of_the_last_run(
    console: Session, pictures: Pictures, gimp: GimpUnderTest
) -> None:
    """Not those of a script, whose settings GIMP does not keep either, nor of a recipe that was applied since."""
    gimp.forget_last_values()
    opened(console, pictures, pictures.cat())
    path = pictures.put("other", pictures.cat()[:, ::-1])
    console.ask(f'other_image = new_image(72, 48); other = new_layer(other_image, "{path}", 72, 48, "other")')
    first = succeeded(console, "stylise(image, [layer], style=cup, run_mode=Gimp.RunMode.WITH_LAST_VALS)")
    wrong = succeeded(console, "stylise(other_image, [other], style=layer, forms=0.2)")
    succeeded(console, f'call("plug-in-decoupled-style-reapply", image, [layer], source=item({wrong}))')
    again = succeeded(console, "stylise(image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)")
    expected = pictures.get(console, f"item({first})")
    np.testing.assert_allclose(pictures.get(console, f"item({again})"), expected, atol=1 / 255)
    assert np.abs(pictures.get(console, f"item({wrong})")[:, ::-1] - expected).max() > 4 / 255, "this says little"


def test_reapply_in_part(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat)
    first = succeeded(console, 'stylise(image, [layer], style=cup, mode="photo")')
    half = succeeded(
        console, f'call("plug-in-decoupled-style-reapply", image, [layer], source=item({first}), strength=0.5)'
    )
    expected = stylised(cat, cup, mode="photo", strength=0.5)
    assert np.abs(pictures.get(console, f"item({half})")[..., :3] - expected).max() < 1 / 255
