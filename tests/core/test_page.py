"""The report's page: whole, well-formed, and closed against the network and whatever comes from outside."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from decouple_contract.settings import Settings
from decouple_core.features.colour import ColourMap
from decouple_core.outcomes.bilateral_grid import BilateralGrid
from decouple_core.outcomes.certificate import Drift, Movement
from decouple_core.outcomes.components import Components
from decouple_core.outcomes.field import Field
from decouple_core.page.of_transfer import PagePictures, write_transfer_page
from decouple_core.report import LayerReport, Report

HOSTILE = [
    "<script>alert(1)</script>.png",
    '"><img src=//example.com/x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "a' onload='x",
    "&lt;b&gt;",
    "\udcff not text.jpg",
    "</style></title>",
]
"""Names that a file or a style may have."""

VOID = {"img", "input", "meta"}
"""Elements of the page that HTML does not close."""

STYLE = np.random.default_rng(1).random((40, 30, 3), dtype=np.float32)
TARGET = np.random.default_rng(0).integers(0, 256, (600, 900, 3), np.uint8)


class Elements(HTMLParser):
    """Every element's name and attributes, and the text of the page; each closed by its own end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def report(target_name: str = "a.png", style_name: str = "b.png") -> Report:
    """Of a painting, as long as one of five layers at 512 px, and as noisy as can be."""
    generator = torch.Generator().manual_seed(0)
    sizes = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512, "relu5_1": 512}
    losses = [
        {"step": step, "layer": layer, "loss": [10.0**-n] * layer}
        for step in ("style", "normalise", "stylise")
        for layer in range(1, 6)
        for n in range(40)
    ]
    images = {name: torch.rand(3, 43, 64, generator=generator) for name in ("target", "normalised", "stylised_relu2_1")}
    base = torch.rand(3, 341, 512, generator=generator)
    nothing = Field(BilateralGrid, BilateralGrid(base).constant(ColourMap(torch.eye(3), torch.zeros(3))))
    components = Components(
        nothing,
        {name: torch.randn(3, 341, 512, generator=generator) / 10 for name in ("forms", "strokes", "grain")},
        (),
        base,
    )
    shown = PagePictures(TARGET, STYLE, PIL.Image.fromarray(255 - TARGET), target_name, style_name, components)
    return Report(
        Settings(mode="painting"),
        [],
        "vgg16",
        "processor, 2 threads",
        {"prepare": 1.25, "stylise": 10.5},
        {"total": 1171},
        [LayerReport(name, [], [], [], 0.125, 0.5) for name in sizes],
        [Movement(64, name, [1.0, -0.031, 0.25, 1.04]) for name in ("forms", "strokes", "grain", "all")],
        [Drift("relu2_1", [0.017, 0.891])],
        {**{name: [] for name in sizes}, "relu5_1": [3, 99]},
        [torch.rand(size, generator=generator).tolist() for size in sizes.values()],
        losses,
        images,
        shown,
    )


def page_of(made: Report, folder: Path) -> str:
    made.save(folder)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return page_of(report(), tmp_path_factory.mktemp("report"))


def test_page_is_whole_and_well_formed(page: str) -> None:
    elements = Elements(page)
    assert "a.png in the style of b.png" in elements.text
    for wanted in (
        "Target and result",
        "forms: white and black are ±",
        "What moving one layer does to the others",
        "What each component moves",
        "64 px, strokes",
        "−3.1%",
        "104.0%",
        "89.1%",
        "stylised relu2_1",
        "relu5_1: 2 of 512 channels dead",
        "10.50 s",
        "1171 network evaluations",
        "style_scale",
    ):
        assert wanted in elements.text, wanted
    svgs = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    assert len(svgs) == 3 + 5  # losses of three steps, noise of five layers
    for svg in svgs:
        xml.etree.ElementTree.fromstring(svg)
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(page) < 3_000_000
    labelled = [attributes for tag, attributes in elements.found if tag == "input"]
    assert [(one["type"], "result" in one["aria-label"]) for one in labelled] == [("range", True)]
    assert ids  # of what a drawing refers to in itself
    assert set(re.findall(r"url\(#(\w+)\)", page)) | {
        href[1:] for _, attributes in elements.found if (href := attributes.get("xlink:href"))
    } <= set(ids)


