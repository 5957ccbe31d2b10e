"""The gallery: which styles there are, what an artist makes of them, and how they come into the dialog."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from gimp_under_test import REPOSITORY, GimpUnderTest, Session
from hypothesis import given
from hypothesis import strategies as st
from pictures import Pictures
from PIL import Image
from test_dialog import open_picture
from window import Window

from installer.plug_in import copy_plug_in

if TYPE_CHECKING:
    from decoupled_style.gallery.collection import Collection

STYLES = REPOSITORY / "gimp_plugin" / "decoupled_style" / "styles"
MEGABYTES = 5

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
ADDRESSES = st.lists(st.text(min_size=1), unique=True).map(tuple)


@pytest.fixture(scope="module", autouse=True)
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The plug-in as install.py puts it together, where Python finds it."""
    folder = tmp_path_factory.mktemp("plug-ins") / "decoupled-style"
    copy_plug_in(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield folder / "decoupled_style"
    for name in [name for name in sys.modules if name.partition(".")[0] == "decoupled_style"]:
        del sys.modules[name]


def test_bundled_styles_are_installed_and_accounted_for(package: Path) -> None:
    from decoupled_style.gallery.bundled import FOLDER, bundled
    from decoupled_style.gallery.bundled import STYLES as BUNDLED

    assert package / "styles" == FOLDER
    pictures = sorted(path.name for path in FOLDER.glob("*.jpg"))
    assert sorted(style.file for style in BUNDLED) == pictures
    assert len(pictures) >= 20
    assert sum((FOLDER / name).stat().st_size for name in pictures) <= MEGABYTES * 1_000_000
    sources = (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for style in BUNDLED:
        assert bundled(style.path) is style
        with Image.open(style.path) as picture:
            assert 512 <= max(picture.size) <= 1024, style.file
        [line] = [line for line in sources.splitlines() if f"`{style.file}`" in line]
        if line.startswith("|"):
            assert all(part in line for part in (style.title, style.by, style.year, style.licence)), style.file
        else:
            assert style.licence in sources
    assert bundled(FOLDER / "mine.jpg") is bundled(None) is None


def test_drawn_styles_are_what_the_program_draws() -> None:
    from decoupled_style.gallery.bundled import DRAWING
    from decoupled_style.gallery.bundled import STYLES as BUNDLED

    spec = importlib.util.spec_from_file_location("draw_styles", REPOSITORY / "release" / "draw_styles.py")
    assert spec is not None
    assert spec.loader is not None
    program = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "draw_styles", program)
        spec.loader.exec_module(program)
        assert sorted(program.LOOKS) == sorted(Path(one.file).stem for one in BUNDLED if one.kind == DRAWING)
        with Image.open(STYLES / "dusk.jpg") as kept:
            apart = np.abs(np.asarray(program.drawn("dusk"), np.float64) - np.asarray(kept))
    assert apart.mean() < 2


@given(favourites=ADDRESSES, folders=ADDRESSES, recent=ADDRESSES, new=st.text(min_size=1))
def test_collection(favourites: tuple[str, ...], folders: tuple[str, ...], recent: tuple[str, ...], new: str) -> None:
    from decoupled_style.gallery.collection import MOST_RECENT, Collection

    kept = Collection(favourites, folders, recent)
    assert Collection.from_text(kept.as_text()) == kept
    assert (new in kept.toggled(new).favourites) != (new in favourites)
    assert set(kept.toggled(new).toggled(new).favourites) == set(favourites)
    assert kept.with_folder(new).with_folder(new).folders.count(new) == 1
    assert kept.with_folder(new).without_folder(new).folders == tuple(one for one in folders if one != new)
    used = kept.used(new).recent
    assert used[0] == new
    assert list(used[1:]) == [one for one in recent if one != new][: MOST_RECENT - 1]


@given(st.one_of(st.text(), st.binary(), JSON.map(json.dumps)))
def test_damaged_collection_is_no_failure(text: str | bytes) -> None:
    from decoupled_style.gallery.collection import Collection

    found: Collection = Collection.from_text(text)
    assert all(isinstance(one, str) for one in (*found.favourites, *found.folders, *found.recent))


@given(
    st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
        lambda n: n not in ".."
    )
)
def test_addresses_lead_back_to_their_paths(name: str) -> None:
    from decoupled_style.gallery.shelves import path_of

    assert path_of(Path("/a folder", name).as_uri()) == Path("/a folder", name)
    assert path_of(f"https://example.org/{len(name)}.jpg") is None


def test_shelves(tmp_path: Path) -> None:
    from decoupled_style.gallery.bundled import STYLES as BUNDLED
    from decoupled_style.gallery.collection import Collection
    from decoupled_style.gallery.shelves import ALL, FAVOURITES, KINDS, RECENT, files_on

    own = tmp_path / "my own & others'"
    own.mkdir()
    for name in ("10.jpg", "9.PNG", "ñ.style", ".hidden.jpg", "notes.txt"):
        (own / name).touch()
    (own / "folder.jpg").mkdir()
    ten, gone = (own / "10.jpg").as_uri(), (own / "gone.jpg").as_uri()
    mine = Collection((gone, ten), (str(own), "/nowhere"), (ten, BUNDLED[0].path.as_uri()))
    assert files_on(str(own), mine) == [(own / name).as_uri() for name in ("9.PNG", "10.jpg", "ñ.style")]
    assert files_on(FAVOURITES, mine) == [ten]
    assert files_on(RECENT, mine) == [ten, BUNDLED[0].path.as_uri()]
    assert files_on("/nowhere", mine) == files_on(str(tmp_path), mine) == []
    every = files_on(ALL, mine)
    assert every[0] == ten
    assert len(every) == len(set(every)) == len(BUNDLED) + 3
    assert [uri for kind in KINDS for uri in files_on(kind, mine)] == [style.path.as_uri() for style in BUNDLED]


