"""The command line: good pictures in, one line and a file out; bad ones in, one line and an exit code out."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import tifffile

from decouple_contract.settings import Settings
from decouple_core.command.main import main
from tests.core.command_line import PIXELS, QUICK, arguments, fill, picture, succeeds

pytestmark = pytest.mark.usefixtures("weights", "one_thread")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a target and a style."""
    return fill(tmp_path_factory.mktemp("pictures"))


def fails(capsys: pytest.CaptureFixture[str], *words: object, code: int = 2) -> str:
    """Run, and return the one line of the error, which names a next step after a semicolon."""
    assert main(arguments(*words)) == code
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line for line in err.splitlines() if not re.match(r" *\d+% ", line)]
    assert len(lines) == 1, err
    assert re.match(r"decouple: [^\n]+\.$", lines[0]), lines[0]
    return lines[0]


# --- good pictures ------------------------------------------------------------------------------------------------


def grey(path: Path) -> None:
    PIL.Image.fromarray(PIXELS).convert("L").save(path, format="PNG")


def palette(path: Path) -> None:
    PIL.Image.fromarray(PIXELS).quantize(16).save(path, format="PNG")


def cmyk(path: Path) -> None:
    PIL.Image.fromarray(PIXELS).convert("CMYK").save(path, format="JPEG", quality=95)


def deep(path: Path) -> None:
    path.write_bytes(imagecodecs.png_encode((PIXELS.astype(np.float64) / 255 * 65535).astype(np.uint16)))


def floating(path: Path) -> None:
    tifffile.imwrite(path, PIXELS.astype(np.float32) / 255, photometric="rgb")


def one_colour(path: Path) -> None:
    PIL.Image.new("RGB", (30, 20), (90, 120, 30)).save(path, format="PNG")


def one_pixel(path: Path) -> None:
    PIL.Image.new("RGB", (1, 1), (200, 10, 30)).save(path, format="PNG")


def one_row(path: Path) -> None:
    PIL.Image.fromarray(PIXELS[:1]).save(path, format="PNG")


SHAPES = {"one_colour": (20, 30, 3), "one_pixel": (1, 1, 3), "one_row": (1, *PIXELS.shape[1:])}


