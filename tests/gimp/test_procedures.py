"""The procedures in a real GIMP without a window: what they make of documents of every kind, and what they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gimp_under_test import PATIENCE, GimpUnderTest, Session
from pictures import AS_A_WHOLE, QUICK, Pictures, stylised

STORED = {
    "U8": np.uint8,
    "U16": np.uint16,
    "U32": np.uint32,
    "HALF": np.float16,
    "FLOAT": np.float32,
    "DOUBLE": np.float64,
}
CURVES = {"LINEAR": "RGBA", "NON_LINEAR": "R'G'B'A", "PERCEPTUAL": "R~G~B~A"}


@pytest.fixture(scope="module")
def style(console: Session, gimp: GimpUnderTest) -> np.ndarray:
    """A cup of coffee, open in GIMP as `cup_image` and `cup`."""
    pictures = Pictures(gimp.folder)
    cup = pictures.coffee()
    path = pictures.put("cup", cup)
    console.ask(
        f'cup_image = new_image(60, 40, "FLOAT_NON_LINEAR")\ncup = new_layer(cup_image, "{path}", 60, 40, "cup")'
    )
    return cup


def opened(
    console: Session,
    pictures: Pictures,
    pixels: np.ndarray,
    precision: str = "FLOAT_NON_LINEAR",
    base: str = "RGB",
    canvas: tuple[int, int] | None = None,
) -> None:
    """Open pixels in GIMP as `image` and `layer`."""
    height, width = pixels.shape[:2]
    x, y = canvas or (width, height)
    path = pictures.put("target", pixels)
    console.ask(
        f'image = new_image({x}, {y}, "{precision}", "{base}")\n'
        f'layer = new_layer(image, "{path}", {width}, {height}, "cat")'
    )


def succeeded(console: Session, question: str) -> int:
    """Stylise; returns the new layer's id."""
    status, layer, message = console.ask(question)
    assert status == "success", message
    return layer


