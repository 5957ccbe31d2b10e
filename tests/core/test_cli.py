"""The command line: good pictures in, one line and a file out; bad ones in, one line and an exit code out."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import imagecodecs
import numpy as np
import PIL.Image
import pytest
import skimage.data
import tifffile

from decouple_core.cli import main

pytestmark = pytest.mark.usefixtures("weights", "one_thread")

QUICK = ["--size", "32", "--layers", "1", "--mode", "texture", "--network", "vgg16", "--device", "cpu"]
PIXELS = np.ascontiguousarray(skimage.data.astronaut()[::10, ::10])[:40]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a target and a style."""
    folder = tmp_path_factory.mktemp("pictures")
    PIL.Image.fromarray(PIXELS).save(folder / "target.png")
    PIL.Image.fromarray(np.ascontiguousarray(skimage.data.coffee()[::12, ::12])).save(folder / "style.jpg", quality=95)
    return folder


def picture(path: Path) -> np.ndarray:
    with PIL.Image.open(path) as opened:
        return np.asarray(opened)


def arguments(*words: object) -> list[str]:
    return [str(word) for word in words]


def succeeds(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """Run, and return the one line of standard output."""
    code = main(arguments(*words))
    out, err = capsys.readouterr()
    assert code == 0, err
    assert "Traceback" not in err
    assert out.count("\n") == 1
    return out


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


@pytest.mark.parametrize("make", [grey, palette, cmyk, deep, floating, one_colour, one_pixel, one_row],
                         ids=lambda f: f.__name__)
def test_kinds_of_pictures(make: object, pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target, out = tmp_path / "a.img", tmp_path / "out.png"
    assert callable(make)
    make(target)
    line = succeeds(capsys, "transfer", target, pictures / "style.jpg", "-o", out, *QUICK)
    assert line.startswith(f"{out}: texture, vgg16, processor, ")
    assert re.search(r", \d+ network evaluations, \d+\.\d s$", line)
    written = imagecodecs.png_decode(out.read_bytes())
    assert written.shape == SHAPES.get(make.__name__, PIXELS.shape)
    assert written.dtype == (np.uint16 if make in (deep, floating) else np.uint8)
    assert {p.name for p in tmp_path.iterdir()} == {"a.img", "out.png"}


def test_opacity_is_kept_and_what_is_hidden_hardly_counts(pictures: Path, tmp_path: Path,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
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
    assert differences[0] < 0.25 * differences[1]


def test_target_mask_leaves_the_rest_as_it_was(pictures: Path, tmp_path: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    mask = np.zeros(PIXELS.shape[:2], np.uint8)
    mask[:, 30:] = 255
    PIL.Image.fromarray(mask).save(tmp_path / "mask.png")
    succeeds(capsys, "transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "out.png",
             "--target-mask", tmp_path / "mask.png", *QUICK)
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


def test_style_file_does_what_its_picture_does(pictures: Path, tmp_path: Path,
                                               capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "coffee.style"
    assert succeeds(capsys, "style", pictures / "style.jpg", "-o", file, *QUICK) == f"{file}: 1 layers of vgg16\n"
    assert file.stat().st_size < 60_000
    results = []
    for style in (pictures / "style.jpg", file):
        succeeds(capsys, "transfer", pictures / "target.png", style, "-o", tmp_path / "out.png", *QUICK)
        results.append(picture(tmp_path / "out.png").astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_round_trip_says_how_well_it_went(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = succeeds(capsys, "roundtrip", pictures / "target.png", "-o", tmp_path / "back.png", *QUICK)
    found = re.fullmatch(r".*target\.png: (\d+\.\d) dB, (\d+\.\d\d)% of the 8-bit values equal\n", line)
    assert found
    assert float(found[1]) > 45
    assert picture(tmp_path / "back.png").shape[1] == 32


def test_report_folder(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    succeeds(capsys, "transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "out.png", *QUICK,
             "--report", tmp_path / "report")
    names = {p.name for p in (tmp_path / "report").iterdir()}
    assert {"report.json", "losses.png", "noise_means.png", "step_0_target.png", "step_1_undressed.png",
            "step_2_dressed_relu1_1.png", "step_3_dressed.png"} == names
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert set(report) == {"settings", "network", "device", "seconds", "evaluations", "layers", "dead_channels",
                           "losses", "reference"}
    assert report["settings"]["size"] == 32


def test_check(capsys: pytest.CaptureFixture[str]) -> None:
    line = succeeds(capsys, "check", "--network", "vgg16", "--device", "cpu")
    assert re.fullmatch(r"ready: torch \S+, processor, \d+ threads, vgg16\n", line)


def test_help_shows_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["transfer", "--help"])
    assert stopped.value.code == 0
    text = capsys.readouterr().out
    for word in ("TARGET", "STYLE", "--mode", "--layers", "--strength", "--strength-per-layer", "--size", "--network",
                 "--target-mask", "--style-mask", "--regions", "--device", "--seed", "--report"):
        assert word in text


# --- bad ones -----------------------------------------------------------------------------------------------------


def gigantic_png() -> bytes:
    """A header that promises 40 000 × 40 000 pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


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
@pytest.mark.parametrize(("kind", "message"), [
    ("missing", "There is no file"), ("empty", "is empty"), ("text", "cannot be read as a picture"),
    ("cut", "damaged"), ("nan", "no numbers"), ("gigantic", "million pixels"), ("folder", "is a folder"),
    ("transparent", "transparent all over"),
])
def test_files_that_cannot_be_used(kind: str, message: str, place: str, pictures: Path, tmp_path: Path,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    bad, good, out = bad_file(kind, tmp_path / "in"), pictures / "target.png", tmp_path / "out" / "a.png"
    out.write_bytes(b"an older result")
    pair = (bad, good) if place == "target" else (good, bad)
    assert message in fails(capsys, "transfer", *pair, "-o", out, *QUICK)
    assert [p.name for p in out.parent.iterdir()] == ["a.png"]
    assert out.read_bytes() == b"an older result"


@pytest.mark.parametrize(("words", "message"), [
    (["--layers", "9"], "layers is 9; choose 1 to 5"),
    (["--layers", "two"], "invalid int value"),
    (["--strength", "2"], "strength is 2.0; choose 0 to 1"),
    (["--strength", "nan"], "strength is nan"),
    (["--strength-per-layer", "1,x"], "strength-per-layer"),
    (["--strength-per-layer", "1,1,1,1,1,1,1"], "give 6 at most"),
    (["--size", "7"], "size is 7; choose 32 to 2048"),
    (["--mode", "sketch"], "invalid choice"),
    (["--seed", "-1"], "seed is -1"),
    (["--keep-colours", "--keep-tones"], "choose one"),
    (["--colour", "1"], "unrecognized arguments"),
    (["--device", "tpu"], "invalid choice"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_settings_that_cannot_be(words: list[str], message: str, pictures: Path, tmp_path: Path,
                                 capsys: pytest.CaptureFixture[str]) -> None:
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


@pytest.mark.parametrize(("out", "message"), [
    ("a.xyz", "choose one of .png"), ("a", "choose one of .png"), ("no/a.png", "does not exist"), (".", "choose"),
    ("file/a.png", "cannot be written"), ("folder.png", "is a folder"), ("x" * 252 + ".png", "too long"),
    ("loop.png", "cannot be written"), ("nowhere.png", "does not exist")])
def test_places_that_cannot_be_written(out: str, message: str, pictures: Path, tmp_path: Path,
                                       capsys: pytest.CaptureFixture[str]) -> None:
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
    assert "is no style file" in fails(capsys, *command)
    (tmp_path / "a.style").unlink()
    assert "cannot be read" in fails(capsys, *command)
    assert "leave out" in fails(capsys, *command, "--style-mask", pictures / "target.png")
    assert not list(tmp_path.iterdir())


def test_no_command_and_an_unknown_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "--help" in fails(capsys)
    assert "--help" in fails(capsys, "dress")


# --- as a process -------------------------------------------------------------------------------------------------


def process(*words: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "decouple_core", *arguments(*words)], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env={**os.environ, "OMP_NUM_THREADS": "1"})


def test_as_a_process(pictures: Path, tmp_path: Path) -> None:
    with process("transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK) as run:
        out, err = run.communicate(timeout=300)
    assert run.returncode == 0, err
    assert out.count("\n") == 1
    # Where standard error is no terminal, progress comes as plain lines.
    assert re.search(r"^ *\d+% Reading the style$", err, re.MULTILINE)
    assert "\r" not in err
    assert "Traceback" not in err
    assert (tmp_path / "a.png").is_file()


def test_bad_input_as_a_process(tmp_path: Path) -> None:
    with process("transfer", tmp_path / "a.png", tmp_path / "b.png", "-o", tmp_path / "c.png") as run:
        out, err = run.communicate(timeout=300)
    assert (run.returncode, out) == (2, "")
    assert err == f"decouple: There is no file {tmp_path / 'a.png'}; check the name.\n"


@pytest.mark.skipif(sys.platform != "linux", reason="file names must be valid text elsewhere")
def test_names_that_are_no_text(pictures: Path, tmp_path: Path) -> None:
    target, out, kept = (os.fsencode(tmp_path) + b"/\xff\xe9" + end for end in (b".png", b" out.png", b".style"))
    shutil.copy(os.fsencode(pictures / "target.png"), target)
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "LC_ALL": "C.UTF-8", "PYTHONIOENCODING": ""}
    for words in ([b"style", target, b"-o", kept], [b"transfer", target, kept, b"-o", out]):
        answer = subprocess.run([sys.executable, "-m", "decouple_core", *words, *QUICK], capture_output=True,
                                check=False, env=environ)
        assert answer.returncode == 0, answer.stderr
        assert rb"\udcff\udce9" in answer.stdout
    assert os.path.exists(out)
    answer = subprocess.run([sys.executable, "-m", "decouple_core", "style", target + b"?", "-o", kept],
                            capture_output=True, check=False, env=environ)
    assert answer.returncode == 2
    assert answer.stderr.count(b"\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="streams are not closed like this there")
@pytest.mark.parametrize("closed", ["<&- >&- 2>&-", ">&-", "2>&-", "2>/dev/full", "2>&1 | true"])
def test_nobody_at_the_other_end(closed: str, pictures: Path, tmp_path: Path) -> None:
    """The picture is what counts: it is whole although nobody hears of it."""
    words = arguments(sys.executable, "-m", "decouple_core", "transfer", pictures / "target.png",
                      pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK)
    answer = subprocess.run(["bash", "-c", f'set -o pipefail; "$@" {closed}', "bash", *words], capture_output=True,
                            text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert answer.returncode == 0, answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert "Exception ignored" not in answer.stderr
    if closed == "2>&-":
        assert answer.stdout.startswith(str(tmp_path / "a.png"))
        assert answer.stdout.count("\n") == 1
    assert picture(tmp_path / "a.png").shape == PIXELS.shape
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_full_disk_at_the_other_end(pictures: Path, tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        answer = subprocess.run([sys.executable, "-m", "decouple_core", "check", "--network", "vgg16"], text=True,
                                stdout=full, stderr=subprocess.PIPE, check=False)
    assert answer.returncode == 1
    assert answer.stderr.splitlines()[-1].startswith("decouple: Standard output takes nothing")


def test_two_at_once_with_the_same_output(pictures: Path, tmp_path: Path) -> None:
    """One of the results, whole."""
    runs = [process("transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", *QUICK,
                    "--strength", strength) for strength in ("0", "1")]
    for run in runs:
        _, err = run.communicate(timeout=300)
        assert run.returncode == 0, err
    assert picture(tmp_path / "a.png").shape == PIXELS.shape
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_output_in_the_place_of_its_input(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for place in ("target", "style"):
        pair = {"target": tmp_path / "target.png", "style": tmp_path / "style.jpg"}
        for path in pair.values():
            shutil.copy(pictures / path.name, path)
        succeeds(capsys, "transfer", *pair.values(), "-o", tmp_path / "apart.png", *QUICK)
        succeeds(capsys, "transfer", *pair.values(), "-o", pair[place], *QUICK)
        result, apart = (picture(path).astype(int) for path in (pair[place], tmp_path / "apart.png"))
        assert np.abs(result - apart).mean() < (0.1 if place == "target" else 3)  # the style's file is a JPEG


def test_style_that_is_the_target(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own style changes nothing that could be seen."""
    target = pictures / "target.png"
    succeeds(capsys, "transfer", target, target, "-o", tmp_path / "out.png", *QUICK)
    assert np.abs(picture(tmp_path / "out.png").astype(int) - PIXELS).mean() < 2


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell ignores the interrupt in what it starts in the background, and so would whatever the tests start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl+C cannot be sent to one process there")
@pytest.mark.usefixtures("interruptible")
def test_stopped_by_ctrl_c(pictures: Path, tmp_path: Path) -> None:
    with process("transfer", pictures / "target.png", pictures / "style.jpg", "-o", tmp_path / "a.png", "--size", "56",
                 "--layers", "5", "--network", "vgg16", "--device", "cpu") as run:
        assert run.stderr is not None
        for line in run.stderr:
            if "Undressing" in line:
                run.send_signal(signal.SIGINT)
                break
        out, err = run.communicate(timeout=300)
    assert run.returncode == 130
    assert out == ""
    assert err.splitlines()[-1] == "decouple: Stopped."
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())
