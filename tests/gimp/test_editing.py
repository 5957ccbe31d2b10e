"""Editing a layer of ours: from what it was made, in which style, and what stays of it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from gimp_under_test import GimpUnderTest, Session
from pictures import Pictures, stylised

SEEN = (
    "(lambda one: [one.get_name(), image.get_item_position(one), one.get_opacity(), int(one.get_mode()), "
    "one.get_visible(), int(one.get_color_tag()), list(one.get_offsets()), "
    "[[f.get_name(), f.get_opacity(), f.get_config().get_property('scale')] for f in one.get_filters()]])"
)
"""What an artist has set on a layer."""


@pytest.fixture(scope="module", autouse=True)
def plug_in(console: Session) -> None:
    """The installed plug-in's own modules inside GIMP."""
    console.ask(
        f'import sys; sys.path.append("{console.gimp.plug_in}")\n'
        "from decoupled_style.host import folders\n"
        "from decoupled_style.host.earlier import Earlier, originals\n"
        "from decoupled_style.host.styles import names_apart"
    )


@pytest.fixture
def cup(console: Session, pictures: Pictures) -> np.ndarray:
    """A cup of coffee, open as `cup_image` and `cup`."""
    pixels = pictures.coffee()
    path = pictures.put("cup", pixels)
    console.ask(
        f'cup_image = new_image(60, 40, "FLOAT_NON_LINEAR"); cup = new_layer(cup_image, "{path}", 60, 40, "cup")'
    )
    return pixels


@pytest.fixture
def cat(console: Session, pictures: Pictures) -> np.ndarray:
    """A cat, open as `image` and `layer` above a background, its left half selected."""
    pixels = pictures.cat(alpha=False)
    path = pictures.put("target", pixels)
    console.ask(
        f'image = new_image(72, 48, "FLOAT_NON_LINEAR"); below = new_layer(image, "{path}", 72, 48, "below")\n'
        f'layer = new_layer(image, "{path}", 72, 48, "cat")\n'
        "image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 36, 48)"
    )
    return pixels


def succeeded(console: Session, question: str) -> int:
    """Ask; returns the new layer's id."""
    status, layer, message = console.ask(question)
    assert status == "success", message
    return layer


def left_half() -> np.ndarray:
    """What the cat's selection is."""
    mask = np.zeros((48, 72), np.float32)
    mask[:, :36] = 1
    return mask


def test_edited_layer_takes_the_place_of_the_earlier_one(
    console: Session, pictures: Pictures, cup: np.ndarray, cat: np.ndarray
) -> None:
    """And looks as it did but for its pixels; its mask says what counts, whatever is selected by then."""
    first = succeeded(console, 'stylise(image, [layer], style=cup, layer_name="evening")')
    console.ask(
        f"one = item({first}); one.set_opacity(60); one.set_mode(Gimp.LayerMode.MULTIPLY); one.set_visible(False)\n"
        "one.set_color_tag(Gimp.ColorTag.BLUE); Gimp.Selection.invert(image)\n"
        'live = Gimp.DrawableFilter.new(one, "gegl:saturation", "dull"); live.set_opacity(0.5)\n'
        "live.get_config().set_property('scale', 0.25); one.append_filter(live)"
    )
    before = console.ask(f"{SEEN}(one)")
    assert before[1] == 0
    edited = succeeded(console, f"edit(image, item({first}), forms=0.2)")
    assert console.ask(f"{SEEN}(item({edited}))") == before
    assert console.ask("[x.get_name() for x in image.get_layers()]") == ["evening", "cat", "below"]
    assert console.ask("[x.get_id() for x in image.get_selected_layers()]") == [edited]
    assert np.array_equal(pictures.get(console, f"item({edited}).get_mask()", "Y float", 1), left_half())
    got = pictures.get(console, f"item({edited})")[..., :3]
    expected = stylised(cat, cup, target_mask=left_half(), amounts=[1, 0.2, 1, 1])
    assert np.abs(got - expected).max() < 1 / 255
    assert np.abs(stylised(cat, cup, target_mask=left_half()) - expected).max() > 4 / 255, "this says little"
    beside = succeeded(console, f"edit(image, item({edited}), replace=False)")
    assert console.ask("[x.get_id() for x in image.get_layers()[:2]]") == [beside, edited]
    assert console.ask(f"{SEEN}(item({beside}))")[2:] == before[2:]