def test_result_is_the_cores_and_alpha_the_sources(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    cat = pictures.cat()
    opened(console, pictures, cat)
    new = succeeded(console, 'stylise(image, [layer], style=cup, mode="photo", layers=3, size=48, fine_texture=0.5)')
    got = pictures.get(console, f"item({new})")
    expected = stylised(
        cat, style, target_mask=cat[..., 3], mode="photo", layers=3, size=48, strength_per_layer=[1, 1, 0.5, 0.5]
    )
    assert np.abs(got[..., :3] - expected).max() < 1 / 255
    assert np.abs(expected - cat[..., :3]).mean() > 0.02, "the transfer did nothing; the comparison would say little"
    assert np.array_equal(got[..., 3], cat[..., 3])
    assert np.array_equal(pictures.get(console, "layer"), cat), "the source has changed"


def test_painting_adds_its_parts_to_the_photograph(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat)
    made = {
        name: pictures.get(console, f"item({succeeded(console, f'stylise(image, [layer], style=cup, {chosen})')})")
        for name, chosen in (
            ("photograph", 'mode="photo"'),
            ("painting", "keep_detail=1.0"),
            ("bare", "keep_detail=1.0, forms=0.0, strokes=0.0, grain=0.0"),
            ("half", "keep_detail=1.0, forms=0.0, strokes=0.5, grain=1.5"),
        )
    }
    assert np.array_equal(made["bare"], made["photograph"])
    assert np.abs(made["painting"] - made["photograph"])[..., :3].mean() > 0.01
    expected = stylised(cat, style, keep_detail=1.0, amounts=[1, 0, 0.5, 1.5])
    assert np.abs(made["half"][..., :3] - expected).max() < 1 / 255
    assert np.abs(made["half"] - made["painting"]).max() > 4 / 255, "the amounts change little; this says little"


def test_places_and_spots_are_those_of_the_core_and_of_the_recipe(
    console: Session, pictures: Pictures, style: np.ndarray
) -> None:
    cat, spots = pictures.cat(alpha=False), [0.2, 0.3, 0.9, 0.8, 0.5, 0.9, 0.1, 0.1]
    opened(console, pictures, cat)
    made = []
    for given, settings in (
        ('match="0.2,0.3=0.9,0.8 0.5,0.9=0.1,0.1"', {"match": spots}),
        ('correspondence="off"', {"correspondence": "off"}),
    ):
        new = succeeded(console, f'stylise(image, [layer], style=cup, mode="photo", layers=3, {given})')
        made.append(pictures.get(console, f"item({new})")[..., :3])
        assert np.abs(made[-1] - stylised(cat, style, mode="photo", layers=3, **settings)).max() < 1 / 255
        kept = f'bytes(item({new}).get_parasite("decoupled-style-recipe").get_data()).decode()'
        recipe = json.loads(console.ask(kept))
        assert {name: recipe["settings"][name] for name in settings} == settings
    assert np.abs(made[0] - made[1]).max() > 4 / 255, "the settings change little; this says little"
    status, _, message = console.ask('stylise(image, [layer], style=cup, match="0.5,0.5")')
    assert status != "success"
    assert "0.5,0.5 is not a pair of spots; write TX,TY=SX,SY" in message


@pytest.mark.parametrize(
    ("kind", "curve"),
    [*((kind, "NON_LINEAR") for kind in STORED), ("U8", "LINEAR"), ("U16", "PERCEPTUAL"), ("FLOAT", "LINEAR")],
)
def test_precision_and_alpha_are_kept(
    console: Session, pictures: Pictures, style: np.ndarray, kind: str, curve: str
) -> None:
    opened(console, pictures, pictures.cat(), f"{kind}_{curve}")
    # An alpha that only this precision can hold: neighbours of neighbours in the source's own numbers.
    width, height, before = pictures.stored(console, "layer")
    rng = np.random.default_rng(3)
    samples = np.frombuffer(before, STORED[kind]).reshape(height, width, 4).copy()
    if np.issubdtype(STORED[kind], np.integer):
        most = np.iinfo(STORED[kind]).max
        samples[..., 3] = rng.integers(0, most, (height, width), endpoint=True, dtype=STORED[kind])
    else:
        samples[..., 3] = rng.random((height, width)).astype(STORED[kind])
    path = pictures.put_bytes("native", samples.tobytes())
    console.ask(f'write(layer, "{path}", "{CURVES[curve]} {kind.lower()}")')
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    assert console.ask("image.get_precision().value_name").endswith(f"{kind}_{curve}")
    _, _, after = pictures.stored(console, f"item({new})")
    result = np.frombuffer(after, STORED[kind]).reshape(height, width, 4)
    assert np.array_equal(result[..., 3], samples[..., 3])
    assert not np.array_equal(result[..., :3], samples[..., :3])


def test_grey_document(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    opened(console, pictures, pictures.cat(), base="GRAY")
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    assert console.ask(f"item({new}).type().value_nick") == "graya-image"
    assert console.ask("image.get_base_type().value_nick") == "gray"


def test_indexed_document(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    opened(console, pictures, pictures.cat(alpha=False), "U8_NON_LINEAR")
    console.ask(
        "image.convert_indexed(Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.GENERATE, 16, False, False, '')"
    )
    colours = pictures.get(console, "layer").reshape(-1, 4)
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    result = pictures.get(console, f"item({new})").reshape(-1, 4)
    assert {tuple(c) for c in result.round(5)} <= {tuple(c) for c in colours.round(5)}
    assert not np.array_equal(result, colours)


def test_profile(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    cat = pictures.cat()
    opened(console, pictures, cat)
    console.ask(
        "image.convert_color_profile(Gimp.ColorProfile.new_rgb_adobe(), "
        "Gimp.ColorRenderingIntent.RELATIVE_COLORIMETRIC, False)"
    )
    seen = pictures.get(console, "layer")
    assert np.abs(seen - cat).max() < 2e-3, "GIMP shows the same colours in the other profile"
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    expected = stylised(seen, style, target_mask=cat[..., 3])
    assert np.abs(pictures.get(console, f"item({new})")[..., :3] - expected).max() < 3 / 255


def test_linear_light_and_a_view_proofed_for_printing(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    """What the layer holds counts, whatever its encoding and however the view shows it."""
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat, "FLOAT_LINEAR")
    cmyk = "/usr/share/color/icc/ghostscript/default_cmyk.icc"  # of Ghostscript, which GIMP's package asks for
    console.ask(
        f'image.set_simulation_profile(Gimp.ColorProfile.new_from_file(Gio.File.new_for_path("{cmyk}")))\n'
        "image.set_simulation_intent(Gimp.ColorRenderingIntent.PERCEPTUAL)"
    )
    assert console.ask("image.get_simulation_profile().is_cmyk()")
    new = succeeded(console, f"stylise(image, [layer], style=cup, {AS_A_WHOLE})")
    assert (
        np.abs(pictures.get(console, f"item({new})")[..., :3] - stylised(cat, style, correspondence="off")).max()
        < 1 / 255
    )


@pytest.mark.parametrize(("x", "y", "canvas"), [(-20, 10, (30, 30)), (40, -7, (200, 150))])
def test_offsets_and_other_sizes_than_the_canvas(
    console: Session, pictures: Pictures, style: np.ndarray, x: int, y: int, canvas: tuple[int, int]
) -> None:
    opened(console, pictures, pictures.cat(), canvas=canvas)
    console.ask(f"layer.set_offsets({x}, {y})")
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    assert console.ask(f"list(item({new}).get_offsets())[1:]") == [x, y]
    assert pictures.get(console, f"item({new})").shape == (48, 72, 4)
    assert console.ask("[image.get_width(), image.get_height()]") == list(canvas)


def test_inside_a_group_above_the_source_selected_and_named(
    console: Session, pictures: Pictures, style: np.ndarray
) -> None:
    opened(console, pictures, pictures.cat())
    path = pictures.put("target", pictures.cat())
    console.ask(
        f'group = Gimp.GroupLayer.new(image, "group"); image.insert_layer(group, None, 0)\n'
        f'inner = new_layer(image, "{path}", 72, 48, "inner", parent=group)\n'
        f'below = new_layer(image, "{path}", 72, 48, "below", parent=group, position=1)\n'
        f"below.set_opacity(40); below.set_mode(Gimp.LayerMode.MULTIPLY)"
    )
    new = succeeded(console, "stylise(image, [below], style=cup)")
    assert console.ask("[x.get_name() for x in group.get_children()]") == [
        "inner",
        "below (style of [Untitled])",
        "below",
    ]
    assert console.ask("[x.get_id() for x in image.get_selected_layers()]") == [new]
    assert console.ask(f"item({new}).get_opacity()") == pytest.approx(40, abs=0.1)
    assert console.ask(f"item({new}).get_mode().value_nick") == "multiply"
    # A whole group is stylised as it looks.
    new = succeeded(console, "stylise(image, [group], style=cup)")
    assert not console.ask(f"item({new}).is_group()")
    assert console.ask("[x.get_name() for x in image.get_layers()]")[1] == "group"


def test_every_selected_layer_gets_its_result(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    opened(console, pictures, pictures.cat())
    path = pictures.put("target", pictures.cat()[:, ::-1])
    console.ask(f'other = new_layer(image, "{path}", 72, 48, "other")')
    first = succeeded(console, f"stylise(image, [layer, other], style=cup, {AS_A_WHOLE})")
    assert console.ask("[x.get_name() for x in image.get_layers()]") == [
        "other (style of [Untitled])",
        "other",
        "cat (style of [Untitled])",
        "cat",
    ]
    selected = console.ask("[x.get_id() for x in image.get_selected_layers()]")
    assert len(selected) == 2
    assert first in selected
    one, two = (pictures.get(console, f"item({number})") for number in sorted(selected))
    assert np.abs(one[..., :3] - two[:, ::-1, :3]).mean() < 0.05, "one is stylised, the other much differently"


def test_selection_is_where_features_are_measured_and_the_new_mask(
    console: Session, pictures: Pictures, style: np.ndarray
) -> None:
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat, canvas=(100, 80))
    console.ask(
        "layer.set_offsets(10, 5)\n"
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 20, 10, 40, 30)\nGimp.Selection.feather(image, 9)"
    )
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    selection = pictures.get(console, "image.get_selection()", "Y float", 1)[5:53, 10:82]
    assert ((selection > 0.1) & (selection < 0.9)).any(), "a feathered selection is soft"
    mask = pictures.get(console, f"item({new}).get_mask()", "Y float", 1)
    assert np.abs(mask - selection).max() < 1e-6
    got = pictures.get(console, f"item({new})")[..., :3]
    assert np.abs(got - stylised(cat, style, target_mask=selection)).max() < 1 / 255


def test_layer_mask_and_selection_multiply(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    opened(console, pictures, pictures.cat(alpha=False))
    console.ask(
        "mask = layer.create_mask(Gimp.AddMaskType.COPY); layer.add_mask(mask)\n"
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 36, 48)"
    )
    own = pictures.get(console, "mask", "Y float", 1)
    new = succeeded(console, "stylise(image, [layer], style=cup)")
    expected = own.copy()
    expected[:, 36:] = 0
    assert np.abs(pictures.get(console, f"item({new}).get_mask()", "Y float", 1) - expected).max() < 1e-5


def test_live_filters_count(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat)
    console.ask('filter = Gimp.DrawableFilter.new(layer, "gegl:invert-gamma", ""); layer.append_filter(filter)')
    new = succeeded(console, f"stylise(image, [layer], style=cup, {AS_A_WHOLE})")
    inverted = cat.copy()
    inverted[..., :3] = 1 - inverted[..., :3]
    assert (
        np.abs(pictures.get(console, f"item({new})")[..., :3] - stylised(inverted, style, correspondence="off")).max()
        < 2 / 255
    )
    assert console.ask("len(layer.get_filters())") == 1


def test_selection_and_transparency_limit_the_style(console: Session, pictures: Pictures) -> None:
    cat, half = pictures.cat(alpha=False), pictures.coffee()
    half[:, :30, 3] = 0
    opened(console, pictures, cat)
    path = pictures.put("half", half)
    console.ask(
        f'half_image = new_image(60, 40, "FLOAT_NON_LINEAR"); half = new_layer(half_image, "{path}", 60, 40)\n'
        f"half_image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 60, 20)"
    )
    new = succeeded(console, "stylise(image, [layer], style=half)")
    weights = half[..., 3].copy()
    weights[20:] = 0
    got = pictures.get(console, f"item({new})")[..., :3]
    assert np.abs(got - stylised(cat, half, style_mask=weights)).max() < 1 / 255
    assert np.abs(got - stylised(cat, half)).max() > 4 / 255, "the whole style would have given the same"


SKY, GROUND, NOTHING = (0.0, 0.0, 1.0, 1.0), (0.0, 1.0, 0.0, 1.0), (0.0, 0.0, 0.0, 0.0)
"""Flat colours of layers of regions."""


def two_parts(upper: tuple[float, ...], lower: tuple[float, ...], width: int, height: int) -> np.ndarray:
    """A picture (height, width, 4) of one colour above and one below, with some grain."""
    picture = np.ones((height, width, 4), np.float32)
    picture[: height // 2, :, : len(upper)], picture[height // 2 :, :, : len(lower)] = upper, lower
    if len(upper) == 3:
        picture[..., :3] += np.random.default_rng(5).normal(0, 0.02, (height, width, 1))
    return np.clip(picture, 0, 1).astype(np.float32)


@pytest.fixture
def landscapes(console: Session, pictures: Pictures) -> tuple[np.ndarray, np.ndarray]:
    """A target, open as `image` and `layer`, and a style, as `land_image` and `land`, with `regions` in either.

    The target's sky is above, the style's below. The first layer of regions is an opaque one that ends before the right
    border of the target; the other is larger than the style and begins outside its canvas. Both are hidden.
    """
    target, style = two_parts((0.55,) * 3, (0.45,) * 3, 72, 48), two_parts((0.8, 0.3, 0.2), (0.2, 0.4, 0.8), 60, 40)
    opened(console, pictures, target, canvas=(100, 80))
    path = pictures.put("style", style)
    console.ask(
        f'layer.set_offsets(10, 5); land_image = new_image(60, 40, "FLOAT_NON_LINEAR")\n'
        f'land = new_layer(land_image, "{path}", 60, 40, "land")'
    )
    ours, theirs = two_parts(SKY, GROUND, 60, 58), two_parts(GROUND, SKY, 80, 60)
    for name, into, flat, x, y in (("ours", "image", ours, 10, 0), ("theirs", "land_image", theirs, -10, -10)):
        path = pictures.put(name, flat)
        console.ask(
            f'{name} = new_layer({into}, "{path}", {flat.shape[1]}, {flat.shape[0]}, "regions", {x}, {y}, '
            f"alpha={name == 'theirs'}); {name}.set_visible(False)"
        )
    return target, style


def labels(regions: np.ndarray) -> np.ndarray:
    """The labels that the core is to see, from flat colours as they lie over a picture."""
    return np.select([(regions == SKY).all(2), (regions == GROUND).all(2)], [1, 2], -1)


def test_regions_stylise_sky_as_sky(
    console: Session, pictures: Pictures, landscapes: tuple[np.ndarray, np.ndarray]
) -> None:
    target, style = landscapes
    new = succeeded(console, "stylise(image, [layer], style=land, target_labels=ours, style_labels=theirs)")
    got = pictures.get(console, f"item({new})")[..., :3]
    blue, red = style[25:, :, :3].mean((0, 1)), style[:15, :, :3].mean((0, 1))
    # Away from the seam and from where the layer of regions ends.
    assert np.abs(got[:18, :50].mean((0, 1)) - blue).max() < 0.1
    assert np.abs(got[-18:, :50].mean((0, 1)) - red).max() < 0.1
    # As the layers lie: the target's is five rows higher and 12 columns narrower, the style's ends where it begins.
    over_target = np.full((48, 72, 4), NOTHING, np.float32)
    over_target[:, :60] = two_parts(SKY, GROUND, 60, 58)[5:53]
    over_style = two_parts(GROUND, SKY, 80, 60)[10:50, 10:70]
    regions = labels(over_target), labels(over_style)
    assert np.abs(got - stylised(target, style, regions=regions)).max() < 1 / 255
    # Without regions, what lies above takes nothing of the style's sky alone.
    new = succeeded(console, "stylise(image, [layer], style=land)")
    whole = pictures.get(console, f"item({new})")[..., :3]
    assert np.abs(whole[:18, :50].mean((0, 1)) - blue).max() > 0.2
    # A selection limits the regions.
    console.ask("image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 5, 36, 48)")
    new = succeeded(console, "stylise(image, [layer], style=land, target_labels=ours, style_labels=theirs)")
    selection = np.zeros((48, 72), np.float32)
    selection[:, :36] = 1
    got = pictures.get(console, f"item({new})")[..., :3]
    assert np.abs(got - stylised(target, style, target_mask=selection, regions=regions)).max() < 1 / 255


def test_regions_of_several_layers_and_of_the_repetition(
    console: Session, pictures: Pictures, gimp: GimpUnderTest, landscapes: tuple[np.ndarray, np.ndarray]
) -> None:
    gimp.forget_last_values()
    path = pictures.put("target", landscapes[0])
    console.ask(f'lower = new_layer(image, "{path}", 72, 48, "lower", 10, 29)')  # from where the sky ends
    first = succeeded(
        console,
        "stylise(image, [layer, lower], style=land, target_labels=ours, style_labels=theirs, "
        "run_mode=Gimp.RunMode.WITH_LAST_VALS)",
    )
    one, two = sorted(console.ask("[x.get_id() for x in image.get_selected_layers()]"))
    assert one == first
    red = landscapes[1][:15, :, :3].mean((0, 1))
    assert np.abs(pictures.get(console, f"item({two})")[:20, :50, :3].mean((0, 1)) - red).max() < 0.1
    expected = pictures.get(console, f"item({one})")
    again = succeeded(console, "stylise(image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)")
    np.testing.assert_allclose(pictures.get(console, f"item({again})"), expected, atol=1 / 255)
    console.ask("image.remove_layer(ours)")
    message = console.ask("stylise(image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)")[2]
    assert "A layer of regions is no longer open." in message


def test_regions_that_do_not_go_together(
    console: Session, pictures: Pictures, gimp: GimpUnderTest, landscapes: tuple[np.ndarray, np.ndarray]
) -> None:
    file = gimp.folder / "land.png"
    console.ask(
        f'Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, land_image, Gio.File.new_for_path("{file}"))\n'
        f'empty = Gimp.Layer.new(image, "x", 72, 48, Gimp.ImageType.RGBA_IMAGE, 100, Gimp.LayerMode.NORMAL)\n'
        "image.insert_layer(empty, None, 0)"
    )
    for arguments, words in (
        ("style=land, target_labels=ours", "Choose a layer of regions for both the target and the style"),
        ("style=land, style_labels=theirs", "Choose a layer of regions for both the target and the style"),
        ("style=land, target_labels=theirs, style_labels=ours", "must be in its own image"),
        ("style=land, target_labels=empty, style_labels=theirs", "The target's layer of regions has no flat"),
        (
            f'style_file=Gio.File.new_for_path("{file}"), target_labels=ours, style_labels=theirs',
            "Regions need a style that is open.",
        ),
    ):
        status, new, message = console.ask(f"stylise(image, [layer], {arguments})")
        assert (status, new) == ("execution-error", None)
        assert words in message
    assert console.ask("len(image.get_layers())") == 3


def test_style_from_files(console: Session, pictures: Pictures, gimp: GimpUnderTest, style: np.ndarray) -> None:
    from decouple_contract.settings import Settings
    from decouple_core.engine import Engine
    from decouple_core.request import Input

    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat)
    picture, features = gimp.folder / "a cup é.png", gimp.folder / "cup.style"
    console.ask(f"Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, cup_image, Gio.File.new_for_path({str(picture)!r}))")
    file = f"style_file=Gio.File.new_for_path({str(picture)!r})"
    new = succeeded(console, f"stylise(image, [layer], {file}, {AS_A_WHOLE})")
    assert console.ask(f"item({new}).get_name()") == "cat (style of a cup é)"
    got = pictures.get(console, f"item({new})")[..., :3]
    assert np.abs(got - stylised(cat, style, correspondence="off")).max() < 1 / 255

    settings = Settings.from_dict(QUICK)
    Engine().read_style(Input(np.ascontiguousarray(style[..., :3])), settings).save(features)
    new = succeeded(console, f"stylise(image, [layer], style_file=Gio.File.new_for_path({str(features)!r}))")
    assert np.abs(pictures.get(console, f"item({new})")[..., :3] - stylised(cat, style)).max() < 2 / 255

    features.write_text(json.dumps({**json.loads(features.read_text()), "of a later version": 1}))
    succeeded(console, f"stylise(image, [layer], style_file=Gio.File.new_for_path({str(features)!r}))")
    said = f"{features} was made by a later version; parts"
    console.wait_until(lambda: said in console.log(), PATIENCE, "a word about what was passed over")


def test_styles_mixed(console: Session, pictures: Pictures, gimp: GimpUnderTest, style: np.ndarray) -> None:
    """Each limited by its own selection; the repetition and the recipe know the mixture."""
    from decouple_contract.settings import Settings
    from decouple_core.engine import Engine
    from decouple_core.features.mixing import mix
    from decouple_core.request import Input, Request

    gimp.forget_last_values()
    cat, sky = pictures.cat(alpha=False), two_parts((0.3, 0.5, 0.9), (0.7, 0.8, 0.9), 48, 32)
    opened(console, pictures, cat)
    path = pictures.put("sky", sky)
    console.ask(
        f'sky_image = new_image(48, 32, "FLOAT_NON_LINEAR"); sky = new_layer(sky_image, "{path}", 48, 32)\n'
        "sky_image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 48, 16)"
    )
    new = succeeded(
        console,
        "stylise(image, [layer], style=cup, second_style=sky, style_weights='1, 3', "
        "run_mode=Gimp.RunMode.WITH_LAST_VALS)",
    )
    engine, settings = Engine(), Settings.from_dict(QUICK)
    upper = np.zeros((32, 48), np.float32)
    upper[:16] = 1
    measured = [
        engine.read_style(Input(np.ascontiguousarray(p[..., :3]), mask), settings)
        for p, mask in ((style, None), (sky, upper))
    ]
    plain = np.ascontiguousarray(cat[..., :3])
    expected = engine.transfer(Request(Input(plain), mix(measured, [1, 3]), settings)).image
    got = pictures.get(console, f"item({new})")
    assert np.abs(got[..., :3] - expected).max() < 1 / 255
    assert np.abs(expected - engine.transfer(Request(Input(plain), mix(measured), settings)).image).mean() > 10 / 255
    for question in (
        "stylise(image, [layer], run_mode=Gimp.RunMode.WITH_LAST_VALS)",
        f'call("plug-in-decoupled-style-reapply", image, [layer], source=item({new}))',
    ):
        again = succeeded(console, question)
        assert np.abs(pictures.get(console, f"item({again})") - got).mean() < 0.5 / 255  # a recipe keeps six digits
    for weights in ("1", "1, 0", "1, x"):
        message = console.ask(f"stylise(image, [layer], style=cup, second_style=sky, style_weights='{weights}')")[2]
        assert "Give one weight above 0 for each style" in message


def test_recipe_survives_the_file_and_stylises_another_layer(
    console: Session, pictures: Pictures, gimp: GimpUnderTest, style: np.ndarray
) -> None:
    cat = pictures.cat(alpha=False)
    opened(console, pictures, cat)
    first = succeeded(console, 'stylise(image, [layer], style=cup, fine_texture=0.25, match="0.2,0.3=0.9,0.8")')
    result = pictures.get(console, f"item({first})")
    file = gimp.folder / "stylised.xcf"
    console.ask(
        f'place = Gio.File.new_for_path("{file}"); Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, image, place)\n'
        "image.delete(); back = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, place)\n"
        "kept, plain = back.get_layers()"
    )
    recipe = json.loads(console.ask('bytes(kept.get_parasite("decoupled-style-recipe").get_data()).decode()'))
    assert recipe["settings"]["strength_per_layer"][2:4] == [0.25, 0.25]
    assert recipe["settings"]["match"] == [0.2, 0.3, 0.9, 0.8]
    assert recipe["network"] == "vgg16"
    assert recipe["style_name"] in ("[Untitled]", "a cup é")  # it was exported above
    again = succeeded(console, 'call("plug-in-decoupled-style-reapply", back, [plain], source=kept)')
    assert np.abs(pictures.get(console, f"item({again})") - result).max() < 1 / 255


def test_script_fu_returns_the_layer(console: Session, pictures: Pictures, style: np.ndarray) -> None:
    opened(console, pictures, pictures.cat())
    console.ask('''script = Gimp.get_pdb().lookup_procedure("plug-in-script-fu-eval"); c = script.create_config()
c.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
c.set_property("script", """
(let ((layer (car (plug-in-decoupled-style #:run-mode RUN-NONINTERACTIVE #:image %d #:drawables (vector %d)
                   #:style %d #:mode "painting" #:size 32 #:layers 1 #:network "vgg16"))))
  (gimp-item-set-name layer "made by a script"))""" % (image.get_id(), layer.get_id(), cup.get_id()))
outcome = script.run(c).index(0).value_nick''')
    assert console.ask("outcome") == "success"
    assert console.ask("[x.get_name() for x in image.get_layers()]") == ["made by a script", "cat"]
