"""Thousands of damaged and malicious inputs: a result or one of our errors, never another, and nothing is printed.

Each kind is mutated from sound ones with a fixed seed. What none of them may do is to hang (the time limit dumps the
stacks and ends the run) or to leave memory or files behind.
"""

from __future__ import annotations

import copy
import faulthandler
import gc
import importlib
import importlib.util
import io
import json
import os
import re
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile
import torch

from decouple_contract import errors
from decouple_contract.errors import DecoupleError, InputError, ProtocolError
from decouple_contract.jobs import Transfer
from decouple_contract.messages import Message
from decouple_contract.remarks import heard
from decouple_contract.settings import Settings
from decouple_core.features.colour import ColourMoments
from decouple_core.features.style import ScaleFeatures, Style
from decouple_core.model.heap import give_back
from decouple_core.outcomes.lookup_table import LookupTable
from decouple_core.pictures.reading import read_image, read_mask
from installer.plug_in import copy_plug_in
from tests.core.table_texts import all_texts
from tests.faults.made import exr, heif, tiff

HANG_SECONDS = 60.0
"""A single input takes milliseconds."""


@pytest.fixture(autouse=True)
def _no_hang() -> Iterator[None]:
    yield
    faulthandler.cancel_dump_traceback_later()


def watch() -> None:
    """Start the clock anew."""
    faulthandler.dump_traceback_later(HANG_SECONDS, exit=True)


# --- mutations ----------------------------------------------------------------------------------------------------


def mutated_bytes(rng: np.random.Generator, content: bytes) -> bytes:
    """Bytes flipped, set to extremes, cut out, doubled or cut off, mostly near the start, where headers are."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        reach = max(1, min(len(data), int(rng.choice([40, 200, len(data) or 1]))))
        place = int(rng.integers(reach))
        kind = rng.integers(7)
        if kind == 0 and data:
            data[place % len(data)] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[place : place + 4] = bytes(rng.choice([0, 255, 127, 128], 4).astype(np.uint8))
        elif kind == 2:
            data[place : place + 2] = rng.bytes(2)
        elif kind == 3:
            del data[place : place + int(rng.integers(1, 30))]
        elif kind == 4:
            data[place:place] = data[place : place + int(rng.integers(1, 30))]
        elif kind == 5 and rng.random() < 0.3:
            del data[int(rng.integers(len(data) + 1)) :]
        else:
            data[place : place + 8] = rng.bytes(8)
    return bytes(data)


NEST: Any = []
for _ in range(300):
    NEST = [NEST]

HOSTILE = [
    None,
    True,
    False,
    0,
    -1,
    1,
    2**31,
    2**63,
    -(2**200),
    10**400,
    0.5,
    -0.0,
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x",
    "\0",
    "../../etc/passwd",
    "{path}",
    "{0.__class__}",
    "x" * 10_000,
    "\ud800",
    [],
    {},
    [[]],
    [None],
    NEST,
    {"": {}},
    {"__class__": "x"},
    [1e9] * 64,
    "python/object/apply:os.system",
]


def mutated_values(rng: np.random.Generator, values: Any) -> Any:
    """Plain values of which some are replaced, removed, renamed or doubled somewhere."""
    made = copy.deepcopy(values)
    for _ in range(int(rng.integers(1, 4))):
        place, key = somewhere(rng, made)
        kind = rng.integers(5)
        if place is None:
            return HOSTILE[int(rng.integers(len(HOSTILE)))]
        if kind == 0 and len(place):
            del place[key]
        elif kind == 1 and isinstance(place, dict):
            place[f"{key}{rng.integers(9)}"] = place.pop(key)
        elif kind == 2 and isinstance(place, list):
            place.insert(0, place[key])
        else:
            place[key] = HOSTILE[int(rng.integers(len(HOSTILE)))]
    return made


def somewhere(rng: np.random.Generator, values: Any) -> tuple[Any, Any]:
    """A container within plain values, and one of its keys; None where there is none."""
    place, key = None, None
    here = values
    while isinstance(here, (dict, list)) and len(here) and (place is None or rng.random() < 0.7):
        place = here
        key = list(here)[int(rng.integers(len(here)))] if isinstance(here, dict) else int(rng.integers(len(here)))
        here = here[key]
    return place, key


def endured(
    makes: Callable[[int], Callable[[], object]],
    count: int,
    allowed: tuple[type[Exception], ...],
    capfd: pytest.CaptureFixture[str],
) -> int:
    """Try so many inputs, each of which gives a result or one of these errors; returns how many were refused.

    Of the second half, none is left in memory: no more than a rounding of what the process has.
    """
    refused, sizes, travelled = 0, [], []
    for number in range(count):
        attempt = makes(number)
        if number % 100 == 0:
            watch()
        try:
            with heard(lambda message: None):
                attempt()
        except allowed as error:
            refused += 1
            travelled.append(
                not isinstance(error, DecoupleError)
                or errors.from_dict(json.loads(json.dumps(error.as_dict()))).message == error.message
            )
        if number in (count // 2, count - 1):
            gc.collect()
            give_back()  # another test may have told the C library to keep what is free
            sizes.append((resident(), len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else 0))
    assert all(travelled), "the sentences arrive at the plug-in"
    assert capfd.readouterr() == ("", "")
    (memory, files), (later, later_files) = sizes
    assert later_files <= files
    assert later - memory < 2**26, "what was tried stays in memory"  # 32 kB a picture would; the heap moves by 36 MB
    return refused


def resident() -> int:
    """Bytes of memory of this process; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# --- pictures -----------------------------------------------------------------------------------------------------


