"""Lookup tables: what they make of a picture, what is in their files, and how near they come to a photograph."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import numpy as np
import PIL.Image
import PIL.ImageFilter
import pytest
import scipy.sparse as sp
import skimage.color
import skimage.data
import tifffile
from scipy.interpolate import RegularGridInterpolator
from scipy.sparse.linalg import spsolve

import decouple_core as dc
from decouple_contract.errors import InputError
from decouple_core.features.colour_difference import ciede2000, cielab
from decouple_core.outcomes import table_fit
from decouple_core.outcomes.lookup_table import identity
from decouple_core.outcomes.table_fit import fit
from decouple_core.pictures.table_apart import read
from decouple_core.pictures.table_files import stored_nodes
from tests.core.command_line import fill, picture, succeeds
from tests.core.test_cli import fails

pytestmark = pytest.mark.usefixtures("one_thread")

QUICK = ["--layers", "1", "--network", "vgg16", "--device", "cpu"]


def curved(nodes: int, seed: int = 0) -> np.ndarray:
    """A table like those of photographs: contrast, a cast, a turn of the hues, and a little of everything."""
    grid = identity(nodes).astype(np.float64)
    turned = grid @ np.array([[0.8, 0.15, 0.05], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]])
    wave = 0.02 * np.sin(7 * grid[..., ::-1] + np.random.default_rng(seed).random(3))
    return np.clip(0.05 + 0.9 * turned**1.2 + wave, 0.0, 1.0).astype(np.float32)


@pytest.fixture
def table() -> dc.LookupTable:
    return dc.LookupTable(curved(17), "curved")


# --- applied ------------------------------------------------------------------------------------------------------


def test_applied_as_by_others(table: dc.LookupTable) -> None:
    """SciPy's linear interpolation, to rounding; Pillow's, which computes with 8 bits, to one step."""
    picture = skimage.data.astronaut()[::7, ::5]
    ramp = np.linspace(0, 1, 17)
    wanted = RegularGridInterpolator((ramp, ramp, ramp), table.colours)(picture / 255)
    assert np.abs(table.apply((picture / 255).astype(np.float32)) - wanted).max() < 1e-5
    flat = table.colours.transpose(2, 1, 0, 3).reshape(-1)
    pillows = PIL.Image.fromarray(picture).filter(PIL.ImageFilter.Color3DLUT(17, flat.tolist()))
    assert np.abs(np.asarray(pillows, int) - table.apply(picture)).max() <= 1


def test_a_picture_stays_what_it_was(table: dc.LookupTable) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 4), np.uint16)
    result = table.apply(deep)
    assert result.dtype == np.uint16
    assert np.array_equal(result[..., 3], deep[..., 3])
    assert table.apply(PIL.Image.new("LA", (3, 2))).mode == "LA"


# --- in files -----------------------------------------------------------------------------------------------------


def test_cube_is_by_the_specification(table: dc.LookupTable, tmp_path: Path) -> None:
    """Read by a few lines that know the specification alone: red changes fastest."""
    path = tmp_path / "look.cube"
    dc.LookupTable(table.colours, 'a "title"\nof ñ').save(path)
    lines = path.read_text("ascii").splitlines()
    assert lines[:4] == ['TITLE "a ?title??of ?"', "LUT_3D_SIZE 17", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 1 1 1"]
    rows = [[float(number) for number in line.split()] for line in lines[4:]]
    for red, green, blue in ((0, 0, 0), (3, 0, 0), (0, 5, 0), (0, 0, 16), (16, 2, 7)):
        assert np.abs(rows[red + 17 * green + 289 * blue] - table.colours[red, green, blue]).max() <= 1e-6
    again = dc.LookupTable.load(path)
    assert np.abs(again.colours - table.colours).max() <= 1e-6


def test_hald_is_a_picture_of_every_colour(tmp_path: Path) -> None:
    """Of the identity it is the picture of all colours in order, to be passed through whatever is to be kept."""
    path = tmp_path / "look.png"
    dc.LookupTable(identity(16)).save(path)
    levels = picture(path) if picture(path).dtype == np.uint8 else picture(path) // 257  # Pillow gives 8 bits of 16
    assert levels.shape == (64, 64, 3)
    flat = levels.reshape(-1, 3).astype(int)
    place = np.arange(16**3)
    assert np.array_equal(flat, np.stack([place % 16, place // 16 % 16, place // 256], 1) * 17)
    dc.LookupTable(curved(25)).save(path)
    assert np.abs(dc.LookupTable.load(path).colours - curved(25)).max() <= 0.5 / 65535 + 1e-7


def test_nodes_that_a_hald_can_hold(table: dc.LookupTable, tmp_path: Path) -> None:
    assert [stored_nodes(".png", nodes) for nodes in (17, 33, 65)] == [16, 36, 64]
    assert stored_nodes(".cube", 33) == 33
    with pytest.raises(InputError, match="fit a table with 16"):
        table.save(tmp_path / "look.png")
    with pytest.raises(InputError, match=r"save it as \.png"):
        dc.LookupTable(identity(144)).save(tmp_path / "look.cube")
    assert list(tmp_path.iterdir()) == []


def cube(*head: str, nodes: int = 2, lines: int | None = None, line: str = "0 0.5 1") -> str:
    """A file of equal colours."""
    return "\n".join([*head, f"LUT_3D_SIZE {nodes}", *[line] * (nodes**3 if lines is None else lines), ""])


def test_cube_as_others_write_it(tmp_path: Path) -> None:
    path = tmp_path / "look.CUBE"
    path.write_text(
        "# made by hand\r\n\r\n" + cube('TITLE "by hand"', "LUT_3D_INPUT_RANGE 0.0 1.0", line="+0.0e0  .5\t1.25 ")
    )
    table = dc.LookupTable.load(path)
    assert (table.title, table.nodes) == ("by hand", 2)
    assert np.array_equal(table.colours, np.tile(np.float32([0, 0.5, 1.25]), (2, 2, 2, 1)))


DAMAGED = {
    "empty": "",
    "not text": "\udcff\udcfe",
    "a word": "LUT",
    "no colours": "LUT_3D_SIZE 2\n",
    "one line short": cube(lines=7),
    "one line more": cube(lines=9),
    "two numbers": cube(line="0 1"),
    "four numbers": cube(line="0 0 0 0"),
    "no number": cube(line="0 nan 1"),
    "infinite": cube(line="0 1e400 1"),
    "nothing but NaN": cube(line="nan nan nan"),
    "a number's beginning": cube(line="0 1-2 1"),
    "commas": cube(line="0,5 0 1"),
    "other digits": cube(line="0 \u0661 1"),
    "a long number": cube(line=f"0 0.{'1' * 300} 1"),
    "huge": cube(line="0 1e30 1"),
    "code": cube(line="0 __import__('os') 1"),
    "no size": "0 0 0\n" * 8,
    "negative": cube(nodes=-2, lines=8),
    "one node": cube(nodes=1),
    "many nodes": cube(nodes=256, lines=8),
    "more than memory": cube(nodes=10**9, lines=8),
    "endless nodes": "LUT_3D_SIZE 1e999\n0 0 0\n",
    "a size in words": "LUT_3D_SIZE two\n0 0 0\n",
    "no size at all": "LUT_3D_SIZE\n0 0 0\n",
    "curves of one step": "LUT_1D_SIZE 1\n0 0 0\n",
    "curves without end": "LUT_1D_SIZE 999999999\n0 0 0\n",
    "another domain": cube("DOMAIN_MAX 100 100 100"),
    "a domain of words": cube("DOMAIN_MAX a b c"),
    "a domain of one number": cube("DOMAIN_MAX 1"),
    "a domain without width": cube("DOMAIN_MIN 1 1 1"),
    "a domain of NaN": cube("DOMAIN_MAX nan nan nan"),
    "comments without end": "# x\n" * 5000,
    "words without end": cube(*(f"WORD_{number}" for number in range(200))),
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_what_is_no_table_is_refused(content: str) -> None:
    """In the process that reads it; what it raises becomes a sentence."""
    with pytest.raises((ValueError, IndexError, OverflowError)):
        read(content.encode(errors="surrogateescape"), ".cube", "look.cube")


@pytest.mark.parametrize("case", ["empty", "two numbers", "huge", "many nodes", "another domain"])
def test_refusals_are_sentences(case: str, tmp_path: Path) -> None:
    path = tmp_path / "look.cube"
    path.write_text(DAMAGED[case])
    with pytest.raises(InputError) as refused:
        dc.LookupTable.load(path)
    assert re.match(rf"{re.escape(str(path))} .+; .+\.$", str(refused.value))


def test_pictures_and_folders_are_refused(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (64, 63)).save(tmp_path / "look.png")
    (tmp_path / "folder.cube").mkdir()
    for name, said in (("look.png", "not a HaldCLUT"), ("folder.cube", "is a folder"), ("none.cube", "no file")):
        with pytest.raises(InputError, match=said):
            dc.LookupTable.load(tmp_path / name)
    for colours in (np.zeros((3, 3, 3)), np.full((3, 3, 3, 3), np.nan), np.zeros((1, 1, 1, 3)), np.float32(0)):
        with pytest.raises(InputError, match="shape"):
            dc.LookupTable(colours)


# --- the colour difference ----------------------------------------------------------------------------------------


def test_colour_difference_is_that_of_scikit_image() -> None:
    rng = np.random.default_rng(0)
    first = rng.random((2000, 3))
    second = np.clip(first + rng.normal(0, 0.2, first.shape), 0, 1)
    first[:50], second[:20] = first[:50, :1], second[:20, :1]  # grey ones
    assert np.abs(cielab(first) - skimage.color.rgb2lab(first)).max() < 0.01  # its matrix has six digits
    labs = skimage.color.rgb2lab(first), skimage.color.rgb2lab(second)
    assert np.abs(ciede2000(*labs) - skimage.color.deltaE_ciede2000(*labs)).max() < 1e-9


# --- fitted -------------------------------------------------------------------------------------------------------


def by_scipy(pixels: np.ndarray, results: np.ndarray, weights: np.ndarray, nodes: int) -> np.ndarray:
    """The least of the same energy, without its rise, by a direct solve."""
    places = np.clip(pixels, 0, 1) * (nodes - 1)
    low = np.minimum(places.astype(int), nodes - 2)
    parts = []
    for corner in itertools.product((0, 1), repeat=3):
        share = np.prod(np.where(corner, places - low, 1 - places + low), 1)
        node = np.ravel_multi_index((low + corner).T, (nodes,) * 3)
        parts.append(sp.csr_matrix((share, (np.arange(len(pixels)), node)), (len(pixels), nodes**3)))
    data, spacing = sum(parts), 1 / (nodes - 1)
    bend = sp.diags([1.0, -2.0, 1.0], [0, 1, 2], (nodes - 2, nodes))
    eye = sp.eye(nodes)
    bends = [
        sp.kron(sp.kron(*(bend if axis == place else eye for place in (0, 1))), bend if axis == 2 else eye)
        for axis in range(3)
    ]
    of_data = sp.diags(weights / weights.sum())
    system = (
        data.T @ of_data @ data
        + table_fit.SMOOTHNESS / spacing * sum(b.T @ b for b in bends)
        + table_fit.PULL * spacing**3 * sp.eye(nodes**3)
    )
    start = identity(nodes).reshape(-1, 3)
    change = spsolve(system.tocsc(), data.T @ of_data @ (results - pixels))
    return np.clip(start + change, 0, 1).reshape(nodes, nodes, nodes, 3)


def test_fit_is_the_least_squares_of_a_direct_solver() -> None:
    """Colours that fill a part of the cube, noisy results, a mask; nothing falls, so the rise has no say."""
    rng = np.random.default_rng(0)
    pixels = rng.random((60, 80, 3)).astype(np.float32) * np.float32([0.7, 0.9, 0.6])
    results = dc.LookupTable(curved(33)).apply(pixels) + rng.normal(0, 0.01, pixels.shape).astype(np.float32)
    weights = np.linspace(0, 1, 80, dtype=np.float32)[None].repeat(60, 0)
    results[:, 0] = 0.0  # where nothing counts
    wanted = by_scipy(*(each.reshape(-1, 3).astype(float) for each in (pixels, results)), weights.reshape(-1), 9)
    found = fit(pixels, results, weights, 9, "", lambda share: None)
    assert np.abs(found.colours - wanted).max() < 2 / 255
    assert np.abs(found.colours - wanted).mean() < 0.1 / 255


def test_a_table_is_found_again() -> None:
    """From a photograph's own colours; between the nodes of another number it cannot be exact."""
    pixels = (skimage.data.coffee()[::2, ::2] / 255).astype(np.float32)
    known = dc.LookupTable(curved(17))
    found = fit(pixels, known.apply(pixels), None, 33, "", lambda share: None)
    assert found.nearness is not None
    assert found.nearness.mean < 0.2
    difference = ciede2000(cielab(known.apply(pixels)), cielab(found.apply(pixels)))
    assert found.nearness.mean == pytest.approx(difference.mean(), abs=1e-6)
    assert found.nearness.p95 == pytest.approx(np.percentile(difference, 95), abs=1e-2)
    other = (skimage.data.chelsea()[::2, ::2] / 255).astype(np.float32)  # another picture, with other colours
    assert ciede2000(cielab(known.apply(other)), cielab(found.apply(other))).mean() < 2.0


