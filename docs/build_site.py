#!/usr/bin/env python3
"""Build the documentation site into a folder: ``python docs/build_site.py FOLDER``, after ``pip install '.[docs]'``.

Runs the tutorial, reads the docstrings, and fails on any warning, such as a link that leads nowhere. Nothing is written
beside the sources.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent


def build(folder: Path) -> int:
    """Build the site; returns Sphinx's exit code."""
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / "docs"  # the tutorial's pages and pictures are made beside the other pages
        shutil.copytree(DOCS, sources)
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "sphinx",
                "--quiet",
                "--fail-on-warning",
                "--keep-going",
                "--doctree-dir",
                Path(scratch) / "doctrees",
                sources,
                folder,
            ]
        ).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="docs/build_site.py", description="Build the documentation site.")
    parser.add_argument("folder", type=Path, help="where to; made if it is missing")
    sys.exit(build(parser.parse_args().folder))