def sound_pictures() -> dict[str, bytes]:
    """Of the formats that are decoded in this process; small, so that they are many."""
    rng = np.random.default_rng(0)
    eight, deep = rng.integers(0, 256, (9, 11, 3), np.uint8), rng.integers(0, 65536, (9, 11, 4), np.uint16)
    made: dict[str, bytes] = {
        "png16": imagecodecs.png_encode(deep),
        "tiff16": tiff(11, 9, 3),
        "tiff2": tiff(11, 9, 2, photometric=1),
    }
    for name, mode, options in (
        ("png", "RGB", {"icc_profile": imagecodecs.cms_profile("adobergb")}),
        ("png", "P", {}),
        ("png", "LA", {}),
        ("png", "1", {}),
        ("jpeg", "RGB", {"quality": 80}),
        ("jpeg", "CMYK", {}),
        ("jpeg", "L", {"progressive": True}),
        ("gif", "P", {}),
        ("bmp", "RGB", {}),
        ("webp", "RGBA", {"lossless": True}),
        ("webp", "RGB", {}),
        ("ppm", "RGB", {}),
        ("ppm", "L", {}),
    ):
        file = io.BytesIO()
        PIL.Image.fromarray(eight).convert(mode).save(file, name, **options)
        made[f"{name} {mode} {sorted(options)}"] = file.getvalue()
    for kind, bits in (("rgb", 12), ("cielab", 16), ("icclab", 8), ("separated", 16), ("miniswhite", 16)):
        file, grey = io.BytesIO(), kind == "miniswhite"
        data = rng.integers(0, 2**bits, (9, 11) if grey else (9, 11, 4 if kind == "separated" else 3))
        tifffile.imwrite(file, data.astype(np.uint8 if bits == 8 else np.uint16), photometric=kind, bitspersample=bits)
        made[f"tiff {kind}"] = file.getvalue()
    for dtype in (np.float16, np.float32, np.float64, np.uint32):
        for planar in ("contig", "separate")[: 1 + (dtype is np.float32)]:
            file = io.BytesIO()
            data = rng.random((9, 11, 3) if planar == "contig" else (3, 9, 11)).astype(dtype)
            packed = {"compression": "zlib", "predictor": dtype == np.float32} if planar == "contig" else {}
            tifffile.imwrite(file, data, photometric="rgb", planarconfig=planar, iccprofile=b"no profile", **packed)
            made[f"tiff {np.dtype(dtype)} {planar}"] = file.getvalue()
    return made


def apart_pictures() -> dict[str, bytes]:
    """Of the formats that are decoded in a process of their own."""
    eight = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    made = {}
    for name, mode, options in (
        ("tiff", "RGB", {"compression": "tiff_lzw"}),
        ("tiff", "CMYK", {}),
        ("tiff", "1", {"compression": "group4"}),
        ("tiff", "RGB", {"compression": "jpeg"}),
        ("tiff", "P", {}),
        ("jpeg2000", "RGB", {}),
        ("avif", "RGB", {}),
    ):
        file = io.BytesIO()
        try:
            PIL.Image.fromarray(eight).convert(mode).save(file, name, **options)
        except (KeyError, OSError):  # this Pillow was made without it
            continue
        made[f"{name} {mode} {options}"] = file.getvalue()
    if importlib.util.find_spec("pillow_jxl"):
        made["jxl"] = imagecodecs.jpegxl_encode(eight, lossless=True, usecontainer=True)
    if importlib.util.find_spec("pillow_heif"):
        made["heic"] = heif("HEIC", 64, tiles=(2, 2))
    made["avif of 12"] = imagecodecs.avif_encode(np.zeros((64, 64, 3), np.uint16), bitspersample=12)
    made["jpeg2000 of 12"] = imagecodecs.jpeg2k_encode(np.zeros((9, 11, 3), np.uint16), bitspersample=12)
    file = io.BytesIO()
    tifffile.imwrite(file, eight.astype(np.uint16), photometric="rgb", compression="jpegxl")
    made["tiff of JPEG XL"] = file.getvalue()
    if importlib.util.find_spec("OpenEXR"):
        made["exr"] = exr(eight.astype(np.float16) / 255)
    return made


