"""Lookup tables as other programs write them: each is read as what it means, or refused with a reason."""

from __future__ import annotations

import re
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import RegularGridInterpolator

import decouple_core as dc
from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.remarks import Remark, heard
from decouple_core.outcomes.lookup_table import identity
from decouple_core.pictures.table_apart import read
from decouple_core.pictures.transfer_curves import named
from tests.core.command_line import PIXELS, fill, picture
from tests.core.table_texts import (
    CLF_CUBE,
    CLF_MATRIX,
    CUBE_LINES,
    CUBES,
    DARK,
    DARK_3DL,
    OTHERS,
    SIZE,
    STEPS_3DL,
    THREEDLS,
    Function,
    clf,
    cube_of,
    lines,
    mixing,
    step,
    text,
    threedl,
)
from tests.core.test_cli import fails

pytestmark = pytest.mark.usefixtures("one_thread")

COLOURS = np.random.default_rng(0).random((400, 3)).astype(np.float32)


def table_of(content: str | bytes, suffix: str) -> tuple[dc.LookupTable, list[str]]:
    """A table and what is said of it, read in this process."""
    found = read(content if isinstance(content, bytes) else content.encode(), suffix, f"look{suffix}")
    curves = found.curves if len(found.curves) else None
    return dc.LookupTable(found.colours, found.title, curves=curves), [message.code for message in found.remarks]


def apart(table: dc.LookupTable, function: Function) -> float:
    """How far a table is from what it stands for, at most."""
    return float(np.abs(table.looked_up(COLOURS) - function(COLOURS)).max())


# --- text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CUBES)
def test_cube_as_people_have_it(case: str) -> None:
    content, function = CUBES[case]
    table, said = table_of(content, ".cube")
    assert apart(table, function) < 1e-5
    assert said == {
        "keywords that nobody knows": ["table-skipped"],
        "video range": ["table-video"],
        "video range on one side": ["table-video"],
        "levels": ["table-levels"],
        "levels on both sides": ["table-levels"],
    }.get(case, [])


@pytest.mark.parametrize("case", THREEDLS)
def test_3dl(case: str) -> None:
    """To the rounding of its numbers and of its steps."""
    table, said = table_of(THREEDLS[case], ".3dl")
    assert apart(table, mixing) < 0.0015
    assert said == []


def test_3dl_by_its_own_depth() -> None:
    """Not by its largest number, which in a dark table is small."""
    for content in (DARK_3DL, threedl(["3DMESH", "Mesh 2 14", STEPS_3DL], most=16383, function=DARK)):
        assert apart(table_of(content, ".3dl")[0], DARK) < 0.0005


@pytest.mark.parametrize("case", OTHERS)
def test_other_formats(case: str) -> None:
    suffix, content, function = OTHERS[case]
    table, said = table_of(content, suffix)
    assert apart(table, function) < 1e-5
    assert said == []


def test_each_axis_is_its_own() -> None:
    """A table without any order, over a domain of its own for each channel, as SciPy has it."""
    colours = np.random.default_rng(1).random((4, 4, 4, 3))
    low, high = np.array([0, -0.5, -1]), np.array([2, 1, 1.5])
    content = text(
        "LUT_3D_SIZE 4",
        "DOMAIN_MIN 0 -.5 -1",
        "DOMAIN_MAX 2 1 1.5",
        lines(colours.transpose(2, 1, 0, 3).reshape(-1, 3)),
    )
    wanted = RegularGridInterpolator([np.linspace(*ends, 4) for ends in zip(low, high, strict=True)], colours)
    assert apart(table_of(content, ".cube")[0], wanted) < 1e-5


@given(
    nodes=st.integers(2, 4),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    between=st.sampled_from([" ", "\t", "  "]),
    form=st.sampled_from(["%.9f", "%.9e", "%+.9f", "%.9g"]),
    mark=st.sampled_from(["", "\ufeff"]),
    filling=st.lists(st.sampled_from(["", "  ", "# note", "\t# note", "VENDOR 1 2", 'TITLE "a"']), max_size=6),
    behind=st.sampled_from(["", " ", "\t# note"]),
    low=st.floats(-1, 0),
    high=st.floats(1, 2),
    data=st.data(),
)
def test_cube_in_any_layout(
    nodes: int,
    end: str,
    between: str,
    form: str,
    mark: str,
    filling: list[str],
    behind: str,
    low: float,
    high: float,
    data: st.DataObject,
) -> None:
    """Words in any order, in capitals or not, and between the numbers, too."""
    words = [f"LUT_3D_SIZE{between}{nodes}", f"LUT_3D_INPUT_RANGE{between}{low:.9f}{between}{high:.9f}", *filling]
    words = data.draw(st.permutations(words))
    numbers = lines(cube_of(mixing, nodes, (low,) * 3, (high,) * 3), form, between)
    cut = data.draw(st.integers(0, len(words)))
    letters = data.draw(st.sampled_from([str.upper, str.lower]))
    content = mark + text(
        [letters(word) + behind for word in words[:cut]],
        numbers[:3],
        [letters(word) for word in words[cut:]],
        [number + behind for number in numbers[3:]],
        end=end,
    )
    assert apart(table_of(content, ".cube")[0], mixing) < 1e-4