def test_styles_opened_out_of_sight_are_nobodys_images(console: Session) -> None:
    """Nor are they stylised with all open images; a layer that is dragged is known by what GIMP says of it."""
    console.ask(
        f'import sys; sys.path.append("{console.gimp.plug_in}")\n'
        "from decoupled_style.gallery.bundled import STYLES\n"
        "from decoupled_style.host import gallery, loop, styles\n"
        "image = new_image(8, 8); kind = Gimp.ImageType.RGB_IMAGE\n"
        'layer = Gimp.Layer.new(image, "x", 8, 8, kind, 100, Gimp.LayerMode.NORMAL)\n'
        "image.insert_layer(layer, None, 0)\n"
        "style = styles.FileStyle(Gio.File.new_for_path(str(STYLES[0].path)))"
    )
    assert console.ask("style.name") == "The Great Wave off Kanagawa"
    before = console.ask("[i.get_id() for i in styles.open_images()]")
    assert console.ask("style.drawable().get_width()") == 800
    assert console.ask("[i.get_id() for i in styles.open_images()]") == before
    hidden = console.ask("style.image.get_id()")
    todo = console.ask("[i.get_id() for i, _layers in loop.works(loop.ALL_IMAGES, image, [layer], None)]")
    assert hidden not in todo
    assert sorted(todo) == sorted(before)
    asked = '[found and found.drawable.get_id() for found in map(gallery.dragged_layer, (b"%d:%d" % (os.getppid(), '
    asked += 'layer.get_id()), b"%d:%d" % (os.getppid() + 1, layer.get_id()), b"1:", b"image"))]'
    assert console.ask(asked) == [console.ask("layer.get_id()"), None, None, None]
    console.ask("style.close(); image.delete()")


def test_gallery_in_the_dialog(window: Window, gimp: GimpUnderTest) -> None:
    """A click takes a style; favourites, folders and the clipboard; all within the smallest window."""
    for name in ("coffee", "cat"):
        open_picture(window, gimp, name)
    window.close_welcome()
    own = gimp.folder / "own"
    own.mkdir()
    with Image.open(STYLES / "halftone.jpg") as picture:
        picture.resize((90, 60)).save(own / "mine.png")
    helpers = Path(__file__).with_name("inside_dialog.py").read_text()
    window.ask(
        f"exec({helpers!r}, globals())\n"
        f'made = open_dialog("{gimp.plug_in}", cat_image, cat, "LTR"); gallery = made._gallery\n'
        "from gi.repository import Gtk\n"
        "def take(name):\n"
        "    number = [style.name for style in gallery._styles].index(name)\n"
        "    gallery._view.item_activated(Gtk.TreePath.new_from_indices([number])); settle(0.2)\n"
        "made._choices.show_gallery.set_active(True); settle(1)"
    )
    try:
        assert window.ask("[made._chooser.style.name, gallery._styles[0].name]") == ["coffee", "coffee"]
        assert window.ask("made._pointing.show_style(None) or made._pointing._says.get_text()") == "", (
            "no style to drag from"
        )
        assert window.ask("made._changed() or 'Drag' in made._pointing._says.get_text()")
        window.ask('take("The Great Wave off Kanagawa")')
        assert window.ask("made._chooser.style.name") == "The Great Wave off Kanagawa"
        window.ask("made._chooser.style.drawable(); made._pointing._show()")  # opened, and not yet shown
        assert "has no picture" not in window.ask("made._pointing._says.get_text()")
        told = "The Great Wave off Kanagawa\nKatsushika Hokusai, about 1831\nLicence: Public domain"
        assert window.ask("gallery._about.get_text()") == told
        window.ask("gallery._favourite.set_active(True); settle(0.5)")
        window.shoot("30-gallery")
        assert window.ask("cut_off(made)") == []
        assert window.ask("not_reached(made)[0]") == []
        assert window.ask("gallery._rows[0][0] is not None and gallery._rows[1][1][0]") == "★"
        window.ask('gallery.show_shelf("favourites"); settle(0.2)')
        assert window.ask("[style.name for style in gallery._styles]") == ["The Great Wave off Kanagawa"]
        window.ask(f'made._show_folder("{own}"); settle(0.3); take("mine")')
        assert window.ask("made._chooser.style.where()") == {"file": (own / "mine.png").as_uri()}
        window.ask("Gimp.edit_copy([coffee]); settle(0.3); made._incoming.paste(); settle(0.3)")
        assert window.ask("made._chooser.style.name") == "Clipboard"
        window.ask("pasted = made._chooser.style.drawable()")
        pasted, coffee = (Pictures(gimp.folder).get(window, layer)[..., :3] for layer in ("pasted", "coffee"))
        assert np.abs(pasted - coffee).max() < 1.5 / 255
        window.shoot("31-own-folder")
    finally:
        window.ask("close_dialog(made); cat_display.delete(); coffee_display.delete()")
