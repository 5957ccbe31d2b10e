"""The front door: pictures of every kind go in and come back as what they were."""

from __future__ import annotations

import ast
import dataclasses
import doctest
import importlib
import inspect
import pkgutil
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import skimage.data
import torch

import decouple_core as dc
from decouple_core.engine import Engine
from decouple_core.pictures.resampling import shrink
from tests.core.request_of_arrays import request

ROOT = Path(__file__).parents[2]

SMALL = dc.Settings(mode="photo", size=32, layers=1, network="vgg16", device="cpu")

PUBLIC = [
    "Components",
    "Correspondence",
    "LayerReport",
    "LookupTable",
    "Message",
    "Nearness",
    "Progress",
    "Remark",
    "Report",
    "Result",
    "RoundTrip",
    "Session",
    "Settings",
    "Style",
    "__version__",
    "errors",
    "fit_lookup_table",
    "mix",
    "read_style",
    "register_hierarchy",
    "register_integrator",
    "register_outcome",
    "round_trip",
    "transfer",
]
"""A name more or less is a change of what users rely on."""


def photograph(name: str, size: int) -> np.ndarray:
    """In 8 bits, so that every kind can hold it."""
    pixels = shrink(getattr(skimage.data, name)().astype(np.float32) / 255, size)
    return np.ascontiguousarray((pixels.permute(1, 2, 0).numpy().clip(0, 1) * 255).round().astype(np.uint8))


TARGET, STYLE = photograph("astronaut", 56)[:40], photograph("coffee", 48)
HEIGHT, WIDTH = TARGET.shape[:2]
ALPHA = np.linspace(1, 255, HEIGHT * WIDTH).astype(np.uint8).reshape(HEIGHT, WIDTH)
LEFT = np.arange(WIDTH) < WIDTH // 2 + np.zeros((HEIGHT, 1), int)


@pytest.fixture(scope="module")
def session(weights: Any, one_thread: None) -> dc.Session:
    """One for all: what it keeps must never show in a result."""
    return dc.Session()


@pytest.fixture(scope="module")
def wanted(session: dc.Session) -> np.ndarray:
    """What the engine makes of the plain case."""
    target, style = (x.astype(np.float32) / 255 for x in (TARGET, STYLE))
    return Engine().transfer(request(target, style, SMALL)).image


# --- the names ----------------------------------------------------------------------------------------------------


def test_public_names() -> None:
    assert dc.__all__ == PUBLIC
    starred: dict[str, Any] = {}
    exec("from decouple_core import *", starred)
    assert set(PUBLIC) <= set(starred)
    assert set(PUBLIC) <= set(dir(dc))
    with pytest.raises(AttributeError, match="has no attribute 'transfer_style'"):
        _ = dc.transfer_style  # type: ignore[attr-defined]


def test_no_module_hides_a_public_name() -> None:
    """An import of a submodule sets the package's attribute of that name."""
    assert not {module.name for module in pkgutil.iter_modules(dc.__path__)} & set(PUBLIC)
    for name in ("transfer", "fit_lookup_table", "read_style", "round_trip"):
        assert inspect.isfunction(getattr(dc, name))