def test_page_fetches_nothing(page: str) -> None:
    for tag, attributes in Elements(page).found:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form", "a")
        for name, value in attributes.items():
            if not name.startswith("xmlns"):  # a name of a kind of document, which nobody fetches
                assert "//" not in value or value.startswith("data:"), (tag, name, value)
            if name in ("src", "href", "xlink:href"):
                assert value.startswith(("data:image/", "#"))
    assert page.count("<script") == 1


def test_pictures_are_those_of_the_transfer(page: str) -> None:
    sources = [attributes["src"] for tag, attributes in Elements(page).found if tag == "img"]
    pictures = [PIL.Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))) for source in sources]
    assert [picture.size for picture in pictures] == [
        (800, 533),
        (800, 533),
        (30, 40),
        *[(512, 341)] * 4,
        *[(64, 43)] * 3,
    ]
    before, after, style = (np.asarray(picture, float) for picture in pictures[:3])
    assert np.abs(before + after - 255).mean() < 12  # one is the negative of the other, but for JPEG
    assert np.abs(style - 255 * STYLE).max() <= 0.5
    for difference in pictures[4:7]:
        assert abs(np.asarray(difference, float).mean() - 127.5) < 2  # nothing, on average, is grey


def test_names_from_outside_stay_text(tmp_path: Path, page: str) -> None:
    name = " ".join(HOSTILE)
    made = page_of(report(name, name), tmp_path)
    tame, elements = Elements(page), Elements(made)
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in tame.found]
    assert [set(attributes) for _, attributes in elements.found] == [set(attributes) for _, attributes in tame.found]
    assert name.replace("\udcff", r"\udcff") in elements.text


def test_transparent_is_white_and_what_is_gone_is_left_out(tmp_path: Path) -> None:
    made = report()
    assert made.shown is not None
    clear = np.dstack([TARGET, np.where(np.arange(900) < 450, 0, 255) + np.zeros((600, 1))]).astype(np.uint8)
    page = page_of(
        dataclasses.replace(
            made, shown=dataclasses.replace(made.shown, target=clear, result=clear, style=tmp_path / "gone.png")
        ),
        tmp_path,
    )
    sources = [attributes["src"] for tag, attributes in Elements(page).found if tag == "img"]
    shown = np.asarray(PIL.Image.open(io.BytesIO(base64.b64decode(sources[0].split(",", 1)[1]))))
    assert shown[:, :380].min() > 245
    assert shown[:, 420:].mean() < 160
    assert "saved style" in page


def test_choices_are_told_with_their_reasons(tmp_path: Path) -> None:
    choice = {"setting": "structure", "value": 0.8, "why": "a face <no tag> fills the picture"}
    write_transfer_page(tmp_path / "page.html", {**report().as_dict(), "losses": [], "choices": [choice]}, {}, None)
    text = Elements((tmp_path / "page.html").read_text(encoding="utf-8")).text
    assert "What was chosen" in text
    assert "a face <no tag> fills the picture" in text


BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)


@pytest.fixture(scope="module")
def long_names(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page of pictures whose names have no end."""
    folder = tmp_path_factory.mktemp("long-names")
    page_of(report("a long name " * 12, "x" * 300), folder)
    return folder / "report.html"


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (on Debian the package chromium-headless-shell)")
@pytest.mark.parametrize("width", [1280, 390])
def test_browser(tmp_path: Path, long_names: Path, width: int) -> None:
    """The divider's script runs although the page forbids scripts, and the page is no wider than its window."""
    assert BROWSER is not None
    browse = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--window-size={width},5000",
        f"--user-data-dir={tmp_path / 'profile'}",
    ]
    address = long_names.as_uri()
    after = subprocess.run([*browse, "--dump-dom", address], capture_output=True, text=True, check=True, timeout=60)
    assert re.search(r'<div class="divider" style="[^"]*--at: 50%', after.stdout)
    subprocess.run(
        [*browse, f"--screenshot={tmp_path / 'page.png'}", address], capture_output=True, check=True, timeout=60
    )
    shot = np.asarray(PIL.Image.open(tmp_path / "page.png").convert("L"))
    assert shot.shape[1] == width
    assert shot.std() > 20
    assert np.ptp(shot[:, -12:]) == 0  # the margin
