"""One run for all layers of an image, or for every open image: what it stylises, by whose selection, and what not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from gimp_under_test import PATIENCE, Session
from pictures import Pictures, stylised

STYLISED = " (style of [Untitled])"


@pytest.fixture(autouse=True)
def only_ours(console: Session) -> Iterator[None]:
    """Every open image takes part, so that none of another test may be open; ours are closed again."""
    close = "for one in Gimp.get_images(): one.delete()"
    console.ask(close)
    yield
    console.ask(close)


def opened(console: Session, name: str, path: str, sides: tuple[int, int]) -> None:
    """Open pixels as an image and a layer of this name."""
    width, height = sides
    console.ask(
        f'{name}_image = new_image({width}, {height}, "FLOAT_NON_LINEAR")\n'
        f'{name} = new_layer({name}_image, "{path}", {width}, {height}, "{name}")\n'
        f"{name}_image.set_selected_layers([{name}])"
    )


@pytest.fixture
def cup(console: Session, pictures: Pictures) -> np.ndarray:
    """A cup of coffee, open as `cup`."""
    pixels = pictures.coffee()
    opened(console, "cup", pictures.put("cup", pixels), (60, 40))
    return pixels


def names(console: Session, image: str) -> list[str]:
    """An image's layers from above."""
    return console.ask(f"[x.get_name() for x in {image}_image.get_layers()]")


def test_all_open_images(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    """Each by its own selection; the style's own image is left out, and one that cannot be stylised ends nothing."""
    cat = pictures.cat(alpha=False)
    for name, pixels in (("first", cat), ("second", np.ascontiguousarray(cat[:, ::-1])), ("hidden", 0 * cat)):
        opened(console, name, pictures.put(name, pixels), (72, 48))
    console.ask(
        "second_image.select_rectangle(Gimp.ChannelOps.REPLACE, 0, 0, 36, 48)\nhidden.fill(Gimp.FillType.TRANSPARENT)"
    )
    status, new, message = console.ask('stylise(first_image, [first], style=cup, apply_to="all-images", mode="photo")')
    assert status == "success", message
    assert names(console, "first") == [f"first{STYLISED}", "first"]
    assert names(console, "second") == [f"second{STYLISED}", "second"]
    assert names(console, "hidden") == ["hidden"]
    assert names(console, "cup") == ["cup"]
    assert console.ask("first_image.get_layers()[0].get_id()") == new
    left_out = "Done, except for 1:\n[Untitled], hidden: Nothing of the target is visible"
    console.wait_until(lambda: left_out in console.log(), PATIENCE, "a word about what was left out")
    selection = np.zeros((48, 72), np.float32)
    selection[:, :36] = 1
    expected = stylised(cat, cup, mode="photo"), stylised(cat[:, ::-1], cup, mode="photo", target_mask=selection)
    for image, wanted in zip(("first", "second"), expected, strict=True):
        got = pictures.get(console, f"{image}_image.get_layers()[0]")[..., :3]
        assert np.abs(got[:, :36] - wanted[:, :36]).max() < 1 / 255
    assert console.ask("second_image.get_layers()[0].get_mask() is not None")


def test_all_layers(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    """Those in groups, too, but neither groups nor what was stylised before; an empty one is left out."""
    cat = pictures.cat(alpha=False)
    path = pictures.put("cat", cat)
    opened(console, "first", path, (72, 48))
    console.ask(
        'group = Gimp.GroupLayer.new(first_image, "group"); first_image.insert_layer(group, None, 0)\n'
        f'inner = new_layer(first_image, "{path}", 72, 48, "inner", parent=group)\n'
        f'empty = new_layer(first_image, "{path}", 72, 48, "empty"); empty.fill(Gimp.FillType.TRANSPARENT)\n'
        "first_image.set_selected_layers([first])"
    )
    for _ in range(2):  # a second time it is the same again
        status, _new, message = console.ask('stylise(first_image, [first], style=cup, apply_to="all-layers")')
        assert status == "success", message
    assert names(console, "first") == ["empty", "group", f"first{STYLISED} #1", f"first{STYLISED}", "first"]
    assert console.ask("[x.get_name() for x in group.get_children()]") == [
        f"inner{STYLISED} #1",
        f"inner{STYLISED}",
        "inner",
    ]
    results = [
        pictures.get(console, f"{place}[0]") for place in ("group.get_children()", "first_image.get_layers()[2:]")
    ]
    np.testing.assert_allclose(*results, atol=1 / 255)
    assert "empty: Nothing of the target is visible" in console.log()


def test_nothing_that_can_be_stylised_is_a_failure(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    """With the sentence of each; and regions belong to one image."""
    opened(console, "first", pictures.put("cat", pictures.cat()), (72, 48))
    console.ask("first.fill(Gimp.FillType.TRANSPARENT)")
    for apply_to in ("all-layers", "all-images"):
        status, new, message = console.ask(f'stylise(first_image, [first], style=cup, apply_to="{apply_to}")')
        assert (status, new) == ("execution-error", None)
        assert "visible inside" in message
    message = console.ask(
        'stylise(first_image, [first], style=cup, apply_to="all-images", target_labels=first, style_labels=cup)'
    )[2]
    assert "Regions belong to one image." in message
    assert names(console, "first") == ["first"]


STOPPED = """
import sys
sys.path[:0] = [path for path in ({plug_in!r},) if path not in sys.path]
from decoupled_style.client.installation import Installation
from decoupled_style.client.worker import Worker
from decouple_contract.errors import Cancelled
from decouple_contract.settings import Settings
from decoupled_style.host.stylising import Output, Request
from decoupled_style.host.loop import stylise_all
from decoupled_style.host.styles import LayerStyle

told, stopped, worker = [], False, Worker(Installation.load())

def notice(done, text):
    told.append(done)
    if text.startswith("Image 2 of 3") and done > 0.34:
        raise Cancelled

settings = Settings(mode="photo", network="vgg16", layers=1, size=32, device="cpu")
request = Request(LayerStyle(cup), None, settings, Output())
try:
    stylise_all(worker, "all-images", first_image, [first], request, notice)
except Cancelled:
    stopped = True
finally:
    worker.close()
"""


def test_stopped_it_leaves_finished_images_whole(console: Session, pictures: Pictures, cup: np.ndarray) -> None:
    """And the others untouched; the bar goes over all of them."""
    path = pictures.put("cat", pictures.cat())
    for name in ("first", "second", "third"):
        opened(console, name, path, (72, 48))
        console.ask(f"{name}_image.clean_all()")
    console.ask(STOPPED.format(plug_in=str(console.gimp.plug_in)))
    assert console.ask("stopped")
    assert names(console, "first") == [f"first{STYLISED}", "first"]
    touched = console.ask("[one.is_dirty() for one in (second_image, third_image)]")
    assert touched == [False, False]
    assert names(console, "second") == ["second"]
    assert names(console, "third") == ["third"]
    told = console.ask("[share for share in told if share is not None]")
    assert told == sorted(told)
    assert 1 / 3 < told[-1] < 2 / 3