def test_what_is_brighter_stays_brighter() -> None:
    """Although the results fall: dark colours were made bright, and bright ones dark."""
    pixels = np.random.default_rng(0).random((100, 100, 3)).astype(np.float32)
    luma = pixels @ np.float32([0.2126, 0.7152, 0.0722])
    results = np.where((luma > 0.5)[..., None], pixels * 0.6, pixels * 1.2).astype(np.float32)
    colours = fit(pixels, results, None, 17, "", lambda share: None).colours @ np.float32([0.2126, 0.7152, 0.0722])
    rises = colours[1:, 1:, 1:] - colours[:-1, :-1, :-1]
    assert rises.min() > -0.03
    assert np.diff(np.diagonal(np.diagonal(colours))).min() > -0.005
    assert (dc.LookupTable(curved(17)).colours >= 0).all()


# --- by command ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures(weights: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a target, a style and the target's look."""
    return fill(tmp_path_factory.mktemp("pictures"))


def test_command_keeps_a_look_and_applies_it(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, style = pictures / "target.png", pictures / "style.jpg"
    look, hald, out = (pictures / name for name in ("look.cube", "look.png", "out.png"))
    said = succeeds(capsys, "lut", target, style, "-o", look, "--nodes", "17", *QUICK)
    mean, p95 = map(float, re.search(r": 17 nodes, ΔE2000 .* ([\d.]+) on average and ([\d.]+) at", said).groups())
    whole = dc.Settings(mode="photo", layers=1, network="vgg16", device="cpu", correspondence="off")
    photograph = dc.transfer(target, style, whole).image
    table = dc.LookupTable.load(look)
    assert table.title == "style"
    assert "16 nodes" in succeeds(capsys, "lut", target, style, "-o", hald, "--nodes", "17", *QUICK)
    for words in ((look,), ("--lut", hald)):
        succeeds(capsys, "transfer", target, *words, "-o", out)
        difference = skimage.color.deltaE_ciede2000(*(skimage.color.rgb2lab(p) for p in (photograph, picture(out))))
        assert difference.mean() == pytest.approx(mean, abs=0.3)
        assert np.percentile(difference, 95) == pytest.approx(p95, abs=0.6)
    assert np.array_equal(picture(out), dc.LookupTable.load(hald).apply(picture(target)))


def test_a_look_keeps_depth_and_alpha_and_heeds_mask_and_strength(
    pictures: Path, table: dc.LookupTable, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 4), np.uint16)
    target, look, out = pictures / "deep.tif", pictures / "curved.cube", pictures / "out.tif"
    tifffile.imwrite(target, deep, photometric="rgb", extrasamples=["unassalpha"])
    table.save(look)
    succeeds(capsys, "transfer", target, look, "-o", out)
    result = tifffile.imread(out)
    assert result.dtype == np.uint16
    assert np.abs(result.astype(int) - table.apply(deep)).max() <= 1
    mask = np.zeros((20, 30), np.uint8)
    mask[:10] = 255
    PIL.Image.fromarray(mask).save(pictures / "mask.png")
    succeeds(capsys, "transfer", target, look, "-o", out, "--target-mask", pictures / "mask.png", "--strength", "0.5")
    half = tifffile.imread(out).astype(int)
    assert np.abs(half[10:] - deep[10:]).max() <= 1
    assert np.abs(half[:10] * 2 - deep[:10] - table.apply(deep)[:10].astype(int)).max() <= 2


def test_command_refuses(pictures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, style = pictures / "target.png", pictures / "style.jpg"
    look = pictures / "some.cube"
    look.write_text(cube())
    assert "picture of" in fails(capsys, "transfer", target, "--lut", style, "-o", pictures / "no.png")
    assert "leave out" in fails(capsys, "transfer", target, look, "-o", pictures / "no.png", "--report", pictures / "r")
    assert "choose .cube or .png" in fails(capsys, "lut", target, style, "-o", pictures / "no.tif", *QUICK)
    assert "choose a number" in fails(capsys, "lut", target, style, "-o", pictures / "no.cube", "--nodes", "66", *QUICK)
    assert list(pictures.glob("no.*")) == []