@pytest.mark.parametrize(
    "make", [grey, palette, cmyk, deep, floating, one_colour, one_pixel, one_row], ids=lambda f: f.__name__
)
def test_kinds_of_pictures(make: object, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, out = tmp_path / "a.img", tmp_path / "out.png"
    assert callable(make)
    make(target)
    line = succeeds(capsys, "transfer", target, pictures / "style.jpg", "-o", out, *QUICK)
    assert line.startswith(f"{out}: painting, vgg16, processor, ")
    small = make in (one_colour, one_pixel, one_row)
    assert re.search(r", \d+ network evaluations, \d+\.\d s$", line.partition(";")[0])
    assert ("; correspondence off, because " in line) == small
    written = imagecodecs.png_decode(out.read_bytes())
    assert written.shape == SHAPES.get(make.__name__, PIXELS.shape)
    assert written.dtype == (np.uint16 if make in (deep, floating) else np.uint8)
    assert {p.name for p in tmp_path.iterdir()} == {"a.img", "out.png"}


def test_opacity_is_kept_and_what_is_hidden_hardly_counts(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Black or white behind full transparency: far from its edge the result hardly differs."""
    clear = np.full(PIXELS.shape[:2], 255, np.uint8)
    clear[:, :20], clear[:, 20:24] = 0, 128
    differences = []
    for alpha in (clear, np.full_like(clear, 255)):
        results = []
        for hidden in (0, 255):
            pixels = PIXELS.copy()
            pixels[:, :20] = hidden
            PIL.Image.fromarray(np.dstack([pixels, alpha])).save(tmp_path / "a.png")
            succeeds(capsys, "transfer", tmp_path / "a.png", pictures / "style.jpg", "-o", tmp_path / "out.png", *QUICK)
            results.append(picture(tmp_path / "out.png").astype(int))
            assert np.array_equal(results[-1][..., 3], alpha)
        differences.append(np.abs(results[0][:, 34:, :3] - results[1][:, 34:, :3]).mean())
    assert differences[0] < 0.3 * differences[1]


def test_target_mask_leaves_the_rest_as_it_was(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mask = np.zeros(PIXELS.shape[:2], np.uint8)
    mask[:, 30:] = 255
    PIL.Image.fromarray(mask).save(tmp_path / "mask.png")
    succeeds(
        capsys,
        "transfer",
        pictures / "target.png",
        pictures / "style.jpg",
        "-o",
        tmp_path / "out.png",
        "--target-mask",
        tmp_path / "mask.png",
        *QUICK,
    )
    result = picture(tmp_path / "out.png")
    assert np.array_equal(result[:, :30], PIXELS[:, :30])
    assert np.abs(result[:, 30:].astype(int) - PIXELS[:, 30:]).mean() > 5


def test_regions(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("target.png", "style.jpg"):
        height, width = picture(pictures / name).shape[:2]
        labels = np.zeros((height, width, 3), np.uint8)
        labels[:, width // 2 :] = 255, 0, 0
        PIL.Image.fromarray(labels).save(tmp_path / f"labels_{name[:5]}.png")
    words = ["--regions", tmp_path / "labels_targe.png", tmp_path / "labels_style.png"]
    command = ["transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "out.png", *QUICK, *words]
    succeeds(capsys, *command)
    succeeds(capsys, *command, "--target-mask", tmp_path / "labels_targe.png")  # black on the left, so that it stays
    target, result = picture(pictures / "target.png"), picture(tmp_path / "out.png")
    half = target.shape[1] // 2
    assert np.array_equal(result[:, :half], target[:, :half])
    assert not np.array_equal(result[:, half:], target[:, half:])


def test_style_file_does_what_its_picture_does(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "coffee.style"
    assert succeeds(capsys, "style", pictures / "style.jpg", "-o", file, *QUICK) == f"{file}: 1 layers of vgg16\n"
    assert file.stat().st_size < 60_000
    results = []
    for style in (pictures / "style.jpg", file):
        succeeds(
            capsys, "transfer", pictures / "target.png", style, "-o", tmp_path / "out.png", *QUICK, "--mode", "photo"
        )
        results.append(picture(tmp_path / "out.png").astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_round_trip_says_how_well_it_went(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = succeeds(capsys, "roundtrip", pictures / "target.png", "-o", tmp_path / "back.png", *QUICK)
    found = re.fullmatch(r".*target\.png: (\d+\.\d) dB, (\d+\.\d\d)% of the 8-bit values equal\n", line)
    assert found
    assert float(found[1]) > 45
    assert picture(tmp_path / "back.png").shape[1] == 32


def test_report_folder(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    succeeds(
        capsys,
        "transfer",
        pictures / "target.png",
        pictures / "style.jpg",
        "-o",
        tmp_path / "out.png",
        *QUICK,
        "--report",
        tmp_path / "report",
    )
    names = {p.name for p in (tmp_path / "report").iterdir()}
    assert {
        "report.json",
        "report.html",
        "step_0_target.png",
        "correspondence_style.png",
        "correspondence_target.png",
    } == names
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert set(report) == {
        "settings",
        "choices",
        "network",
        "device",
        "seconds",
        "correspondence",
        "evaluations",
        "layers",
        "certificate",
        "drift",
        "dead_channels",
        "losses",
        "reference",
    }
    assert report["settings"]["size"] == 32
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert "<h1>target.png in the style of style.jpg</h1>" in page
    assert "Target and result" in page


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    line = succeeds(capsys, "check", "--network", "vgg16", "--device", "cpu")
    assert re.fullmatch(r"ready: torch \S+, processor, \d+ threads, vgg16\n", line)


@pytest.mark.parametrize("command", ["transfer", "batch", "roundtrip", "style"])
def test_help_shows_every_setting(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([command, "--help"])
    assert stopped.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for setting in dataclasses.fields(Settings):
        flag = "--" + setting.name.replace("_", "-")
        assert re.search(rf" {flag} [^-]*{re.escape(setting.metadata['help'])}", text), flag
        for choice in setting.metadata["choices"]:
            assert re.search(rf" {flag} {{[^}}]*\b{choice}\b", text), (flag, choice)


def test_help_shows_what_a_transfer_takes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["transfer", "--help"])
    text = capsys.readouterr().out
    for word in ("TARGET", "STYLE", "--output", "--target-mask", "--style-mask", "--regions", "--report"):
        assert word in text


# --- bad ones -----------------------------------------------------------------------------------------------------


def gigantic_png() -> bytes:
    """A header that promises 40 000 × 40 000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def bad_file(kind: str, folder: Path) -> Path:
    path = folder / f"{kind}.png"
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("This is no picture.")
    elif kind == "cut":
        whole = folder / "whole.png"
        PIL.Image.fromarray(PIXELS).save(whole)
        path.write_bytes(whole.read_bytes()[:500])
        whole.unlink()
    elif kind == "nan":
        values = PIXELS.astype(np.float32) / 255
        values[3, 3, 0] = np.nan
        path = folder / "nan.tif"
        tifffile.imwrite(path, values, photometric="rgb")
    elif kind == "gigantic":
        path.write_bytes(gigantic_png())
    elif kind == "folder":
        path.mkdir()
    elif kind == "transparent":
        PIL.Image.new("RGBA", (9, 9), (255, 0, 0, 0)).save(path)
    return path


@pytest.mark.parametrize("place", ["target", "style"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "There is no file"),
        ("empty", "is empty"),
        ("text", "cannot be read as a picture"),
        ("cut", "damaged"),
        ("nan", "not numbers"),
        ("gigantic", "GB of memory"),
        ("folder", "is a folder"),
        ("transparent", "completely transparent"),
    ],
)
def test_files_that_cannot_be_used(
    kind: str, message: str, place: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    bad, good, out = bad_file(kind, tmp_path / "in"), pictures / "target.png", tmp_path / "out" / "a.png"
    out.write_bytes(b"an older result")
    pair = (bad, good) if place == "target" else (good, bad)
    assert message in fails(capsys, "transfer", *pair, "-o", out, *QUICK)
    assert [p.name for p in out.parent.iterdir()] == ["a.png"]
    assert out.read_bytes() == b"an older result"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--layers", "9"], "layers is 9; choose 1 to 5"),
        (["--layers", "two"], "invalid int value"),
        (["--strength", "2"], "strength is 2.0; choose 0 to 1"),
        (["--strength", "nan"], "strength is nan"),
        (["--strength-per-layer", "1,x"], "strength-per-layer"),
        (["--strength-per-layer", "1,1,1,1,1,1,1"], "give at most 6"),
        (["--size", "7"], "size is 7; choose 32 to 4096"),
        (["--mode", "sketch"], "invalid choice"),
        (["--seed", "-1"], "seed is -1"),
        (["--keep-colours", "--keep-tones"], "choose one"),
        (
            ["--match", "0.5,0.2"],
            "0.5,0.2 is not a pair of spots; write tx,ty=sx,sy, each from 0 to 1, such as 0.5,0.2=0.3,0.1.",
        ),
        (["--match", "0.5,0.2=0.3,x"], "is not a pair of spots; write tx,ty=sx,sy"),
        (["--match", "0.5,0.2=0.3,1.1"], "match is 1.1; choose 0 to 1"),
        (["--match", "0.5,0.2=0.3,0.1", "--match", "1"], "1 is not a pair"),
        (["--correspondence", "on"], "invalid choice"),
        (["--colour", "1"], "unrecognized arguments"),
        (["--device", "tpu"], "invalid choice"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_settings_that_cannot_be(
    words: list[str], message: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = fails(capsys, "transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *words)
    assert message in line.lower()
    assert not list(tmp_path.iterdir())


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run, and return the one line of the error, which came before any work was begun."""
    assert main(arguments(*words)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"decouple: [^\n]+; [^\n]+\.\n", err), err
    return err


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.xyz", "choose one of .png"),
        ("a", "choose one of .png"),
        ("no/a.png", "does not exist"),
        (".", "choose"),
        ("file/a.png", "cannot be written"),
        ("folder.png", "is a folder"),
        ("x" * 252 + ".png", "too long"),
        ("loop.png", "cannot be written"),
        ("nowhere.png", "does not exist"),
    ],
)
def test_places_that_cannot_be_written(
    out: str, message: str, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "nowhere.png").symlink_to("gone/a.png")
    before = sorted(tmp_path.rglob("*"))
    target = pictures / "target.png"
    for command in (["transfer", target, pictures / "style.jpg"], ["roundtrip", target]):
        assert message in refused(capsys, *command, "-o", tmp_path / out, *QUICK)
    assert sorted(tmp_path.rglob("*")) == before


def test_places_where_no_style_can_go(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder.style").mkdir()
    command = ["style", pictures / "style.jpg", *QUICK, "-o"]
    assert "does not exist" in refused(capsys, *command, tmp_path / "no" / "a.style")
    assert "is a folder" in refused(capsys, *command, tmp_path / "folder.style")
    assert "end in .style" in refused(capsys, *command, tmp_path / "a.json")
    assert [p.name for p in tmp_path.rglob("*")] == ["folder.style"]


def test_places_where_no_report_can_go(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    command = ["transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK]
    for folder in ("file", "file/report", "file/deep/report"):
        assert "choose another one" in refused(capsys, *command, "--report", tmp_path / folder)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_pictures_too_long_for_their_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.new("RGB", (70_000, 1)).save(tmp_path / "long.png")
    command = ["transfer", tmp_path / "long.png", tmp_path / "long.png", *QUICK, "-o"]
    for name in ("a.jpg", "a.webp"):
        assert "choose .png or .tif" in refused(capsys, *command, tmp_path / name)


def test_masks_that_do_not_fit(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    PIL.Image.new("L", (9, 9), 255).save(tmp_path / "small.png")
    PIL.Image.new("L", PIXELS.shape[1::-1], 0).save(tmp_path / "black.png")
    command = ["transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK]
    assert "make both the same size" in fails(capsys, *command, "--target-mask", tmp_path / "small.png")
    assert "selects nothing" in fails(capsys, *command, "--target-mask", tmp_path / "black.png")
    assert "make both the same size" in fails(capsys, *command, "--style-mask", tmp_path / "small.png")
    assert not (tmp_path / "a.png").exists()


def test_style_files_that_cannot_be_used(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.style").write_text('{"format": "decoupled-style"}')
    command = ["transfer", pictures / "target.png", tmp_path / "a.style", "-o", tmp_path / "out.png", *QUICK]
    assert "damaged" in fails(capsys, *command)
    (tmp_path / "a.style").write_text("no JSON")
    assert "not a style file" in fails(capsys, *command)
    (tmp_path / "a.style").unlink()
    assert "cannot be read" in fails(capsys, *command)
    assert "leave out" in fails(capsys, *command, "--style-mask", pictures / "target.png")
    assert not list(tmp_path.iterdir())


def test_no_command_and_an_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--help" in fails(capsys)
    assert "--help" in fails(capsys, "stylise")


@pytest.mark.parametrize("mode", ["photo", "painting"])
def test_components_add_up_to_the_result(pictures: Path, tmp_path: Path, mode: str) -> None:
    """As another program reads them: float TIFFs, and an 8-bit picture that is their sum, rounded."""
    words = [
        "transfer",
        pictures / "target.png",
        pictures / "style.jpg",
        "-o",
        tmp_path / "out.png",
        *QUICK,
        "--mode",
        mode,
        "--amounts",
        "1,1.2,0.5",
        "--correspondence",
        "off",  # with a flow, whose drift is reported
        "--components",
        tmp_path / "parts",
        "--report",
        tmp_path / "report",
    ]
    assert main(arguments(*words)) == 0
    names = ["colour", "forms", "strokes", "grain"][: 1 if mode == "photo" else 4]
    assert sorted(file.name for file in (tmp_path / "parts").iterdir()) == sorted(f"{name}.tif" for name in names)
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert {row["component"] for row in report["certificate"]} == (set() if mode == "photo" else {*names[1:], "all"})
    assert [row["layer"] for row in report["drift"]] == ([] if mode == "photo" else ["relu1_1"])
    read = [tifffile.imread(tmp_path / "parts" / f"{name}.tif") for name in names]
    assert all(part.dtype == np.float32 for part in read)
    written = np.asarray(PIL.Image.open(tmp_path / "out.png"))
    np.testing.assert_array_equal(np.floor(np.clip(sum(read), 0, 1) * 255 + 0.5).astype(np.uint8), written)


def test_matches_are_given_one_by_one(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["transfer", pictures / "target.png", pictures / "style.jpg", *QUICK, "--mode", "photo"]
    plain, matched = tmp_path / "plain.png", tmp_path / "matched.png"
    succeeds(capsys, *command, "-o", plain)
    succeeds(
        capsys,
        *command,
        "-o",
        matched,
        "--match",
        "0.5,0.25=0.9,0.9",
        "--match",
        "0.1,0.1=0.5,0.5",
        "--report",
        tmp_path / "report",
    )
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["settings"]["match"] == [0.5, 0.25, 0.9, 0.9, 0.1, 0.1, 0.5, 0.5]
    assert not np.array_equal(picture(plain), picture(matched))


def test_lookup_tables_know_no_places(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lut", "--help"])
    text = capsys.readouterr().out
    assert "--strength" in text
    assert "--correspondence" not in text
    assert "--match" not in text
