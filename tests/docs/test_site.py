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
def test_examples_run(tmp_path: Path) -> None:
    """All in one program, on pictures of a few dozen places."""
    for name in ("coffee", "rocket"):
        picture = tmp_path / "tests" / "data" / f"{name}.jpg"  # as the pages name them, but small
        picture.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(REPOSITORY / "tests" / "data" / picture.name) as whole:
            whole.resize((60, 40)).save(picture)
    program = tmp_path / "examples.py"
    examples = [example for page in ("python.md", "extending.md") for example in python_examples(DOCS / page)]
    program.write_text("\n".join(examples), encoding="utf-8")
    subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:.*torch.jit.script", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        check=True,
    )