@pytest.mark.parametrize(("pictures", "count"), [(sound_pictures, 4000), (apart_pictures, 40)])
def test_pictures(
    tmp_path: Path, pictures: Callable[[], dict[str, bytes]], count: int, capfd: pytest.CaptureFixture[str]
) -> None:
    rng, path, sound = np.random.default_rng(1), tmp_path / "a.png", list(pictures().values())
    for content in sound:
        path.write_bytes(content)
        assert read_image(path).pixels.size

    def make(number: int) -> Callable[[], object]:
        path.write_bytes(mutated_bytes(rng, sound[number % len(sound)]))
        return read if number % 5 else lambda: read_mask(path, (9, 11))

    def read() -> None:
        image = read_image(path)
        assert image.pixels.dtype == np.float32
        assert image.pixels.shape[2] == 3
        assert image.pixels.size
        assert 0 <= image.pixels.min() <= image.pixels.max() <= 1
        assert image.alpha is None or image.alpha.shape == image.pixels.shape[:2]

    assert 0 < endured(make, count, (InputError, errors.OutOfMemoryError), capfd) < count


# --- lookup tables ------------------------------------------------------------------------------------------------


WORDS = [
    b"0",
    b"-1",
    b"2",
    b"3",
    b"65",
    b"130",
    b"999999999",
    b"2147483648",
    b"-2147483648",
    b"4294967296",
    b"1e9",
    b"1e30",
    b"1e-30",
    b"1e400",
    b"nan",
    b"inf",
    b"x",
    b"",
    b"5 5",
    b".5",
    b"\xff",
    b"BEGIN METADATA",
]


def mutated_words(rng: np.random.Generator, content: bytes) -> bytes:
    """Text of which one or two words are others, so that more of it is understood than of bytes at random."""
    data = bytearray(content)
    words = list(re.finditer(rb"[^\s<>\"=/]+", content))
    for _ in range(int(rng.integers(1, 3))):
        word = words[int(rng.integers(len(words) if rng.random() < 0.4 else min(30, len(words))))]
        data[word.start() : word.end()] = WORDS[int(rng.integers(len(WORDS)))]
    return bytes(data)


def mutated_tables(seed: int, count: int) -> None:
    """Read so many damaged tables in this process, and print how many were refused."""
    from decouple_core.pictures.table_apart import read

    rng, sound, refused = np.random.default_rng(seed), all_texts(), 0
    for number in range(count):
        watch()
        suffix, content = sound[number % len(sound)]
        try:
            table = read((mutated_bytes if number % 3 == 0 else mutated_words)(rng, content), suffix, "x")
        except (ValueError, IndexError, OverflowError):
            refused += 1
        else:
            assert np.isfinite(table.colours).all()
            assert table.curves.size == 0 or np.isfinite(table.curves).all()
    print(refused)


