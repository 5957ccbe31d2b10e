"""Lookup tables and other programs, from Debian: each makes of a picture what we do, of our tables and of others'."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import skimage.data

import decouple_core as dc
from tests.core.table_texts import OTHERS, cube_of, curve_of, curving, lines, mixing, text, threedl
from tests.core.test_lookup_table import curved

SETUP = Path(__file__).with_name("setup_table_readers")


@pytest.fixture(scope="module")
def programs() -> dict[str, str]:
    """The commands of both; in continuous integration their absence is a failure."""
    done = subprocess.run([SETUP], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["setup_table_readers failed"])[-1]
        if os.environ.get("DECOUPLE_REQUIRE_GIMP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return dict(zip(("ffmpeg", "imagemagick"), done.stdout.split()[-2:], strict=True))


def by_ffmpeg(program: str, picture: Path, look: Path, out: Path) -> None:
    run(
        program,
        "-loglevel",
        "error",
        "-i",
        picture,
        "-vf",
        f"format=gbrp16,lut3d=file={look}:interp=trilinear",
        "-pix_fmt",
        "rgb48be",
        out,
    )


def by_ffmpeg_curves(program: str, picture: Path, look: Path, out: Path) -> None:
    run(
        program,
        "-loglevel",
        "error",
        "-i",
        picture,
        "-vf",
        f"format=gbrp16,lut1d=file={look}:interp=linear",
        "-pix_fmt",
        "rgb48be",
        out,
    )


def by_imagemagick(program: str, picture: Path, look: Path, out: Path) -> None:
    run(program, picture, look, "-hald-clut", "-depth", "16", f"png48:{out}")


def run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, timeout=60, stdin=subprocess.DEVNULL)


READERS = {
    "FFmpeg, .cube": ("ffmpeg", by_ffmpeg, 17, ".cube"),
    "ImageMagick, HaldCLUT": ("imagemagick", by_imagemagick, 16, ".png"),
}


@pytest.mark.parametrize(("program", "apply", "nodes", "ending"), READERS.values(), ids=READERS)
def test_others_read_our_tables(
    programs: dict[str, str],
    tmp_path: Path,
    program: str,
    apply: Callable[[str, Path, Path, Path], None],
    nodes: int,
    ending: str,
) -> None:
    """With 16 bits all the way, so that nothing is lost in rounding."""
    table = dc.LookupTable(curved(nodes))
    look = tmp_path / f"look{ending}"
    table.save(look)
    alike(programs[program], apply, look, tmp_path)


def alike(program: str, apply: Callable[[str, Path, Path, Path], None], look: Path, folder: Path) -> None:
    """Look the colours of a picture of 16 bits up, here and there."""
    picture, out = folder / "picture.png", folder / "out.png"
    deep = skimage.data.astronaut()[::4, ::4].astype(np.uint16) * 257
    picture.write_bytes(imagecodecs.png_encode(deep))
    apply(program, picture, look, out)
    theirs = np.atleast_3d(imagecodecs.png_decode(out.read_bytes())).astype(int)
    ours = dc.LookupTable.load(look).apply(deep).astype(int)
    apart = np.abs(theirs - ours).max() / 65535
    print(f"{Path(program).name}, {look.name}: {apart * 255:.3f}/255 apart")  # pytest -s shows it
    assert apart < 1 / 255
    assert np.abs(ours - deep.astype(int)).mean() / 65535 > 0.03, "the table changes little; that says little"


STEPS_17 = " ".join(str(min(1023, 64 * step)) for step in range(17))
FOREIGN = {
    "FFmpeg, .cube of another domain": (
        "ffmpeg",
        by_ffmpeg,
        ".cube",
        text("LUT_3D_SIZE 9", "DOMAIN_MIN 0 0 0", "DOMAIN_MAX 2 2 2", lines(cube_of(mixing, 9, high=(2, 2, 2)))),
    ),
    "FFmpeg, .3dl": ("ffmpeg", by_ffmpeg, ".3dl", threedl([STEPS_17], 17)),
    "FFmpeg, .csp": ("ffmpeg", by_ffmpeg, ".csp", OTHERS[".csp without notes"][1]),
    "FFmpeg, .cube of curves": (
        "ffmpeg",
        by_ffmpeg_curves,
        ".cube",
        text("LUT_1D_SIZE 9", lines(curve_of(lambda colours: curving(colours) ** 2))),
    ),
}


@pytest.mark.parametrize(("program", "apply", "ending", "content"), FOREIGN.values(), ids=FOREIGN)
def test_others_read_other_tables_as_we_do(
    programs: dict[str, str],
    tmp_path: Path,
    program: str,
    apply: Callable[[str, Path, Path, Path], None],
    ending: str,
    content: str,
) -> None:
    look = tmp_path / f"look{ending}"
    look.write_text(content)
    alike(programs[program], apply, look, tmp_path)


@pytest.mark.parametrize("level", [3, 8])
def test_imagemagick_reads_grey_and_small_halds_as_we_do(programs: dict[str, str], tmp_path: Path, level: int) -> None:
    """What was made grey makes grey pictures."""
    colours = (curved(level**2).transpose(2, 1, 0, 3).reshape(level**3, level**3, 3) * 65535).astype(np.uint16)
    look = tmp_path / "look.png"
    for levels in (colours, colours[..., 1]):
        look.write_bytes(imagecodecs.png_encode(np.ascontiguousarray(levels)))
        alike(programs["imagemagick"], by_imagemagick, look, tmp_path)
