"""What the tests of the installer share."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The helpers are shared by tests and this file; the folder is no package.
sys.path.insert(0, str(Path(__file__).parent))

from small_index import SmallIndex
from user import User


@pytest.fixture
def user(tmp_path: Path) -> User:
    """A user with nothing installed."""
    return User(tmp_path)


@pytest.fixture(scope="module")
def index() -> Iterator[SmallIndex]:
    """A package index on this machine, with packages of a few bytes, and an index of torch's builds."""
    with SmallIndex() as served:
        yield served