def test_edited_group(console: Session, pictures: Pictures, cup: np.ndarray, cat: np.ndarray) -> None:
    """It keeps what was set on its layers, too; a part of it stands for the whole."""
    group = succeeded(console, 'stylise(image, [layer], style=cup, output="separable")')
    console.ask(
        f"strokes = item({group}).get_children()[1]; strokes.set_opacity(40); strokes.set_visible(False)\n"
        f"item({group}).set_mode(Gimp.LayerMode.DODGE)\n"
        'strokes.add_mask(strokes.create_mask(Gimp.AddMaskType.BLACK)); strokes.set_name("mine")'
    )
    edited = succeeded(console, "edit(image, strokes, output='separable', grain=0.5)")
    assert console.ask("[x.get_name() for x in image.get_layers()]") == ["cat (style of [Untitled])", "cat", "below"]
    assert console.ask(
        f"[[x.get_name(), x.get_opacity(), x.get_visible(), x.get_mask() is not None] "
        f"for x in item({edited}).get_children()]"
    ) == [
        ["Grain", 100, True, False],
        ["Strokes", 40, False, True],
        ["Forms", 100, True, False],
        ["Colour", 100, True, False],
    ]
    assert console.ask(f"item({edited}).get_mode() == Gimp.LayerMode.DODGE")
    single = succeeded(console, f"edit(image, item({edited}))")
    assert console.ask(f"[item({single}).is_group(), len(image.get_layers())]") == [False, 3]


def test_edited_after_saving_and_reopening(
    console: Session, pictures: Pictures, gimp: GimpUnderTest, cup: np.ndarray, cat: np.ndarray
) -> None:
    """In the style of the open image, else of its file, else of what the layer keeps."""
    file, style = gimp.folder / "edited.xcf", gimp.folder / "a cup.xcf"
    save = "Gimp.file_save(Gimp.RunMode.NONINTERACTIVE, {image}, Gio.File.new_for_path({path!r}))"
    console.ask(
        f"{save.format(image='cup_image', path=str(style))}; cup_image.set_file(Gio.File.new_for_path({str(style)!r}))"
    )
    first = succeeded(console, "stylise(image, [layer], style=cup)")
    expected = pictures.get(console, f"item({first})")[..., :3]
    console.ask(
        f"{save.format(image='image', path=str(file))}; image.delete()\n"
        f"image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({str(file)!r}))"
    )
    kinds = []
    for change in ("None", "cup_image.delete()", f"__import__('os').unlink({str(style)!r})"):
        console.ask(change)
        kinds.append(console.ask("type(Earlier(image.get_layers()[0]).style()).__name__"))
        edited = succeeded(console, "edit(image, image.get_layers()[0])")
        assert np.abs(pictures.get(console, f"item({edited})")[..., :3] - expected).max() < 1 / 255
    assert kinds == ["LayerStyle", "FileStyle", "RecipeStyle"]
    missing = "(lambda one: one.missing(one.style()))(Earlier(image.get_layers()[0]))"
    assert "The style a cup is neither open nor in its file." in console.ask(missing)


