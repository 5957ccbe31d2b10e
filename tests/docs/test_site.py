"""The documentation site builds without a warning, its tutorial and the examples on its pages run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.docs.pages import REPOSITORY, python_examples

DOCS = REPOSITORY / "docs"


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
def test_the_site_builds(tmp_path: Path) -> None:
    site = Path(os.environ.get("DECOUPLE_SITE") or tmp_path / "site")
    answer = subprocess.run([sys.executable, DOCS / "build_site.py", site], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert "register_integrator" in (site / "reference.html").read_text(encoding="utf-8")
    assert len(list((site / "_images").glob("*plot_first_style_0*.png"))) >= 7
    assert (site / "guia-de-uso.html").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize("page", ["python.md", "extending.md"])
def test_examples_run(page: str, tmp_path: Path) -> None:
    for name in ("coffee", "rocket"):
        picture = tmp_path / "tests" / "data" / f"{name}.jpg"  # as the pages name them, but small
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(REPOSITORY / "tests" / "data" / picture.name) as whole:
            whole.resize((96, 64)).save(picture)
    program = tmp_path / "examples.py"
    program.write_text("\n".join(python_examples(DOCS / page)), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:.*torch.jit.script", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
