"""Fixtures of the fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.worker import done, served


@pytest.fixture(scope="module")
def home(weights: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder, and a worker that serves there."""
    with served(tmp_path_factory.mktemp("home")) as (home, _worker):
        done(home)
        yield home