def test_type_checkers_see_what_is_fetched() -> None:
    tree = ast.parse((ROOT / "decouple_core" / "__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert set(seen) == set(PUBLIC)
    for name, module in seen.items():
        from_there = importlib.import_module(f"{module}.{name}" if name == "errors" else str(module))
        assert getattr(dc, name) is (from_there if name == "errors" else getattr(from_there, name))


def test_public_names_are_described() -> None:
    for name in PUBLIC:
        public = getattr(dc, name)
        if inspect.isclass(public) or inspect.isfunction(public):
            assert public.__doc__
            assert not public.__doc__.startswith(f"{name}(")  # a dataclass makes that up
    for name in ("transfer", "fit_lookup_table", "read_style", "round_trip"):
        ours, methods = (inspect.signature(getattr(place, name)).parameters for place in (dc, dc.Session))
        assert list(ours.values()) == list(methods.values())[1:]


def test_wheel_has_the_mark_of_types_and_every_module(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "decouple_core", tree / "decouple_core", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    build = "import sys, setuptools.build_meta as backend; print(backend.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(tmp_path)], cwd=tree, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert f"-{dc.__version__}-" in wheel.name
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = {path.relative_to(tree).as_posix() for path in (tree / "decouple_core").rglob("*.py")}
    assert len(files) > 30
    assert files | {"decouple_core/py.typed"} <= packed


def examples() -> list[str]:
    """Modules of the package with examples in them."""
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in (ROOT / "decouple_core").rglob("*.py")
        if ">>> " in path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("module", examples())
@pytest.mark.usefixtures("weights", "one_thread")
def test_examples_do_what_they_say(module: str) -> None:
    done = doctest.testmod(importlib.import_module(module))
    assert done.attempted > 0
    assert done.failed == 0


# --- kinds of pictures --------------------------------------------------------------------------------------------

Convert = Callable[[np.ndarray, Path], Any]


def file_of(array: np.ndarray, folder: Path) -> Path:
    path = folder / f"{abs(hash(array.tobytes()))}.png"
    PIL.Image.fromarray(array).save(path)
    return path


KINDS: dict[str, Convert] = {
    "uint8": lambda x, _: x,
    "uint16": lambda x, _: x * np.uint16(257),
    "float32": lambda x, _: x.astype(np.float32) / 255,
    "float64": lambda x, _: x / 255,
    "other strides": lambda x, _: np.asfortranarray(x),
    "PIL": lambda x, _: PIL.Image.fromarray(x),
    "tensor": lambda x, _: torch.from_numpy(np.moveaxis(x, 2, 0).astype(np.float32) / 255),
    "uint8 tensor": lambda x, _: torch.from_numpy(np.moveaxis(x, 2, 0).copy()),
    "path": file_of,
    "text": lambda x, folder: str(file_of(x, folder)),
}


def as_bytes(picture: Any) -> np.ndarray:
    """Any kind of picture as uint8, by this test's own account."""
    if isinstance(picture, torch.Tensor):
        picture = np.moveaxis(picture.numpy(), 0, -1)
    array = np.asarray(picture)
    top = 1.0 if array.dtype.kind == "f" else np.iinfo(array.dtype).max
    return np.clip(array / top * 255, 0, 255).round().astype(np.uint8)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_picture_and_itself_back(
    session: dc.Session, wanted: np.ndarray, kind: str, tmp_path: Path
) -> None:
    target, style = (KINDS[kind](x, tmp_path) for x in (TARGET, STYLE))
    image = session.transfer(target, style, SMALL).image
    assert np.array_equal(as_bytes(image), as_bytes(wanted))
    assert as_bytes(image).std() > 10  # neither grey nor flat
    if isinstance(target, str | Path):
        assert image.dtype == np.uint8
        assert image.shape == TARGET.shape
    elif isinstance(target, PIL.Image.Image):
        assert (type(image), image.mode, image.size) == (PIL.Image.Image, "RGB", target.size)
    else:
        assert (type(image), image.dtype, image.shape) == (type(target), target.dtype, target.shape)
        assert np.array_equal(as_bytes(target), TARGET)  # left alone


@pytest.mark.parametrize("kind", ["uint8", "uint16", "float64", "PIL", "uint8 tensor", "path"])
def test_alpha_comes_back_untouched(session: dc.Session, kind: str, tmp_path: Path) -> None:
    target = KINDS[kind](np.dstack([TARGET, ALPHA]), tmp_path)
    image = as_bytes(session.transfer(target, STYLE, SMALL).image)
    assert image.shape == (HEIGHT, WIDTH, 4)
    assert np.array_equal(image[..., 3], ALPHA)
    assert np.abs(image[..., :3].astype(int) - TARGET).mean() > 10


def test_grey_stays_grey(session: dc.Session) -> None:
    grey = TARGET[..., 1]
    image = session.transfer(grey, STYLE, SMALL).image
    assert (image.shape, image.dtype) == (grey.shape, np.uint8)
    luma = session.transfer(np.repeat(grey[..., None], 3, 2), STYLE, SMALL).image @ [0.2126, 0.7152, 0.0722]
    assert np.abs(image - luma).max() <= 1  # of which each channel was rounded


def test_sixteen_bits_are_not_cut_to_eight(session: dc.Session) -> None:
    image = session.transfer(TARGET * np.uint16(257), STYLE, SMALL).image
    assert len(np.unique(image)) > 2 * 256


# --- what counts --------------------------------------------------------------------------------------------------


def test_colours_that_cannot_be_seen_do_not_count(session: dc.Session) -> None:
    """A target that is half hidden gets the style's colours where it is seen, and a style has those that are."""
    opaque = LEFT.astype(np.uint8) * 255
    spoilt = np.dstack([np.where(LEFT[..., None], TARGET, np.array([255, 0, 0], np.uint8)), opaque])
    for target, met in ((spoilt, True), (spoilt[..., :3], False)):
        inside = session.transfer(target, STYLE, SMALL).image[LEFT][:, :3].mean(0)
        assert (np.abs(inside - STYLE.mean((0, 1))).max() < 12) == met
    for style, met in ((spoilt, True), (spoilt[..., :3], False)):
        mean = 255 * session.read_style(style, SMALL).full_moments[0].mean.numpy()
        assert (np.abs(mean - TARGET[LEFT].mean(0)).max() < 5) == met


@pytest.mark.parametrize("kind", ["boolean", "uint8", "float", "PIL", "tensor", "path"])
def test_target_is_its_own_where_the_mask_leaves_it(session: dc.Session, kind: str, tmp_path: Path) -> None:
    white = LEFT.astype(np.uint8) * 255
    mask: Any = {
        "boolean": LEFT,
        "uint8": white,
        "float": LEFT.astype(float),
        "PIL": PIL.Image.fromarray(white),
        "tensor": torch.from_numpy(LEFT),
        "path": file_of(white, tmp_path),
    }[kind]
    image = session.transfer(TARGET, STYLE, SMALL, target_mask=mask).image
    assert np.array_equal(image[~LEFT], TARGET[~LEFT])
    inside = image[LEFT].mean(0)
    assert np.abs(inside - STYLE.mean((0, 1))).max() < 10  # the selection alone has the style's colours
    assert np.abs(inside - TARGET[LEFT].mean(0)).max() > 20


def test_soft_mask_takes_a_share(session: dc.Session) -> None:
    mask = np.linspace(0, 1, WIDTH, dtype=np.float32) * np.ones((HEIGHT, 1), np.float32)
    target, style = (x.astype(np.float32) / 255 for x in (TARGET, STYLE))
    whole = Engine().transfer(request(target, style, SMALL, target_seen=mask)).image
    ours = session.transfer(target, style, SMALL, target_mask=mask).image
    np.testing.assert_allclose(ours, (1 - mask[..., None]) * target + mask[..., None] * whole, atol=1e-6)


def test_opacity_and_mask_count_together(session: dc.Session) -> None:
    """The lower left alone is both seen and selected."""
    lower = (np.arange(HEIGHT)[:, None] >= HEIGHT // 2) & np.ones((1, WIDTH), bool)
    spoilt = np.dstack(
        [np.where((LEFT & lower)[..., None], TARGET, np.array([0, 0, 255], np.uint8)), lower.astype(np.uint8) * 255]
    )
    style = session.read_style(spoilt, SMALL, mask=LEFT)
    assert np.abs(255 * style.full_moments[0].mean.numpy() - TARGET[LEFT & lower].mean(0)).max() < 5
    by_target = session.transfer(spoilt, STYLE, SMALL, target_mask=LEFT).image[LEFT & lower][:, :3].mean(0)
    assert np.abs(by_target - STYLE.mean((0, 1))).max() < 12


def test_style_mask_and_style_read_with_one(session: dc.Session) -> None:
    mask = np.zeros(STYLE.shape[:2], bool)
    mask[:, :20] = True
    ours = session.transfer(TARGET, STYLE, SMALL, style_mask=mask)
    np.testing.assert_allclose(ours.style.full_moments[0].mean, STYLE[mask].mean(0) / 255, atol=0.02)
    style = session.read_style(STYLE, SMALL, name="left", mask=mask)
    assert style.name == "left"
    assert np.abs(session.transfer(TARGET, style, SMALL).image.astype(int) - ours.image).max() <= 1


@pytest.mark.parametrize("kind", ["numbers", "colours", "paths"])
def test_regions_correspond(session: dc.Session, kind: str, tmp_path: Path) -> None:
    """Left takes from left and right from right, of a style that is dark on one side and light on the other."""
    sides = [np.arange(x.shape[1]) >= x.shape[1] // 2 + np.zeros((len(x), 1), int) for x in (TARGET, STYLE)]
    style = np.where(sides[1][..., None], 180 + STYLE // 8, 30 + STYLE // 8).astype(np.uint8)
    colours = [side.astype(np.uint8) * 255 for side in sides]
    of_target, of_style = {
        "numbers": [side.astype(int) for side in sides],
        "colours": [PIL.Image.fromarray(x) for x in colours],
        "paths": [file_of(x, tmp_path) for x in colours],
    }[kind]
    image = session.transfer(TARGET, style, SMALL, regions=(of_target, of_style)).image
    assert image[:, :12].mean() < 80
    assert image[:, -12:].mean() > 150


# --- styles and sessions ------------------------------------------------------------------------------------------


def test_style_is_a_picture_or_its_features_or_a_file(session: dc.Session, tmp_path: Path) -> None:
    style = session.read_style(STYLE, SMALL, name="coffee")
    style.save(tmp_path / "coffee.style")
    pictures = [
        session.transfer(TARGET, form, SMALL).image.astype(int)
        for form in (STYLE, style, tmp_path / "coffee.style", str(tmp_path / "coffee.style"))
    ]
    assert np.array_equal(pictures[0], pictures[1])
    for other in pictures[2:]:
        assert np.abs(other - pictures[0]).max() <= 1  # the file keeps six digits
    assert dc.Style.load(tmp_path / "coffee.style").name == "coffee"


@pytest.mark.usefixtures("weights", "one_thread")
def test_session_keeps_what_the_next_transfer_needs() -> None:
    session, painting = dc.Session(), dataclasses.replace(SMALL, mode="painting")
    first, second = (session.transfer(TARGET, STYLE, painting) for _ in range(2))
    counts = [result.report.evaluations["total"] for result in (first, second)]
    assert 0 < counts[1] < 0.8 * counts[0]
    assert np.array_equal(first.image, second.image)
    once = dc.transfer(TARGET, STYLE, painting)
    assert once.report.evaluations["total"] == counts[0]
    assert np.array_equal(once.image, first.image)
    session = dc.Session()
    session.read_style(STYLE, painting)
    assert counts[1] < session.transfer(TARGET, STYLE, painting).report.evaluations["total"] < counts[0]


def test_result_is_described(session: dc.Session) -> None:
    result = session.transfer(TARGET, STYLE, SMALL)
    assert isinstance(result.report, dc.Report)
    assert isinstance(result.components, dc.Components)
    assert isinstance(result.style, dc.Style)
    assert all(isinstance(layer, dc.LayerReport) for layer in result.report.layers)
    target = TARGET.astype(np.float32) / 255
    out = np.empty_like(target)
    result.components.render(target, out, lambda share: None)
    assert np.array_equal(as_bytes(out), result.image)


def test_round_trip_comes_back(session: dc.Session) -> None:
    default = inspect.signature(dc.round_trip).parameters["settings"].default
    assert default == dc.Settings(integrator="reversible", size=128)
    trip = session.round_trip(TARGET, dc.Settings(integrator="reversible", size=56, layers=1, network="vgg16"))
    before, after = (x.permute(1, 2, 0).numpy() for x in (trip.before, trip.after))
    assert np.array_equal(as_bytes(before), TARGET)
    assert (as_bytes(after) == TARGET).mean() == trip.equal_bytes > 0.999
    assert dc.round_trip(TARGET, SMALL).psnr > 40


# --- progress, and what is refused --------------------------------------------------------------------------------


def test_progress_is_told_and_may_stop_the_work(session: dc.Session) -> None:
    told: list[tuple[float, dc.Message]] = []
    session.transfer(TARGET, STYLE, SMALL, progress=lambda share, message: told.append((share, message)))
    assert told[-1][0] == 1.0
    assert {message.code for _, message in told} >= {"reading-style", "carrying", "rendering"}
    assert all(str(message) for _, message in told)

    def stop(share: float, message: dc.Message) -> None:
        raise dc.errors.Cancelled

    work: list[Callable[[], Any]] = [
        lambda: session.transfer(TARGET, STYLE, SMALL, progress=stop),
        lambda: session.read_style(STYLE[::-1], SMALL, progress=stop),
        lambda: session.round_trip(TARGET, SMALL, progress=stop),
    ]
    for one in work:
        with pytest.raises(dc.errors.Cancelled):
            one()

    def fail(share: float, message: dc.Message) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        session.transfer(TARGET, STYLE, SMALL, progress=fail)


NOTHING = np.zeros((HEIGHT, WIDTH), np.uint8)

REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "levels as floats": ("given-range-levels", {"target": TARGET.astype(float)}),
    "centred floats": ("given-range", {"target": TARGET / 127.5 - 1}),
    "not numbers": ("given-not-finite", {"style": np.where(LEFT, np.nan, 0.5)}),
    "wide integers": ("given-numbers", {"target": TARGET.astype(int)}),
    "another kind": ("given-kind", {"style": [[0, 1], [1, 0]]}),
    "no file": ("file-missing", {"target": "there is none.png"}),
    "mask of another size": ("given-size", {"target_mask": LEFT.T}),
    "empty mask": ("mask-empty", {"target_mask": NOTHING}),
    "transparent target": ("image-transparent", {"target": np.dstack([TARGET, NOTHING])}),
    "transparent style": ("image-transparent", {"style": np.dstack([TARGET, NOTHING])}),
    "hidden target": (
        "target-hidden",
        {"target": np.dstack([TARGET, 255 * LEFT.astype(np.uint8)]), "target_mask": ~LEFT},
    ),
    "hidden style": ("style-hidden", {"style": np.dstack([TARGET, 255 * LEFT.astype(np.uint8)]), "style_mask": ~LEFT}),
    "labels of another size": ("given-size", {"regions": (LEFT.astype(int), LEFT.astype(int))}),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_have_to_be_guessed_is_refused(session: dc.Session, case: str) -> None:
    code, given = REFUSED[case]
    with pytest.raises(dc.errors.InputError) as refused:
        session.transfer(**{"target": TARGET, "style": STYLE, "settings": SMALL, **given})
    assert refused.value.message.code == code
    assert str(refused.value).endswith(".")
    assert isinstance(refused.value, ValueError)


def test_a_kept_style_has_its_masks_built_in(session: dc.Session) -> None:
    style = session.read_style(STYLE, SMALL)
    for more in ({"style_mask": np.ones(STYLE.shape[:2], bool)}, {"regions": (LEFT.astype(int), LEFT.astype(int))}):
        with pytest.raises(dc.errors.InputError) as refused:
            session.transfer(TARGET, style, SMALL, **more)
        assert refused.value.message.code == "style-has-masks"
