"""What the worker makes of a job's components: windows on the result, other amounts, layers that add up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image
from skimage.transform import resize

from decouple_contract.jobs import Parts, Raster, Transfer, View
from decouple_contract.settings import COMPONENTS, Settings
from decouple_contract.shared_folders import pixels_file
from decouple_core.engine import Engine
from decouple_core.features.style import Style
from decouple_core.service.results import Results, Solution
from tests.core.request_of_arrays import request

SIDES = (600, 401)
"""Width and height of the target: several times the size at which it is painted here, as photographs are."""


def photograph(name: str, width: int, height: int) -> np.ndarray:
    """One of scikit-image's, (height, width, 3) in [0, 1]."""
    whole = getattr(skimage.data, name)()[..., :3] / 255.0
    return resize(whole, (height, width), anti_aliasing=True).astype(np.float32)


class Job:
    """A transfer as the worker has it: files, the engine, and what it keeps."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.settings = Settings.from_dict({"network": "vgg16", "device": "cpu", "size": 256, "layers": 2, **settings})
        self.target, self.style = photograph("chelsea", *SIDES), photograph("coffee", 120, 80)
        self.folder, self.results, self.solves = folder, Results(), 0
        self.engine = Engine()
        self._runs: dict[str, np.ndarray] = {}
        pixels_file(folder, "target").write_bytes(self.target.tobytes())

    def transfer(self, settings: Settings, view: View | None = None) -> Transfer:
        """The message."""
        return Transfer(Raster(*SIDES, 3), settings.as_dict(), features={}, view=view)

    def made(self, settings: Settings) -> Solution:
        """Components, kept or new."""

        def make() -> Solution:
            self.solves += 1
            done = self.engine.transfer(request(self.target, self.style, settings), render=False)
            assert isinstance(done.style, Style)
            return Solution(done.components, done.report.settings, {})

        return self.results.made(self.folder, self.transfer(settings), make)

    def look(self, view: View, **changed: object) -> tuple[np.ndarray, np.ndarray]:
        """Before and after in a window."""
        settings = Settings.from_dict({**self.settings.as_dict(), **changed})
        return self.results.look(self.made(settings), settings, self.folder, self.transfer(settings, view), self.target)

    def run(self, **changed: object) -> np.ndarray:
        """The whole picture, by an engine that keeps nothing of ours; made once for all tests that compare with it."""
        settings = Settings.from_dict({**self.settings.as_dict(), **changed})
        key = repr(settings)
        if key not in self._runs:
            self._runs[key] = Engine().transfer(request(self.target, self.style, settings)).image
        return self._runs[key]


@pytest.fixture(scope="module", params=["photo", "painting"])
def job(
    request: pytest.FixtureRequest, weights: object, one_thread: None, tmp_path_factory: pytest.TempPathFactory
) -> Job:
    """One in each outcome."""
    return Job(tmp_path_factory.mktemp("job"), mode=request.param)


def test_window_at_full_size_is_the_runs(job: Job) -> None:
    before, after = job.look(View(600, 130, 90, 200, 150))
    assert np.array_equal(before, job.target[90:240, 130:330])
    assert np.abs(after - job.run()[90:240, 130:330]).max() < 1e-4


@pytest.mark.parametrize("longest", [320, 60])
def test_smaller_view_is_the_run_made_smaller(job: Job, longest: int) -> None:
    """Also below the size at which it was painted."""
    view = View(longest, 0, 0, longest, round(longest * SIDES[1] / SIDES[0]))
    before, after = job.look(view)
    run = job.run()
    shape = (after.shape[1], after.shape[0])
    expected = np.dstack(
        [
            np.asarray(Image.fromarray(channel).resize(shape, Image.Resampling.BICUBIC))
            for channel in run.transpose(2, 0, 1)
        ]
    )
    assert np.abs(after - expected).mean() < 2 / 255
    assert np.abs(before - after).mean() > 8 / 255, "the transfer changed little; the comparison says little"


@pytest.mark.parametrize("longest", range(150, 600, 37))
def test_view_of_any_size_has_it(job: Job, longest: int) -> None:
    """Whatever the rounding of sides in between."""
    view = View(longest, 0, 0, 1, 1)
    width, height = view.sides(Raster(*SIDES, 3))
    whole = View(longest, 0, 0, width, height)
    assert all(shown.shape == (height, width, 3) for shown in job.look(whole))


def test_other_amounts_need_no_solve(job: Job) -> None:
    job.look(View(300, 0, 0, 300, 200))
    job.look(View(600, 0, 0, 600, 401))
    solves = job.solves
    changed = {"amounts": [0.5, 0.25, 1.5, 0.0], "keep_detail": 0.9, "keep_colours": True}
    _before, after = job.look(View(600, 0, 0, 600, 401), **changed)
    assert job.solves == solves
    assert np.abs(after - job.run(**changed)).max() < 1e-4


def test_changed_pixels_and_settings_are_noticed(job: Job) -> None:
    job.look(View(300, 0, 0, 300, 200))
    solves = job.solves
    job.look(View(300, 0, 0, 300, 200), freedom=0.3)
    assert job.solves == solves + 1
    pixels_file(job.folder, "target").write_bytes(job.target.tobytes())
    job.look(View(300, 0, 0, 300, 200))
    assert job.solves == solves + 2


@pytest.mark.parametrize(("levels", "linear", "bound"), [(0, False, 1e-4), (255, False, 2 / 255), (65535, True, 1e-3)])
def test_parts_add_up(job: Job, levels: int, linear: bool, bound: float) -> None:
    out = np.empty((SIDES[1], SIDES[0], 3), np.float32)
    parts = [np.empty_like(out) for _ in COMPONENTS]
    job.results.parts(job.made(job.settings), job.settings, Parts(levels, linear), job.target, out, parts, print)
    assert np.abs(out - job.run()).max() < 1e-4
    total = parts[0] + sum(part - 0.5 for part in parts[1:])
    assert np.abs(total - out).max() < bound
    if job.settings.mode == "painting":
        assert all(np.abs(part - 0.5).mean() > 0.5 / 255 for part in parts[1:]), "each adds something"
        assert np.abs(parts[0] - job.run(amounts=[1, 0, 0, 0])).max() < max(bound, 1e-4)


def test_parts_of_a_grey_document_are_grey(job: Job) -> None:
    out = np.empty((SIDES[1], SIDES[0], 3), np.float32)
    parts = [np.empty_like(out) for _ in COMPONENTS]
    job.results.parts(job.made(job.settings), job.settings, Parts(255, grey=True), job.target, out, parts, print)
    assert all(np.ptp(part, axis=2).max() < 1e-6 for part in parts)
