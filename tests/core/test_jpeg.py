"""JPEG as cameras and broken copies leave it: read as far as it is there, and what is missing or ignored is said."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import skimage.data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.remarks import heard
from decouple_core.pictures.reading import read_image

PHOTOGRAPH = np.ascontiguousarray(skimage.data.astronaut()[:250, 100:333])
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
LAYOUTS = [
    {"progressive": progressive, "subsampling": subsampling}
    for progressive in (False, True)
    for subsampling in (0, 1, 2)
]


def jpeg(mode: str = "RGB", form: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(PHOTOGRAPH).convert(mode).save(file, form, quality=90, **options)
    return file.getvalue()


def read(folder: Path, content: bytes) -> tuple[np.ndarray, list[Message]]:
    """The pixels, as bytes, and what is said."""
    said: list[Message] = []
    path = folder / "a.jpg"
    path.write_bytes(content)
    with heard(said.append):
        return np.rint(read_image(path).pixels * 255).astype(np.uint8), said


def codes(said: list[Message]) -> list[str]:
    return [message.code for message in said]


def plain(content: bytes) -> np.ndarray:
    with PIL.Image.open(io.BytesIO(content)) as opened:
        return np.asarray(opened.convert("RGB"))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_without_its_end_mark(tmp_path: Path, mode: str, layout: dict[str, object]) -> None:
    content = jpeg(mode, **layout)
    whole, nothing = read(tmp_path, content)
    for cut in (content[:-2], content[:-1], content[:-2] + bytes(5000)):
        pixels, said = read(tmp_path, cut)
        np.testing.assert_array_equal(pixels, whole)
        assert codes(said) == ["jpeg-end"]
    assert nothing == []


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("end", [b"", b"\xff\xd9", b"\xff", bytes(100)], ids=["nothing", "mark", "half", "zeros"])
def test_cut_at_a_known_row(tmp_path: Path, mode: str, end: bytes) -> None:
    """Each row of blocks ends in a mark of its own here, so that what is there is known."""
    content = jpeg(mode, restart_marker_rows=1, subsampling=2)
    whole, tall = plain(content), 16 if mode == "RGB" else 8
    ends = [found.start() for found in RESTART.finditer(content, content.index(b"\xff\xda"))]
    rows = -(-len(whole) // tall)
    assert len(ends) == rows - 1
    pixels, said = read(tmp_path, content[: ends[-1]] + end)
    above = (rows - 1) * tall - 1
    np.testing.assert_array_equal(pixels[:above], whole[:above])
    assert codes(said) == ["jpeg-last-row"]
    for there in (1, rows // 2, rows - 2):
        with pytest.raises(InputError) as caught:
            read(tmp_path, content[: ends[there - 1]] + end)
        assert caught.value.message.code == "jpeg-cut"
        assert caught.value.message.arguments["share"] == 100 * there // rows


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0.0, 1.0), layout=st.sampled_from(LAYOUTS), mode=st.sampled_from(["RGB", "L", "CMYK"]))
def test_cut_anywhere(tmp_path: Path, share: float, layout: dict[str, object], mode: str) -> None:
    """What is read is the picture but for its last row of blocks; all else is one of two sentences."""
    content = jpeg(mode, **layout)
    whole = read(tmp_path, content)[0]
    cut = content[: round(share * (len(content) - 1))]
    try:
        pixels, said = read(tmp_path, cut)
    except InputError:
        with pytest.raises(InputError, match=r"is empty|or is damaged|% of it is there"):
            read(tmp_path, cut)
        assert share < 0.999
        return
    assert codes(said) in (["jpeg-end"], ["jpeg-last-row"])
    above = len(whole) if codes(said) == ["jpeg-end"] else len(whole) - 17
    np.testing.assert_array_equal(pixels[:above], whole[:above])


def test_turned_and_cut(tmp_path: Path) -> None:
    """The grey corner is elsewhere, and an end mark behind it hides nothing."""
    exif = PIL.Image.Exif()
    for flag in range(1, 9):
        exif[274] = flag
        content = jpeg(restart_marker_rows=1, exif=exif)
        end = [found.start() for found in RESTART.finditer(content, content.index(b"\xff\xda"))][-1]
        assert codes(read(tmp_path, content[:end] + b"\xff\xd9")[1]) == ["jpeg-last-row"]


def test_a_grey_corner_is_no_damage(tmp_path: Path) -> None:
    PIL.Image.new("RGB", (64, 64), (128, 128, 128)).save(tmp_path / "b.jpg")
    assert read(tmp_path, (tmp_path / "b.jpg").read_bytes())[1] == []


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(
    "tail",
    [b"\xff\xda" * 5000, b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4000, b"SEFT\xff\xd8", b"\xff\xff\xff"],
    ids=["marks", "film", "notes", "fill"],
)
def test_more_behind_it(tmp_path: Path, layout: dict[str, object], tail: bytes) -> None:
    content = jpeg(**layout)
    pixels, said = read(tmp_path, content + tail)
    np.testing.assert_array_equal(pixels, plain(content))
    assert codes(said) == ["jpeg-more"]
    assert float(str(said[0].arguments["megabytes"])) == pytest.approx(len(tail) / 1e6, rel=0.01)


def test_gigabytes_behind_it(tmp_path: Path) -> None:
    """A film of any length costs neither time nor memory."""
    content = jpeg()
    path = tmp_path / "a.jpg"
    with path.open("wb") as file:
        file.write(content + b"film")
        file.truncate(2**33)
    said: list[Message] = []
    with heard(said.append):
        pixels = read_image(path).pixels
    np.testing.assert_array_equal(pixels, plain(content) / np.float32(255))
    assert [(message.code, message.arguments["megabytes"]) for message in said] == [("jpeg-more", "8.59e+03")]


def test_padding_is_not_worth_a_word(tmp_path: Path) -> None:
    assert read(tmp_path, jpeg() + bytes(4000))[1] == []


def test_several_pictures_in_one(tmp_path: Path) -> None:
    """MPO (CIPA DC-007), as cameras write it with a preview or a second eye: the first."""
    file = io.BytesIO()
    first = PIL.Image.fromarray(PHOTOGRAPH)
    first.save(file, "MPO", save_all=True, append_images=[first.rotate(90)], quality=90)
    pixels, said = read(tmp_path, file.getvalue())
    np.testing.assert_array_equal(pixels, plain(jpeg()))
    assert codes(said) == ["jpeg-more"]


def test_marks_within_notes_are_none_of_the_picture(tmp_path: Path) -> None:
    """A thumbnail has its own marks."""
    notes = b"\xff\xda\xff\xd9" * 4000
    pixels, said = read(tmp_path, jpeg(comment=notes))
    np.testing.assert_array_equal(pixels, plain(jpeg()))
    assert said == []


def test_lacks_its_last_passes(tmp_path: Path) -> None:
    """Of a progressive one every row is there, and none is whole."""
    content = jpeg(progressive=True)
    scans = [found.start() for found in re.finditer(rb"\xff\xc4|\xff\xda", content)]
    for end in (scans[-1], scans[-1] + 5):
        with pytest.raises(InputError, match="0 % of it is there"):
            read(tmp_path, content[:end])