def test_titles() -> None:
    titles = {
        "Latin-1": "café",
        "UTF-16": "café",
        "tab after the keyword": "look",
        "no title": "",
        "title without quotation marks": "my look",
    }
    assert {case: table_of(CUBES[case][0], ".cube")[0].title for case in titles} == titles
    assert table_of(text('TITLE "a #1 look" # note', SIZE, CUBE_LINES), ".cube")[0].title == "a #1 look"


def test_what_was_passed_over_is_said(tmp_path: Path) -> None:
    """In Python as a warning, to whoever listens as a message; on the way through the process of its own."""
    path = tmp_path / "look.cube"
    path.write_text(text("CREATOR me", SIZE, CUBE_LINES, "END"))
    with pytest.warns(Remark, match=rf"^{re.escape(str(path))} was read, but .*: CREATOR, END\.$"):
        table = dc.LookupTable.load(path)
    assert apart(table, mixing) < 1e-5
    said: list[Message] = []
    with heard(said.append):
        dc.LookupTable.load(path)
    assert [message.code for message in said] == ["table-skipped"]


def test_chains_of_steps() -> None:
    """What is no table before a picture's colours, and how near the table comes that stands for it."""
    square = step("Exponent", more=' style="basicFwd"').replace("></Exp", '><ExponentParams exponent="2"/></Exp')
    table, said = table_of(clf(CLF_MATRIX, square), ".clf")
    assert apart(table, lambda colours: mixing(colours) ** 2) < 1e-4
    assert said == []
    steep = square.replace('"2"', '"0.2"')
    table, said = table_of(clf(CLF_MATRIX.replace("0.02", "0").replace("0.05", "0"), steep), ".clf")
    assert said == ["table-sampled"]
    table, said = table_of(clf(square, CLF_CUBE), ".clf")
    assert apart(table, lambda colours: mixing(np.asarray(colours) ** 2)) < 1e-4
    assert said == []
    contrast = step("ASC_CDL", more=' style="Fwd"').replace(
        "></ASC", "><SOPNode><Slope>.5 .6 .7</Slope><Offset>.1 .2 .1</Offset><Power>1 1 1</Power></SOPNode></ASC"
    )
    table, said = table_of(clf(contrast, CLF_CUBE), ".clf")
    assert apart(table, lambda colours: mixing(np.asarray(colours) * (0.5, 0.6, 0.7) + (0.1, 0.2, 0.1))) < 1e-5
    assert table.nodes == 5
    table, said = table_of(clf(CLF_CUBE, square), ".clf")
    assert apart(table, lambda colours: mixing(colours) ** 2) < 1e-4


# --- other colours ------------------------------------------------------------------------------------------------

LOG = step("Log", more=' style="antiLog2"')
LINEAR = step("Log", more=' style="log2"')
SHAPER = ["5", "0.001 0.01 0.1 1 16", "0 .25 .5 .75 1"] * 3

OTHER_COLOURS = {
    "domain of linear light": (".cube", text("DOMAIN_MAX 100 100 100", SIZE, CUBE_LINES), "from 0 to 100"),
    "range of linear light": (".cube", text("LUT_3D_INPUT_RANGE -8 8", SIZE, CUBE_LINES), "from -8 to 8"),
    "gives linear light": (".cube", text(SIZE, lines(60 * cube_of(mixing))), "up to 57"),
    "curves of linear light": (".csp", text("CSPLUTV100", "3D", "", SHAPER, "", "5 5 5", CUBE_LINES), "linear light"),
    "logarithm first": (".clf", clf(LOG, CLF_CUBE), "a logarithmic curve, according to its first step"),
    "exponential first": (".clf", clf(LINEAR, CLF_CUBE), "linear light, according to its first step"),
    "described": (".clf", clf(CLF_CUBE, before="<InputDescriptor>ACEScct</InputDescriptor>"), "in ACEScct, according"),
}


@pytest.mark.parametrize("case", OTHER_COLOURS)
def test_tables_for_other_colours_are_refused(case: str) -> None:
    suffix, content, said = OTHER_COLOURS[case]
    with pytest.raises(InputError, match=re.escape(said)):
        table_of(content, suffix)


