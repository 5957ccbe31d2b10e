"""The report: what a transfer's journal holds, and the folder it becomes."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from decouple_contract.errors import InputError
from decouple_contract.messages import Message
from decouple_contract.settings import Settings
from decouple_core.correspondence.correspondence import Correspondence
from decouple_core.correspondence.transport import Plan
from decouple_core.features.overview import Overview
from decouple_core.flow.move import Move
from decouple_core.report import Journal, LayerReport, Report

REFERENCE = [np.linspace(0, 1, n).tolist() for n in (64, 128)]


def report(notes: Journal, network: str = "vgg16") -> Report:
    layers = [LayerReport.of("relu1_1", *torch.rand(3, 1, 4, generator=torch.Generator().manual_seed(0)))]
    return Report(
        Settings(),
        [],
        network,
        "processor",
        notes.seconds,
        {"total": 3},
        layers,
        [],
        [],
        {"relu1_1": [], "relu2_1": [5]},
        REFERENCE,
        notes.losses,
        notes.images,
    )


def move(layer: int, goal: float) -> Move:
    """Of a layer of two features, each of those before it held at 0."""
    return Move(layer, torch.zeros(1, 2), torch.full((1, 2), goal), torch.zeros(1, 2 * (layer - 1)))


def journal() -> Journal:
    notes = Journal()
    for step, layers in (("normalise", (1, 2)), ("stylise", (2, 1))):
        with notes.step(step):
            for layer in layers:
                for distance in (2.0, 0.5, 0.0):
                    notes.loss(move(layer, 0.0), torch.full((1, 2 * layer), distance), (2, 2))
    generator = torch.Generator().manual_seed(0)
    notes.images["target"] = torch.rand(3, 20, 30, generator=generator)
    notes.images["normalised"] = 3 * torch.rand(3, 20, 30, generator=generator) - 1  # the flow is not bound to the box
    return notes


def test_journal_notes_under_which_step() -> None:
    notes = journal()
    assert [entry["step"] for entry in notes.losses] == ["normalise"] * 6 + ["stylise"] * 6
    assert [len(entry["loss"]) for entry in notes.losses] == [1] * 3 + [2] * 6 + [1] * 3
    for entry in notes.losses:  # 2², 0.5² and 0, the same in each layer
        assert entry["loss"] in ([value] * entry["layer"] for value in (4.0, 0.25, 0.0))
    assert list(notes.seconds) == ["normalise", "stylise"]


def test_seconds_are_those_that_passed() -> None:
    notes, start = Journal(), time.perf_counter()
    with notes.step("prepare"):
        time.sleep(0.02)
    assert 0.02 <= notes.seconds["prepare"] <= time.perf_counter() - start + 0.001


def test_folder(tmp_path: Path) -> None:
    notes, folder = journal(), tmp_path / "deep" / "report"
    report(notes).save(folder)
    assert sorted(p.name for p in folder.iterdir()) == [
        "report.html",
        "report.json",
        "step_0_target.png",
        "step_1_normalised.png",
    ]

    def no_constant(name: str) -> Any:
        raise ValueError(f"{name} is no JSON")

    kept = json.loads((folder / "report.json").read_text(encoding="utf-8"), parse_constant=no_constant)
    assert kept == {**report(notes).as_dict(), "losses": notes.losses}
    for number, (name, image) in enumerate(notes.images.items()):
        written = np.asarray(PIL.Image.open(folder / f"step_{number}_{name}.png"))
        wanted = np.round(image.permute(1, 2, 0).numpy().clip(0, 1) * 255)
        assert np.abs(written.astype(float) - wanted).max() <= 1


def test_correspondence_is_told_and_shown(tmp_path: Path) -> None:
    """Where a place takes from one place alone it has that one's colour; of two styles, each its own."""

    def overview(width: int) -> Overview:
        image, grid = torch.ones(3, 16, width), (2, width // 8)
        return Overview(image, torch.zeros(grid[0] * grid[1], 12), torch.ones(1, grid[0] * grid[1]))

    forward = torch.zeros(6, 10)
    forward[:, 4] = 1.0  # the first of the second style
    found = Correspondence(
        overview(24),
        (overview(16), overview(24)),
        Plan(forward, torch.full((6,), 1 / 6)),
        torch.eye(10),
        torch.zeros(10, 1),
        torch.zeros(10, 3),
        0.62,
        "",
    )
    made = dataclasses.replace(report(Journal()), correspondence=found)
    made.save(tmp_path)
    kept = json.loads((tmp_path / "report.json").read_text())["correspondence"]
    assert kept["certainty"] == 0.62
    assert kept["words"] == str(Message.from_dict(kept["message"]))
    one, two, target = (
        np.asarray(PIL.Image.open(tmp_path / f"correspondence_{name}.png"), float)
        for name in ("style_1", "style_2", "target")
    )
    assert np.ptp(target, (0, 1)).max() <= 1
    assert np.abs(target[0, 0] - two[0, 0]).max() <= 1
    assert np.abs(one - target[0, 0]).sum(2).min() > 10
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Where each place takes from" in page
    assert f"Certainty 0.62: {kept['words']}." in page


def test_report_is_written_over_an_older_one(tmp_path: Path) -> None:
    for network in ("vgg19", "vgg16"):
        report(journal(), network).save(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["network"] == "vgg16"


def test_transfer_without_flow_has_a_report_too(tmp_path: Path) -> None:
    report(Journal()).save(tmp_path)
    assert json.loads((tmp_path / "report.json").read_text())["losses"] == []
    assert "Loss of each layer" not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "report"):
        with pytest.raises(InputError, match=r"cannot be written .*; choose another"):
            report(journal()).save(folder)
    assert (tmp_path / "file").read_text() == "x"
