"""The project's pages in Markdown, and what is in them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SPANISH = "docs/guia-de-uso.md"
GITHUB = REPOSITORY / ".github"


def tracked(*patterns: str) -> list[Path]:
    """The project's files whose paths match; those that are new and not ignored, too."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=REPOSITORY,
        capture_output=True,
        check=True,
    ).stdout.decode()
    return [REPOSITORY / name for name in sorted(filter(None, listed.split("\0"))) if (REPOSITORY / name).exists()]


def without_code(text: str) -> str:
    """Markdown with its code, links' targets and formulas blanked, line by line."""
    text = re.sub(r"(?ms)^```.*?^```$|^ {4,}\S[^\n]*$|^    [^\n]*$", _blank, text)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)|\$[^$\n]*\$", lambda code: "x" * 3, text)


def python_examples(page: Path) -> Iterator[str]:
    """The blocks of Python on a page, in order."""
    yield from re.findall(r"(?ms)^```python\n(.*?)^```$", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """What links may lead to on a page: its headings, as GitHub names them."""
    headings = re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[str]:
    """The targets of links and pictures on a page."""
    text = re.sub(r"(?ms)^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"))
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def _blank(code: re.Match[str]) -> str:
    return "\n" * code[0].count("\n")
