"""What all tests share: a cache outside the checkout, the real weights, and the skips that a machine imposes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from decouple_core.model.threads import best_number, settle

if TYPE_CHECKING:
    import torch


# Before torch is loaded, here or in a process that a test starts; tests that run side by side share the cores.
SIDE_BY_SIDE = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (best_number() or os.cpu_count() or 1) // SIDE_BY_SIDE)))
settle(os.environ)
# What users' processes print waits in buffers, unless they say otherwise; where nobody takes it, that shows at the end.
os.environ.pop("PYTHONUNBUFFERED", None)


def cache_folder() -> Path:
    """Where tests keep what is slow to fetch: `DECOUPLE_TEST_CACHE`, else a folder in the user's cache."""
    return Path(os.environ.get("DECOUPLE_TEST_CACHE") or Path.home() / ".cache" / "decoupled-style-tests").absolute()


@pytest.fixture(scope="session", autouse=True)
def _own_home() -> Iterator[None]:
    """Keep tests, and the processes they start, away from the user's own installation."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DECOUPLE_HOME", str(cache_folder() / "home"))
        yield


@pytest.fixture(scope="session")
def weights(_own_home: None) -> tuple[str, dict[str, torch.Tensor]]:
    """The real VGG-16, name and tensors; fetched once and kept in the tests' cache.

    Always this one, so that results do not depend on which hosts answer.
    """
    from decouple_core.weights import load_weights

    return load_weights("vgg16")


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """On pictures as small as those of many tests, threads mostly wait for each other."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


LONG = (
    "trixie",
    "forky",
    "tests/install/test_changing_over.py",
    "tests/install/test_install.py",
    "tests/core/test_accelerator.py",
    "tests/core/test_painting.py",
    "tests/core/test_transfer.py",
    "tests/core/test_results.py",
    "tests/faults/test_worker_together.py",
    "tests/core/test_batch.py",
    "tests/core/test_marks.py",
    "tests/core/test_mixing.py",
    "tests/core/test_page.py",
    "tests/faults/test_hostile_inputs.py",
    "tests/docs/test_site.py",
)
"""What takes a minute or more, longest first: begun last, it would keep one process busy while the other is done."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Give one process all the tests of a file, or of a GIMP: they share what is slow to set up."""
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrGimp(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            release = re.search(r"\[(trixie|forky)\b", nodeid)
            return release[1] if release else super()._split_scope(nodeid)

        def _assign_work_unit(self, node: Any) -> None:
            if waiting := [scope for scope in LONG if scope in self.workqueue]:
                self.workqueue.move_to_end(waiting[0], last=False)
            super()._assign_work_unit(node)

    return ByFileOrGimp(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an accelerator where there is none."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    from decouple_core.model.device import pick_device

    if pick_device("auto").type == "cpu":
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="this machine has no accelerator that torch can use"))