def test_tables_as_text() -> None:
    """In a process as theirs, which a crash or an endless loop of the library's would end."""
    done = subprocess.run(
        [sys.executable, "-c", "from tests.faults.test_hostile_inputs import mutated_tables; mutated_tables(6, 1600)"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert 400 < int(done.stdout) < 1500


def test_halds(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng, path, sound = np.random.default_rng(7), tmp_path / "a.png", []
    for level, mode in ((2, "RGB"), (3, "RGB"), (2, "P"), (2, "L"), (2, "RGBA")):
        file = io.BytesIO()
        side = level**3
        levels = rng.integers(0, 256, (side, side, 3), np.uint8)
        PIL.Image.fromarray(levels).convert(mode).save(file, "PNG")
        sound += [file.getvalue(), imagecodecs.png_encode(levels.astype(np.uint16) * 257)]

    def make(number: int) -> Callable[[], object]:
        path.write_bytes(mutated_bytes(rng, sound[number % len(sound)]))
        return read

    def read() -> None:
        with heard(lambda message: None):
            colours = LookupTable.load(path).colours
        assert 0 <= colours.min() <= colours.max() <= 1

    assert 0 < endured(make, 800, (InputError, errors.OutOfMemoryError), capfd) < 800


# --- what is written as JSON --------------------------------------------------------------------------------------


def a_style(layers: int = 2) -> Style:
    """A sound one, of few numbers."""
    moments = ColourMoments(torch.full((3,), 0.5, dtype=torch.float64), 0.01 * torch.eye(3, dtype=torch.float64))
    means = tuple(torch.ones(1, width) for width in (64, 128, 256))
    return Style(
        "vgg16",
        "smooth",
        (moments,),
        (moments,),
        means[:layers],
        means,
        "name",
        (ScaleFeatures(64, means, torch.ones(1)),),
    )


def test_styles(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As plain values, and as files."""
    rng, whole, path = np.random.default_rng(2), a_style().to_json(), tmp_path / "a.style"
    text = json.dumps(whole).encode()
    assert Style.from_json(whole).name == "name"

    def make(number: int) -> Callable[[], object]:
        if number % 2:
            values = mutated_values(rng, whole)
            return lambda: Style.from_json(values)
        path.write_bytes(mutated_bytes(rng, text))
        return lambda: Style.load(path)

    assert endured(make, 2000, (InputError,), capfd) > 1000


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 10_000,
        b'{"format":' * 10_000,
        b"[" * 10_000 + b"]" * 10_000,
        b'{"format": "decoupled-style", "colours": ' + b"[" * 10_000 + b"]" * 10_000,
        b"\xff" * 99,
        b"\0" * 99,
        b"1" * 10_000,
        b"NaN",
        b'"' + b"x" * 10**6 + b'"',
    ],
)
def test_style_files_nested_deep(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.style").write_bytes(content)
    with pytest.raises(InputError, match=r"^(This is not a style file|The style file is damaged)"):
        Style.load(tmp_path / "a.style")


def test_settings(capfd: pytest.CaptureFixture[str]) -> None:
    rng, whole = np.random.default_rng(3), Settings(mode="painting", amounts=(1.0, 0.5)).as_dict()

    def make(number: int) -> Callable[[], object]:
        values = mutated_values(rng, whole)
        return lambda: Settings.from_dict(values) if isinstance(values, dict) else None

    assert endured(make, 2000, (InputError,), capfd) > 1000


def test_frames(capfd: pytest.CaptureFixture[str]) -> None:
    """Jobs, and what is said of them: a whole one, or refused."""
    rng = np.random.default_rng(4)
    raster = {"width": 25, "height": 20, "channels": 4, "masks": 1}
    job = {
        "kind": "transfer",
        "target": raster,
        "style": raster,
        "settings": Settings().as_dict(),
        "features": None,
        "style_path": None,
        "target_labels": None,
        "style_labels": None,
    }
    said = [
        errors.InputError("mask-file-size", path="a", width=1, height=2, own_width=3, own_height=4).as_dict(),
        DecoupleError("problem-logged", problem=Message("stopped"), log="l").as_dict(),
    ]

    def make(number: int) -> Callable[[], object]:
        if number % 2:
            values = mutated_values(rng, job)
            return lambda: Transfer.from_message(values) if isinstance(values, dict) else None
        values = mutated_values(rng, said[number // 2 % 2])
        return lambda: errors.from_dict(values) if isinstance(values, dict) else None

    assert endured(make, 2000, (ProtocolError, ValueError), capfd) > 1000


def test_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """As layers carry them, which come with documents from anywhere: whole, or none."""
    repository = types.ModuleType("gi.repository")
    repository.Gimp = types.SimpleNamespace(Layer=object, Item=object)  # type: ignore[attr-defined]
    repository.GLib = types.SimpleNamespace()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gi", types.ModuleType("gi"))
    monkeypatch.setitem(sys.modules, "gi.repository", repository)
    copy_plug_in(tmp_path / "plug-in")
    monkeypatch.syspath_prepend(tmp_path / "plug-in")
    module = importlib.import_module("decoupled_style.host.recipe")
    for name in [name for name in sys.modules if name.split(".")[0] == "decoupled_style"]:  # gone with the stand-in
        monkeypatch.setitem(sys.modules, name, sys.modules.pop(name))
    rng = np.random.default_rng(5)
    whole = {
        "recipe": 1,
        "settings": Settings().as_dict(),
        "network": "vgg16",
        "style_name": "cup",
        "style": {"a": [1]},
    }
    text = json.dumps(whole).encode()

    def of(data: bytes) -> Any:
        parasite = types.SimpleNamespace(get_data=lambda: data)
        return module.Recipe.of(types.SimpleNamespace(get_parasite=lambda name: parasite))

    assert of(text).style_name == "cup"
    for deep in (b"[" * 10_000, b'{"style":' * 10_000, b"[" * 10_000 + b"]" * 10_000):
        assert of(deep) is None

    def make(number: int) -> Callable[[], object]:
        data = mutated_bytes(rng, text) if number % 2 else json.dumps(mutated_values(rng, whole)).encode()
        return lambda: of(data)

    endured(make, 1000, (), capfd)
