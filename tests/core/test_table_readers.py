"""Lookup tables in other programs, from Debian: each makes of a picture what we do, within 1/255."""

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
    run(program, "-loglevel", "error", "-i", picture, "-vf", f"format=gbrp16,lut3d=file={look}:interp=trilinear",
        "-pix_fmt", "rgb48be", out)


def by_imagemagick(program: str, picture: Path, look: Path, out: Path) -> None:
    run(program, picture, look, "-hald-clut", "-depth", "16", f"png48:{out}")


def run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, timeout=60, stdin=subprocess.DEVNULL)


READERS = {"FFmpeg, .cube": ("ffmpeg", by_ffmpeg, 17, ".cube"),
           "ImageMagick, HaldCLUT": ("imagemagick", by_imagemagick, 16, ".png")}


@pytest.mark.parametrize(("program", "apply", "nodes", "ending"), READERS.values(), ids=READERS)
def test_others_read_our_tables(programs: dict[str, str], tmp_path: Path, program: str,
                                apply: Callable[[str, Path, Path, Path], None], nodes: int, ending: str) -> None:
    """With 16 bits all the way, so that nothing is lost in rounding."""
    table = dc.LookupTable(curved(nodes))
    look, picture, out = tmp_path / f"look{ending}", tmp_path / "picture.png", tmp_path / "out.png"
    table.save(look)
    deep = skimage.data.astronaut()[::4, ::4].astype(np.uint16) * 257
    picture.write_bytes(imagecodecs.png_encode(deep))
    apply(programs[program], picture, look, out)
    theirs = imagecodecs.png_decode(out.read_bytes()).astype(int)
    apart = np.abs(theirs - table.apply(deep).astype(int)).max() / 65535
    print(f"{program}: {apart * 255:.3f}/255 apart")  # pytest -s shows it
    assert apart < 1 / 255
    assert np.abs(theirs - deep.astype(int)).mean() / 65535 > 0.03, "the table changes little; that says little"
