"""Fixtures for the tests in a real GIMP 3."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# These helpers are shared by tests, the conftest and the benchmark; the folder is no package.
sys.path.insert(0, str(Path(__file__).parent))

from gimp_under_test import GimpUnderTest, Session, lend_weights
from pictures import Pictures
from window import Window

from installer.plug_in import copy_plug_in


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything that asks for GIMP carries its mark."""
    for item in items:
        if "gimp_root" in getattr(item, "fixturenames", ()):
            item.add_marker("gimp")


@pytest.fixture(scope="session", params=["trixie", "forky"])
def gimp_root(request: pytest.FixtureRequest) -> Path | None:
    """The folder of a Debian with GIMP 3.0 or with 3.2, or None where this machine has a GIMP 3 itself."""
    done = subprocess.run(
        [Path(__file__).parent / "setup_gimp", request.param], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["setup_gimp failed"])[-1]
        # Debian's next release changes from day to day: where it cannot be had, its GIMP is no failure.
        if os.environ.get("DECOUPLE_REQUIRE_GIMP") and request.param == "trixie":
            pytest.fail(reason)
        pytest.skip(reason)
    answer = done.stdout.strip().splitlines()[-1]
    return None if answer == "native" else Path(answer)


@pytest.fixture(scope="session")
def gimp(gimp_root: Path | None, weights: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GimpUnderTest]:
    """A GIMP with the plug-in, and a data folder that borrows the real weights."""
    folder = tmp_path_factory.mktemp("gimp")
    home = folder / "home"
    home.mkdir()
    lend_weights(Path(os.environ["DECOUPLE_HOME"]), home)
    made = GimpUnderTest(gimp_root, folder, home)
    made.install()
    yield made
    made.stop_worker()


@pytest.fixture(scope="session")
def console(gimp: GimpUnderTest) -> Iterator[Session]:
    """A GIMP without a window, which all tests share: a start takes seconds."""
    session = Session(gimp)
    yield session
    session.close()


@pytest.fixture(scope="session")
def window(gimp: GimpUnderTest) -> Iterator[Window]:
    """A GIMP in a window, shared until the last test of test_window.py kills it; its screenshots are kept."""
    session = Window(gimp, screenshots() / ("gimp" if gimp.root is None else gimp.root.name))
    yield session
    session.close()


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The plug-in's package, put together as install.py does it, where Python finds it: for what needs no GIMP."""
    folder = tmp_path_factory.mktemp("plug-ins") / "decoupled-style"
    copy_plug_in(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield
        for name in [name for name in sys.modules if name.partition(".")[0] == "decoupled_style"]:
            del sys.modules[name]


@pytest.fixture
def pictures(gimp: GimpUnderTest) -> Pictures:
    """Makes pictures for GIMP and reads what came of them."""
    return Pictures(gimp.folder)


def screenshots() -> Path:
    """Where screenshots go: `DECOUPLE_SCREENSHOTS`, else a folder in the tests' cache."""
    cache = os.environ.get("DECOUPLE_TEST_CACHE") or Path.home() / ".cache" / "decoupled-style-tests"
    return Path(os.environ.get("DECOUPLE_SCREENSHOTS") or Path(cache) / "screenshots")