def test_original_is_found_again(console: Session, pictures: Pictures, cup: np.ndarray, cat: np.ndarray) -> None:
    """After renaming and in a copy of the document, but never in another document."""
    first = succeeded(console, "stylise(image, [layer], style=cup)")
    second = succeeded(console, f"stylise(image, [item({first})], style=cup)")
    asked = "[x.get_name() for x in originals([{layer}])]"
    assert console.ask(asked.format(layer=f"item({first}), item({second}), layer")) == ["cat"]
    console.ask("copy = image.duplicate()")
    assert console.ask(asked.format(layer="copy.get_layers()[0]")) == ["cat"]
    console.ask('layer.set_name("tiger"); layer.set_offsets(0, 0)')
    assert console.ask(asked.format(layer=f"item({first})")) == ["tiger"]
    console.ask(
        f"other = new_image(72, 48); pasted = Gimp.Layer.new_from_drawable(item({first}), other)\n"
        'other.insert_layer(pasted, None, 0); other.insert_layer(Gimp.Layer.new(other, "cat", 72, 48, '
        "Gimp.ImageType.RGB_IMAGE, 100, Gimp.LayerMode.NORMAL), None, 1)"
    )
    assert console.ask("originals([pasted])[0].get_id() == pasted.get_id()")
    message = console.ask('call("plug-in-decoupled-style-edit", other, [pasted])')[2]
    assert "The layer that this one was made from is gone." in message
    message = console.ask('call("plug-in-decoupled-style-edit", image, [below])')[2]
    assert "That layer carries no style." in message


def test_a_recipe_that_was_tampered_with(console: Session, cup: np.ndarray, cat: np.ndarray) -> None:
    """No file but a local picture is looked up, whatever a document of somebody else's says."""
    first = succeeded(console, "stylise(image, [layer], style=cup)")
    kept = f'item({first}).get_parasite("decoupled-style-recipe")'
    recipe = json.loads(console.ask(f"bytes({kept}.get_data()).decode()"))
    for origin in (
        {"uri": "file://elsewhere/share/a.png", "alone": True},
        {"uri": "https://example.org/a.png", "alone": True},
        {"uri": "file:///dev/zero", "alone": True},
        {"mixture": [[{"uri": 3}, "many"]]},
        {"mixture": 5},
        {"mixture": [None]},
    ):
        data = json.dumps({**recipe, "origin": origin})
        console.ask(
            f'item({first}).attach_parasite(Gimp.Parasite.new("decoupled-style-recipe", Gimp.PARASITE_PERSISTENT, '
            f"{data!r}.encode()))"
        )
        assert console.ask(f"type(Earlier(item({first})).style()).__name__") == "RecipeStyle", origin


def test_images_of_one_name_are_told_apart(console: Session) -> None:
    console.ask(
        "several = [new_image(8, 8) for _ in range(5)]\n"
        'for one, path in zip(several, ("/a/sea.xcf", "/b/sea.xcf", "/a/sky.xcf")):\n'
        "    one.set_file(Gio.File.new_for_path(path))"
    )
    told, numbers = console.ask("[list(names_apart(several).values()), [one.get_id() for one in several]]")
    assert told == ["sea (a)", "sea (b)", "sky", f"[Untitled]-{numbers[3]}", f"[Untitled]-{numbers[4]}"]
    console.ask("for one in several: one.delete()")


def test_folders_are_remembered(console: Session, gimp: GimpUnderTest) -> None:
    """First the image's own, then the last one, of each purpose by itself."""
    last = gimp.folder / "looks"
    last.mkdir(exist_ok=True)
    console.ask(f'one = new_image(8, 8); one.set_file(Gio.File.new_for_path("{gimp.folder}/cat.xcf"))')
    asked = "[str(folders.folder_for(purpose, one)) for purpose in (folders.STYLES, folders.LOOKS)]"
    assert console.ask(asked) == [str(gimp.folder)] * 2
    console.ask(f'folders.remember_folder(folders.LOOKS, "{last}/a.cube")')
    assert console.ask(asked) == [str(gimp.folder), str(last)]
    last.rmdir()
    assert console.ask(asked) == [str(gimp.folder)] * 2
    console.ask("one.delete()")