CURVES = {
    "ARRI_LogC2Video_709": "LogC",
    "AlexaV3_EI0800_LogC3 to Rec709": "LogC",
    "LogC4-ARRI": "LogC",
    "SLog3SGamut3.CineToLC-709": "S-Log",
    "S-Log2 look": "S-Log",
    "slog3_film": "S-Log",
    "V-Log_to_V-709": "V-Log",
    "VLog_to_V709_forV35": "V-Log",
    "CanonLog3-to-BT709": "Canon Log",
    "C-Log2": "Canon Log",
    "F-Log2_to_709": "F-Log",
    "FLog_to_Eterna": "F-Log",
    "N-Log to REC709": "N-Log",
    "DJI D-Log M to Rec.709": "D-Log",
    "Log3G10 look": "Log3G10",
    "REDLogFilm to sRGB": "REDLogFilm",
    "AppleLogToRec709": "Apple Log",
    "Cineon print": "Cineon",
    "ACEScct to sRGB": "ACEScct",
    "BMDFilm to Video": "Blackmagic Film",
    "HLG to SDR": "HLG",
    "PQ -> Rec709": "PQ",
    "Log to Rec709": "a logarithmic curve",
    "Generic Log2Rec709": "a logarithmic curve",
    "scene_linear to Film": "linear light",
}
COMMON = [
    "look",
    "Kodak 2383",
    "my vlog",
    "Catalog 3",
    "Analog film",
    "Analog to digital",
    "Blog",
    "Tom's logs",
    "Canon Logo",
    "Red logo",
    "dialog",
    "prologue",
    "Rec709 to S-Log3",
    "sRGB_to_LogC",
    "clog",
    "Slogan",
    "Apple blossom",
    "backlog 2",
    "Blackmagic look",
    "epilogue to summer",
    "Fuji Velvia 50",
    "",
]


@pytest.mark.parametrize("words", [*CURVES, *COMMON])
def test_curves_by_name(words: str) -> None:
    found = named(words)
    assert (None if found is None else str(found)) == CURVES.get(words)


def test_names_and_titles_are_heeded(tmp_path: Path) -> None:
    for name, title in (("SLog3ToRec709.cube", "look"), ("look.cube", "S-Log3 to Rec709")):
        (tmp_path / name).write_text(text(f'TITLE "{title}"', SIZE, CUBE_LINES))
        where = "title" if name == "look.cube" else "name"
        with pytest.raises(InputError, match=f"expects colours in S-Log, according to its {where}, but"):
            dc.LookupTable.load(tmp_path / name)


def test_our_own_titles_name_no_curve(tmp_path: Path) -> None:
    """A style's name becomes the title, whatever it is; the table is for sRGB all the same."""
    dc.LookupTable(identity(2), "HLG sunset").save(tmp_path / "look.cube")
    assert dc.LookupTable.load(tmp_path / "look.cube").title == ""


# --- pictures -----------------------------------------------------------------------------------------------------


def hald(level: int, depth: int) -> np.ndarray:
    """The picture of all colours in order, red fastest, as a closed form has it."""
    nodes, most = level**2, 2**depth - 1
    place = np.arange(nodes**3, dtype=np.int32)
    ramp = np.rint(np.arange(nodes) * (most / (nodes - 1))).astype(np.uint8 if depth == 8 else np.uint16)
    colours = np.stack([ramp[place % nodes], ramp[place // nodes % nodes], ramp[place // nodes**2]], 1)
    return colours.reshape(level**3, level**3, 3)


@pytest.mark.parametrize("level", [*range(2, 9), *(pytest.param(level, marks=pytest.mark.slow) for level in (12, 16))])
def test_hald_of_any_level(level: int, tmp_path: Path) -> None:
    path, nodes = tmp_path / "look.png", level**2
    for depth in (8, 16) if level <= 8 else (8,):
        path.write_bytes(imagecodecs.png_encode(hald(level, depth), level=1))
        table = dc.LookupTable.load(path)
        assert table.nodes == nodes
        ramp = np.linspace(0, 1, nodes, dtype=np.float32)
        for axis in range(3):
            shape = [nodes if axis == other else 1 for other in range(3)]
            assert np.abs(table.colours[..., axis] - ramp.reshape(shape)).max() < 0.5 / (2**depth - 1) + 1e-6


def test_hald_in_grey_with_a_palette_and_with_holes(tmp_path: Path) -> None:
    """And in other formats than PNG."""
    whole = PIL.Image.fromarray(hald(2, 8))
    grey = whole.convert("L")
    opacity = PIL.Image.fromarray(np.uint8([[0, 255]]).repeat(4, 1).repeat(8, 0))
    few = whole.convert("P", palette=PIL.Image.Palette.ADAPTIVE, colors=64)
    made = {
        "grey.png": (grey, np.asarray(grey)[..., None].repeat(3, 2)),
        "palette.png": (few, np.asarray(few.convert("RGB"))),
        "plain.tif": (whole, np.asarray(whole)),
        "plain.bmp": (whole, np.asarray(whole)),
    }
    for name, (image, levels) in made.items():
        image.save(tmp_path / name)
        found = dc.LookupTable.load(tmp_path / name).colours.transpose(2, 1, 0, 3).reshape(8, 8, 3)
        assert np.array_equal(np.rint(found * 255), levels), name
    deep = hald(2, 16)[..., :1].copy()
    (tmp_path / "deep grey.png").write_bytes(imagecodecs.png_encode(deep[..., 0]))
    found = dc.LookupTable.load(tmp_path / "deep grey.png").colours.transpose(2, 1, 0, 3).reshape(8, 8, 3)
    assert np.abs(found * 65535 - deep).max() < 0.01
    whole.putalpha(opacity)
    whole.save(tmp_path / "holes.png")
    with pytest.warns(Remark, match="transparent parts"):
        holes = dc.LookupTable.load(tmp_path / "holes.png")
    assert np.abs(holes.colours - identity(4)).max() < 1e-6


# --- applied ------------------------------------------------------------------------------------------------------


@given(curves=st.booleans(), nodes=st.integers(2, 5), seed=st.integers(0, 99))
def test_colours_out_of_range_are_those_at_its_end(curves: bool, nodes: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = dc.LookupTable(rng.random((nodes,) * 3 + (3,)), curves=rng.random((4, 3)) if curves else None)
    wild = rng.normal(0.5, 2, (50, 3)).astype(np.float32)
    assert np.abs(table.looked_up(wild) - table.looked_up(np.clip(wild, 0, 1))).max() < 1e-6
    corners = table.looked_up(np.float32([[-1e6, -1e6, -1e6], [1e6, 1e6, 1e6]]))
    assert curves or np.abs(corners - [table.colours[0, 0, 0], table.colours[-1, -1, -1]]).max() < 1e-6


def test_curves_come_first(tmp_path: Path) -> None:
    """Between their places along straight lines, as NumPy has them; and a file holds both as one table."""
    rng = np.random.default_rng(0)
    curves = np.sort(rng.random((5, 3)), 0)
    table = dc.LookupTable(cube_of(mixing, fastest="blue").reshape(5, 5, 5, 3), "look", curves=curves)
    ramp = np.linspace(0, 1, 5)
    wanted = mixing(np.stack([np.interp(COLOURS[:, axis], ramp, curves[:, axis]) for axis in range(3)], 1))
    assert np.abs(table.looked_up(COLOURS) - wanted).max() < 1e-5
    for name, nodes in (("look.cube", 65), ("look.png", 64)):
        table.save(tmp_path / name)
        again = dc.LookupTable.load(tmp_path / name)
        assert again.nodes == nodes
        assert np.abs(again.looked_up(COLOURS) - wanted).max() < 0.01  # a bend between two nodes is cut
    with pytest.raises(InputError, match=r"curves are of shape \(5,\)"):
        dc.LookupTable(table.colours, curves=curves[:, 0])


@pytest.mark.parametrize("name", ["look.3dl", "LOOK.CUBE", "look.clf", "look.spi1d"])
def test_command_tells_a_table_by_its_ending(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from decouple_core.command.main import main

    fill(tmp_path)
    suffix = Path(name).suffix.lower()
    content, function = {
        ".cube": CUBES["keywords that nobody knows"],
        ".3dl": (THREEDLS["Lustre"], mixing),
        ".clf": OTHERS[".clf"][1:],
        ".spi1d": OTHERS[".spi1d"][1:],
    }[suffix]
    (tmp_path / name).write_text(str(content))
    assert main(["transfer", str(tmp_path / "target.png"), str(tmp_path / name), "-o", str(tmp_path / "out.png")]) == 0
    out, err = capsys.readouterr()
    assert "by a table of" in out
    assert ("warning" in err) == (suffix == ".cube")
    wanted = np.clip(function(PIXELS / 255), 0, 1) * 255
    assert np.abs(picture(tmp_path / "out.png") - wanted).max() < (1.0 if suffix == ".3dl" else 0.51)


def test_command_refuses_other_colours(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fill(tmp_path)
    (tmp_path / "S-Log3.cube").write_text(text(SIZE, CUBE_LINES))
    said = fails(capsys, "transfer", tmp_path / "target.png", tmp_path / "S-Log3.cube", "-o", tmp_path / "out.png")
    assert "S-Log" in said
    assert not (tmp_path / "out.png").exists()
